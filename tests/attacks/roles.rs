//! Attacks on where roles come from: claims of somebody else's making, and answers that are no answers.
//!
//! Not here: roles that are rightly there (`journeys::roles`).

use serde_json::{Value, json};

use crate::world::World;
use crate::world::idp::Key;

fn guarded(roles: Value) -> World {
    World::public(|config| {
        config["login"]["roles"] = roles;
        config["servers"]["demo"]["require"] = json!([{"tools": ["delete"], "roles": ["support"]}]);
    })
}

fn by_groups() -> World {
    guarded(json!({"claim": "groups"}))
}

#[track_caller]
fn signs_nobody_in(world: &World, status: u16, reason: &str) {
    let client = world.client("claude").registers().authorizes().signs_in("alice");
    client.browser.shows.refused(status, reason);
    assert!(!client.browser.cookies.contains_key("__mcp_session"));
    assert!(!format!("{:?}", world.platform.accounts.borrow()).contains("support"), "nothing is noted");
}

#[track_caller]
fn gives_no_role(world: &World) {
    let client = world.client("claude").connects("alice").calls("other");
    client.call("delete").refused(200, "capability_role_missing");
}

#[test]
fn userinfo_of_somebody_else_signs_nobody_in() {
    for answer in [
        json!({"sub": "mallory", "groups": ["support"]}).to_string(),
        json!({"groups": ["support"]}).to_string(),
        r#"{"sub":"mallory","groups":["support"],"sub":"alice"}"#.to_owned(),
    ] {
        let world = by_groups();
        world.idp.tells(200, &answer);
        signs_nobody_in(&world, 502, "login_userinfo_other_subject");
    }
}

#[test]
fn userinfo_that_cannot_be_used_signs_nobody_in() {
    let large = json!({"sub": "alice", "groups": ["support"], "more": "a".repeat(64 * 1024)}).to_string();
    for (status, answer, refused, reason) in [
        (200, "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.", 502, "login_userinfo_malformed"),
        (200, "[]", 502, "login_userinfo_malformed"),
        (200, &large, 503, "login_unavailable"),
        (302, "", 502, "login_userinfo_refused"),
        (401, "{}", 502, "login_userinfo_refused"),
        (403, "{}", 502, "login_userinfo_refused"),
        (429, "{}", 503, "login_unavailable"),
        (500, "{}", 503, "login_unavailable"),
    ] {
        let world = by_groups();
        world.idp.tells(status, answer);
        signs_nobody_in(&world, refused, reason);
    }
}

#[test]
fn roles_of_a_token_that_nobody_verified_are_not_looked_at() {
    let world = by_groups();
    world.idp.says(json!({"groups": ["support"]}));
    world.idp.tells(200, &json!({"sub": "alice", "groups": ["support"]}));
    world.idp.signs_with.set(Key { secret: 8, ..Key::default() });
    signs_nobody_in(&world, 502, "id_token_wrong_signature");
    assert!(world.sent().iter().all(|sent| sent.url.path() != "/userinfo"), "and nobody is asked about them");
}

#[test]
fn what_is_no_list_of_roles_gives_none() {
    for groups in [
        json!({"support": true}),
        json!([["support"]]),
        json!([{"name": "support"}]),
        json!("support other"),
        json!(["Support", " support", "support\n"]),
        json!(null),
    ] {
        let world = by_groups();
        world.idp.says(json!({ "groups": groups }));
        gives_no_role(&world);
    }
}

#[test]
fn a_claim_that_is_there_twice_gives_no_role() {
    let world = by_groups();
    world.idp.tells(200, r#"{"sub":"alice","groups":["support"],"groups":["support"]}"#);
    gives_no_role(&world);
}

#[test]
fn a_map_gives_nothing_that_it_does_not_name() {
    let world = guarded(json!({"claim": "groups", "map": {"0f3c": "support"}}));
    world.idp.says(json!({"groups": ["support", "0F3C", "0f3c ", "__proto__"]}));
    gives_no_role(&world);
}
