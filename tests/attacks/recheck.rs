//! Attacks on asking the identity provider again: answers about somebody else, tokens of others, and what is at rest.
//!
//! Not here: answers that are the provider's own (`journeys::recheck`).

use serde_json::{Value, json};

use crate::world::idp::{ISSUER, Key};
use crate::world::{HOUR, World};

fn world() -> World {
    World::public(|config| {
        let login = config["login"].as_object_mut().unwrap();
        login.extend(json!({"recheck_seconds": HOUR, "roles": {"claim": "groups"}}).as_object().unwrap().clone());
        config["servers"]["demo"]["require"] = json!([{"tools": ["delete"], "roles": ["support"]}]);
    })
}

fn asked(world: &World) -> usize {
    let sent = world.sent();
    sent.iter().filter(|sent| sent.body.starts_with(b"grant_type=refresh_token")).count()
}

#[test]
fn an_answer_about_somebody_else_gives_nobody_anything() {
    let cases: [(&str, Value, Key); 4] = [
        ("another person", json!({"sub": "admin"}), Key::default()),
        ("another issuer", json!({"iss": "https://evil.example"}), Key::default()),
        ("another client", json!({"aud": "another"}), Key::default()),
        ("another key", json!({}), Key { secret: 8, ..Key::default() }),
    ];
    for (what, change, key) in cases {
        let world = world();
        let alice = world.client("claude").connects("alice");
        let mut claims = json!({
            "iss": ISSUER, "aud": "gateway", "sub": "alice", "groups": ["support"],
            "iat": world.now(), "exp": world.now() + 9 * HOUR,
        });
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        *world.idp.again.borrow_mut() = Some(claims);
        world.idp.signs_with.set(key);
        world.passes(HOUR);
        let alice = alice.refreshes();
        assert_eq!(alice.call("delete").reason(), "capability_role_missing", "{what}");
        world.passes(HOUR);
        let refused = alice.refreshing(alice.refresh.as_deref().unwrap());
        refused.refused(503, "login_recheck_unavailable");
        // What came with it is kept all the same, so that an honest answer counts again.
        world.idp.signs_with.set(Key::default());
        *world.idp.again.borrow_mut() = None;
        world.idp.tells(200, &json!({"sub": "alice", "groups": []}));
        world.new_isolate();
        alice.refreshes();
    }
}

#[test]
fn an_answer_about_somebody_else_is_none_where_no_roles_are_asked_for_either() {
    let world = World::public(|config| config["login"]["recheck_seconds"] = HOUR.into());
    let alice = world.client("claude").connects("alice");
    let claims =
        json!({"iss": ISSUER, "aud": "gateway", "sub": "admin", "iat": world.now(), "exp": world.now() + 9 * HOUR});
    *world.idp.again.borrow_mut() = Some(claims);
    world.passes(HOUR);
    let alice = alice.refreshes();
    world.passes(HOUR);
    alice.refreshing(alice.refresh.as_deref().unwrap()).refused(503, "login_recheck_unavailable");
}

#[test]
fn who_waits_for_such_an_answer_has_none_either() {
    let world = World::public(|config| config["login"]["recheck_seconds"] = HOUR.into());
    let clients = ["a", "b", "c"].map(|name| world.client(name).connects("alice"));
    let claims =
        json!({"iss": ISSUER, "aud": "gateway", "sub": "admin", "iat": world.now(), "exp": world.now() + 9 * HOUR});
    *world.idp.again.borrow_mut() = Some(claims);
    world.idp.slow.set(3000);
    world.passes(2 * HOUR);
    world.sent();
    let refreshing = clients.iter().map(|client| {
        let token = client.refresh.clone().unwrap();
        let form = [("grant_type", "refresh_token"), ("refresh_token", &token), ("client_id", &client.id)];
        world.elsewhere().request("POST", "/oauth/token").form(&form).sending()
    });
    for answer in world.platform.together(refreshing) {
        answer.refused(503, "login_recheck_unavailable");
    }
    assert_eq!(asked(&world), 1);
}

#[test]
fn a_token_that_is_not_ours_makes_nobody_ask() {
    let world = world();
    let alice = world.client("claude").connects("alice");
    let token = alice.refresh.clone().unwrap();
    world.passes(HOUR);
    world.sent();
    let used = world.uses_of(|| {
        for forged in ["", "mcpg_rt_", &format!("{token}A"), &token.replace("mcpg_rt_", "mcpg_rt_A")] {
            alice.refreshing(forged);
        }
    });
    assert_eq!((asked(&world), used.ledger), (0, 0));
}

#[test]
fn what_was_given_for_somebody_opens_for_nobody_else() {
    let world = world();
    let alice = world.client("claude").connects("alice");
    let bob = world.client("claude").connects("bob");
    world.idp.puts_out("alice");
    // Somebody with the storage gives alice what is bob's, to stay in.
    let mut kept = world.platform.connections.borrow().clone();
    let (first, second) = (kept.values().next().unwrap().clone(), kept.values().nth(1).unwrap().clone());
    for (record, other) in kept.values_mut().zip([second, first]) {
        *record = other;
    }
    *world.platform.connections.borrow_mut() = kept;
    world.passes(HOUR);
    for client in [alice, bob] {
        client.refreshing(client.refresh.as_deref().unwrap()).refused(400, "login_recheck_gone");
    }
    assert_eq!(asked(&world), 0);
}

#[test]
fn no_token_of_the_provider_is_logged() {
    let world = world();
    let alice = world.client("claude").connects("alice");
    *world.idp.bent.borrow_mut() = Some(Ok((400, json!({"error": "no idp-refresh-alice-0"}).to_string())));
    world.passes(2 * HOUR);
    let refused = alice.refreshing(alice.refresh.as_deref().unwrap());
    refused.refused(503, "login_recheck_unavailable");
    let journal = world.platform.journal.borrow().join("\n");
    assert!(journal.contains("did not accept the gateway's token request: 400"), "the refusal is told");
    assert!(!journal.contains("idp-refresh") && !refused.text().contains("idp-refresh"));
}
