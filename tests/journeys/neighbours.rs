//! Authorization servers that want clients to name themselves in ways that exclude each other: each gets its own.
//!
//! Not here: real ones, and one that the gateway was registered at by hand (`tests/e2e`).

use std::rc::Rc;

use mcp_edge_gateway::ports::Outgoing;
use serde_json::{Value, json};

use crate::world::World;
use crate::world::platform::Scripted;
use crate::world::protected::Protected;

/// One that refuses what `refuses` says, and how often it did and was asked for tokens.
fn connected_and_refreshed(refuses: fn(&Outgoing) -> Option<Value>) -> (usize, usize) {
    let world = World::public(|_| ());
    let server = Protected::new(&world, "linear");
    world.reconfigure(|config| config["servers"]["linear"] = server.configured("Linear", &json!({})));
    let times = Rc::new(std::cell::Cell::new(0));
    let count = Rc::clone(&times);
    server.says.borrow_mut().instead = Some(Rc::new(move |request| {
        let refusal = refuses(request).filter(|_| matches!(request.url.path(), "/token" | "/revoke"))?;
        count.set(count.get() + 1);
        Some(Scripted::new(400, &[("content-type", "application/json")], refusal.to_string()))
    }));
    let client = world.client("claude").at("linear").registers().authorizes().signs_in("alice").approves();
    let client = client.presses_connect();
    let mut client = client.clone().follows(&server.approves(&client.browser.at)).redeems();
    for _ in 0..2 {
        world.passes(3601);
        client = client.refreshes().calls("echo");
    }
    client.browser.goes_to("/connections");
    client.browser.presses("/connections", "action", "disconnect");
    assert_eq!(server.seen("/revoke").len(), 1, "it is told");
    (times.get(), server.seen("/token").len())
}

fn named_in(request: &Outgoing) -> (bool, bool) {
    let form: Vec<_> = url::form_urlencoded::parse(&request.body).map(|(name, _)| name.into_owned()).collect();
    (request.headers.contains_key("authorization"), form.contains(&"client_id".to_owned()))
}

#[test]
fn one_that_looks_for_the_id_in_the_form_only() {
    // The official Python SDK.
    let refuses = |request: &Outgoing| {
        (!named_in(request).1).then(|| json!({"error": "invalid_client", "error_description": "Missing client_id"}))
    };
    assert_eq!(connected_and_refreshed(refuses), (0, 3));
}

#[test]
fn one_that_refuses_to_be_told_twice() {
    // Cloudflare's provider. It is tried once, and remembered.
    let refuses = |request: &Outgoing| {
        let said = "Client must not use multiple authentication methods";
        (named_in(request) == (true, true)).then(|| json!({"error": "invalid_request", "error_description": said}))
    };
    assert_eq!(connected_and_refreshed(refuses), (1, 3));
}

#[test]
fn one_that_refuses_late_is_not_asked_again_while_others_wait() {
    for (after, asked) in [(0, 2), (5000, 1)] {
        let world = World::public(|_| ());
        let server = Protected::new(&world, "linear");
        world.reconfigure(|config| config["servers"]["linear"] = server.configured("Linear", &json!({})));
        server.says.borrow_mut().instead = Some(Rc::new(move |request| {
            let refused =
                || Scripted::new(400, &[("content-type", "application/json")], r#"{"error":"invalid_request"}"#);
            (request.url.path() == "/token").then(|| refused().after(after))
        }));
        let client = world.client("claude").at("linear").registers().authorizes().signs_in("alice").approves();
        let mut client = client.presses_connect();
        let back = server.approves(&client.browser.at);
        client.browser.goes_to(back.as_str());
        let tokens = world.sent().iter().filter(|sent| sent.url.as_str() == "https://as.linear.example/token").count();
        assert_eq!(tokens, asked, "after {after} ms");
    }
}
