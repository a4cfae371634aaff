//! A key of a person's own: tried before it is kept, and asked for again everywhere once the server refuses it.
//!
//! Not here: keys that no header can carry (`connect`), several accounts (`accounts`).

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use mcp_edge_gateway::ports::{FetchError, Outgoing};
use serde_json::{Value, json};

use crate::world::World;
use crate::world::client::Client;
use crate::world::platform::Scripted;

/// A server that takes one key.
#[derive(Clone)]
struct Keyed(Rc<Inner>);

struct Inner {
    key: RefCell<String>,
    /// How it refuses any other; 0 for not at all.
    refuses: Cell<u16>,
    /// Whether it asks for the key for `initialize` as well.
    guards_initialize: Cell<bool>,
    modern: bool,
    down: Cell<bool>,
    seen: RefCell<Vec<String>>,
}

impl Keyed {
    fn in_world(modern: bool) -> (World, Self) {
        let world = World::new();
        let auth = json!({"kind": "headers", "headers": {"x-api-key": {"person": "Your API key"}}});
        world.reconfigure(|config| {
            config["servers"]["keyed"] = json!({"name": "Keyed", "url": "https://keyed.example/mcp", "auth": auth});
        });
        let server = Self(Rc::new(Inner {
            key: RefCell::new("good".to_owned()),
            refuses: Cell::new(401),
            guards_initialize: Cell::new(true),
            modern,
            down: Cell::new(false),
            seen: RefCell::default(),
        }));
        let host = server.clone();
        world.outside("https://keyed.example", Rc::new(move |request| host.answer(request)));
        (world, server)
    }

    fn takes(&self, key: &str) {
        key.clone_into(&mut self.0.key.borrow_mut());
    }

    /// What it was asked since this was last asked; in a session after its id.
    fn seen(&self) -> Vec<String> {
        self.0.seen.take()
    }

    fn answer(&self, request: &Outgoing) -> Result<Scripted, FetchError> {
        if self.0.down.get() {
            return Err(FetchError::Unreachable);
        }
        let header = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let message: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let method = message["method"].as_str().unwrap_or("DELETE").to_owned();
        let session = header("mcp-session-id");
        self.0.seen.borrow_mut().push(session.as_ref().map_or(method.clone(), |id| format!("{id} {method}")));
        let open = method == "initialize" && !self.0.guards_initialize.get();
        let era = self.0.modern == (header("mcp-protocol-version").as_deref() == Some("2026-07-28"));
        let refuses = self.0.refuses.get();
        if era && !open && refuses > 0 && header("x-api-key").as_deref() != Some(self.0.key.borrow().as_str()) {
            return Ok(Scripted::new(refuses, &[], ""));
        }
        let error = |text: &str| {
            let error = json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32000, "message": text}});
            Scripted::new(400, &[("content-type", "application/json")], error.to_string())
        };
        if !era || (!self.0.modern && method != "initialize" && session.is_none()) {
            return Ok(error("Bad Request: No valid session ID provided"));
        }
        if request.method == "DELETE" || message.get("id").is_none() {
            return Ok(Scripted::new(202, &[], ""));
        }
        let result = match method.as_str() {
            "initialize" => {
                json!({"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "k", "version": "1"}})
            }
            "tools/list" => json!({"tools": [{"name": "search", "inputSchema": {"type": "object"}}]}),
            _ => json!({"content": [{"type": "text", "text": message["params"]["name"]}]}),
        };
        let body = json!({"jsonrpc": "2.0", "id": message["id"], "result": result}).to_string();
        let headers = [("content-type", "application/json"), ("mcp-session-id", "s-1")];
        let headers = if method == "initialize" { &headers[..] } else { &headers[..1] };
        Ok(Scripted::new(200, headers, body))
    }
}

/// Alice on her way to a client, at the form for her key.
fn at_form(world: &World) -> Client {
    world.client("claude").at("keyed").registers().authorizes().signs_in("alice").approves()
}

fn enters(client: &mut Client, key: &str) -> String {
    let mut form = client.browser.form("/connect/keyed");
    form.fields.insert("decision".into(), "connect".into());
    form.fields.insert("header:x-api-key".into(), key.into());
    client.browser.submits(&form).text()
}

fn connections(client: &Client) -> String {
    client.browser.clone().goes_to("/connections").clone().with(200).text()
}

fn tools(client: &Client) -> Value {
    let list = client.sends(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}})).with(200);
    list.json()["result"]["tools"][0]["name"].clone()
}

fn state(client: &Client, tool: &str) -> Value {
    let answer = client.call(tool).with(200);
    if answer.header("content-type") == Some("text/event-stream") {
        return Value::Null;
    }
    answer.json().pointer("/result/_meta/mcp-edge-gateway~1connect/state").cloned().unwrap_or_default()
}

#[test]
fn a_key_that_the_server_refuses_is_said_on_the_form_and_not_kept() {
    for (modern, refuses, guards_initialize) in
        [(true, 401, true), (true, 403, true), (false, 401, true), (false, 401, false), (false, 403, false)]
    {
        let (world, server) = Keyed::in_world(modern);
        server.0.refuses.set(refuses);
        server.0.guards_initialize.set(guards_initialize);
        let mut client = at_form(&world);
        let page = enters(&mut client, "wrong");
        let id = client.browser.shows.header("x-request-id").unwrap();
        for known in ["role=\"alert\"", "Keyed does not accept", "connection_value_refused", id] {
            assert!(page.contains(known), "{known} {modern} {refuses}: {page}");
        }
        assert!(!page.contains("wrong"), "what was entered is not shown again");
        assert!(
            world.platform.connections.borrow().is_empty()
                && !world.platform.accounts.borrow()["dev:alice"].contains("keyed\",\"account")
        );
        assert!(world.platform.journal.borrow().iter().any(|line| line.contains("connection_value_refused")));
        enters(&mut client, "good");
        let client = client.arrived().redeems();
        assert!(connections(&client).contains(">Connected<"), "{modern} {refuses}");
    }
}

#[test]
fn a_legacy_server_is_asked_in_a_session_that_is_ended() {
    let (world, server) = Keyed::in_world(false);
    let mut client = at_form(&world);
    enters(&mut client, "good");
    let in_session = ["tools/list", "initialize", "s-1 notifications/initialized", "s-1 tools/list", "s-1 DELETE"];
    let seen = server.seen();
    assert_eq!(seen[..5], in_session);
    assert_eq!(seen[5..], ["tools/list", "initialize"], "and without the key, which is refused");
    let sent = world.sent();
    assert!(sent[1].headers.get("mcp-protocol-version").is_none());
    assert_eq!(sent[3].headers["mcp-protocol-version"], "2025-06-18");
    assert!(sent[..5].iter().all(|sent| sent.headers["x-api-key"] == "good"));
}

#[test]
fn a_key_that_could_not_be_tried_is_kept_and_said_to_be_unchecked_whatever_calls_are_answered() {
    for modern in [true, false] {
        let (world, server) = Keyed::in_world(modern);
        server.0.down.set(true);
        let mut client = at_form(&world);
        enters(&mut client, "good");
        let client = client.arrived().redeems();
        let page = connections(&client);
        assert!(page.contains(">Not checked<") && !page.contains(">Connected<"), "{page}");
        server.0.down.set(false);
        if modern {
            let params = json!({"name": "search"});
            client.sends_modern("tools/call", &json!({}), params).with(200);
        } else {
            client.clone().initializes().calls("search");
        }
        assert!(connections(&client).contains(">Not checked<"), "a tool may answer whoever comes");
    }
}

#[test]
fn a_server_that_answers_everybody_proves_no_key() {
    let (world, server) = Keyed::in_world(true);
    server.0.refuses.set(0);
    let mut client = at_form(&world);
    enters(&mut client, "any");
    assert!(connections(&client.arrived().redeems()).contains(">Not checked<"));
    assert_eq!(server.seen(), ["tools/list", "tools/list"]);
}

#[test]
fn a_server_that_does_not_answer_without_a_key_proves_none() {
    for status in [None, Some(429), Some(503)] {
        let (world, server) = Keyed::in_world(true);
        let mut client = at_form(&world);
        world.outside(
            "https://keyed.example",
            Rc::new(move |request| match status {
                _ if request.headers.contains_key("x-api-key") => server.answer(request),
                Some(status) => Ok(Scripted::new(status, &[], "")),
                None => Err(FetchError::TimedOut),
            }),
        );
        enters(&mut client, "good");
        assert!(connections(&client.arrived().redeems()).contains(">Not checked<"), "{status:?}");
    }
}

#[test]
fn who_waits_for_nobody_is_told_that_the_key_was_not_tried() {
    let (world, server) = Keyed::in_world(true);
    server.0.down.set(true);
    let mut client = at_form(&world);
    client.browser.goes_to("/connect/keyed");
    enters(&mut client, "good");
    let page = client.browser.shows.text();
    assert!(page.contains("It could not be tried.") && page.contains(">Not checked<"), "{page}");
}

#[test]
fn nobody_tries_keys_without_end() {
    let (world, server) = Keyed::in_world(true);
    let mut client = at_form(&world);
    world.platform.registrations_left.set(0);
    let page = enters(&mut client, "guess");
    assert!(page.contains("role=\"alert\"") && page.contains("connection_tries_limited"), "{page}");
    assert!(server.seen().is_empty() && world.platform.connections.borrow().is_empty());
}

#[test]
fn a_key_that_is_refused_later_must_be_entered_again_wherever_one_looks() {
    let (world, server) = Keyed::in_world(false);
    let mut client = at_form(&world);
    enters(&mut client, "good");
    let mut client = client.arrived().redeems().initializes().calls("search");
    let elsewhere = Client { world: world.elsewhere(), ..client.clone() };
    assert_eq!(tools(&elsewhere), "search", "another isolate knows it as good");
    assert_eq!(state(&client, "connect_keyed"), Value::Null);

    server.takes("new");
    assert_eq!(tools(&client), "connect_keyed");
    for client in [&client, &elsewhere] {
        assert_eq!(state(client, "connect_keyed"), "reconsent_required");
        assert_eq!(state(client, "search"), "reconsent_required");
        assert_eq!(tools(client), "connect_keyed");
    }
    let page = connections(&client);
    assert!(page.contains(">Must be renewed<") && !page.contains(">Connected<"), "{page}");

    let answer = client.call("connect_keyed").text();
    let link = answer.split("http://localhost:8787").nth(1).unwrap().split(['"', '\\']).next().unwrap().to_owned();
    let page = client.browser.goes_to(&link).clone().with(200).text();
    assert!(page.contains("Connect Keyed again"), "{page}");
    assert!(enters(&mut client, "good").contains("connection_value_refused"));
    assert_eq!(state(&client, "connect_keyed"), "reconsent_required");
    assert!(enters(&mut client, "new").contains("Keyed is connected"));
    for client in [&client, &elsewhere] {
        assert_eq!(state(client, "connect_keyed"), Value::Null);
        assert_eq!(tools(client), "search");
    }
    assert!(connections(&client).contains(">Connected<"));
}

#[test]
fn a_server_that_erred_is_asked_with_the_same_key_and_then_it_is_good_again() {
    let (world, server) = Keyed::in_world(false);
    let mut client = at_form(&world);
    enters(&mut client, "good");
    let client = client.arrived().redeems().initializes();
    server.takes("nothing just now");
    assert_eq!(state(&client, "search"), "reconsent_required");
    assert!(connections(&client).contains(">Must be renewed<"));
    server.takes("good");
    assert_eq!(tools(&client), "search");
    let client = client.calls("search");
    assert!(connections(&client).contains(">Connected<"));
    assert_eq!(state(&client, "connect_keyed"), Value::Null);
    let warm = world.uses_of(|| drop(client.call("search")));
    assert_eq!((warm.fetches, warm.directory, warm.ledger), (1, 0, 0));
}
