//! The legacy session: what the gateway's own `Mcp-Session-Id` holds. Sealed for one subject and one server it opens
//! for nobody else, and it never authenticates anyone.
//!
//! Not here: the sealing (`vault`), and modern requests, which have no session.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::header_names::SESSION_ID;
use crate::headers::{HeaderMap, HeaderValue};
use crate::mcp::connect::capabilities;
use crate::mcp::message::raw_object::RawObject;
use crate::version::V1;

/// The longest id taken from a client: a sealed [`Session`] with room to grow.
const MAX_SEALED: usize = 8192;

/// The longest id taken from a server.
const MAX_UPSTREAM: usize = 1024;

/// The longest parameters of `initialize` that are kept: they travel with every request of the session.
const MAX_INITIALIZE: usize = 2048;

/// What a client's session id holds, before it is sealed. Clients keep it across deploys, so its form is an interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    v: V1,
    /// The server's own session id, if it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<UpstreamSession>,
    /// Whether the server has not been initialized yet: the gateway stood in for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waiting: bool,
    /// Whether the client has ended it. Only what is stored about an id says so, never the id.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ended: bool,
    /// What the client said of itself, to be said to the server later, or again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initialize: Option<InitializeParams>,
    /// The revision the server chose when it was initialized without the client, where the client speaks another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
}

impl Session {
    /// Reads what was sealed. Not through [`crate::json`]: the client's own bytes are in it.
    pub fn parse(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    /// The session of a client whose `initialize` the server answered.
    pub fn opened(upstream: Option<UpstreamSession>, initialize: Option<InitializeParams>) -> Self {
        Self { v: V1, upstream, waiting: false, ended: false, initialize, revision: None }
    }

    /// The session of a client whose `initialize` the gateway answered.
    pub fn waiting(initialize: Option<InitializeParams>) -> Self {
        Self { waiting: true, ..Self::opened(None, initialize) }
    }

    /// The same client's, once the gateway has initialized the server for it.
    #[must_use]
    pub fn reopened(&self, upstream: Option<UpstreamSession>, revision: Option<String>) -> Self {
        Self { revision, ..Self::opened(upstream, self.initialize.clone()) }
    }

    /// What is left of a session that its client has ended.
    pub fn ended() -> Self {
        Self { ended: true, ..Self::opened(None, None) }
    }

    /// Whether its client shows its person links.
    pub fn shows_links(&self) -> bool {
        self.initialize.as_ref().is_some_and(|params| capabilities::declared_at_initialize(params.as_str()))
    }
}

/// The `params` of a client's `initialize`, byte for byte.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InitializeParams(Box<RawValue>);

impl InitializeParams {
    /// Those of a message, unless they are none or too long to be kept.
    pub fn of(body: &[u8]) -> Option<Self> {
        let message = RawObject::parse(std::str::from_utf8(body).ok()?)?;
        let params =
            message.get("params").filter(|params| params.len() <= MAX_INITIALIZE && params.starts_with('{'))?;
        RawValue::from_string(params.to_owned()).ok().map(Self)
    }

    /// As JSON.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for InitializeParams {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for InitializeParams {}

/// A session id as a server gave it: 1 to 1024 characters of visible ASCII (2025-11-25 transport, "Session
/// Management").
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

/// What a client sent as `Mcp-Session-Id`: nothing, or text to open. What cannot be one of ours is an unknown session,
/// 404.
pub fn presented(headers: &HeaderMap) -> Result<Option<&str>, UnfitSessionId> {
    if !headers.contains_key(SESSION_ID) {
        return Ok(None);
    }
    only(headers).filter(|id| is_fit(id, MAX_SEALED)).map(Some).ok_or(UnfitSessionId)
}

fn only(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(SESSION_ID);
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
        ids.iter().map(|id| (SESSION_ID.parse().unwrap(), HeaderValue::try_from(*id).unwrap())).collect()
    }

    #[test]
    fn session_json_unchanged() {
        let session = Session::opened(Some(UpstreamSession("abc-123".into())), None);
        let golden = r#"{"v":1,"upstream":"abc-123"}"#;
        assert_eq!(serde_json::to_string(&session).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Session>(golden).unwrap(), session);
        assert!(serde_json::from_str::<Session>(r#"{"v":2,"upstream":"abc-123"}"#).is_err());
        assert!(serde_json::from_str::<Session>(r#"{"v":1,"upstream":"a b"}"#).is_err());

        let initialize = InitializeParams::of(br#"{"method":"initialize","params":{"capabilities":{ "x": 1.0 }}}"#);
        let waiting = Session::waiting(initialize);
        let golden = r#"{"v":1,"waiting":true,"initialize":{"capabilities":{ "x": 1.0 }}}"#;
        assert_eq!(serde_json::to_string(&waiting).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Session>(golden).unwrap(), waiting);
        assert_eq!(serde_json::to_string(&Session::ended()).unwrap(), r#"{"v":1,"ended":true}"#);
        let reopened = waiting.reopened(Some(UpstreamSession("s".into())), Some("2025-06-18".into()));
        let golden = r#"{"v":1,"upstream":"s","initialize":{"capabilities":{ "x": 1.0 }},"revision":"2025-06-18"}"#;
        assert_eq!(serde_json::to_string(&reopened).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Session>(golden).unwrap(), reopened);
    }

    #[test]
    fn it_knows_what_its_client_said() {
        let of = |params: &str| InitializeParams::of(format!(r#"{{"id":1,"params":{params}}}"#).as_bytes());
        let shows = |params| Session::waiting(of(params)).shows_links();
        assert!(shows(r#"{"capabilities":{"elicitation":{"url":{}}}}"#));
        assert!(!shows(r#"{"capabilities":{"elicitation":{}}}"#));
        assert!(!Session::opened(None, None).shows_links());
        let params = |length: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(length - 8));
        assert_eq!(of(&params(MAX_INITIALIZE)).unwrap().as_str(), params(MAX_INITIALIZE));
        for unfit in [params(MAX_INITIALIZE + 1).as_str(), "null", "[]", "1"] {
            assert!(of(unfit).is_none(), "{unfit}");
        }
        assert!(InitializeParams::of(b"{}").is_none());
    }

    #[test]
    fn the_longest_session_is_taken_back() {
        let params = format!(r#"{{"params":{{"a":"{}"}}}}"#, "x".repeat(MAX_INITIALIZE - 8));
        let upstream = UpstreamSession("x".repeat(MAX_UPSTREAM));
        let session = Session::opened(Some(upstream), InitializeParams::of(params.as_bytes()));
        let sealed = serde_json::to_string(&session).unwrap().len() + 64;
        assert!(session.initialize.is_some() && sealed * 4 / 3 < MAX_SEALED, "{sealed}");
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
                prop_assert!(HeaderValue::try_from(fit.as_str()).is_ok());
            }
        }
    }
}
