//! Who makes the gateway register at an authorization server without end, or takes the registration away under others
//! who are under way with it.
//!
//! Not here: clients that register at the gateway.

use std::rc::Rc;

use serde_json::json;
use url::Url;

use crate::world::answer::parameter;
use crate::world::client::Client;
use crate::world::platform::Scripted;
use crate::world::protected::Protected;
use crate::world::{HOUR, MINUTE, World};

fn world() -> (World, Protected) {
    let world = World::public(|_| ());
    let server = Protected::new(&world, "linear");
    world.reconfigure(|config| config["servers"]["linear"] = server.configured("Linear", &json!({})));
    (world, server)
}

/// A person at the connect page, and its address.
fn at_page(world: &World, person: &str) -> (Client, Url) {
    let client = world.client("claude").at("linear").registers().authorizes().signs_in(person).approves();
    let page = client.browser.at.clone();
    (client, page)
}

/// Goes off and comes back without an answer, so many times.
fn goes_off(mut client: Client, page: &Url, times: usize) {
    for _ in 0..times {
        client = client.presses_connect();
        client = client.follows(page);
    }
}

#[test]
fn coming_back_without_an_answer_registers_anew_once_in_ten_minutes() {
    let (world, server) = world();
    let (mallory, page) = at_page(&world, "mallory");
    goes_off(mallory, &page, 40);
    assert_eq!(server.seen("/register").len(), 2);
    world.passes(10 * MINUTE);
    let (mallory, page) = at_page(&world, "mallory");
    goes_off(mallory, &page, 40);
    assert_eq!(server.seen("/register").len(), 3);
}

#[test]
fn nor_for_an_hour_after_a_token_came_of_it() {
    let (world, server) = world();
    let alice = at_page(&world, "alice").0.presses_connect();
    assert!(!alice.clone().follows(&server.approves(&alice.browser.at)).code.is_empty());
    for (minutes, registered) in [(0, 1), (50, 1), (12, 2)] {
        world.passes(minutes * MINUTE);
        let (mallory, page) = at_page(&world, "mallory");
        goes_off(mallory, &page, 3);
        assert_eq!(server.seen("/register").len(), registered);
    }
}

#[test]
fn a_refresh_proves_it_as_well() {
    let (world, server) = world();
    let alice = at_page(&world, "alice").0.presses_connect();
    let alice = alice.clone().follows(&server.approves(&alice.browser.at)).redeems();
    world.passes(HOUR - 10);
    alice.refreshes().calls("echo");
    world.passes(50 * MINUTE);
    let (mallory, page) = at_page(&world, "mallory");
    goes_off(mallory, &page, 3);
    assert_eq!(server.seen("/register").len(), 1);
}

#[test]
fn whoever_is_under_way_comes_through() {
    let (world, server) = world();
    let bob = at_page(&world, "bob").0.presses_connect();
    let back = server.approves(&bob.browser.at);
    let (mallory, page) = at_page(&world, "mallory");
    goes_off(mallory, &page, 40);
    let bob = bob.follows(&back);
    assert!(!bob.code.is_empty());
}

#[test]
fn an_issuer_that_says_itself_that_it_does_not_know_the_client_is_believed_at_once() {
    let (world, server) = world();
    let alice = at_page(&world, "alice").0.presses_connect();
    assert!(!alice.clone().follows(&server.approves(&alice.browser.at)).code.is_empty());
    let refuses = |error: &'static str| {
        server.says.borrow_mut().instead = Some(Rc::new(move |request| {
            let body = json!({"error": error}).to_string();
            (request.url.path() == "/token").then(|| Scripted::new(400, &[("content-type", "application/json")], body))
        }));
    };
    for (error, registered) in [("unauthorized_client", 1), ("invalid_client", 2)] {
        refuses(error);
        let mut bob = at_page(&world, "bob").0.presses_connect();
        let back = server.approves(&bob.browser.at);
        bob.browser.goes_to(back.as_str()).refused(502, "upstream_client_refused");
        server.says.borrow_mut().instead = None;
        let carol = at_page(&world, "carol").0.presses_connect();
        assert_eq!(parameter(&carol.browser.at, "client_id"), format!("client-{registered}"), "{error}");
    }
}
