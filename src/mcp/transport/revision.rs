//! Which era of MCP a request speaks, from its header and its envelope.
//!
//! *Modern* is 2026-07-28 and later: every request stands alone and says its revision in `_meta`. *Legacy* is up to
//! 2025-11-25: `initialize`, sessions, a GET stream. One endpoint serves both (2026-07-28 versioning, dual-era
//! servers). Not here: whether header and envelope agree ([`super::headers`]), or which revisions a server has; it
//! answers that itself.

use std::borrow::Cow;

use serde::Deserialize;

use super::header_names::PROTOCOL_VERSION;
use crate::headers::HeaderMap;
use crate::mcp::message::envelope::{EnvelopeError, EnvelopeFault, Message};

/// The first modern revision.
pub const FIRST_MODERN: &str = "2026-07-28";

/// The revisions with `initialize` that the gateway itself can speak to a client, newest first.
const LEGACY: [&str; 4] = [NEWEST_LEGACY, "2025-06-18", BATCHING, "2024-11-05"];

/// The newest revision with `initialize`.
const NEWEST_LEGACY: &str = "2025-11-25";

/// The only revision with batches.
const BATCHING: &str = "2025-03-26";

/// The era of a request. Errors, sessions and what a closed connection means depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// Up to 2025-11-25.
    Legacy,
    /// From 2026-07-28.
    Modern,
}

impl Era {
    /// Its name in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Modern => "modern",
        }
    }

    /// Modern if header or envelope say so. A claim in the envelope is modern unless it names an older date, because
    /// only modern messages make one; a header that is no date leaves the request to the server as legacy.
    pub fn of(headers: &HeaderMap, message: Option<&Message>) -> Self {
        let header = headers.get(PROTOCOL_VERSION).and_then(|value| value.to_str().ok()).map(str::trim);
        let claim = message.and_then(|message| message.revision.as_deref());
        let claimed = claim.is_some_and(|claim| !is_date(claim) || claim >= FIRST_MODERN);
        if claimed || header.is_some_and(|header| is_date(header) && header >= FIRST_MODERN) {
            Self::Modern
        } else {
            Self::Legacy
        }
    }
}

/// The revision to answer an `initialize` with: the client's own if it is known, else the newest with that method
/// (2025-11-25, lifecycle).
pub fn negotiated(params: Option<&str>) -> &'static str {
    #[derive(Deserialize)]
    struct Params<'a> {
        #[serde(rename = "protocolVersion", borrow)]
        version: Cow<'a, str>,
    }
    let wanted = params.and_then(|params| serde_json::from_str::<Params>(params).ok());
    wanted.and_then(|wanted| LEGACY.into_iter().find(|revision| *revision == wanted.version)).unwrap_or(NEWEST_LEGACY)
}

/// Allows an array only where the client names the one revision that has them: without the header a request may belong
/// to any session, and the gateway would check messages that the server refuses to read as it does.
pub fn admit_batch(headers: &HeaderMap) -> Result<(), EnvelopeError> {
    let mut named = headers.get_all(PROTOCOL_VERSION);
    match (named.next(), named.next()) {
        (Some(only), None) if only.as_bytes().trim_ascii() == BATCHING.as_bytes() => Ok(()),
        _ => Err(EnvelopeError { id: None, fault: EnvelopeFault::BatchForbidden }),
    }
}

/// `YYYY-MM-DD`, which sorts as text.
fn is_date(text: &str) -> bool {
    text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::HeaderValue;
    use crate::mcp::message::envelope::{Payload, parse};

    fn headers(version: &[&'static str]) -> HeaderMap {
        version.iter().map(|version| (PROTOCOL_VERSION.parse().unwrap(), HeaderValue::from_static(version))).collect()
    }

    fn era(header: Option<&'static str>, claim: Option<&str>) -> Era {
        let meta = claim.map(|claim| format!(r#""_meta":{{"io.modelcontextprotocol/protocolVersion":"{claim}"}}"#));
        let json = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"a","params":{{{}}}}}"#, meta.unwrap_or_default());
        let Ok(Payload::One(message)) = parse(json.as_bytes(), 9) else { panic!("{json}") };
        Era::of(&headers(header.as_slice()), Some(&message))
    }

    #[test]
    fn header_or_envelope_make_it_modern() {
        for (header, claim) in [
            (Some("2026-07-28"), None),
            (Some(" 2027-01-01 "), None),
            (None, Some("2026-07-28")),
            (None, Some("2099-01-01")),
            (None, Some("no-such-revision")),
            (None, Some("1.0")),
            (Some("2025-11-25"), Some("2026-07-28")),
        ] {
            assert_eq!(era(header, claim), Era::Modern, "{header:?} {claim:?}");
        }
        for (header, claim) in [
            (None, None),
            (Some("2025-11-25"), None),
            (Some("rubbish"), None),
            (Some("2026-07-28, 2025-03-26"), None),
            (Some("2025-11-25"), Some("2025-11-25")),
        ] {
            assert_eq!(era(header, claim), Era::Legacy, "{header:?} {claim:?}");
        }
        assert_eq!(Era::of(&headers(&["2026-07-28"]), None), Era::Modern);
    }

    #[test]
    fn a_client_is_answered_in_its_revision_if_it_initializes_at_all() {
        for (params, revision) in [
            (r#"{"protocolVersion":"2025-03-26"}"#, "2025-03-26"),
            (r#"{"protocolVersion":"2024-11-05"}"#, "2024-11-05"),
            (r#"{"protocolVersion":"2026-07-28"}"#, NEWEST_LEGACY),
            (r#"{"protocolVersion":5}"#, NEWEST_LEGACY),
        ] {
            assert_eq!(negotiated(Some(params)), revision, "{params}");
        }
        assert_eq!(negotiated(None), NEWEST_LEGACY);
    }

    #[test]
    fn a_batch_needs_the_one_revision_that_has_them() {
        assert_eq!(admit_batch(&headers(&["2025-03-26"])), Ok(()));
        for versions in [&[][..], &["2025-06-18"], &["2025-11-25"], &["2026-07-28"], &["2025-03-26", "2025-03-26"]] {
            assert_eq!(admit_batch(&headers(versions)).unwrap_err().reason(), "batch_forbidden", "{versions:?}");
        }
    }
}
