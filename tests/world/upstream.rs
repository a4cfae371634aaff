//! A scripted MCP server of the legacy era: sessions, `tools/call` of whatever tool, notifications.
//!
//! Not here: the real ones; those are in `tests/e2e`.

use std::rc::Rc;

use mcp_edge_gateway::ports::Outgoing;
use serde_json::{Value, json};

use super::platform::{Host, Scripted};

/// The session id every client of it gets.
pub const SESSION: &str = "upstream-session-1";

/// The server.
pub fn echo() -> Host {
    Rc::new(|request| Ok(answer(request)))
}

fn answer(request: &Outgoing) -> Scripted {
    let presented = request.headers.get("mcp-session-id").map(|id| id.to_str().unwrap());
    if presented.is_some_and(|id| id != SESSION) {
        return Scripted::new(404, &[], "");
    }
    if request.method == "DELETE" {
        return Scripted::new(200, &[], "");
    }
    let message: Value = serde_json::from_slice(&request.body).unwrap();
    let Some(id) = message.get("id") else { return Scripted::new(202, &[], "") };
    let result = match message["method"].as_str() {
        Some("initialize") => {
            let body = json!({"jsonrpc": "2.0", "id": id, "result": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "echo", "version": "1"}}});
            let headers = [("content-type", "application/json"), ("mcp-session-id", SESSION), ("set-cookie", "up=1")];
            return Scripted::new(200, &headers, body.to_string());
        }
        Some("tools/call") => json!({"content": [{"type": "text", "text": message["params"]["name"]}]}),
        _ => json!({}),
    };
    Scripted::json(&json!({"jsonrpc": "2.0", "id": id, "result": result}))
}
