//! Attacks on consent that was given before: another site sends a person's browser here with the request of a client
//! they use. And what the authorization endpoint tells strangers while it refuses.
//!
//! Not here: the consent form itself (`browser`), the same with a real browser and stock clients (`tests/e2e`).

use serde_json::json;

use crate::world::World;
use crate::world::answer::parameter;
use crate::world::client::Client;

const OURS: &str = "https://ours.example/callback";

/// A public gateway with two clients that the operator set up: "ours" without a secret, "vault" with one.
fn world(policy: &str) -> World {
    World::public(|config| {
        config["consent"] = policy.into();
        config["clients"] = json!({"preregistered": [
            {"client_id": "ours", "name": "Ours", "redirect_uris": [OURS]},
            {"client_id": "vault", "name": "Vault", "redirect_uris": ["https://vault.example/callback"], "client_secret": {"secret": "MAIL_KEY"}},
        ]});
    })
}

fn vault(world: &World) -> Client {
    Client { secret: Some("Bearer key of the mail server".to_owned()), ..world.client("vault").with_id("vault") }
}

#[track_caller]
fn names_all(client: &Client, redirect_host: &str) {
    assert!(client.is_reminded(), "at {}: {}", client.browser.at, client.browser.shows.shown());
    let page = client.browser.shows.text();
    for said in [client.name.as_str(), "Demo", redirect_host] {
        assert!(page.contains(said), "{said} in {}", client.browser.shows.shown());
    }
}

#[test]
fn a_remembered_consent_brings_a_public_client_no_code_without_a_click() {
    let world = world("once");
    let client = world.client("claude").connects("alice");
    let client = client.authorizes();
    names_all(&client, "claude.example");
    client.goes_on().redeems().calls("echo");

    let ours = world.client("Ours").with_id("ours").comes_back_at(OURS).authorizes().signs_in("alice");
    let ours = ours.consents().authorizes();
    names_all(&ours, "ours.example");
    let late = Client { browser: world.browser(), ..ours }.authorizes().signs_in("alice");
    assert!(late.is_reminded(), "a sign-in in between is no click");
}

#[test]
fn a_client_that_proves_itself_goes_on_by_itself() {
    let world = world("once");
    let vault = vault(&world).authorizes().signs_in("alice").consents().redeems();
    vault.authorizes().redeems().calls("echo");
    for method in ["client_secret_basic", "client_secret_post"] {
        let client = world.client("web").registers_as(method).authorizes().signs_in("alice").consents();
        assert!(!client.authorizes().code.is_empty(), "{method}");
    }
}

#[test]
fn never_spares_the_page_only_for_clients_that_prove_themselves() {
    let world = world("never");
    vault(&world).authorizes().signs_in("alice").redeems().calls("echo");
    let ours = world.client("Ours").with_id("ours").comes_back_at(OURS).authorizes().signs_in("alice");
    names_all(&ours, "ours.example");
    ours.goes_on().redeems().calls("echo");
}

#[test]
fn on_this_machine_never_asks_nobody_and_once_shows_the_page_all_the_same() {
    for (policy, silent) in [("never", true), ("once", false)] {
        let world = World::configured(|config| config["consent"] = policy.into());
        let mut client = world.client("claude").registers().authorizes().signs_in("alice");
        if !silent {
            client = client.consents();
        }
        assert!(!client.code.is_empty());
        assert_eq!(client.authorizes().is_reminded(), !silent, "{policy}");
    }
}

fn set(parameters: &mut Vec<(&'static str, String)>, name: &'static str, value: &str) {
    parameters.retain(|(other, _)| *other != name);
    parameters.push((name, value.to_owned()));
}

#[test]
fn strangers_are_not_told_which_servers_there_are() {
    let (mail, wrong) = ("https://mcp.example.com/mail/mcp", "https://mcp.example.com/v1/mcp/x");
    let world = world("once");
    // Nobody is signed in, and the error goes to a client.
    let mut ours = world.client("ours").with_id("ours").comes_back_at(OURS);
    ours.authorization(|parameters| set(parameters, "resource", wrong));
    assert_eq!(parameter(&ours.browser.at, "error"), "invalid_target");
    assert!(!parameter(&ours.browser.at, "error_description").contains("mail"), "{}", ours.browser.at);
    // Nobody is signed in, and a page says it.
    let mut stranger = world.client("stranger").registers();
    for change in [
        |parameters: &mut Vec<_>| set(parameters, "resource", "https://mcp.example.com/v1/mcp/x"),
        |parameters: &mut Vec<_>| {
            parameters.retain(|(name, _): &(&str, String)| *name != "resource");
        },
    ] {
        let answer = stranger.authorization(change);
        answer.refused(400, "invalid_target");
        assert!(!answer.text().contains("mail"), "{}", answer.shown());
    }
    // Who is signed in sees the servers anyway; the client of an error that is sent on does not.
    let alice = world.client("claude").connects("alice");
    let mut stranger = stranger.in_browser(&alice.browser);
    let answer = stranger.authorization(|parameters| set(parameters, "resource", wrong));
    assert!(answer.text().contains(mail), "{}", answer.shown());
    let mut ours = ours.in_browser(&alice.browser);
    ours.authorization(|parameters| set(parameters, "resource", wrong));
    assert!(!ours.browser.at.as_str().contains("mail"), "{}", ours.browser.at);

    world.reconfigure(|config| config["public_index"] = true.into());
    world.new_isolate();
    ours.authorization(|parameters| set(parameters, "resource", wrong));
    assert!(parameter(&ours.browser.at, "error_description").contains(mail), "everybody may see them now");
}

#[test]
fn the_redirect_uris_of_a_client_the_operator_set_up_are_shown_to_nobody() {
    let world = world("once");
    let alice = world.client("claude").connects("alice");
    for browser in [world.browser(), alice.browser] {
        let mut ours = world.client("ours").with_id("ours").in_browser(&browser);
        let answer = ours.authorization(|parameters| set(parameters, "redirect_uri", "https://evil.example/"));
        answer.refused(400, "redirect_uri_unregistered");
        let page = answer.text();
        assert!(page.contains("https://evil.example/") && page.contains("Ask the operator"), "{}", answer.shown());
        assert!(!page.contains("ours.example"), "{}", answer.shown());
    }
}

#[test]
fn an_error_is_sent_on_only_to_this_machine_and_where_the_operator_said() {
    let world = world("once");
    let alice = world.client("claude").connects("alice");
    let wrong = |parameters: &mut Vec<(&'static str, String)>| set(parameters, "response_type", "token");
    let mut stranger = world.client("stranger").registers().in_browser(&alice.browser);
    stranger.authorization(wrong).refused(400, "unsupported_response_type");
    let mut ours = world.client("ours").with_id("ours").comes_back_at(OURS);
    ours.authorization(wrong);
    assert_eq!(parameter(&ours.browser.at, "error"), "unsupported_response_type");
}

#[test]
fn a_redirect_uri_that_the_request_does_not_name_is_told_to_nobody() {
    let world = World::public(|config| {
        config["clients"] = json!({"preregistered": [
            {"client_id": "ours", "name": "Ours", "redirect_uris": [OURS]},
            {"client_id": "local", "name": "Local", "redirect_uris": ["http://localhost:4711/callback"]},
        ]});
    });
    for (id, hidden) in [("ours", "ours.example"), ("local", "4711")] {
        let mut client = world.client("stranger").with_id(id);
        for (name, value, reason) in
            [("response_type", "token", "unsupported_response_type"), ("prompt", "none", "login_required")]
        {
            let answer = client.authorization(|parameters| {
                parameters.retain(|(other, _)| *other != "redirect_uri");
                set(parameters, name, value);
            });
            answer.refused(400, reason);
            assert!(!answer.text().contains(hidden), "{}", answer.shown());
        }
        let page = world.get(&format!("/oauth/authorize?client_id={id}"));
        page.refused(400, "invalid_request");
        assert!(!page.text().contains(hidden), "{}", page.shown());
    }
}

#[test]
fn what_a_client_calls_itself_begins_no_sentence_of_ours() {
    let world = world("once");
    let name = format!("Your account is locked. Call 0800 {}", "5".repeat(100));
    let metadata = json!({"client_name": name, "redirect_uris": ["https://stranger.example/callback"]});
    let registered = world.request("POST", "/oauth/register").json(&metadata).send().with(201).json();
    let mut stranger = world.client("stranger").with_id(registered["client_id"].as_str().unwrap());
    let answer = stranger.authorization(|parameters| set(parameters, "response_type", "token"));
    answer.refused(400, "unsupported_response_type");
    let page = answer.text();
    assert!(page.contains("The client sent a request that cannot be granted"), "{}", answer.shown());
    assert!(page.contains("<code>Your account is locked.") && !page.contains(&name), "{}", answer.shown());
}
