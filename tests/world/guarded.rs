//! A scripted MCP server that wants a token and has sessions: it says 401 to every other one, with a challenge naming
//! its own login.
//!
//! Not here: its authorization server. Tests put connections where the gateway keeps them.

use std::cell::RefCell;
use std::rc::Rc;

use mcp_edge_gateway::oauth::client::Method;
use mcp_edge_gateway::oauth_client::client::UpstreamClient;
use mcp_edge_gateway::ports::{Ledger, Outgoing};
use mcp_edge_gateway::secret::{Digested, Secret};
use mcp_edge_gateway::time::Timestamp;
use mcp_edge_gateway::upstream::connection::Command;
use mcp_edge_gateway::upstream::credential::{Credential, CredentialKind, Oauth, Token};
use mcp_edge_gateway::upstream::key::{ConnectionKey, FIRST_ACCOUNT, Owner};
use mcp_edge_gateway::vault::{KeyRing, Purpose};
use serde_json::{Value, json};

use super::answer::Answer;
use super::client::Client;
use super::platform::Scripted;
use super::{KEY_1, World};

/// Where its tokens come from.
const ISSUER: &str = "https://as.example";

/// The server at <https://docs.example/mcp>.
#[derive(Clone, Default)]
pub struct Guarded(Rc<RefCell<Inner>>);

#[derive(Default)]
struct Inner {
    token: String,
    sessions: usize,
    stateless: bool,
    lacks_scope: bool,
    seen: Vec<Value>,
}

impl Guarded {
    pub const CHALLENGE: &'static str = r#"Bearer resource_metadata="https://docs.example/.well-known/oauth-protected-resource/mcp", error="invalid_token""#;

    pub fn in_world(world: &World) -> Self {
        let server = Self::default();
        let host = server.clone();
        world.outside("https://docs.example", Rc::new(move |request| Ok(host.answer(request))));
        server
    }

    /// From now on only this token is good.
    pub fn wants(&self, token: &str) {
        token.clone_into(&mut self.0.borrow_mut().token);
    }

    pub fn gives_no_sessions(&self) {
        self.0.borrow_mut().stateless = true;
    }

    /// From now on its tools need the scope "write".
    pub fn wants_more(&self) {
        self.0.borrow_mut().lacks_scope = true;
    }

    /// The methods it was asked for since this was last asked, tokens that were not good included.
    pub fn was_asked(&self) -> Vec<String> {
        self.heard().iter().map(|message| message["method"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The messages it got since this was last asked.
    pub fn heard(&self) -> Vec<Value> {
        std::mem::take(&mut self.0.borrow_mut().seen)
    }

    fn answer(&self, request: &Outgoing) -> Scripted {
        let mut inner = self.0.borrow_mut();
        let header = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap());
        let message: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        inner.seen.push(message.clone());
        if header("authorization") != Some(&format!("Bearer {}", inner.token)) {
            let body = r#"{"error":"invalid_token"}"#;
            return Scripted::new(
                401,
                &[("www-authenticate", Self::CHALLENGE), ("content-type", "application/json")],
                body,
            );
        }
        let modern = header("mcp-protocol-version") == Some("2026-07-28");
        let Some(method) = message["method"].as_str().filter(|_| message.get("id").is_some()) else {
            return Scripted::new(202, &[], "");
        };
        if inner.lacks_scope && method == "tools/call" {
            let challenge = r#"Bearer error="insufficient_scope", scope="write""#;
            return Scripted::new(403, &[("www-authenticate", challenge)], "");
        }
        let mut headers = vec![("content-type", "application/json")];
        let id;
        let result = match method {
            "initialize" => {
                inner.sessions += 1;
                id = format!("docs-{}", inner.sessions);
                if !inner.stateless {
                    headers.push(("mcp-session-id", &id));
                }
                let revision = &message["params"]["protocolVersion"];
                json!({"protocolVersion": revision, "capabilities": {}, "serverInfo": {"name": "docs", "version": "1"}})
            }
            _ if !modern && !inner.stateless && header("mcp-session-id").is_none() => {
                return Scripted::new(400, &[], "");
            }
            "tools/list" => json!({"tools": [{"name": "search", "inputSchema": {"type": "object"}}]}),
            "tools/call" => json!({"content": [{"type": "text", "text": message["params"]["name"]}]}),
            _ => json!({}),
        };
        Scripted::new(200, &headers, json!({"jsonrpc": "2.0", "id": message["id"], "result": result}).to_string())
    }
}

/// The capabilities of a client that shows its person links.
pub fn shows_links() -> Value {
    json!({"elicitation": {"url": {}}})
}

impl World {
    /// The world with one more server, "docs", that each person connects at their first call.
    pub fn guarded() -> (Self, Guarded) {
        let world = Self::configured(|config| {
            let auth = json!({"kind": "oauth", "connect": "first_call"});
            config["servers"]["docs"] = json!({"name": "Docs", "url": "https://docs.example/mcp", "auth": auth});
        });
        let server = Guarded::in_world(&world);
        (world, server)
    }

    /// A client of alice's at "docs" that has begun a session of 2025-06-18.
    pub fn begins(&self, name: &str, capabilities: &Value) -> Client {
        let mut client = self.client(name).at("docs").connects("alice");
        let info = json!({"name": name, "version": "1"});
        let params = json!({"protocolVersion": "2025-06-18", "capabilities": capabilities, "clientInfo": info});
        let message = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
        let answer = client.sends(&message).with(200);
        client.session = Some(answer.header("mcp-session-id").unwrap().to_owned());
        assert_eq!(answer.json()["result"]["protocolVersion"], "2025-06-18");
        client.sends(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).with(202);
        client
    }

    /// Puts a connection to "docs" where the gateway keeps it.
    pub fn connected(&self, person: &str, token: &str) {
        let key = ConnectionKey::new(Owner::Subject(format!("dev:{person}")), "docs", FIRST_ACCOUNT);
        let client = UpstreamClient {
            id: "gateway".to_owned(),
            secret: None,
            method: Method::None,
            registered: None,
            header_alone: false,
        };
        let now = Timestamp(self.now());
        let oauth = Oauth {
            issuer: ISSUER.to_owned(),
            resource: Some("https://docs.example/mcp".to_owned()),
            client,
            token_endpoint: format!("{ISSUER}/token"),
            revocation_endpoint: None,
            refresh_token: Some(Secret::new(format!("refresh token of {person}"))),
            token: Token {
                access_token: Secret::new(token),
                expires: None,
                obtained: now,
                scope: Some("read".to_owned()),
            },
        };
        let fits = Digested::of("https://docs.example/mcp\noauth");
        let credential = Credential::new(fits, now, CredentialKind::Oauth(Box::new(oauth)));
        let keys = KeyRing::parse(&Secret::new(KEY_1)).unwrap();
        let sealed = keys.seal_json(Purpose::Connection, &key.place(), [9; 12], &credential);
        let stored = self.platform.connection(&key, Command::Store { sealed });
        assert!(self.platform.together([stored]).remove(0).is_ok());
        self.outside_answers(ISSUER, 400, &[("content-type", "application/json")], r#"{"error":"invalid_grant"}"#);
    }

    /// What a refresh of such a connection brings; without it the grant is dead.
    pub fn can_be_renewed(&self, token: &str) {
        let tokens = json!({"access_token": token, "token_type": "Bearer", "refresh_token": "another"}).to_string();
        self.outside_answers(ISSUER, 200, &[("content-type", "application/json")], &tokens);
    }
}

impl Client {
    /// A request of 2026-07-28, which says each time what its client can do.
    pub fn sends_modern(&self, method: &str, capabilities: &Value, mut params: Value) -> Answer {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": capabilities,
        });
        let mut request = self.world.request("POST", &self.resource()).bearer(&self.access);
        request = request.header("mcp-protocol-version", "2026-07-28").header("mcp-method", method);
        if let Some(name) = params["name"].as_str().or(params["uri"].as_str()) {
            request = request.header("mcp-name", name);
        }
        request.json(&json!({"jsonrpc": "2.0", "id": 5, "method": method, "params": params})).send()
    }
}
