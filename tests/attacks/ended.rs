//! What was ended and is used all the same: by a session, a client or a call that was under way, or in an isolate that has not heard of it.
//!
//! Not here: what ends what (`journeys`).

use std::rc::Rc;

use mcp_edge_gateway::ports::{Directory, Ledger};
use mcp_edge_gateway::upstream::connection::Command;
use mcp_edge_gateway::upstream::key::{ConnectionKey, FIRST_ACCOUNT, Owner};
use serde_json::json;

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
        client = client.authorizes().redeems();
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
