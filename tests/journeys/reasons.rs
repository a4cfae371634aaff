//! Refusals that no other story meets, provoked for their reason alone: the world compares it in the answer, in the log
//! and in what is counted (`world::one_reason`).
//!
//! Not here: what such a refusal protects, which unit tests beside each rule show.

use serde_json::{Value, json};

use crate::world::{ADMIN_TOKEN, World};

#[test]
fn messages_that_are_none_have_one_reason_everywhere() {
    let world = World::new();
    let client = world.client("claude").connects("alice").initializes();
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    let initialize = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}});
    let refused = |message: &Value, revision: &str, reason: &str| {
        let asked = world.request("POST", &client.resource()).bearer(&client.access).json(message);
        asked.header("mcp-protocol-version", revision).send().refused(400, reason);
    };
    for (message, reason) in [
        (json!(1), "not_an_object"),
        (json!({"jsonrpc": "2.0", "id": {}, "method": "ping"}), "invalid_id"),
        (json!({"jsonrpc": "2.0", "id": 1, "method": 1}), "invalid_method"),
        (json!({"jsonrpc": "2.0", "id": 1}), "shapeless_message"),
    ] {
        refused(&message, "2025-11-25", reason);
    }
    refused(&json!([]), "2025-03-26", "batch_size");
    refused(&json!([initialize, call]), "2025-03-26", "batch_initialize");
}

#[test]
fn token_requests_that_are_none_have_one_reason_everywhere() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    let ask = |body: &str| {
        let asked = world.request("POST", "/oauth/token");
        asked.body("application/x-www-form-urlencoded", body.replace("$ID", &client.id)).send()
    };
    for (body, reason) in [
        ("grant_type=a&grant_type=b", "form_malformed"),
        ("grant_type=password&client_id=$ID", "grant_type_unsupported"),
        ("grant_type=refresh_token&refresh_token=x&client_id=$ID&scope=%22", "scope_malformed"),
        ("grant_type=refresh_token&refresh_token=x&client_id=$ID&resource=a&resource=b", "resource_ambiguous"),
    ] {
        ask(body).refused(400, reason);
    }
    let twice = world.request("POST", "/oauth/token").header("authorization", "Basic YTpi");
    twice
        .form(&[("grant_type", "refresh_token"), ("client_id", "a"), ("client_secret", "b"), ("refresh_token", "x")])
        .send()
        .refused(400, "client_auth_twice");
    let other = world.request("POST", "/oauth/token").header("authorization", "Basic YTpi");
    other
        .form(&[("grant_type", "refresh_token"), ("client_id", "c"), ("refresh_token", "x")])
        .send()
        .refused(400, "client_ids_differ");
}

#[test]
fn what_operators_and_browsers_get_wrong_has_one_reason_everywhere() {
    let world = World::new();
    let operator = |method: &str, path: &str| world.request(method, path).bearer(ADMIN_TOKEN);
    operator("PUT", "/admin/config").body("application/json", [0xff]).send().refused(400, "body_not_utf8");
    operator("POST", "/admin/servers/demo/connection").send().refused(409, "server_not_shared");
    let mut client = world.client("claude").registers();
    client.authorization(|parameters| parameters.retain(|(name, _)| *name != "redirect_uri"));
    let odd = json!({"redirect_uris": ["no uri"], "token_endpoint_auth_method": "none"});
    world.request("POST", "/oauth/register").json(&odd).send().refused(400, "registration_redirect_uri");
}
