//! What a client is told when a server's account must be connected before its request can be answered: in the form that
//! its revision and its capabilities have for it.
//!
//! Not here: when that is so (`flow`), the link's making (`upstream`), and the requests answered in the server's stead
//! ([`super::unconnected`]).

use http::StatusCode;
use serde_json::{Value, json};

use super::request_state::CONNECT;
use crate::mcp::message::RequestId;
use crate::mcp::message::error::Code;
use crate::mcp::transport::revision::Era;

/// Where the data of a signal stands in a tool's result: `_meta` keys carry a prefix (2025-11-25, "General fields").
const META: &str = "mcp-edge-gateway/connect";

/// What the connection needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectState {
    /// The person has not connected the server yet.
    Authenticating,
    /// The server no longer takes what was connected.
    ReconsentRequired,
    /// It is the operator's connection for everybody, and they have not made it yet.
    AdminConnectRequired,
    /// The server no longer takes the operator's connection for everybody, and only they can renew it.
    AdminRenewalRequired,
}

impl ConnectState {
    /// On the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authenticating => "authenticating",
            Self::ReconsentRequired => "reconsent_required",
            Self::AdminConnectRequired | Self::AdminRenewalRequired => "admin_connect_required",
        }
    }

    /// The stable reason code of bodies, logs and analytics.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Authenticating => "connection_missing",
            Self::ReconsentRequired => "connection_expired",
            Self::AdminConnectRequired => "shared_connection_missing",
            Self::AdminRenewalRequired => "shared_connection_expired",
        }
    }
}

/// One signal.
#[derive(Debug, Clone, Copy)]
pub struct Signal<'a> {
    /// What the connection needs.
    pub state: ConnectState,
    /// The stable code of why.
    pub reason: &'a str,
    /// The server's name, for people.
    pub name: &'a str,
    /// The server's slug.
    pub slug: &'a str,
    /// Where the person connects it; nothing they could do themselves has none.
    pub link: Option<&'a str>,
    /// The id of this request in the logs.
    pub request_id: &'a str,
}

/// The request that is answered with a signal.
#[derive(Debug, Clone, Copy)]
pub struct AskedRequest<'a> {
    /// Its id.
    pub id: &'a RequestId,
    /// Its method.
    pub method: &'a str,
    /// Its era.
    pub era: Era,
    /// Whether the client shows its person a link ([`super::capabilities`]).
    pub shows_links: bool,
    /// What the retry of a modern request brings back.
    pub request_state: Option<&'a str>,
}

impl AskedRequest<'_> {
    /// Whether the client may be asked to show the link and to come back: only then is a `request_state` worth making.
    pub fn can_be_resumed(&self) -> bool {
        self.era == Era::Modern && self.shows_links && is_resumable(self.method)
    }
}

/// The methods whose results may ask for input (2026-07-28, "Multi Round-Trip Requests").
fn is_resumable(method: &str) -> bool {
    matches!(method, "tools/call" | "prompts/get" | "resources/read")
}

impl Signal<'_> {
    /// What happened, for the person.
    pub fn message(&self) -> String {
        let name = self.name;
        match self.state {
            ConnectState::Authenticating => format!("{name} must be connected: sign in there with your own account."),
            ConnectState::ReconsentRequired => format!("{name} authorization must be renewed."),
            ConnectState::AdminConnectRequired => {
                format!("{name} must be connected by the operator of this gateway: everybody shares one account there.")
            }
            ConnectState::AdminRenewalRequired => {
                format!("{name} authorization must be renewed by the operator of this gateway: everybody shares it.")
            }
        }
    }

    /// The answer to a request.
    pub fn answer(&self, asked: &AskedRequest<'_>) -> (StatusCode, Value) {
        let body = match (asked.era, self.link.filter(|_| asked.shows_links)) {
            (Era::Legacy, Some(link)) => self.error(asked, Code::UrlElicitationRequired, self.elicitations(link)),
            (Era::Modern, Some(link)) if asked.can_be_resumed() => return ok(self.input_required(asked, link)),
            _ if asked.method == "tools/call" => return ok(self.tool_result(asked, &self.instruction())),
            (Era::Modern, None) if self.link.is_some() && is_resumable(asked.method) => {
                let capabilities = json!({"requiredCapabilities": {"elicitation": {"url": {}}}});
                let body = self.error(asked, Code::MissingClientCapability, capabilities);
                return (StatusCode::BAD_REQUEST, body);
            }
            _ => self.error(asked, Code::ConnectionRequired, json!({})),
        };
        ok(body)
    }

    /// The answer to a request whose person did not want to connect.
    pub fn declined(&self, asked: &AskedRequest<'_>) -> (StatusCode, Value) {
        let name = self.name;
        let text = format!("{name} was not connected, because the question was declined. {}", self.instruction());
        ok(match asked.method {
            "tools/call" => self.tool_result(asked, &text),
            _ => self.error(asked, Code::ConnectionRequired, json!({})),
        })
    }

    /// What to do, for whoever reads the text of a tool's result: a model, which passes it on.
    fn instruction(&self) -> String {
        let message = self.message();
        match self.link {
            Some(link) => format!("{message} Open this link in a browser, then try again: {link}"),
            None => message,
        }
    }

    fn elicitations(&self, link: &str) -> Value {
        let elicitation =
            json!({"mode": "url", "elicitationId": self.request_id, "url": link, "message": self.message()});
        json!({"elicitations": [elicitation]})
    }

    fn input_required(&self, asked: &AskedRequest<'_>, link: &str) -> Value {
        let params = json!({"mode": "url", "url": link, "message": self.message()});
        let mut result = json!({
            "resultType": "input_required",
            "inputRequests": {CONNECT: {"method": "elicitation/create", "params": params}},
        });
        if let (Some(result), Some(state)) = (result.as_object_mut(), asked.request_state) {
            result.insert("requestState".into(), state.into());
        }
        json!({"jsonrpc": "2.0", "id": asked.id, "result": result})
    }

    fn tool_result(&self, asked: &AskedRequest<'_>, text: &str) -> Value {
        let mut result = json!({
            "content": [{"type": "text", "text": text}],
            "isError": true,
            "_meta": {META: self.data()},
        });
        if let (Some(result), Era::Modern) = (result.as_object_mut(), asked.era) {
            result.insert("resultType".into(), "complete".into());
        }
        json!({"jsonrpc": "2.0", "id": asked.id, "result": result})
    }

    fn error(&self, asked: &AskedRequest<'_>, code: Code, mut data: Value) -> Value {
        if let (Some(data), Value::Object(own)) = (data.as_object_mut(), self.data()) {
            data.extend(own);
        }
        json!({"jsonrpc": "2.0", "id": asked.id, "error": {"code": code, "message": self.message(), "data": data}})
    }

    fn data(&self) -> Value {
        let mut data = json!({
            "state": self.state.as_str(),
            "reason": self.reason,
            "slug": self.slug,
            "request_id": self.request_id,
        });
        if let (Some(data), Some(link)) = (data.as_object_mut(), self.link) {
            data.insert("authUrl".into(), link.into());
        }
        data
    }
}

fn ok(body: Value) -> (StatusCode, Value) {
    (StatusCode::OK, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "https://gw.example/connect/docs?s=abc";

    fn signal(state: ConnectState) -> Signal<'static> {
        let admins = matches!(state, ConnectState::AdminConnectRequired | ConnectState::AdminRenewalRequired);
        let link = (!admins).then_some(LINK);
        Signal { state, reason: state.reason(), name: "Docs", slug: "docs", link, request_id: "r1" }
    }

    fn answer(state: ConnectState, era: Era, method: &str, shows_links: bool) -> (u16, Value) {
        let id = RequestId::Integer(7.into());
        let asked = AskedRequest { id: &id, method, era, shows_links, request_state: Some("sealed") };
        let (status, body) = signal(state).answer(&asked);
        assert_eq!((&body["jsonrpc"], &body["id"]), (&json!("2.0"), &json!(7)));
        (status.as_u16(), body)
    }

    #[test]
    fn a_legacy_client_that_shows_links_gets_the_error_its_revision_has() {
        for method in ["tools/call", "resources/read", "completion/complete"] {
            let (status, body) = answer(ConnectState::Authenticating, Era::Legacy, method, true);
            assert_eq!(status, 200);
            assert_eq!(
                body["error"],
                json!({
                    "code": -32042,
                    "message": "Docs must be connected: sign in there with your own account.",
                    "data": {
                        "elicitations": [{
                            "mode": "url", "elicitationId": "r1", "url": LINK,
                            "message": "Docs must be connected: sign in there with your own account.",
                        }],
                        "state": "authenticating", "authUrl": LINK, "reason": "connection_missing",
                        "request_id": "r1", "slug": "docs",
                    },
                })
            );
        }
        let (_, body) = answer(ConnectState::ReconsentRequired, Era::Legacy, "tools/call", true);
        assert_eq!(body["error"]["message"], "Docs authorization must be renewed.");
        assert_eq!(body["error"]["data"]["state"], "reconsent_required");
    }

    #[test]
    fn a_modern_client_that_shows_links_is_asked_and_comes_back() {
        for method in ["tools/call", "prompts/get", "resources/read"] {
            let (status, body) = answer(ConnectState::ReconsentRequired, Era::Modern, method, true);
            assert_eq!(status, 200);
            let params = json!({"mode": "url", "url": LINK, "message": "Docs authorization must be renewed."});
            assert_eq!(
                body["result"],
                json!({
                    "resultType": "input_required", "requestState": "sealed",
                    "inputRequests": {"connect": {"method": "elicitation/create", "params": params}},
                })
            );
        }
    }

    #[test]
    fn who_shows_no_links_reads_one() {
        for (era, result_type) in [(Era::Legacy, Value::Null), (Era::Modern, json!("complete"))] {
            let (status, body) = answer(ConnectState::Authenticating, era, "tools/call", false);
            assert_eq!(status, 200);
            assert_eq!((&body["result"]["isError"], &body["result"]["resultType"]), (&json!(true), &result_type));
            let text = body["result"]["content"][0]["text"].as_str().unwrap();
            assert!(text.starts_with("Docs must be connected") && text.ends_with(LINK), "{text}");
            assert_eq!(body["result"]["_meta"]["mcp-edge-gateway/connect"]["authUrl"], LINK);
        }
    }

    #[test]
    fn other_methods_fail_with_a_code_of_their_revision() {
        for (era, method, shows_links, expected) in [
            (Era::Legacy, "prompts/get", false, (200, -31042)),
            (Era::Modern, "prompts/get", false, (400, -32021)),
            (Era::Modern, "resources/read", false, (400, -32021)),
            (Era::Modern, "completion/complete", false, (200, -31042)),
            (Era::Modern, "completion/complete", true, (200, -31042)),
        ] {
            let (status, body) = answer(ConnectState::Authenticating, era, method, shows_links);
            assert_eq!((status, body["error"]["code"].as_i64().unwrap()), expected, "{era:?} {method}");
            assert_eq!(body["error"]["data"]["authUrl"], LINK);
            let required = &body["error"]["data"]["requiredCapabilities"];
            assert_eq!(*required == json!({"elicitation": {"url": {}}}), expected.1 == -32021);
        }
    }

    #[test]
    fn who_has_to_connect_and_who_to_renew_is_said_apart() {
        let said = |state| signal(state).message();
        assert!(said(ConnectState::AdminConnectRequired).contains("must be connected by the operator"));
        assert!(said(ConnectState::AdminRenewalRequired).contains("must be renewed by the operator"));
        assert_eq!(ConnectState::AdminRenewalRequired.as_str(), ConnectState::AdminConnectRequired.as_str());
    }

    #[test]
    fn what_only_an_operator_can_do_has_no_link_for_anybody() {
        for era in [Era::Legacy, Era::Modern] {
            for shows_links in [false, true] {
                let (_, call) = answer(ConnectState::AdminConnectRequired, era, "tools/call", shows_links);
                assert!(call["result"]["content"][0]["text"].as_str().unwrap().contains("operator"));
                let (status, read) = answer(ConnectState::AdminConnectRequired, era, "resources/read", shows_links);
                assert_eq!((status, &read["error"]["code"]), (200, &json!(-31042)));
                assert_eq!(read["error"]["data"]["state"], "admin_connect_required");
                assert!(!format!("{call}{read}").contains("http"));
            }
        }
    }

    #[test]
    fn who_declines_is_not_asked_again_but_told() {
        let id = RequestId::Text("a".into());
        let asked = |method| AskedRequest { id: &id, method, era: Era::Modern, shows_links: true, request_state: None };
        let (status, body) = signal(ConnectState::Authenticating).declined(&asked("tools/call"));
        assert_eq!((status, &body["result"]["isError"]), (StatusCode::OK, &json!(true)));
        assert!(body["result"]["content"][0]["text"].as_str().unwrap().contains("declined"));
        let (_, body) = signal(ConnectState::Authenticating).declined(&asked("prompts/get"));
        assert_eq!(body["error"]["code"], -31042);
    }
}
