//! Attacks with tokens of other issuers: forged, of somebody else, for something else, or sent to make the gateway ask.
//!
//! Not here: what a good token does (`journeys`), assertions (`attacks::assertions`).

use base64ct::{Base64UrlUnpadded, Encoding};
use jwt_compact::alg::{Hs256, Hs256Key};
use jwt_compact::{AlgorithmExt, Claims, Header};
use serde_json::{Value, json};

use crate::world::World;
use crate::world::idp::Key;
use crate::world::issuing::{AS, Issuing, asked, call};

fn corp() -> (World, Issuing) {
    Issuing::accepted(json!({"issuer": AS}))
}

fn joined(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
    format!("{}.{}.{signature}", part(header), part(claims))
}

#[test]
fn what_the_issuer_did_not_sign_for_this_server_is_refused() {
    let (world, issuing) = corp();
    let mail = "http://localhost:8787/v1/mcp/mail";
    for (member, value, reason) in [
        ("iss", json!("https://as.corp.example/"), "token_issuer_not_accepted"),
        ("iss", json!(null), "token_unknown_key"),
        ("iss", json!("http://localhost:8787"), "token_unknown_key"),
        ("aud", json!(mail), "external_token_wrong_audience"),
        ("aud", json!([mail, "http://localhost:8787"]), "external_token_wrong_audience"),
        ("aud", json!(null), "external_token_wrong_audience"),
        ("aud", json!({}), "external_token_wrong_audience"),
        ("exp", json!(world.now()), "external_token_expired"),
        ("exp", json!(null), "external_token_expired"),
        ("exp", json!("soon"), "external_token_malformed"),
        ("nbf", json!(world.now() + 100), "external_token_not_yet_valid"),
        ("iat", json!(world.now() + 100), "external_token_not_yet_valid"),
        ("sub", json!(""), "external_token_unfit_subject"),
        ("sub", json!("ann\u{202e}"), "external_token_unfit_subject"),
        ("cnf", json!({"jkt": "x"}), "token_bound"),
        ("cnf", json!({"x5t#S256": "x"}), "external_token_bound"),
        ("cnf", json!({"jkt": "x", "x5t#S256": "x"}), "external_token_bound"),
        ("cnf", json!({"jkt": 7}), "external_token_bound"),
        ("cnf", json!("x"), "external_token_bound"),
        ("nonce", json!("n"), "external_token_wrong_type"),
    ] {
        let token = issuing.anns(&world, |claims| claims[member] = value.clone());
        let answer = call(&world, "demo", &token);
        assert_eq!((answer.status, answer.reason().as_str()), (401, reason), "{member} {value}");
        assert!(!answer.text().contains(&token));
    }
    call(&world, "demo", &issuing.anns(&world, |claims| claims["exp"] = json!(1e17))).with(200);
}

#[test]
fn an_algorithm_is_its_keys_and_never_a_shared_secret_or_none() {
    let (world, issuing) = corp();
    let claims = Issuing::claims(&world);
    let key = Key::default().published();
    for algorithm in ["none", "None", "HS256", "RS256", "ES384", "EdDSA"] {
        let header = json!({"alg": algorithm, "kid": "key-1", "typ": "at+jwt"});
        for signature in [String::new(), Base64UrlUnpadded::encode_string(&[1; 64])] {
            let answer = call(&world, "demo", &joined(&header, &claims, &signature));
            assert_eq!(answer.status, 401, "{algorithm}");
        }
    }
    // The public key as a shared secret.
    for secret in [key.to_string(), key["x"].as_str().unwrap().to_owned()] {
        let header = Header::empty().with_key_id("key-1").with_token_type("at+jwt");
        let forged = Hs256.token(&header, &Claims::new(&claims), &Hs256Key::new(secret.as_bytes())).unwrap();
        call(&world, "demo", &forged).refused(401, "external_token_unsupported_algorithm");
    }
    for typ in ["JWT", "", "dpop+jwt", "oauth-id-jag+jwt", "logout+jwt"] {
        call(&world, "demo", &issuing.typed(typ, &claims)).refused(401, "external_token_wrong_type");
    }
}

#[test]
fn keys_that_a_token_brings_or_names_are_not_used_and_nobody_is_asked_for_them() {
    let (world, issuing) = corp();
    call(&world, "demo", &issuing.anns(&world, |_| ())).with(200);
    world.sent();
    let own = Key { id: "key-1", secret: 99 };
    for kid in ["https://evil.example/jwks", "../../etc/passwd", "key-1' or '1", "key-1\u{0}"] {
        let header = json!({"alg": "ES256", "kid": kid, "typ": "at+jwt", "jku": "https://evil.example/jwks",
            "x5u": "https://evil.example/x5u", "jwk": own.published(), "x5c": ["MIIC"]});
        let signature = Base64UrlUnpadded::encode_string(&[1; 64]);
        let answer = call(&world, "demo", &joined(&header, &Issuing::claims(&world), &signature));
        assert_eq!((answer.status, answer.reason().as_str()), (401, "external_token_unknown_key"), "{kid}");
    }
    let asked: Vec<_> = world.sent().into_iter().map(|sent| sent.url.to_string()).collect();
    assert_eq!(asked, [format!("{AS}/jwks")], "the issuer's own keys, once");
    issuing.signs_with.set(own);
    call(&world, "demo", &issuing.anns(&world, |_| ())).refused(401, "external_token_wrong_signature");
}

#[test]
fn an_issuer_speaks_for_itself_alone_even_where_two_have_one_key() {
    let other = "https://as.other.example";
    let (world, issuing) = Issuing::configured(|config| {
        config["issuers"] = json!({"corp": {"issuer": AS}, "other": {"issuer": other}});
        config["servers"]["demo"]["accepts"] = json!(["own", "corp"]);
        config["servers"]["mail"]["accepts"] = json!(["own", "other"]);
    });
    let theirs = Issuing::in_world(&world, other);
    // A server takes tokens of the issuers that it names.
    let of_other = theirs.anns(&world, |claims| claims["iss"] = json!(other));
    call(&world, "demo", &of_other).refused(401, "token_issuer_not_accepted");
    // One issuer's key under another one's name.
    theirs.rotates("key-9", 44);
    let claiming = theirs.anns(&world, |_| ());
    call(&world, "demo", &claiming).refused(401, "external_token_unknown_key");
    // What was good at one server is not good at another.
    let token = issuing.anns(&world, |_| ());
    call(&world, "demo", &token).with(200);
    call(&world, "mail", &token).refused(401, "token_issuer_not_accepted");
}

#[test]
fn a_token_is_not_taken_for_another_that_ends_alike() {
    let (world, issuing) = corp();
    let token = issuing.anns(&world, |_| ());
    call(&world, "demo", &token).with(200);
    let mut claims = Issuing::claims(&world);
    claims["sub"] = json!("root");
    let (message, signature) = token.rsplit_once('.').unwrap();
    let header: Value =
        serde_json::from_slice(&Base64UrlUnpadded::decode_vec(message.split('.').next().unwrap()).unwrap()).unwrap();
    call(&world, "demo", &joined(&header, &claims, signature)).refused(401, "external_token_wrong_signature");
}

#[test]
fn huge_tokens_and_nonsense_make_nobody_work() {
    let (world, issuing) = Issuing::accepted(
        json!({"issuer": AS, "introspection": {"client_id": "gw", "client_secret": {"secret": "CORP_SECRET"}}}),
    );
    world.sent();
    call(&world, "demo", &"a".repeat(9_000)).refused(401, "external_token_malformed");
    let huge = issuing.anns(&world, |claims| claims["x"] = json!("a".repeat(20_000)));
    call(&world, "demo", &huge).refused(401, "external_token_malformed");
    assert!(world.sent().is_empty());
    // Whoever makes up tokens has the issuer asked so often, and not more.
    let statuses: Vec<_> =
        (0..40).map(|at| call(&world, "demo", &format!("made-up-token-number-{at:04}")).status).collect();
    assert_eq!(asked(&world, "/introspect"), 20);
    assert!(statuses[..20].iter().all(|status| *status == 401) && statuses[20..].iter().all(|status| *status == 503));
}

#[test]
fn what_an_issuer_tells_of_another_kind_of_token_lets_nobody_in() {
    let (world, issuing) = Issuing::accepted(
        json!({"issuer": AS, "introspection": {"client_id": "gw", "client_secret": {"secret": "CORP_SECRET"}}}),
    );
    for (name, value) in [
        ("token_type", "refresh_token"),
        ("typ", "Refresh"),
        ("token_type", "DPoP"),
        ("iss", "https://evil.example"),
        ("aud", "other"),
    ] {
        let mut told = Issuing::claims(&world);
        told["active"] = json!(true);
        told[name] = json!(value);
        let token = format!("a-token-that-has-{name}-{value}");
        issuing.tokens.borrow_mut().insert(token.clone(), told);
        assert_eq!(call(&world, "demo", &token).status, 401, "{name} {value}");
    }
}
