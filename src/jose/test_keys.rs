//! Signing keys of an invented provider, and the verifying that a platform does, for unit tests. Public, worthless, and
//! nowhere else.
//!
//! Not here: anything a deployment runs on; the module exists under `cfg(test)` only.

use std::sync::LazyLock;

use jwt_compact::alg::{Es256, Rsa, RsaPrivateKey, SigningKey};
use jwt_compact::jwk::{JsonWebKey, JwkError};
use jwt_compact::{Algorithm, AlgorithmExt, AlgorithmSignature, Claims, Header};
use serde_json::{Value, json};

use super::algorithm::Algorithm as Alg;
use super::jwks::VerifyingKey;

/// The key id of both keys' JWKs.
pub(crate) const RSA_ID: &str = "test-rsa";
/// The key id of the P-256 key's JWK.
pub(crate) const EC_ID: &str = "test-ec";

static RSA: LazyLock<RsaPrivateKey> = LazyLock::new(|| {
    let key: JsonWebKey<'_> = serde_json::from_value(rsa_test_key_only()).unwrap();
    RsaPrivateKey::try_from(&key).unwrap()
});

/// The public RSA key as a provider publishes it.
pub(crate) fn rsa_jwk() -> Value {
    let key = RSA.to_public_key();
    published(&JsonWebKey::from(&key), RSA_ID, "RS256")
}

/// The public P-256 key as a provider publishes it.
pub(crate) fn ec_jwk() -> Value {
    let key = ec_key().to_verifying_key();
    published(&JsonWebKey::from(&key), EC_ID, "ES256")
}

/// A token signed with the RSA key.
pub(crate) fn rs256(header: Value, claims: Value) -> String {
    Rsa::rs256().token(&Header::new(header), &Claims::new(claims), &RSA).unwrap()
}

/// A token signed with the RSA key and an algorithm the gateway does not take.
pub(crate) fn ps256(header: Value, claims: Value) -> String {
    Rsa::ps256().token(&Header::new(header), &Claims::new(claims), &RSA).unwrap()
}

/// A token signed with the P-256 key.
pub(crate) fn es256(header: Value, claims: Value) -> String {
    Es256.token(&Header::new(header), &Claims::new(claims), &ec_key()).unwrap()
}

/// Whether the key made the signature.
pub(crate) fn made_by(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
    match key.algorithm() {
        Alg::Rs256 => made_with(&Rsa::rs256(), key, message, signature),
        Alg::Ps256 => made_with(&Rsa::ps256(), key, message, signature),
        Alg::Es256 => made_with(&Es256, key, message, signature),
        other => panic!("no test signs with {}", other.as_str()),
    }
}

fn made_with<A: Algorithm>(algorithm: &A, key: &VerifyingKey, message: &[u8], signature: &[u8]) -> bool
where
    A::VerifyingKey: for<'a> TryFrom<&'a JsonWebKey<'a>, Error = JwkError>,
{
    let jwk: JsonWebKey<'_> = serde_json::from_str(&key.jwk()).unwrap();
    let Ok(key) = A::VerifyingKey::try_from(&jwk) else { return false };
    A::Signature::try_from_slice(signature).is_ok_and(|made| algorithm.verify_signature(&made, &key, message))
}

fn ec_key() -> <Es256 as Algorithm>::SigningKey {
    SigningKey::<Es256>::from_slice(&[7; 32]).unwrap()
}

fn published(key: &JsonWebKey<'_>, id: &str, algorithm: &str) -> Value {
    let mut jwk = serde_json::to_value(key).unwrap();
    jwk["kid"] = id.into();
    jwk["use"] = "sig".into();
    jwk["alg"] = algorithm.into();
    jwk["x5c"] = json!(["MIIC"]);
    jwk
}

/// TEST KEY ONLY, generated for this file.
fn rsa_test_key_only() -> Value {
    json!({
        "kty": "RSA",
        "n": concat!(
            "kNXGKbAVs99wdY6YkKlAWwfvVLBMuIOp4mmiuV8i2UckcKEKIht-B2odm8Tz9wLVpEmF9XlqnUoduqhQktLD7tZR",
            "iSrrxcK-UINM1KoRpLM0nw5CkYY6qN3rktOmxy95sZ6Xq4HExNUC97BOBXsVubDaD9QISNIOkCe-EfnXmQH4jVxm",
            "QSXJLAYILRtODNmz4SAn-G-pXzGAR4lBbF-OcvtE0ErWNgdyaIkOh32NoonI-2xjnPY7V04ezG8SHiI1Isl-UROR",
            "Jv_yaI82j-iP8vSpvQyKT96IXpd5wjg-2NCJa7Y3DhCjT757vkFuM4sHzP1nQEs67vFT6mFr7ep_Xw",
        ),
        "e": "AQAB",
        "d": concat!(
            "BRf3kaTB2_hqNeraE7sCv-YotRju1yMOQ5-vxjGB12ld7zYYAKNojG3fdQh5WgENWWtFMku0WQFvx-OT0y4QD6Nq",
            "7QDc7Ntl97fpE6ZC25YlLh4sGikXLAmDTOpzou1ZAXWl44q7TFQqIrgzw5PqFi88OV1IHfjWjpxPM3D5c5s6wh2u",
            "96tNSjRkxnlbWtb3r9_D8ny2eEpfcER3kRh6daaTd521pOWnrFw3fWjLOzgowpVIBDkZwXunIHOHJzP4dA_TvlC9",
            "XIGnqhHD-8BLZa1FVk2ZtaF-rCwIF0YsfGdL6uFFaCfHIFfmghDzUbO_C3dEgqTIMdvI5Bne4nmQWQ",
        ),
        "p": concat!(
            "xGOP5PreJZM0D8S6kQQ46Z6j3EnH16fWh0DxisTJFERkujm3t6q_dzILPZmJW6wq37jFpVh631TVxJwzlOfqO4QI",
            "82V0zAwVEfRMjk0RM5obeKoEoZgRYj1EEaNoERziiJHKJL2So67cO7kgyYHOK94RH7D-EL4saNqEb3egFjk",
        ),
        "q": concat!(
            "vMw1pJMOM5ALMU8rKmqvueTzWLR8zXCL7folCFvekx8gcPvHFxJr2XITIXEiWRhL65pbEwhcaPVpMosEBB5qz0et",
            "qelwC4PqLEDvVGaTQf1J7VmRYF8IchWMUeQG-1YaEBXcamucKPhsWKT7UVZM8jwoGAgAyNI7Ssfg8wUKglc",
        )
    })
}
