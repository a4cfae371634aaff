//! A client's session at a server that forgets its own: started anew, moved, or strict about how it says so.
//!
//! Not here: servers whose account must be connected first.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use mcp_edge_gateway::ports::Outgoing;
use serde_json::{Value, json};

use crate::world::World;
use crate::world::client::Client;
use crate::world::platform::Scripted;

/// A server with sessions that can lose them.
#[derive(Clone, Default)]
struct Forgetful(Rc<RefCell<Inner>>);

#[derive(Default)]
struct Inner {
    sessions: BTreeMap<String, Value>,
    opened: usize,
    refuses: bool,
    revision: Option<&'static str>,
    streams: bool,
    /// How it answers to a session it does not know.
    lost: Option<(u16, &'static str)>,
}

impl Forgetful {
    fn at(world: &World, origin: &str) -> Self {
        let server = Self::default();
        let host = server.clone();
        world.outside(origin, Rc::new(move |request| Ok(host.answer(request))));
        server
    }

    fn forgets(&self) {
        self.0.borrow_mut().sessions.clear();
    }

    fn opened(&self) -> usize {
        self.0.borrow().opened
    }

    fn answer(&self, request: &Outgoing) -> Scripted {
        let mut inner = self.0.borrow_mut();
        let session = request.headers.get("mcp-session-id").map(|id| id.to_str().unwrap().to_owned());
        let message: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let result = match (message["method"].as_str(), session) {
            (Some("initialize"), None) if inner.refuses => return Scripted::new(503, &[], ""),
            (Some("initialize"), None) => {
                inner.opened += 1;
                let id = format!("session-{}", inner.opened);
                inner.sessions.insert(id.clone(), message["params"].clone());
                let revision = inner.revision.map_or(message["params"]["protocolVersion"].clone(), Value::from);
                let result = json!({"protocolVersion": revision, "capabilities": {}, "serverInfo": {"name": "a", "version": "1"}});
                let body = json!({"jsonrpc": "2.0", "id": message["id"], "result": result}).to_string();
                let (kind, body) = if inner.streams {
                    ("text/event-stream", format!("event: message\ndata: {body}\n\n"))
                } else {
                    ("application/json", body)
                };
                return Scripted::new(200, &[("content-type", kind), ("mcp-session-id", &id)], body);
            }
            (None, Some(_)) if request.method == "DELETE" => return Scripted::new(200, &[], ""),
            (method, Some(session)) => match (inner.sessions.get(&session), method) {
                (None, _) => {
                    let (status, body) = inner.lost.unwrap_or((404, ""));
                    return Scripted::new(status, &[("content-type", "application/json")], body);
                }
                (Some(_), _) if message.get("id").is_none() => return Scripted::new(202, &[], ""),
                (Some(params), Some("who")) => params["clientInfo"].clone(),
                (Some(_), _) => json!({"content": [{"type": "text", "text": session}]}),
            },
            (_, None) => return Scripted::new(400, &[], ""),
        };
        Scripted::json(&json!({"jsonrpc": "2.0", "id": message["id"], "result": result}))
    }
}

fn text(client: &Client) -> String {
    client.call("echo").with(200).json()["result"]["content"][0]["text"].as_str().unwrap().to_owned()
}

#[test]
fn a_server_that_lost_a_session_is_initialized_again_as_the_client_did() {
    let world = World::new();
    let server = Forgetful::at(&world, "https://demo.example");
    let client = world.client("claude").connects("alice").initializes();
    assert_eq!(text(&client), "session-1");
    server.forgets();
    world.sent();
    let answer = client.call("echo").with(200);
    assert_eq!(answer.json()["result"]["content"][0]["text"], "session-2");
    let sent: Vec<Value> = world.sent().iter().map(|sent| serde_json::from_slice(&sent.body).unwrap()).collect();
    let methods: Vec<_> = sent.iter().map(|message| message["method"].as_str().unwrap()).collect();
    assert_eq!(methods, ["tools/call", "initialize", "notifications/initialized", "tools/call"]);
    assert_eq!(sent[0], sent[3], "the very same message");
    let renamed = Client { session: answer.header("mcp-session-id").map(ToOwned::to_owned), ..client.clone() };
    let who = renamed.sends(&json!({"jsonrpc": "2.0", "id": 2, "method": "who"})).with(200);
    assert_eq!(who.json()["result"]["name"], "claude", "the server knows the client, not the gateway");
    assert_eq!(who.header("mcp-session-id"), None);
    assert_eq!(server.opened(), 2);
}

#[test]
fn a_client_that_keeps_its_old_id_goes_on_in_every_isolate() {
    let world = World::new();
    let server = Forgetful::at(&world, "https://demo.example");
    let client = world.client("claude").connects("alice").initializes();
    server.forgets();
    for _ in 0..3 {
        assert_eq!(text(&client), "session-2");
    }
    world.sent();
    assert_eq!(text(&client), "session-2");
    assert_eq!(world.sent().len(), 1, "an isolate that remembers asks once");
    world.new_isolate();
    assert_eq!(text(&client), "session-2");
    server.forgets();
    assert_eq!(text(&client), "session-3");
    world.new_isolate();
    assert_eq!(text(&client), "session-3");
    assert_eq!(server.opened(), 3);
}

#[test]
fn a_session_that_is_not_lost_costs_nothing_more() {
    let world = World::new();
    Forgetful::at(&world, "https://demo.example");
    let client = world.client("claude").connects("alice").initializes().calls("session-1");
    let uses = world.uses_of(|| drop(text(&client)));
    assert_eq!((uses.fetches, uses.directory, uses.ledger), (1, 0, 0));
}

#[test]
fn without_storage_a_session_is_kept_all_the_same() {
    let world = World::new();
    let server = Forgetful::at(&world, "https://demo.example");
    let client = world.client("claude").connects("alice").initializes();
    assert_eq!(text(&client), "session-1");
    server.forgets();
    world.platform.directory_down.set(true);
    assert_eq!(text(&client), "session-2");
}

#[test]
fn a_server_may_say_it_in_its_own_way() {
    for (status, body) in [
        (
            400,
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Bad Request: No valid session ID provided"}}"#,
        ),
        (404, r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}"#),
        (404, "<h1>Not Found</h1>"),
    ] {
        let world = World::new();
        let server = Forgetful::at(&world, "https://demo.example");
        let client = world.client("claude").connects("alice").initializes();
        server.0.borrow_mut().lost = Some((status, body));
        server.0.borrow_mut().streams = true;
        server.forgets();
        assert_eq!(text(&client), "session-2", "{status} {body}");
    }
}

#[test]
fn a_validation_error_is_no_lost_session() {
    let world = World::new();
    let server = Forgetful::at(&world, "https://demo.example");
    let client = world.client("claude").connects("alice").initializes();
    for (status, body) in [
        (400, r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid session length"}}"#),
        (404, r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}"#),
    ] {
        server.0.borrow_mut().lost = Some((status, body));
        server.forgets();
        assert_eq!(client.call("echo").with(status).text(), body, "[N7] unchanged");
    }
    assert_eq!(server.opened(), 1);
}

#[test]
fn a_server_that_does_not_open_it_again_leaves_it_to_the_client() {
    let world = World::new();
    let server = Forgetful::at(&world, "https://demo.example");
    let client = world.client("claude").connects("alice").initializes();
    server.forgets();
    server.0.borrow_mut().refuses = true;
    client.call("echo").refused(404, "session_not_found");
    server.0.borrow_mut().refuses = false;
    assert_eq!(text(&client), "session-2");
}

#[test]
fn what_nobody_waits_for_is_accepted_and_not_repeated() {
    let world = World::new();
    let server = Forgetful::at(&world, "https://demo.example");
    let client = world.client("claude").connects("alice").initializes();
    server.forgets();
    world.sent();
    client.sends(&json!({"jsonrpc": "2.0", "id": "server-1", "result": {"action": "accept"}})).with(202);
    client.sends(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})).with(202);
    assert_eq!(world.sent().len(), 2, "sent once each");
    assert_eq!(text(&client), "session-2");
}

#[test]
fn a_session_that_the_client_ended_stays_ended() {
    let world = World::new();
    let server = Forgetful::at(&world, "https://demo.example");
    let client = world.client("claude").connects("alice").initializes();
    assert_eq!(text(&client), "session-1");
    let end = world.request("DELETE", &client.resource()).bearer(&client.access);
    end.header("mcp-session-id", client.session.as_deref().unwrap()).send().with(200);
    server.forgets();
    client.call("echo").refused(404, "session_not_found");
    world.new_isolate();
    client.call("echo").refused(404, "session_not_found");
    assert_eq!(server.opened(), 1);
}

#[test]
fn a_server_is_spoken_to_in_the_revision_it_chose_the_second_time() {
    let world = World::new();
    let server = Forgetful::at(&world, "https://demo.example");
    let client = world.client("claude").connects("alice").initializes();
    server.forgets();
    server.0.borrow_mut().revision = Some("2025-06-18");
    world.sent();
    let call = world.request("POST", &client.resource()).bearer(&client.access);
    let call = call.header("mcp-session-id", client.session.as_deref().unwrap());
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo"}});
    call.header("mcp-protocol-version", "2025-11-25").json(&message).send().with(200);
    let revisions: Vec<_> = world.sent().iter().map(|sent| sent.headers.get("mcp-protocol-version").cloned()).collect();
    let said = |revision: &'static str| Some(mcp_edge_gateway::headers::HeaderValue::from_static(revision));
    assert_eq!(revisions, [said("2025-11-25"), None, said("2025-06-18"), said("2025-06-18")]);
}
