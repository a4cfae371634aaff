//! The introspection endpoint in the hands of who may not ask: it tells nothing, and costs nothing.
//!
//! Not here: what it tells those who may (`journeys`).

use serde_json::{Value, json};

use crate::world::answer::Answer;
use crate::world::{ADMIN_TOKEN, World};

fn world() -> World {
    let world = World::new();
    world.set_secret("RS_SECRET", "s3cret");
    world.reconfigure(|config| {
        let secret = json!({"secret": "RS_SECRET"});
        config["accepts"] = json!(["own", "keys"]);
        config["clients"] = json!({"preregistered": [
            {"client_id": "demo-rs", "client_secret": secret, "introspects": ["demo"]},
            {"client_id": "mail-rs", "client_secret": secret, "introspects": ["mail"]},
            {"client_id": "app", "client_secret": secret, "redirect_uris": ["https://app.example/cb"]},
        ]});
    });
    world
}

fn ask(world: &World, client: &str, secret: &str, token: &str) -> Answer {
    let form = [("token", token), ("client_id", client), ("client_secret", secret)];
    world.request("POST", "/oauth/introspect").form(&form).send()
}

fn said(world: &World, client: &str, token: &str) -> Value {
    ask(world, client, "s3cret", token).with(200).json()
}

#[test]
fn a_resource_server_hears_of_no_token_that_is_for_another() {
    let world = world();
    let client = world.client("claude").connects("alice");
    assert_eq!(said(&world, "demo-rs", &client.access)["active"], true);
    assert_eq!(said(&world, "mail-rs", &client.access), json!({"active": false}));
    let key = json!({"name": "CI", "servers": ["demo"], "expires_in_days": 30});
    let key = world.request("POST", "/admin/keys").bearer(ADMIN_TOKEN).json(&key).send().with(201).json();
    let key = key["key"].as_str().unwrap();
    assert_eq!(said(&world, "mail-rs", key), json!({"active": false}));
    assert_eq!(said(&world, "demo-rs", key)["active"], true);
    assert_eq!(said(&world, "demo-rs", client.refresh.as_ref().unwrap()), json!({"active": false}));
}

#[test]
fn a_key_of_all_servers_names_no_server_of_anothers() {
    let world = world();
    let key = json!({"name": "CI", "expires_in_days": 30});
    let key = world.request("POST", "/admin/keys").bearer(ADMIN_TOKEN).json(&key).send().with(201).json();
    let told = said(&world, "demo-rs", key["key"].as_str().unwrap());
    assert_eq!(told["aud"], json!(["http://localhost:8787/v1/mcp/demo"]));
}

#[test]
fn whoever_may_not_ask_is_told_nothing_of_any_token() {
    let world = world();
    let client = world.client("claude").connects("alice");
    for token in [client.access.as_str(), "made up"] {
        ask(&world, "demo-rs", "wrong", token).refused(401, "client_secret_wrong");
        ask(&world, "demo-rs", "", token).refused(401, "client_secret_missing");
        ask(&world, "app", "s3cret", token).refused(403, "introspection_not_allowed");
        // Its own token, and a public client: that one proves nothing.
        ask(&world, &client.id, "", token).refused(403, "introspection_not_allowed");
        let form = [("token", token)];
        world.request("POST", "/oauth/introspect").form(&form).send().refused(401, "client_missing");
        let bearer = world.request("POST", "/oauth/introspect").bearer(&client.access).form(&form);
        bearer.send().refused(401, "operator_token_required");
    }
    let basic = world.request("POST", "/oauth/introspect").header("authorization", "Basic ZGVtby1yczpzM2NyZXQ=");
    basic.form(&[]).send().refused(400, "parameter_missing");
    world.get("/oauth/introspect").refused(405, "method_not_allowed");
}

#[test]
fn what_was_made_up_asks_nothing_of_storage() {
    let world = world();
    let client = world.client("claude").connects("alice");
    said(&world, "demo-rs", "x");
    let (first, last) = client.access.split_at(client.access.len() - 4);
    let forged = format!("{first}{}", if last == "AAAA" { "BBBB" } else { "AAAA" });
    let refresh = format!("mcpg_rt_{}", "A".repeat(86));
    let key = format!("mcpg_key_{}", "A".repeat(49));
    for made_up in ["x", "a.b.c", &forged, &refresh, &key, &"A".repeat(20_000)] {
        let uses = world.uses_of(|| {
            let form = [("token", made_up)];
            let asking = world.request("POST", "/oauth/introspect").bearer(ADMIN_TOKEN).form(&form);
            assert_eq!(asking.send().with(200).json(), json!({"active": false}), "{made_up}");
        });
        assert_eq!((uses.directory, uses.ledger, uses.fetches), (0, 0, 0), "{made_up}");
    }
}

#[test]
fn an_address_asks_only_so_often() {
    let world = world();
    let form = [("token", "x"), ("client_id", "demo-rs"), ("client_secret", "guess")];
    let ask = || {
        let asking = world.request("POST", "/oauth/introspect").header("cf-connecting-ip", "203.0.113.7");
        asking.form(&form).send()
    };
    let uses = world.uses_of(|| ask().refused(401, "client_secret_wrong"));
    assert_eq!(uses.limiter, 1, "there is a limit where none is configured");
    world.reconfigure(|config| config["limits"] = json!({"token_per_address": 10}));
    world.passes(60);
    for _ in 0..10 {
        ask().refused(401, "client_secret_wrong");
    }
    ask().refused(429, "address_rate_limited");
}

#[test]
fn where_storage_cannot_be_asked_nothing_is_said_to_be_good() {
    let world = world();
    let client = world.client("claude").connects("alice");
    world.new_isolate();
    said(&world, "demo-rs", "x");
    world.platform.directory_down.set(true);
    ask(&world, "demo-rs", "s3cret", &client.access).refused(503, "storage_unavailable");
    world.platform.directory_down.set(false);
    world.platform.ledger_down.set(true);
    let form = [("token", client.refresh.as_deref().unwrap())];
    let asking = world.request("POST", "/oauth/introspect").bearer(ADMIN_TOKEN).form(&form);
    asking.send().refused(503, "storage_unavailable");
}
