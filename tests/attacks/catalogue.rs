//! One person's catalogue in another's hands: by another subject, another account, another connection, another server.
//!
//! Not here: what the person themselves sees of it (`journeys/catalogue`).

use std::rc::Rc;

use mcp_edge_gateway::upstream::key::{ConnectionKey, FIRST_ACCOUNT, Owner};
use serde_json::{Value, json};

use crate::world::World;
use crate::world::apps::tool;
use crate::world::client::Client;
use crate::world::guarded::Guarded;
use crate::world::platform::Scripted;
use crate::world::protected::Protected;

fn tools(client: &Client) -> Value {
    let answer = client.sends(&json!({"jsonrpc": "2.0", "id": 5, "method": "tools/list"})).with(200).json();
    let tools = answer["result"]["tools"].as_array().unwrap();
    tools.iter().map(|tool| tool["name"].clone()).collect()
}

/// Alice has listed, and her account has ended since.
fn listed(change: impl FnOnce(&mut Value)) -> (World, Guarded, Client) {
    let (world, server) = World::guarded();
    world.reconfigure(change);
    world.connected("alice", "alice's token");
    server.wants("alice's token");
    let alice = world.begins("claude", &json!({}));
    assert_eq!(tools(&alice), json!(["search"]));
    server.wants("another token");
    assert_eq!(tools(&alice), json!(["connect_docs", "search"]));
    (world, server, alice)
}

fn kept(world: &World) -> Vec<String> {
    let directory = world.platform.directory.borrow();
    directory.keys().filter(|name| name.starts_with("catalogue:")).cloned().collect()
}

#[test]
fn another_subject_sees_nothing_of_it() {
    let (world, _, _) = listed(|_| ());
    let bob = world.client("other").at("docs").connects("bob");
    assert_eq!(tools(&bob), json!(["connect_docs"]));
}

#[test]
fn what_is_moved_to_another_place_does_not_open() {
    let (world, server, _) = listed(|_| ());
    let alices = kept(&world);
    world.connected("bob", "bob's token");
    server.wants("bob's token");
    let bob = world.client("other").at("docs").connects("bob").initializes();
    assert_eq!(tools(&bob), json!(["search"]));
    server.wants("another token");
    let bobs: Vec<_> = kept(&world).into_iter().filter(|name| !alices.contains(name)).collect();
    assert!(!bobs.is_empty());
    for from in &alices {
        let mut directory = world.platform.directory.borrow_mut();
        let moved = directory[from].clone();
        directory.extend(bobs.iter().map(|name| (name.clone(), moved.clone())));
        drop(directory);
        world.new_isolate();
        assert_eq!(tools(&bob), json!(["connect_docs"]));
    }
}

#[test]
fn it_is_given_up_when_the_account_is_connected_anew_or_disconnected() {
    for way in ["anew", "disconnected"] {
        let world = World::new();
        let server = Protected::new(&world, "linear");
        server.says.borrow_mut().instead = Some(Rc::new(|request| {
            let asks = |method: &str| String::from_utf8_lossy(&request.body).contains(method);
            let list = asks("tools/list").then(|| json!({"tools": [tool("search", "ui://search")]}));
            let read = asks("resources/read").then(|| json!({"contents": [{"uri": "ui://search"}]}));
            Some(Scripted::json(&json!({"jsonrpc": "2.0", "id": 5, "result": list.or(read)?})))
        }));
        world.reconfigure(|config| {
            config["servers"]["linear"] = server.configured("Linear", &json!({}));
            config["servers"]["linear"]["resources"] = json!({"allow": []});
        });
        let client = world.client("claude").at("linear").registers().authorizes().signs_in("alice").approves();
        let client = client.presses_connect();
        let mut client = client.clone().follows(&server.approves(&client.browser.at)).redeems();
        assert_eq!(tools(&client), json!(["search"]));
        assert_eq!((kept(&world).len(), client.reads("ui://search")), (1, Ok(())));
        if way == "anew" {
            client.browser.goes_to("/connect/linear");
            let client = client.clone().presses_connect();
            client.clone().follows(&server.approves(&client.browser.at));
        } else {
            client.browser.goes_to("/connections");
            client.browser.presses("/connections", "action", "disconnect");
            assert_eq!(tools(&client), json!(["connect_linear"]));
        }
        assert!(kept(&world).is_empty(), "{way}");
        assert_eq!(client.reads("ui://search"), Err("capability_unknown".to_owned()), "its pages are forgotten: {way}");
    }
}

#[test]
fn a_server_that_is_another_now_has_none() {
    let (world, _, _) = listed(|_| ());
    world.reconfigure(|config| config["servers"]["docs"]["url"] = "https://other.example/mcp".into());
    let alice = world.client("another").at("docs").connects("alice");
    assert_eq!(tools(&alice), json!(["connect_docs"]));
}

#[test]
fn a_fresh_list_is_of_the_connection_that_it_was_asked_with() {
    let (world, server) = World::guarded();
    world.reconfigure(|config| config["servers"]["docs"]["list_cache_seconds"] = 60.into());
    world.connected("alice", "alice's token");
    server.wants("alice's token");
    let alice = world.begins("claude", &json!({}));
    tools(&alice);
    server.was_asked();
    tools(&alice);
    assert!(server.was_asked().is_empty(), "it is fresh");
    let key = ConnectionKey::new(Owner::Subject("dev:alice".to_owned()), "docs", FIRST_ACCOUNT);
    world.platform.directory.borrow_mut().remove(key.name());
    world.connected("alice", "the token of her other account");
    server.wants("the token of her other account");
    world.passes(31); // what an isolate goes on with
    tools(&alice);
    assert_eq!(server.was_asked(), ["tools/list"]);
}

#[test]
fn a_fresh_list_is_of_whoever_says_the_same_to_the_server() {
    let (world, server) = World::guarded();
    world.reconfigure(|config| config["servers"]["docs"]["list_cache_seconds"] = 60.into());
    world.connected("alice", "alice's token");
    server.wants("alice's token");
    let alice = world.client("claude").at("docs").connects("alice");
    let asked = |capabilities: &Value, region: &str, trace: &str| {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": capabilities,
        });
        let request = world.request("POST", &alice.resource()).bearer(&alice.access);
        let request = request.header("mcp-protocol-version", "2026-07-28").header("mcp-method", "tools/list");
        let request = request.header("mcp-param-region", region).header("traceparent", trace);
        let message = json!({"jsonrpc": "2.0", "id": 5, "method": "tools/list", "params": {"_meta": meta}});
        request.json(&message).send().with(200);
        server.was_asked().len()
    };
    assert_eq!(asked(&json!({}), "eu", "1"), 1);
    assert_eq!(asked(&json!({}), "eu", "2"), 0);
    assert_eq!(asked(&json!({}), "us", "2"), 1, "another header of the client's");
    assert_eq!(asked(&json!({"sampling": {}}), "eu", "2"), 1, "another client");
}

#[test]
fn an_account_that_is_connected_anew_meanwhile_keeps_nothing_of_the_one_before() {
    let (world, server) = World::guarded();
    world.connected("alice", "alice's token");
    server.wants("alice's token");
    let alice = world.begins("claude", &json!({}));
    let before = kept(&world);
    let within = world.clone();
    world.outside(
        "https://docs.example",
        Rc::new(move |_| {
            within.connected("alice", "the token of her other account");
            Ok(Scripted::json(&json!({"jsonrpc": "2.0", "id": 5, "result": {"tools": [{"name": "secret"}]}})))
        }),
    );
    assert_eq!(tools(&alice), json!(["secret"]));
    assert_eq!(kept(&world), before);
}
