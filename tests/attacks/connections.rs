//! Attacks on the connections page: forms of others, forged tokens, other people's accounts and clients.
//!
//! Not here: attacks on connecting (`connect`).

use serde_json::json;

use crate::world::World;
use crate::world::browser::Form;
use crate::world::client::Client;
use crate::world::protected::Protected;

const PAGE: &str = "/connections";

/// Two people, each with an account at the same server and a client that uses it.
fn two_people() -> (World, Protected, Client, Client) {
    let world = World::new();
    let server = Protected::new(&world, "linear");
    world.reconfigure(|config| config["servers"]["linear"] = server.configured("Linear", &json!({})));
    let connected = |name: &str, person: &str| {
        let client = world.client(name).at("linear").registers().authorizes().signs_in(person).approves();
        let client = client.presses_connect();
        let client = client.clone().follows(&server.approves(&client.browser.at)).redeems();
        let mut client = client;
        client.browser.goes_to(PAGE);
        client
    };
    let (alice, bob) = (connected("claude", "alice"), connected("cursor", "bob"));
    (world, server, alice, bob)
}

fn with(form: &Form, fields: &[(&str, &str)]) -> Form {
    let mut form = form.clone();
    form.fields.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    form
}

fn live(world: &World) -> usize {
    world.platform.connections.borrow().values().filter(|record| record.contains("\"sealed\"")).count()
}

#[test]
fn a_form_needs_the_browser_session_it_was_shown_to() {
    let (world, _, alice, bob) = two_people();
    let form = with(&alice.browser.form(PAGE), &[("action", "disconnect")]);
    for mut browser in [world.browser(), bob.browser] {
        (browser.shows, browser.at) = (alice.browser.shows.clone(), alice.browser.at.clone());
        browser.submits(&form).refused(400, "connections_form_gone");
    }
    let stale = with(&form, &[("form", "AAAA")]);
    alice.browser.clone().submits(&stale).refused(400, "connections_form_gone");
    assert_eq!(live(&world), 2);
}

#[test]
fn a_form_is_good_for_an_hour_and_from_our_own_page_only() {
    let (world, _, alice, _) = two_people();
    let form = with(&alice.browser.form(PAGE), &[("action", "disconnect")]);
    let fields: Vec<_> = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let foreign = world.request("POST", PAGE).cookies(&alice.browser.cookie_header());
    let foreign = foreign.header("origin", "https://evil.example").form(&fields);
    foreign.send().refused(403, "form_from_elsewhere");
    world.passes(60 * 60);
    alice.browser.clone().submits(&form).refused(400, "connections_form_gone");
    assert_eq!(live(&world), 2);
}

#[test]
fn nobody_ends_what_is_somebody_elses() {
    let (world, _, mut alice, bob) = two_people();
    let grant = bob.browser.forms(PAGE).pop().unwrap().fields["grant"].clone();
    let own = alice.browser.form(PAGE);
    alice.browser.submits(&with(&own, &[("action", "revoke"), ("grant", &grant)]));
    world.new_isolate();
    world.passes(61);
    assert_ne!(bob.call("echo").status, 401, "bob's client goes on");
    for (slug, account) in [("linear", "2"), ("demo", "1"), ("", ""), ("linear\n1", "1")] {
        let form = with(&own, &[("action", "disconnect"), ("slug", slug), ("account", account)]);
        alice.browser.submits(&form);
    }
    assert_eq!(live(&world), 2);
    alice.browser.submits(&with(&own, &[("action", "disconnect")]));
    assert_eq!(live(&world), 1, "of hers only");
}
