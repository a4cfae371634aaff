//! MCP Apps behind a filter: whoever may see a tool may see its page.
//!
//! Not here: the attacks on it (`attacks/apps`), a page in a real host (`tests/e2e/apps.test.mjs`).

use serde_json::{Value, json};

use crate::world::apps::tool;
use crate::world::{ADMIN_TOKEN, World};

const DEMO: &str = "https://demo.example";

/// "chart" and "refresh" are allowed, and resources but for one note are not.
fn world() -> World {
    let world = World::configured(|config| {
        let demo = &mut config["servers"]["demo"];
        demo["tools"] = json!({"allow": ["chart", "refresh"]});
        demo["resources"] = json!({"allow": ["note://1"]});
    });
    let refresh = json!({"name": "refresh", "_meta": {"ui/resourceUri": "ui://old", "ui": {"visibility": ["app"]}}});
    let tools = json!([tool("chart", "ui://chart"), refresh, tool("audit", "ui://audit")]);
    world.has_apps(DEMO, &tools, &["note://1", "note://2", "ui://chart", "ui://old", "ui://audit", "ui://other"]);
    world
}

#[test]
fn an_allowed_tool_opens_its_page_in_both_forms() {
    let world = world();
    let client = world.client("claude").connects("alice");
    assert_eq!(client.listed("tools/list"), ["chart", "refresh"]);
    let modern = |uri: &str| {
        let answer = client.sends_modern("resources/read", &json!({}), json!({"uri": uri})).with(200).json();
        answer["error"]["data"]["reason"].clone()
    };
    for page in ["ui://chart", "ui://old"] {
        assert_eq!((client.reads(page), modern(page)), (Ok(()), Value::Null));
    }
    assert_eq!(client.listed("resources/list"), ["note://1", "ui://chart", "ui://old"]);
    for hidden in ["ui://audit", "ui://other", "note://2"] {
        assert_eq!(client.reads(hidden), Err("capability_unknown".to_owned()), "{hidden}");
        assert_eq!(modern(hidden), "capability_unknown");
    }
}

#[test]
fn a_tool_for_the_page_alone_is_called_as_any_other() {
    let world = world();
    let client = world.client("claude").connects("alice");
    assert!(client.listed("tools/list").contains(&"refresh".to_owned()), "the host hides it from the model");
    client.call("refresh").with(200);
    client.call("audit").refused(200, "capability_unknown");
}

#[test]
fn an_isolate_that_has_seen_no_list_looks_for_the_page_once_in_half_a_minute() {
    let world = world();
    let client = world.client("claude").connects("alice");
    client.listed("tools/list");
    world.new_isolate();
    client.call("chart").with(200);
    let uses = world.uses_of(|| assert_eq!(client.reads("ui://chart"), Ok(())));
    assert_eq!(uses.directory, 1);
    let uses = world.uses_of(|| {
        assert_eq!(client.reads("ui://chart"), Ok(()));
        assert_eq!(client.reads("note://1"), Ok(()));
        assert!(client.reads("ui://other").is_err() && client.reads("note://2").is_err());
        assert!(client.call("chart").status == 200);
    });
    assert_eq!(uses.directory, 0);
    world.new_isolate();
    client.call("chart").with(200);
    assert_eq!(client.listed("resources/list"), ["note://1", "ui://chart", "ui://old"]);
}

#[test]
fn a_page_that_another_isolate_heard_of_is_found() {
    let world = world();
    let client = world.client("claude").connects("alice");
    client.listed("tools/list");
    let elsewhere = world.elsewhere();
    let there = crate::world::client::Client { world: elsewhere.clone(), ..client.clone() };
    world.has_apps(DEMO, &json!([tool("chart", "ui://chart/2")]), &[]);
    there.listed("tools/list");
    world.passes(30);
    assert_eq!(client.reads("ui://chart/2"), Ok(()));
}

#[test]
fn a_page_of_a_later_page_of_the_list_is_known_where_that_was_seen() {
    let world = world();
    let client = world.client("claude").connects("alice");
    let list =
        |more: &Value| drop(client.sends(&json!({"jsonrpc": "2.0", "id": 5, "method": "tools/list", "params": more})));
    list(&json!({}));
    world.has_apps(DEMO, &json!([tool("refresh", "ui://later")]), &[]);
    list(&json!({"cursor": "2"}));
    assert_eq!((client.reads("ui://chart"), client.reads("ui://later")), (Ok(()), Ok(())));
    list(&json!({}));
    assert_eq!(client.reads("ui://later"), Ok(()));
    assert!(client.reads("ui://chart").is_err(), "a whole list says that there are no others");
}

#[test]
fn storage_that_is_away_is_no_refusal_and_no_permission() {
    let world = world();
    let client = world.client("claude").connects("alice");
    client.listed("tools/list");
    world.new_isolate();
    client.call("chart").with(200);
    world.platform.directory_down.set(true);
    assert_eq!(client.reads("ui://chart"), Err("storage_unavailable".to_owned()));
    assert_eq!(client.listed("resources/list"), ["note://1"]);
}

#[test]
fn what_a_server_that_is_down_last_listed_has_its_pages() {
    let world = world();
    let client = world.client("claude").connects("alice");
    let all = ["note://1", "ui://chart", "ui://old"];
    client.listed("tools/list");
    assert_eq!(client.listed("resources/list"), all);
    world.new_isolate();
    world.outside_fails(DEMO, mcp_edge_gateway::ports::FetchError::Unreachable);
    assert_eq!(client.listed("resources/list"), all);
}

#[test]
fn an_operator_is_told_that_a_tool_opens_it() {
    let world = world();
    world.client("claude").connects("alice").listed("tools/list");
    world.new_isolate();
    let ask = |uri: &str| {
        let question = json!({"server": "demo", "resource": uri});
        let answer = world.request("POST", "/admin/explain").bearer(ADMIN_TOKEN).json(&question).send();
        let told = answer.with(200).json();
        (told["decision"].clone(), told["filter"].clone())
    };
    assert_eq!(ask("ui://chart"), (json!("allow"), json!("shown_by_tool")));
    assert_eq!(ask("ui://audit"), (json!("hide"), json!("not_allowed")));
}
