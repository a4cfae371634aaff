//! A stream of events (HTML, "Server-sent events"), however it is cut into chunks: blocks that know the bytes they came
//! in.
//!
//! Not here: what an event says ([`super::answer`]).

use std::borrow::Cow;
use std::mem;

use memchr::memchr2;

/// HTML, "Parsing an event stream": one may open the stream, and is no part of its first line.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Cuts a stream into blocks. It holds one that has begun and not ended, and nothing else.
#[derive(Debug)]
pub struct Splitter {
    limit: usize,
    held: Vec<u8>,
    /// Where the unfinished line of `held` begins.
    line: usize,
    /// Whether `held` has a line that is no comment.
    has_field: bool,
    /// Whether the last line ended with CR, so that an LF would be part of that ending.
    after_cr: bool,
    /// Whether it is known if the stream opens with a byte order mark.
    opened: bool,
}

/// A block has become longer than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

impl Splitter {
    /// For blocks of so many bytes at most.
    pub fn new(limit: usize) -> Self {
        Self { limit, held: Vec::new(), line: 0, has_field: false, after_cr: false, opened: false }
    }

    /// Takes bytes off the front until a block is complete; `None` once there are no more.
    pub fn next(&mut self, bytes: &mut &[u8]) -> Result<Option<Block>, TooLong> {
        while let Some(first) = bytes.first() {
            if !self.opened {
                if self.open(bytes) {
                    return Ok(Some(self.take()));
                }
                continue;
            }
            if mem::take(&mut self.after_cr) && *first == b'\n' {
                self.hold(bytes, 1)?;
                self.line = self.held.len();
                // After a block it stands alone: whether it comes in time must not change the block.
                if self.line == 1 {
                    return Ok(Some(self.take()));
                }
                continue;
            }
            let Some(at) = memchr2(b'\r', b'\n', bytes) else {
                self.hold(bytes, bytes.len())?;
                break;
            };
            self.after_cr = bytes.get(at) == Some(&b'\r');
            self.hold(bytes, at + 1)?;
            if self.ends_line() {
                return Ok(Some(self.take()));
            }
        }
        Ok(None)
    }

    /// What is held when the stream ends. A reader that keeps to the rules drops it; others take it for an event.
    pub fn rest(&mut self) -> Option<Block> {
        (!self.held.is_empty()).then(|| self.take())
    }

    /// Takes the next byte as long as it may belong to the mark; whether the mark is complete.
    fn open(&mut self, bytes: &mut &[u8]) -> bool {
        let Some((first, rest)) = bytes.split_first() else { return false };
        if BYTE_ORDER_MARK.get(self.held.len()) == Some(first) {
            self.held.push(*first);
            *bytes = rest;
            self.opened = self.held == BYTE_ORDER_MARK;
            return self.opened;
        }
        self.opened = true;
        false
    }

    fn hold(&mut self, bytes: &mut &[u8], count: usize) -> Result<(), TooLong> {
        let Some((held, rest)) = bytes.split_at_checked(count) else { return Ok(()) };
        if self.held.len() + count > self.limit {
            return Err(TooLong);
        }
        self.held.extend_from_slice(held);
        *bytes = rest;
        Ok(())
    }

    /// Ends the line; whether the block ends with it. A comment between events is a block of its own, as it keeps
    /// somebody waiting.
    fn ends_line(&mut self) -> bool {
        let first = self.held.get(self.line).copied();
        self.line = self.held.len();
        match first {
            Some(b'\r' | b'\n') | None => true,
            Some(b':') => !self.has_field,
            Some(_) => {
                self.has_field = true;
                false
            }
        }
    }

    fn take(&mut self) -> Block {
        (self.line, self.has_field) = (0, false);
        Block(mem::take(&mut self.held))
    }
}

/// An event, a comment, an empty line or a byte order mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block(Vec<u8>);

impl Block {
    /// Its data, lines joined; `None` if no reader would see any.
    pub fn data(&self) -> Option<Cow<'_, [u8]>> {
        let mut data: Option<Cow<'_, [u8]>> = None;
        for value in lines(&self.0).filter_map(|(line, _)| data_of(line)) {
            match &mut data {
                None => data = Some(Cow::Borrowed(value)),
                Some(data) => {
                    let data = data.to_mut();
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
            }
        }
        data
    }

    /// Its bytes, as they came.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Its bytes with other data; every line that is none stays as it came.
    pub fn with_data(&self, data: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len());
        let mut written = false;
        for (line, ending) in lines(&self.0) {
            if data_of(line).is_none() {
                bytes.extend_from_slice(line);
                bytes.extend_from_slice(ending);
            } else if !mem::replace(&mut written, true) {
                let ending = if ending.is_empty() { b"\n" } else { ending };
                for (line, _) in lines(data) {
                    bytes.extend_from_slice(b"data: ");
                    bytes.extend_from_slice(line);
                    bytes.extend_from_slice(ending);
                }
            }
        }
        bytes
    }
}

/// The value of a line of data. "data" alone is an empty one, and one space after the colon is not part of it.
fn data_of(line: &[u8]) -> Option<&[u8]> {
    match line.strip_prefix(b"data")?.split_first() {
        None => Some(&[]),
        Some((b':', value)) => Some(value.strip_prefix(b" ").unwrap_or(value)),
        Some(_) => None,
    }
}

/// Lines and what ends them: CRLF, LF, CR, or the end of the text.
fn lines(mut text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    std::iter::from_fn(move || {
        if text.is_empty() {
            return None;
        }
        let length = memchr2(b'\r', b'\n', text).unwrap_or(text.len());
        let (line, rest) = text.split_at_checked(length)?;
        let (ending, rest) = rest.split_at_checked(if rest.starts_with(b"\r\n") { 2 } else { rest.len().min(1) })?;
        text = rest;
        Some((line, ending))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The blocks of a stream that comes in these chunks, the unfinished one included.
    fn blocks<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Block> {
        let mut splitter = Splitter::new(usize::MAX);
        let mut blocks = Vec::new();
        for mut chunk in chunks {
            while let Some(block) = splitter.next(&mut chunk).unwrap() {
                blocks.push(block);
            }
            assert!(chunk.is_empty());
        }
        blocks.extend(splitter.rest());
        blocks
    }

    fn data(stream: &str) -> Vec<String> {
        let text = |block: &Block| block.data().map(|data| String::from_utf8(data.into_owned()).unwrap());
        blocks([stream.as_bytes()]).iter().filter_map(text).collect()
    }

    #[test]
    fn a_table_of_streams() {
        for (stream, expected) in [
            ("data: a\n\ndata:b\r\n\r\ndata:  c\r\r", ["a", "b", " c"].as_slice()),
            ("data: a\rdata: b\ndata: c\r\n\n", &["a\nb\nc"]),
            ("\u{feff}data: a\n\n\u{feff}data: b\n\n", &["a"]),
            ("event: message\nid: 7\nretry: 5\ndata: a\n\n", &["a"]),
            (": note\ndata: a\n: note\n\n", &["a"]),
            ("data\ndata\n\ndata:\n\n", &["\n", ""]),
            ("id: 1\n\n:\n\n\n\n", &[]),
            ("datas: a\n data: b\nData: c\n\n", &[]),
            ("data: a\n\ndata: b", &["a", "b"]),
        ] {
            assert_eq!(data(stream), expected, "{stream:?}");
        }
    }

    #[test]
    fn a_comment_between_events_waits_for_nothing() {
        let mut splitter = Splitter::new(100);
        let mut bytes: &[u8] = b": still here\ndata: a\n: and here\n";
        assert_eq!(splitter.next(&mut bytes), Ok(Some(Block(b": still here\n".to_vec()))));
        assert_eq!(splitter.next(&mut bytes), Ok(None), "a comment inside of an event is part of it");
    }

    #[test]
    fn an_event_whose_last_line_ends_with_cr_waits_for_no_lf() {
        let mut splitter = Splitter::new(100);
        let mut bytes: &[u8] = b"data: a\r\r";
        assert_eq!(splitter.next(&mut bytes), Ok(Some(Block(b"data: a\r\r".to_vec()))));
    }

    #[test]
    fn other_data_takes_the_place_of_the_first_line_of_it() {
        let changed = |stream: &str, data: &str| {
            let [block] = blocks([stream.as_bytes()]).try_into().unwrap();
            String::from_utf8(block.with_data(data.as_bytes())).unwrap()
        };
        assert_eq!(changed("id: 1\r\ndata: a\r\n: c\r\ndata:b\r\n\r", "x"), "id: 1\r\ndata: x\r\n: c\r\n\r");
        assert_eq!(changed("data:a\rid: 1\r\r", "x\ny"), "data: x\rdata: y\rid: 1\r\r");
        assert_eq!(changed("data: a", "x"), "data: x\n");
    }

    #[test]
    fn a_block_is_bounded_however_it_comes() {
        let fits = b"data: 123\n\ndata: 123\n\n";
        let exceeds = b"data: 123\n\ndata: 1234\n\n";
        let run = |stream: &[u8], size: usize| {
            let mut splitter = Splitter::new(11);
            let mut chunks = stream.chunks(size);
            chunks.try_for_each(|mut chunk| {
                while splitter.next(&mut chunk)?.is_some() {}
                Ok(())
            })
        };
        for size in 1..22 {
            assert_eq!(run(fits, size), Ok(()), "{size}");
            assert_eq!(run(exceeds, size), Err(TooLong), "{size}");
        }
    }

    /// The algorithm of HTML, "Interpreting an event stream", as text and with an unfinished event at the end taken for
    /// one.
    fn by_the_book(stream: &str) -> Vec<String> {
        let stream = stream.strip_prefix('\u{feff}').unwrap_or(stream).replace("\r\n", "\n").replace('\r', "\n");
        let mut events = Vec::new();
        let mut buffer = String::new();
        for line in stream.split('\n').chain([""]) {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            if line.is_empty() {
                let event = std::mem::take(&mut buffer);
                events.extend(event.strip_suffix('\n').map(ToOwned::to_owned));
            } else if field == "data" {
                buffer.push_str(value.strip_prefix(' ').unwrap_or(value));
                buffer.push('\n');
            }
        }
        events
    }

    proptest! {
        #[test]
        fn every_chunking_has_the_events_and_the_bytes_of_the_stream(
            stream in "\u{feff}{0,1}(data|id|data:|data: |: |[a:\r\n]|\r\n|\r\n\r\n|\n\n|é|\u{feff}){0,40}",
            cuts in proptest::collection::vec(0..60_usize, 0..8),
        ) {
            let mut chunks = Vec::new();
            let mut rest = stream.as_bytes();
            for cut in cuts {
                let (chunk, after) = rest.split_at(cut.min(rest.len()));
                chunks.push(chunk);
                rest = after;
            }
            chunks.push(rest);
            let blocks = blocks(chunks);
            prop_assert_eq!(data(&stream), by_the_book(&stream));
            let text = |block: &Block| block.data().map(|data| String::from_utf8(data.into_owned()).unwrap());
            prop_assert_eq!(blocks.iter().filter_map(text).collect::<Vec<_>>(), by_the_book(&stream));
            let bytes: Vec<u8> = blocks.into_iter().flat_map(Block::into_bytes).collect();
            prop_assert_eq!(bytes, stream.as_bytes());
        }

        #[test]
        fn other_data_is_read_as_it_was_given(
            stream in "(data|id|data: |: |[a:]|\r\n|\n|\r){0,12}",
            other in "[a\n]{0,6}",
        ) {
            for block in blocks([stream.as_bytes()]) {
                let changed = block.with_data(other.as_bytes());
                let expected = block.data().map(|_| other.strip_suffix('\n').unwrap_or(&other));
                // No line of data at all is no event.
                let expected: Vec<_> = expected.filter(|data| !data.is_empty()).into_iter().collect();
                let read = data(std::str::from_utf8(&changed).unwrap());
                prop_assert_eq!(read.iter().filter(|data| !data.is_empty()).collect::<Vec<_>>(), expected);
            }
        }
    }
}
