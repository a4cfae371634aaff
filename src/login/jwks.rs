//! A provider's JSON Web Key Set (RFC 7517): the keys an ID token may be signed with.
//!
//! Not here: fetching it (`flow`), the tokens (`id_token`).

use jwt_compact::Algorithm;
use jwt_compact::alg::{Es256, RsaPublicKey, StrongKey};
use jwt_compact::jwk::JsonWebKey;
use serde::Deserialize;

use super::LoginError;
use crate::json::Node;

/// No key set is larger; `flow` reads no further.
pub const MAX_BYTES: usize = 256 * 1024;

const MAX_KEYS: usize = 100;

/// The keys of a provider the gateway can verify with.
#[derive(Debug, Clone)]
pub struct Jwks(Vec<Jwk>);

#[derive(Debug, Clone)]
struct Jwk {
    id: Option<String>,
    key: VerifyingKey,
}

/// A key and, by its type, the one algorithm it verifies.
#[derive(Debug, Clone)]
pub(super) enum VerifyingKey {
    /// RSASSA-PKCS1-v1_5 with SHA-256; the key has 2048, 3072 or 4096 bits.
    Rs256(StrongKey<RsaPublicKey>),
    /// ECDSA on P-256 with SHA-256.
    Es256(<Es256 as Algorithm>::VerifyingKey),
}

/// Reads a key set. A key for another use, of another type, too weak or malformed is left out: providers publish those next to the
/// ones they sign with (RFC 7517 §5).
pub fn parse(bytes: &[u8]) -> Result<Jwks, LoginError> {
    if bytes.len() > MAX_BYTES {
        return Err(LoginError::KeysMalformed);
    }
    let document = Node::parse(bytes).map_err(|_| LoginError::KeysMalformed)?;
    match document.get("keys") {
        Some(Node::List(keys)) if keys.len() <= MAX_KEYS => Ok(Jwks(keys.iter().filter_map(jwk).collect())),
        _ => Err(LoginError::KeysMalformed),
    }
}

impl Jwks {
    /// The keys that can have signed a token of this algorithm and key id; without a key id, all of the algorithm.
    pub(super) fn candidates(&self, algorithm: &str, id: Option<&str>) -> Vec<&VerifyingKey> {
        let meant = |jwk: &&Jwk| jwk.key.algorithm() == algorithm && (id.is_none() || jwk.id.as_deref() == id);
        self.0.iter().filter(meant).map(|jwk| &jwk.key).collect()
    }
}

impl VerifyingKey {
    /// What the variants are for, and nothing else: no `none`, no shared secrets.
    pub(super) const ALGORITHMS: [&'static str; 2] = ["RS256", "ES256"];

    /// Its `alg` value (RFC 7518 §3.1).
    pub(super) fn algorithm(&self) -> &'static str {
        match self {
            Self::Rs256(_) => "RS256",
            Self::Es256(_) => "ES256",
        }
    }
}

fn jwk(node: &Node<'_>) -> Option<Jwk> {
    #[derive(Deserialize)]
    struct Purpose {
        kid: Option<String>,
        r#use: Option<String>,
        key_ops: Option<Vec<String>>,
        alg: Option<String>,
    }
    let purpose: Purpose = node.read().ok()?;
    let material: JsonWebKey<'_> = node.read().ok()?;
    let key = match &material {
        JsonWebKey::Rsa { .. } => {
            let key = RsaPublicKey::try_from(&material).ok()?;
            VerifyingKey::Rs256(StrongKey::try_from(key).ok()?)
        }
        JsonWebKey::EllipticCurve { .. } => VerifyingKey::Es256((&material).try_into().ok()?),
        _ => return None,
    };
    let signs = purpose.r#use.is_none_or(|purpose| purpose == "sig")
        && purpose.key_ops.is_none_or(|operations| operations.iter().any(|operation| operation == "verify"))
        && purpose.alg.is_none_or(|algorithm| algorithm == key.algorithm());
    signs.then_some(Jwk { id: purpose.kid, key })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::login::test_keys::{EC_ID, RSA_ID, ec_jwk, rsa_jwk};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn read(keys: &[Value]) -> Jwks {
        parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
    }

    fn with(mut jwk: Value, member: &str, value: Value) -> Value {
        jwk[member] = value;
        jwk
    }

    #[test]
    fn keys_are_found_by_id() {
        let jwks = read(&[rsa_jwk(), ec_jwk(), with(rsa_jwk(), "kid", Value::Null)]);
        let found = |algorithm, id| jwks.candidates(algorithm, id).len();
        assert_eq!((found("RS256", Some(RSA_ID)), found("RS256", Some(EC_ID)), found("RS256", None)), (1, 0, 2));
        assert_eq!((found("ES256", Some(EC_ID)), found("ES256", Some("other")), found("none", None)), (1, 0, 0));
    }

    #[test]
    fn unfit_keys_are_left_out_and_the_rest_kept() {
        let unfit = [
            json!(1),
            json!({"kty": "oct", "k": "AAAA", "kid": RSA_ID}),
            json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
            with(rsa_jwk(), "use", json!("enc")),
            with(rsa_jwk(), "key_ops", json!(["encrypt"])),
            with(rsa_jwk(), "alg", json!("PS256")),
            with(rsa_jwk(), "n", json!("AQAB")),
            with(rsa_jwk(), "n", json!("not base64url!")),
            with(rsa_jwk(), "e", json!("AA")),
            with(ec_jwk(), "crv", json!("P-384")),
            with(ec_jwk(), "x", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
            with(ec_jwk(), "y", json!("AAAA")),
        ];
        for jwk in unfit {
            assert_eq!(read(&[jwk.clone(), ec_jwk()]).0.len(), 1, "{jwk}");
        }
        let bare = ["use", "key_ops", "alg"].into_iter().fold(rsa_jwk(), |jwk, member| with(jwk, member, Value::Null));
        assert_eq!(read(&[bare, with(ec_jwk(), "key_ops", json!(["verify"]))]).0.len(), 2);
    }

    #[test]
    fn rsa_keys_below_2048_bits_are_left_out() {
        // 1024 bits, all ones.
        let weak = format!("{}8", "_".repeat(170));
        assert_eq!(read(&[with(rsa_jwk(), "n", json!(weak))]).0.len(), 0);
    }

    #[test]
    fn what_is_not_a_key_set_is_refused() {
        let many = json!({ "keys": vec![json!({}); MAX_KEYS + 1] }).to_string();
        let large = format!("{{\"keys\":[]}}{}", " ".repeat(MAX_BYTES));
        for bytes in ["", "[]", "{}", "{\"keys\":{}}", &many, &large] {
            assert_eq!(parse(bytes.as_bytes()).unwrap_err(), LoginError::KeysMalformed);
        }
        assert_eq!(read(&[]).0.len(), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn any_key_is_read_without_harm(n in "[A-Za-z0-9_-]{0,400}", e in "[A-Za-z0-9_-]{0,12}", x in "[A-Za-z0-9_-]{43}") {
            let rsa = with(with(rsa_jwk(), "n", n.into()), "e", e.into());
            prop_assert!(read(&[rsa, with(ec_jwk(), "x", x.into())]).0.len() <= 2);
        }

        #[test]
        fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = parse(&bytes);
        }
    }
}
