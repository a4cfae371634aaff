//! What the gateway answers in a server's stead while it cannot be asked, because its account is not connected yet:
//! enough that a client starts, lists, and gets to the call that says so.
//!
//! Not here: that call's answer ([`super::signal`]), and how the server is told later who the client is (`flow`).

use serde_json::{Value, json};

use crate::mcp::message::{Message, RequestId};
use crate::mcp::rewrite::list::List;
use crate::mcp::transport::revision::{Era, negotiated};

/// The server that is stood in for.
#[derive(Debug, Clone, Copy)]
pub struct StoodInServer<'a> {
    /// Its name, for people.
    pub name: &'a str,
    /// Its slug.
    pub slug: &'a str,
    /// Whether the operator connects it, once for everybody.
    pub shared: bool,
    /// The gateway's version.
    pub version: &'a str,
}

/// What the name of its one tool begins with.
const TOOL: &str = "connect_";

impl StoodInServer<'_> {
    /// Whether this is the name of the one tool there is. A server's own tools hardly have it, so it means the same
    /// before and after connecting.
    pub fn has_tool(&self, name: &str) -> bool {
        name.strip_prefix(TOOL) == Some(self.slug)
    }

    /// The answer to a request, if it can be answered without the server. `initialize` are the client's parameters of
    /// that method.
    ///
    /// `known` is what the server last said to it. Without that `server/discover` is not answered: it would promise an
    /// era and leave out extensions, and a client asks only once.
    pub fn answer(
        &self,
        message: &Message,
        era: Era,
        initialize: Option<&str>,
        known: Option<&Value>,
    ) -> Option<Value> {
        let method = message.method()?;
        let result = match (method, era) {
            ("initialize", Era::Legacy) => self.initialized(initialize, known),
            ("server/discover", Era::Modern) => self.introduced(known?.clone()),
            ("ping" | "logging/setLevel", Era::Legacy) => json!({}),
            _ => self.list(method, known)?,
        };
        Some(self.response(message.id()?, era, result, method != "ping"))
    }

    /// The same while it is connected and cannot be asked for the moment: only what it last said.
    pub fn answer_as_known(
        &self,
        message: &Message,
        era: Era,
        initialize: Option<&str>,
        known: Value,
    ) -> Option<Value> {
        let known = if message.method()? == "initialize" { Self::in_revision_of(initialize, known) } else { known };
        Some(self.response(message.id()?, era, known, true))
    }

    /// The answer to a call of the one tool once the server is connected.
    pub fn connected(&self, id: &RequestId, era: Era) -> Value {
        let text = format!("{} is connected. Its tools are there when the tools are listed again.", self.name);
        self.response(id, era, json!({"content": [{"type": "text", "text": text}]}), false)
    }

    /// What tells a legacy client that there is more to list now, in the stream before that answer.
    pub fn list_changes() -> impl Iterator<Item = Value> {
        let methods = ["tools", "prompts", "resources"].into_iter();
        methods.map(|list| json!({"jsonrpc": "2.0", "method": format!("notifications/{list}/list_changed")}))
    }

    /// What the server said of itself, and that there is one thing to do first.
    fn introduced(&self, mut known: Value) -> Value {
        let Some(members) = known.as_object_mut() else { return known };
        if let Some(capabilities) = members.entry("capabilities").or_insert_with(|| json!({})).as_object_mut() {
            capabilities.insert("tools".into(), json!({"listChanged": true}));
        }
        let of_server = members.get("instructions").and_then(Value::as_str);
        let of_server = of_server.map(|text| format!("\n\n{text}")).unwrap_or_default();
        members.insert("instructions".into(), format!("{}{of_server}", self.instructions()).into());
        known
    }

    /// In the revision of the client, or the newest of its era.
    fn in_revision_of(params: Option<&str>, mut known: Value) -> Value {
        if let Some(members) = known.as_object_mut() {
            members.insert("protocolVersion".into(), negotiated(params).into());
        }
        known
    }

    fn initialized(&self, params: Option<&str>, known: Option<&Value>) -> Value {
        if let Some(known) = known {
            return Self::in_revision_of(params, self.introduced(known.clone()));
        }
        let lists = json!({"listChanged": true});
        json!({
            "protocolVersion": negotiated(params),
            // What the server may turn out to have: a client never asks again, and asks for nothing that was not named
            // here.
            "capabilities": {"tools": lists, "prompts": lists, "resources": lists, "logging": {}, "completions": {}},
            "serverInfo": self.info(),
            "instructions": self.instructions(),
        })
    }

    fn list(&self, method: &str, known: Option<&Value>) -> Option<Value> {
        let list = List::of(method)?;
        let own = (list == List::Tools).then(|| self.tool());
        let known = known.and_then(|known| known.get(list.member())?.as_array()).into_iter().flatten().cloned();
        Some(json!({ list.member(): own.into_iter().chain(known).collect::<Vec<_>>() }))
    }

    fn tool(&self) -> Value {
        let name = self.name;
        let description = if self.shared {
            format!(
                "{name} is used through one account for everybody, and the operator of this gateway has not connected \
                 it, so its own tools cannot be listed. The user cannot connect it themselves: tell them to ask the \
                 operator. Once it is connected, list the tools again."
            )
        } else {
            format!(
                "{name} is not connected to the user's account yet, so its own tools cannot be listed. Call this tool \
                 to get the link the user must open in a browser; once they have signed in there, call it again and \
                 list the tools again."
            )
        };
        json!({
            "name": format!("{TOOL}{}", self.slug),
            "title": format!("Connect {name}"),
            "description": description,
            "inputSchema": {"type": "object", "properties": {}, "additionalProperties": false},
        })
    }

    fn instructions(&self) -> String {
        let (name, slug) = (self.name, self.slug);
        if self.shared {
            return format!("{name} can be used once the operator of this gateway has connected it, for everybody.");
        }
        format!("{name} must be connected to the user's account before it can be used: call the tool {TOOL}{slug}.")
    }

    fn info(&self) -> Value {
        json!({"name": self.slug, "title": self.name, "version": self.version})
    }

    fn response(&self, id: &RequestId, era: Era, mut result: Value, cacheable: bool) -> Value {
        if let (Some(result), Era::Modern) = (result.as_object_mut(), era) {
            result.insert("resultType".into(), "complete".into());
            result.entry("_meta").or_insert(json!({"io.modelcontextprotocol/serverInfo": self.info()}));
            if cacheable {
                // 2026-07-28 "Caching": it changes the moment the person connects, and is nobody else's.
                result.insert("ttlMs".into(), 0.into());
                result.insert("cacheScope".into(), "private".into());
            }
        }
        json!({"jsonrpc": "2.0", "id": id, "result": result})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::message::envelope::{Payload, parse};

    const DOCS: StoodInServer<'static> = StoodInServer { name: "Docs", slug: "docs", shared: false, version: "1.2.3" };

    fn message(method: &str) -> Message {
        let json = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}"}}"#);
        let Ok(Payload::One(message)) = parse(json.as_bytes(), 9) else { panic!("{json}") };
        message
    }

    fn result(method: &str, era: Era, initialize: Option<&str>) -> Option<Value> {
        let mut answer = DOCS.answer(&message(method), era, initialize, None)?;
        assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &json!(7)));
        Some(answer["result"].take())
    }

    #[test]
    fn a_legacy_client_starts_in_its_own_revision() {
        for (params, revision) in [
            (Some(r#"{"protocolVersion":"2025-06-18","capabilities":{}}"#), "2025-06-18"),
            (Some(r#"{"protocolVersion":"2026-07-28"}"#), "2025-11-25"),
            (Some("{}"), "2025-11-25"),
            (None, "2025-11-25"),
        ] {
            let result = result("initialize", Era::Legacy, params).unwrap();
            assert_eq!(result["protocolVersion"], revision);
            assert_eq!(result["serverInfo"], json!({"name": "docs", "title": "Docs", "version": "1.2.3"}));
            assert_eq!(result["capabilities"]["tools"], json!({"listChanged": true}));
            assert!(result["instructions"].as_str().unwrap().contains("connect_docs"));
        }
        assert_eq!(result("ping", Era::Legacy, None), Some(json!({})));
        assert_eq!(result("logging/setLevel", Era::Legacy, None), Some(json!({})));
    }

    #[test]
    fn lists_hold_the_one_tool_and_nothing_else() {
        for (method, member, length) in [
            ("tools/list", "tools", 1),
            ("prompts/list", "prompts", 0),
            ("resources/list", "resources", 0),
            ("resources/templates/list", "resourceTemplates", 0),
        ] {
            let legacy = result(method, Era::Legacy, None).unwrap();
            assert_eq!(legacy[member].as_array().map(Vec::len), Some(length), "{method}");
            assert_eq!(legacy.as_object().map(serde_json::Map::len), Some(1), "no member of another revision");
            let modern = result(method, Era::Modern, None).unwrap();
            assert_eq!(modern[member], legacy[member]);
            assert_eq!(
                (&modern["resultType"], &modern["ttlMs"], &modern["cacheScope"]),
                (&json!("complete"), &json!(0), &json!("private"))
            );
        }
        let tools = result("tools/list", Era::Legacy, None).unwrap();
        assert_eq!(tools["tools"][0]["name"], "connect_docs");
        assert!(DOCS.has_tool("connect_docs") && !DOCS.has_tool("connect_doc") && !DOCS.has_tool("docs"));
        assert_eq!(tools["tools"][0]["inputSchema"]["type"], "object");
    }

    #[test]
    fn of_a_server_that_everybody_shares_the_operator_is_spoken_of() {
        let shared = StoodInServer { shared: true, ..DOCS };
        for (method, member) in [("initialize", "/result/instructions"), ("tools/list", "/result/tools/0/description")]
        {
            let said = |server: StoodInServer<'_>| {
                let answer = server.answer(&message(method), Era::Legacy, None, None).unwrap();
                answer.pointer(member).unwrap().as_str().unwrap().to_owned()
            };
            assert!(said(shared).contains("operator") && !said(shared).contains("user's account"), "{method}");
            assert!(!said(DOCS).contains("operator"), "{method}");
        }
    }

    #[test]
    fn the_rest_is_not_answered_in_its_stead() {
        for era in [Era::Legacy, Era::Modern] {
            for method in ["tools/call", "prompts/get", "resources/read", "completion/complete", "x/y"] {
                assert_eq!(result(method, era, None), None, "{method}");
            }
        }
        for (method, era) in [("initialize", Era::Modern), ("ping", Era::Modern), ("server/discover", Era::Legacy)] {
            assert_eq!(result(method, era, None), None, "{method} is of the other era");
        }
        assert_eq!(result("server/discover", Era::Modern, None), None, "nobody knows what the server speaks");
    }

    #[test]
    fn once_connected_the_tool_says_so() {
        let id = RequestId::Integer(7.into());
        let modern = DOCS.connected(&id, Era::Modern);
        assert_eq!(modern["result"]["resultType"], "complete");
        assert_eq!(modern["result"]["ttlMs"], Value::Null, "nothing a client caches");
        let legacy = DOCS.connected(&id, Era::Legacy);
        assert!(legacy["result"]["content"][0]["text"].as_str().unwrap().starts_with("Docs is connected."));
        assert_eq!(legacy["result"]["resultType"], Value::Null);
        let changes: Vec<_> = StoodInServer::list_changes().collect();
        assert_eq!(changes[0], json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}));
    }
}
