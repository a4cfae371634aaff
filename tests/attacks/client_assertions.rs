//! Assertions of clients (`private_key_jwt`) that are forged, used again, or somebody else's.
//!
//! Not here: every claim of one (`oauth::client::assertion`), stock clients (`tests/e2e`).

use base64ct::{Base64UrlUnpadded, Encoding};
use jwt_compact::alg::{Hs256, Hs256Key};
use jwt_compact::{AlgorithmExt, Claims, Header};
use serde_json::{Value, json};

use crate::world::World;
use crate::world::answer::Answer;
use crate::world::idp::Key;

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const ISSUER: &str = "http://localhost:8787";
const CI: Key = Key { id: "ci-1", secret: 21 };
const BOT: Key = Key { id: "bot-1", secret: 22 };
const NEXT: Key = Key { id: "bot-2", secret: 23 };

fn world() -> World {
    let world = World::bare(ISSUER);
    world.set_secret("OLD_SECRET", "s3cret");
    let machine = json!({"servers": ["demo"]});
    let config = json!({
        "login": {"kind": "dev"},
        "clients": {"preregistered": [
            {"client_id": "ci", "jwks": {"keys": [CI.published()]}, "machine": machine},
            {"client_id": "bot", "jwks_uri": "https://bot.example/jwks", "machine": machine},
            {"client_id": "old", "client_secret": {"secret": "OLD_SECRET"}, "machine": machine},
        ]},
        "servers": {"demo": {"url": "https://demo.example/mcp", "auth": {"kind": "none"}}},
    });
    world.configure(&config).with(200);
    publishes(&world, &[BOT]);
    world
}

fn publishes(world: &World, keys: &[Key]) {
    let keys: Vec<_> = keys.iter().map(|key| key.published()).collect();
    let document = json!({"keys": keys}).to_string();
    world.outside_answers("https://bot.example", 200, &[("content-type", "application/json")], &document);
}

fn claims(world: &World, client: &str, id: &str) -> Value {
    let now = world.now();
    json!({"iss": client, "sub": client, "aud": ISSUER, "jti": id, "iat": now, "exp": now + 300})
}

fn fields<'a>(client: &'a str, assertion: &'a str) -> Vec<(&'a str, &'a str)> {
    let assertion = [("client_assertion_type", TYPE), ("client_assertion", assertion)];
    [("grant_type", "client_credentials"), ("client_id", client)].into_iter().chain(assertion).collect()
}

fn ask(world: &World, client: &str, assertion: &str) -> Answer {
    world.request("POST", "/oauth/token").form(&fields(client, assertion)).send()
}

#[test]
fn a_key_proves_its_client_inline_or_fetched_and_whose_need_not_be_said() {
    let world = world();
    ask(&world, "ci", &CI.signs(claims(&world, "ci", "1"))).with(200);
    ask(&world, "bot", &BOT.signs(claims(&world, "bot", "1"))).with(200);
    let assertion = CI.signs(claims(&world, "ci", "2"));
    let unnamed: Vec<_> = fields("", &assertion).into_iter().filter(|(name, _)| *name != "client_id").collect();
    world.request("POST", "/oauth/token").form(&unnamed).send().with(200);
    let metadata = world.get("/.well-known/oauth-authorization-server").with(200).json();
    let lists = |member: &str, value: &str| metadata[member].as_array().unwrap().contains(&json!(value));
    assert!(lists("token_endpoint_auth_methods_supported", "private_key_jwt"));
    assert!(lists("token_endpoint_auth_signing_alg_values_supported", "ES256"));
    assert!(!lists("token_endpoint_auth_signing_alg_values_supported", "none"));
}

#[test]
fn an_assertion_is_good_once_on_earth() {
    let world = world();
    let other = world.elsewhere();
    let assertion = CI.signs(claims(&world, "ci", "once"));
    let asking = |world: &World| world.request("POST", "/oauth/token").form(&fields("ci", &assertion)).sending();
    let answers = world.platform.together([asking(&world), asking(&other)]);
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
    world.new_isolate();
    ask(&world, "ci", &assertion).refused(401, "client_assertion_used");
    world.passes(359);
    ask(&world, "ci", &assertion).refused(401, "client_assertion_used");
    world.passes(1);
    ask(&world, "ci", &assertion).refused(401, "client_assertion_expired");
}

#[test]
fn where_it_cannot_be_burned_it_is_refused() {
    let world = world();
    let assertion = CI.signs(claims(&world, "ci", "1"));
    world.platform.ledger_down.set(true);
    ask(&world, "ci", &assertion).refused(503, "storage_unavailable");
    world.platform.ledger_down.set(false);
    ask(&world, "ci", &assertion).with(200);
    world.platform.signatures_down.set(true);
    ask(&world, "ci", &CI.signs(claims(&world, "ci", "2"))).refused(503, "client_keys_unavailable");
}

#[test]
fn one_clients_key_makes_no_other_client() {
    let world = world();
    ask(&world, "ci", &BOT.signs(claims(&world, "ci", "1"))).refused(401, "client_assertion_unknown_key");
    let named = Key { id: CI.id, ..BOT };
    ask(&world, "ci", &named.signs(claims(&world, "ci", "1"))).refused(401, "client_assertion_wrong_signature");
    ask(&world, "ci", &CI.signs(claims(&world, "bot", "1"))).refused(401, "client_assertion_wrong_client");
    ask(&world, "old", &CI.signs(claims(&world, "old", "1"))).refused(401, "client_assertion_unexpected");
    let mut mixed = claims(&world, "ci", "1");
    mixed["sub"] = "bot".into();
    ask(&world, "ci", &CI.signs(mixed)).refused(401, "client_assertion_wrong_client");
    let mut elsewhere = claims(&world, "ci", "1");
    elsewhere["aud"] = "https://other.example".into();
    ask(&world, "ci", &CI.signs(elsewhere)).refused(401, "client_assertion_wrong_audience");
    assert!(world.platform.burned.borrow().is_empty(), "what was refused burns nothing");
}

#[test]
fn what_is_not_signed_with_the_key_is_refused_before_anything_is_asked() {
    let world = world();
    let text = |value: &Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
    let claims = claims(&world, "ci", "1");
    let none = format!("{}.{}.", text(&json!({"alg": "none", "kid": CI.id})), text(&claims));
    ask(&world, "ci", &none).refused(401, "client_assertion_unsupported_algorithm");
    // The public key, which everybody may know, as a shared secret.
    let public = Hs256Key::from(CI.published().to_string().as_bytes());
    let confused = Hs256.token(&Header::empty().with_key_id(CI.id), &Claims::new(claims.clone()), &public).unwrap();
    ask(&world, "ci", &confused).refused(401, "client_assertion_unsupported_algorithm");
    let path = Key { id: "../../bot.example/jwks", ..BOT };
    ask(&world, "ci", &path.signs(claims.clone())).refused(401, "client_assertion_unknown_key");
    let long = format!("{}{}", CI.signs(claims.clone()), "A".repeat(20_000));
    ask(&world, "ci", &long).refused(401, "client_assertion_malformed");
    assert!(world.sent().is_empty());
    let secret = [fields("ci", "x"), vec![("client_secret", "s3cret")]].concat();
    world.request("POST", "/oauth/token").form(&secret).send().refused(400, "client_auth_twice");
    ask(&world, "ci", "").refused(401, "client_assertion_missing");
    let mut kind = fields("ci", "x");
    kind[2].1 = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer";
    world.request("POST", "/oauth/token").form(&kind).send().refused(401, "client_assertion_type_unsupported");
}

#[test]
fn rotated_keys_are_fetched_once_and_made_up_ones_make_no_storm() {
    let world = world();
    ask(&world, "bot", &BOT.signs(claims(&world, "bot", "1"))).with(200);
    publishes(&world, &[BOT, NEXT]);
    world.sent();
    ask(&world, "bot", &NEXT.signs(claims(&world, "bot", "2"))).refused(401, "client_assertion_unknown_key");
    assert!(world.sent().is_empty(), "its keys were fetched a moment ago");
    world.passes(61);
    ask(&world, "bot", &NEXT.signs(claims(&world, "bot", "3"))).with(200);
    assert_eq!(world.sent().len(), 1);
    let forged = Key { id: "made-up", secret: 99 };
    for id in 0..20 {
        ask(&world, "bot", &forged.signs(claims(&world, "bot", &id.to_string())))
            .refused(401, "client_assertion_unknown_key");
    }
    assert!(world.sent().is_empty());
    world.passes(3601);
    world.outside_answers("https://bot.example", 500, &[], "");
    ask(&world, "bot", &BOT.signs(claims(&world, "bot", "4"))).refused(503, "client_keys_unavailable");
}

#[test]
fn a_token_is_revoked_by_whoever_has_the_key() {
    let world = world();
    let answer = ask(&world, "ci", &CI.signs(claims(&world, "ci", "1"))).with(200).json();
    let token = answer["access_token"].as_str().unwrap();
    let revoke = |client: &str, assertion: &str| {
        let form = [fields(client, assertion), vec![("token", token)]].concat();
        world.request("POST", "/oauth/revoke").form(&form).send()
    };
    let call = || {
        let params = json!({"name": "echo", "arguments": {}});
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        world.request("POST", "/v1/mcp/demo").bearer(token).json(&message).send()
    };
    revoke("bot", &BOT.signs(claims(&world, "bot", "1"))).with(200);
    call().with(200);
    revoke("ci", &BOT.signs(claims(&world, "ci", "2"))).refused(401, "client_assertion_unknown_key");
    call().with(200);
    revoke("ci", &CI.signs(claims(&world, "ci", "3"))).with(200);
    call().refused(401, "token_revoked");
}
