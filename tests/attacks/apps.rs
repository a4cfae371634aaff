//! Lists of tools that name what is not theirs to open: of another kind, another server, another account.
//!
//! Not here: pages that are opened rightly (`journeys/apps`).

use serde_json::{Value, json};

use crate::world::World;
use crate::world::apps::tool;
use crate::world::client::Client;

const DEMO: &str = "https://demo.example";

fn world(change: impl FnOnce(&mut Value)) -> World {
    World::configured(|config| {
        config["servers"]["demo"]["tools"] = json!({"allow": ["chart"]});
        config["servers"]["demo"]["resources"] = json!({"allow": []});
        change(config);
    })
}

#[track_caller]
fn stays_hidden(client: &Client, uri: &str) {
    assert_eq!(client.reads(uri), Err("capability_unknown".to_owned()), "{uri}");
    assert!(!client.listed("resources/list").contains(&uri.to_owned()), "{uri}");
}

#[test]
fn a_list_of_tools_opens_no_resource_that_is_no_page() {
    let uris =
        ["secret://1", "file:///etc/passwd", "UI://chart", "ui:/chart", "https://ui://x", "ui://a/../b", " ui://x"];
    let world = world(|_| ());
    let tools: Vec<_> = uris.iter().map(|uri| tool("chart", uri)).collect();
    world.has_apps(DEMO, &json!(tools), &uris);
    let client = world.client("claude").connects("alice");
    client.listed("tools/list");
    for uri in uris {
        stays_hidden(&client, uri);
        world.new_isolate();
        stays_hidden(&client, uri);
    }
}

#[test]
fn the_page_of_a_tool_that_is_hidden_stays_hidden() {
    let world = world(|config| {
        config["login"] =
            json!({"kind": "dev", "accounts": [{"subject": "alice", "roles": ["boss"]}, {"subject": "bob"}]});
        config["servers"]["demo"]["tools"] = json!({"allow": ["chart", "audit"]});
        config["servers"]["demo"]["require"] = json!([{"tools": ["audit"], "roles": ["boss"]}]);
    });
    let tools = json!([tool("chart", "ui://chart"), tool("audit", "ui://audit"), tool("drop", "ui://drop")]);
    world.has_apps(DEMO, &tools, &["ui://chart", "ui://audit", "ui://drop"]);
    let (alice, bob) = (world.client("claude").connects("alice"), world.client("other").connects("bob"));
    alice.listed("tools/list");
    assert_eq!((alice.reads("ui://audit"), bob.reads("ui://chart")), (Ok(()), Ok(())));
    stays_hidden(&bob, "ui://audit");
    stays_hidden(&alice, "ui://drop");
    world.reconfigure(|config| config["servers"]["demo"]["tools"] = json!({"allow": ["audit"]}));
    stays_hidden(&alice, "ui://chart");
}

#[test]
fn a_server_opens_nothing_at_another_one() {
    let world = world(|config| {
        config["servers"]["other"] = config["servers"]["demo"].clone();
        config["servers"]["other"]["url"] = "https://other.example/mcp".into();
    });
    world.has_apps(DEMO, &json!([tool("chart", "ui://other/page")]), &[]);
    world.has_apps("https://other.example", &json!([]), &["ui://other/page"]);
    let client = world.client("claude").connects("alice");
    client.listed("tools/list");
    let other = world.client("same").at("other").connects("alice");
    stays_hidden(&other, "ui://other/page");
    other.listed("tools/list");
    stays_hidden(&other, "ui://other/page");
}

#[test]
fn what_one_account_is_told_opens_nothing_for_another() {
    let (world, _) = World::guarded();
    world.reconfigure(|config| {
        config["servers"]["docs"]["tools"] = json!({"allow": ["chart"]});
        config["servers"]["docs"]["resources"] = json!({"allow": []});
    });
    world.connected("alice", "alice's token");
    world.connected("bob", "bob's token");
    let [alice, bob] = ["alice", "bob"].map(|person| world.client(person).at("docs").connects(person));
    world.has_apps("https://docs.example", &json!([tool("chart", "ui://alice")]), &["ui://alice", "ui://bob"]);
    alice.listed("tools/list");
    assert_eq!(alice.reads("ui://alice"), Ok(()));
    stays_hidden(&bob, "ui://alice");
    world.has_apps("https://docs.example", &json!([tool("chart", "ui://bob")]), &["ui://alice", "ui://bob"]);
    bob.listed("tools/list");
    assert_eq!(bob.reads("ui://bob"), Ok(()));
    world.new_isolate();
    stays_hidden(&bob, "ui://alice");
    stays_hidden(&alice, "ui://bob");
}

#[test]
fn a_tool_that_is_listed_with_two_names_opens_nothing() {
    let world = world(|_| ());
    let twice = r#"[{"name":"drop","name":"chart","_meta":{"ui":{"resourceUri":"ui://drop"}}}]"#;
    world.outside_answers(
        DEMO,
        200,
        &[("content-type", "application/json")],
        &format!(r#"{{"jsonrpc":"2.0","id":5,"result":{{"tools":{twice}}}}}"#),
    );
    let client = world.client("claude").connects("alice");
    client.sends(&json!({"jsonrpc": "2.0", "id": 5, "method": "tools/list"}));
    world.has_apps(DEMO, &json!([]), &["ui://drop"]);
    stays_hidden(&client, "ui://drop");
}
