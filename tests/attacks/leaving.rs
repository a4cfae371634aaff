//! Attacks on the way by which an identity provider signs people out: words that are not its own, and what they cost.
//!
//! Not here: every claim of a logout token (unit tests of `login::oidc::logout_token`).

use serde_json::{Value, json};

use crate::world::World;
use crate::world::idp::logout_claims;
use crate::world::idp::{ISSUER, Key};

/// What makes a token, in a world.
type MakesToken = Box<dyn Fn(&World) -> String>;

/// What is sent ends nothing, and leaves nothing in storage.
#[track_caller]
fn ends_nothing(world: &World, token: &str, reason: &str) {
    let client = world.client("claude").connects("alice");
    let before = world.platform.directory.borrow().clone();
    let uses = world.uses_of(|| {
        let asked = world.request("POST", "/oauth/backchannel-logout").form(&[("logout_token", token)]).send();
        asked.refused(400, reason);
        assert_eq!(
            (asked.header("cache-control"), &asked.json()["error"]),
            (Some("no-store"), &json!("invalid_request"))
        );
    });
    assert_eq!(*world.platform.directory.borrow(), before);
    assert_eq!((uses.directory, uses.writes, uses.ledger), (0, 0, 0));
    assert!(!client.calls("echo").authorizes().must_sign_in());
}

#[test]
fn only_the_provider_signs_people_out() {
    for (key, reason) in [
        (Key { secret: 8, ..Key::default() }, "logout_token_unproven"),
        (Key { id: "key-2", secret: 8 }, "logout_token_unproven"),
    ] {
        let world = World::public(|_| ());
        world.idp.signs_with.set(key);
        let token = world.idp.logout_token(&world, &json!({"sub": "alice"}));
        world.idp.signs_with.set(Key::default());
        ends_nothing(&world, &token, reason);
    }
}

#[test]
fn what_the_provider_says_of_other_things_signs_nobody_out() {
    let of = |change: Value| move |world: &World| world.idp.logout_token(world, &change);
    let id_token = |world: &World| {
        let claims = json!({"events": null, "sub": "alice", "nonce": "n"});
        world.idp.signed("JWT", logout_claims(world, &claims))
    };
    let cases: [(&str, MakesToken); 9] = [
        ("logout_token_wrong_event", Box::new(id_token)),
        ("logout_token_has_nonce", Box::new(of(json!({"sub": "alice", "nonce": "n"})))),
        ("logout_token_wrong_audience", Box::new(of(json!({"sub": "alice", "aud": "another client"})))),
        ("logout_token_wrong_issuer", Box::new(of(json!({"sub": "alice", "iss": format!("{ISSUER}/")})))),
        ("logout_token_expired", Box::new(of(json!({"sub": "alice", "exp": 1_899_999_000})))),
        ("logout_token_not_yet_valid", Box::new(of(json!({"sub": "alice", "iat": 1_900_009_000})))),
        ("logout_token_names_nobody", Box::new(of(json!({})))),
        ("logout_token_malformed", Box::new(of(json!({"sub": ["alice"]})))),
        ("logout_token_unproven", Box::new(|_| "eyJhbGciOiJub25lIn0.e30.".to_owned())),
    ];
    for (reason, token) in cases {
        let world = World::public(|_| ());
        let token = token(&world);
        ends_nothing(&world, &token, reason);
    }
}

#[test]
fn keys_that_nobody_knows_make_the_gateway_ask_once_a_minute() {
    let world = World::public(|_| ());
    world.client("claude").connects("alice");
    world.sent();
    let asked = |times| {
        for number in 0..times {
            world.idp.signs_with.set(Key { id: ["a", "b", "c"][number % 3], secret: 8 });
            world.idp.says_goodbye(&world, &json!({"sub": "alice"})).refused(400, "logout_token_unproven");
        }
        world.sent().iter().filter(|sent| sent.url.path() == "/jwks").count()
    };
    assert_eq!(asked(10), 1);
    world.passes(60);
    assert_eq!(asked(10), 1);
    // And a key that the provider has begun to use meanwhile is found.
    world.passes(60);
    let new = Key { id: "key-2", secret: 9 };
    world.idp.signs_with.set(new);
    world.idp.publishes.set(new);
    world.idp.says_goodbye(&world, &json!({"sub": "alice"})).with(200);
}

#[test]
fn what_is_no_form_with_one_token_is_refused() {
    let world = World::public(|_| ());
    let token = world.idp.logout_token(&world, &json!({"sub": "alice"}));
    let ask = || world.request("POST", "/oauth/backchannel-logout");
    for asking in [
        ask(),
        ask().form(&[]),
        ask().form(&[("logout_token", &token), ("logout_token", &token)]),
        ask().json(&json!({"logout_token": token})),
    ] {
        asking.send().refused(400, "logout_token_missing");
    }
    world
        .request("GET", &format!("/oauth/backchannel-logout?logout_token={token}"))
        .send()
        .refused(405, "method_not_allowed");
    let local = World::new();
    local
        .request("POST", "/oauth/backchannel-logout")
        .form(&[("logout_token", &token)])
        .send()
        .refused(400, "logout_not_configured");
}

#[test]
fn nobody_is_told_that_somebody_is_signed_out_who_is_not() {
    let world = World::public(|_| ());
    world.client("claude").connects("alice");
    world.platform.signatures_down.set(true);
    world.idp.says_goodbye(&world, &json!({"sub": "alice"})).refused(503, "login_unavailable");
}

#[test]
fn who_a_session_at_the_provider_is_of_opens_in_its_place_alone() {
    let world = World::public(|_| ());
    world.idp.says(json!({"sid": "of alice"}));
    let alice = world.client("cursor").asks_for("mcp:tools").connects("alice");
    world.idp.says(json!({"sid": "of bob"}));
    world.client("cursor").asks_for("mcp:tools").connects("bob");
    {
        let mut directory = world.platform.directory.borrow_mut();
        let keys: Vec<_> = directory.keys().filter(|key| key.starts_with("login-sid:")).cloned().collect();
        let [one, other] = &keys[..] else { panic!("{keys:?}") };
        let (first, second) = (directory[one].clone(), directory[other].clone());
        assert!(!first.0.contains("alice") && !second.0.contains("alice"));
        directory.insert(one.clone(), second);
        directory.insert(other.clone(), first);
    }
    world.idp.says_goodbye(&world, &json!({"sid": "of bob"})).with(200);
    alice.calls("echo");
}
