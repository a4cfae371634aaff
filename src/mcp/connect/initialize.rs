//! `initialize` as the gateway says it to a server for a client that said it long ago, and what the server answers.
//!
//! Not here: a client's own `initialize`, which passes like any message, and when the gateway says it
//! (`flow::call::session`).

use serde::Deserialize;

use crate::mcp::transport::session::InitializeParams;

/// The id of the request. The server sees a session with this one request of ours in it, before any of the client's.
const ID: &str = "gateway-initialize";

/// The request, with the client's own parameters.
pub fn request(params: &InitializeParams) -> Vec<u8> {
    format!(r#"{{"jsonrpc":"2.0","id":"{ID}","method":"initialize","params":{}}}"#, params.as_str()).into_bytes()
}

/// The notification that follows the answer.
pub fn initialized() -> Vec<u8> {
    br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.to_vec()
}

/// What a server said of itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Introduction {
    /// The revision it will speak.
    #[serde(rename = "protocolVersion")]
    pub revision: String,
}

/// Reads the body of an answer. `None` if the server refused, or answered something else.
pub fn read(body: &[u8]) -> Option<Introduction> {
    first(body, result)
}

/// The first message that can be read so: of JSON that is one, or of a stream of events that has it in it.
pub fn first<T>(body: &[u8], read: impl Fn(&str) -> Option<T>) -> Option<T> {
    let text = std::str::from_utf8(body).ok()?;
    if text.trim_start().starts_with('{') {
        return read(text);
    }
    // WHATWG HTML §9.2.6. A message in several data lines has none of its line breaks inside a string, so they may be
    // left out.
    let mut data = String::new();
    for line in text.split(['\n', '\r']).chain([""]) {
        if let Some(more) = line.strip_prefix("data:") {
            data.push_str(more);
        } else if !data.is_empty() && (line.is_empty() || line.starts_with(':')) {
            if let Some(found) = read(&data) {
                return Some(found);
            }
            data.clear();
        }
    }
    None
}

fn result(json: &str) -> Option<Introduction> {
    #[derive(Deserialize)]
    struct Response {
        id: String,
        result: Introduction,
    }
    serde_json::from_str::<Response>(json).ok().filter(|response| response.id == ID).map(|response| response.result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::message::envelope::{Payload, parse};
    use proptest::prelude::*;

    const ANSWER: &str = r#"{"result":{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"a","version":"1"}},"jsonrpc":"2.0","id":"gateway-initialize"}"#;

    fn revision(body: &str) -> Option<String> {
        read(body.as_bytes()).map(|introduction| introduction.revision)
    }

    #[test]
    fn it_repeats_what_the_client_said() {
        let params = InitializeParams::of(br#"{"params":{ "protocolVersion":"2025-06-18" }}"#).unwrap();
        let request = request(&params);
        assert!(matches!(parse(&request, 9), Ok(Payload::One(message)) if message.id().is_some()));
        assert!(String::from_utf8(request).unwrap().contains(r#""params":{ "protocolVersion":"2025-06-18" }"#));
        assert!(matches!(parse(&initialized(), 9), Ok(Payload::One(message)) if message.id().is_none()));
    }

    #[test]
    fn an_answer_is_json_or_the_last_of_a_stream() {
        let expected = Some("2025-06-18".to_owned());
        assert_eq!(revision(ANSWER), expected);
        assert_eq!(revision(&format!("event: message\ndata: {ANSWER}\n\n")), expected);
        let notice = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{}}"#;
        assert_eq!(
            revision(&format!(
                ": hello\r\nid: 1\r\ndata:\r\n\r\ndata: {notice}\r\n\r\nid: 2\r\ndata: {ANSWER}\r\n\r\n"
            )),
            expected
        );
        let (first, second) = ANSWER.split_once(',').unwrap();
        assert_eq!(revision(&format!("data: {first},\ndata: {second}")), expected, "no blank line at its end");
    }

    #[test]
    fn what_is_no_answer_is_none() {
        for body in [
            "",
            "[]",
            "data: x\n\n",
            &ANSWER.replace("gateway-initialize", "other"),
            r#"{"jsonrpc":"2.0","id":"gateway-initialize","error":{"code":-32602,"message":"no"}}"#,
        ] {
            assert_eq!(revision(body), None, "{body}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(bytes: Vec<u8>, text in "((data:|\\{|\\}|[a\":,]){0,6}\r?\n){0,6}") {
            let _ = (read(&bytes), read(text.as_bytes()));
        }
    }
}
