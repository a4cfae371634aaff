//! The `requestState` of a modern request that the gateway interrupted to have a server connected: what it holds, and
//! how the retry becomes the request it was (2026-07-28, "Multi Round-Trip Requests").
//!
//! A server's own `requestState` is none of these and passes untouched. The retry is the one message whose bytes the
//! gateway writes anew, and only the two members that it had asked for are taken out. Not here: the sealing (`vault`),
//! and what the client is asked ([`super::signal`]).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::mcp::message::raw_object::RawObject;
use crate::secret::Digested;
use crate::time::{Lifetime, Timestamp};
use crate::version::V1;

/// The name of the one thing the gateway asks for.
pub const CONNECT: &str = "connect";

/// How long a person may take in the browser before the client's request has to begin anew.
const PERSON_DEADLINE: Lifetime = Lifetime::minutes(10);

/// What stands between the server's URL and the sealed text, so that a gateway behind this one keeps its own.
const MARK: &str = "#connect:";

/// The longest state looked at; ours are far shorter.
const LONGEST: usize = 4096;

/// What a `requestState` of ours holds, before it is sealed to subject and server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestState {
    v: V1,
    request: Digested,
    expires: Timestamp,
}

impl RequestState {
    /// The state of a request interrupted now.
    pub fn new(request: Digested, now: Timestamp) -> Self {
        Self { v: V1, request, expires: now + PERSON_DEADLINE }
    }

    /// Whether this request may go on with it.
    pub fn fits(&self, request: &Digested, now: Timestamp) -> bool {
        self.request == *request && !self.expires.reached(now)
    }
}

/// The text the client is given.
pub fn written(resource: &str, sealed: &str) -> String {
    format!("{resource}{MARK}{sealed}")
}

/// The sealed part of a text that is ours. `resource` is the URL of the server as the client knows it.
pub fn ours<'a>(resource: &str, text: &'a str) -> Option<&'a str> {
    text.strip_prefix(resource)?.strip_prefix(MARK)
}

/// Whether a text is worth keeping until it is known which server it is for.
pub(in crate::mcp) fn may_be_ours(text: &str) -> bool {
    text.len() <= LONGEST && text.contains(MARK)
}

/// What a client said when it was asked to show the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// The person agreed to open it. Whether they connected is another matter.
    Accepted,
    /// The person declined, or closed the question.
    Refused,
}

/// A retry, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The request as it would have been without the interruption.
    pub body: Vec<u8>,
    /// What became of the question.
    pub choice: Choice,
}

/// Takes out what the gateway had asked for. `None` if the message is not one object with `params`.
pub fn resume(body: &[u8]) -> Option<Restored> {
    let mut message = RawObject::parse(std::str::from_utf8(body).ok()?)?;
    let text = message.get("params")?.to_owned();
    let mut params = RawObject::parse(&text)?;
    params.remove("requestState");
    let mut choice = Choice::Accepted;
    if let Some(text) = params.get("inputResponses").map(ToOwned::to_owned)
        && let Some(mut responses) = RawObject::parse(&text)
    {
        let action = responses.get(CONNECT).and_then(|json| serde_json::from_str::<Response>(json).ok());
        if action.is_some_and(|response| response.action != "accept") {
            choice = Choice::Refused;
        }
        responses.remove(CONNECT);
        if responses.is_empty() {
            params.remove("inputResponses");
        } else {
            params.replace("inputResponses", responses.to_json());
        }
    }
    message.replace("params", params.to_json());
    Some(Restored { body: message.to_json().into_bytes(), choice })
}

/// Of what a request asks for: its method and `params`, without what differs between a request and its retry. `_meta`
/// does: a client gives each request a progress token of its own.
pub fn digest(body: &[u8]) -> Option<Digested> {
    let message = RawObject::parse(std::str::from_utf8(body).ok()?)?;
    let method = message.get("method")?;
    let params = message.get("params").and_then(RawObject::parse);
    let mut members: Vec<(&str, Value)> = Vec::new();
    for (key, json) in params.iter().flat_map(RawObject::members) {
        if !matches!(key, "_meta" | "inputResponses" | "requestState") {
            members.push((key, serde_json::from_str(json).ok()?));
        }
    }
    members.sort_unstable_by_key(|(key, _)| *key);
    Some(Digested::of(&serde_json::to_string(&(method, members)).ok()?))
}

#[derive(Deserialize)]
struct Response {
    action: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn request(params: &str) -> String {
        format!(r#"{{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{params}}}"#)
    }

    fn resumed(params: &str) -> (String, Choice) {
        let resumed = resume(request(params).as_bytes()).unwrap();
        (String::from_utf8(resumed.body).unwrap(), resumed.choice)
    }

    #[test]
    fn request_state_json_unchanged() {
        let state = RequestState::new(Digested::of("x"), Timestamp(1000));
        let golden = r#"{"v":1,"request":"LXEWQrcmsEQBYnyp-6wy9chTD7GQPMTbAiWHF5IaSIE","expires":1600}"#;
        assert_eq!(serde_json::to_string(&state).unwrap(), golden);
        assert_eq!(serde_json::from_str::<RequestState>(golden).unwrap(), state);
    }

    #[test]
    fn it_is_for_one_request_and_ten_minutes() {
        let state = RequestState::new(Digested::of("x"), Timestamp(1000));
        assert!(state.fits(&Digested::of("x"), Timestamp(1599)));
        assert!(!state.fits(&Digested::of("x"), Timestamp(1600)));
        assert!(!state.fits(&Digested::of("y"), Timestamp(1000)));
    }

    #[test]
    fn ours_is_told_from_a_servers_even_if_that_is_a_gateway_too() {
        let here = "https://gw.example/v1/mcp/docs";
        let text = written(here, "sealed");
        assert_eq!(ours(here, &text), Some("sealed"));
        assert!(may_be_ours(&text));
        assert_eq!(ours(here, &written("https://other.example/v1/mcp/docs", "sealed")), None);
        assert_eq!(ours(here, &written("https://gw.example/v1/mcp/docs2", "sealed")), None);
        for theirs in ["", "opaque", "eyJhbGciOi", "https://gw.example/v1/mcp/docs"] {
            assert!(!may_be_ours(theirs) && ours(here, theirs).is_none(), "{theirs}");
        }
        assert!(!may_be_ours(&written(here, &"x".repeat(LONGEST))));
    }

    #[test]
    fn only_what_was_asked_for_is_taken_out() {
        let left = request(r#"{"name":"a","arguments":{"n":1.50}}"#);
        let accepted = r#""inputResponses":{"connect":{"action":"accept"}}"#;
        assert_eq!(
            resumed(&format!(r#"{{"name":"a","arguments":{{"n":1.50}},{accepted},"requestState":"s"}}"#)),
            (left.clone(), Choice::Accepted)
        );
        assert_eq!(resumed(r#"{"requestState":"s","name":"a","arguments":{"n":1.50}}"#), (left, Choice::Accepted));
        for refusal in ["decline", "cancel", "whatever"] {
            let params =
                format!(r#"{{"name":"a","inputResponses":{{"connect":{{"action":"{refusal}"}},"x":{{"n":1e2}}}}}}"#);
            let left = request(r#"{"name":"a","inputResponses":{"x":{"n":1e2}}}"#);
            assert_eq!(resumed(&params), (left, Choice::Refused), "{refusal}");
        }
        assert_eq!(resume(b"[]"), None);
        assert_eq!(resume(br#"{"id":1}"#), None);
    }

    #[test]
    fn a_retry_has_the_digest_of_its_request() {
        let of = |params: &str| digest(request(params).as_bytes()).unwrap();
        let first = of(r#"{"name":"a","arguments":{"x":1,"y":[1,2]},"_meta":{"progressToken":1}}"#);
        for retry in [
            r#"{"_meta":{"progressToken":2},"arguments":{"y":[1,2],"x":1},"name":"a","requestState":"s","inputResponses":{}}"#,
            r#"{"name":"a","arguments":{"x":1,"y":[1, 2]}}"#,
        ] {
            assert_eq!(of(retry), first, "{retry}");
        }
        for other in
            [r#"{"name":"b","arguments":{"x":1,"y":[1,2]}}"#, r#"{"name":"a","arguments":{"x":2,"y":[1,2]}}"#, "{}"]
        {
            assert_ne!(of(other), first, "{other}");
        }
        let renamed = request("{}").replace("tools/call", "prompts/get");
        assert_ne!(digest(renamed.as_bytes()), digest(request("{}").as_bytes()));
        assert_eq!(digest(b"1"), None);
    }

    proptest! {
        #[test]
        fn never_panics(bytes: Vec<u8>, params in "\\{(\"inputResponses\"|\"requestState\"|:|,|\\{|\\}|1){0,12}\\}") {
            let _ = (resume(&bytes), digest(&bytes));
            let _ = (resume(request(&params).as_bytes()), digest(request(&params).as_bytes()));
        }
    }
}
