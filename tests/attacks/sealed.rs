//! Records moved by somebody who can write to storage or edit cookies: sealed to one place, they open in no other.
//!
//! Not here: the cryptography itself (unit tests of `vault`).

use crate::world::World;

#[test]
fn a_browser_session_moved_under_another_cookie_does_not_open() {
    let world = World::new();
    let alice = world.client("claude").connects("alice");
    let bob = world.client("other").connects("bob");
    let key = |client: &crate::world::client::Client| {
        let cookie = mcp_edge_gateway::secret::Secret::new(client.browser.cookies["__mcp_session"].0.clone());
        mcp_edge_gateway::login::session::key(&cookie)
    };
    let moved = world.platform.directory.borrow()[&key(&alice)].clone();
    world.platform.directory.borrow_mut().insert(key(&bob), moved);
    let mut bob = bob.authorizes();
    assert!(bob.must_sign_in(), "bob's cookie does not become alice");
    bob.browser.goes_to("/");
    assert!(!bob.browser.shows.text().contains("Alice"));
    assert!(!alice.authorizes().must_sign_in());
}

#[test]
fn what_is_stored_shows_nobody_and_no_secret() {
    let world = World::new();
    let client = world.client("claude").registers_as("client_secret_post").authorizes().signs_in("alice").consents();
    let code = client.code.clone();
    let client = client.redeems().initializes();
    let stored = format!("{:?}{:?}", world.platform.directory.borrow(), world.platform.grants.borrow());
    let cookie = client.browser.cookies["__mcp_session"].0.clone();
    let secrets = [code, client.access, client.refresh.unwrap(), client.verifier, client.secret.unwrap(), cookie];
    for secret in secrets {
        assert!(!stored.contains(&secret), "{secret}");
    }
    assert!(!format!("{:?}", world.platform.directory.borrow()).contains("alice"));
}

#[test]
fn a_session_sealed_for_one_purpose_opens_for_no_other() {
    let world = World::new();
    let asked = world.client("claude").registers().authorizes().signs_in("alice");
    let ticket = asked.browser.form("/oauth/consent").fields["ticket"].clone();
    let mut client = asked.consents().redeems();
    client.session = Some(ticket);
    client.call("echo").refused(404, "session_not_found");

    let mut browser = world.browser();
    browser.goes_to("/login");
    let (name, (sealed, _)) = browser.cookies.iter().next().map(|(n, v)| (n.clone(), v.clone())).unwrap();
    browser.goes_to("/login");
    let other = browser.cookies.keys().find(|other| **other != name).unwrap().clone();
    browser.cookies.insert(other, (sealed, u64::MAX));
    browser.presses("/login/callback", "account", "alice").refused(400, "login_lost");
}

#[test]
fn a_sealed_sign_in_is_bound_to_the_name_of_its_cookie() {
    let world = World::public(|_| ());
    let first = world.client("claude").registers().authorizes();
    let second = world.client("cursor").registers().authorizes();
    let sealed = first.browser.cookies.values().next().unwrap().clone();
    let mut victim = second.clone();
    let name = victim.browser.cookies.keys().next().unwrap().clone();
    assert!(name.starts_with("__Host-"), "no sibling host can plant it");
    victim.browser.cookies.insert(name, sealed);
    victim = victim.signs_in("alice");
    victim.browser.shows.refused(400, "login_lost");
}

#[test]
fn a_revocation_marker_cannot_be_undone_by_an_isolate_that_forgot() {
    let world = World::new();
    let client = world.client("claude").connects("alice").calls("echo");
    client.revocation(&client.access).with(200);
    for _ in 0..3 {
        world.new_isolate();
        client.call("echo").refused(401, "token_revoked");
        world.passes(1000);
    }
}
