//! Resource servers and operators ask about tokens (RFC 7662): every kind that is issued, and its end.
//!
//! Not here: who asks about what is none of their business (`attacks`).

use serde_json::{Value, json};

use crate::world::answer::Answer;
use crate::world::{ADMIN_TOKEN, DAY, HOUR, World};

const DEMO: &str = "http://localhost:8787/v1/mcp/demo";
const AT_HOST: &str = "https://docs.example.com/mcp";

fn world() -> World {
    let world = World::new();
    world.set_secret("RS_SECRET", "s3cret");
    world.reconfigure(|config| {
        let secret = json!({"secret": "RS_SECRET"});
        config["accepts"] = json!(["own", "keys"]);
        config["clients"] = json!({"preregistered": [
            {"client_id": "demo-rs", "client_secret": secret, "introspects": ["demo"]},
            {"client_id": "ci", "client_secret": secret, "machine": {"servers": ["demo"]}},
        ]});
    });
    world
}

fn asked(world: &World, token: &str) -> Value {
    let form = [("token", token), ("client_id", "demo-rs"), ("client_secret", "s3cret")];
    world.request("POST", "/oauth/introspect").form(&form).send().with(200).json()
}

fn by_operator(world: &World, token: &str) -> Answer {
    world.request("POST", "/oauth/introspect").bearer(ADMIN_TOKEN).form(&[("token", token)]).send()
}

#[track_caller]
fn is_inactive(said: &Value) {
    assert_eq!(*said, json!({"active": false}));
}

#[test]
fn an_access_token_is_told_of_until_it_ends() {
    let world = world();
    let client = world.client("claude").connects("alice");
    let now = world.now();
    let said = asked(&world, &client.access);
    let told = json!({
        "active": true, "scope": "mcp:tools offline_access", "client_id": client.id, "sub": "dev:alice", "aud": DEMO,
        "iss": "http://localhost:8787", "token_type": "Bearer", "exp": now + HOUR, "iat": now,
        "jti": said["jti"], "auth_time": said["auth_time"],
    });
    assert_eq!(said, told);
    let answer = by_operator(&world, &client.access).with(200);
    assert_eq!((answer.json(), answer.header("cache-control")), (told, Some("no-store")));
    world.passes(HOUR);
    is_inactive(&asked(&world, &client.access));
}

#[test]
fn every_kind_ends_when_it_is_revoked() {
    let world = world();
    let client = world.client("claude").connects("alice");
    assert_eq!(asked(&world, &client.access)["active"], true);
    client.revocation(&client.access).with(200);
    is_inactive(&asked(&world, &client.access));
    is_inactive(&by_operator(&world, client.refresh.as_ref().unwrap()).with(200).json());
    let bob = world.client("cursor").connects("bob");
    let program = [("grant_type", "client_credentials"), ("client_id", "ci"), ("client_secret", "s3cret")];
    let program = world.request("POST", "/oauth/token").form(&program).send().with(200).json();
    let program = program["access_token"].as_str().unwrap();
    assert_eq!(asked(&world, program)["sub"], "machine:ci");
    world.passes(1);
    for subject in ["dev%3Abob", "machine%3Aci"] {
        world.request("DELETE", &format!("/admin/subjects/{subject}")).bearer(ADMIN_TOKEN).send().with(200);
    }
    is_inactive(&asked(&world, &bob.access));
    is_inactive(&by_operator(&world, bob.refresh.as_ref().unwrap()).with(200).json());
    is_inactive(&asked(&world, program));
}

#[test]
fn what_the_configuration_takes_away_is_inactive() {
    let world = world();
    let client = world.client("claude").connects("alice");
    let program = [("grant_type", "client_credentials"), ("client_id", "ci"), ("client_secret", "s3cret")];
    let program = world.request("POST", "/oauth/token").form(&program).send().with(200).json();
    let program = program["access_token"].as_str().unwrap();
    world.reconfigure(|config| {
        config["clients"]["preregistered"][1].as_object_mut().unwrap().remove("machine");
        config["clients"]["preregistered"][1]["introspects"] = json!(["mail"]);
    });
    is_inactive(&asked(&world, program));
    world.reconfigure(|config| config["servers"]["demo"]["path"] = json!("/moved/mcp"));
    is_inactive(&asked(&world, &client.access));
    is_inactive(&by_operator(&world, client.refresh.as_ref().unwrap()).with(200).json());
}

#[test]
fn a_token_for_a_host_of_its_own_is_told_of_like_one_for_the_path() {
    let world = World::public(|config| {
        let secret = json!({"secret": "CORP_SECRET"});
        config["servers"]["demo"]["host"] = json!("docs.example.com");
        config["clients"] = json!({"preregistered": [
            {"client_id": "demo-rs", "client_secret": secret, "introspects": ["demo"]},
            {"client_id": "ci", "client_secret": secret, "machine": {"servers": ["demo"]}},
        ]});
    });
    world.set_secret("CORP_SECRET", "s3cret");
    for resource in [AT_HOST, "https://mcp.example.com/v1/mcp/demo"] {
        let form = [("grant_type", "client_credentials"), ("client_id", "ci"), ("client_secret", "s3cret")];
        let form = [&form[..], &[("resource", resource)]].concat();
        let program = world.request("POST", "/oauth/token").form(&form).send().with(200).json();
        assert_eq!(asked(&world, program["access_token"].as_str().unwrap())["aud"], resource);
    }
}

#[test]
fn a_refresh_token_is_told_of_to_the_operator_and_not_used_by_that() {
    let world = world();
    let client = world.client("claude").connects("alice");
    let first = client.refresh.clone().unwrap();
    let said = by_operator(&world, &first).with(200).json();
    let told = (&said["active"], &said["sub"], &said["aud"], &said["exp"], said.get("token_type"));
    assert_eq!(told, (&json!(true), &json!("dev:alice"), &json!(DEMO), &json!(world.now() + 30 * DAY), None));
    is_inactive(&asked(&world, &first));
    let client = client.refreshes().refreshes();
    is_inactive(&by_operator(&world, &first).with(200).json());
    let current = client.refresh.clone().unwrap();
    assert_eq!(by_operator(&world, &current).with(200).json()["active"], true, "asking about a spent one ends nothing");
    world.reconfigure(|config| config["tokens"] = json!({"refresh_max_seconds": DAY}));
    world.passes(DAY);
    is_inactive(&by_operator(&world, &current).with(200).json());
}

#[test]
fn an_api_key_is_told_of_where_it_is_good() {
    let world = world();
    let wanted = json!({"name": "CI", "servers": ["demo"], "expires_in_days": 30});
    let made = world.request("POST", "/admin/keys").bearer(ADMIN_TOKEN).json(&wanted).send().with(201).json();
    let key = made["key"].as_str().unwrap();
    let said = asked(&world, key);
    let told = (&said["active"], &said["aud"], &said["scope"], &said["sub"], &said["exp"]);
    let end = json!(world.now() + 30 * DAY);
    let subject = json!(format!("key:{}", made["id"].as_str().unwrap()));
    assert_eq!(told, (&json!(true), &json!([DEMO]), &json!("mcp:tools"), &subject, &end));
    assert_eq!(by_operator(&world, key).with(200).json(), said);
    world.request("DELETE", &format!("/admin/keys?id={}", made["id"].as_str().unwrap())).bearer(ADMIN_TOKEN).send();
    is_inactive(&asked(&world, key));
    let made = world.request("POST", "/admin/keys").bearer(ADMIN_TOKEN).json(&wanted).send().with(201).json();
    world.passes(30 * DAY);
    is_inactive(&asked(&world, made["key"].as_str().unwrap()));
}

#[test]
fn metadata_names_the_endpoint_where_anybody_may_ask() {
    let world = world();
    let metadata = || world.get("/.well-known/oauth-authorization-server").with(200).json();
    let said = metadata();
    assert_eq!(said["introspection_endpoint"], "http://localhost:8787/oauth/introspect");
    let methods = said["introspection_endpoint_auth_methods_supported"].as_array().unwrap().clone();
    assert!(methods.contains(&json!("client_secret_basic")) && !methods.contains(&json!("none")), "{methods:?}");
    world.reconfigure(|config| config["clients"] = json!({}));
    assert_eq!(metadata().get("introspection_endpoint"), None);
}

#[test]
fn the_log_has_who_asked_about_whom_and_what_came_of_it() {
    let world = world();
    let client = world.client("claude").connects("alice");
    asked(&world, &client.access);
    asked(&world, "made up");
    by_operator(&world, &client.access).with(200);
    let entries = |query: &str| {
        let page = world.request("GET", &format!("/admin/log?{query}")).bearer(ADMIN_TOKEN).send().with(200).json();
        page["entries"].as_array().unwrap().clone()
    };
    let asked: Vec<_> = entries("kind=introspection");
    let (active, inactive): (Vec<_>, Vec<_>) = asked.iter().partition(|entry| entry.get("subject").is_some());
    let ([active], [inactive]) = (&active[..], &inactive[..]) else { panic!("two questions: {asked:?}") };
    let told = (&active["subject"], &active["client"], &active["server"]);
    assert_eq!(told, (&json!("dev:alice"), &json!("demo-rs"), &json!("demo")));
    let last = |entry: &Value| entry["steps"].as_array().unwrap().last().unwrap()["outcome"].clone();
    assert_eq!((last(active), last(inactive), inactive.get("subject")), (json!("ok"), json!("inactive"), None));
    let acts = entries("kind=operator");
    assert!(acts.iter().any(|entry| entry["act"] == "introspect_token" && entry["subject"] == "dev:alice"), "{acts:?}");
}
