//! A server with MCP Apps: tools that name their pages, and resources.
//!
//! Not here: what a host does with a page (`tests/e2e/apps.test.mjs`).

use std::rc::Rc;

use serde_json::{Value, json};

use super::World;
use super::client::Client;
use super::platform::Scripted;

/// A tool that names its page in the form of today.
pub fn tool(name: &str, page: &str) -> Value {
    json!({"name": name, "inputSchema": {"type": "object"}, "_meta": {"ui": {"resourceUri": page}}})
}

impl World {
    /// The server at an origin has these tools and resources.
    pub fn has_apps(&self, origin: &str, tools: &Value, uris: &[&str]) {
        let resources: Vec<_> = uris.iter().map(|uri| json!({"uri": uri, "name": "a page"})).collect();
        let (tools, resources) = (tools.clone(), json!(resources));
        self.outside(
            origin,
            Rc::new(move |request| {
                let message: Value = serde_json::from_slice(&request.body).unwrap();
                let uri = &message["params"]["uri"];
                let result = match message["method"].as_str().unwrap() {
                    "tools/list" => json!({"tools": tools}),
                    "resources/list" => json!({"resources": resources}),
                    "resources/read" => json!({"contents": [{"uri": uri, "text": "<p>"}]}),
                    _ => json!({"content": []}),
                };
                Ok(Scripted::json(&json!({"jsonrpc": "2.0", "id": message["id"], "result": result})))
            }),
        );
    }
}

impl Client {
    /// What a list names.
    pub fn listed(&self, method: &str) -> Vec<String> {
        let answer = self.sends(&json!({"jsonrpc": "2.0", "id": 5, "method": method})).with(200).json();
        let result = &answer["result"];
        let members = result["tools"].as_array().or(result["resources"].as_array()).unwrap();
        let name = |member: &Value| member["uri"].as_str().or(member["name"].as_str()).unwrap().to_owned();
        members.iter().map(name).collect()
    }

    /// Reads a resource; why not, if it may not.
    pub fn reads(&self, uri: &str) -> Result<(), String> {
        let read = json!({"jsonrpc": "2.0", "id": 5, "method": "resources/read", "params": {"uri": uri}});
        let answer = self.sends(&read).json();
        let reason = answer["error"]["data"]["reason"].as_str().map(str::to_owned);
        assert!(reason.is_some() || answer["result"]["contents"][0]["uri"] == uri, "{answer}");
        reason.map_or(Ok(()), Err)
    }
}
