//! Who may use what: every door to a capability, in both eras, by filter and rule.
//!
//! Not here: each decision by itself (`policy`), what lists show of a real server (`tests/e2e/policy.test.mjs`).

use serde_json::{Value, json};

use crate::world::answer::Answer;
use crate::world::client::Client;
use crate::world::{ADMIN_TOKEN, World};

fn world() -> World {
    World::configured(|config| {
        config["login"] = json!({"kind": "dev", "accounts": [
            {"subject": "alice", "roles": ["support"]}, {"subject": "bob"}, {"subject": "carol", "roles": ["support"]},
        ]});
        config["scopes"] = json!({"tools:write": {"title": "Change things"}});
        let demo = &mut config["servers"]["demo"];
        demo["tools"] = json!({"allow": ["echo", "erase", "write"], "allow_patterns": ["get_*"]});
        demo["prompts"] = json!({"allow": ["greet"]});
        demo["resources"] = json!({"allow_patterns": ["note://*"]});
        demo["resource_templates"] = json!({"allow": ["note://{id}"]});
        demo["require"] = json!([
            {"tools": ["erase"], "roles": ["support"]},
            {"tools": ["write"], "scopes": ["tools:write"]},
            {"tools": ["get_secret"], "when": {"/team": {"one_of": ["ops"]}}},
        ]);
    })
}

/// What one message of an era is answered with.
fn says(client: &Client, era: &str, method: &str, params: &Value) -> Answer {
    match era {
        "modern" => client.sends_modern(method, &json!({}), params.clone()),
        _ => client.sends(&json!({"jsonrpc": "2.0", "id": 5, "method": method, "params": params})),
    }
}

fn doors(name: &str, prompt: &str, uri: &str, template: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("tools/call", json!({"name": name, "arguments": {}})),
        ("prompts/get", json!({"name": prompt})),
        ("resources/read", json!({"uri": uri})),
        ("resources/subscribe", json!({"uri": uri})),
        ("resources/unsubscribe", json!({"uri": uri})),
        (
            "completion/complete",
            json!({"ref": {"type": "ref/prompt", "name": prompt}, "argument": {"name": "a", "value": ""}}),
        ),
        (
            "completion/complete",
            json!({"ref": {"type": "ref/resource", "uri": template}, "argument": {"name": "a", "value": ""}}),
        ),
        ("subscriptions/listen", json!({"notifications": {"resourceSubscriptions": [uri]}})),
    ]
}

#[test]
fn what_is_not_allowed_is_unknown_at_every_door_and_never_sent() {
    let world = world();
    let client = world.client("claude").connects("alice").initializes();
    world.sent();
    for era in ["legacy", "modern"] {
        for (method, params) in doors("drop", "curse", "secret://1", "secret://{id}") {
            let answer = says(&client, era, method, &params);
            answer.refused(200, "capability_unknown");
            let error = answer.json()["error"].clone();
            let code = if method.starts_with("resources") && era == "legacy" { -32002 } else { -32602 };
            let of_resource = method == "subscriptions/listen" || params.to_string().contains("ref/resource");
            assert!(error["code"] == code || of_resource, "{era} {method} {error}");
            assert_eq!(answer.header("www-authenticate"), None);
        }
        assert!(world.sent().is_empty(), "{era}");
        for (method, params) in doors("echo", "greet", "note://1", "note://{id}") {
            says(&client, era, method, &params).with(200);
            assert_eq!(world.sent().len(), 1, "{era} {method}");
        }
    }
}

#[test]
fn a_name_is_exactly_that_name() {
    let world = world();
    let client = world.client("claude").connects("alice").initializes();
    world.sent();
    for name in
        ["Echo", "ECHO", "echo ", " echo", "ec\u{0068}o\u{200b}", "\u{0435}cho", "get", "xget_a", "__proto__", ""]
    {
        client.call(name).refused(200, "capability_unknown");
    }
    assert!(world.sent().is_empty());
    client.call("get_anything").with(200);
}

#[test]
fn a_role_opens_what_it_is_for() {
    let world = world();
    world.client("claude").connects("alice").initializes().calls("erase");
    let bob = world.client("other").connects("bob").initializes();
    world.sent();
    let answer = bob.call("erase");
    answer.refused(200, "capability_role_missing");
    let error = answer.json()["error"].clone();
    assert!(error["message"].as_str().unwrap().contains("support"), "{error}");
    assert_eq!((&error["data"]["tool"], &error["data"]["required_roles"]), (&json!("erase"), &json!(["support"])));
    assert!(world.sent().is_empty());
}

#[test]
fn a_role_is_what_the_last_sign_in_gave() {
    let world = world();
    let alice = world.client("claude").connects("alice").initializes();
    world.reconfigure(|config| config["login"]["accounts"][0]["roles"] = json!([]));
    world.new_isolate();
    let alice = alice.refreshes().calls("erase");
    world.client("other").connects("alice");
    let alice = alice.refreshes();
    alice.call("erase").refused(200, "capability_role_missing");
}

#[test]
fn a_missing_scope_is_asked_for_together_with_what_there_was() {
    let world = world();
    let client = world.client("claude").connects("alice").initializes();
    world.sent();
    for era in ["legacy", "modern"] {
        let answer = says(&client, era, "tools/call", &json!({"name": "write", "arguments": {}}));
        answer.refused(403, "capability_scope_missing");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.contains(r#"error="insufficient_scope""#), "{challenge}");
        let scope = challenge.split("scope=\"").last().unwrap().split('"').next().unwrap();
        let mut asked: Vec<_> = scope.split(' ').collect();
        asked.sort_unstable();
        assert_eq!(asked, ["mcp:tools", "offline_access", "tools:write"]);
        let data = answer.json()["error"]["data"].clone();
        assert_eq!((&data["tool"], &data["required_scope"]), (&json!("write"), &json!("tools:write")));
        assert!(data["granted_scopes"].as_array().unwrap().contains(&json!("mcp:tools")), "{data}");
    }
    assert!(world.sent().is_empty());
}

#[test]
fn a_condition_is_about_the_body_and_nothing_else() {
    let world = world();
    let client = world.client("claude").connects("alice").initializes();
    world.sent();
    let call = |arguments: Value| {
        says(&client, "legacy", "tools/call", &json!({"name": "get_secret", "arguments": arguments}))
    };
    for arguments in [
        json!({}),
        json!({"team": "it"}),
        json!({"Team": "ops"}),
        json!({"a": {"team": "ops"}}),
        json!({"team": ["ops"]}),
    ] {
        let answer = call(arguments.clone());
        answer.refused(200, "capability_argument_denied");
        assert_eq!(answer.json()["error"]["data"]["argument"], "/team", "{arguments}");
    }
    assert!(world.sent().is_empty());
    call(json!({"team": "ops"})).with(200);
}

#[test]
fn a_batch_goes_whole_or_not_at_all() {
    let world = world();
    let client = world.client("claude").connects("alice").initializes();
    world.sent();
    let call =
        |id: u8, name: &str| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": name}});
    let batch = |messages: Value| {
        let mut request = world.request("POST", &client.resource()).bearer(&client.access);
        request = request.header("mcp-protocol-version", "2025-03-26");
        request = request.header("mcp-session-id", client.session.as_ref().unwrap());
        request.json(&messages).send()
    };
    batch(json!([call(1, "echo"), call(2, "drop")])).refused(200, "capability_unknown");
    assert!(world.sent().is_empty());
    batch(json!([call(1, "echo"), call(2, "get_a")]));
    assert_eq!(world.sent().len(), 1);
}

#[test]
fn methods_that_nobody_knows_name_nothing() {
    let world = world();
    let client = world.client("claude").connects("alice").initializes();
    world.sent();
    for params in [json!({"name": "echo"}), json!({"uri": "note://1"})] {
        says(&client, "legacy", "tools/invoke", &params).refused(400, "capability_unclear");
    }
    says(&client, "legacy", "tools/call", &json!({"name": 5})).refused(400, "capability_unclear");
    assert!(world.sent().is_empty());
    says(&client, "legacy", "x/y", &json!({"cursor": "a"})).with(200);
}

#[test]
fn the_log_says_what_was_decided_and_by_which_rule() {
    let world = world();
    let client = world.client("claude").connects("bob").initializes();
    client.call("erase").refused(200, "capability_role_missing");
    let line: Value = serde_json::from_str(world.platform.journal.borrow().last().unwrap()).unwrap();
    assert_eq!((&line["decision"], &line["rule"]), (&json!("deny"), &json!(0)));
    client.call("drop").refused(200, "capability_unknown");
    let line: Value = serde_json::from_str(world.platform.journal.borrow().last().unwrap()).unwrap();
    assert_eq!((&line["decision"], &line["gen_ai.tool.name"]), (&json!("hide"), &json!("drop")));
}

#[test]
fn an_operator_is_told_why() {
    let world = world();
    world.client("claude").connects("alice");
    let ask = |question: &Value| world.request("POST", "/admin/explain").bearer(ADMIN_TOKEN).json(question).send();
    let erase = |more: Value| {
        let mut question = json!({"server": "demo", "tool": "erase"});
        question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ask(&question).with(200).json()
    };
    assert_eq!(erase(json!({"subject": "dev:alice"}))["decision"], "allow");
    let denied = erase(json!({"subject": "dev:bob"}));
    assert_eq!((&denied["decision"], &denied["rule"], &denied["listed"]), (&json!("deny"), &json!(0), &json!(false)));
    assert_eq!(denied["need"], json!({"role": ["support"]}));
    assert_eq!(erase(json!({"roles": ["support"]}))["decision"], "allow");
    let secret =
        |arguments: &Value| ask(&json!({"server": "demo", "tool": "get_secret", "arguments": arguments})).json();
    assert_eq!(secret(&json!({"team": "ops"}))["decision"], "allow");
    assert_eq!(secret(&json!({"team": "it"}))["need"]["condition"]["argument"], "/team");
    assert_eq!(ask(&json!({"server": "demo", "tool": "drop"})).json()["decision"], "hide");

    for question in [json!({}), json!({"server": "demo"}), json!({"server": "demo", "tool": "a", "prompt": "b"})] {
        ask(&question).refused(400, "question_malformed");
    }
    ask(&json!({"server": "demo", "tool": "a", "rolls": []})).refused(400, "question_malformed");
    ask(&json!({"server": "none", "tool": "a"})).with(404);
    world
        .request("POST", "/admin/explain")
        .json(&json!({"server": "demo", "tool": "a"}))
        .send()
        .refused(401, "operator_token_required");
}
