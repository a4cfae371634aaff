//! The `jwt-bearer` grant: a CI job without a stored secret, and a person whose company lets a client act for them.
//!
//! Not here: who tries to harm (`attacks`).

use serde_json::json;

use crate::world::issuing::{AS, DEMO, Issuing, Presents, call};
use crate::world::{World, upstream};

#[test]
fn a_job_gets_a_short_access_token_for_the_token_of_its_platform() {
    let (world, issuing) = Issuing::trusted();
    let metadata = world.get("/.well-known/oauth-authorization-server").with(200).json();
    let grants = metadata["grant_types_supported"].as_array().unwrap();
    assert!(grants.contains(&json!("urn:ietf:params:oauth:grant-type:jwt-bearer")));
    let answer = Presents::of(&issuing.typed("JWT", &Issuing::job(&world))).at(&world).with(200).json();
    assert_eq!((&answer["expires_in"], &answer["scope"]), (&json!(900), &json!("mcp:tools")));
    assert!(answer.get("refresh_token").is_none());
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(call(&world, "demo", token).with(200).json()["result"]["content"][0]["text"], "echo");
    let line = world.platform.journal.borrow().last().cloned().unwrap();
    assert!(line.contains(r#""subject":"ci:repo:acme/app""#) && line.contains(r#""client":"ci""#), "{line}");
    world.passes(900);
    call(&world, "demo", token).refused(401, "token_expired");
}

#[test]
fn roles_and_scope_are_what_the_operator_gave_the_workload() {
    let (world, issuing) = Issuing::configured(|config| {
        config["scopes"] = json!({"tools:write": {"title": "Change things", "implies": ["mcp:tools"]}});
        config["issuers"]["ci"] = json!({"kind": "workload", "issuer": AS, "audience": "acme",
            "require": {"/kubernetes.io/namespace": ["agents"]}, "roles": ["deployer"], "scope": "mcp:tools tools:write"});
        config["servers"]["demo"]["require"] =
            json!([{"tools": ["echo"], "roles": ["deployer"], "scopes": ["tools:write"]}]);
    });
    // As a cluster writes it: no typ, no jti of its own is needed.
    let pod = json!({"iss": AS, "sub": "system:serviceaccount:agents:runner", "aud": ["acme"], "iat": world.now(),
        "exp": world.now() + 3600, "kubernetes.io": {"namespace": "agents", "serviceaccount": {"name": "runner"}}});
    let present = |scope: &str, iat: u64| {
        let mut pod = pod.clone();
        pod["iat"] = json!(iat);
        Presents::of(&issuing.typed("", &pod)).with("scope", scope).at(&world)
    };
    let answer = present("", world.now()).with(200).json();
    call(&world, "demo", answer["access_token"].as_str().unwrap()).with(200);
    let less = present("mcp:tools", world.now() - 1).with(200).json();
    call(&world, "demo", less["access_token"].as_str().unwrap()).refused(403, "capability_scope_missing");
    present("mcp:tools other", world.now() - 2).refused(400, "assertion_scope_exceeded");
}

#[test]
fn a_token_is_for_one_server_that_takes_the_gateways_tokens() {
    let (world, issuing) = Issuing::configured(|config| {
        config["issuers"] = json!({"corp": {"issuer": AS}, "ci": Issuing::ci()});
        config["servers"]["mail"]["accepts"] = json!(["corp"]);
        config["servers"]["docs"] = json!({"url": "https://docs.example/mcp", "auth": {"kind": "oauth"}});
    });
    let present = |resource: &str| {
        let assertion = issuing.typed("JWT", &Issuing::job(&world));
        Presents::of(&assertion).to(resource).at(&world)
    };
    for resource in ["http://localhost:8787/v1/mcp/mail", "http://localhost:8787/v1/mcp/none", ""] {
        present(resource).refused(400, "assertion_wrong_resource");
    }
    present("http://localhost:8787/v1/mcp/docs").refused(400, "external_cannot_connect");
    present(DEMO).with(200);
}

#[test]
fn a_person_is_who_signs_in_at_the_same_issuer() {
    let (world, issuing) = Issuing::of_people();
    world.outside("https://mail.example", upstream::echo());
    let assertion = issuing.typed("oauth-id-jag+jwt", &Issuing::for_ann(&world));
    let answer = Presents::of(&assertion).by("agent", "AGENT_SECRET").at(&world).with(200).json();
    assert!(answer.get("refresh_token").is_none());
    let message =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo", "arguments": {}}});
    let called = world.request("POST", "/mail/mcp").bearer(answer["access_token"].as_str().unwrap()).json(&message);
    called.send().with(200);
    let line = world.platform.journal.borrow().last().cloned().unwrap();
    assert!(line.contains(r#""subject":"id.example|ann""#) && line.contains(r#""client":"agent""#), "{line}");
}

#[test]
fn an_issuer_or_an_object_that_is_down_issues_nothing() {
    let (world, issuing) = Issuing::trusted();
    issuing.bends("/jwks", Ok((500, "")));
    Presents::of(&issuing.typed("JWT", &Issuing::job(&world))).at(&world).refused(503, "issuer_unavailable");
    issuing.behaves();
    world.passes(6);
    Presents::of(&issuing.typed("JWT", &Issuing::job(&world))).at(&world).with(200);
}

#[test]
fn without_such_an_issuer_the_grant_is_not_offered() {
    let world = World::new();
    let metadata = world.get("/.well-known/oauth-authorization-server").with(200).json();
    assert_eq!(metadata["grant_types_supported"], json!(["authorization_code", "refresh_token"]));
    Presents::of("a.b.c").at(&world).refused(400, "assertion_malformed");
}
