//! Somebody leaves: the identity provider says so, or time does.
//!
//! Not here: who says so without being asked (`attacks::leaving`), and what operators end (`revoking`).

use serde_json::json;

use crate::world::{DAY, HOUR, World};

#[test]
fn who_signs_out_at_the_provider_is_signed_out_here_and_clients_that_may_go_on_do() {
    let world = World::public(|_| ());
    let online = world.client("cursor").asks_for("mcp:tools").connects("alice").calls("echo");
    let offline = world.client("claude").connects("alice").calls("echo");
    let bob = world.client("cursor").asks_for("mcp:tools").connects("bob").calls("echo");
    world.passes(2);
    let answer = world.idp.says_goodbye(&world, &json!({"sub": "alice"})).with(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    online.call("echo").refused(401, "token_revoked");
    assert!(online.authorizes().must_sign_in() && offline.clone().authorizes().must_sign_in());
    offline.calls("echo").refreshes().calls("echo");
    assert!(!bob.clone().calls("echo").authorizes().must_sign_in());
    // Said again it is as good, and whoever has signed in since stays.
    world.passes(90);
    let anew = world.client("cursor").asks_for("mcp:tools").connects("alice").calls("echo");
    world.idp.says_goodbye(&world, &json!({"sub": "alice", "iat": world.now() - 90})).with(200);
    assert!(!anew.calls("echo").authorizes().must_sign_in());
}

#[test]
fn a_session_that_is_left_is_that_one_alone() {
    let world = World::public(|_| ());
    world.idp.says(json!({"sid": "at work"}));
    let work = world.client("claude").connects("alice");
    world.idp.says(json!({"sid": "at home"}));
    let home = world.client("cursor").connects("alice");
    world.idp.says_goodbye(&world, &json!({"sid": "at work"})).with(200);
    assert!(work.authorizes().must_sign_in());
    assert!(!home.clone().authorizes().must_sign_in());
    world.idp.says_goodbye(&world, &json!({"sid": "at home", "sub": "alice"})).with(200);
    assert!(home.authorizes().must_sign_in());
    world.idp.says_goodbye(&world, &json!({"sid": "of nobody here"})).with(200);
}

#[test]
fn a_session_names_its_person_whose_clients_end_with_it() {
    let world = World::public(|_| ());
    world.idp.says(json!({"sid": "s"}));
    let online = world.client("cursor").asks_for("mcp:tools").connects("alice").calls("echo");
    world.elsewhere().idp.says_goodbye(&world, &json!({"sid": "s"})).with(200);
    online.call("echo").refused(401, "token_revoked");
}

#[test]
fn everything_ends_where_the_operator_wants_that() {
    let world = World::public(|config| config["login"]["backchannel_logout"] = "everything".into());
    let alice = world.client("claude").connects("alice").calls("echo");
    let bob = world.client("claude").connects("bob");
    world.passes(1);
    world.idp.says_goodbye(&world, &json!({"sub": "alice"})).with(200);
    alice.call("echo").refused(401, "token_revoked");
    alice.refreshing(alice.refresh.as_deref().unwrap()).refused(400, "grant_revoked");
    assert!(alice.authorizes().must_sign_in());
    bob.calls("echo").refreshes().calls("echo");
    // What began since is not ended by the same word once more.
    world.passes(100);
    let anew = world.client("claude").connects("alice").calls("echo");
    world.idp.says_goodbye(&world, &json!({"sub": "alice", "iat": world.now() - 100})).with(200);
    anew.calls("echo").refreshes().calls("echo");
}

#[test]
fn a_provider_whose_clock_is_behind_ends_what_there_is() {
    let world = World::public(|_| ());
    let alice = world.client("claude").connects("alice");
    world.idp.says_goodbye(&world, &json!({"sub": "alice", "iat": world.now() - 50})).with(200);
    assert!(alice.authorizes().must_sign_in());
}

#[test]
fn what_is_refreshed_ends_some_day() {
    let world = World::public(|config| config["tokens"] = json!({"refresh_max_seconds": 90 * DAY}));
    let mut client = world.client("claude").connects("alice");
    for _ in 0..8 {
        world.passes(11 * DAY);
        client = client.refreshes().calls("echo");
    }
    world.passes(2 * DAY);
    client.refreshing(client.refresh.as_deref().unwrap()).refused(400, "refresh_ended");
    let again = client.authorizes().signs_in("alice").goes_on().redeems();
    world.passes(HOUR);
    again.refreshes().calls("echo");
}
