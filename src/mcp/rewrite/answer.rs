//! A server's answer, rewritten message by message: a body of JSON once it is complete, a stream of events as they
//! come.
//!
//! Not here: what is changed in a message ([`super::list`]).

use super::sse::{Block, Splitter, TooLong};
use super::{Rewriter, Unreadable};
use crate::mcp::transport::response::MediaType;

/// Changes the JSON of an answer.
pub trait Edit {
    /// Reads one message, or an array of them.
    fn edit(&self, json: &[u8]) -> Result<Edited, Unreadable>;
}

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edited {
    /// It is handed on as it came.
    Same,
    /// This is handed on.
    Changed(Vec<u8>),
    /// It is not handed on. What is no stream is then empty.
    Gone,
}

/// An answer that goes through an [`Edit`]. What cannot be read ends it with `refuse`'s JSON-RPC error response.
pub struct RewrittenAnswer<E, R> {
    form: Form,
    limit: usize,
    edit: E,
    refuse: R,
    over: bool,
}

enum Form {
    Json(Vec<u8>),
    Events(Splitter),
}

impl<E: Edit, R: Fn(Unreadable) -> Vec<u8>> RewrittenAnswer<E, R> {
    /// Of a media type. At most `limit` bytes are held: of a body of JSON all of it, of a stream one event.
    pub fn new(media_type: MediaType, limit: usize, edit: E, refuse: R) -> Self {
        let form = match media_type {
            MediaType::Json => Form::Json(Vec::new()),
            MediaType::EventStream => Form::Events(Splitter::new(limit)),
        };
        Self { form, limit, edit, refuse, over: false }
    }

    /// The error response in the form of the answer, which ends with it.
    fn refusal(&mut self, why: Unreadable) -> Vec<u8> {
        self.over = true;
        let error = (self.refuse)(why);
        match &mut self.form {
            Form::Json(body) => {
                *body = Vec::new();
                error
            }
            Form::Events(_) => [b"event: message\ndata: ", error.as_slice(), b"\n\n"].concat(),
        }
    }
}

impl<E: Edit, R: Fn(Unreadable) -> Vec<u8>> Rewriter for RewrittenAnswer<E, R> {
    fn push(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        let too_long = Unreadable::TooLong { limit: self.limit };
        let mut out = Vec::new();
        while !self.over && !bytes.is_empty() {
            let read = match &mut self.form {
                Form::Json(body) if body.len() + bytes.len() > self.limit => Err(too_long),
                Form::Json(body) => {
                    // A list of megabytes would be moved at each doubling.
                    if body.len() + bytes.len() > body.capacity() {
                        body.reserve((4 * body.len()).min(self.limit - body.len()));
                    }
                    body.extend_from_slice(bytes);
                    break;
                }
                Form::Events(splitter) => match splitter.next(&mut bytes) {
                    Ok(Some(block)) => edited(&self.edit, block),
                    Ok(None) => break,
                    Err(TooLong) => Err(too_long),
                },
            };
            let read = read.unwrap_or_else(|why| self.refusal(why));
            if out.is_empty() {
                out = read;
            } else {
                out.extend_from_slice(&read);
            }
        }
        out
    }

    fn end(&mut self) -> Vec<u8> {
        if self.over {
            return Vec::new();
        }
        let read = match &mut self.form {
            Form::Json(body) => {
                let body = std::mem::take(body);
                self.edit.edit(&body).map(|edited| match edited {
                    Edited::Same => body,
                    Edited::Changed(body) => body,
                    Edited::Gone => Vec::new(),
                })
            }
            Form::Events(splitter) => splitter.rest().map_or(Ok(Vec::new()), |block| edited(&self.edit, block)),
        };
        let out = read.unwrap_or_else(|why| self.refusal(why));
        self.over = true;
        out
    }

    fn is_over(&self) -> bool {
        self.over
    }
}

/// A block whose data cannot be a message, as it does not begin like one, is let through: nobody finds a list in it.
fn edited(edit: &impl Edit, block: Block) -> Result<Vec<u8>, Unreadable> {
    let edited = match block.data() {
        Some(data) if matches!(data.trim_ascii_start().first(), Some(b'{' | b'[')) => edit.edit(&data)?,
        _ => Edited::Same,
    };
    Ok(match edited {
        Edited::Same => block.into_bytes(),
        Edited::Changed(data) => block.with_data(&data),
        Edited::Gone => Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Takes the x out, and cannot read what has a y.
    struct WithoutX;

    impl Edit for WithoutX {
        fn edit(&self, json: &[u8]) -> Result<Edited, Unreadable> {
            if json.is_empty() || json.contains(&b'y') {
                return Err(Unreadable::NotJson);
            }
            let without: Vec<u8> = json.iter().copied().filter(|byte| *byte != b'x').collect();
            Ok(match without.len() {
                _ if json.contains(&b'z') => Edited::Gone,
                left if left < json.len() => Edited::Changed(without),
                _ => Edited::Same,
            })
        }
    }

    fn rewritten<'a>(media_type: MediaType, chunks: impl IntoIterator<Item = &'a [u8]>) -> (String, bool) {
        let refuse = |why| format!("error {why:?}").into_bytes();
        let mut answer = RewrittenAnswer::new(media_type, 40, WithoutX, refuse);
        let mut out: Vec<u8> = chunks.into_iter().flat_map(|chunk| answer.push(chunk)).collect();
        let over = answer.is_over();
        out.extend(answer.end());
        assert!(answer.is_over());
        assert!([answer.push(b"{}"), answer.end()].concat().is_empty());
        (String::from_utf8(out).unwrap(), over)
    }

    fn json(body: &str) -> String {
        rewritten(MediaType::Json, [body.as_bytes()]).0
    }

    fn events(stream: &str) -> String {
        rewritten(MediaType::EventStream, [stream.as_bytes()]).0
    }

    #[test]
    fn a_body_of_json_is_held_to_its_end() {
        assert_eq!(json("{ x }"), "{  }");
        assert_eq!(json("{ }\r\n"), "{ }\r\n");
        assert_eq!(json("{y}"), "error NotJson");
        assert_eq!(json(""), "error NotJson");
        let long = "{".repeat(41);
        let (out, over) = rewritten(MediaType::Json, [long.as_bytes()]);
        assert_eq!((out.as_str(), over), ("error TooLong { limit: 40 }", true), "and nobody waits for the rest");
    }

    #[test]
    fn a_stream_of_events_is_rewritten_as_it_comes() {
        let refuse = |_| b"error".to_vec();
        let mut answer = RewrittenAnswer::new(MediaType::EventStream, 40, WithoutX, refuse);
        assert_eq!(answer.push(b": here\n\nid: 1\ndata: {x}\n\nid: 2\nda"), b": here\n\nid: 1\ndata: {}\n\n");
        assert_eq!(answer.push(b"ta: {}\n\n"), b"id: 2\ndata: {}\n\n");
        assert_eq!(answer.end(), b"");
    }

    #[test]
    fn what_cannot_be_read_ends_a_stream_with_an_event_that_says_so() {
        let error = |why: &str| format!("data: {{}}\n\nevent: message\ndata: error {why}\n\n");
        assert_eq!(events("data: {}\n\nevent: a\ndata: {y}\n\ndata: {}\n\n"), error("NotJson"));
        assert_eq!(events("data: {}\n\ndata: {y}"), error("NotJson"), "nor does an unfinished one get through");
        assert_eq!(events(&format!("data: {{}}\n\n:{}", "a".repeat(40))), error("TooLong { limit: 40 }"));
    }

    #[test]
    fn what_is_no_message_passes() {
        for stream in ["id: y\n\n", "event: ping\ndata: y\n\n", "id: 1\ndata:\n\n", "retry: 3\n\n", "data: \n\n: y\n"] {
            assert_eq!(events(stream), stream);
        }
        assert_eq!(events("data:  \t{y}\n\n").split(' ').next(), Some("event:"), "white space hides no message");
    }

    proptest! {
        #[test]
        fn every_chunking_comes_to_the_same(
            stream in "\u{feff}{0,1}(data: [{x]|data:y|[{x:\r\n]|\r\n\r\n|\n\n){0,30}",
            size in 1..12_usize,
            is_json: bool,
        ) {
            let media_type = if is_json { MediaType::Json } else { MediaType::EventStream };
            let whole = rewritten(media_type, [stream.as_bytes()]);
            prop_assert_eq!(rewritten(media_type, stream.as_bytes().chunks(size)), whole.clone());
            if !stream.contains(['x', 'y']) && !whole.0.contains("error") {
                prop_assert_eq!(whole.0, stream);
            }
        }
    }
}
