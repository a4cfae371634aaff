//! What was ended and is used all the same: by a session, a client or a call that was under way, or in an isolate that
//! has not heard of it.
//!
//! Not here: what ends what (`journeys`).

use std::rc::Rc;

use mcp_edge_gateway::oauth::subject;
use mcp_edge_gateway::ports::{Directory, Ledger};
use mcp_edge_gateway::upstream::connection::Command;
use mcp_edge_gateway::upstream::key::{ConnectionKey, FIRST_ACCOUNT, Owner};
use serde_json::{Value, json};

use crate::world::client::Client;
use crate::world::protected::Protected;
use crate::world::tokens::Tokens;
use crate::world::{ADMIN_TOKEN, World};

#[test]
fn a_stolen_session_gets_no_client_past_a_revocation_that_is_not_heard_of_yet() {
    let world = World::new();
    let late = world.elsewhere();
    let alice = late.client("claude").connects("alice");
    world.passes(1);
    world.request("DELETE", "/admin/subjects/dev%3Aalice").bearer(ADMIN_TOKEN).send().with(200);
    world.passes(1);
    let stolen = late.client("thief").in_browser(&alice.browser).registers().authorizes();
    assert!(stolen.is_asked(), "the isolate goes on with what it read");
    let stolen = stolen.consents().redeems();
    world.passes(31);
    stolen.call("echo").refused(401, "token_revoked");
    stolen.refreshing(stolen.refresh.as_deref().unwrap()).refused(400, "grant_revoked");
}

#[test]
fn a_client_cannot_hide_grants_behind_ever_more_of_them() {
    let world = World::new();
    let mut client = world.client("claude").connects("alice");
    let first = client.refresh.clone().unwrap();
    for _ in 0..128 {
        client = client.authorizes().goes_on().redeems();
    }
    client.browser.goes_to("/connections");
    let mut form = client.browser.forms("/connections").pop().unwrap();
    form.fields.insert("action".to_owned(), "revoke".to_owned());
    client.browser.submits(&form);
    client.refreshing(client.refresh.as_deref().unwrap()).refused(400, "grant_revoked");
    client.refreshing(&first).refused(400, "grant_revoked");
}

#[test]
fn a_connection_does_not_come_back_with_a_call_that_was_under_way() {
    let (world, tokens) = Tokens::in_world();
    let alice = tokens.connected(None);
    let key = Rc::new(ConnectionKey::new(Owner::Subject("dev:alice".to_owned()), "docs", FIRST_ACCOUNT));
    let elsewhere = world.elsewhere();
    let disconnects = move || {
        let platform = &elsewhere.platform;
        elsewhere.now_does(platform.connection(&key, Command::Drop)).unwrap();
        elsewhere.now_does(platform.delete(key.name())).unwrap();
    };
    *world.platform.meanwhile.borrow_mut() = Some(Box::new(disconnects));
    let alice = alice.calls_without_session("search");
    world.new_isolate();
    assert!(alice.call("search").with(200).text().contains("authenticating"));
}

#[test]
fn the_secret_of_an_operators_client_goes_where_the_operator_says() {
    let (world, tokens) = Tokens::in_world();
    let alice = tokens.connected(Some(60));
    world.set_secret("DOCS_SECRET", "the operator's secret");
    world.reconfigure(|config| {
        config["servers"]["docs"]["auth"]["client"] = json!({
            "client_id": "gateway", "client_secret": {"secret": "DOCS_SECRET"}, "token_endpoint_auth_method": "client_secret_post",
            "authorization_endpoint": "https://login.example/authorize", "token_endpoint": "https://login.example/token",
        });
    });
    world.passes(60);
    alice.calls_without_session("search");
    let asked = tokens.asked.borrow();
    assert_eq!(asked.len(), 1, "refreshed where it was made");
    assert!(!asked[0].contains_key("client_secret"), "{:?}", asked[0].keys());
}

fn with_linear(auth: &Value) -> (World, Protected) {
    let world = World::new();
    let server = Protected::new(&world, "linear");
    world.reconfigure(|config| config["servers"]["linear"] = server.configured("Linear", auth));
    (world, server)
}

/// The operator revokes everything of Alice's, in an isolate that the others have not heard of.
fn revocation(world: &World) -> impl Fn() + 'static {
    let elsewhere = world.elsewhere();
    move || {
        elsewhere.request("DELETE", "/admin/subjects/dev%3Aalice").bearer(ADMIN_TOKEN).send().with(200);
    }
}

fn assert_nothing_is_connected(world: &World) {
    let live = world.platform.connections.borrow().values().any(|record| record.contains("\"sealed\""));
    let listed = world.now_does(world.platform.account("dev:alice", subject::Command::List)).unwrap();
    assert!(!live);
    assert!(matches!(listed, subject::Outcome::Listed { connections, .. } if connections.is_empty()));
}

#[test]
fn a_trip_that_was_under_way_connects_nothing_after_a_revocation() {
    let (world, server) = with_linear(&json!({}));
    let connecting =
        || world.client("claude").at("linear").registers().authorizes().signs_in("alice").approves().presses_connect();
    let mut client = connecting();
    let back = server.approves(&client.browser.at);
    world.passes(1);
    let revokes = revocation(&world);
    server.says.borrow_mut().instead = Some(Rc::new(move |request| {
        if request.url.path() == "/token" {
            revokes();
        }
        None
    }));
    client.browser.goes_to(back.as_str()).refused(403, "connection_revoked_meanwhile");
    assert_nothing_is_connected(&world);
    assert_eq!(server.seen("/token").len(), 1);

    server.says.borrow_mut().instead = None;
    world.passes(1);
    let anew = connecting();
    let anew = anew.clone().follows(&server.approves(&anew.browser.at));
    assert!(!anew.code.is_empty(), "who signs in again may connect");
}

#[test]
fn a_connection_that_is_revoked_before_it_is_there_does_not_stay() {
    let (world, server) = with_linear(&json!({}));
    let client = world.client("claude").at("linear").registers().authorizes().signs_in("alice").approves();
    let mut client = client.presses_connect();
    let back = server.approves(&client.browser.at);
    world.passes(1);
    *world.platform.before_store.borrow_mut() = Some(Box::new(revocation(&world)));
    client.browser.goes_to(back.as_str()).refused(403, "connection_revoked_meanwhile");
    assert_nothing_is_connected(&world);
    assert_eq!(server.seen("/revoke").len(), 1, "the upstream is told");
}

#[test]
fn a_key_is_not_taken_from_a_session_that_was_revoked_elsewhere() {
    let world = World::new();
    let auth = json!({"kind": "headers", "headers": {"x-api-key": {"person": "Your API key"}}});
    world.reconfigure(|config| {
        config["servers"]["keyed"] = json!({"name": "Keyed", "url": "https://demo.example/mcp", "auth": auth});
    });
    let mut client = world.client("claude").at("keyed").registers().authorizes().signs_in("alice").approves();
    world.passes(1);
    revocation(&world)();
    let mut form = client.browser.form("/connect/keyed");
    form.fields.insert("decision".into(), "connect".into());
    form.fields.insert("header:x-api-key".into(), "the attacker's key".into());
    client.browser.submits(&form).refused(403, "connection_revoked_meanwhile");
    assert_nothing_is_connected(&world);
}

#[test]
fn an_operators_link_makes_one_connection() {
    let (world, server) = with_linear(&json!({"shared": true}));
    let link = world.request("POST", "/admin/servers/linear/connection").bearer(ADMIN_TOKEN).send().with(200).json();
    let visits = |person| {
        let mut client = world.client("claude").at("linear");
        client.browser.goes_to(link["url"].as_str().unwrap());
        client.signs_in(person)
    };
    let (operator, late) = (visits("alice"), visits("bob"));
    let connects = |client: Client| {
        let mut client = client.presses_connect();
        let back = server.approves(&client.browser.at);
        client.browser.goes_to(back.as_str()).clone()
    };
    let kept = || {
        let record = world.platform.connections.borrow().values().next().unwrap().clone();
        serde_json::from_str::<Value>(&record).unwrap()["standing"].clone()
    };
    assert!(connects(operator).with(200).text().contains("connected for everybody"));
    let everybodys = kept();
    visits("bob").browser.shows.refused(400, "connect_link_used");
    // The page that was open already outlives the link, but not what is known of it.
    world.passes(29 * 60);
    connects(late).refused(400, "connect_link_used");
    assert_eq!(kept(), everybodys);
}
