//! What a server last said it has: seen before the account is connected, while the server is down, and from memory as
//! long as it is fresh. Policy shows as much of it as of an answer.
//!
//! Not here: the attacks on it (`attacks/catalogue`), real servers and clients (`tests/e2e/catalogue.test.mjs`).

use std::cell::RefCell;
use std::rc::Rc;

use mcp_edge_gateway::ports::FetchError;
use serde_json::{Value, json};

use crate::world::World;
use crate::world::answer::Answer;
use crate::world::client::Client;
use crate::world::guarded::Guarded;
use crate::world::platform::Scripted;

fn list(client: &Client, method: &str) -> Answer {
    client.sends(&json!({"jsonrpc": "2.0", "id": 5, "method": method})).with(200)
}

#[track_caller]
fn tools(answer: &Answer) -> Vec<String> {
    let tools = answer.json()["result"]["tools"].as_array().cloned().unwrap();
    tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

/// A server at "demo" that lists what it is told, and adds more to its results.
fn lists(world: &World, names: &[&str], more: &Value) {
    let tools: Vec<_> = names.iter().map(|name| json!({"name": name, "inputSchema": {"type": "object"}})).collect();
    let mut result = json!({"tools": tools});
    result.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.outside(
        "https://demo.example",
        Rc::new(move |request| {
            let message: Value = serde_json::from_slice(&request.body).unwrap();
            Ok(Scripted::json(&json!({"jsonrpc": "2.0", "id": message["id"], "result": result})))
        }),
    );
}

fn down(world: &World) {
    world.outside_fails("https://demo.example", FetchError::Unreachable);
}

/// Somebody of the world with "docs" connected has listed its tools, and the account has ended since.
fn ended(world: &World, server: &Guarded) -> Client {
    world.connected("alice", "alice's token");
    server.wants("alice's token");
    let client = world.begins("claude", &json!({}));
    assert_eq!(tools(&list(&client, "tools/list")), ["search"]);
    server.wants("another token");
    client
}

#[test]
fn whoever_was_connected_once_sees_the_servers_own_tools_beside_the_way_back() {
    let (world, server) = World::guarded();
    let client = ended(&world, &server);
    client.call("search").with(200);
    for client in [client, {
        world.new_isolate();
        world.begins("other", &json!({}))
    }] {
        assert_eq!(tools(&list(&client, "tools/list")), ["connect_docs", "search"]);
        let answer = client.call("search").with(200).json();
        assert_eq!(answer["result"]["isError"], true, "a call is answered with the signal");
    }
}

#[test]
fn what_stands_in_promises_what_the_server_did() {
    let (world, server) = World::guarded();
    ended(&world, &server);
    let client = world.client("other").at("docs").connects("alice");
    let params =
        json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}});
    let initialize = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
    let result = client.sends(&initialize).with(200).json()["result"].clone();
    assert_eq!(result["capabilities"], json!({"tools": {"listChanged": true}}), "the server promised nothing");
    assert_eq!((&result["protocolVersion"], &result["serverInfo"]["name"]), (&json!("2025-06-18"), &json!("docs")));
    assert!(result["instructions"].as_str().unwrap().contains("connect_docs"));
    client.sends_modern("server/discover", &json!({}), json!({})).refused(400, "era_unknown");
}

#[test]
fn a_modern_server_is_known_to_be_modern() {
    let (world, server) = World::guarded();
    world.connected("alice", "alice's token");
    server.wants("alice's token");
    let client = world.client("claude").at("docs").connects("alice");
    client.sends_modern("server/discover", &json!({}), json!({})).with(200);
    server.wants("another token");
    let result = client.sends_modern("server/discover", &json!({}), json!({})).with(200).json()["result"].clone();
    assert_eq!((&result["ttlMs"], &result["cacheScope"]), (&json!(0), &json!("private")));
    assert!(result["instructions"].as_str().unwrap().contains("connect_docs"));
}

#[test]
fn a_catalogue_that_is_the_servers_is_everybodys_before_they_connect() {
    for (catalogue, expected) in [("server", vec!["connect_docs", "search"]), ("person", vec!["connect_docs"])] {
        let (world, server) = World::guarded();
        world.reconfigure(|config| config["servers"]["docs"]["catalogue"] = catalogue.into());
        ended(&world, &server);
        let bob = world.client("bobs").at("docs").connects("bob");
        assert_eq!(tools(&list(&bob, "tools/list")), expected, "{catalogue}");
        assert_eq!(list(&bob, "prompts/list").json()["result"]["prompts"], json!([]));
    }
}

#[test]
fn policy_shows_no_more_of_it_than_of_an_answer() {
    let (world, server) = World::guarded();
    let client = ended(&world, &server);
    world.reconfigure(|config| config["servers"]["docs"]["tools"] = json!({"allow": ["other"]}));
    assert_eq!(tools(&list(&client, "tools/list")), ["connect_docs"]);
}

#[test]
fn while_a_server_is_down_its_lists_are_the_last_known_ones() {
    let world = World::new();
    lists(&world, &["a", "b"], &json!({}));
    let client = world.client("claude").connects("alice");
    assert_eq!(tools(&list(&client, "tools/list")), ["a", "b"]);
    for isolate in ["the same", "another"] {
        down(&world);
        if isolate == "another" {
            world.new_isolate();
        }
        assert_eq!(tools(&list(&client, "tools/list")), ["a", "b"], "{isolate}");
        let journal = world.platform.journal.borrow().last().unwrap().clone();
        assert!(journal.contains("list_from_catalogue"), "{journal}");
        client.call("a").refused(502, "upstream_unreachable");
    }
    world.outside_answers("https://demo.example", 503, &[], "busy");
    assert_eq!(tools(&list(&client, "tools/list")), ["a", "b"]);
    world.outside_answers("https://demo.example", 404, &[], "");
    let gone = client.sends(&json!({"jsonrpc": "2.0", "id": 5, "method": "tools/list"}));
    gone.refused(502, "upstream_not_found");
    down(&world);
    client.sends(&json!({"jsonrpc": "2.0", "id": 5, "method": "prompts/list"})).refused(502, "upstream_unreachable");
}

#[test]
fn a_list_that_is_not_whole_is_not_kept() {
    let world = World::new();
    lists(&world, &["a"], &json!({"nextCursor": "2"}));
    let client = world.client("claude").connects("alice");
    list(&client, "tools/list");
    lists(&world, &["b"], &json!({}));
    let second = json!({"jsonrpc": "2.0", "id": 5, "method": "tools/list", "params": {"cursor": "2"}});
    assert_eq!(tools(&client.sends(&second).with(200)), ["b"]);
    down(&world);
    client.sends(&json!({"jsonrpc": "2.0", "id": 5, "method": "tools/list"})).refused(502, "upstream_unreachable");
}

#[test]
fn it_is_written_only_when_it_changed() {
    let world = World::new();
    let stored = || {
        let directory = world.platform.directory.borrow();
        let kept = directory.iter().filter(|(name, _)| name.starts_with("catalogue:"));
        kept.map(|(_, (sealed, _))| sealed.clone()).collect::<Vec<_>>()
    };
    let client = world.client("claude").connects("alice");
    lists(&world, &["a"], &json!({}));
    list(&client, "tools/list");
    let first = stored();
    assert_eq!(first.len(), 1);
    list(&client, "tools/list");
    world.new_isolate();
    list(&client, "tools/list");
    assert_eq!(stored(), first);
    lists(&world, &["a", "b"], &json!({}));
    list(&client, "tools/list");
    assert_eq!(stored().len(), 1);
    assert_ne!(stored(), first);
}

#[test]
fn a_fresh_list_is_not_asked_for_again() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    let modern = |client: &Client| client.sends_modern("tools/list", &json!({}), json!({})).with(200);
    for (scope, name) in [("private", "a"), ("public", "b")] {
        lists(&world, &[name, "hidden"], &json!({"ttlMs": 30_000, "cacheScope": scope, "resultType": "complete"}));
        assert_eq!(tools(&modern(&client)), [name, "hidden"]);
        world.sent();
        world.passes(10);
        let again = modern(&client);
        assert_eq!(tools(&again), [name, "hidden"]);
        assert_eq!((&again.json()["id"], &again.json()["result"]["ttlMs"]), (&json!(5), &json!(20_000)));
        assert_eq!(again.json()["result"]["cacheScope"], "private");
        assert!(world.sent().is_empty(), "{scope}");
        let bob = world.client("other").connects("bob");
        world.sent();
        modern(&bob);
        assert_eq!(world.sent().len(), usize::from(scope == "private"), "{scope}");
        world.passes(30);
        modern(&client);
        assert_eq!(world.sent().len(), 1, "{scope}");
        world.passes(60);
    }
}

#[test]
fn the_operator_says_how_long_a_list_is_fresh_and_roles_are_asked_after_it() {
    let world = World::configured(|config| {
        config["servers"]["demo"]["list_cache_seconds"] = 60.into();
        config["servers"]["demo"]["catalogue"] = "server".into();
        config["login"] =
            json!({"kind": "dev", "accounts": [{"subject": "alice", "roles": ["boss"]}, {"subject": "bob"}]});
        config["servers"]["demo"]["require"] = json!([{"tools": ["b"], "roles": ["boss"]}]);
    });
    lists(&world, &["a", "b"], &json!({}));
    let (alice, bob) = (world.client("claude").connects("alice"), world.client("other").connects("bob"));
    assert_eq!(tools(&list(&alice, "tools/list")), ["a", "b"]);
    world.sent();
    assert_eq!(tools(&list(&bob, "tools/list")), ["a"]);
    assert_eq!(tools(&list(&alice, "tools/list")), ["a", "b"]);
    assert!(world.sent().is_empty());
    world.reconfigure(|config| config["servers"]["demo"]["list_cache_seconds"] = 0.into());
    list(&alice, "tools/list");
    list(&alice, "tools/list");
    assert_eq!(world.sent().len(), 2);
}

#[test]
fn a_server_that_says_that_a_list_changed_is_asked_again() {
    let world = World::configured(|config| config["servers"]["demo"]["list_cache_seconds"] = 60.into());
    let changed = Rc::new(RefCell::new(false));
    let says = Rc::clone(&changed);
    world.outside(
        "https://demo.example",
        Rc::new(move |request| {
            let message: Value = serde_json::from_slice(&request.body).unwrap();
            let member = message["method"].as_str().unwrap().split('/').next().unwrap();
            let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": {member: []}});
            let notice = r#"data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
            let before = if *says.borrow() { format!("{notice}\n\n") } else { String::new() };
            let body = format!("{before}data: {answer}\n\n");
            Ok(Scripted::new(200, &[("content-type", "text/event-stream")], body))
        }),
    );
    let client = world.client("claude").connects("alice");
    let list = |method: &str| drop(client.sends(&json!({"jsonrpc": "2.0", "id": 5, "method": method})).with(200));
    list("tools/list");
    world.sent();
    list("tools/list");
    assert!(world.sent().is_empty());
    *changed.borrow_mut() = true;
    list("prompts/list");
    world.sent();
    list("tools/list");
    assert_eq!(world.sent().len(), 1);
}

#[test]
fn an_isolate_that_has_seen_no_list_knows_what_means_nothing_all_the_same() {
    let world = World::new();
    lists(&world, &["get_issue"], &json!({}));
    list(&world.client("claude").connects("alice"), "tools/list");
    let mut config = world.configuration()["config"].clone();
    config["servers"]["demo"]["tools"] = json!({"allow": ["get_isue"]});
    let put = |path| world.request("PUT", path).bearer(crate::world::ADMIN_TOKEN).json(&config).send().with(200).json();
    let logged = || world.platform.journal.borrow().iter().filter(|line| line.contains("get_isue")).count();
    for (path, lines) in [("/admin/config?dry_run", 0), ("/admin/config", 1)] {
        world.new_isolate();
        assert_eq!(put(path)["warnings"][0]["entry"]["entry"]["name"], "get_isue", "{path}");
        assert_eq!(logged(), lines, "{path}");
    }
    world.new_isolate();
    let status = world.request("GET", "/status").bearer(crate::world::ADMIN_TOKEN).send().with(200).json();
    assert_eq!(status["servers"][0]["policy_entries_dead"][0]["entry"]["name"], "get_isue");
    world.new_isolate();
    assert_eq!(world.uses_of(|| drop(world.get("/status").with(200))).directory, 1, "the configuration alone");
}

#[test]
fn the_operator_is_told_which_lists_were_those_of_before() {
    let world = World::new();
    lists(&world, &["a"], &json!({}));
    let client = world.client("claude").connects("alice");
    list(&client, "tools/list");
    let told = |token: &str| {
        let status = world.request("GET", "/status").bearer(token).send().with(200).json();
        status["servers"][0]["list_from_catalogue"].clone()
    };
    assert_eq!(told(crate::world::ADMIN_TOKEN), Value::Null);
    down(&world);
    list(&client, "tools/list");
    let at = world.now();
    world.passes(90);
    lists(&world, &["a"], &json!({}));
    list(&client, "tools/list");
    assert_eq!((told(crate::world::ADMIN_TOKEN), told("no operator's")), (json!(at), Value::Null));
}

#[test]
fn an_answer_that_cannot_be_shown_is_a_line_of_its_own() {
    let world = World::configured(|config| config["servers"]["demo"]["tools"] = json!({"allow": ["a"]}));
    world.outside_answers("https://demo.example", 200, &[("content-type", "application/json")], "{\"result\"");
    let client = world.client("claude").connects("alice");
    let answer = client.sends(&json!({"jsonrpc": "2.0", "id": 5, "method": "tools/list"})).with(200);
    assert_eq!(answer.json()["error"]["data"]["reason"], "upstream_unreadable");
    let line: Value = serde_json::from_str(world.platform.journal.borrow().last().unwrap()).unwrap();
    assert_eq!((&line["event"], &line["reason"]), (&json!("answer_unreadable"), &json!("upstream_unreadable")));
    assert_eq!((&line["server"], &line["blame"]), (&json!("demo"), &json!("upstream")));
    assert_eq!(line["request_id"].as_str(), answer.header("x-request-id"));
    client.sends(&json!({"jsonrpc": "2.0", "id": 5, "method": "ping"}));
    let journal = world.platform.journal.borrow();
    assert_eq!(journal.iter().filter(|line| line.contains("answer_unreadable")).count(), 1);
}

#[test]
fn an_entry_that_means_nothing_is_told_to_the_operator() {
    let world = World::new();
    lists(&world, &["get_issue"], &json!({}));
    let client = world.client("claude").connects("alice");
    list(&client, "tools/list");
    let mut config = world.configuration()["config"].clone();
    config["servers"]["demo"]["tools"] = json!({"allow": ["get_issue", "get_isue"], "allow_patterns": ["list_*"]});
    let put = |path| world.request("PUT", path).bearer(crate::world::ADMIN_TOKEN).json(&config).send().with(200).json();
    for answer in [put("/admin/config?dry_run"), put("/admin/config")] {
        let warnings = answer["warnings"].as_array().unwrap();
        assert_eq!(warnings.len(), 2, "{answer}");
        assert!(answer.to_string().contains("get_isue") && answer.to_string().contains("list_*"), "{answer}");
    }
    let told = |status: Answer| status.with(200).json()["servers"][0]["policy_entries_dead"].clone();
    assert_eq!(
        told(world.request("GET", "/status").bearer(crate::world::ADMIN_TOKEN).send())[0]["entry"]["name"],
        "get_isue"
    );
    assert_eq!(told(world.get("/status")), Value::Null);
    world.new_isolate();
    world.platform.journal.borrow_mut().clear();
    list(&client, "tools/list");
    let journal = world.platform.journal.borrow();
    let lines: Vec<_> = journal.iter().filter(|line| line.contains("policy_entries_dead")).collect();
    assert!(lines.len() == 1 && lines[0].contains("get_isue") && !lines[0].contains("get_issue"), "{lines:?}");
}
