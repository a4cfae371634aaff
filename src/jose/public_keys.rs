//! Public keys as people paste them: a JSON Web Key, a set of them, or PEM. What is kept of them is written anew, so
//! that nothing else of what was pasted is.
//!
//! Not here: verifying with them (`jwks`, `jws`).

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use serde_json::{Map, Value, json};
use spki::der::asn1::UintRef;
use spki::der::{Decode, Reader, SliceReader};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

use super::jwks;

/// Four RSA keys of the largest size, as a browser sends them.
const LONGEST: usize = 8 * 1024;
const MOST: usize = 4;
/// The longest id of a key.
const LONGEST_ID: usize = 255;

const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// Keys that were read: one at least.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKeys {
    /// As a key set, for [`jwks::parse`].
    pub jwks: String,
    /// The thumbprint of each (RFC 7638).
    pub thumbprints: Vec<String>,
}

/// Why no keys were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicKeyError {
    /// Larger than any keys that are meant.
    TooLong,
    /// More keys than anybody needs for a rotation.
    TooMany,
    /// A private key is in it, or a shared secret.
    Private,
    /// No key that a signature can be verified with.
    NoKey,
}

/// Reads keys. One that is unfit spoils all: whoever pasted it means to use it.
pub fn read(text: &str) -> Result<PublicKeys, PublicKeyError> {
    let text = text.trim();
    if text.len() > LONGEST {
        return Err(PublicKeyError::TooLong);
    }
    let keys = if text.starts_with("-----BEGIN") { vec![of_pem(text)?] } else { of_json(text)? };
    if keys.is_empty() {
        return Err(PublicKeyError::NoKey);
    }
    if keys.len() > MOST {
        return Err(PublicKeyError::TooMany);
    }
    let jwks = json!({ "keys": keys }).to_string();
    let thumbprints = jwks::parse(jwks.as_bytes()).ok_or(PublicKeyError::NoKey)?.thumbprints();
    Ok(PublicKeys { jwks, thumbprints })
}

fn of_json(text: &str) -> Result<Vec<Value>, PublicKeyError> {
    let document: Value = serde_json::from_str(text).map_err(|_| PublicKeyError::NoKey)?;
    match document.get("keys") {
        Some(Value::Array(keys)) => keys.iter().map(fit).collect(),
        Some(_) => Err(PublicKeyError::NoKey),
        None => Ok(vec![fit(&document)?]),
    }
}

/// A key that can verify, with nothing but what is needed for that.
fn fit(key: &Value) -> Result<Value, PublicKeyError> {
    if jwks::is_private(|member| key.get(member).is_some()) {
        return Err(PublicKeyError::Private);
    }
    let kept = ["alg", "crv", "e", "kid", "kty", "n", "use", "x", "y"].into_iter().filter_map(|name| {
        let text = key.get(name)?.as_str()?;
        Some((name.to_owned(), Value::from(text)))
    });
    let kept: Map<String, Value> = kept.collect();
    let is_named = kept.get("kid").and_then(Value::as_str).is_none_or(|id| id.len() <= LONGEST_ID);
    let kept = Value::Object(kept);
    let alone = json!({ "keys": [kept] }).to_string();
    let verifies = jwks::parse(alone.as_bytes()).is_some_and(|keys| !keys.is_empty());
    if verifies && is_named { Ok(kept) } else { Err(PublicKeyError::NoKey) }
}

/// A `SubjectPublicKeyInfo` in its armour (RFC 7468 §13).
fn of_pem(text: &str) -> Result<Value, PublicKeyError> {
    if text.contains("PRIVATE KEY") {
        return Err(PublicKeyError::Private);
    }
    let body = text.strip_prefix("-----BEGIN PUBLIC KEY-----").and_then(|rest| {
        let (body, rest) = rest.split_once("-----END PUBLIC KEY-----")?;
        rest.trim().is_empty().then_some(body)
    });
    let body: String = body.ok_or(PublicKeyError::NoKey)?.split_ascii_whitespace().collect();
    let der = Base64::decode_vec(&body).map_err(|_| PublicKeyError::NoKey)?;
    fit(&of_der(&der).ok_or(PublicKeyError::NoKey)?)
}

fn of_der(der: &[u8]) -> Option<Value> {
    let text = Base64UrlUnpadded::encode_string;
    let info = SubjectPublicKeyInfoRef::from_der(der).ok()?;
    let key = info.subject_public_key.as_bytes()?;
    match info.algorithm.oid {
        EC => {
            let curve = match info.algorithm.parameters_oid().ok()? {
                P256 => "P-256",
                P384 => "P-384",
                _ => return None,
            };
            // Uncompressed (RFC 5480 §2.2).
            let point = key.strip_prefix(&[4])?;
            let (x, y) = point.split_at_checked(point.len() / 2)?;
            Some(json!({"kty": "EC", "crv": curve, "x": text(x), "y": text(y)}))
        }
        RSA => {
            let mut reader = SliceReader::new(key).ok()?;
            let numbers = reader.sequence(|inner| Ok((UintRef::decode(inner)?, UintRef::decode(inner)?)));
            let (modulus, exponent) = numbers.ok()?;
            Some(json!({"kty": "RSA", "n": text(modulus.as_bytes()), "e": text(exponent.as_bytes())}))
        }
        ED25519 => Some(json!({"kty": "OKP", "crv": "Ed25519", "x": text(key)})),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::jose::test_keys::{ec_jwk, rsa_jwk};

    const P256_PEM: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEb/9R/VKBMCPINzDKe7i/ltVeVVSJ\nZAoEjKaKLTXVGEeODLaOBqo4KHVSVpfnL62ihm5o3NCUN98IIDZr3yXwSw==\n-----END PUBLIC KEY-----\n";

    #[test]
    fn a_key_is_read_in_each_form_and_kept_bare() {
        let more = |mut key: Value| {
            key["x5c"] = json!(["<script>"]);
            key["ext"] = json!(true);
            key
        };
        for (text, number) in [
            (more(ec_jwk()).to_string(), 1),
            (json!({"keys": [more(rsa_jwk()), ec_jwk()]}).to_string(), 2),
            (P256_PEM.to_owned(), 1),
            (P256_PEM.replace('\n', "\r\n"), 1),
        ] {
            let read = read(&text).unwrap();
            assert_eq!(read.thumbprints.len(), number, "{text}");
            assert!(!read.jwks.contains("script") && !read.jwks.contains("ext"), "{}", read.jwks);
            assert_eq!(jwks::parse(read.jwks.as_bytes()).map(|keys| keys.is_empty()), Some(false));
        }
    }

    #[test]
    fn what_is_private_unfit_or_too_much_is_refused() {
        let with = |mut key: Value, member: &str, value: &str| {
            key[member] = json!(value);
            key.to_string()
        };
        let set = |number: usize| json!({"keys": vec![ec_jwk(); number]}).to_string();
        for (text, error) in [
            (with(ec_jwk(), "d", "AAAA"), PublicKeyError::Private),
            (json!({"kty": "oct", "k": "AAAA"}).to_string(), PublicKeyError::Private),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----".to_owned(), PublicKeyError::Private),
            (with(ec_jwk(), "crv", "P-521"), PublicKeyError::NoKey),
            (with(rsa_jwk(), "n", "AQAB"), PublicKeyError::NoKey),
            (with(ec_jwk(), "use", "enc"), PublicKeyError::NoKey),
            (with(ec_jwk(), "kid", &"k".repeat(256)), PublicKeyError::NoKey),
            (json!({"keys": [ec_jwk(), {"kty": "EC"}]}).to_string(), PublicKeyError::NoKey),
            (json!({"keys": []}).to_string(), PublicKeyError::NoKey),
            (json!({"keys": 7}).to_string(), PublicKeyError::NoKey),
            (P256_PEM.replace("MFkw", "MFkx"), PublicKeyError::NoKey),
            (format!("{P256_PEM}{P256_PEM}"), PublicKeyError::NoKey),
            (set(MOST + 1), PublicKeyError::TooMany),
            (" ".to_owned(), PublicKeyError::NoKey),
            ("x".repeat(LONGEST + 1), PublicKeyError::TooLong),
        ] {
            assert_eq!(read(&text), Err(error), "{text}");
        }
        assert!(read(&set(MOST)).is_ok());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn any_text_is_looked_at(text in "\\PC{0,80}", der in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = read(&text);
            let armour = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", Base64::encode_string(&der));
            let _ = read(&armour);
        }
    }
}
