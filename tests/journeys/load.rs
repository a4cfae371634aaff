//! How much a server is asked: no more at once than is written, and none while it fails, until it is there again.
//!
//! Not here: how often callers may call (`attacks::limits`), and the steps of the circuit (`upstream::circuit`).

use std::cell::Cell;
use std::rc::Rc;

use mcp_edge_gateway::ports::FetchError;
use serde_json::{Value, json};

use crate::world::answer::Answer;
use crate::world::client::Client;
use crate::world::platform::Scripted;
use crate::world::{ADMIN_TOKEN, World, upstream};

const DEMO: &str = "https://demo.example";

fn fails_until_left_alone(client: &Client) -> Answer {
    for _ in 0..10 {
        client.call("echo").refused(502, "upstream_unreachable");
    }
    client.call("echo")
}

fn told(world: &World) -> Value {
    let status = world.request("GET", "/status").bearer(ADMIN_TOKEN).send().json();
    status["servers"].as_array().unwrap().iter().find(|server| server["slug"] == "demo").unwrap().clone()
}

fn events(world: &World, event: &str) -> usize {
    world.platform.journal.borrow().iter().filter(|line| line.contains(&format!("\"{event}\""))).count()
}

#[test]
fn a_server_that_fails_is_left_alone_tried_once_and_used_again() {
    let world = World::new();
    let client = world.client("claude").connects("alice").calls("echo");
    world.outside_fails(DEMO, FetchError::Unreachable);
    let refused = fails_until_left_alone(&client);
    refused.refused(503, "server_left_alone");
    assert_eq!((refused.header("retry-after"), &refused.json()["id"]), (Some("5"), &json!(1)));
    world.sent();
    client.call("echo").refused(503, "server_left_alone");
    assert!(world.sent().is_empty());
    assert_eq!(told(&world)["left_alone_until"], world.now() + 5);
    world.client("zed").at("mail").connects("alice").calls("echo");
    // It is tried once, fails, and is left alone for longer.
    world.passes(5);
    client.call("echo").refused(502, "upstream_unreachable");
    assert_eq!(client.call("echo").header("retry-after"), Some("10"));
    world.outside(DEMO, upstream::echo());
    client.call("echo").refused(503, "server_left_alone");
    world.passes(10);
    let client = client.calls("echo").calls("echo");
    assert!(told(&world)["left_alone_until"].is_null());
    assert_eq!((events(&world, "circuit_opened"), events(&world, "circuit_closed")), (2, 1));
    // Another isolate knows nothing of it.
    world.outside_fails(DEMO, FetchError::Unreachable);
    fails_until_left_alone(&client).refused(503, "server_left_alone");
    world.new_isolate();
    client.call("echo").refused(502, "upstream_unreachable");
}

#[test]
fn what_a_caller_caused_does_not_count() {
    let world = World::configured(|config| config["accepts"] = json!(["own", "keys"]));
    let client = world.client("claude").connects("alice");
    let other = world.client("zed").connects("bob").calls("echo");
    let refusal = json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32602, "message": "no such thing"}});
    for (status, body) in
        [(400, refusal.to_string()), (500, refusal.to_string()), (404, String::new()), (429, String::new())]
    {
        world.outside_answers(DEMO, status, &[("content-type", "application/json")], &body);
        for _ in 0..25 {
            assert_ne!(client.call("echo").reason(), "server_left_alone", "{status}");
        }
    }
    world.outside_fails(DEMO, FetchError::ClientGone);
    for _ in 0..25 {
        client.call("echo").refused(499, "client_gone");
    }
    world.outside(DEMO, upstream::echo());
    client.call("echo").with(200);
    // Bare errors of a server are its own, and one answer between them begins anew.
    world.outside_answers(DEMO, 503, &[], "");
    for _ in 0..9 {
        client.call("echo").refused(502, "upstream_error");
    }
    world.outside(DEMO, upstream::echo());
    client.call("echo").with(200);
    world.outside_answers(DEMO, 503, &[], "");
    // One caller's alone may be that caller's doing.
    for _ in 0..25 {
        client.call("echo").refused(502, "upstream_error");
    }
    // Nor do two say that it fails, as long as a third is answered.
    for _ in 0..25 {
        other.call("echo").refused(502, "upstream_error");
    }
    let third = service(&world);
    for _ in 0..25 {
        calls_with(&world, &third).refused(502, "upstream_error");
    }
    // All who call are refused, the first among them.
    for _ in 0..2 {
        client.call("echo").refused(502, "upstream_error");
    }
    for client in [&client, &other] {
        client.call("echo").refused(503, "server_left_alone");
    }
}

/// The key of a service, which is a caller of its own.
fn service(world: &World) -> String {
    let wanted = json!({"name": "CI", "expires_in_days": 30});
    let made = world.request("POST", "/admin/keys").bearer(ADMIN_TOKEN).json(&wanted).send().with(201).json();
    made["key"].as_str().unwrap().to_owned()
}

fn calls_with(world: &World, key: &str) -> Answer {
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo"}});
    world.request("POST", "/v1/mcp/demo").header("x-api-key", key).json(&message).send()
}

#[test]
fn two_who_bring_failures_about_keep_no_third_from_the_server() {
    let world = World::configured(|config| config["accepts"] = json!(["own", "keys"]));
    let key = service(&world);
    let (one, other) = (world.client("claude").connects("alice"), world.client("zed").connects("bob"));
    let fails = Rc::new(Cell::new(false));
    let (echo, failing) = (upstream::echo(), Rc::clone(&fails));
    world.outside(
        DEMO,
        Rc::new(move |request| if failing.get() { Ok(Scripted::new(503, &[], "")) } else { echo(request) }),
    );
    calls_with(&world, &key).with(200);
    for _ in 0..3 {
        fails.set(true);
        for _ in 0..10 {
            one.call("echo").refused(502, "upstream_error");
            other.call("echo").refused(502, "upstream_error");
        }
        fails.set(false);
        calls_with(&world, &key).with(200);
    }
    assert_eq!(events(&world, "circuit_opened"), 0);
}

#[test]
fn one_caller_leaves_a_place_to_others() {
    let world = World::configured(|config| config["servers"]["demo"]["limits"] = json!({"concurrent": 3}));
    let (one, other) = (world.client("claude").connects("alice"), world.client("zed").connects("bob"));
    let echo = upstream::echo();
    world.outside(DEMO, Rc::new(move |request| echo(request).map(|answer: Scripted| answer.after(5_000))));
    let call = |client: &Client| {
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo"}});
        world.request("POST", &client.resource()).bearer(&client.access).json(&message).sending()
    };
    let calls = [&one, &one, &one, &one, &other].map(call);
    let answers = world.platform.together(calls);
    for refused in &answers[2..4] {
        refused.refused(429, "server_share_taken");
        assert_eq!(refused.header("retry-after"), Some("1"));
    }
    assert_eq!([0, 1, 4].map(|at| answers[at].status), [200, 200, 200]);
}

#[test]
fn no_more_calls_are_under_way_than_the_operator_allows() {
    let world = World::configured(|config| config["servers"]["demo"]["limits"] = json!({"concurrent": 3}));
    let (client, other) = (world.client("claude"), world.client("zed").connects("bob"));
    let client = client.connects("alice").calls("echo");
    let slow = Rc::new(Cell::new(5_000));
    let (echo, after) = (upstream::echo(), Rc::clone(&slow));
    world.outside(DEMO, Rc::new(move |request| echo(request).map(|answer: Scripted| answer.after(after.get()))));
    let call = |client: &Client| {
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo"}});
        world.request("POST", &client.resource()).bearer(&client.access).json(&message).sending()
    };
    let mut statuses: Vec<_> = world
        .platform
        .together([&client, &client, &other, &other].map(call))
        .into_iter()
        .map(|answer| {
            if answer.status == 503 {
                answer.refused(503, "server_busy");
                assert_eq!(answer.header("retry-after"), Some("1"));
            }
            answer.status
        })
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 503]);
    // A call that has not long to wait goes on.
    slow.set(300);
    let answers = world.platform.together([&client, &other, &client, &other].map(call));
    assert!(answers.iter().all(|answer| answer.status == 200));
}
