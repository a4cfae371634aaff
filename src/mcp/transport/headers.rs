//! The headers that repeat parts of the body, so that whoever routes on them and whoever runs the body see one request
//! (2026-07-28 transport, "Server Validation").
//!
//! Not here: `Mcp-Param-*`. Only who knows the tool's schema can compare those, so they are forwarded for the server to
//! check.

use std::borrow::Cow;
use std::fmt;

use base64ct::{Base64, Encoding};

use super::header_names::{METHOD, NAME, PROTOCOL_VERSION};
use super::revision::Era;
use crate::headers::{HeaderMap, HeaderValue};
use crate::mcp::message::envelope::{Message, name_member};
use crate::mcp::message::error::Code;

/// Compares the headers with the message. Modern requests must carry them; whoever sends one must send the right one,
/// in any era.
///
/// A modern header without `_meta`, or a named method without its name, is no disagreement: the server answers those
/// itself.
pub fn check(headers: &HeaderMap, message: &Message) -> Result<(), HeaderMismatch> {
    let era = Era::of(headers, Some(message));
    let required = era == Era::Modern && message.id().is_some();
    let refuse = |header, problem| Err(HeaderMismatch { header, problem, era });

    // 1. MCP-Protocol-Version, which every modern POST has.
    match (only(headers, PROTOCOL_VERSION, era)?, &message.revision) {
        (None, _) if era == Era::Modern => return refuse(PROTOCOL_VERSION, Problem::Missing),
        (Some(header), Some(claim)) if header != claim => return refuse(PROTOCOL_VERSION, Problem::Differs),
        _ => {}
    }

    // 2. Mcp-Method.
    match (only(headers, METHOD, era)?, message.method()) {
        (None, _) if required => return refuse(METHOD, Problem::Missing),
        (Some(header), method) if Some(header) != method => return refuse(METHOD, Problem::Differs),
        _ => {}
    }

    // 3. Mcp-Name, where the method has a name.
    let header = only(headers, NAME, era)?;
    if message.method().and_then(name_member).is_some() {
        let header =
            header.map(|text| decoded(text).ok_or(HeaderMismatch { header: NAME, problem: Problem::Malformed, era }));
        match (header.transpose()?, &message.name) {
            (None, Some(_)) if required => return refuse(NAME, Problem::Missing),
            (Some(header), name) if Some(&*header) != name.as_deref() => return refuse(NAME, Problem::Differs),
            _ => {}
        }
    }
    Ok(())
}

/// A header that is not there, not legal, or not what the body says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderMismatch {
    /// Which header.
    pub header: &'static str,
    /// What is wrong with it.
    pub problem: Problem,
    era: Era,
}

/// What is wrong with a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// The revision requires it.
    Missing,
    /// It is there more than once.
    Repeated,
    /// It has characters outside visible ASCII, or its Base64 does not decode.
    Malformed,
    /// The body says something else.
    Differs,
}

impl HeaderMismatch {
    /// The stable code of bodies, logs and analytics.
    pub fn reason(&self) -> &'static str {
        match self.problem {
            Problem::Missing => "header_missing",
            Problem::Repeated => "header_repeated",
            Problem::Malformed => "header_malformed",
            Problem::Differs => "header_mismatch",
        }
    }

    /// The JSON-RPC code. A legacy client must not see a modern one: it would take the server for modern.
    pub fn code(&self) -> Code {
        match self.era {
            Era::Modern => Code::HeaderMismatch,
            Era::Legacy => Code::InvalidRequest,
        }
    }
}

impl fmt::Display for HeaderMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (header, body) = match self.header {
            PROTOCOL_VERSION => ("MCP-Protocol-Version", "_meta[\"io.modelcontextprotocol/protocolVersion\"]"),
            METHOD => ("Mcp-Method", "method"),
            _ => ("Mcp-Name", "params.name, params.uri or params.taskId"),
        };
        match self.problem {
            Problem::Missing => write!(f, "Header mismatch: {header} is missing"),
            Problem::Repeated => write!(f, "Header mismatch: {header} is there more than once"),
            Problem::Malformed => write!(f, "Header mismatch: {header} is not visible ASCII or valid =?base64?…?="),
            Problem::Differs => write!(f, "Header mismatch: {header} does not match {body} of the body"),
        }
    }
}

/// The one value of a header, without the whitespace around it (RFC 9110 §5.5).
fn only<'h>(headers: &'h HeaderMap, header: &'static str, era: Era) -> Result<Option<&'h str>, HeaderMismatch> {
    let mut values = headers.get_all(header);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(HeaderMismatch { header, problem: Problem::Repeated, era });
    }
    visible(value).map(Some).ok_or(HeaderMismatch { header, problem: Problem::Malformed, era })
}

fn visible(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok().map(|text| text.trim_matches([' ', '\t']))
}

/// What a value stands for: itself, or the UTF-8 text inside `=?base64?…?=`. Only the exact markers on both sides mean
/// Base64.
fn decoded(text: &str) -> Option<Cow<'_, str>> {
    match text.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) {
        Some(inner) => String::from_utf8(Base64::decode_vec(inner).ok()?).ok().map(Cow::Owned),
        None => Some(Cow::Borrowed(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::HeaderName;
    use crate::mcp::message::envelope::{Payload, parse};
    use proptest::prelude::*;

    fn message(json: &str) -> Message {
        match parse(json.as_bytes(), 16) {
            Ok(Payload::One(message)) => message,
            other => panic!("{json}: {other:?}"),
        }
    }

    fn call(name: &str, revision: Option<&str>) -> Message {
        let mut params = serde_json::json!({ "name": name });
        if let Some(revision) = revision {
            params["_meta"] = serde_json::json!({ "io.modelcontextprotocol/protocolVersion": revision });
        }
        message(&serde_json::json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string())
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::try_from(*value).unwrap()))
            .collect()
    }

    fn problem(pairs: &[(&'static str, &str)], message: &Message) -> Option<(&'static str, Problem, Code)> {
        check(&headers(pairs), message).err().map(|error| (error.header, error.problem, error.code()))
    }

    const MODERN: (&str, &str) = (PROTOCOL_VERSION, "2026-07-28");
    const CALL: (&str, &str) = (METHOD, "tools/call");

    #[test]
    fn a_modern_request_repeats_revision_method_and_name() {
        let message = call("add", Some("2026-07-28"));
        let modern = |header, problem| Some((header, problem, Code::HeaderMismatch));
        assert_eq!(problem(&[MODERN, CALL, (NAME, "add")], &message), None);
        assert_eq!(problem(&[MODERN, CALL, (NAME, "  add\t")], &message), None);
        assert_eq!(problem(&[CALL, (NAME, "add")], &message), modern(PROTOCOL_VERSION, Problem::Missing));
        assert_eq!(problem(&[MODERN, (NAME, "add")], &message), modern(METHOD, Problem::Missing));
        assert_eq!(problem(&[MODERN, CALL], &message), modern(NAME, Problem::Missing));
        let other = (PROTOCOL_VERSION, "2027-01-01");
        assert_eq!(problem(&[other, CALL, (NAME, "add")], &message), modern(PROTOCOL_VERSION, Problem::Differs));
        let legacy = (PROTOCOL_VERSION, "2025-11-25");
        assert_eq!(problem(&[legacy, CALL, (NAME, "add")], &message), modern(PROTOCOL_VERSION, Problem::Differs));
        assert_eq!(
            problem(&[MODERN, (METHOD, "TOOLS/CALL"), (NAME, "add")], &message),
            modern(METHOD, Problem::Differs)
        );
        assert_eq!(problem(&[MODERN, CALL, (NAME, "Add")], &message), modern(NAME, Problem::Differs));
    }

    #[test]
    fn a_header_stands_once_and_in_visible_ascii() {
        let message = call("add", Some("2026-07-28"));
        for header in [MODERN, CALL, (NAME, "add")] {
            let twice = [MODERN, CALL, (NAME, "add"), header];
            assert_eq!(problem(&twice, &message), Some((header.0, Problem::Repeated, Code::HeaderMismatch)));
        }
        for name in
            ["ädd", "=?base64?YWRk", "=?base64?YWRk=?=", "=?base64?YW Rk?=", "=?base64?_-__?=", "=?base64?/w==?="]
        {
            assert!(problem(&[MODERN, CALL, (NAME, name)], &message).is_some(), "{name}");
        }
        let undecodable = problem(&[MODERN, CALL, (NAME, "=?base64?YWR?=")], &message);
        assert_eq!(undecodable, Some((NAME, Problem::Malformed, Code::HeaderMismatch)));
    }

    #[test]
    fn half_a_marker_is_a_literal() {
        for name in ["=?base64?YWRk", "YWRk?=", "=?BASE64?YWRk?="] {
            assert_eq!(problem(&[MODERN, CALL, (NAME, name)], &call(name, None)), None, "{name}");
        }
    }

    #[test]
    fn what_the_server_answers_itself_passes() {
        assert_eq!(problem(&[MODERN, CALL, (NAME, "add")], &call("add", None)), None, "no _meta is -32602 there");
        let nameless = message(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}"#);
        assert_eq!(problem(&[MODERN, CALL], &nameless), None);
        let named = problem(&[MODERN, CALL, (NAME, "add")], &nameless);
        assert_eq!(
            named,
            Some((NAME, Problem::Differs, Code::HeaderMismatch)),
            "but nobody routes on a name that is not there"
        );
    }

    #[test]
    fn notifications_need_no_method_but_the_right_one() {
        let cancelled = message(r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#);
        assert_eq!(problem(&[MODERN], &cancelled), None);
        assert_eq!(problem(&[MODERN, (METHOD, "notifications/cancelled")], &cancelled), None);
        assert_eq!(problem(&[MODERN, CALL], &cancelled), Some((METHOD, Problem::Differs, Code::HeaderMismatch)));
    }

    #[test]
    fn a_legacy_request_needs_none_and_may_not_disagree() {
        let message = call("add", None);
        assert_eq!(problem(&[], &message), None);
        assert_eq!(problem(&[(PROTOCOL_VERSION, "2025-06-18"), CALL, (NAME, "add")], &message), None);
        assert_eq!(
            problem(&[(METHOD, "tools/list")], &message),
            Some((METHOD, Problem::Differs, Code::InvalidRequest))
        );
        assert_eq!(problem(&[(NAME, "sub")], &message), Some((NAME, Problem::Differs, Code::InvalidRequest)));
        let response = super::tests::message(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
        assert_eq!(problem(&[], &response), None);
        assert_eq!(problem(&[CALL], &response), Some((METHOD, Problem::Differs, Code::InvalidRequest)));
    }

    proptest! {
        /// Any name can be carried, and no other name passes for it.
        #[test]
        fn base64_carries_any_name(name in "\\PC{0,24}", other in "\\PC{0,24}") {
            let encoded = format!("=?base64?{}?=", Base64::encode_string(name.as_bytes()));
            prop_assert_eq!(problem(&[MODERN, CALL, (NAME, &encoded)], &call(&name, None)), None);
            let differs = problem(&[MODERN, CALL, (NAME, &encoded)], &call(&other, None)).is_some();
            prop_assert_eq!(differs, name != other);
        }
    }
}
