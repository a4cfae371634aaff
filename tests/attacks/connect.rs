//! Attacks on connecting: links and answers in the wrong browser, answers used twice or from the wrong issuer, metadata
//! that leads elsewhere, connections moved to where they do not belong.
//!
//! Not here: attacks on calls with what was connected.

use std::rc::Rc;

use mcp_edge_gateway::headers::HeaderMap;
use mcp_edge_gateway::ports::FetchError;
use serde_json::{Value, json};
use url::Url;

use crate::world::World;
use crate::world::answer::Answer;
use crate::world::client::Client;
use crate::world::platform::Scripted;
use crate::world::protected::Protected;

fn public() -> (World, Protected) {
    let world = World::public(|_| ());
    let server = Protected::new(&world, "linear");
    world.reconfigure(|config| config["servers"]["linear"] = server.configured("Linear", &json!({})));
    (world, server)
}

fn client_of(world: &World, name: &str, person: &str) -> Client {
    world.client(name).at("linear").registers().authorizes().signs_in(person).approves()
}

/// What a person is told who wants to connect the server and cannot.
fn refusal(world: &World) -> Answer {
    let mut client = client_of(world, "claude", "alice");
    client.browser.goes_to("/connect/linear").clone()
}

/// A person who was sent to the authorization server and has approved there: where they are sent back to.
fn on_the_way_back(world: &World, server: &Protected, person: &str) -> (Client, Url) {
    let client = client_of(world, "claude", person).presses_connect();
    let back = server.approves(&client.browser.at);
    (client, back)
}

fn is_connected(world: &World) -> bool {
    world.platform.connections.borrow().values().any(|record| record.contains("\"sealed\""))
}

fn hosts_asked(world: &World) -> Vec<String> {
    world.sent().iter().map(|sent| sent.url.origin().ascii_serialization()).collect()
}

#[test]
fn a_link_opened_by_somebody_else_connects_nothing() {
    let world = World::new();
    let server = Protected::new(&world, "linear");
    let auth = json!({"connect": "first_call"});
    world.reconfigure(|config| config["servers"]["linear"] = server.configured("Linear", &auth));
    let alice = world.client("claude").at("linear").connects("alice");
    let answer = alice.call("echo").text();
    let link = answer.split("http://localhost:8787/connect/linear?s=").nth(1).unwrap();
    let link = link.split(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c)).next().unwrap();
    let mut bob = world.client("cursor").at("linear").connects("bob");
    world.sent();
    bob.browser.goes_to(&format!("/connect/linear?s={link}")).refused(403, "connection_for_somebody_else");
    assert!(hosts_asked(&world).is_empty() && !is_connected(&world));
    let cut = link.get(..link.len() - 1).unwrap();
    bob.browser.goes_to(&format!("/connect/linear?s={cut}")).refused(400, "connect_link_gone");
    bob.browser.goes_to(&format!("/connect/demo?s={link}")).refused(400, "connect_link_gone");
}

#[test]
fn a_clients_authorization_that_waits_is_for_who_consented() {
    let (world, _) = public();
    let alice = client_of(&world, "claude", "alice");
    let mut bob = client_of(&world, "cursor", "bob");
    let alices = alice.browser.at.to_string();
    bob.browser.goes_to(&alices).refused(403, "connection_for_somebody_else");
    // Nor does the form of Alice's page work in Bob's browser, on a page of his own.
    let mut form = alice.browser.form("/connect/linear");
    form.fields.insert("decision".into(), "skip".into());
    let mut bob = client_of(&world, "third", "bob");
    bob.browser.submits(&form).refused(400, "connect_form_gone");
}

#[test]
fn an_answer_is_good_once() {
    let (world, server) = public();
    let (client, back) = on_the_way_back(&world, &server, "alice");
    let client = client.follows(&back);
    assert!(!client.code.is_empty());
    let mut again = client;
    again.browser.goes_to(back.as_str()).refused(400, "connection_attempt_used");
    assert_eq!(server.seen("/token").len(), 1);
}

#[test]
fn an_answer_in_another_persons_browser_connects_nothing() {
    let (world, server) = public();
    let (_, mallorys) = on_the_way_back(&world, &server, "mallory");
    let mut alice = client_of(&world, "cursor", "alice");
    alice.browser.goes_to(mallorys.as_str()).refused(400, "no_connection_pending");
    let mut nobody = world.browser();
    nobody.goes_to(mallorys.as_str()).refused(400, "no_connection_pending");
    assert!(server.seen("/token").is_empty() && !is_connected(&world));
}

#[test]
fn an_answer_that_took_too_long_is_not_taken() {
    let (world, server) = public();
    let (mut client, back) = on_the_way_back(&world, &server, "alice");
    world.passes(601);
    client.browser.goes_to(back.as_str()).refused(400, "connection_attempt_expired");
    assert!(server.seen("/token").is_empty());
}

#[test]
fn a_made_up_or_borrowed_state_is_none() {
    let (world, server) = public();
    let (mut client, back) = on_the_way_back(&world, &server, "alice");
    let ticket = client_of(&world, "other", "alice").browser.form("/connect/linear").fields["ticket"].clone();
    for state in ["x", "", &ticket] {
        let mut url = back.clone();
        url.query_pairs_mut().clear().append_pair("code", "c").append_pair("state", state);
        client.browser.goes_to(url.as_str()).refused(400, "no_connection_pending");
    }
    assert!(server.seen("/token").is_empty());
}

#[test]
fn a_mix_up_of_two_issuers_sends_no_code_anywhere() {
    let (world, honest) = public();
    let evil = Protected::new(&world, "evil");
    world.reconfigure(|config| config["servers"]["evil"] = evil.configured("Evil", &json!({})));
    // The person began at the evil server's issuer, which sent them on to the honest one with its own state.
    let evils =
        world.client("claude").at("evil").registers().authorizes().signs_in("alice").approves().presses_connect();
    let stolen = Protected::back(&evils.browser.at, &[("code", "honest code"), ("iss", &honest.issuer)]);
    let mut client = evils.clone();
    client.browser.goes_to(stolen.as_str()).refused(400, "upstream_answer_of_other_issuer");
    assert!(evil.seen("/token").is_empty() && honest.seen("/token").is_empty());

    // An issuer that promises to name itself and does not is no better.
    let client =
        world.client("other").at("evil").registers().authorizes().signs_in("alice").approves().presses_connect();
    let unnamed =
        Protected::back(&client.browser.at, &[("error", "access_denied"), ("error_description", "call 555 now")]);
    let mut client = client;
    client.browser.goes_to(unnamed.as_str()).refused(400, "upstream_answer_without_issuer");
    assert!(!client.browser.shows.text().contains("555"), "nothing of such an answer is shown");
}

#[test]
fn metadata_leads_to_no_private_place() {
    for (member, value) in [
        ("challenge", "http://169.254.169.254/latest"),
        ("challenge", "https://localhost/prm"),
        ("authorization_servers", "https://10.0.0.1"),
        ("authorization_servers", "https://mcp.example.com"),
        ("token_endpoint", "https://[::1]/token"),
        ("registration_endpoint", "http://as.linear.example/register"),
    ] {
        let (world, server) = public();
        let mut says = server.says.borrow_mut();
        match member {
            "challenge" => says.challenge = format!("Bearer resource_metadata=\"{value}\""),
            "authorization_servers" => says.resource[member] = json!([value]),
            _ => says.issuer[member] = value.into(),
        }
        drop(says);
        world.sent();
        refusal(&world).refused(502, "upstream_url_refused");
        let asked = world.sent();
        assert!(!asked.iter().any(|sent| sent.url.as_str().starts_with(value)), "{value} was asked");
        assert!(server.seen("/register").is_empty());
    }
}

#[test]
fn a_redirect_is_not_followed() {
    for (from, reason) in [
        ("/.well-known/oauth-protected-resource/mcp", "upstream_resource_metadata_missing"),
        ("/.well-known/oauth-authorization-server", "upstream_issuer_metadata_missing"),
    ] {
        let (world, server) = public();
        server.says.borrow_mut().instead = Some(Rc::new(move |request| {
            let redirect = Scripted::new(302, &[("location", "https://internal.example/metadata")], "");
            (request.url.path() == from).then_some(redirect)
        }));
        world.sent();
        refusal(&world).refused(502, reason);
        assert!(!hosts_asked(&world).contains(&"https://internal.example".to_owned()));
    }
}

#[test]
fn an_endless_document_and_a_silent_host_end() {
    let (world, server) = public();
    let large = format!("{}{}", server.says.borrow().resource, " ".repeat(64 * 1024));
    server.says.borrow_mut().instead = Some(Rc::new(move |request| {
        let large = Scripted::new(200, &[("content-type", "application/json")], large.clone());
        request.url.path().starts_with("/.well-known/oauth-protected-resource").then_some(large)
    }));
    refusal(&world).refused(502, "upstream_metadata_too_large");

    let (world, _) = public();
    world.outside_fails("https://as.linear.example", FetchError::TimedOut);
    refusal(&world).refused(503, "upstream_discovery_unavailable");
    assert!(world.sent().iter().all(|sent| sent.within.0 <= 30), "every request has a deadline");
}

#[test]
fn metadata_of_another_issuer_is_not_used() {
    let (world, server) = public();
    server.says.borrow_mut().issuer["issuer"] = "https://accounts.example".into();
    refusal(&world).refused(502, "upstream_issuer_mismatch");
    let (world, server) = public();
    server.says.borrow_mut().issuer["code_challenge_methods_supported"] = json!(["plain"]);
    refusal(&world).refused(502, "upstream_without_pkce");
    assert!(server.seen("/register").is_empty());
}

#[test]
fn a_server_that_names_another_issuer_than_the_configured_one_is_refused() {
    let (world, server) = public();
    let evil = Protected::new(&world, "evil");
    world.reconfigure(|config| config["servers"]["linear"]["auth"]["issuer"] = server.issuer.clone().into());
    server.says.borrow_mut().resource["authorization_servers"] = json!([evil.issuer]);
    refusal(&world).refused(502, "upstream_issuer_changed");
    assert!(evil.seen("/register").is_empty());
}

#[test]
fn the_connect_form_is_for_its_browser_its_server_and_its_time() {
    let (world, server) = public();
    let other = Protected::new(&world, "other");
    world.reconfigure(|config| config["servers"]["other"] = other.configured("Other", &json!({})));
    let client = client_of(&world, "claude", "alice");
    let form = client.browser.form("/connect/linear");
    let posts = |path: &str, from: &str| {
        let fields: Vec<_> = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let fields = [fields, vec![("decision", "connect")]].concat();
        let request = world.request("POST", path).cookies(&client.browser.cookie_header());
        request.header("origin", from).form(&fields).send()
    };
    posts("/connect/linear", "https://evil.example").refused(403, "form_from_elsewhere");
    posts("/connect/other", &world.origin()).refused(400, "connect_form_gone");
    world.passes(31 * 60);
    posts("/connect/linear", &world.origin()).refused(400, "connect_form_gone");
    assert!(server.seen("/register").is_empty());
}

#[test]
fn an_account_of_nobody_is_not_chosen() {
    let (world, server) = public();
    let mut client = client_of(&world, "claude", "alice");
    for (account, decision) in [("2", "use"), ("../bob", "connect"), ("1", "use")] {
        let mut form = client.browser.form("/connect/linear");
        form.fields.insert("account".into(), account.into());
        form.fields.insert("decision".into(), decision.into());
        let mut attempt = client.clone();
        attempt.browser.submits(&form).refused(400, "connect_form_gone");
    }
    client.browser.presses("/connect/linear", "decision", "skip");
    assert!(server.seen("/register").is_empty());
}

#[test]
fn a_connection_moved_to_another_person_or_server_does_not_open() {
    let (world, server) = public();
    let (alice, back) = on_the_way_back(&world, &server, "alice");
    assert!(!alice.follows(&back).code.is_empty());
    let alices = world.platform.connections.borrow().iter().next().unwrap().1.clone();
    // Bob has a connection of his own, and then Alice's record in its place.
    let (bob, back) = on_the_way_back(&world, &server, "bob");
    assert!(!bob.follows(&back).code.is_empty());
    for record in world.platform.connections.borrow_mut().values_mut() {
        record.clone_from(&alices);
    }
    let bob = client_of_other(&world, "bob");
    assert_eq!(bob.browser.at.path(), "/connect/linear", "it is as if he had none");
}

#[test]
fn a_connection_made_for_another_address_is_not_used() {
    let (world, server) = public();
    let (alice, back) = on_the_way_back(&world, &server, "alice");
    assert!(!alice.follows(&back).code.is_empty());
    let moved = Protected::new(&world, "moved");
    world.reconfigure(|config| config["servers"]["linear"]["url"] = moved.url.clone().into());
    let alice = client_of_other(&world, "alice");
    assert_eq!(alice.browser.at.path(), "/connect/linear");
    assert!(
        world
            .sent()
            .iter()
            .filter(|sent| sent.url.as_str().starts_with("https://moved"))
            .all(|sent| bare(&sent.headers))
    );
}

#[test]
fn a_server_changed_during_the_trip_gets_nothing() {
    let (world, server) = public();
    let (mut alice, back) = on_the_way_back(&world, &server, "alice");
    let moved = Protected::new(&world, "moved");
    world.reconfigure(|config| config["servers"]["linear"]["url"] = moved.url.clone().into());
    alice.browser.goes_to(back.as_str()).refused(400, "connection_server_changed");
    assert!(server.seen("/token").is_empty());
}

#[test]
fn a_code_that_is_refused_leaves_no_connection_and_a_client_that_is_refused_is_registered_anew() {
    let (world, server) = public();
    let (mut client, back) = on_the_way_back(&world, &server, "alice");
    let answers = |error: &'static str| -> Value { json!({"error": error}) };
    let bend = |error| {
        let body = answers(error).to_string();
        server.says.borrow_mut().instead = Some(Rc::new(move |request| {
            let refusal = Scripted::new(400, &[("content-type", "application/json")], body.clone());
            (request.url.path() == "/token").then_some(refusal)
        }));
    };
    bend("invalid_client");
    client.browser.goes_to(back.as_str()).refused(502, "upstream_client_refused");
    assert!(!is_connected(&world));
    server.says.borrow_mut().instead = None;
    let (client, back) = on_the_way_back(&world, &server, "alice");
    assert!(!client.follows(&back).code.is_empty());
    assert_eq!(server.seen("/register").len(), 2);
}

fn client_of_other(world: &World, person: &str) -> Client {
    client_of(world, "another", person)
}

fn bare(headers: &HeaderMap) -> bool {
    !headers.contains_key("authorization")
}
