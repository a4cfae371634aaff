//! A JWS in compact form (RFC 7515), read without believing it: nothing that it claims can be seen before somebody says
//! that one of the keys it can mean has verified the signature.
//!
//! A header may name places where its key is (`jku`, `x5u`) or bring one (`jwk`, `x5c`): no such member is read, as
//! whoever signed a forgery has written it.
//!
//! Not here: claims, and where keys come from (`jwks`).

use base64ct::{Base64UrlUnpadded, Encoding};
use jwt_compact::{Claims, UntrustedToken};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};

use super::algorithm::Algorithm;
use super::jwks;
use super::jwks::{Jwks, VerifyingKey};
use crate::json::Node;

/// The longest token that is looked at.
pub const MAX_BYTES: usize = 16 * 1024;

/// Why a token cannot be verified, or was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JwsError {
    /// Longer than any real one, not a JWS in compact form, or claims of the wrong type.
    Malformed,
    /// The header says it is another kind of JWT (RFC 8725 §3.11).
    WrongType,
    /// The header demands extensions the gateway does not know (RFC 7515 §4.1.11).
    CriticalExtension,
    /// Not one of the algorithms that the reader takes: `none` and shared secrets above all (RFC 8725 §3.1).
    UnsupportedAlgorithm,
    /// No key id, and more than one key could be meant.
    AmbiguousKey,
    /// No such key. Issuers rotate keys: fetch the key set once more and try again.
    UnknownKey,
    /// The signature does not match.
    WrongSignature,
}

/// Reads a token.
///
/// 1. It is a JWS of the right kind, which `is_fit` says by its `typ`, without extensions the gateway does not know.
/// 2. The signature is by a key of the issuer, with the one algorithm that key is for: [`Unverified::verified`].
pub fn read<'a>(
    text: &'a str,
    jwks: &Jwks,
    is_fit: impl FnOnce(Option<&str>) -> bool,
    algorithms: &[Algorithm],
) -> Result<Unverified<'a>, JwsError> {
    // 1.
    let (token, message, algorithm) = opened(text, is_fit, algorithms)?;

    // 2.
    let key_id = token.header().key_id.as_deref();
    let mut keys = jwks.candidates(algorithm, key_id);
    if keys.is_empty() {
        return Err(JwsError::UnknownKey);
    }
    if key_id.is_none() && keys.len() > 1 {
        return Err(JwsError::AmbiguousKey);
    }
    keys.retain(|key| key.signature_size() == token.signature_bytes().len());
    if keys.is_empty() {
        return Err(JwsError::WrongSignature);
    }
    Ok(Unverified { token, message, keys })
}

/// Reads a token that brings the public key it is signed with, and that key's thumbprint. It proves that whoever made
/// it has the private one, and nothing of who that is. One with a private key is none.
pub fn read_with_own_key<'a>(
    text: &'a str,
    is_fit: impl FnOnce(Option<&str>) -> bool,
    algorithms: &[Algorithm],
) -> Result<(Unverified<'a>, String), JwsError> {
    let (token, message, algorithm) = opened(text, is_fit, algorithms)?;
    let header = text.split('.').next().and_then(|header| Base64UrlUnpadded::decode_vec(header).ok());
    let header = header.ok_or(JwsError::Malformed)?;
    let header = Node::parse(&header).map_err(|_| JwsError::Malformed)?;
    let key = header.get("jwk").and_then(|key| jwks::public(key, algorithm)).ok_or(JwsError::UnknownKey)?;
    if key.signature_size() != token.signature_bytes().len() {
        return Err(JwsError::WrongSignature);
    }
    let thumbprint = key.thumbprint();
    Ok((Unverified { token, message, keys: vec![key] }, thumbprint))
}

fn opened<'a>(
    text: &'a str,
    is_fit: impl FnOnce(Option<&str>) -> bool,
    algorithms: &[Algorithm],
) -> Result<(Untrusted<'a>, &'a [u8], Algorithm), JwsError> {
    let text = Some(text).filter(|text| text.len() <= MAX_BYTES).ok_or(JwsError::Malformed)?;
    let token: Untrusted<'_> = text.try_into().map_err(|_| JwsError::Malformed)?;
    let (message, _) = text.rsplit_once('.').ok_or(JwsError::Malformed)?;
    if !is_fit(token.header().token_type.as_deref()) {
        return Err(JwsError::WrongType);
    }
    if token.header().other_fields.crit.is_some() {
        return Err(JwsError::CriticalExtension);
    }
    let algorithm = Algorithm::named(token.algorithm()).filter(|algorithm| algorithms.contains(algorithm));
    Ok((token, message.as_bytes(), algorithm.ok_or(JwsError::UnsupportedAlgorithm)?))
}

/// Whom a token says it is from, to know whose keys to ask; `None` for what is no JWS. Proves nothing.
pub fn claimed_issuer(text: &str) -> Option<String> {
    Some(text).filter(|text| text.len() <= MAX_BYTES && UntrustedToken::<'_>::new(text).is_ok())?;
    let payload = payload(text.rsplit_once('.')?.0.as_bytes())?;
    match Node::parse(&payload).ok()?.get("iss") {
        Some(Node::Text(issuer)) => Some(issuer.to_string()),
        _ => None,
    }
}

/// A token whose signature nobody has verified.
pub struct Unverified<'a> {
    token: Untrusted<'a>,
    message: &'a [u8],
    keys: Vec<VerifyingKey>,
}

impl<'a> Unverified<'a> {
    /// The keys the header can mean: there is one at least, and one of them must have signed.
    pub fn keys(&self) -> &[VerifyingKey] {
        &self.keys
    }

    /// What was signed (RFC 7515 §5.2).
    pub fn message(&self) -> &[u8] {
        self.message
    }

    /// As long as one of each key is.
    pub fn signature(&self) -> &[u8] {
        self.token.signature_bytes()
    }

    /// The claims, for whoever says whether one of the keys has verified the signature over the message.
    pub fn verified(self, verified: bool) -> Result<Signed<'a>, JwsError> {
        if !verified {
            return Err(JwsError::WrongSignature);
        }
        let payload = payload(self.message).ok_or(JwsError::Malformed)?;
        Ok(Signed { token: self.token, payload })
    }
}

/// What an issuer has signed, not judged yet.
pub struct Signed<'a> {
    token: Untrusted<'a>,
    payload: Vec<u8>,
}

impl Signed<'_> {
    /// The claims in types.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<Claims<T>, JwsError> {
        self.token.deserialize_claims_unchecked().map_err(|_| JwsError::Malformed)
    }

    /// All that it claims, as JSON.
    pub fn into_payload(self) -> Vec<u8> {
        self.payload
    }
}

fn payload(message: &[u8]) -> Option<Vec<u8>> {
    let payload = message.rsplit(|byte| *byte == b'.').next()?;
    Base64UrlUnpadded::decode_vec(str::from_utf8(payload).ok()?).ok()
}

type Untrusted<'a> = UntrustedToken<'a, Extensions>;

#[derive(Deserialize)]
struct Extensions {
    #[serde(default, deserialize_with = "present")]
    crit: Option<IgnoredAny>,
}

/// `"crit":null` is there as well, and as little understood.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<IgnoredAny>, D::Error> {
    IgnoredAny::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::jose::test_keys::{EC_ID, RSA_ID, ec_jwk, es256, made_by, ps256, rs256, rsa_jwk};

    fn keys(published: &[serde_json::Value]) -> Jwks {
        jwks::parse(json!({ "keys": published }).to_string().as_bytes()).unwrap()
    }

    fn verified(token: &str, jwks: &Jwks) -> Result<(), JwsError> {
        let token = read(token, jwks, |_| true, &Algorithm::ALL)?;
        let verified = token.keys().iter().any(|key| made_by(key, token.message(), token.signature()));
        token.verified(verified).map(|_| ())
    }

    #[test]
    fn a_key_without_an_algorithm_verifies_what_fits_its_type() {
        let mut bare = rsa_jwk();
        bare["alg"] = serde_json::Value::Null;
        let header = || json!({"kid": RSA_ID});
        let jwks = keys(&[bare]);
        assert_eq!(verified(&rs256(header(), json!({})), &jwks), Ok(()));
        assert_eq!(verified(&ps256(header(), json!({})), &jwks), Ok(()));
        let bound = keys(&[rsa_jwk()]);
        assert_eq!(verified(&ps256(header(), json!({})), &bound), Err(JwsError::UnknownKey), "it is for RS256");
    }

    #[test]
    fn a_reader_takes_its_own_algorithms_alone() {
        let token = es256(json!({"kid": EC_ID}), json!({}));
        let read = |algorithms: &[Algorithm]| read(&token, &keys(&[ec_jwk()]), |_| true, algorithms).map(|_| ());
        assert_eq!(read(&[Algorithm::Es256]), Ok(()));
        assert_eq!(read(&[Algorithm::Rs256, Algorithm::Es384]), Err(JwsError::UnsupportedAlgorithm));
    }

    #[test]
    fn keys_that_a_header_brings_or_names_are_nobodys() {
        let (jwk, url) = (ec_jwk(), "https://evil.example/jwks");
        let token = es256(json!({"kid": "theirs", "jwk": jwk, "jku": url, "x5u": url}), json!({}));
        assert_eq!(verified(&token, &keys(&[ec_jwk()])), Err(JwsError::UnknownKey));
    }

    #[test]
    fn whom_a_token_is_said_to_be_from_is_found_without_its_keys() {
        let token = es256(json!({}), json!({"iss": "https://as.example"}));
        assert_eq!(claimed_issuer(&token).as_deref(), Some("https://as.example"));
        assert_eq!(claimed_issuer(&es256(json!({}), json!({"iss": 7}))), None);
        for opaque in ["", "a", "a.b", "a.b.c", "mcpg_rt_x.y.z", &"a".repeat(MAX_BYTES + 1)] {
            assert_eq!(claimed_issuer(opaque), None, "{opaque}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn any_text_is_read_or_refused(text in "[A-Za-z0-9_.=-]{0,80}|\\PC{0,40}") {
            let _ = claimed_issuer(&text);
            prop_assert!(verified(&text, &keys(&[ec_jwk(), rsa_jwk()])).is_err());
        }
    }
}
