//! Attacks on a sign-in page of the operator's own: words that are not its own, tickets and codes in the wrong hands.
//!
//! Not here: what such a word may hold (unit tests of `login::own_page`).

use mcp_edge_gateway::oauth::subject::Command;
use mcp_edge_gateway::ports::Ledger;
use mcp_edge_gateway::time::Timestamp;
use serde_json::{Value, json};
use url::Url;

use crate::world::answer::{Answer, parameter};
use crate::world::browser::Browser;
use crate::world::idp::CLIENT_SECRET;
use crate::world::{KEY_2, World};

const PAGE: &str = "https://app.example/sign-in";

fn world() -> World {
    World::public(|config| {
        config["login"] = json!({"kind": "page", "url": PAGE, "secret": {"secret": "LOGIN_SECRET"}, "alias": "app"});
        config["servers"]["demo"]["require"] = json!([{"tools": ["delete"], "roles": ["support"]}]);
    })
}

/// A browser that has been sent to the page.
fn begins(world: &World) -> (Browser, String) {
    let mut browser = world.browser();
    browser.goes_to("/connections");
    assert!(browser.at.as_str().starts_with(PAGE), "{}", browser.at);
    let ticket = parameter(&browser.at, "ticket");
    (browser, ticket)
}

fn completes(world: &World, secret: &str, said: &Value) -> Answer {
    world.request("POST", "/login/complete").bearer(secret).json(said).send()
}

fn person(ticket: &str) -> Value {
    json!({"ticket": ticket, "subject": "7", "name": "Alice", "email": "alice@example.com", "roles": ["support", "x"]})
}

fn way_back(world: &World, ticket: &str) -> String {
    let answer = completes(world, CLIENT_SECRET, &person(ticket)).with(200).json();
    answer["redirect_url"].as_str().unwrap().to_owned()
}

fn is_signed_in(browser: &mut Browser) -> bool {
    browser.goes_to("/connections").status == 200
}

#[test]
fn who_the_page_names_is_signed_in_where_it_was_begun() {
    let world = world();
    let (mut browser, ticket) = begins(&world);
    let back = way_back(&world, &ticket);
    let page = browser.goes_to(&back).clone().with(200).text();
    assert!(page.contains("app:7") && page.contains("support"), "{page}");
}

#[test]
fn who_has_not_the_secret_signs_nobody_in() {
    let world = world();
    let (_, ticket) = begins(&world);
    for secret in [
        "",
        "wrong",
        CLIENT_SECRET.strip_prefix("the").unwrap(),
        &CLIENT_SECRET.to_uppercase(),
        &format!("{CLIENT_SECRET}a"),
    ] {
        completes(&world, secret, &person(&ticket)).refused(401, "login_page_secret_wrong");
    }
    let ask = || world.request("POST", "/login/complete").json(&person(&ticket));
    ask().send().refused(401, "login_page_secret_wrong");
    ask().header("authorization", CLIENT_SECRET).send().refused(401, "login_page_secret_wrong");
    let in_address = format!("/login/complete?secret={}", CLIENT_SECRET.replace(' ', "+"));
    world.request("POST", &in_address).json(&person(&ticket)).send().refused(401, "login_page_secret_wrong");
    world.request("GET", "/login/complete").bearer(CLIENT_SECRET).send().refused(405, "method_not_allowed");

    let elsewhere = World::public(|_| ());
    completes(&elsewhere, CLIENT_SECRET, &person(&ticket)).refused(404, "login_page_not_configured");
}

#[test]
fn a_secret_that_can_be_guessed_or_is_not_there_is_none() {
    let world = world();
    let (_, ticket) = begins(&world);
    world.set_secret("LOGIN_SECRET", "nineteen characters");
    completes(&world, "nineteen characters", &person(&ticket)).refused(503, "login_page_secret_short");
    world.set_secret("LOGIN_SECRET", "");
    completes(&world, "", &person(&ticket)).refused(503, "login_page_secret_short");
    world.platform.secrets.borrow_mut().remove("LOGIN_SECRET");
    completes(&world, CLIENT_SECRET, &person(&ticket)).refused(503, "login_secret_missing");
    assert_eq!(world.get("/status").status, 503, "and the status says so");
}

#[test]
fn a_way_back_is_good_in_the_browser_that_began_alone() {
    let world = world();
    let (mut victim, _) = begins(&world);
    let (mut attacker, ticket) = begins(&world);
    let back = way_back(&world, &ticket);
    victim.goes_to(&back).refused(400, "login_lost");
    assert!(!is_signed_in(&mut victim));
    // Nor with the state of the victim's own sign-in.
    let (mut other, theirs) = begins(&world);
    let own = Url::parse(&way_back(&world, &theirs)).unwrap();
    let code = parameter(&Url::parse(&back).unwrap(), "code");
    let mixed = format!("/login/callback?state={}&code={code}", parameter(&own, "state"));
    other.goes_to(&mixed).refused(400, "login_page_code_gone");
    assert!(!is_signed_in(&mut other));
    attacker.goes_to(&back).clone().with(200);
}

#[test]
fn a_way_back_is_good_once_and_for_a_minute() {
    let world = world();
    let (mut browser, ticket) = begins(&world);
    let (back, again) = (way_back(&world, &ticket), way_back(&world, &ticket));
    let mut kept = browser.clone();
    browser.goes_to(&back).clone().with(200);
    browser.goes_to(&back).refused(400, "login_lost");
    // Nor where the cookie is kept, nor with another code of the same ticket.
    kept.goes_to(&back).refused(400, "login_lost");
    kept.goes_to(&again).refused(400, "login_lost");
    assert!(!is_signed_in(&mut kept));

    let (mut late, ticket) = begins(&world);
    let back = way_back(&world, &ticket);
    world.passes(60);
    late.goes_to(&back).refused(400, "login_page_code_gone");
}

#[test]
fn tickets_that_are_not_ours_or_are_over_are_refused() {
    let world = world();
    let (_, ticket) = begins(&world);
    let gone = |world: &World, ticket: &str| {
        completes(world, CLIENT_SECRET, &person(ticket)).refused(400, "login_page_ticket_gone");
    };
    for forged in ["", "AQAAAAE", ticket.strip_prefix('A').unwrap(), &format!("{ticket}A"), &"A".repeat(200)] {
        gone(&world, forged);
    }
    let rotated = self::world();
    rotated.set_secret("KEY_RING", KEY_2);
    rotated.new_isolate();
    gone(&rotated, &ticket);
    let moved = self::world();
    moved.reconfigure(|config| config["login"]["url"] = "https://other.example/sign-in".into());
    gone(&moved, &ticket);
    // What goes back is no ticket, and a ticket is not what goes back.
    let code = parameter(&Url::parse(&way_back(&world, &ticket)).unwrap(), "code");
    gone(&world, &code);
    let (mut browser, ticket) = begins(&world);
    let state = parameter(&Url::parse(&way_back(&world, &ticket)).unwrap(), "state");
    browser.goes_to(&format!("/login/callback?state={state}&code={ticket}")).refused(400, "login_page_code_gone");
    world.passes(600);
    gone(&world, &ticket);
}

#[test]
fn what_a_page_cannot_mean_or_carry_signs_nobody_in() {
    let world = world();
    let (_, ticket) = begins(&world);
    let said = |change: Value| {
        let mut said = person(&ticket);
        said.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        completes(&world, CLIENT_SECRET, &said)
    };
    said(json!({"subject": 7})).refused(400, "login_page_malformed");
    said(json!({"admin": true})).refused(400, "login_page_malformed");
    said(json!({"subject": "a\nb"})).refused(400, "login_page_subject_unfit");
    said(json!({"name": "a".repeat(40_000)})).refused(413, "body_too_large");
    let roles: Vec<_> = (0..100).map(|number| format!("{number:060}")).collect();
    said(json!({"roles": roles})).with(200);
    world.reconfigure(|config| {
        config["servers"]["demo"]["require"] = json!([{"tools": ["delete"], "roles": roles}]);
    });
    said(json!({"roles": roles})).refused(400, "login_page_too_large");
    world
        .request("POST", "/login/complete")
        .bearer(CLIENT_SECRET)
        .body("text/plain", "ticket=a")
        .send()
        .refused(400, "login_page_malformed");
}

#[test]
fn who_an_issuer_spoke_of_is_not_signed_in_by_a_page_of_its_alias() {
    let world = world();
    let (mut browser, ticket) = begins(&world);
    let bind = Command::Bind { issuer: "https://corp.example".to_owned(), at: Timestamp(world.now()) };
    world.platform.together([world.platform.account("app:7", bind)]).remove(0).unwrap();
    browser.goes_to(&way_back(&world, &ticket)).refused(503, "issuer_alias_changed");
}

#[test]
fn who_signed_in_too_long_ago_has_not_signed_in_anew() {
    let world = world();
    let comes_back = |ago: u64| {
        let mut client = world.client("claude").registers();
        client.authorization(|query| query.push(("prompt", "login".to_owned())));
        let page = client.browser.at.clone();
        assert_eq!(parameter(&page, "prompt"), "login");
        let mut said = person(&parameter(&page, "ticket"));
        said["auth_time"] = (world.now() - ago).into();
        let told = completes(&world, CLIENT_SECRET, &said).with(200).json();
        client.browser.goes_to(told["redirect_url"].as_str().unwrap()).clone()
    };
    comes_back(61).refused(502, "id_token_not_fresh");
    comes_back(60).with(200);
}

#[test]
fn nothing_of_a_sign_in_is_stored_before_somebody_is_back() {
    let world = world();
    let (_, ticket) = begins(&world);
    let before = world.platform.directory.borrow().clone();
    let uses = world.uses_of(|| {
        way_back(&world, &ticket);
        completes(&world, "wrong", &person(&ticket)).refused(401, "login_page_secret_wrong");
    });
    assert_eq!((*world.platform.directory.borrow() == before, uses.writes, uses.ledger), (true, 0, 0));
}

#[test]
fn neither_the_secret_nor_a_ticket_nor_a_code_is_logged() {
    let world = world();
    let (mut browser, ticket) = begins(&world);
    let back = way_back(&world, &ticket);
    browser.goes_to(&back).clone().with(200);
    let code = parameter(&Url::parse(&back).unwrap(), "code");
    let journal = world.platform.journal.borrow().join("\n");
    for secret in [CLIENT_SECRET, ticket.as_str(), code.as_str()] {
        assert!(!journal.contains(secret));
    }
}
