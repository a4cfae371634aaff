//! What a server's answer amounts to, from its status and media type alone: the body of a good one is handed on unread.
//!
//! Not here: what is done about it. The server's credentials, the session and our own errors are `flow`'s.

use http::StatusCode;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::headers::{CONTENT_TYPE, HeaderMap};

/// What the gateway asked the server for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expects {
    /// A POST with a request in it.
    Reply,
    /// A POST of notifications or responses only.
    NoReply,
    /// A DELETE: the end of the session (legacy).
    End,
}

/// What an answer amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Hand it on, body untouched.
    Relay,
    /// Taken note of. Answer 202 (200 for a DELETE) and discard the body.
    Accepted,
    /// An error: read it bounded. If [`error_body`] knows it, hand it on with its status (row N7), else answer for
    /// ourselves.
    ReadError,
    /// 401 or 403: our credentials do not suffice. Never the client's business: its challenge names the server's own
    /// login.
    Unauthorized,
    /// 404 to a session: it is gone, and the client must start a new one.
    Gone,
    /// 405: the server does not let clients end sessions, which it may.
    NotAllowed,
    /// 3xx: never followed, a redirect would carry the credentials away.
    Redirected,
    /// Not what an MCP server answers.
    NotMcp,
    /// It says that it is JSON and is not.
    Garbled,
}

/// Judges an answer. `opening` is the first byte of its body where that is known; `in_session` says whether a session
/// id was sent.
pub fn classify(
    status: StatusCode,
    headers: &HeaderMap,
    opening: Option<u8>,
    expects: Expects,
    in_session: bool,
) -> Disposition {
    // A JSON-RPC message is an object, a batch an array.
    let garbled = opening.is_some_and(|byte| !matches!(byte, b'{' | b'['));
    match status.as_u16() {
        200..=299 => match (expects, MediaType::of(headers)) {
            (Expects::NoReply | Expects::End, _) => Disposition::Accepted,
            (Expects::Reply, Some(MediaType::Json)) if status == StatusCode::OK && garbled => Disposition::Garbled,
            (Expects::Reply, Some(_)) if status == StatusCode::OK => Disposition::Relay,
            _ => Disposition::NotMcp,
        },
        300..=399 => Disposition::Redirected,
        401 | 403 => Disposition::Unauthorized,
        404 if in_session => Disposition::Gone,
        405 if expects == Expects::End => Disposition::NotAllowed,
        400..=599 => Disposition::ReadError,
        _ => Disposition::NotMcp,
    }
}

/// The two media types an MCP server answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// `application/json`.
    Json,
    /// `text/event-stream`.
    EventStream,
}

impl MediaType {
    /// The media type of an answer, if it is one of the two. Parameters do not matter, case neither (RFC 9110 §8.3.1).
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let essence = headers.get(CONTENT_TYPE)?.to_str().ok()?.split(';').next()?.trim();
        if essence.eq_ignore_ascii_case("application/json") {
            Some(Self::Json)
        } else if essence.eq_ignore_ascii_case("text/event-stream") {
            Some(Self::EventStream)
        } else {
            None
        }
    }

    /// As the gateway writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::EventStream => "text/event-stream",
        }
    }
}

/// A JSON-RPC error that a server sent, as far as the gateway looks into it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ErrorBody {
    /// Its code.
    pub code: i64,
    message: String,
}

impl ErrorBody {
    /// Whether a server says to `initialize` that it speaks other revisions only (2026-07-28 versioning, modern-only
    /// servers).
    pub fn says_modern_only(&self) -> bool {
        self.code == UNSUPPORTED_REVISION
    }

    /// Whether a server that does not say so by its status has lost the session: the SDKs' examples answer 400, as many
    /// servers do.
    pub fn says_session_is_lost(&self, status: StatusCode) -> bool {
        let message = self.message.to_ascii_lowercase();
        status == StatusCode::BAD_REQUEST
            && (-32_099..=-32_000).contains(&self.code) // what JSON-RPC 2.0 §5.1 leaves to servers
            && LOST_SESSIONS.iter().any(|words| message.contains(words))
    }
}

/// 2026-07-28 "Protocol Version Negotiation".
const UNSUPPORTED_REVISION: i64 = -32022;

/// What they say then. A server that has been started anew has no session at all.
const LOST_SESSIONS: [&str; 6] = [
    "no valid session",
    "session not found",
    "invalid session",
    "unknown session",
    "session expired",
    "server not initialized",
];

/// Reads the body of a failed answer; `None` if it is no JSON-RPC error response.
pub fn error_body(bytes: &[u8]) -> Option<ErrorBody> {
    let body: Response = serde_json::from_slice(bytes).ok()?;
    (body.jsonrpc == "2.0" && body.result.is_none()).then_some(body.error)
}

#[derive(Deserialize)]
struct Response {
    jsonrpc: String,
    result: Option<IgnoredAny>,
    error: ErrorBody,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::HeaderValue;
    use proptest::prelude::*;

    fn classified(status: u16, content_type: Option<&'static str>, expects: Expects, in_session: bool) -> Disposition {
        let headers = content_type.map(|text| (CONTENT_TYPE, HeaderValue::from_static(text))).into_iter().collect();
        classify(StatusCode::from_u16(status).unwrap(), &headers, None, expects, in_session)
    }

    #[test]
    fn what_calls_itself_json_begins_like_a_message() {
        let opened = |content_type, opening| {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
            classify(StatusCode::OK, &headers, opening, Expects::Reply, false)
        };
        for (opening, expected) in [
            (None, Disposition::Relay),
            (Some(b'{'), Disposition::Relay),
            (Some(b'['), Disposition::Relay),
            (Some(b'%'), Disposition::Garbled),
            (Some(b'"'), Disposition::Garbled),
            (Some(0), Disposition::Garbled),
        ] {
            assert_eq!(opened("application/json", opening), expected, "{opening:?}");
            assert_eq!(opened("text/event-stream", opening), Disposition::Relay, "{opening:?}");
        }
    }

    const JSON: Option<&str> = Some("application/json; charset=utf-8");
    const SSE: Option<&str> = Some("text/event-stream");
    const HTML: Option<&str> = Some("text/html");

    #[test]
    fn a_table_of_answers() {
        use Disposition::{Accepted, Gone, NotAllowed, NotMcp, ReadError, Redirected, Relay, Unauthorized};
        use Expects::{End, NoReply, Reply};
        for (status, content_type, expects, in_session, expected) in [
            (200, JSON, Reply, false, Relay),
            (200, SSE, Reply, true, Relay),
            (200, Some("Application/JSON"), Reply, false, Relay),
            (200, HTML, Reply, false, NotMcp),
            (200, Some("application/jsonp"), Reply, false, NotMcp),
            (200, None, Reply, false, NotMcp),
            (202, JSON, Reply, false, NotMcp),
            (204, None, Reply, false, NotMcp),
            (202, None, NoReply, false, Accepted),
            (200, JSON, NoReply, false, Accepted),
            (204, None, NoReply, true, Accepted),
            (405, HTML, Reply, true, ReadError),
            (200, None, End, true, Accepted),
            (204, None, End, true, Accepted),
            (405, None, End, true, NotAllowed),
            (301, HTML, Reply, false, Redirected),
            (307, JSON, NoReply, true, Redirected),
            (401, JSON, Reply, true, Unauthorized),
            (403, JSON, NoReply, false, Unauthorized),
            (404, JSON, Reply, true, Gone),
            (404, None, End, true, Gone),
            (404, JSON, Reply, false, ReadError),
            (400, JSON, Reply, true, ReadError),
            (429, None, NoReply, true, ReadError),
            (503, HTML, Reply, true, ReadError),
            (999, JSON, Reply, false, NotMcp),
        ] {
            let answered = classified(status, content_type, expects, in_session);
            assert_eq!(answered, expected, "{status} {content_type:?} {expects:?} {in_session}");
        }
    }

    #[test]
    fn an_error_body_is_known_by_its_shape() {
        let known = |json: &str| error_body(json.as_bytes()).map(|body| body.code);
        assert_eq!(known(r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no","data":{}}}"#), Some(-32602));
        assert_eq!(known(r#"{"jsonrpc":"2.0","error":{"code":7,"message":""}}"#), Some(7));
        for json in [
            "",
            "<html>",
            "{}",
            "[]",
            r#"{"error":{"code":1,"message":"a"}}"#,
            r#"{"error":"invalid_token"}"#,
            r#"{"jsonrpc":"1.0","error":{"code":1,"message":"a"}}"#,
            r#"{"jsonrpc":"2.0","error":{"code":1}}"#,
            r#"{"jsonrpc":"2.0","error":{"code":1.5,"message":"a"}}"#,
            r#"{"jsonrpc":"2.0","result":{},"error":{"code":1,"message":"a"}}"#,
            r#"{"jsonrpc":"2.0","error":{"code":1,"message":"a"}} trailing"#,
        ] {
            assert_eq!(known(json), None, "{json}");
        }
    }

    #[test]
    fn a_lost_session_is_told_from_a_failed_validation() {
        let lost = |status: u16, code: i64, message: &str| {
            let body = format!(r#"{{"jsonrpc":"2.0","id":null,"error":{{"code":{code},"message":"{message}"}}}}"#);
            error_body(body.as_bytes()).unwrap().says_session_is_lost(StatusCode::from_u16(status).unwrap())
        };
        assert!(lost(400, -32000, "Bad Request: No valid session ID provided"));
        assert!(lost(400, -32001, "Session not found"));
        assert!(lost(400, -32000, "Bad Request: Server not initialized"));
        assert!(!lost(400, -32602, "Invalid session of the yoga class"));
        assert!(!lost(400, -32000, "The session is full"));
        assert!(!lost(500, -32000, "No valid session ID provided"));
    }

    proptest! {
        #[test]
        fn never_panics(bytes: Vec<u8>) {
            let _ = error_body(&bytes);
        }
    }
}
