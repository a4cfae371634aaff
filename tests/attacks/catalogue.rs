//! One person's catalogue in another's hands: by another subject, another account, another connection, another server.
//!
//! Not here: what the person themselves sees of it (`journeys/catalogue`).

use mcp_edge_gateway::upstream::key::{ConnectionKey, FIRST_ACCOUNT, Owner};
use serde_json::{Value, json};

use crate::world::World;
use crate::world::client::Client;
use crate::world::guarded::Guarded;

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
    let mut directory = world.platform.directory.borrow_mut();
    let bobs: Vec<_> =
        directory.keys().filter(|name| name.starts_with("catalogue:") && !alices.contains(name)).cloned().collect();
    assert!(!bobs.is_empty());
    for name in &bobs {
        for from in &alices {
            let moved = directory[from].clone();
            directory.insert(name.clone(), moved);
        }
    }
    drop(directory);
    world.new_isolate();
    assert_eq!(tools(&bob), json!(["connect_docs"]));
}

#[test]
fn it_is_given_up_with_the_account() {
    let (world, _, alice) = listed(|_| ());
    let mut browser = alice.browser.clone();
    browser.goes_to(&format!("{}/connections", world.origin()));
    browser.presses("/connections", "disconnect", "docs");
    assert!(kept(&world).is_empty());
    assert_eq!(tools(&alice), json!(["connect_docs"]));
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
