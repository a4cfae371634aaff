//! A scripted MCP server that wants a token and has sessions: it says 401 to every other one, with a challenge naming its own login.
//!
//! Not here: its authorization server. Tests put connections where the gateway keeps them.

use std::cell::RefCell;
use std::rc::Rc;

use mcp_edge_gateway::ports::Outgoing;
use serde_json::{Value, json};

use super::World;
use super::platform::Scripted;

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
    pub const CHALLENGE: &'static str =
        r#"Bearer resource_metadata="https://docs.example/.well-known/oauth-protected-resource/mcp", error="invalid_token""#;

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
            return Scripted::new(401, &[("www-authenticate", Self::CHALLENGE), ("content-type", "application/json")], body);
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

    /// Puts a connection where the gateway keeps it.
    pub fn connected(&self, subject: &str, token: &str) {
        let key = format!("stub:dev:{subject}:docs");
        self.platform.directory.borrow_mut().insert(key, (format!("1 {token}"), None));
    }
}
