//! What a server's answer to a question of the gateway's own says of the server, before anybody depends on it.
//!
//! Not here: the questions (`probe`), and answers to clients' messages (`mcp::transport::response`).

use http::StatusCode;

use super::probe;
use crate::headers::{CONTENT_TYPE, HeaderMap};
use crate::mcp::transport::response;
use crate::mcp::transport::response::{Disposition, Expects};

/// Bot protection of Cloudflare answered, not the server.
const MITIGATED: &str = "cf-mitigated";

/// What an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeAnswer {
    /// It is what was asked for.
    Answered,
    /// An MCP server, which does not answer this.
    Declined,
    /// Whoever asks must show something.
    Unauthorized,
    /// Something in front of it refuses programs.
    Blocked,
    /// It leads elsewhere.
    Redirected,
    /// It fails.
    Failing,
    /// It says that it is JSON and is not.
    Garbled,
    /// No MCP server.
    NotMcp,
}

impl ProbeAnswer {
    /// Of status, headers, the first byte where it is known, and the body, as far as it was read.
    pub fn of(status: StatusCode, headers: &HeaderMap, opening: Option<u8>, body: &[u8]) -> Self {
        let page = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        if headers.contains_key(MITIGATED) || (status == StatusCode::FORBIDDEN && page) {
            return Self::Blocked;
        }
        let speaks = || response::error_body(body).is_some();
        match response::classify(status, headers, opening, Expects::Reply, false) {
            Disposition::Relay if probe::is_answered(body) => Self::Answered,
            Disposition::Unauthorized => Self::Unauthorized,
            Disposition::Redirected => Self::Redirected,
            Disposition::Garbled => Self::Garbled,
            Disposition::Relay | Disposition::ReadError if speaks() => Self::Declined,
            Disposition::ReadError if status.is_server_error() => Self::Failing,
            // A server of an older revision that was told no session says so, in whatever words.
            Disposition::ReadError if status == StatusCode::BAD_REQUEST && !page => Self::Declined,
            _ => Self::NotMcp,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::headers::{HeaderName, HeaderValue};

    use super::*;

    fn heard(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> ProbeAnswer {
        let named =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let status = StatusCode::from_u16(status).unwrap();
        ProbeAnswer::of(status, &named.collect(), body.bytes().next(), body.as_bytes())
    }

    const JSON: (&str, &str) = ("content-type", "application/json");
    const PAGE: (&str, &str) = ("content-type", "text/html; charset=utf-8");
    const RESULT: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}"#;
    const ERROR: &str = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"No session"}}"#;

    #[test]
    fn a_server_is_told_from_what_is_none() {
        for (status, headers, body, expected) in [
            (200, &[JSON][..], RESULT, ProbeAnswer::Answered),
            (200, &[JSON], ERROR, ProbeAnswer::Declined),
            (400, &[JSON], ERROR, ProbeAnswer::Declined),
            (404, &[JSON], ERROR, ProbeAnswer::Declined),
            (400, &[("content-type", "text/plain")], "no session", ProbeAnswer::Declined),
            (400, &[PAGE], "<html>", ProbeAnswer::NotMcp),
            (404, &[PAGE], "<html>", ProbeAnswer::NotMcp),
            (405, &[], "", ProbeAnswer::NotMcp),
            (200, &[PAGE], "<html>", ProbeAnswer::NotMcp),
            (200, &[JSON], "%PDF", ProbeAnswer::Garbled),
            (200, &[JSON], r#"{"hello":"world"}"#, ProbeAnswer::NotMcp),
            (401, &[JSON], "{}", ProbeAnswer::Unauthorized),
            (403, &[JSON], "{}", ProbeAnswer::Unauthorized),
            (403, &[PAGE], "<html>", ProbeAnswer::Blocked),
            (503, &[("cf-mitigated", "challenge")], "", ProbeAnswer::Blocked),
            (307, &[("location", "/elsewhere")], "", ProbeAnswer::Redirected),
            (502, &[PAGE], "<html>", ProbeAnswer::Failing),
            (500, &[JSON], ERROR, ProbeAnswer::Declined),
        ] {
            assert_eq!(heard(status, headers, body), expected, "{status} {headers:?} {body}");
        }
    }
}
