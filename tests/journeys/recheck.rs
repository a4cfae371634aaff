//! The identity provider is asked again about somebody whose client refreshes its access: who is out there is out here.
//!
//! Not here: what is kept to ask with (`recheck_kept`), what the provider says without being asked (`leaving`), and
//! answers that are somebody else's (`attacks::recheck`).

use mcp_edge_gateway::ports::FetchError;
use serde_json::{Value, json};

use crate::world::answer::{Answer, parameter};
use crate::world::client::Client;
use crate::world::idp::ISSUER;
use crate::world::{ADMIN_TOKEN, HOUR, World};

fn world(more: &Value) -> World {
    World::public(|config| {
        let login = config["login"].as_object_mut().unwrap();
        login.extend(json!({"recheck_seconds": HOUR, "roles": {"claim": "groups"}}).as_object().unwrap().clone());
        login.extend(more.as_object().unwrap().clone());
        config["accepts"] = json!(["own", "keys"]);
    })
}

/// Asks for a role, so that roles are asked for.
fn guards(world: &World) {
    world.reconfigure(|config| {
        config["servers"]["demo"]["require"] = json!([{"tools": ["delete"], "roles": ["support"]}]);
    });
}

fn refreshed(client: &Client) -> Answer {
    client.refreshing(client.refresh.as_deref().unwrap())
}

/// To be sent together with others, each to an isolate of its own.
fn refreshing(client: &Client) -> impl Future<Output = Answer> {
    let token = client.refresh.clone().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", &token), ("client_id", &client.id)];
    client.world.elsewhere().request("POST", "/oauth/token").form(&form).sending()
}

fn asked(world: &World) -> usize {
    let sent = world.sent();
    sent.iter().filter(|sent| sent.body.starts_with(b"grant_type=refresh_token")).count()
}

fn log(world: &World, query: &str) -> Vec<Value> {
    let answer = world.request("GET", &format!("/admin/log?{query}")).bearer(ADMIN_TOKEN).send().with(200);
    answer.json()["entries"].as_array().unwrap().clone()
}

/// An answer about somebody, asked again.
fn about(world: &World, sub: &str, more: &Value) -> Value {
    let mut claims = json!({"iss": ISSUER, "aud": "gateway", "sub": sub, "iat": world.now(), "exp": world.now() + 300});
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    claims
}

#[test]
fn who_is_put_out_at_the_provider_is_out_within_the_interval() {
    let world = world(&json!({}));
    let online = world.client("cursor").asks_for("mcp:tools").connects("alice").calls("echo");
    let alice = world.client("claude").connects("alice").calls("echo");
    let other = world.client("other").connects("alice");
    let bob = world.client("claude").connects("bob");
    world.idp.puts_out("alice");
    world.passes(HOUR - 1);
    let alice = alice.refreshes();
    world.passes(1);
    refreshed(&alice).refused(400, "login_recheck_gone");
    // Whatever there is of them ends, whichever client came first.
    alice.call("echo").refused(401, "token_revoked");
    refreshed(&alice).refused(400, "grant_revoked");
    refreshed(&other).refused(400, "login_recheck_gone");
    online.call("echo").refused(401, "token_expired");
    assert!(alice.clone().authorizes().must_sign_in());
    bob.refreshes().calls("echo");

    let entry = &log(&world, "kind=refresh&reason=login_recheck_gone")[0];
    assert_eq!((&entry["subject"], &entry["status"]), (&json!("id.example|alice"), &json!(400)));
    let steps = entry["steps"].as_array().unwrap();
    assert_eq!(steps.last().unwrap(), &json!({"step": "identity", "outcome": "login_recheck_gone"}));
}

#[test]
fn a_browser_that_is_still_signed_in_brings_no_new_access() {
    let world = world(&json!({}));
    let alice = world.client("claude").connects("alice");
    world.idp.puts_out("alice");
    world.passes(HOUR - 1);
    let other = || world.client("cursor").in_browser(&alice.browser).registers().authorizes().consents();
    other().redeems().calls("echo");
    world.passes(1);
    let late = other();
    late.redemption(|_| ()).refused(400, "login_recheck_gone");
    assert!(late.authorizes().must_sign_in());
}

#[test]
fn who_is_let_in_again_goes_on() {
    let world = world(&json!({}));
    let alice = world.client("claude").connects("alice");
    world.idp.puts_out("alice");
    world.passes(HOUR);
    refreshed(&alice).refused(400, "login_recheck_gone");
    let alice = alice.authorizes().signs_in("alice").goes_on().redeems().calls("echo");
    world.passes(HOUR);
    let alice = alice.refreshes().calls("echo");
    // A provider that gives no other token because it gave one before does not keep anybody out.
    world.idp.puts_out("alice");
    world.passes(HOUR);
    refreshed(&alice).refused(400, "login_recheck_gone");
    world.idp.gives_none.set(true);
    let alice = alice.authorizes().signs_in("alice").goes_on().redeems();
    assert!(world.platform.journal.borrow().iter().any(|line| line.contains("sign_in_not_rechecked")));
    world.passes(2 * HOUR);
    alice.refreshes().calls("echo");
}

#[test]
fn everything_ends_where_the_operator_wants_that() {
    let world = world(&json!({"backchannel_logout": "everything"}));
    let alice = world.client("claude").connects("alice");
    let other = world.client("other").connects("alice");
    world.passes(HOUR);
    let other = other.refreshes().calls("echo");
    world.idp.puts_out("alice");
    world.passes(HOUR);
    refreshed(&alice).refused(400, "login_recheck_gone");
    other.call("echo").refused(401, "token_expired");
    refreshed(&other).refused(400, "grant_revoked");
    let kept = format!("{:?}", world.platform.connections.borrow());
    assert!(!kept.contains("sealed"), "nothing is left to ask with: {kept}");
}

#[test]
fn it_is_asked_once_in_an_interval_and_with_what_it_gave_last() {
    for same in [false, true] {
        let world = world(&json!({}));
        world.idp.keeps_the_same.set(same);
        let (mut alice, mut other) =
            (world.client("claude").connects("alice"), world.client("other").connects("alice"));
        alice = alice.refreshes().calls("echo");
        assert_eq!(asked(&world), 0, "its word is fresh");
        for _ in 0..3 {
            world.passes(HOUR);
            alice = alice.refreshes().calls("echo");
            other = other.refreshes().calls("echo");
            alice = alice.refreshes();
            assert_eq!(asked(&world), 1);
        }
        let stored = format!("{:?}{:?}", world.platform.connections.borrow(), world.platform.directory.borrow());
        assert!(!stored.contains("idp-refresh"), "nothing readable is at rest");
    }
}

#[test]
fn of_clients_that_come_at_once_one_asks() {
    let world = world(&json!({}));
    let clients = ["a", "b", "c", "d"].map(|name| world.client(name).connects("alice"));
    world.passes(HOUR);
    world.sent();
    world.idp.slow.set(3000);
    for answer in world.platform.together(clients.iter().map(refreshing)) {
        answer.with(200);
    }
    assert_eq!(asked(&world), 1);
}

#[test]
fn nobody_slips_in_while_another_client_asks() {
    let world = world(&json!({}));
    let clients = ["a", "b", "c"].map(|name| world.client(name).connects("alice"));
    world.idp.puts_out("alice");
    world.idp.slow.set(3000);
    world.passes(HOUR);
    for answer in world.platform.together(clients.iter().map(refreshing)) {
        answer.refused(400, "login_recheck_gone");
    }
}

#[test]
fn a_provider_that_is_down_gets_one_more_interval_and_then_nobody_goes_on() {
    let world = world(&json!({}));
    let alice = world.client("claude").connects("alice");
    let down = [
        Err(FetchError::Unreachable),
        Ok((503, String::new())),
        Ok((401, json!({"error": "invalid_client"}).to_string())),
        Ok((200, "<html>".to_owned())),
    ];
    for bent in down {
        let mut alice = world.client("claude").connects("alice");
        *world.idp.bent.borrow_mut() = Some(bent);
        world.passes(HOUR);
        alice = alice.refreshes().calls("echo");
        world.passes(HOUR);
        let refused = refreshed(&alice);
        refused.refused(503, "login_recheck_unavailable");
        assert_eq!(refused.json()["error"], "temporarily_unavailable");
        assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
        // Its refresh token was not used up by that, however long it lasts.
        world.passes(HOUR);
        refreshed(&alice).refused(503, "login_recheck_unavailable");
        *world.idp.bent.borrow_mut() = None;
        world.passes(60);
        alice.refreshes().calls("echo");
    }
    world.outside_fails(ISSUER, FetchError::Unreachable);
    world.new_isolate();
    world.passes(9 * HOUR);
    refreshed(&alice).refused(503, "login_recheck_unavailable");
    world.outside(ISSUER, world.idp.host());
    world.passes(60);
    alice.refreshes().calls("echo");
}

#[test]
fn roles_are_what_the_provider_says_by_then() {
    let world = world(&json!({}));
    guards(&world);
    world.idp.says(json!({"groups": ["support"]}));
    let alice = world.client("claude").connects("alice").calls("delete");
    *world.idp.again.borrow_mut() = Some(about(&world, "alice", &json!({"groups": [], "exp": world.now() + 9 * HOUR})));
    let alice = alice.refreshes().calls("delete");
    world.passes(HOUR);
    let alice = alice.refreshes();
    alice.call("delete").refused(200, "capability_role_missing");
    *world.idp.again.borrow_mut() = Some(about(&world, "alice", &json!({"groups": ["support"]})));
    world.passes(HOUR);
    *world.idp.again.borrow_mut() = Some(about(&world, "alice", &json!({"groups": ["support"]})));
    alice.refreshes().calls("delete");
}

#[test]
fn roles_come_from_userinfo_where_the_id_token_lacks_them() {
    let world = world(&json!({}));
    guards(&world);
    world.idp.tells(200, &json!({"sub": "alice", "groups": ["support"]}));
    let alice = world.client("claude").connects("alice").calls("delete");
    world.idp.tells(200, &json!({"sub": "alice", "groups": []}));
    world.passes(HOUR);
    let alice = alice.refreshes();
    alice.call("delete").refused(200, "capability_role_missing");
    // One that does not answer leaves them as they are for an interval.
    world.idp.tells(500, "");
    world.passes(HOUR);
    let alice = alice.refreshes().calls("echo");
    world.passes(HOUR);
    refreshed(&alice).refused(503, "login_recheck_unavailable");
    world.idp.tells(200, &json!({"sub": "alice", "groups": ["support"]}));
    alice.refreshes().calls("delete");
}

#[test]
fn who_lacks_by_then_what_everybody_needs_is_out() {
    let world = world(&json!({"require": {"hd": ["example.com"]}}));
    world.idp.says(json!({"hd": "example.com"}));
    let alice = world.client("claude").connects("alice");
    world.passes(HOUR);
    *world.idp.again.borrow_mut() = Some(about(&world, "alice", &json!({"hd": "example.com"})));
    let alice = alice.refreshes();
    world.passes(HOUR);
    *world.idp.again.borrow_mut() = Some(about(&world, "alice", &json!({"hd": "other.example"})));
    refreshed(&alice).refused(400, "login_recheck_gone");
    assert!(alice.authorizes().must_sign_in());
}

#[test]
fn what_everybody_needs_is_asked_at_userinfo_where_no_id_token_comes() {
    let world = world(&json!({"require": {"hd": ["example.com"]}}));
    guards(&world);
    world.idp.says(json!({"hd": "example.com"}));
    world.idp.tells(200, &json!({"sub": "alice", "groups": []}));
    let alice = world.client("claude").connects("alice");
    world.idp.tells(200, &json!({"sub": "alice", "hd": "example.com", "groups": ["support"]}));
    world.passes(2 * HOUR);
    let mut alice = alice.refreshes().calls("delete");
    let unsaid = [
        (200, json!({"sub": "alice", "groups": ["support"]})),
        (200, json!({"sub": "bob", "hd": "example.com"})),
        (403, json!({})),
    ];
    for (status, said) in unsaid {
        world.idp.tells(status, &said);
        world.passes(HOUR);
        alice = alice.refreshes();
        world.passes(HOUR);
        refreshed(&alice).refused(503, "login_recheck_unavailable");
        world.idp.tells(200, &json!({"sub": "alice", "hd": "example.com", "groups": []}));
        alice = alice.refreshes();
    }
    world.idp.tells(200, &json!({"sub": "alice", "hd": "other.example"}));
    world.passes(HOUR);
    refreshed(&alice).refused(400, "login_recheck_gone");
    assert!(alice.authorizes().must_sign_in());
}

#[test]
fn a_provider_that_says_nothing_of_what_everybody_needs_has_not_answered() {
    let world = world(&json!({"require": {"hd": ["example.com"]}}));
    world.idp.says(json!({"hd": "example.com"}));
    let alice = world.client("claude").connects("alice");
    world.passes(HOUR);
    let alice = alice.refreshes();
    world.passes(HOUR);
    let refused = refreshed(&alice);
    refused.refused(503, "login_recheck_unavailable");
    assert!(refused.text().contains("does not say who it is"), "{}", refused.text());
}

#[test]
fn who_waits_has_the_roles_of_the_same_answer() {
    let world = world(&json!({}));
    guards(&world);
    world.idp.tells(200, &json!({"sub": "alice", "groups": []}));
    let clients = ["a", "b"].map(|name| world.client(name).connects("alice"));
    world.idp.tells(200, &json!({"sub": "alice", "groups": ["support"]}));
    world.idp.slow.set(3000);
    world.passes(2 * HOUR);
    world.sent();
    for answer in world.platform.together(clients.iter().map(refreshing)) {
        answer.with(200);
    }
    assert_eq!(asked(&world), 1);
}

#[test]
fn operators_are_told_why_it_gave_no_answer() {
    let world = world(&json!({}));
    let alice = world.client("claude").connects("alice");
    *world.idp.bent.borrow_mut() = Some(Ok((401, json!({"error": "invalid_client"}).to_string())));
    let alarms = || world.request("GET", "/status").bearer(ADMIN_TOKEN).send().with(200).json()["alarms"].clone();
    world.passes(HOUR);
    let alice = alice.refreshes();
    let alarm = &alarms()[0];
    assert_eq!((&alarm["alarm"], &alarm["reason"]), (&json!("identity_provider"), &json!("login_token_refused")));
    let steps = log(&world, "kind=refresh")[0]["steps"].clone();
    assert!(steps.as_array().unwrap().contains(&json!({"step": "identity", "outcome": "login_token_refused"})));
    world.passes(HOUR);
    refreshed(&alice).refused(503, "login_recheck_unavailable");
    assert!(world.platform.journal.borrow().join("\n").contains("401 invalid_client"));

    let secret = world.platform.secrets.borrow_mut().remove("LOGIN_SECRET").unwrap();
    world.passes(60);
    let refused = refreshed(&alice);
    refused.refused(503, "login_recheck_unavailable");
    assert!(refused.text().contains("LOGIN_SECRET"), "{}", refused.text());
    assert_eq!(alarms()[0]["reason"], "login_secret_missing");
    world.set_secret("LOGIN_SECRET", &secret);
    *world.idp.bent.borrow_mut() = None;
    world.passes(60);
    alice.refreshes();
    assert_eq!(alarms(), json!([]));
}

#[test]
fn without_the_setting_nothing_is_asked_for_nor_kept() {
    let world = World::public(|_| ());
    let client = world.client("claude").registers().authorizes();
    assert_eq!(parameter(&client.browser.at, "scope"), "openid profile email");
    let alice = client.signs_in("alice").consents().redeems();
    assert!(world.platform.connections.borrow().is_empty());
    world.passes(HOUR);
    world.sent();
    let used = world.uses_of(|| {
        alice.refreshes();
    });
    assert_eq!((asked(&world), used.ledger), (0, 1));
}

#[test]
fn a_call_asks_nobody() {
    let world = world(&json!({"recheck_seconds": 1}));
    let alice = world.client("claude").connects("alice").calls("echo");
    world.idp.puts_out("alice");
    world.passes(60);
    world.sent();
    alice.calls("echo");
    assert_eq!(asked(&world), 0);
}
