//! A server that was connected: a client that began before simply goes on, and an ended token is nobody's business.
//!
//! Not here: the browser's part of connecting, and who refreshes when many call at once.

use mcp_edge_gateway::ports::Outgoing;
use serde_json::{Value, json};

use crate::world::World;
use crate::world::client::Client;
use crate::world::guarded::shows_links;

fn bodies(sent: &[Outgoing]) -> Vec<Value> {
    sent.iter().map(|sent| serde_json::from_slice(&sent.body).unwrap()).collect()
}

#[test]
fn once_connected_the_same_session_works() {
    let (world, server) = World::guarded();
    let client = world.begins("claude", &shows_links());
    let list = client.sends(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})).with(200).json();
    assert_eq!(list["result"]["tools"][0]["name"], "connect_docs");
    assert_eq!(client.call("connect_docs").with(200).json()["error"]["code"], -32042);

    server.wants("at-1");
    world.connected("alice", "at-1");
    world.passes(60);
    let told = client.call("connect_docs").with(200);
    assert_eq!(told.header("content-type"), Some("text/event-stream"));
    assert!(told.text().contains("notifications/tools/list_changed") && told.text().contains("Docs is connected"));
    assert!(server.was_asked().is_empty());

    let list = client.sends(&json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"})).with(200);
    assert_eq!(list.json()["result"]["tools"][0]["name"], "search");
    let heard = server.heard();
    let methods: Vec<_> = heard.iter().map(|message| message["method"].as_str().unwrap()).collect();
    assert_eq!(methods, ["initialize", "notifications/initialized", "tools/list"]);
    assert_eq!(heard[0]["params"]["clientInfo"]["name"], "claude");
    assert_eq!(heard[0]["params"]["capabilities"], shows_links());

    let client = client.calls("search");
    assert_eq!(server.was_asked(), ["tools/call"], "a client that keeps its first id");
    world.new_isolate();
    let client = client.calls("search");
    assert_eq!(server.was_asked(), ["tools/call"], "in another isolate");
    let renamed = Client { session: list.header("mcp-session-id").map(ToOwned::to_owned), ..client };
    renamed.calls("search");
    assert_eq!(server.was_asked(), ["tools/call"], "a client that takes up the new one");
}

#[test]
fn a_server_without_sessions_is_initialized_once() {
    let (world, server) = World::guarded();
    server.gives_no_sessions();
    let client = world.begins("claude", &shows_links());
    server.wants("at-1");
    world.connected("alice", "at-1");
    world.passes(60);
    let client = client.calls("search").calls("search");
    assert_eq!(server.was_asked(), ["initialize", "notifications/initialized", "tools/call", "tools/call"]);
    let again = client.initializes();
    assert!(again.session.is_some(), "what the client said is remembered although the server gives no session");
    again.calls("search");
    assert_eq!(server.was_asked(), ["initialize", "tools/call"]);
}

#[test]
fn a_modern_client_is_asked_and_its_retry_goes_on() {
    let (world, server) = World::guarded();
    let client = world.client("claude").at("docs").connects("alice");
    let arguments = json!({"name": "search", "arguments": {"n": 1.5}});
    let asked = client.sends_modern("tools/call", &shows_links(), arguments.clone()).with(200).json()["result"].clone();
    assert_eq!(asked["resultType"], "input_required");
    assert_eq!(asked["inputRequests"]["connect"]["method"], "elicitation/create");
    let url = asked["inputRequests"]["connect"]["params"]["url"].as_str().unwrap();
    assert!(url.starts_with("http://localhost:8787/connect/docs"));

    let mut retry = arguments.clone();
    retry["requestState"] = asked["requestState"].clone();
    retry["inputResponses"] = json!({"connect": {"action": "accept"}});
    let again = client.sends_modern("tools/call", &shows_links(), retry.clone()).with(200).json()["result"].clone();
    assert_eq!(again["resultType"], "input_required", "nobody connected it yet");
    assert!(server.was_asked().is_empty());

    server.wants("at-1");
    world.connected("alice", "at-1");
    world.passes(60);
    let answer = client.sends_modern("tools/call", &shows_links(), retry).with(200);
    assert_eq!(answer.json()["result"]["content"][0]["text"], "search");
    let mut forwarded = bodies(&world.sent()).remove(0);
    forwarded["params"].as_object_mut().unwrap().remove("_meta");
    assert_eq!(forwarded["params"], arguments, "nothing of the question is left");
}

#[test]
fn a_modern_client_lists_again_once_connected() {
    let (world, server) = World::guarded();
    let client = world.client("claude").at("docs").connects("alice");
    let list = client.sends_modern("tools/list", &json!({}), json!({})).with(200).json();
    assert_eq!(list["result"]["tools"][0]["name"], "connect_docs");
    server.wants("at-1");
    world.connected("alice", "at-1");
    world.passes(60);
    let list = client.sends_modern("tools/list", &json!({}), json!({})).with(200).json();
    assert_eq!(list["result"]["tools"][0]["name"], "search");
    let told = client.sends_modern("tools/call", &json!({}), json!({"name": "connect_docs"})).with(200).json();
    assert!(told["result"]["content"][0]["text"].as_str().unwrap().starts_with("Docs is connected"));
}

#[test]
fn an_ended_token_is_renewed_and_the_call_repeated() {
    let (world, server) = World::guarded();
    server.wants("at-1");
    world.connected("alice", "at-1");
    let client = world.client("claude").at("docs").connects("alice").initializes().calls("search");
    server.wants("at-2");
    world.can_be_renewed("at-2");
    server.was_asked();
    let answer = client.call("search").with(200);
    assert_eq!(answer.json()["result"]["content"][0]["text"], "search");
    assert_eq!(answer.header("www-authenticate"), None);
    assert_eq!(server.was_asked(), ["tools/call", "tools/call"]);
    client.calls("search");
    assert_eq!(server.was_asked(), ["tools/call"]);
}

#[test]
fn a_token_that_ended_is_renewed_before_the_server_is_initialized() {
    let (world, server) = World::guarded();
    let client = world.begins("claude", &shows_links());
    server.wants("at-2");
    world.connected("alice", "at-1");
    world.can_be_renewed("at-2");
    world.passes(60);
    client.calls("search");
    assert_eq!(server.was_asked(), ["initialize", "initialize", "notifications/initialized", "tools/call"]);
}

#[test]
fn a_server_that_refuses_a_new_token_too_fails_once() {
    let (world, server) = World::guarded();
    server.wants("another");
    world.connected("alice", "at-1");
    world.can_be_renewed("at-2");
    let client = world.client("claude").at("docs").connects("alice");
    server.was_asked();
    let answer = client.call("search");
    answer.refused(502, "upstream_refuses_renewed");
    assert_eq!(answer.header("www-authenticate"), None, "its challenge names its own login");
    assert_eq!(server.was_asked(), ["tools/call", "tools/call"]);
}

#[test]
fn a_dead_grant_asks_for_consent_again() {
    let (world, server) = World::guarded();
    server.wants("at-2");
    world.connected("alice", "at-1");
    let mut client = world.client("claude").at("docs").connects("alice");
    client.session = world.begins("claude", &shows_links()).session;
    let error = &client.call("search").with(200).json()["error"];
    assert_eq!((&error["code"], &error["message"]), (&json!(-32042), &json!("Docs authorization must be renewed.")));
    assert_eq!(error["data"]["state"], "reconsent_required");
    assert_eq!(error["data"]["reason"], "connection_expired");
    world.connected("alice", "at-2");
    world.passes(60);
    client.calls("search");
}

#[test]
fn a_scope_that_is_missing_is_asked_for() {
    let (world, server) = World::guarded();
    server.wants("at-1");
    world.connected("alice", "at-1");
    let client = world.client("claude").at("docs").connects("alice").initializes();
    server.wants_more();
    let result = &client.call("search").with(200).json()["result"];
    assert_eq!(result["_meta"]["mcp-edge-gateway/connect"]["state"], "reconsent_required");
}

#[test]
fn a_warm_connected_call_is_one_request_and_nothing_else() {
    let (world, server) = World::guarded();
    server.wants("at-1");
    world.connected("alice", "at-1");
    let client = world.client("claude").at("docs").connects("alice").initializes().calls("search");
    let uses = world.uses_of(|| drop(client.call("search").with(200)));
    assert_eq!((uses.fetches, uses.directory, uses.ledger), (1, 0, 0));
    let uses =
        world.uses_of(|| drop(client.sends_modern("tools/call", &shows_links(), json!({"name": "search"})).with(200)));
    assert_eq!((uses.fetches, uses.directory, uses.ledger), (1, 0, 0));
}

#[test]
fn what_another_isolate_renewed_may_have_ended_as_well() {
    let (world, server) = World::guarded();
    server.wants("at-1");
    world.connected("alice", "at-1");
    let client = world.client("claude").at("docs").connects("alice").initializes().calls("search");
    let elsewhere = world.elsewhere();
    server.wants("at-2");
    world.can_be_renewed("at-2");
    Client { world: elsewhere, ..client.clone() }.calls("search");
    server.wants("at-3");
    world.can_be_renewed("at-3");
    server.was_asked();
    client.calls("search");
    assert_eq!(
        server.was_asked(),
        ["tools/call", "tools/call", "tools/call"],
        "with the first, the second and the third"
    );
}

#[test]
fn who_asks_to_connect_hears_of_an_end_that_only_another_isolate_met() {
    let (world, server) = World::guarded();
    server.wants("at-1");
    world.connected("alice", "at-1");
    let client = world.client("claude").at("docs").connects("alice").initializes().calls("search");
    let elsewhere = Client { world: world.elsewhere(), ..client.clone() };
    let elsewhere = elsewhere.calls("search");
    assert!(elsewhere.call("connect_docs").with(200).text().contains("Docs is connected"));
    server.wants("at-2");
    assert!(client.call("search").with(200).text().contains("reconsent_required"));
    assert!(elsewhere.call("connect_docs").with(200).text().contains("reconsent_required"));
}
