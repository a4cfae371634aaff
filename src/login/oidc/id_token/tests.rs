//! ID tokens that must be taken, and one forgery for each step of [`super::read`].
//!
//! Not here: key sets (`jwks`).

use base64ct::{Base64UrlUnpadded, Encoding};
use jwt_compact::alg::{Hs256, Hs256Key};
use jwt_compact::{AlgorithmExt, Claims, Header};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::jose::jwks;
use crate::jose::jws::MAX_BYTES;
use crate::jose::test_keys::{EC_ID, RSA_ID, ec_jwk, es256, made_by, ps256, rs256, rsa_jwk};

const ISSUER: &str = "https://id.example.com/";
const NOW: u64 = 1_700_000_000;

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "auth0|7", "aud": "gateway", "nonce": "n1", "iat": NOW - 5, "exp": NOW + 300,
        "name": "Alice", "email": "alice@example.com", "email_verified": true, "auth_time": NOW - 60,
    })
}

fn claims_with(member: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[member] = value;
    claims
}

fn claims_without(member: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(member);
    claims
}

fn rsa_header() -> Value {
    json!({"kid": RSA_ID, "typ": "JWT"})
}

fn key_set(keys: &[Value]) -> Jwks {
    jwks::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

fn verified_with(jwks: &Jwks, token: &str) -> Result<Identity, IdTokenError> {
    of_issuer(ISSUER, jwks, token)
}

fn of_issuer(issuer: &str, jwks: &Jwks, token: &str) -> Result<Identity, IdTokenError> {
    let token = Secret::new(token);
    let unverified = read(&token, jwks)?;
    let verified = unverified.keys().iter().any(|key| made_by(key, unverified.message(), unverified.signature()));
    let signed = SignedIdToken::of(unverified.verified(verified)?)?;
    let proven = signed.proven(issuer, "gateway", Some(&Secret::new("n1")), None, Timestamp(NOW))?;
    assert_eq!(proven.claims().unwrap().get("sub"), Some(&Node::Text(proven.sub.as_str().into())));
    Ok(proven.identity)
}

fn verified(token: &str) -> Result<Identity, IdTokenError> {
    verified_with(&key_set(&[ec_jwk(), rsa_jwk()]), token)
}

fn claimed(claims: Value) -> Result<Identity, IdTokenError> {
    verified(&es256(json!({"kid": EC_ID}), claims))
}

#[test]
fn both_algorithms_are_taken() {
    let alice = Identity {
        subject: "id.example.com|auth0|7".into(),
        name: Some("Alice".into()),
        email: Some("alice@example.com".into()),
    };
    assert_eq!(verified(&rs256(rsa_header(), claims())), Ok(alice.clone()));
    assert_eq!(verified(&es256(json!({"kid": EC_ID}), claims())), Ok(alice));
}

#[test]
fn what_is_not_a_token_is_refused() {
    for text in ["", "a", "a.b", "a.b.c.d", "..", "e30.e30."] {
        assert_eq!(verified(text), Err(IdTokenError::Malformed));
    }
    assert_eq!(claimed(claims_with("groups", json!("x".repeat(MAX_BYTES)))), Err(IdTokenError::Malformed));
    assert!(claimed(claims_with("groups", json!("x".repeat(MAX_BYTES / 2)))).is_ok());
    assert_eq!(claimed(claims_with("aud", json!(7))), Err(IdTokenError::Malformed));
    assert_eq!(claimed(claims_without("sub")), Err(IdTokenError::Malformed));
}

#[test]
fn another_kind_of_token_is_refused() {
    let typed = |kind: &str| verified(&es256(json!({"kid": EC_ID, "typ": kind}), claims())).map(|_| ());
    for kind in ["at+jwt", "logout+jwt", "dpop+jwt", ""] {
        assert_eq!(typed(kind), Err(IdTokenError::WrongType), "{kind}");
    }
    assert_eq!((typed("JWT"), typed("jwt")), (Ok(()), Ok(())));
}

#[test]
fn a_critical_extension_is_refused() {
    for crit in [json!(["b64"]), json!([]), json!(null)] {
        let token = es256(json!({"kid": EC_ID, "crit": crit, "b64": true}), claims());
        assert_eq!(verified(&token), Err(IdTokenError::CriticalExtension), "{crit}");
    }
}

#[test]
fn no_other_algorithm_is_taken() {
    let unsigned = |algorithm: &str| {
        let part = |value: Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
        format!("{}.{}.", part(json!({"alg": algorithm, "kid": RSA_ID})), part(claims()))
    };
    for algorithm in ["none", "None", "NONE", "", "RS384", "EdDSA"] {
        assert_eq!(verified(&unsigned(algorithm)), Err(IdTokenError::UnsupportedAlgorithm), "{algorithm}");
    }
    for algorithm in ["RS256", "ES256"] {
        assert!(verified(&unsigned(algorithm)).is_err(), "{algorithm} without a signature");
    }
    assert_eq!(verified(&ps256(rsa_header(), claims())), Err(IdTokenError::UnsupportedAlgorithm));

    // The public key as a shared secret: the classic confusion (RFC 8725 §2.1).
    for public in [rsa_jwk()["n"].as_str().unwrap().as_bytes(), rsa_jwk().to_string().as_bytes()] {
        let token = Hs256.token(&Header::new(rsa_header()), &Claims::new(claims()), &Hs256Key::new(public)).unwrap();
        assert_eq!(verified(&token), Err(IdTokenError::UnsupportedAlgorithm));
    }
}

#[test]
fn the_key_is_the_one_the_header_names() {
    let unknown = rs256(json!({"kid": "next"}), claims());
    assert_eq!(verified(&unknown), Err(IdTokenError::UnknownKey));
    // The named key exists, but is for the other algorithm.
    assert_eq!(verified(&rs256(json!({"kid": EC_ID}), claims())), Err(IdTokenError::UnknownKey));
    // Two keys of one id while a provider rotates without renaming.
    let mut other = ec_jwk();
    other["kid"] = RSA_ID.into();
    assert!(verified_with(&key_set(&[other, rsa_jwk()]), &rs256(rsa_header(), claims())).is_ok());
    assert_eq!(verified_with(&key_set(&[]), &rs256(rsa_header(), claims())), Err(IdTokenError::UnknownKey));
}

#[test]
fn without_a_key_id_there_is_one_key_or_none() {
    let token = es256(json!({}), claims());
    assert!(verified(&token).is_ok());
    assert_eq!(verified_with(&key_set(&[ec_jwk(), ec_jwk()]), &token), Err(IdTokenError::AmbiguousKey));
    assert_eq!(verified_with(&key_set(&[rsa_jwk()]), &token), Err(IdTokenError::UnknownKey));
}

#[test]
fn a_changed_token_does_not_verify() {
    for token in [rs256(rsa_header(), claims()), es256(json!({"kid": EC_ID}), claims())] {
        let [header, body, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
        let forged = claims_with("sub", json!("auth0|8")).to_string();
        let forged = Base64UrlUnpadded::encode_string(forged.as_bytes());
        let bytes = Base64UrlUnpadded::decode_vec(signature).unwrap();
        let cut = Base64UrlUnpadded::encode_string(&bytes[1..]);
        let zero = Base64UrlUnpadded::encode_string(&[0; 64]);
        for (body, signature) in [(forged.as_str(), signature), (body, ""), (body, &cut), (body, &zero)] {
            assert_eq!(verified(&format!("{header}.{body}.{signature}")), Err(IdTokenError::WrongSignature));
        }
    }
}

#[test]
fn a_signature_is_as_long_as_its_key_says() {
    let jwks = key_set(&[ec_jwk(), rsa_jwk()]);
    let read = |token: String| read(&Secret::new(token), &jwks).map(|_| ()).err();
    for (token, size) in [(es256(json!({"kid": EC_ID}), claims()), 64), (rs256(rsa_header(), claims()), 256)] {
        let (message, _) = token.rsplit_once('.').unwrap();
        let with = |size| format!("{message}.{}", Base64UrlUnpadded::encode_string(&vec![1; size]));
        assert_eq!(read(with(size)), None, "for a platform to verify");
        for size in [0, 1, size - 1, size + 1, 2 * size] {
            assert_eq!(read(with(size)), Some(IdTokenError::WrongSignature), "{size}");
        }
    }
}

#[test]
fn what_is_claimed_is_judged_after_the_signature() {
    let garbled = es256(json!({"kid": EC_ID}), claims_with("aud", json!(7)));
    let (message, signature) = garbled.rsplit_once('.').unwrap();
    let forged = format!("{message}.{}", Base64UrlUnpadded::encode_string(&[1; 64]));
    assert_eq!(verified(&forged), Err(IdTokenError::WrongSignature));
    assert_eq!(verified(&format!("{message}.{signature}")), Err(IdTokenError::Malformed));
}

#[test]
fn one_key_of_several_under_the_name_is_enough() {
    let mut other = ec_jwk();
    (other["x"], other["y"]) = (ec_jwk()["y"].clone(), ec_jwk()["x"].clone());
    let token = es256(json!({"kid": EC_ID}), claims());
    assert_eq!(
        verified_with(&key_set(&[other.clone()]), &token),
        Err(IdTokenError::WrongSignature),
        "no point of the curve"
    );
    assert!(verified_with(&key_set(&[other, ec_jwk()]), &token).is_ok());
}

#[test]
fn the_issuer_is_identical() {
    for issuer in ["https://id.example.com", "https://evil.test/", ""] {
        assert_eq!(claimed(claims_with("iss", json!(issuer))), Err(IdTokenError::WrongIssuer), "{issuer}");
    }
}

#[test]
fn the_audience_is_the_gateway() {
    assert!(claimed(claims_with("aud", json!(["gateway"]))).is_ok());
    for aud in [json!("other"), json!(["other"]), json!([]), json!("gateway2")] {
        assert_eq!(claimed(claims_with("aud", aud.clone())), Err(IdTokenError::WrongAudience), "{aud}");
    }
}

#[test]
fn the_authorized_party_is_the_gateway() {
    let with = |aud: Value, azp: Option<&str>| {
        let mut claims = claims_with("aud", aud);
        claims["azp"] = azp.into();
        claimed(claims).map(|_| ())
    };
    let wrong = Err(IdTokenError::WrongAuthorizedParty);
    assert_eq!(with(json!(["gateway", "other"]), Some("gateway")), Ok(()));
    assert_eq!(with(json!(["gateway", "other"]), None), wrong);
    assert_eq!(with(json!(["gateway", "other"]), Some("other")), wrong);
    assert_eq!(with(json!("gateway"), Some("gateway")), Ok(()));
    assert_eq!(with(json!("gateway"), Some("other")), wrong);
}

#[test]
fn time_is_checked_with_a_minute_to_spare() {
    assert!(claimed(claims_with("exp", json!(NOW - 59))).is_ok());
    for exp in [json!(NOW - 60), json!(0), json!(-1)] {
        assert_eq!(claimed(claims_with("exp", exp.clone())), Err(IdTokenError::Expired), "{exp}");
    }
    assert_eq!(claimed(claims_without("exp")), Err(IdTokenError::Expired));
    assert!(claimed(claims_with("exp", json!(u64::MAX))).is_err());
    for member in ["iat", "nbf"] {
        assert!(claimed(claims_with(member, json!(NOW + 60))).is_ok(), "{member}");
        assert_eq!(claimed(claims_with(member, json!(NOW + 61))), Err(IdTokenError::NotYetValid), "{member}");
    }
    assert_eq!(claimed(claims_without("iat")), Err(IdTokenError::NotYetValid));
    assert!(claimed(claims_with("iat", json!(1_700_000_000.5))).is_ok(), "NumericDate may have a fraction");
}

#[test]
fn a_fresh_sign_in_is_one_after_it_was_asked_for() {
    let asked = Timestamp(NOW - 200);
    let since = |auth_time: Value| {
        let token = Secret::new(es256(json!({"kid": EC_ID}), claims_with("auth_time", auth_time)));
        let signed = read(&token, &key_set(&[ec_jwk()])).unwrap().verified(true).unwrap();
        let signed = SignedIdToken::of(signed).unwrap();
        signed.proven(ISSUER, "gateway", Some(&Secret::new("n1")), Some(asked), Timestamp(NOW)).map(|_| ())
    };
    for fresh in [json!(NOW - 200), json!(NOW), json!(NOW - 260)] {
        assert_eq!(since(fresh.clone()), Ok(()), "{fresh}");
    }
    for old in [json!(NOW - 261), json!(0), json!(-5)] {
        assert_eq!(since(old.clone()), Err(IdTokenError::NotFresh), "{old}");
    }
    for fresh in [json!(1_700_000_000.5), json!(NOW.to_string()), json!("1700000000.5")] {
        assert_eq!(since(fresh.clone()), Ok(()), "{fresh}");
    }
    for old in [json!(1_699_999_000.5), json!((NOW - 261).to_string()), json!("1699999000.5"), json!(-1.5)] {
        assert_eq!(since(old.clone()), Err(IdTokenError::NotFresh), "{old}");
    }
    for unreadable in ["yesterday", "", "NaN", "inf", " 1700000000"].map(Value::from).into_iter().chain([
        json!(true),
        json!([NOW]),
        json!({}),
    ]) {
        assert_eq!(since(unreadable.clone()), Err(IdTokenError::NotFresh), "{unreadable}");
    }
    assert_eq!(since(Value::Null), Ok(()), "a provider that does not tell is believed");
    assert!(claimed(claims_with("auth_time", json!(0))).is_ok(), "nobody asked for a fresh one");
}

#[test]
fn the_nonce_is_this_logins() {
    for nonce in [json!("n2"), json!(""), json!(null)] {
        assert_eq!(claimed(claims_with("nonce", nonce.clone())), Err(IdTokenError::WrongNonce), "{nonce}");
    }
    assert_eq!(claimed(claims_without("nonce")), Err(IdTokenError::WrongNonce));
}

#[test]
fn the_subject_names_a_person_of_this_issuer() {
    let longest = "x".repeat(255);
    assert_eq!(claimed(claims_with("sub", json!(longest))).unwrap().subject, format!("id.example.com|{longest}"));
    for sub in ["", "a\nb", "é", &"x".repeat(256)] {
        assert_eq!(claimed(claims_with("sub", json!(sub))), Err(IdTokenError::UnfitSubject), "{sub}");
    }
    // Two realms of one host are two issuers.
    let realm = "http://127.0.0.1:9000/realms/a";
    let token = es256(json!({"kid": EC_ID}), claims_with("iss", json!(realm)));
    let identity = of_issuer(realm, &key_set(&[ec_jwk()]), &token).unwrap();
    assert_eq!(identity.subject, "127.0.0.1:9000/realms/a|auth0|7");
}

#[test]
fn what_is_shown_is_fit_to_show() {
    let email = |verified: Value| claimed(claims_with("email_verified", verified)).unwrap().email;
    assert_eq!((email(json!(false)), email(json!("false"))), (None, None));
    assert!(email(json!("true")).is_some() && email(json!(null)).is_some());
    for name in ["", "a\nb", "\u{202e}ecilA", &"x".repeat(MAX_SHOWN + 1)] {
        assert_eq!(claimed(claims_with("name", json!(name))).unwrap().name, None, "{name:?}");
    }
    assert_eq!(claimed(claims_with("name", json!("Zoë Ωμέγα"))).unwrap().name.as_deref(), Some("Zoë Ωμέγα"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_text_is_read_without_harm(text in "[A-Za-z0-9._-]{0,200}", other in "\\PC{0,60}") {
        prop_assert!(verified(&text).is_err());
        prop_assert!(verified(&other).is_err());
    }

    #[test]
    fn any_header_and_claims_are_read_without_harm(header in "\\PC{0,40}", claims in "\\PC{0,40}") {
        let part = |text: String| Base64UrlUnpadded::encode_string(text.as_bytes());
        let token = format!("{}.{}.AAAA", part(format!("{{\"alg\":\"ES256\",\"kid\":{header}}}")), part(claims));
        prop_assert!(verified(&token).is_err());
    }
}
