//! What `/status` and the log tell of the servers behind: how they were when last used, and which of them nobody has
//! connected.
//!
//! Not here: whether the gateway itself is ready (`operation`).

use mcp_edge_gateway::ports::FetchError;
use serde_json::{Value, json};

use crate::world::guarded::shows_links;
use crate::world::{ADMIN_TOKEN, World};

fn of(world: &World, slug: &str, operator: bool) -> Value {
    let asking = world.request("GET", "/status");
    let status = if operator { asking.bearer(ADMIN_TOKEN) } else { asking }.send().json();
    let servers = status["servers"].as_array().unwrap();
    servers.iter().find(|server| server["slug"] == slug).unwrap().clone()
}

fn changes(world: &World) -> Vec<Value> {
    let lines = world.platform.journal.borrow();
    let lines = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["event"] == "server_changed").collect()
}

#[test]
fn a_server_that_does_not_answer_is_told_of_until_it_does() {
    let world = World::new();
    let client = world.client("claude").connects("alice").initializes();
    assert_eq!(of(&world, "demo", false)["last_used"], json!({"at": world.now(), "reachable": true}));
    assert_eq!(of(&world, "mail", false).get("last_used"), None, "nobody has used it, and nobody asks it");
    assert_eq!(changes(&world), Vec::<Value>::new(), "what is as it should be is no line of the log");

    world.outside_fails("https://demo.example", FetchError::Unreachable);
    client.call("echo").refused(502, "upstream_unreachable");
    client.call("echo").refused(502, "upstream_unreachable");
    let told = json!({"at": world.now(), "reachable": false, "reason": "upstream_unreachable"});
    assert_eq!(of(&world, "demo", false)["last_used"], told);
    world.outside_fails("https://demo.example", FetchError::ClientGone);
    client.call("echo").refused(499, "client_gone");
    assert_eq!(of(&world, "demo", false)["last_used"], told, "nobody knows what it would have come to");
    world.outside_answers("https://demo.example", 404, &[("content-type", "text/html")], "<h1>Not found</h1>");
    client.call("echo");
    assert_eq!(of(&world, "demo", false)["last_used"]["reachable"], true, "it answered, with whatever");

    world.outside("https://demo.example", crate::world::upstream::echo());
    client.calls("echo");
    assert_eq!(of(&world, "demo", false)["last_used"]["reachable"], true);
    let reachable: Vec<_> = changes(&world).iter().map(|line| line["reachable"].clone()).collect();
    assert_eq!((reachable.first(), reachable.last()), (Some(&json!(false)), Some(&json!(true))), "{reachable:?}");
    world.new_isolate();
    assert_eq!(of(&world, "demo", false).get("last_used"), None, "an isolate knows what it has seen itself");
}

#[test]
fn storage_that_is_away_tells_nothing_of_a_server() {
    let (world, server) = World::guarded();
    let client = world.begins("claude", &shows_links());
    world.connected("alice", "at-1");
    server.wants("at-1");
    client.call("search").with(200);
    let known = of(&world, "docs", false)["last_used"].clone();
    world.passes(120);
    server.wants("at-2");
    world.platform.ledger_down.set(true);
    client.call("search").refused(503, "storage_unavailable");
    assert_eq!(of(&world, "docs", false)["last_used"], known);
}

#[test]
fn a_server_that_no_operator_connected_is_told_of() {
    let (world, _) = World::guarded();
    world.reconfigure(|config| config["servers"]["docs"]["auth"] = json!({"kind": "oauth", "shared": true}));
    let operators = of(&world, "docs", true);
    assert_eq!(operators["connected"], false);
    assert!(operators["fix"].as_str().unwrap().contains("POST http://localhost:8787/admin/servers/docs/connection"));

    let uses = world.uses_of(|| assert_eq!(of(&world, "docs", false).get("connected"), None));
    assert_eq!(uses.ledger, 0, "nobody else's question reads an object");
    world.begins("claude", &shows_links()).call("search").with(200);
    let told = json!({"at": world.now(), "reason": "shared_connection_missing"});
    assert_eq!(of(&world, "docs", false)["last_used"], told);
    assert_eq!(changes(&world).last().unwrap()["reason"], "shared_connection_missing");
    world.platform.ledger_down.set(true);
    assert_eq!(of(&world, "docs", true).get("connected"), None, "unknown is not told as missing");
}

#[test]
fn strangers_are_told_of_no_server() {
    let world = World::public(|_| ());
    world.client("claude").connects("alice").calls("echo");
    let status = world.get("/status").with(200);
    assert!(!status.text().contains("demo") && !status.text().contains("last_used"), "{}", status.text());
    assert_eq!(of(&world, "demo", true)["last_used"]["reachable"], true);
}
