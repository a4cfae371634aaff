//! A token without its key, and proofs that are stolen, bent or made up (RFC 9449 §11).
//!
//! Not here: what a good proof does (`journeys`).

use base64ct::{Base64UrlUnpadded, Encoding};
use mcp_edge_gateway::gateway::StreamStanding;
use serde_json::{Value, json};

use crate::world::answer::Answer;
use crate::world::dpop::{DEMO, Prover, TOKEN, calling};
use crate::world::issuing::{Issuing, Presents, call};
use crate::world::{ADMIN_TOKEN, World};

fn world() -> World {
    let world = World::configured(|config| {
        config["accepts"] = json!(["own", "keys"]);
        config["clients"] = json!({"preregistered": [{"client_id": "ci", "client_secret": {"secret": "CORP_SECRET"},
            "machine": {"servers": ["demo", "mail"]}}]});
    });
    world.set_secret("CORP_SECRET", "s3cret");
    world
}

const FORM: [(&str, &str); 4] =
    [("grant_type", "client_credentials"), ("client_id", "ci"), ("client_secret", "s3cret"), ("resource", DEMO)];

fn asks(world: &World, proof: &str) -> Answer {
    world.request("POST", "/oauth/token").form(&FORM).header("dpop", proof).send()
}

/// A token that is bound to the key, which knows a nonce.
fn bound(world: &World, prover: &Prover) -> String {
    let said = asks(world, &prover.for_token(world)).with(200).json();
    let token = said["access_token"].as_str().unwrap().to_owned();
    prover.calls(world, &token).with(200);
    token
}

#[test]
fn a_token_goes_with_its_scheme() {
    let (world, prover) = (world(), Prover::new(41));
    let token = bound(&world, &prover);
    let refused = call(&world, "demo", &token);
    refused.refused(401, "token_bound");
    assert!(refused.header("www-authenticate").unwrap().starts_with("DPoP error=\"invalid_token\""));
    let plain = world.request("POST", "/oauth/token").form(&FORM).send().with(200).json();
    let plain = plain["access_token"].as_str().unwrap();
    prover.calling(&world, plain).send().refused(401, "token_not_bound");
    call(&world, "demo", plain).with(200);
    let wanted = json!({"name": "CI", "expires_in_days": 30});
    let key =
        world.request("POST", "/admin/keys").bearer(crate::world::ADMIN_TOKEN).json(&wanted).send().with(201).json();
    prover.calling(&world, key["key"].as_str().unwrap()).send().refused(401, "token_malformed");
    let session = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let both = world.request("POST", "/v1/mcp/demo").bearer(&token).header("authorization", &format!("DPoP {token}"));
    both.json(&session).send().refused(400, "authorization_malformed");
}

#[test]
fn a_stolen_token_is_worth_nothing_without_its_key() {
    let (world, prover) = (world(), Prover::new(41));
    let token = bound(&world, &prover);
    calling(&world, &token).send().refused(401, "dpop_proof_missing");
    let thief = Prover::new(42);
    *thief.nonce.borrow_mut() = prover.nonce.borrow().clone();
    thief.calling(&world, &token).send().refused(401, "dpop_proof_other_key");
    // The key of the token in the header, and the thief's signature.
    let claims = thief.claims(&world, "POST", DEMO, Some(&token));
    let mixed = thief.typed("dpop+jwt", &json!({"jwk": prover.jwk()}), &claims);
    calling(&world, &token).header("dpop", &mixed).send().refused(401, "dpop_proof_signature");
    world
        .request("DELETE", "/v1/mcp/demo")
        .header("authorization", &format!("DPoP {token}"))
        .send()
        .refused(401, "dpop_proof_missing");
}

#[test]
fn a_proof_is_for_one_call_of_one_token_now() {
    let (world, prover) = (world(), Prover::new(41));
    let token = bound(&world, &prover);
    let bent = |change: &dyn Fn(&mut Value)| {
        let mut claims = prover.claims(&world, "POST", DEMO, Some(&token));
        change(&mut claims);
        calling(&world, &token).header("dpop", &prover.signs(&claims)).send()
    };
    bent(&|_| ()).with(200);
    bent(&|claims| claims["htu"] = json!(format!("{DEMO}?a=b#c"))).with(200);
    bent(&|claims| claims["htu"] = json!(DEMO.replace("http://localhost", "HTTP://LOCALHOST"))).with(200);
    let now = world.now();
    for (member, value, reason) in [
        ("htm", json!("GET"), "dpop_proof_elsewhere"),
        ("htm", json!("post"), "dpop_proof_elsewhere"),
        ("htu", json!("http://localhost:8787/v1/mcp/mail"), "dpop_proof_elsewhere"),
        ("htu", json!("https://localhost:8787/v1/mcp/demo"), "dpop_proof_elsewhere"),
        ("htu", json!(TOKEN), "dpop_proof_elsewhere"),
        ("htu", json!("/v1/mcp/demo"), "dpop_proof_elsewhere"),
        ("iat", json!(now - 300), "dpop_proof_stale"),
        ("iat", json!(now + 61), "dpop_proof_stale"),
        ("ath", json!(prover.jkt()), "dpop_proof_other_token"),
        ("ath", json!(null), "dpop_proof_other_token"),
        ("nonce", json!("made up"), "dpop_nonce_needed"),
        ("nonce", json!(null), "dpop_nonce_needed"),
        ("jti", json!(""), "dpop_proof_malformed"),
        ("jti", json!("x".repeat(256)), "dpop_proof_malformed"),
        ("jti", json!(7), "dpop_proof_malformed"),
        ("iat", json!("now"), "dpop_proof_malformed"),
        ("iat", json!(-1), "dpop_proof_malformed"),
        ("htm", json!(null), "dpop_proof_malformed"),
        ("htu", json!(null), "dpop_proof_malformed"),
    ] {
        let answer = bent(&|claims| claims[member] = value.clone());
        assert_eq!((answer.status, answer.reason().as_str()), (401, reason), "{member} {value}");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("DPoP error=\"") && challenge.contains("algs=\""), "{challenge}");
    }
    bent(&|claims| claims["iat"] = json!(now - 299)).with(200);
    bent(&|claims| claims["iat"] = json!(now + 60)).with(200);
}

#[test]
fn a_proof_is_a_proof_and_brings_a_public_key() {
    let (world, prover) = (world(), Prover::new(41));
    let token = bound(&world, &prover);
    let sends = |proof: &str| calling(&world, &token).header("dpop", proof).send();
    let claims = || prover.claims(&world, "POST", DEMO, Some(&token));
    let jwk = json!({"jwk": prover.jwk()});
    sends(&prover.typed("JWT", &jwk, &claims())).refused(401, "dpop_proof_wrong_type");
    sends(&prover.typed("at+jwt", &jwk, &claims())).refused(401, "dpop_proof_wrong_type");
    for header in
        [json!({}), json!({"jwk": {}}), json!({"jwk": "x"}), json!({"kid": "dpop", "jku": "https://evil.example"})]
    {
        sends(&prover.typed("dpop+jwt", &header, &claims())).refused(401, "dpop_proof_key");
    }
    for member in ["d", "k", "p"] {
        let mut private = prover.jwk();
        private[member] = json!("AAAA");
        sends(&prover.typed("dpop+jwt", &json!({"jwk": private}), &claims())).refused(401, "dpop_proof_key");
    }
    let crit = prover.typed("dpop+jwt", &json!({"jwk": prover.jwk(), "crit": ["b64"]}), &claims());
    sends(&crit).refused(401, "dpop_proof_malformed");
    let text = |value: &Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
    for alg in ["none", "HS256"] {
        let header = json!({"typ": "dpop+jwt", "alg": alg, "jwk": prover.jwk()});
        let forged = format!("{}.{}.{}", text(&header), text(&claims()), "A".repeat(43));
        sends(&forged).refused(401, "dpop_proof_algorithm");
    }
    for nothing in ["x", "a.b.c", &"A".repeat(5_000)] {
        sends(nothing).refused(401, "dpop_proof_malformed");
    }
    let two = prover.calling(&world, &token).header("dpop", &prover.signs(&claims()));
    two.send().refused(401, "dpop_proof_missing");
    world.platform.signatures_down.set(true);
    prover.calling(&world, &token).send().refused(503, "dpop_unavailable");
}

#[test]
fn an_isolate_takes_a_proof_once_and_the_token_endpoint_once_on_earth() {
    let (world, prover) = (world(), Prover::new(41));
    let token = bound(&world, &prover);
    let again = prover.calling(&world, &token);
    again.clone().send().with(200);
    again.send().refused(401, "dpop_proof_used");
    let other = world.elsewhere();
    let proof = prover.for_token(&world);
    let asking = |world: &World| world.request("POST", "/oauth/token").form(&FORM).header("dpop", &proof).sending();
    let answers = world.platform.together([asking(&world), asking(&other)]);
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    world.new_isolate();
    let refused = asks(&world, &proof);
    refused.refused(400, "dpop_proof_used");
    assert_eq!(refused.json()["error"], "invalid_dpop_proof");
    // An id is one of its key: nobody burns somebody else's.
    let stranger = Prover::new(42);
    let mut claims = prover.claims(&world, "POST", TOKEN, None);
    claims["jti"] = json!("the same");
    asks(&world, &stranger.signs(&claims)).with(200);
    asks(&world, &prover.signs(&claims)).with(200);
}

#[test]
fn what_does_not_hold_burns_nothing_and_a_stranger_makes_nothing_burn() {
    let (world, prover) = (world(), Prover::new(41));
    let stale = {
        let mut claims = prover.claims(&world, "POST", TOKEN, None);
        claims["iat"] = json!(world.now() - 300);
        prover.signs(&claims)
    };
    asks(&world, &stale).refused(400, "dpop_proof_stale");
    let elsewhere = prover.signs(&prover.claims(&world, "POST", DEMO, None));
    asks(&world, &elsewhere).refused(400, "dpop_proof_elsewhere");
    let guess = [("grant_type", "client_credentials"), ("client_id", "ci"), ("client_secret", "guess")];
    let guess = world.request("POST", "/oauth/token").form(&guess).header("dpop", &prover.for_token(&world));
    guess.send().refused(401, "client_secret_wrong");
    let client = world.client("claude").registers();
    for (name, value) in
        [("code", format!("mcpg_code_{}", "A".repeat(86))), ("refresh_token", format!("mcpg_rt_{}", "A".repeat(86)))]
    {
        let kind = if name == "code" { "authorization_code" } else { name };
        let form =
            [("grant_type", kind), (name, &value), ("client_id", &client.id), ("code_verifier", &client.verifier)];
        let asking = world.request("POST", "/oauth/token").form(&form).header("dpop", &prover.for_token(&world));
        asking.send().refused(400, "grant_unknown");
    }
    assert!(world.platform.burned.borrow().is_empty());
    world.platform.ledger_down.set(true);
    asks(&world, &prover.for_token(&world)).refused(503, "storage_unavailable");
}

#[test]
fn who_has_a_spent_refresh_token_without_its_key_ends_nothing() {
    let (world, prover) = (world(), Prover::new(41));
    let client = world.client("claude").registers().authorizes().signs_in("alice").consents();
    let asks = |form: &[(&str, &str)], proof: &str| {
        let form = [form, &[("client_id", client.id.as_str())]].concat();
        world.request("POST", "/oauth/token").form(&form).header("dpop", proof).send()
    };
    let form = [("grant_type", "authorization_code"), ("code", &client.code), ("code_verifier", &client.verifier)];
    let said = asks(&form, &prover.for_token(&world)).with(200).json();
    let first = said["refresh_token"].as_str().unwrap().to_owned();
    let refresh = |token: &str, proof: &str| asks(&[("grant_type", "refresh_token"), ("refresh_token", token)], proof);
    let second = refresh(&first, &prover.for_token(&world)).with(200).json();
    let second = second["refresh_token"].as_str().unwrap().to_owned();
    let third = refresh(&second, &prover.for_token(&world)).with(200).json();
    refresh(&first, &Prover::new(42).for_token(&world)).refused(400, "grant_wrong_key");
    refresh(third["refresh_token"].as_str().unwrap(), &prover.for_token(&world)).with(200);
}

#[test]
fn no_server_sees_a_proof_and_a_bearer_costs_what_it_did() {
    let (world, prover) = (world(), Prover::new(41));
    let token = bound(&world, &prover);
    world.sent();
    prover.calling(&world, &token).send().with(200);
    let sent = world.sent();
    assert!(sent.iter().all(|sent| !sent.headers.contains_key("dpop") && !sent.headers.contains_key("authorization")));
    let uses = world.uses_of(|| drop(prover.calling(&world, &token).send().with(200)));
    assert_eq!((uses.fetches, uses.directory, uses.ledger), (1, 0, 0));
}

#[test]
fn who_wants_only_bound_tokens_gets_no_other_by_whatever_grant() {
    let (world, issuing) = Issuing::of_people();
    world.reconfigure(|config| {
        config["clients"]["preregistered"][0]["dpop_bound_access_tokens"] = json!(true);
    });
    let jag = issuing.typed("oauth-id-jag+jwt", &Issuing::for_ann(&world));
    Presents::of(&jag).by("agent", "AGENT_SECRET").at(&world).refused(400, "dpop_proof_missing");
}

#[test]
fn a_server_that_comes_to_want_bound_tokens_wants_them_of_what_was_allowed_before() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    world.outside_answers("https://demo.example", 200, &[("content-type", "text/event-stream")], "data: {}\n\n");
    let stream = call(&world, "demo", &client.access).with(200).terms.unwrap();
    world.reconfigure(|config| config["servers"]["demo"]["dpop_bound_access_tokens_required"] = json!(true));
    world.passes(31);
    client.call("echo").refused(401, "token_unbound");
    assert!(matches!(world.look_at([&stream])[0], StreamStanding::Ends(_)));
    client.refreshing(client.refresh.as_deref().unwrap()).refused(400, "dpop_proof_missing");
    let form = [("token", client.access.as_str())];
    let told = world.request("POST", "/oauth/introspect").bearer(ADMIN_TOKEN).form(&form).send().with(200).json();
    assert_eq!(told, json!({"active": false}));
}
