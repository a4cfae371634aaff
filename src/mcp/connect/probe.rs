//! What the gateway asks a server for on its own account: the list of its tools, which needs authorization wherever
//! anything does. Some servers ask for none on `initialize`.
//!
//! Not here: sending it (`flow::upstream::fetch`, `flow::connect::trial`), and the lists that clients ask for, which
//! pass untouched.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::initialize;
use crate::headers::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use crate::mcp::transport::header_names::{METHOD, PROTOCOL_VERSION};
use crate::mcp::transport::session::InitializeParams;

/// Whole in both eras: what a legacy server does not know in it is nothing it has to look at.
const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"mcp-edge-gateway","version":"1"}}}}"#;

/// The same within a session.
const LIST_IN_SESSION: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}"#;

/// What a server of 2026-07-28 is and speaks.
const DISCOVER: &str = r#"{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"mcp-edge-gateway","version":"1"}}}}"#;

/// A client that can do nothing beyond the base protocol.
const INITIALIZE: &[u8] = br#"{"params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"mcp-edge-gateway","version":"1"}}}"#;

/// The request that stands alone, as 2026-07-28 has it.
pub fn request() -> Vec<u8> {
    LIST.into()
}

/// The headers of [`request`].
pub fn headers() -> HeaderMap {
    headers_of("tools/list")
}

/// The request that asks a server of 2026-07-28 what it is, and needs nothing before it.
pub fn discovery() -> Vec<u8> {
    DISCOVER.into()
}

/// The headers of [`discovery`].
pub fn discovery_headers() -> HeaderMap {
    headers_of("server/discover")
}

fn headers_of(method: &'static str) -> HeaderMap {
    let headers = [
        (ACCEPT, "application/json, text/event-stream"),
        (CONTENT_TYPE, "application/json"),
        (HeaderName::from_static(PROTOCOL_VERSION), "2026-07-28"),
        (HeaderName::from_static(METHOD), method),
    ];
    headers.map(|(name, value)| (name, HeaderValue::from_static(value))).into_iter().collect()
}

/// The request of the legacy era, which a session comes before.
pub fn request_in_session() -> Vec<u8> {
    LIST_IN_SESSION.into()
}

/// What the gateway says of itself to begin that session.
pub fn introduction() -> Option<InitializeParams> {
    InitializeParams::of(INITIALIZE)
}

/// Whether the body of an answer has a result in it, and not an error.
pub fn is_answered(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Response {
        id: u8,
        #[serde(rename = "result")]
        _result: IgnoredAny,
    }
    let read = |json: &str| serde_json::from_str::<Response>(json).ok().filter(|response| response.id == 1);
    initialize::first(body, read).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::message::envelope::{Payload, parse};
    use crate::mcp::transport::revision::Era;

    #[test]
    fn each_request_is_of_its_era_and_agrees_with_its_headers() {
        let (inbound, none) = (headers(), HeaderMap::new());
        for (body, headers, era) in [(request(), &inbound, Era::Modern), (request_in_session(), &none, Era::Legacy)] {
            let Ok(Payload::One(message)) = parse(&body, 9) else { panic!("no message") };
            assert_eq!(message.method(), Some("tools/list"));
            assert_eq!(Era::of(headers, Some(&message)), era);
            assert_eq!(crate::mcp::transport::headers::check(headers, &message), Ok(()));
        }
        let (inbound, body) = (discovery_headers(), discovery());
        let Ok(Payload::One(message)) = parse(&body, 9) else { panic!("no message") };
        assert_eq!((message.method(), Era::of(&inbound, Some(&message))), (Some("server/discover"), Era::Modern));
        assert_eq!(crate::mcp::transport::headers::check(&inbound, &message), Ok(()));
        assert!(introduction().is_some());
    }

    #[test]
    fn a_result_is_told_from_an_error() {
        for body in [
            r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}"#,
            "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n",
        ] {
            assert!(is_answered(body.as_bytes()), "{body}");
        }
        for body in [
            "",
            "<html>",
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"Unauthorized"}}"#,
            r#"{"jsonrpc":"2.0","id":2,"result":{}}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/message"}"#,
        ] {
            assert!(!is_answered(body.as_bytes()), "{body}");
        }
    }
}
