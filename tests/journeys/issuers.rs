//! Access tokens of other authorization servers: verified with their keys or told of by themselves, for people who are
//! known here by them.
//!
//! Not here: forgeries (`attacks`), a real authorization server (`tests/e2e`).

use mcp_edge_gateway::ports::FetchError;
use serde_json::json;

use crate::world::idp;
use crate::world::issuing::{AS, Issuing, asked, call, calling};
use crate::world::{ADMIN_TOKEN, World};

const KEYS: &str = "/jwks";

fn corp() -> (World, Issuing) {
    Issuing::accepted(json!({"issuer": AS}))
}

fn asking() -> serde_json::Value {
    json!({"issuer": AS, "introspection": {"client_id": "gw", "client_secret": {"secret": "CORP_SECRET"}}})
}

#[test]
fn a_token_of_another_issuer_calls_a_tool_and_is_remembered() {
    let (world, issuing) = corp();
    let metadata = world.get("/.well-known/oauth-protected-resource/v1/mcp/demo").with(200).json();
    assert_eq!(metadata["authorization_servers"], json!(["http://localhost:8787", AS]));
    let token = issuing.anns(&world, |_| ());
    call(&world, "demo", &token).with(200);
    let line = world.platform.journal.borrow().last().cloned().unwrap();
    for fact in [r#""subject":"corp:ann""#, r#""client":"agent""#, r#""by":"external_token""#] {
        assert!(line.contains(fact), "{line}");
    }
    call(&world, "demo", &token).with(200);
    let warm = world.uses_of(|| {
        call(&world, "demo", &token).with(200);
    });
    assert_eq!((warm.fetches, warm.directory, warm.ledger), (1, 0, 0));
    assert_eq!(asked(&world, KEYS), 1);
    // Another token, or the same one later, is verified without asking anybody.
    call(&world, "demo", &issuing.anns(&world, |claims| claims["jti"] = json!("t2"))).with(200);
    world.passes(61);
    call(&world, "demo", &token).with(200);
    assert_eq!(asked(&world, KEYS), 0);
    world.passes(300);
    call(&world, "demo", &token).refused(401, "external_token_expired");
}

#[test]
fn rotated_keys_are_looked_for_once_whoever_asks() {
    let (world, issuing) = corp();
    issuing.takes.set(300);
    let token = issuing.anns(&world, |_| ());
    let first = world.platform.together((0..20).map(|_| calling(&world, "demo", &token).sending()));
    assert!(first.iter().all(|answer| answer.status == 200));
    assert_eq!(asked(&world, KEYS), 1, "parallel requests share one look");
    issuing.rotates("key-2", 8);
    let token = issuing.anns(&world, |_| ());
    let rotated = world.platform.together((0..20).map(|_| calling(&world, "demo", &token).sending()));
    assert!(rotated.iter().all(|answer| answer.status == 200));
    assert_eq!(asked(&world, KEYS), 1);
    // Whoever makes up key ids has nobody asked again for a while.
    issuing.signs_with.set(idp::Key { id: "made-up", secret: 9 });
    for _ in 0..5 {
        call(&world, "demo", &issuing.anns(&world, |_| ())).refused(401, "external_token_unknown_key");
    }
    assert_eq!(asked(&world, KEYS), 0);
    world.passes(31);
    call(&world, "demo", &issuing.anns(&world, |_| ())).refused(401, "external_token_unknown_key");
    assert_eq!(asked(&world, KEYS), 1);
}

#[test]
fn an_issuer_that_cannot_be_asked_lets_nobody_in_and_recovers() {
    for (path, answer, reason) in [
        (KEYS, Err(FetchError::Unreachable), "issuer_unavailable"),
        (KEYS, Err(FetchError::TimedOut), "issuer_unavailable"),
        (KEYS, Ok((500, "")), "issuer_unavailable"),
        (KEYS, Ok((302, "")), "issuer_unavailable"),
        (KEYS, Ok((200, "<html>sign in</html>")), "issuer_unfit"),
        ("/.well-known/oauth-authorization-server", Ok((503, "")), "issuer_unavailable"),
        ("/.well-known/oauth-authorization-server", Ok((404, "")), "issuer_unfit"),
        ("/.well-known/oauth-authorization-server", Ok((200, r#"{"issuer":"https://other.example"}"#)), "issuer_unfit"),
    ] {
        let (world, issuing) = corp();
        issuing.bends(path, answer);
        let token = issuing.anns(&world, |_| ());
        let refused = call(&world, "demo", &token);
        refused.refused(503, reason);
        assert_eq!(refused.header("retry-after"), Some("5"));
        world.sent();
        call(&world, "demo", &token).refused(503, reason);
        assert!(world.sent().is_empty(), "it is left alone for a moment");
        issuing.behaves();
        world.passes(6);
        call(&world, "demo", &token).with(200);
    }
}

#[test]
fn keys_larger_than_any_are_not_read() {
    let (world, issuing) = corp();
    issuing.bends(KEYS, Ok((200, &format!("{{\"keys\":[]}}{}", " ".repeat(300_000)))));
    call(&world, "demo", &issuing.anns(&world, |_| ())).refused(503, "issuer_unavailable");
}

#[test]
fn an_issuer_is_asked_about_tokens_without_a_form() {
    let (world, issuing) = Issuing::accepted(asking());
    let good = json!({"active": true, "sub": "ann", "aud": "http://localhost:8787/v1/mcp/demo", "scope": "mcp:tools",
        "client_id": "agent", "token_type": "Bearer"});
    issuing.tokens.borrow_mut().insert("opaque-token-of-ann".to_owned(), good.clone());
    issuing.takes.set(200);
    let many = world.platform.together((0..10).map(|_| calling(&world, "demo", "opaque-token-of-ann").sending()));
    assert!(many.iter().all(|answer| answer.status == 200), "{}", many[0].text());
    assert_eq!(asked(&world, "/introspect"), 1, "parallel requests share one answer");
    let warm = world.uses_of(|| {
        call(&world, "demo", "opaque-token-of-ann").with(200);
    });
    assert_eq!((warm.fetches, warm.directory, warm.ledger), (1, 0, 0));
    // Its issuer revokes it: that is heard of within a minute.
    issuing.tokens.borrow_mut().clear();
    world.passes(61);
    call(&world, "demo", "opaque-token-of-ann").refused(401, "external_token_inactive");
    world.sent();
    call(&world, "demo", "opaque-token-of-ann").refused(401, "external_token_inactive");
    assert_eq!(asked(&world, "/introspect"), 0, "that it is none is remembered");
    // An answer never outlives the token.
    let mut short = good;
    short["exp"] = json!(world.now() + 5);
    issuing.tokens.borrow_mut().insert("a-short-lived-token".to_owned(), short);
    call(&world, "demo", "a-short-lived-token").with(200);
    world.passes(6);
    call(&world, "demo", "a-short-lived-token").refused(401, "external_token_expired");
}

#[test]
fn introspection_that_fails_lets_nobody_in() {
    let (world, issuing) = Issuing::accepted(asking());
    for (answer, reason) in [
        (Err(FetchError::Unreachable), "issuer_unavailable"),
        (Ok((500, r#"{"active":true}"#)), "issuer_unavailable"),
        (Ok((200, "yes")), "issuer_unavailable"),
        (Ok((401, "")), "issuer_unfit"),
    ] {
        issuing.bends("/introspect", answer);
        call(&world, "demo", "opaque-token-of-ann").refused(503, reason);
        world.passes(6);
    }
    issuing.behaves();
    call(&world, "demo", "opaque-token-of-ann").refused(401, "external_token_inactive");
}

#[test]
fn a_jwt_that_its_issuer_is_asked_about_is_verified_as_well() {
    let mut issuer = asking();
    issuer["introspection"]["jwts"] = json!(true);
    let (world, issuing) = Issuing::accepted(issuer);
    let token = issuing.anns(&world, |_| ());
    call(&world, "demo", &token).refused(401, "external_token_inactive");
    let told = Issuing::claims(&world);
    issuing.tokens.borrow_mut().insert(token.clone(), {
        let mut told = told;
        told["active"] = json!(true);
        told
    });
    world.new_isolate();
    call(&world, "demo", &token).with(200);
}

#[test]
fn scopes_and_roles_mean_what_the_operator_says() {
    let (world, issuing) = Issuing::configured(|config| {
        config["scopes"] = json!({"tools:write": {"title": "Change things"}});
        let scopes = json!({"read": "mcp:tools", "write": "tools:write"});
        let roles = json!({"claim": "groups", "map": {"g1": "support"}});
        config["issuers"]["corp"] = json!({"issuer": AS, "scopes": scopes, "roles": roles});
        config["servers"]["demo"]["accepts"] = json!(["corp"]);
        config["servers"]["demo"]["require"] =
            json!([{"tools": ["echo"], "scopes": ["tools:write"], "roles": ["support"], "claims": {"team": ["ops"]}}]);
    });
    let metadata = world.get("/.well-known/oauth-protected-resource/v1/mcp/demo").with(200).json();
    assert_eq!(
        (&metadata["authorization_servers"], &metadata["scopes_supported"]),
        (&json!([AS]), &json!(["read", "write"]))
    );
    let call = |scope: &str, groups: &str, team: &str| {
        let token = issuing.anns(&world, |claims| {
            claims["scope"] = json!(scope);
            claims["groups"] = json!([groups]);
            claims["team"] = json!(team);
        });
        call(&world, "demo", &token)
    };
    call("read write", "g1", "ops").with(200);
    let without = call("mcp:tools", "g1", "ops");
    without.refused(403, "scope_insufficient");
    assert!(without.header("www-authenticate").unwrap().contains(r#"scope="read""#), "in the issuer's words");
    let step_up = call("read", "g1", "ops");
    step_up.refused(403, "capability_scope_missing");
    assert!(step_up.header("www-authenticate").unwrap().contains(r#"scope="read write""#));
    call("read write", "g2", "ops").refused(200, "capability_role_missing");
    call("read write", "g1", "it").refused(200, "capability_claim_missing");
    // The gateway's own tokens are not taken here, and nobody is sent to authorize for one.
    let authorize = world.client("claude").at("mail").connects("alice");
    crate::world::issuing::call(&world, "demo", &authorize.access).refused(401, "token_issuer_not_accepted");
}

#[test]
fn an_operator_ends_what_is_somebodys_until_they_sign_in_anew() {
    let (world, issuing) = corp();
    let token = issuing.anns(&world, |claims| claims["auth_time"] = json!(world.now() - 100));
    call(&world, "demo", &token).with(200);
    world.request("DELETE", "/admin/subjects/corp%3Aann").bearer(ADMIN_TOKEN).send().with(200);
    call(&world, "demo", &token).refused(401, "token_revoked");
    world.passes(10);
    let refreshed = issuing.anns(&world, |claims| {
        claims["auth_time"] = json!(world.now() - 110);
        claims["iat"] = json!(world.now());
    });
    call(&world, "demo", &refreshed).refused(401, "token_revoked");
    let timeless = issuing.anns(&world, |claims| claims["iat"] = json!(null));
    call(&world, "demo", &timeless).refused(401, "token_revoked");
    call(&world, "demo", &issuing.anns(&world, |claims| claims["iat"] = json!(world.now()))).with(200);
}

#[test]
fn who_cannot_sign_in_here_is_told_why_they_cannot_connect() {
    let (world, issuing) = Issuing::configured(|config| {
        config["issuers"]["corp"] = json!({"issuer": AS, "audience": "api"});
        config["servers"]["docs"] =
            json!({"url": "https://docs.example/mcp", "auth": {"kind": "oauth"}, "accepts": ["own", "corp"]});
    });
    let refused = call(&world, "docs", &issuing.anns(&world, |claims| claims["aud"] = json!("api")));
    refused.refused(403, "external_cannot_connect");
}

#[test]
fn who_signs_in_at_the_same_issuer_is_the_same_person() {
    let world = World::public(|config| {
        config["issuers"] =
            json!({"corp": {"issuer": idp::ISSUER, "audience": "api", "jwks_uri": format!("{AS}/jwks")}});
        config["servers"]["docs"] = json!({"url": "https://docs.example/mcp", "auth": {"kind": "headers",
            "headers": {"x-key": {"person": "Key"}}}, "accepts": ["own", "corp"]});
    });
    let issuing = Issuing::in_world(&world, AS);
    let token = |sub: &str, client: &str| {
        issuing.anns(&world, |claims| {
            claims["iss"] = json!(idp::ISSUER);
            claims["aud"] = json!("api");
            claims["sub"] = json!(sub);
            claims["client_id"] = json!(client);
        })
    };
    let answer = call(&world, "docs", &token("ann", "agent")).with(200);
    assert!(answer.text().contains("/connect/docs"), "{}", answer.text());
    let line = world.platform.journal.borrow().last().cloned().unwrap();
    assert!(line.contains(r#""subject":"id.example|ann""#), "{line}");
    // A client that calls itself what a person is called is not that person.
    call(&world, "docs", &token("ann", "ann")).refused(403, "external_cannot_connect");
}

#[test]
fn an_alias_that_gets_another_issuer_gives_nobody_somebody_elses_accounts() {
    let (world, issuing) = corp();
    call(&world, "demo", &issuing.anns(&world, |_| ())).with(200);
    let other = "https://as.other.example";
    world.reconfigure(|config| config["issuers"]["corp"]["issuer"] = json!(other));
    let theirs = Issuing::in_world(&world, other);
    let token = theirs.anns(&world, |claims| claims["iss"] = json!(other));
    call(&world, "demo", &token).refused(503, "issuer_alias_changed");
    let bob = theirs.anns(&world, |claims| {
        claims["iss"] = json!(other);
        claims["sub"] = json!("bob");
    });
    call(&world, "demo", &bob).with(200);
    world.request("DELETE", "/admin/subjects/corp%3Aann").bearer(ADMIN_TOKEN).send().with(200);
    world.passes(100);
    let anew = theirs.anns(&world, |claims| claims["iss"] = json!(other));
    call(&world, "demo", &anew).with(200);
}
