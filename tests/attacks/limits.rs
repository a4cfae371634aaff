//! Who floods: callers, tools and addresses above their limits, and the ways around them.
//!
//! Not here: registrations (`registrations`), wrong operator tokens (`anonymous`).

use serde_json::{Value, json};

use crate::world::World;
use crate::world::answer::Answer;
use crate::world::client::Client;

fn limited(limits: &Value, demo: &Value) -> World {
    World::public(|config| {
        config["limits"] = limits.clone();
        config["servers"]["demo"]["limits"] = demo.clone();
    })
}

fn floods(client: &Client, times: usize) -> Answer {
    for _ in 1..times {
        client.call("echo").with(200);
    }
    client.call("echo")
}

#[test]
fn a_subject_is_limited_with_all_clients_together_and_nobody_else_is() {
    let world = limited(&json!({"per_subject": 29}), &json!({}));
    let (one, other) = (world.client("claude").connects("alice"), world.client("cursor").connects("alice"));
    let bob = world.client("claude").connects("bob");
    floods(&one, 5).with(200);
    floods(&other, 5).with(200);
    world.sent();
    for client in [&one, &other, &world.client("zed").at("mail").connects("alice")] {
        let refused = client.call("echo");
        refused.refused(429, "subject_rate_limited");
        assert_eq!(refused.json()["id"], 1);
        assert_eq!(refused.header("retry-after"), Some("60"));
    }
    assert!(world.sent().iter().all(|sent| sent.url.host_str() != Some("demo.example")));
    floods(&bob, 10).with(200);
    world.passes(60);
    one.calls("echo");
}

#[test]
fn a_client_is_limited_for_all_who_use_it() {
    let world = limited(&json!({"per_client": 10}), &json!({}));
    let one = world.client("claude").connects("alice");
    let other = world.client("claude").with_id(&one.id).authorizes().signs_in("bob").consents().redeems();
    floods(&one, 5).with(200);
    floods(&other, 5).with(200);
    one.call("echo").refused(429, "client_rate_limited");
    other.call("echo").refused(429, "client_rate_limited");
}

#[test]
fn no_spelling_of_a_tool_and_no_batch_gets_around_its_limit() {
    let world = limited(&json!({}), &json!({"per_tool": {"delete": 10}}));
    let client = world.client("claude").connects("alice");
    for name in ["delete", "DELETE", "Delete", "delet%65"].iter().cycle().take(10) {
        client.call(name).with(200);
    }
    for name in ["delete", "DELETE", "delet%65"] {
        client.call(name).refused(429, "tool_rate_limited");
    }
    // Names that nobody limits are not counted, so that none can be made up to be remembered.
    let before = world.platform.attempts.borrow().len();
    for number in 0..50 {
        client.call(&format!("tool {number}")).with(200);
    }
    assert_eq!(world.platform.attempts.borrow().len(), before);
    world.passes(60);
    let call = |id: u8| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "delete"}});
    let batch = Value::from((1..=11).map(call).collect::<Vec<_>>());
    world.sent();
    let request = world.request("POST", &client.resource()).bearer(&client.access);
    let answer = request.header("mcp-protocol-version", "2025-03-26").json(&batch).send();
    answer.refused(429, "tool_rate_limited");
    assert!(world.sent().is_empty(), "nothing of a batch is sent");
}

#[test]
fn a_server_is_limited_at_both_of_its_addresses_together() {
    let world = limited(&json!({}), &json!({"per_server": 10}));
    world.reconfigure(|config| config["servers"]["demo"]["host"] = "demo.mcp.example.com".into());
    let path = world.client("claude").connects("alice");
    let host = world.client("cursor").at_host("demo.mcp.example.com").connects("bob");
    floods(&path, 5).with(200);
    floods(&host, 5).with(200);
    path.call("echo").refused(429, "server_rate_limited");
    host.call("echo").refused(429, "server_rate_limited");
    world.client("zed").at("mail").connects("alice").calls("echo");
}

#[test]
fn an_address_is_limited_where_nobody_has_to_be_known_and_one_network_is_one_address() {
    let world = limited(&json!({"sign_in_per_address": 10, "token_per_address": 10}), &json!({}));
    let from = |method: &str, path: &str, address: &str| {
        world.request(method, path).header("cf-connecting-ip", address).form(&[]).send()
    };
    for (method, path) in [("GET", "/oauth/authorize"), ("POST", "/oauth/token")] {
        for number in 0..10 {
            let answer = from(method, path, &format!("2001:db8:1:2::{number:x}"));
            assert_ne!(answer.status, 429, "{}", answer.shown());
        }
        let refused = from(method, path, "2001:db8:1:2:ffff::1");
        refused.refused(429, "address_rate_limited");
        assert_eq!(refused.header("retry-after"), Some("60"));
        assert_ne!(from(method, path, "2001:db8:1:3::1").status, 429);
    }
    for path in ["/login", "/connect/demo", "/login/callback", "/oauth/upstream-callback"] {
        from("GET", path, "2001:db8:1:2::1").refused(429, "address_rate_limited");
    }
    let client = world.client("claude").connects("alice");
    client.calls("echo");
}

#[test]
fn where_it_cannot_be_counted_calls_go_on_and_sign_ins_do_not() {
    let world = limited(&json!({"per_subject": 10, "sign_in_per_address": 10}), &json!({"per_tool": {"echo": 10}}));
    let client = world.client("claude").connects("alice");
    world.platform.limiter_down.set(true);
    floods(&client, 20).with(200);
    let login = |world: &World| world.request("GET", "/login").header("cf-connecting-ip", "192.0.2.1").send();
    login(&world).refused(503, "storage_unavailable");
    world.platform.limiter_down.set(false);
    assert_ne!(login(&world).status, 503);
}

#[test]
fn a_call_that_nothing_limits_asks_no_limiter() {
    let world = World::public(|_| ());
    let client = world.client("claude").connects("alice").calls("echo");
    assert_eq!(world.uses_of(|| drop(client.call("echo"))).limiter, 0);
}
