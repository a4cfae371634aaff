//! How a stream of events ends that the gateway ends: what of the access it was opened with it may outlive, and the
//! event its client is told by.
//!
//! Not here: whether that access still stands, and how often it is looked at (`flow::call::tenure`).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::revision::Era;
use crate::mcp::message::error::{Code, Data, ErrorResponse};
use crate::mcp::message::{Payload, RequestId};
use crate::time::{Lifetime, Timestamp};

/// How long work goes on that was allowed before the token ended: its result would be lost, and what it did would not.
pub const GRACE: Lifetime = Lifetime::minutes(10);

/// How a stream is ended, by what it answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// The request's id as JSON. Without one the stream breaks off: of a batch nobody knows what was answered already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Whether it is a subscription. That closes with its result, and its client opens another (2026-07-28
    /// "Subscriptions"); any other request fails.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    completes: bool,
}

impl Ending {
    /// For the answer to a message.
    pub fn of(payload: &Payload, era: Era) -> Self {
        let Payload::One(message) = payload else { return Self::break_off() };
        let id = message.id().and_then(|id| serde_json::to_string(id).ok());
        Self { id, completes: era == Era::Modern && message.method() == Some("subscriptions/listen") }
    }

    /// Without a word.
    pub const fn break_off() -> Self {
        Self { id: None, completes: false }
    }

    /// When it comes at the latest, with a token that is good until `exp`. A subscription is no work that could be
    /// lost.
    pub fn due(&self, exp: Timestamp) -> Timestamp {
        if self.completes { exp } else { exp + GRACE }
    }

    /// What is sent at last. The blank line before it ends an event that the server may have begun: whatever its
    /// beginning was, the half of a JSON object is no message.
    pub fn event(&self, message: &str, data: Data<'_>) -> Vec<u8> {
        let id = self.id.as_deref();
        let message = id.and_then(|id| if self.completes { completed(id) } else { failed(id, message, data) });
        message.map_or_else(Vec::new, |message| format!("\n\nevent: message\ndata: {message}\n\n").into_bytes())
    }
}

fn completed(id: &str) -> Option<String> {
    let id = serde_json::from_str::<Value>(id).ok()?;
    let result = json!({"resultType": "complete", "_meta": {"io.modelcontextprotocol/subscriptionId": id}});
    Some(json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string())
}

fn failed(id: &str, message: &str, data: Data<'_>) -> Option<String> {
    let id = match serde_json::from_str::<Value>(id).ok()? {
        Value::Number(number) => RequestId::Integer(number),
        Value::String(text) => RequestId::Text(text),
        _ => return None,
    };
    let error = ErrorResponse { id: Some(&id), code: Code::InvalidRequest, message, data };
    String::from_utf8(error.to_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::message::envelope::parse;

    const DATA: Data<'static> =
        Data { reason: "token_expired", request_id: "r1", slug: Some("docs"), fix: None, lacking: None };

    fn ending(json: &str, era: Era) -> Ending {
        Ending::of(&parse(json.as_bytes(), 9).unwrap(), era)
    }

    fn told(ending: &Ending) -> Option<Value> {
        let event = String::from_utf8(ending.event("It ended.", DATA)).unwrap();
        let data = event.strip_prefix("\n\nevent: message\ndata: ")?.strip_suffix("\n\n")?;
        assert!(!data.contains('\n'), "one line: {data}");
        serde_json::from_str(data).ok()
    }

    #[test]
    fn a_subscription_completes_under_its_own_id() {
        for id in [r#""listen:0""#, r#""a\"\nb""#, "7", "18446744073709551615"] {
            let request = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"subscriptions/listen","params":{{}}}}"#);
            let ending = ending(&request, Era::Modern);
            assert_eq!(ending.due(Timestamp(100)), Timestamp(100));
            let id = serde_json::from_str::<Value>(id).unwrap();
            let meta = json!({"io.modelcontextprotocol/subscriptionId": id});
            let result = json!({"resultType": "complete", "_meta": meta});
            assert_eq!(told(&ending), Some(json!({"jsonrpc": "2.0", "id": id, "result": result})));
        }
    }

    #[test]
    fn anything_else_fails_and_has_ten_minutes_more() {
        for (request, era) in [
            (r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"b"}}"#, Era::Modern),
            (r#"{"jsonrpc":"2.0","id":"a","method":"subscriptions/listen"}"#, Era::Legacy),
        ] {
            let ending = ending(request, era);
            assert_eq!(ending.due(Timestamp(100)), Timestamp(700));
            let told = told(&ending).unwrap();
            assert_eq!((&told["id"], &told["error"]["code"]), (&json!("a"), &json!(-32600)));
            assert_eq!(told["error"]["data"], json!({"reason": "token_expired", "request_id": "r1", "slug": "docs"}));
        }
    }

    #[test]
    fn what_has_no_one_id_breaks_off() {
        for json in [
            r#"[{"jsonrpc":"2.0","id":1,"method":"tools/list"},{"jsonrpc":"2.0","id":2,"method":"ping"}]"#,
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        ] {
            assert!(ending(json, Era::Legacy).event("It ended.", DATA).is_empty(), "{json}");
        }
    }
}
