//! The ways people and clients go, told as they happen, over a world in memory.
//!
//! Not here: who tries to harm (`attacks`), real clients and the real runtime (`tests/e2e`).

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on stops")]
#![allow(unreachable_pub, reason = "what the tests of one binary share")]

#[path = "journeys/accounts.rs"]
mod accounts;
#[path = "journeys/agents.rs"]
mod agents;
#[path = "journeys/alarms.rs"]
mod alarms;
#[path = "journeys/apps.rs"]
mod apps;
#[path = "journeys/assertions.rs"]
mod assertions;
#[path = "journeys/catalogue.rs"]
mod catalogue;
#[path = "journeys/checks.rs"]
mod checks;
#[path = "journeys/choosing.rs"]
mod choosing;
#[path = "journeys/condition.rs"]
mod condition;
#[path = "journeys/connect.rs"]
mod connect;
#[path = "journeys/connected.rs"]
mod connected;
#[path = "journeys/connections.rs"]
mod connections;
#[path = "journeys/console.rs"]
mod console;
#[path = "journeys/console_programs.rs"]
mod console_programs;
#[path = "journeys/deploying.rs"]
mod deploying;
#[path = "journeys/dpop.rs"]
mod dpop;
#[path = "journeys/entered.rs"]
mod entered;
#[path = "journeys/introspection.rs"]
mod introspection;
#[path = "journeys/issuers.rs"]
mod issuers;
#[path = "journeys/keeping.rs"]
mod keeping;
#[path = "journeys/keys.rs"]
mod keys;
#[path = "journeys/keys_at_the_console.rs"]
mod keys_at_the_console;
#[path = "journeys/leaving.rs"]
mod leaving;
#[path = "journeys/lifetimes.rs"]
mod lifetimes;
#[path = "journeys/load.rs"]
mod load;
#[path = "journeys/log.rs"]
mod log;
#[path = "journeys/machines.rs"]
mod machines;
#[path = "journeys/metrics.rs"]
mod metrics;
#[path = "journeys/neighbours.rs"]
mod neighbours;
#[path = "journeys/operation.rs"]
mod operation;
#[path = "journeys/pages.rs"]
mod pages;
#[path = "journeys/people.rs"]
mod people;
#[path = "journeys/policy.rs"]
mod policy;
#[path = "journeys/prompt.rs"]
mod prompt;
#[path = "journeys/providers.rs"]
mod providers;
#[path = "journeys/reason_families.rs"]
mod reason_families;
#[path = "journeys/reasons.rs"]
mod reasons;
#[path = "journeys/recheck.rs"]
mod recheck;
#[path = "journeys/recheck_kept.rs"]
mod recheck_kept;
#[path = "journeys/record.rs"]
mod record;
#[path = "journeys/revoking.rs"]
mod revoking;
#[path = "journeys/roles.rs"]
mod roles;
#[path = "journeys/scopes.rs"]
mod scopes;
#[path = "journeys/servers.rs"]
mod servers;
#[path = "journeys/sessions.rs"]
mod sessions;
#[path = "journeys/signal.rs"]
mod signal;
#[path = "journeys/story.rs"]
mod story;
#[path = "journeys/streams.rs"]
mod streams;
#[path = "journeys/support.rs"]
mod support;
#[path = "journeys/trace.rs"]
mod trace;
#[path = "journeys/traffic.rs"]
mod traffic;
#[path = "journeys/ways_in.rs"]
mod ways_in;
mod world;

use serde_json::json;
use world::World;
use world::answer::parameter;
use world::idp::Key;

#[test]
fn a_stranger_connects_and_calls_a_tool() {
    World::new().client("claude").registers().authorizes().signs_in("alice").consents().redeems().calls("echo");
}

#[test]
fn a_person_signs_in_at_the_identity_provider() {
    World::public(|_| ())
        .client("claude")
        .registers()
        .authorizes()
        .signs_in("alice")
        .consents()
        .redeems()
        .calls("echo");
}

#[test]
fn a_person_signs_in_although_the_identity_provider_has_new_keys() {
    let world = World::public(|_| ());
    world.client("claude").registers().authorizes().signs_in("alice");
    let new = Key { id: "key-2", secret: 8 };
    world.idp.signs_with.set(new);
    world.idp.publishes.set(new);
    world.client("cursor").connects("bob").calls("echo");
}

#[test]
fn a_client_id_of_a_thousand_characters_survives_a_slow_sign_in() {
    let world = World::public(|_| ());
    let uris =
        |length| [format!("https://long.example/{}", "p".repeat(length)), "https://long.example/callback".to_owned()];
    let register = |length| {
        let metadata = json!({"redirect_uris": uris(length), "token_endpoint_auth_method": "none"});
        let answer = world.request("POST", "/oauth/register").json(&metadata).send().with(201).json();
        answer["client_id"].as_str().unwrap().to_owned()
    };
    let id = (500..700).map(register).take_while(|id| id.len() > 100).last().unwrap();
    assert!((990..=1000).contains(&id.len()), "{}", id.len());
    let client = world.client("long").with_id(&id);
    let state = "s".repeat(1000);
    let client = world::client::Client { state, ..client }.authorizes();
    world.passes(9 * world::MINUTE);
    let client = client.signs_in("alice");
    assert!(client.browser.shows.text().contains(&mcp_edge_gateway::oauth::client::id::reference(&id)));
    world.passes(9 * world::MINUTE);
    client.consents().redeems().calls("echo").refreshes().calls("echo");
}

#[test]
fn a_confidential_client_proves_itself_with_its_secret() {
    let world = World::new();
    let agent = world.client("agent").registers_as("client_secret_post");
    assert!(agent.secret.is_some());
    agent.authorizes().signs_in("bob").consents().redeems().calls("echo").refreshes().calls("echo");
}

#[test]
fn a_client_published_as_a_document_needs_no_registration() {
    let world = World::public(|_| ());
    let id = "https://client.example/oauth/client.json";
    let document = json!({"client_id": id, "client_name": "Published", "redirect_uris": ["https://client.example/cb"]});
    let headers = [("content-type", "application/json"), ("cache-control", "max-age=86400")];
    world.outside_answers("https://client.example", 200, &headers, &document.to_string());
    let client = world.client("published").with_id(id).comes_back_at("https://client.example/cb");
    let client = client.authorizes().signs_in("alice");
    assert!(client.browser.shows.text().contains("Published at <strong>client.example</strong>"));
    let client = client.consents().redeems().calls("echo");
    let fetched = world.sent().iter().filter(|sent| sent.url.as_str() == id).count();
    assert_eq!(fetched, 1, "the document is cached between the steps");

    world.outside_fails("https://client.example", mcp_edge_gateway::ports::FetchError::Unreachable);
    world.new_isolate();
    client.refreshes().calls("echo");
}

#[test]
fn a_desktop_client_comes_back_at_any_port_of_the_loopback_address_it_registered() {
    let world = World::public(|_| ());
    let client = world.client("desktop").comes_back_at("http://127.0.0.1:1/callback").registers();
    let client = client.comes_back_at("http://127.0.0.1:52731/callback").authorizes().signs_in("alice");
    assert!(client.browser.shows.text().contains("app on this computer"));
    let client = client.consents().redeems().calls("echo");
    let client = client.comes_back_at("http://127.0.0.1:40000/callback").authorizes();
    assert!(!client.is_asked(), "another port is the same client");
    client.goes_on().redeems();
}

#[test]
fn consent_once_asks_once_for_the_same_thing() {
    let world = World::configured(|config| config["consent"] = "once".into());
    let client = world.client("claude").connects("alice");
    let client = client.authorizes();
    assert!(!client.is_asked());
    let client = client.goes_on().redeems().calls("echo");

    let narrower = client.clone().asks_for("mcp:tools").authorizes();
    assert!(narrower.is_asked(), "another scope is another question");
    let elsewhere = client.clone().at("mail").authorizes();
    assert!(elsewhere.is_asked(), "another server is another question");
    let somebody = world.client("cursor").registers().in_browser(&client.browser).authorizes();
    assert!(somebody.is_asked(), "another client is another question");
    let bob = client.clone().in_browser(&world.browser()).authorizes().signs_in("bob");
    assert!(bob.is_asked(), "another person is asked themselves");
    let mut wanted = client;
    wanted.authorization(|parameters| parameters.push(("prompt", "consent".to_owned())));
    assert!(wanted.is_asked(), "a client can wish to be asked");
}

#[test]
fn consent_always_asks_every_time() {
    let world = World::configured(|config| config["consent"] = "always".into());
    let client = world.client("claude").connects("alice").authorizes();
    assert!(client.is_asked());
    client.consents().redeems().calls("echo");
}

#[test]
fn consent_never_asks_nobody() {
    let world = World::configured(|config| config["consent"] = "never".into());
    world.client("claude").registers().authorizes().signs_in("alice").redeems().calls("echo").authorizes().redeems();
}

#[test]
fn who_denies_is_not_asked_again_by_the_same_form() {
    let world = World::new();
    let asked = world.client("claude").registers().authorizes().signs_in("alice");
    let denied = asked.clone().denies();
    assert!(denied.browser.at.as_str().starts_with(&denied.redirect_uri));
    assert_eq!(parameter(&denied.browser.at, "error"), "access_denied");
    assert_eq!(parameter(&denied.browser.at, "state"), denied.state);
    assert_eq!(parameter(&denied.browser.at, "iss"), world.origin());
    let mut again = asked;
    again.browser.presses("/oauth/consent", "decision", "approve").refused(400, "no_pending_authorization");
}

#[test]
fn two_tabs_of_one_browser_do_not_disturb_each_other() {
    let world = World::new();
    let first = world.client("claude").registers().authorizes();
    let second = world.client("cursor").registers().in_browser(&first.browser).authorizes();
    let mut first_page = first.browser.clone();
    first_page.cookies = second.browser.cookies.clone();
    let first = first.in_browser(&first_page).signs_in("alice");
    let mut second_page = second.browser.clone();
    second_page.cookies = first.browser.cookies.clone();
    second.in_browser(&second_page).signs_in("alice").consents().redeems().calls("echo");
}

#[test]
fn without_offline_access_there_is_no_refresh_token() {
    let client = World::new().client("claude").asks_for("mcp:tools").connects("alice").calls("echo");
    assert_eq!(client.refresh, None);
}

#[test]
fn a_token_without_the_scope_is_told_what_to_ask_for() {
    let world = World::new();
    let client = world.client("claude").asks_for("offline_access").connects("alice");
    let answer = client.call("echo").with(403);
    assert_eq!(answer.json()["error"], "insufficient_scope");
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.contains(r#"error="insufficient_scope""#) && challenge.contains(r#"scope="mcp:tools""#));
    client.asks_for("mcp:tools offline_access").authorizes().consents().redeems().calls("echo");
}

#[test]
fn a_refresh_rotates_and_its_repetition_gets_the_same_successor() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    let first = client.refresh.clone().unwrap();
    let client = client.refreshes().calls("echo");
    let second = client.refresh.clone().unwrap();
    assert_ne!(first, second);
    world.passes(59);
    let again = client.refreshing(&first).with(200).json();
    assert_eq!(again["refresh_token"], second.as_str());
    client.refreshes().calls("echo");
}

#[test]
fn a_narrower_scope_is_for_that_access_token_alone() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    let narrow = |refresh: &str, scope: &str| {
        let form =
            [("grant_type", "refresh_token"), ("refresh_token", refresh), ("client_id", &client.id), ("scope", scope)];
        world.request("POST", "/oauth/token").form(&form).send()
    };
    let narrowed = narrow(client.refresh.as_ref().unwrap(), "offline_access").with(200).json();
    assert_eq!(narrowed["scope"], "offline_access");
    let wide = client.refreshing(narrowed["refresh_token"].as_str().unwrap()).with(200).json();
    assert_eq!(wide["scope"], "mcp:tools offline_access");
}

#[test]
fn a_client_gives_its_access_back() {
    let world = World::new();
    for token in ["refresh", "access"] {
        let client = world.client(token).connects("alice").calls("echo");
        let presented = if token == "refresh" { client.refresh.as_ref().unwrap() } else { &client.access };
        client.revocation(presented).with(200);
        client.call("echo").refused(401, "token_revoked");
        client.refreshing(client.refresh.as_ref().unwrap()).refused(400, "grant_revoked");
        client.revocation(presented).with(200);
    }
}

#[test]
fn who_signs_out_signs_in_again() {
    let world = World::new();
    let mut client = world.client("claude").connects("alice");
    client.browser.goes_to("/logout");
    let mut client = client.authorizes();
    assert!(!client.must_sign_in(), "a link ends nothing");
    client.browser.goes_to("/logout");
    client.browser.submits(&client.browser.form("/logout"));
    let client = client.authorizes();
    assert!(client.must_sign_in());
    client.signs_in("alice").goes_on().redeems().calls("echo");
}

#[test]
fn twenty_clients_connect_one_after_another() {
    let world = World::new();
    for n in 0..20 {
        world.client(&format!("client-{n}")).connects(if n % 2 == 0 { "alice" } else { "bob" }).calls("echo");
    }
}
