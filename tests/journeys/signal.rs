//! A server whose account must be connected first: what each kind of client is told, and how it starts and lists
//! meanwhile.
//!
//! Not here: what happens once it is connected (`connected`), and the browser's part of connecting.

use serde_json::json;

use crate::world::World;
use crate::world::guarded::shows_links;

#[test]
fn a_client_that_shows_links_gets_the_error_of_its_revision() {
    let (world, server) = World::guarded();
    let client = world.begins("claude", &shows_links());
    let answer = client.call("search").with(200);
    let error = &answer.json()["error"];
    assert_eq!(error["code"], -32042);
    let data = &error["data"];
    assert_eq!((&data["state"], &data["reason"]), (&json!("authenticating"), &json!("connection_missing")));
    assert_eq!(data["elicitations"][0]["url"], data["authUrl"]);
    assert_eq!(data["request_id"], answer.header("x-request-id").unwrap());
    assert!(data["authUrl"].as_str().unwrap().starts_with("http://localhost:8787/connect/docs?s="));
    assert!(server.was_asked().is_empty());
    let journal = world.platform.journal.borrow().last().unwrap().clone();
    assert!(journal.contains("connection_missing") && journal.contains("docs"), "{journal}");
}

#[test]
fn a_client_without_elicitation_reads_the_link() {
    let (world, _) = World::guarded();
    for capabilities in [json!({}), json!({"elicitation": {}})] {
        let result = &world.begins("claude", &capabilities).call("search").with(200).json()["result"];
        assert_eq!(result["isError"], true);
        assert!(result["content"][0]["text"].as_str().unwrap().contains("http://localhost:8787/connect/docs?s="));
    }
    let sessionless = world.client("other").at("docs").connects("alice");
    assert_eq!(sessionless.call("search").with(200).json()["result"]["isError"], true);
    let read =
        sessionless.sends(&json!({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": "a:b"}}));
    assert_eq!(read.with(200).json()["error"]["code"], -31042);
}

#[test]
fn a_modern_client_lists_and_is_not_promised_that_the_server_is() {
    let (world, server) = World::guarded();
    let client = world.client("claude").at("docs").connects("alice");
    let asked = client.sends_modern("server/discover", &json!({}), json!({}));
    asked.refused(400, "era_unknown");
    assert_eq!(
        asked.json()["error"]["code"],
        -32600,
        "no modern code: a client that speaks both eras begins with initialize"
    );
    let list = client.sends_modern("tools/list", &json!({}), json!({})).with(200);
    assert_eq!(list.json()["result"]["tools"][0]["name"], "connect_docs");
    assert_eq!((&list.json()["result"]["ttlMs"], list.header("mcp-session-id")), (&json!(0), None));
    let read = client.sends_modern("resources/read", &json!({}), json!({"uri": "a:b"})).with(400).json();
    assert_eq!(read["error"]["code"], -32021);
    assert_eq!(read["error"]["data"]["requiredCapabilities"], shows_links());
    assert_eq!(
        client.sends_modern("tools/call", &json!({}), json!({"name": "x"})).with(200).json()["result"]["isError"],
        true
    );
    assert!(server.was_asked().is_empty());
}

#[test]
fn who_declines_is_not_asked_again() {
    let (world, _) = World::guarded();
    let client = world.client("claude").at("docs").connects("alice");
    for action in ["decline", "cancel"] {
        let asked = client.sends_modern("tools/call", &shows_links(), json!({"name": "search"})).with(200).json();
        let retry = json!({
            "name": "search", "requestState": asked["result"]["requestState"],
            "inputResponses": {"connect": {"action": action}},
        });
        let result = &client.sends_modern("tools/call", &shows_links(), retry).with(200).json()["result"];
        assert_eq!((&result["isError"], &result["resultType"]), (&json!(true), &json!("complete")));
    }
}

#[test]
fn what_only_an_operator_can_renew_has_no_link() {
    let (world, _) = World::guarded();
    world.reconfigure(|config| config["servers"]["docs"]["auth"] = json!({"kind": "oauth", "shared": true}));
    let client = world.begins("claude", &shows_links());
    let result = &client.call("search").with(200).json()["result"];
    assert_eq!(result["isError"], true);
    assert_eq!(result["_meta"]["mcp-edge-gateway/connect"]["state"], "admin_connect_required");
    assert!(!result.to_string().contains("http"), "{result}");
}
