//! Programs that reach for what is not theirs, and others who reach for what is a program's.
//!
//! Not here: what a good one does (`journeys`).

use serde_json::{Value, json};

use crate::world::World;
use crate::world::answer::Answer;

const DEMO: &str = "http://localhost:8787/v1/mcp/demo";

fn world() -> World {
    let world = World::bare("http://localhost:8787");
    for (name, value) in [("CI_SECRET", "s3cret"), ("BOT_SECRET", "an0ther")] {
        world.set_secret(name, value);
    }
    let machine = |id: &str, secret: &str, server: &str, scopes: Value| {
        let machine = json!({"servers": [server], "scopes": scopes});
        json!({"client_id": id, "client_secret": {"secret": secret}, "machine": machine})
    };
    let config = json!({
        "login": {"kind": "dev"},
        "scopes": {"tools:write": {"title": "Change things"}},
        "clients": {"preregistered": [
            machine("ci", "CI_SECRET", "demo", json!([])),
            machine("bot", "BOT_SECRET", "mail", json!(["tools:write"])),
        ]},
        "servers": {
            "demo": {"url": "https://demo.example/mcp", "auth": {"kind": "none"}},
            "mail": {"url": "https://mail.example/mcp", "auth": {"kind": "none"}},
        },
    });
    world.configure(&config).with(200);
    world
}

fn ask(world: &World, client: &str, secret: &str, fields: &[(&str, &str)]) -> Answer {
    let mut form = vec![("grant_type", "client_credentials"), ("client_id", client), ("client_secret", secret)];
    form.extend(fields);
    world.request("POST", "/oauth/token").form(&form).send()
}

fn token(world: &World) -> String {
    ask(world, "ci", "s3cret", &[]).with(200).json()["access_token"].as_str().unwrap().to_owned()
}

fn call(world: &World, server: &str, token: &str) -> Answer {
    let params = json!({"name": "echo", "arguments": {}});
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    world.request("POST", &format!("/v1/mcp/{server}")).bearer(token).json(&message).send()
}

#[test]
fn another_ones_secret_server_or_scope_is_no_use() {
    let world = world();
    ask(&world, "ci", "an0ther", &[]).refused(401, "client_secret_wrong");
    ask(&world, "ci", "", &[]).refused(401, "client_secret_missing");
    ask(&world, "ci", "s3cret", &[("resource", "http://localhost:8787/v1/mcp/mail")])
        .refused(400, "machine_wrong_server");
    ask(&world, "ci", "s3cret", &[("resource", DEMO), ("scope", "mcp:tools tools:write")])
        .refused(400, "machine_scope_exceeded");
    call(&world, "mail", &token(&world)).refused(401, "token_wrong_audience");
}

#[test]
fn a_client_that_registers_itself_is_no_machine() {
    let world = world();
    let registered = json!({"client_name": "ci", "redirect_uris": ["https://evil.example/cb"],
        "grant_types": ["client_credentials", "authorization_code"], "token_endpoint_auth_method": "client_secret_post"});
    let client = world.request("POST", "/oauth/register").json(&registered).send().with(201).json();
    let text = |name: &str| client[name].as_str().unwrap().to_owned();
    let form = [("resource", DEMO)];
    ask(&world, &text("client_id"), &text("client_secret"), &form).refused(400, "machine_not_allowed");
}

#[test]
fn nobody_signs_in_by_a_machine() {
    let world = world();
    let query = "response_type=code&client_id=ci&redirect_uri=https%3A%2F%2Fevil.example%2Fcb&code_challenge_method=S256\
                 &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&resource=http%3A%2F%2Flocalhost%3A8787%2Fv1%2Fmcp%2Fdemo";
    world.get(&format!("/oauth/authorize?{query}")).refused(400, "redirect_uri_unregistered");
}

#[test]
fn what_was_issued_ends_with_the_client_also_where_another_isolate_remembers_it() {
    let world = world();
    let other = world.elsewhere();
    let token = token(&world);
    call(&other, "demo", &token).with(200);
    world.reconfigure(|config| config["clients"]["preregistered"] = json!([]));
    world.passes(61);
    call(&other, "demo", &token).refused(401, "machine_not_allowed");
}

#[test]
fn a_program_revokes_only_its_own() {
    let world = world();
    let token = token(&world);
    let form = [("token", token.as_str()), ("client_id", "bot"), ("client_secret", "an0ther")];
    world.request("POST", "/oauth/revoke").form(&form).send().with(200);
    call(&world, "demo", &token).with(200);
    assert!(world.platform.grants.borrow().is_empty(), "nothing is stored of what a program has");
}
