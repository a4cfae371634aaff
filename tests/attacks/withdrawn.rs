//! Clients that the operator no longer wants: what they registered before the configuration was tightened.
//!
//! Not here: what may be registered at all (unit tests of `oauth::redirect_policy`).

use serde_json::json;

use crate::world::World;
use crate::world::client::Client;

fn only(world: &World, pattern: &str) {
    world.reconfigure(|config| config["clients"] = json!({"redirect_patterns": [pattern]}));
    world.passes(60);
}

#[track_caller]
fn is_unknown(client: &Client) {
    client.clone().authorization(|_| ()).refused(400, "client_unknown");
}

#[test]
fn a_redirect_uri_that_no_pattern_fits_any_more_is_of_no_use() {
    let world = World::public(|_| ());
    let (fresh, used) = (world.client("fresh").registers(), world.client("used").connects("alice"));
    let kept = world.client("kept").registers();
    only(&world, "https://kept.example/*");
    is_unknown(&fresh);
    is_unknown(&used);
    used.refreshing(used.refresh.as_deref().unwrap()).refused(401, "client_unknown");
    kept.authorizes().signs_in("alice").consents().redeems().calls("echo");
    // Nor in an isolate that remembers it, nor once its id has run out and only the record is left.
    let used = world.client("kept").connects("alice");
    world.passes(26 * 3600);
    let used = used.refreshes();
    only(&world, "https://other.example/*");
    is_unknown(&used);
}

#[test]
fn of_several_redirect_uris_those_stay_that_a_pattern_fits() {
    let world = World::public(|_| ());
    let metadata = json!({"redirect_uris": ["https://a.example/cb", "https://b.example/cb"], "token_endpoint_auth_method": "none"});
    let id = world.request("POST", "/oauth/register").json(&metadata).send().with(201).json()["client_id"].clone();
    let client = world.client("both").with_id(id.as_str().unwrap());
    only(&world, "https://a.example/*");
    client
        .clone()
        .comes_back_at("https://b.example/cb")
        .authorization(|_| ())
        .refused(400, "redirect_uri_unregistered");
    client.comes_back_at("https://a.example/cb").authorizes().signs_in("alice").consents().redeems();
}

#[test]
fn once_nobody_registers_any_more_only_clients_that_were_used_go_on() {
    let world = World::public(|_| ());
    let (unused, used) = (world.client("unused").registers(), world.client("used").connects("alice"));
    let long = json!({"client_name": "n".repeat(150), "redirect_uris": (0..8).map(|n| format!("https://long.example/{n}{}", "p".repeat(150))).collect::<Vec<_>>()});
    let id = world.request("POST", "/oauth/register").json(&long).send().with(201).json()["client_id"].clone();
    let stored = world.client("long").with_id(id.as_str().unwrap());
    let stored = stored.comes_back_at(&format!("https://long.example/0{}", "p".repeat(150)));
    assert!(stored.clone().authorizes().must_sign_in());
    world.reconfigure(|config| config["clients"] = json!({"dynamic_registration": false}));
    world.passes(60);
    is_unknown(&unused);
    is_unknown(&stored);
    used.refreshes().calls("echo").authorizes().consents().redeems().calls("echo");
}
