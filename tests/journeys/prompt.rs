//! `prompt`: a client says how the person is to be asked, and consent from before changes nothing about that.
//!
//! Not here: when a person is asked without it (`journeys`, `attacks::consent`).

use serde_json::json;

use crate::world::World;
use crate::world::answer::parameter;
use crate::world::client::Client;
use crate::world::idp;
use crate::world::tokens::Tokens;

fn prompted(client: &Client, prompt: &str) -> Client {
    let mut client = client.clone();
    client.code.clear();
    client.authorization(|parameters| parameters.push(("prompt", prompt.to_owned())));
    let refused = client.browser.at.query_pairs().any(|(name, _)| name == "error");
    if refused { client } else { client.arrived() }
}

/// A client with a secret that alice has allowed, so that nothing but `prompt` could bring a page.
fn allowed(world: &World) -> Client {
    let client = world.client("web").registers_as("client_secret_post").authorizes().signs_in("alice").consents();
    let client = client.redeems();
    assert!(!client.clone().authorizes().code.is_empty(), "silent without prompt");
    client
}

#[test]
fn login_makes_the_person_sign_in_anew_and_goes_on_from_there() {
    let world = World::public(|_| ());
    let client = prompted(&allowed(&world), "login");
    let page = client.browser.at.clone();
    assert!(page.as_str().starts_with(idp::ISSUER), "at {page}");
    assert_eq!((parameter(&page, "prompt").as_str(), parameter(&page, "max_age").as_str()), ("login", "0"));
    world.idp.signed_in.set(Some(world.now()));
    // Bob takes over: what alice allowed is not his.
    let bob = client.clone().signs_in("bob");
    assert!(bob.is_asked());
    bob.consents().redeems().calls("echo");
    client.signs_in("alice").redeems().calls("echo");
}

#[test]
fn a_provider_that_did_not_ask_is_not_believed() {
    let world = World::public(|_| ());
    let client = prompted(&allowed(&world), "login");
    world.idp.signed_in.set(Some(world.now() - 3600));
    let client = client.signs_in("alice");
    client.browser.shows.refused(502, "id_token_not_fresh");
}

#[test]
fn an_ordinary_sign_in_does_not_care_when_it_was() {
    let world = World::public(|_| ());
    world.idp.signed_in.set(Some(world.now() - 3600));
    let client = world.client("claude").registers().authorizes();
    assert!(!client.browser.at.as_str().contains("prompt=") && !client.browser.at.as_str().contains("max_age"));
    client.signs_in("alice").consents().redeems().calls("echo");
}

#[test]
fn select_account_lets_the_person_choose_and_goes_on_as_whom_they_chose() {
    let world = World::new();
    let client = prompted(&allowed(&world), "select_account");
    assert!(client.must_sign_in());
    let bob = client.signs_in("bob");
    assert!(bob.is_asked(), "bob allowed nothing yet");
    bob.consents().redeems().calls("echo");
}

#[test]
fn login_and_consent_both_come_and_neither_twice() {
    let world = World::new();
    let client = prompted(&allowed(&world), "login consent");
    assert!(client.must_sign_in());
    let client = client.signs_in("alice");
    assert!(client.is_asked() && !client.is_reminded(), "all of it is asked again");
    client.consents().redeems().calls("echo");
}

#[test]
fn none_shows_no_page() {
    let world = World::new();
    let stranger = world.client("desktop").comes_back_at("http://127.0.0.1:1/callback").registers();
    let error = |client: &Client| parameter(&client.browser.at, "error");
    assert_eq!(error(&prompted(&stranger, "none")), "login_required");
    let client = stranger.authorizes().signs_in("alice");
    assert_eq!(error(&prompted(&client, "none")), "consent_required");
    let client = client.consents();
    assert_eq!(error(&prompted(&client, "none")), "consent_required", "a client without a secret needs a click");
    assert_eq!(error(&prompted(&client, "none login")), "invalid_request");
    assert!(!prompted(&allowed(&world), "none").code.is_empty());
}

#[test]
fn none_is_refused_on_a_page_where_a_stranger_would_be_sent_the_browser() {
    let world = World::public(|_| ());
    let client = world.client("web").registers();
    prompted(&client, "none").browser.shows.refused(400, "login_required");
    let client = client.authorizes().signs_in("alice");
    prompted(&client, "none").browser.shows.refused(400, "consent_required");
    let client = client.consents();
    assert_eq!(parameter(&prompted(&client, "none").browser.at, "error"), "consent_required", "it was allowed before");
}

#[test]
fn none_says_when_an_account_has_to_be_connected_first() {
    let (world, _tokens) = Tokens::in_world();
    world.reconfigure(|config| config["servers"]["docs"]["auth"] = json!({"kind": "oauth"}));
    let client = world.client("local").comes_back_at("http://127.0.0.1:1/callback").at("docs");
    let client = client.registers_as("client_secret_post").authorizes().signs_in("alice").approves();
    assert!(client.browser.at.path().starts_with("/connect/"), "at {}", client.browser.at);
    let client = prompted(&client, "none");
    assert_eq!(parameter(&client.browser.at, "error"), "interaction_required");
}

#[test]
fn a_strange_value_is_no_reason_to_refuse() {
    let world = World::new();
    assert!(!prompted(&allowed(&world), "create").code.is_empty());
}

#[test]
fn signing_in_as_somebody_else_lets_the_provider_ask_who() {
    let world = World::public(|_| ());
    let mut browser = world.client("claude").connects("alice").browser;
    browser.goes_to("/logout?return_to=%2Fconnections");
    browser
        .submits(&crate::world::browser::Form { action: "/logout?return_to=%2Fconnections".into(), fields: [].into() });
    let page = browser.shows.text();
    let link = page.split("href=\"").find(|link| link.starts_with("/login?")).unwrap().split('"').next().unwrap();
    browser.goes_to(&link.replace("&#38;", "&"));
    assert_eq!(parameter(&browser.at, "prompt"), "login");
}
