//! Ways around policy: other spellings, other requests, older sign-ins, and what hides the trace of a call.
//!
//! Not here: what policy does for whoever comes by the door (`tests/journeys/policy.rs`).

use std::rc::Rc;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};

use crate::world::World;
use crate::world::client::Client;
use crate::world::platform::Scripted;

fn with_demo(change: impl FnOnce(&mut Value)) -> World {
    World::configured(|config| {
        config["login"] = json!({"kind": "dev", "accounts": [
            {"subject": "alice", "roles": ["support"]}, {"subject": "bob"}, {"subject": "carol", "roles": ["support"]},
        ]});
        change(&mut config["servers"]["demo"]);
    })
}

fn sends(client: &Client, method: &str, params: &Value) -> crate::world::answer::Answer {
    client.sends(&json!({"jsonrpc": "2.0", "id": 5, "method": method, "params": params}))
}

/// Any server whose SDK normalizes URIs by the WHATWG's parser (the TypeScript SDK's `McpServer` looks up
/// `new URL(uri).toString()`) takes each of these for the resource of the rule.
#[test]
fn a_uri_that_parsers_take_for_a_guarded_one_is_not_sent() {
    let world = with_demo(|demo| {
        demo["require"] = json!([
            {"resources": ["file:///secret/*", "https://wiki.example/secret/*"], "roles": ["support"]},
            {"resources": ["note://n/gehe\u{ef}m", "note://n/a b"], "roles": ["support"]},
        ]);
    });
    let bob = world.client("claude").connects("bob").initializes();
    let taken_for = [
        ("file:///secret/a", "file:///secret/a"),
        ("file:/secret/a", "file:///secret/a"),
        ("file://localhost/secret/a", "file:///secret/a"),
        ("https:wiki.example/secret/a", "https://wiki.example/secret/a"),
        ("https:/wiki.example/secret/a", "https://wiki.example/secret/a"),
        ("https:////wiki.example/secret/a", "https://wiki.example/secret/a"),
        ("https://@wiki.example/secret/a", "https://wiki.example/secret/a"),
        ("https://wiki.example:443/secret/a", "https://wiki.example/secret/a"),
        ("https://wiki\u{3002}example/secret/a", "https://wiki.example/secret/a"),
        ("note://n/gehe%C3%AFm", "note://n/gehe%C3%AFm"),
        ("note://n/a%20b", "note://n/a%20b"),
    ];
    let mut through = Vec::new();
    for (uri, same) in taken_for {
        assert_eq!(url::Url::parse(uri).unwrap().as_str(), same, "the premise");
        world.sent();
        sends(&bob, "resources/read", &json!({"uri": uri}));
        if !world.sent().is_empty() {
            through.push(uri);
        }
    }
    assert!(through.is_empty(), "bob has not the role, and these were sent: {through:#?}");
}

/// Java's `equalsIgnoreCase`, and `toUpperCase` of JavaScript, Java and Python, take each for `delete_issue`.
#[test]
fn a_name_that_differs_in_case_only_is_guarded_whichever_case_is_folded_to() {
    let world = with_demo(|demo| demo["require"] = json!([{"tools": ["delete_issue"], "roles": ["support"]}]));
    let bob = world.client("claude").connects("bob").initializes();
    let mut through = Vec::new();
    for name in
        ["DELETE_ISSUE", "delete_i\u{17f}\u{17f}ue", "delete_\u{131}ssue", "delete_\u{130}ssue", "delete_i\u{df}ue"]
    {
        world.sent();
        bob.call(name);
        if !world.sent().is_empty() {
            through.push(name);
        }
    }
    assert!(through.is_empty(), "bob has not the role, and these were sent: {through:?}");
}

/// The stream of one request may carry the result of another: the TypeScript SDK's server maps a JSON-RPC id to the
/// last stream that used it, so a client that sends `tools/list` and then `ping` with the same id reads the list in the
/// answer to `ping`. A task's result (`tasks/result`) is that of the request that began it.
#[test]
fn a_list_is_cut_whichever_request_it_answers() {
    let world = with_demo(|demo| demo["tools"] = json!({"allow": ["echo"]}));
    let client = world.client("claude").connects("alice").initializes();
    let list = json!({"jsonrpc": "2.0", "id": 5, "result": {"tools": [{"name": "echo"}, {"name": "hidden"}]}});
    let mut shown = Vec::new();
    for (form, content_type, body) in [
        ("stream", "text/event-stream", format!("event: message\ndata: {list}\n\n")),
        ("json", "application/json", list.to_string()),
    ] {
        world.outside(
            "https://demo.example",
            Rc::new(move |_| Ok(Scripted::new(200, &[("content-type", content_type)], body.clone()))),
        );
        for (method, params) in
            [("tools/list", json!({})), ("ping", json!({})), ("tasks/result", json!({"taskId": "a"}))]
        {
            if sends(&client, method, &params).text().contains("hidden") {
                shown.push((method, form));
            }
        }
    }
    assert!(shown.is_empty(), "a hidden tool was listed in answers to {shown:?}");
}

/// Bob's last sign-in gave him no role, but nothing noted it, because no rule asked for roles that day.
#[test]
fn a_role_that_the_last_sign_in_did_not_give_is_gone_though_no_rule_asked_for_it_then() {
    let rules = json!([{"tools": ["erase"], "roles": ["support"]}]);
    let world = with_demo(|demo| demo["require"] = rules.clone());
    let alice = world.client("claude").connects("alice").initializes().calls("erase");
    world.passes(120);
    world.reconfigure(|config| {
        config["login"]["accounts"][0]["roles"] = json!([]);
        config["servers"]["demo"].as_object_mut().unwrap().remove("require");
    });
    world.new_isolate();
    world.client("other").connects("alice");
    world.passes(120);
    world.reconfigure(|config| config["servers"]["demo"]["require"] = rules.clone());
    world.new_isolate();
    alice.refreshes().call("erase").refused(200, "capability_role_missing");
    world.client("third").connects("alice").call("erase").refused(200, "capability_role_missing");
}

/// `null` is what some clients write for "none" (`mcp::message::members`), and nothing is named.
#[test]
fn a_message_without_params_names_nothing() {
    let world = with_demo(|demo| demo["tools"] = json!({"allow": ["echo"]}));
    let client = world.client("claude").connects("alice").initializes();
    let told = client.sends(&json!({"jsonrpc": "2.0", "method": "notifications/initialized", "params": null}));
    assert_eq!(told.status, 202, "{}", told.text());
}

/// Until the server is connected its list is the stand-in's one tool, which the filter must not hide: there is no other
/// way to the link.
#[test]
fn the_stand_ins_tool_works_behind_a_filter() {
    let (world, _) = World::guarded();
    world.reconfigure(|config| config["servers"]["docs"]["tools"] = json!({"allow": ["search"]}));
    let client = world.begins("claude", &json!({}));
    let list = client.sends(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})).with(200).json();
    let listed = list["result"]["tools"][0]["name"].as_str().unwrap();
    let answer = client.call(listed).with(200).json();
    assert!(answer.get("result").is_some(), "{listed} is listed, and says when called: {answer}");
}

/// A prompt is completed before all of its arguments are there.
#[test]
fn a_prompt_with_a_condition_can_be_completed() {
    let world =
        with_demo(|demo| demo["require"] = json!([{"prompts": ["greet"], "when": {"/team": {"one_of": ["ops"]}}}]));
    let client = world.client("claude").connects("alice").initializes();
    let params = json!({"ref": {"type": "ref/prompt", "name": "greet"}, "argument": {"name": "team", "value": "o"}});
    let answer = sends(&client, "completion/complete", &params);
    assert_eq!(answer.status, 200);
    assert!(answer.json().get("result").is_some(), "{}", answer.text());
}

/// Whoever says `support` in a group of the identity provider has the role (docs/configuration.md, `login.roles`).
#[test]
fn the_identity_provider_gives_roles() {
    let world = World::public(|config| {
        config["login"]["roles"] = json!({"claim": "name", "map": {"alice": "support"}});
        config["servers"]["demo"]["require"] = json!([{"tools": ["erase"], "roles": ["support"]}]);
    });
    let answer = world.client("claude").connects("alice").call("erase");
    assert!(answer.json().get("result").is_some(), "{}", answer.text());
}

/// docs/configuration.md, `scopes`: whoever was granted a scope has what it implies.
#[test]
fn an_implied_scope_is_as_good_as_granted() {
    let world = World::configured(|config| {
        config["scopes"] = json!({"tools:write": {"title": "Change things", "implies": ["mcp:tools"]}});
        config["servers"]["demo"]["require"] = json!([{"tools": ["write"], "scopes": ["tools:write"]}]);
    });
    world.client("claude").asks_for("tools:write offline_access").connects("alice").initializes().calls("write");
}

/// docs/limits.md, "Logged": each request, tool or prompt by name. A batch of one is a call like any other.
#[test]
fn the_log_names_the_tools_of_a_batch() {
    let world = with_demo(|demo| demo["tools"] = json!({"allow": ["echo"]}));
    let client = world.client("claude").connects("alice").initializes();
    let batch =
        json!([{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo", "arguments": {}}}]);
    let request = world.request("POST", &client.resource()).bearer(&client.access);
    let request = request.header("mcp-protocol-version", "2025-03-26");
    request.header("mcp-session-id", client.session.as_ref().unwrap()).json(&batch).send();
    let line = world.platform.journal.borrow().last().unwrap().clone();
    assert!(line.contains("echo"), "{line}");
}

/// Who may not read any `secret://` gets its names neither: values of a template's variable are names of resources.
#[test]
fn hidden_resources_are_not_told_by_completing_their_template() {
    let world = with_demo(|demo| demo["resources"] = json!({"allow_patterns": ["note://*"]}));
    let client = world.client("claude").connects("alice").initializes();
    world.sent();
    let reference = json!({"type": "ref/resource", "uri": "secret://{id}"});
    sends(&client, "completion/complete", &json!({"ref": reference, "argument": {"name": "id", "value": ""}}));
    assert!(world.sent().is_empty());
}

/// A token says of a person what its own server's rules ask for: clients read it.
#[test]
fn a_token_has_no_roles_that_only_other_servers_ask_for() {
    let world = with_demo(|demo| demo["require"] = json!([{"tools": ["erase"], "roles": ["support"]}]));
    let client = world.client("claude").at("mail").connects("alice");
    let payload = client.access.split('.').nth(1).unwrap();
    let claims = String::from_utf8(Base64UrlUnpadded::decode_vec(payload).unwrap()).unwrap();
    assert!(!claims.contains("support"), "{claims}");
}
