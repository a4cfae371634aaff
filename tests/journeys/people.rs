//! People as the operator knows them: by the id that is shown to them, and by the address they sign in with.
//!
//! Not here: what revoking ends (`revoking`).

use serde_json::{Value, json};

use crate::world::answer::Answer;
use crate::world::{ADMIN_TOKEN, DAY, World};

fn finds(world: &World, query: &str) -> Answer {
    world.request("GET", &format!("/admin/subjects{query}")).bearer(ADMIN_TOKEN).send()
}

fn revokes(world: &World, subject: &str) -> Answer {
    world.request("DELETE", &format!("/admin/subjects/{subject}")).bearer(ADMIN_TOKEN).send()
}

fn kept(world: &World) -> Vec<String> {
    let directory = world.platform.directory.borrow();
    directory.iter().filter(|(key, _)| key.starts_with("person:")).map(|(_, (value, _))| value.clone()).collect()
}

fn world() -> World {
    World::configured(|config| {
        config["login"]["accounts"] = json!([
            {"subject": "alice", "name": "Alice", "email": "Alice@Example.com"},
            {"subject": "other", "name": "Alice too", "email": "alice@example.com"},
            {"subject": "bob", "name": "Bob", "email": "bob+work@example.com"},
            {"subject": "nameless"},
        ]);
    })
}

#[test]
fn a_person_reads_the_id_that_the_operator_revokes_them_by() {
    let world = world();
    let client = world.client("claude").registers().authorizes().signs_in("alice");
    let page = client.browser.shows.text();
    assert!(page.contains("<code>dev:alice</code>") && page.contains("<code>Alice@Example.com</code>"), "{page}");
    let mut client = client.consents().redeems();
    let page = client.browser.goes_to("/connections").text();
    assert!(page.contains("<code>dev:alice</code>"), "{page}");
    world.passes(1);
    assert_eq!(revokes(&world, "dev%3Aalice").with(200).json()["grants"], 1);
    client.call("echo").refused(401, "token_revoked");
}

#[test]
fn an_operator_finds_people_by_their_address() {
    let world = world();
    let _ = world.client("one").connects("alice");
    world.passes(DAY);
    let _ = world.client("two").connects("other");
    let _ = world.client("three").connects("bob");
    let _ = world.client("four").connects("nameless");
    let alice = json!({"subject": "dev:alice", "name": "Alice", "at": 1_900_000_000});
    let other = json!({"subject": "dev:other", "name": "Alice too", "at": 1_900_000_000 + DAY});
    for query in ["?q=alice@example.com", "?q=ALICE%40example.com", "?q=%20alice@example.com"] {
        let found = finds(&world, query).with(200).json();
        assert_eq!(found, json!({"email": "alice@example.com", "subjects": [alice, other]}), "{query}");
    }
    assert_eq!(finds(&world, "?q=bob+work@example.com").with(200).json()["subjects"][0]["subject"], "dev:bob");
    for nobody in ["?q=bob@example.com", "?q=alice", "?q=dev:alice"] {
        assert_eq!(finds(&world, nobody).with(200).json()["subjects"], json!([]), "{nobody}");
    }
    for nothing in ["", "?q=", "?q=%20", "?email=alice@example.com"] {
        finds(&world, nothing).refused(400, "subject_query_missing");
    }
    let asks = world.request("GET", "/admin/subjects?q=alice@example.com");
    asks.clone().send().refused(401, "operator_token_required");
    asks.bearer("another").send().refused(401, "operator_token_required");
}

#[test]
fn an_operator_is_told_where_more_people_had_an_address_than_are_remembered() {
    let subject = |n: u32| json!({"subject": format!("p{n}"), "name": "P", "email": "team@example.com"});
    let world = World::configured(|config| {
        config["login"]["accounts"] = (0..33).map(subject).collect();
    });
    let comes = |n: u32| {
        let _ = world.client("claude").registers().authorizes().signs_in(&format!("p{n}"));
        finds(&world, "?q=team@example.com").with(200).json()
    };
    let found = (0..32).map(comes).fold(json!(null), |_, found| found);
    assert!(found.get("incomplete").is_none() && found["subjects"].as_array().unwrap().len() == 32, "{found}");
    let found = comes(32);
    assert_eq!(found["subjects"].as_array().unwrap().len(), 32);
    assert!(found["incomplete"].as_str().unwrap().contains("are missing"), "{found}");
}

#[test]
fn what_is_noted_is_sealed_and_written_only_when_it_changed() {
    let world = world();
    let client = world.client("one").registers().authorizes();
    assert!(kept(&world).is_empty(), "nobody has signed in yet");
    let _ = client.signs_in("alice");
    let first = kept(&world);
    assert_eq!(first.len(), 1);
    assert!(!first[0].contains("alice") && !first[0].contains("Alice"), "{first:?}");
    world.passes(DAY);
    let _ = world.client("two").connects("alice");
    assert_eq!(kept(&world), first);
    world.passes(30 * DAY);
    let _ = world.client("three").connects("alice");
    assert_ne!(kept(&world), first, "or it would be forgotten while she still comes");
}

#[test]
fn a_name_that_is_nobodys_is_not_found_and_revoked_all_the_same() {
    let world = world();
    let client = world.client("claude").connects("alice").calls("echo");
    world.passes(1);
    let answer = revokes(&world, "Alice@Example.com");
    answer.refused(404, "no_such_subject");
    assert!(answer.text().contains("/admin/subjects?q="), "{}", answer.text());
    revokes(&world, "Alice@Example.com").refused(404, "no_such_subject");
    client.call("echo").with(200);
    // Of somebody who has only signed in nothing is known either, but their session ends.
    let signed_in = world.client("cursor").registers().authorizes().signs_in("bob");
    world.passes(1);
    revokes(&world, "dev%3Abob").refused(404, "no_such_subject");
    assert!(signed_in.authorizes().must_sign_in());
    // Said again of somebody who was known, it is no mistake.
    assert_eq!(revokes(&world, "dev%3Aalice").with(200).json(), done(1));
    assert_eq!(revokes(&world, "dev%3Aalice").with(200).json(), done(0));
}

fn done(grants: u32) -> Value {
    json!({"subject": "dev:alice", "grants": grants, "keys": 0, "agents": 0, "connections": 0})
}
