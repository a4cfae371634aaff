//! The legacy session: what the gateway's own `Mcp-Session-Id` holds. Sealed for one subject and one server it opens for nobody
//! else, and it never authenticates anyone.
//!
//! Not here: the sealing (`vault`), and modern requests, which have no session.

use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};

use super::headers::SESSION_ID;
use crate::version::V1;

/// The longest id taken from a client: a sealed [`Session`] with room to grow.
const MAX_SEALED: usize = 4096;

/// The longest id taken from a server.
const MAX_UPSTREAM: usize = 1024;

/// What a client's session id holds, before it is sealed. Clients keep it across deploys, so its form is an interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    v: V1,
    /// The server's own session id.
    pub upstream: UpstreamSession,
}

impl Session {
    /// The session around a server's id.
    pub fn new(upstream: UpstreamSession) -> Self {
        Self { v: V1, upstream }
    }
}

/// A session id as a server gave it: 1 to 1024 characters of visible ASCII (2025-11-25 transport, "Session Management").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UpstreamSession(String);

impl UpstreamSession {
    /// The id in a server's answer, if it gave one that may be sent back.
    pub fn of_answer(headers: &HeaderMap) -> Option<Self> {
        only(headers).and_then(|value| Self::try_from(value.to_owned()).ok())
    }

    /// As text, for the header.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An id that is empty, too long, or not visible ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnfitSessionId;

impl std::fmt::Display for UnfitSessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a session id is 1 to 1024 characters of visible ASCII")
    }
}

impl TryFrom<String> for UpstreamSession {
    type Error = UnfitSessionId;

    fn try_from(id: String) -> Result<Self, UnfitSessionId> {
        if is_fit(&id, MAX_UPSTREAM) { Ok(Self(id)) } else { Err(UnfitSessionId) }
    }
}

impl From<UpstreamSession> for String {
    fn from(id: UpstreamSession) -> Self {
        id.0
    }
}

/// What a client sent as `Mcp-Session-Id`: nothing, or text to open. What cannot be one of ours is an unknown session, 404.
pub fn presented(headers: &HeaderMap) -> Result<Option<&str>, UnfitSessionId> {
    if !headers.contains_key(SESSION_ID) {
        return Ok(None);
    }
    only(headers).filter(|id| is_fit(id, MAX_SEALED)).map(Some).ok_or(UnfitSessionId)
}

fn only(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(SESSION_ID).iter();
    let first = values.next()?;
    if values.next().is_some() { None } else { HeaderValue::to_str(first).ok() }
}

fn is_fit(id: &str, max: usize) -> bool {
    !id.is_empty() && id.len() <= max && id.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn headers(ids: &[&str]) -> HeaderMap {
        ids.iter().map(|id| (SESSION_ID.parse().unwrap(), HeaderValue::from_bytes(id.as_bytes()).unwrap())).collect()
    }

    #[test]
    fn session_json_unchanged() {
        let session = Session::new(UpstreamSession("abc-123".into()));
        let golden = r#"{"v":1,"upstream":"abc-123"}"#;
        assert_eq!(serde_json::to_string(&session).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Session>(golden).unwrap(), session);
        assert!(serde_json::from_str::<Session>(r#"{"v":2,"upstream":"abc-123"}"#).is_err());
        assert!(serde_json::from_str::<Session>(r#"{"v":1,"upstream":"a b"}"#).is_err());
    }

    #[test]
    fn ids_are_visible_ascii_and_bounded() {
        let long = "x".repeat(MAX_UPSTREAM);
        for id in ["!", "~", &long] {
            assert_eq!(UpstreamSession::of_answer(&headers(&[id])).map(String::from).as_deref(), Some(id));
        }
        let longer = "x".repeat(MAX_UPSTREAM + 1);
        for ids in [&[][..], &[""], &["a b"], &["a\tb"], &["ä"], &[&longer], &["a", "a"]] {
            assert_eq!(UpstreamSession::of_answer(&headers(ids)), None, "{ids:?}");
        }
    }

    #[test]
    fn a_client_sends_none_one_or_rubbish() {
        assert_eq!(presented(&headers(&[])), Ok(None));
        assert_eq!(presented(&headers(&["sealed_-"])), Ok(Some("sealed_-")));
        let long = "x".repeat(MAX_SEALED + 1);
        for ids in [&[""][..], &["a b"], &["a", "b"], &[&long]] {
            assert_eq!(presented(&headers(ids)), Err(UnfitSessionId), "{ids:?}");
        }
    }

    proptest! {
        #[test]
        fn what_fits_can_be_sent_back(id in "\\PC{0,40}") {
            if let Ok(fit) = UpstreamSession::try_from(id) {
                prop_assert!(HeaderValue::from_str(fit.as_str()).is_ok());
            }
        }
    }
}
