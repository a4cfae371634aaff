//! The operator ends everything of one subject in one call; and credentials that no person's tokens are: the gateway's
//! own, and values that people enter.
//!
//! Not here: what people end themselves (`connections`).

use mcp_edge_gateway::oauth::subject::{Command, ConnectedAccount};
use mcp_edge_gateway::ports::Ledger;
use mcp_edge_gateway::time::Timestamp;
use mcp_edge_gateway::upstream::connection::Outcome;
use serde_json::{Value, json};

use crate::world::platform::Scripted;
use crate::world::tokens::{Tokens, refuses};
use crate::world::{ADMIN_TOKEN, HOUR, World};

fn revokes(world: &World, subject: &str) -> Value {
    world.request("DELETE", &format!("/admin/subjects/{subject}")).bearer(ADMIN_TOKEN).send().with(200).json()
}

#[test]
fn everything_of_one_subject_ends_in_one_call_and_nobody_elses() {
    let (world, tokens) = Tokens::in_world();
    let alice = tokens.connected(None).calls_without_session("search");
    let (slug, account, label) = ("docs".to_owned(), "1".to_owned(), String::new());
    let connection = ConnectedAccount { slug, account, label, upstream_name: None, at: Timestamp(world.now()) };
    world
        .now_does(world.platform.account("dev:alice", Command::AddConnection { connection, signed_in: None }))
        .unwrap();
    let also_alice = world.client("cursor").at("demo").connects("alice").calls("echo");
    let bob = world.client("claude").at("demo").connects("bob").calls("echo");
    world.passes(1);
    let done = revokes(&world, "dev%3Aalice");
    assert_eq!(done, json!({"subject": "dev:alice", "grants": 2, "keys": 0, "agents": 0, "connections": 1}));
    for client in [&alice, &also_alice] {
        client.call("search").refused(401, "token_revoked");
        let refresh = client.refresh.clone().unwrap();
        client.refreshing(&refresh).refused(400, "grant_revoked");
    }
    assert_eq!(tokens.kept(), Outcome::Absent);
    let told: Vec<_> = tokens.asked.borrow().iter().filter_map(|fields| fields.get("token").cloned()).collect();
    assert_eq!(told, ["rt-0"], "the upstream is told, by the token that takes the others with it");
    assert!(alice.clone().authorizes().must_sign_in(), "the browser's session ended as well");
    bob.calls("echo").refreshes().calls("echo");
    // Said again it does nothing; and whoever signs in anew begins anew, with consent.
    world.passes(1);
    assert_eq!(revokes(&world, "dev%3Aalice")["grants"], 0);
    world.passes(1);
    let anew = world.client("claude").at("docs").registers().authorizes().signs_in("alice");
    assert!(anew.is_asked());
    let anew = anew.consents().redeems();
    assert!(anew.call("search").with(200).text().contains("authenticating"));
}

#[test]
fn what_is_listed_nowhere_ends_as_well_and_in_every_isolate_within_a_minute() {
    let world = World::new();
    let client = world.client("claude").connects("alice").calls("echo");
    world.platform.accounts.borrow_mut().clear();
    let elsewhere = world.elsewhere();
    world.platform.together([client.calling(&elsewhere)]).remove(0).with(200);
    world.passes(1);
    let revoked = world.request("DELETE", "/admin/subjects/dev%3Aalice").bearer(ADMIN_TOKEN).send();
    revoked.refused(404, "no_such_subject");
    client.call("echo").refused(401, "token_revoked");
    world.passes(30);
    world.platform.together([client.calling(&elsewhere)]).remove(0).refused(401, "token_revoked");
    let refresh = client.refresh.clone().unwrap();
    client.refreshing(&refresh).refused(400, "grant_revoked");
    client.refreshing(&refresh).refused(400, "grant_revoked");
}

#[test]
fn only_the_operator_revokes_a_subject() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    let delete = || world.request("DELETE", "/admin/subjects/dev%3Aalice");
    delete().send().refused(401, "operator_token_required");
    delete().bearer(&client.access).send().refused(401, "operator_token_required");
    world.request("GET", "/admin/subjects/dev%3Aalice").bearer(ADMIN_TOKEN).send().refused(405, "method_not_allowed");
    client.calls("echo");
}

fn machine() -> (World, Tokens) {
    let (world, tokens) = Tokens::in_world();
    world.set_secret("DOCS_SECRET", "shh");
    world.reconfigure(|config| {
        config["servers"]["docs"]["auth"] = json!({
            "kind": "client_credentials", "client_id": "gateway", "client_secret": {"secret": "DOCS_SECRET"},
            "token_endpoint": "https://as.docs.example/token", "scope": "read write", "resource": "https://docs.example/mcp",
        });
    });
    tokens.bends(|tokens, fields| {
        assert_eq!(fields["grant_type"], "client_credentials");
        let number = tokens.asked.borrow().len();
        tokens.good.borrow_mut().0 = format!("own-{number}");
        let answer = json!({"access_token": format!("own-{number}"), "token_type": "Bearer", "expires_in": 600});
        Some(Ok(Scripted::json(&answer).after(1000)))
    });
    (world, tokens)
}

#[test]
fn the_gateways_own_token_is_asked_for_once_for_everybody_and_again_when_it_ends() {
    let (world, tokens) = machine();
    let alice = world.client("claude").at("docs").connects("alice");
    let bob = world.client("claude").at("docs").connects("bob");
    let isolates = [world.elsewhere(), world.elsewhere()];
    let calls = (0..40).map(|n| [&alice, &bob][n % 2].calling(&isolates[n / 2 % 2]));
    for answer in world.platform.together(calls) {
        answer.with(200);
    }
    assert_eq!(tokens.asked.borrow().len(), 1);
    let asked = tokens.asked.borrow()[0].clone();
    assert_eq!((asked["scope"].as_str(), asked["resource"].as_str()), ("read write", "https://docs.example/mcp"));
    world.passes(560);
    alice.calls_without_session("search");
    assert_eq!(tokens.asked.borrow().len(), 2);
    tokens.ends_access();
    bob.calls_without_session("search");
    assert_eq!(tokens.asked.borrow().len(), 3);
}

#[test]
fn the_gateways_own_token_follows_the_configuration() {
    let (world, tokens) = machine();
    let alice = world.client("claude").at("docs").connects("alice").calls_without_session("search");
    world.reconfigure(|config| config["servers"]["docs"]["auth"]["scope"] = "read".into());
    alice.calls_without_session("search");
    assert_eq!(tokens.asked.borrow()[1]["scope"], "read");
}

#[test]
fn a_refused_client_is_the_operators_to_correct_and_then_it_works() {
    let (world, tokens) = machine();
    tokens.bends(|_, _| Some(Ok(refuses("invalid_client"))));
    let alice = world.client("claude").at("docs").connects("alice");
    for _ in 0..8 {
        alice.call("search").refused(503, "upstream_client_refused");
        world.passes(61);
    }
    tokens.bends(|tokens, _| {
        tokens.good.borrow_mut().0 = "own".to_owned();
        Some(Ok(Scripted::json(&json!({"access_token": "own", "token_type": "Bearer"}))))
    });
    let alice = alice.calls_without_session("search");
    world.passes(HOUR - 600);
    alice.calls_without_session("search");
}
