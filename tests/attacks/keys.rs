//! API keys in the wrong hands, in the wrong place, or after their end.
//!
//! Not here: what a good key does (`journeys`).

use mcp_edge_gateway::oauth::api_key::text::mint;
use serde_json::{Value, json};

use crate::world::answer::Answer;
use crate::world::client::Client;
use crate::world::{ADMIN_TOKEN, Asking, DAY, HOUR, KEY_1, KEY_2, World};

const PAGE: &str = "/connections";

fn with_keys() -> World {
    World::configured(|config| config["accepts"] = json!(["own", "keys"]))
}

fn call() -> Value {
    let params = json!({"name": "echo", "arguments": {}});
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
}

fn asking(world: &World, path: &str, key: &str) -> Asking {
    world.request("POST", path).header("x-api-key", key).json(&call())
}

fn at(world: &World, server: &str, key: &str) -> Answer {
    asking(world, &format!("/v1/mcp/{server}"), key).send()
}

/// A person asks for a key for the server "demo".
fn makes_key(client: &mut Client) -> Answer {
    client.browser.goes_to(PAGE);
    let mut form = client.browser.forms(PAGE).into_iter().find(|form| form.fields.contains_key("name")).unwrap();
    for (name, value) in [("name", "CI"), ("days", "90"), ("server:demo", "on"), ("action", "make_key")] {
        form.fields.insert(name.to_owned(), value.to_owned());
    }
    client.browser.submits(&form).clone()
}

fn key_of(client: &mut Client) -> String {
    let page = makes_key(client).with(200).text();
    let key = page.split("<code>mcpg_key_").nth(1).and_then(|rest| rest.split('<').next());
    format!("mcpg_key_{}", key.unwrap_or(&page))
}

fn service(world: &World, wanted: &Value) -> Value {
    world.request("POST", "/admin/keys").bearer(ADMIN_TOKEN).json(wanted).send().with(201).json()
}

#[test]
fn a_flood_of_keys_that_are_made_up_costs_nothing_or_one_look_each() {
    let world = with_keys();
    for server in ["demo", "mail"] {
        at(&world, server, "x").refused(401, "api_key_malformed");
    }
    let made_up = mint([9; 32]).expose().to_owned();
    let mut mistyped = made_up.clone();
    mistyped.replace_range(20..21, if mistyped.get(20..21) == Some("a") { "b" } else { "a" });
    let uses = world.uses_of(|| at(&world, "demo", &mistyped).refused(401, "api_key_malformed"));
    assert_eq!((uses.directory, uses.ledger, uses.fetches), (0, 0, 0));
    let uses = world.uses_of(|| at(&world, "demo", &made_up).refused(401, "api_key_unknown"));
    assert_eq!((uses.directory, uses.writes, uses.ledger, uses.fetches), (1, 0, 0, 0));
    let uses = world.uses_of(|| {
        for server in ["demo", "mail"] {
            at(&world, server, &made_up).refused(401, "api_key_unknown");
        }
    });
    assert_eq!(uses.directory, 0, "and it is remembered for a while that it is none");
}

#[test]
fn a_key_that_ends_like_another_is_not_taken_for_it() {
    let world = with_keys();
    let key = key_of(&mut world.client("claude").connects("alice"));
    at(&world, "demo", &key).with(200);
    let alike = format!("mcpg_key_{}{}", "0".repeat(33), key.get(42..).unwrap());
    at(&world, "demo", &alike).refused(401, "api_key_malformed");
    for other in [
        key.to_uppercase(),
        key.replace("mcpg_key_", "mcpg_rt_"),
        format!("{key}\u{a0}"),
        key.get(..57).unwrap().to_owned(),
    ] {
        if other.is_ascii() {
            at(&world, "demo", &other).refused(401, "api_key_malformed");
        }
    }
}

#[test]
fn a_key_of_one_server_is_worth_nothing_at_another() {
    let world = with_keys();
    let key = key_of(&mut world.client("claude").connects("alice"));
    at(&world, "mail", &key).refused(403, "api_key_wrong_server");
    assert!(world.sent().iter().all(|sent| sent.url.host_str() != Some("mail.example")), "nothing was asked there");
}

#[test]
fn a_service_key_is_no_person() {
    let (world, guarded) = World::guarded();
    world.reconfigure(|config| config["accepts"] = json!(["own", "keys"]));
    world.connected("alice", "alice's token");
    guarded.wants("alice's token");
    let made = service(&world, &json!({"name": "dev:alice", "expires_in_days": 1}));
    let key = made["key"].as_str().unwrap();
    at(&world, "docs", key).refused(403, "service_key_needs_person");
    assert!(guarded.was_asked().is_empty());
    let answer = asking(&world, "/connections", key).send();
    assert_ne!(answer.status, 200, "{}", answer.shown());
    world.request("GET", "/admin/keys").bearer(key).send().refused(401, "operator_token_required");
}

#[test]
fn a_key_in_an_address_is_refused_whatever_it_is_called() {
    let world = with_keys();
    let key = key_of(&mut world.client("claude").connects("alice"));
    for name in ["api_key", "access_token", "x-api-key", "key", "anything"] {
        let path = format!("/v1/mcp/demo?{name}={key}");
        world.request("POST", &path).json(&call()).send().refused(400, "api_key_in_url");
        asking(&world, &path, &key).send().refused(400, "api_key_in_url");
    }
    assert!(world.platform.journal.borrow().iter().all(|line| !line.contains(&key)), "and is in no log");
}

#[test]
fn two_headers_that_differ_are_refused() {
    let world = with_keys();
    let mut alice = world.client("claude").connects("alice");
    let key = key_of(&mut alice);
    let other = key_of(&mut alice);
    for bearer in [&other, &alice.access, "Bearer"] {
        asking(&world, "/v1/mcp/demo", &key).bearer(bearer).send().refused(400, "credentials_differ");
    }
    asking(&world, "/v1/mcp/demo", &key)
        .header("authorization", "Basic eDp5")
        .send()
        .refused(401, "token_scheme_unsupported");
    asking(&world, "/v1/mcp/demo", &key).header("x-api-key", &key).send().refused(400, "authorization_malformed");
    let foreign = asking(&world, "/v1/mcp/demo", "the server's own").header("x-api-key", "and another");
    foreign.bearer(&alice.access).send().with(200);
    let without_keys = World::new();
    at(&without_keys, "demo", "the server's own").refused(401, "token_missing");
    at(&without_keys, "demo", &key).refused(401, "api_key_not_accepted");
}

#[test]
fn the_keys_of_a_person_end_with_everything_else_of_theirs() {
    let world = with_keys();
    let late = world.elsewhere();
    let mut alice = late.client("claude").connects("alice");
    let key = key_of(&mut alice);
    at(&late, "demo", &key).with(200);
    let bob = key_of(&mut world.client("cursor").connects("bob"));
    world.passes(1);
    let done = world.request("DELETE", "/admin/subjects/dev:alice").bearer(ADMIN_TOKEN).send().with(200).json();
    assert_eq!(done["keys"], 1);
    world.passes(1);
    // The isolate has not heard of it, and the account has.
    makes_key(&mut alice).refused(403, "api_key_revoked_meanwhile");
    world.passes(30);
    at(&late, "demo", &key).refused(401, "api_key_revoked");
    at(&world.elsewhere(), "demo", &key).refused(401, "api_key_unknown");
    at(&world, "demo", &bob).with(200);
}

#[test]
fn a_key_whose_list_was_lost_ends_with_its_person_all_the_same() {
    let world = with_keys();
    let key = key_of(&mut world.client("claude").connects("alice"));
    world.platform.accounts.borrow_mut().clear();
    world.passes(1);
    world.request("DELETE", "/admin/subjects/dev:alice").bearer(ADMIN_TOKEN).send().refused(404, "no_such_subject");
    at(&world, "demo", &key).refused(401, "api_key_revoked");
    world.passes(89 * DAY);
    at(&world.elsewhere(), "demo", &key).refused(401, "api_key_revoked");
}

#[test]
fn nobody_ends_or_makes_the_keys_of_another_person() {
    let world = with_keys();
    let mut alice = world.client("claude").connects("alice");
    let key = key_of(&mut alice);
    let mut bob = world.client("cursor").connects("bob");
    alice.browser.goes_to(PAGE);
    let theirs = alice.browser.forms(PAGE).into_iter().find(|form| form.fields.contains_key("key")).unwrap();
    bob.browser.goes_to(PAGE);
    let mut form = bob.browser.forms(PAGE).into_iter().find(|form| form.fields.contains_key("name")).unwrap();
    form.fields.insert("key".to_owned(), theirs.fields["key"].clone());
    form.fields.insert("action".to_owned(), "revoke_key".to_owned());
    bob.browser.submits(&form);
    at(&world, "demo", &key).with(200);
    let mut forged = theirs;
    forged.fields.insert("action".to_owned(), "revoke_key".to_owned());
    bob.browser.submits(&forged).refused(400, "connections_form_gone");
    let elsewhere =
        [("form", forged.fields["form"].as_str()), ("action", "make_key"), ("every_server", "on"), ("days", "90")];
    let posted = world.request("POST", PAGE).cookies(&alice.browser.cookie_header());
    posted.header("origin", "https://evil.example").form(&elsewhere).send().refused(403, "form_from_elsewhere");
    at(&world, "demo", &key).with(200);
}

#[test]
fn a_record_that_is_moved_to_another_key_opens_nothing() {
    let world = with_keys();
    let made = service(&world, &json!({"name": "CI", "expires_in_days": 90}));
    at(&world, "demo", made["key"].as_str().unwrap()).with(200);
    let own = mint([5; 32]);
    let stored = |world: &World| {
        let directory = world.platform.directory.borrow();
        directory
            .iter()
            .find(|(name, _)| name.starts_with("api-key:"))
            .map(|(name, value)| (name.clone(), value.clone()))
            .unwrap()
    };
    let (_, (sealed, until)) = stored(&world);
    assert!(!sealed.contains("mcpg_key_") && !sealed.contains("key:"), "{sealed}");
    world.platform.directory.borrow_mut().insert(format!("api-key:{}", own.digest().as_str()), (sealed, until));
    at(&world, "demo", own.expose()).refused(401, "api_key_unknown");
}

#[test]
fn nothing_of_a_key_is_readable_at_rest_in_logs_or_in_answers() {
    let world = with_keys();
    let mut alice = world.client("claude").connects("alice");
    let key = key_of(&mut alice);
    at(&world, "demo", &key).with(200);
    let refused = at(&world, "mail", &key);
    let random = key.get(9..40).unwrap();
    let platform = &world.platform;
    let mut kept: Vec<String> = platform.directory.borrow().values().map(|(value, _)| value.clone()).collect();
    kept.extend(platform.accounts.borrow().values().cloned());
    kept.extend(platform.journal.borrow().iter().cloned());
    kept.push(refused.text());
    kept.push(alice.browser.goes_to(PAGE).text());
    assert!(kept.iter().all(|text| !text.contains(random)));
    let line = platform.journal.borrow().iter().find(|line| line.contains("user_key")).cloned().unwrap();
    assert!(line.contains("\"subject\":\"dev:alice\""), "{line}");
}

#[test]
fn while_storage_is_away_no_key_is_let_through() {
    let world = with_keys();
    let key = key_of(&mut world.client("claude").connects("alice"));
    at(&world, "demo", &key).with(200);
    world.passes(31);
    world.platform.directory_down.set(true);
    for isolate in [&world, &world.elsewhere()] {
        let answer = at(isolate, "demo", &key);
        assert_eq!(answer.status, 503, "{}", answer.shown());
    }
    world.platform.directory_down.set(false);
    at(&world, "demo", &key).with(200);
}

#[test]
fn a_put_that_comes_late_brings_no_revoked_key_back() {
    let world = with_keys();
    let made = service(&world, &json!({"name": "CI", "expires_in_days": 90}));
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    let before = world.platform.directory.borrow().clone();
    world.request("DELETE", &format!("/admin/keys?id={id}")).bearer(ADMIN_TOKEN).send().with(200);
    // A storage that still shows the record elsewhere for a minute.
    let record = before.into_iter().find(|(name, _)| name.starts_with("api-key:")).unwrap();
    world.platform.directory.borrow_mut().insert(record.0, record.1);
    at(&world.elsewhere(), "demo", key).refused(401, "api_key_revoked");
    world.passes(HOUR);
    at(&world.elsewhere(), "demo", key).refused(401, "api_key_revoked");
}

#[test]
fn sealing_anew_brings_no_key_back_that_is_revoked_meanwhile() {
    let world = with_keys();
    let made = service(&world, &json!({"name": "CI", "expires_in_days": 90}));
    let (id, key) = (made["id"].as_str().unwrap().to_owned(), made["key"].as_str().unwrap().to_owned());
    world.set_secret("KEY_RING", &format!("{KEY_1},{KEY_2}"));
    world.new_isolate();
    let there = world.elsewhere();
    let revokes = move || {
        let path = format!("/admin/keys?id={id}");
        there.request("DELETE", &path).bearer(ADMIN_TOKEN).send().with(200);
    };
    // While the call is at the server, before anything is sealed anew behind its reply.
    *world.platform.meanwhile.borrow_mut() = Some(Box::new(revokes));
    at(&world, "demo", &key).with(200);
    world.passes(2 * HOUR);
    at(&world.elsewhere(), "demo", &key).refused(401, "api_key_unknown");
    assert!(world.platform.directory.borrow().keys().all(|name| !name.starts_with("api-key:")));
}
