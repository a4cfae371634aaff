//! Clients that are programs and act for no person (RFC 6749 §4.4): their token, what it allows, and its end.
//!
//! Not here: who reaches for what is not theirs (`attacks`), stock clients (`tests/e2e`).

use mcp_edge_gateway::gateway::StreamStanding;
use serde_json::{Value, json};

use crate::world::answer::Answer;
use crate::world::{ADMIN_TOKEN, World};

const DEMO: &str = "http://localhost:8787/v1/mcp/demo";
const MAIL: &str = "http://localhost:8787/v1/mcp/mail";

fn world() -> World {
    let world = World::bare("http://localhost:8787");
    world.set_secret("CI_SECRET", "s3cret");
    let config = json!({
        "login": {"kind": "dev"},
        "scopes": {"tools:write": {"title": "Change things"}, "tools:all": {"title": "Everything"}},
        "clients": {"preregistered": [
            {"client_id": "ci", "client_secret": {"secret": "CI_SECRET"}, "machine": {"servers": ["demo", "own"], "scopes": ["tools:write"], "roles": ["deployer"]}},
            {"client_id": "app", "client_secret": {"secret": "CI_SECRET"}, "redirect_uris": ["https://app.example/cb"]},
        ]},
        "servers": {
            "demo": {"url": "https://demo.example/mcp", "auth": {"kind": "none"}},
            "mail": {"url": "https://mail.example/mcp", "auth": {"kind": "none"}},
            "own": {"url": "https://own.example/mcp", "auth": {"kind": "oauth"}},
        },
    });
    world.configure(&config).with(200);
    world
}

fn ask(world: &World, client: &str, fields: &[(&str, &str)]) -> Answer {
    let mut form = vec![("grant_type", "client_credentials"), ("client_id", client), ("client_secret", "s3cret")];
    form.extend(fields);
    world.request("POST", "/oauth/token").form(&form).send()
}

fn token(world: &World) -> String {
    let answer = ask(world, "ci", &[("resource", DEMO)]).with(200).json();
    answer["access_token"].as_str().unwrap().to_owned()
}

fn call(world: &World, token: &str) -> Answer {
    let params = json!({"name": "echo", "arguments": {}});
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    world.request("POST", "/v1/mcp/demo").bearer(token).json(&message).send()
}

#[test]
fn a_program_gets_a_token_of_its_own_and_calls_with_it() {
    let world = world();
    let said = ask(&world, "ci", &[("resource", DEMO)]).with(200).json();
    assert_eq!((&said["scope"], said.get("refresh_token")), (&json!("mcp:tools tools:write"), None::<&Value>));
    let less = ask(&world, "ci", &[("resource", DEMO), ("scope", "mcp:tools")]).with(200).json();
    assert_eq!(less["scope"], "mcp:tools");
    call(&world, said["access_token"].as_str().unwrap()).with(200);
    let basic = "Basic Y2k6czNjcmV0"; // ci:s3cret
    let form = [("grant_type", "client_credentials"), ("resource", DEMO)];
    let asking = world.request("POST", "/oauth/token").header("authorization", basic).form(&form);
    call(&world, asking.send().with(200).json()["access_token"].as_str().unwrap()).with(200);
    let metadata = world.get("/.well-known/oauth-authorization-server").with(200).json();
    assert!(metadata["grant_types_supported"].as_array().unwrap().contains(&json!("client_credentials")));
}

#[test]
fn nobody_gets_more_than_the_operator_allows() {
    let world = world();
    let refused = |client: &str, fields: &[(&str, &str)], error: &str, reason: &str| {
        let answer = ask(&world, client, fields);
        answer.refused(400, reason);
        assert_eq!(answer.json()["error"], error);
    };
    refused("app", &[("resource", DEMO)], "unauthorized_client", "machine_not_allowed");
    refused("ci", &[("resource", MAIL)], "invalid_target", "machine_wrong_server");
    refused("ci", &[("resource", &DEMO.replace("demo", "own"))], "invalid_target", "machine_needs_person");
    refused("ci", &[("resource", DEMO), ("scope", "tools:all")], "invalid_scope", "machine_scope_exceeded");
    refused("ci", &[("resource", DEMO), ("scope", "offline_access")], "invalid_scope", "machine_scope_exceeded");
    refused("ci", &[], "invalid_target", "machine_wrong_server");
}

#[test]
fn a_token_ends_by_its_client_by_the_operator_and_by_the_configuration() {
    let world = world();
    let (one, other) = (token(&world), token(&world));
    let form = [("token", one.as_str()), ("client_id", "app"), ("client_secret", "s3cret")];
    world.request("POST", "/oauth/revoke").form(&form).send().with(200);
    call(&world, &one).with(200);
    let form = [("token", one.as_str()), ("client_id", "ci"), ("client_secret", "s3cret")];
    world.request("POST", "/oauth/revoke").form(&form).send().with(200);
    call(&world, &one).refused(401, "token_revoked");
    call(&world, &other).with(200);
    let machine = "/clients/preregistered/0/machine";
    world.reconfigure(|config| config.pointer_mut(machine).unwrap()["scopes"] = json!([]));
    call(&world, &other).refused(401, "machine_scope_exceeded");
    world.reconfigure(|config| config.pointer_mut(machine).unwrap()["servers"] = json!(["mail"]));
    call(&world, &other).refused(403, "machine_wrong_server");
    world.reconfigure(|config| config["clients"] = json!({}));
    call(&world, &other).refused(401, "machine_not_allowed");
}

#[test]
fn an_operator_ends_what_a_program_has_and_it_may_come_back() {
    let world = world();
    let before = token(&world);
    let end = || world.request("DELETE", "/admin/subjects/machine%3Aci").bearer(ADMIN_TOKEN).send();
    assert_eq!(end().with(200).json()["subject"], "machine:ci");
    call(&world, &before).refused(401, "token_revoked");
    world.passes(1);
    call(&world, &token(&world)).with(200);
    let nobody = world.request("DELETE", "/admin/subjects/machine%3Anobody").bearer(ADMIN_TOKEN).send();
    nobody.refused(404, "no_such_subject");
}

#[test]
fn the_only_server_need_not_be_named_and_roles_come_from_the_operator() {
    let world = world();
    world.reconfigure(|config| {
        config["clients"]["preregistered"][0]["machine"]["servers"] = json!(["demo"]);
        config["servers"]["demo"]["require"] = json!([{"tools": ["echo"], "roles": ["deployer"]}]);
    });
    let said = ask(&world, "ci", &[]).with(200).json();
    call(&world, said["access_token"].as_str().unwrap()).with(200);
    world.reconfigure(|config| {
        config["clients"]["preregistered"][0]["machine"]["roles"] = json!(["other"]);
        config["servers"]["demo"]["require"] = json!([]);
    });
    call(&world, said["access_token"].as_str().unwrap()).refused(401, "machine_scope_exceeded");
}

#[test]
fn a_stream_ends_when_its_program_is_taken_out_of_the_configuration() {
    let world = world();
    let stream = || {
        let held = call(&world, &token(&world)).with(200).terms;
        held.expect("a stream")
    };
    world.outside_answers("https://demo.example", 200, &[("content-type", "text/event-stream")], "data: {}\n\n");
    let held = stream();
    assert!(matches!(world.look_at([&held])[0], StreamStanding::GoesOn(_)));
    world.reconfigure(|config| config["clients"] = json!({}));
    let ended = world.look_at([&held]).remove(0);
    let StreamStanding::Ends(event) = ended else { panic!("it goes on: {ended:?}") };
    assert!(String::from_utf8(event).unwrap().contains("machine_not_allowed"));
}

#[test]
fn a_server_that_wants_people_tells_a_program_so() {
    let world = world();
    let before = token(&world);
    world.reconfigure(|config| config["servers"]["demo"]["auth"] = json!({"kind": "oauth"}));
    call(&world, &before).refused(403, "machine_needs_person");
}

#[test]
fn the_log_and_the_counters_name_the_program() {
    let world = world();
    call(&world, &token(&world)).with(200);
    let line = world.platform.journal.borrow().last().cloned().unwrap();
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&line["subject"], &line["client"], &line["by"]),
        (&"machine:ci".into(), &"ci".into(), &"machine".into())
    );
}
