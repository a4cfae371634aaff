//! A provider's JSON Web Key Set (RFC 7517): the keys an ID token may be signed with.
//!
//! Not here: fetching it (`flow`), the tokens (`id_token`).

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::Deserialize;

use crate::json::Node;
use crate::login::LoginError;

/// No key set is larger; `flow` reads no further.
pub const MAX_BYTES: usize = 256 * 1024;

const MAX_KEYS: usize = 100;

/// The sizes of RSA keys in bytes. RFC 7518 §3.3 wants 2048 bits at least; larger ones than the last only make
/// verifying expensive.
const RSA_SIZES: [usize; 3] = [256, 384, 512];

/// The largest public exponent that is common among libraries.
const LARGEST_EXPONENT: u64 = (1 << 33) - 1;

/// The keys of a provider the gateway can verify with.
#[derive(Debug, Clone)]
pub struct Jwks(Vec<Jwk>);

#[derive(Debug, Clone)]
struct Jwk {
    id: Option<String>,
    key: VerifyingKey,
}

/// A public key and, by its type, the one algorithm it verifies. Only [`parse`] makes them.
#[derive(Debug, Clone)]
pub enum VerifyingKey {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256(RsaKey),
    /// ECDSA on P-256 with SHA-256.
    Es256(EcKey),
}

/// An RSA key of 2048, 3072 or 4096 bits.
#[derive(Debug, Clone)]
pub struct RsaKey {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

/// Two coordinates. Whether they are a point of the curve is for whoever verifies with it.
#[derive(Debug, Clone)]
pub struct EcKey {
    x: [u8; 32],
    y: [u8; 32],
}

/// Reads a key set. A key for another use, of another type, too weak or malformed is left out: providers publish those
/// next to the ones they sign with (RFC 7517 §5).
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
    pub(super) fn candidates(&self, algorithm: &str, id: Option<&str>) -> Vec<VerifyingKey> {
        let meant = |jwk: &&Jwk| jwk.key.algorithm() == algorithm && (id.is_none() || jwk.id.as_deref() == id);
        self.0.iter().filter(meant).map(|jwk| jwk.key.clone()).collect()
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

    /// How many bytes each of its signatures has (RFC 8017 §8.2.2, RFC 7518 §3.4).
    pub(super) fn signature_size(&self) -> usize {
        match self {
            Self::Rs256(key) => key.modulus.len(),
            Self::Es256(_) => 64,
        }
    }

    /// The bare key as a JSON Web Key, written anew: nothing else of what the provider published is in it.
    pub fn jwk(&self) -> String {
        let text = Base64UrlUnpadded::encode_string;
        match self {
            Self::Rs256(RsaKey { modulus, exponent }) => {
                format!(r#"{{"kty":"RSA","n":"{}","e":"{}"}}"#, text(modulus), text(exponent))
            }
            Self::Es256(EcKey { x, y }) => {
                format!(r#"{{"kty":"EC","crv":"P-256","x":"{}","y":"{}"}}"#, text(x), text(y))
            }
        }
    }
}

#[derive(Deserialize)]
struct Published {
    kid: Option<String>,
    r#use: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kty: String,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

fn jwk(node: &Node<'_>) -> Option<Jwk> {
    let jwk: Published = node.read().ok()?;
    let key = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => VerifyingKey::Rs256(RsaKey { modulus: modulus(&jwk.n?)?, exponent: exponent(&jwk.e?)? }),
        ("EC", Some("P-256")) => VerifyingKey::Es256(EcKey { x: coordinate(&jwk.x?)?, y: coordinate(&jwk.y?)? }),
        _ => return None,
    };
    let signs = jwk.r#use.is_none_or(|purpose| purpose == "sig")
        && jwk.key_ops.is_none_or(|operations| operations.iter().any(|operation| operation == "verify"))
        && jwk.alg.is_none_or(|algorithm| algorithm == key.algorithm());
    signs.then_some(Jwk { id: jwk.kid, key })
}

/// The product of two odd primes, of exactly as many bits as its bytes have.
fn modulus(text: &str) -> Option<Vec<u8>> {
    let modulus = number(text)?;
    let full = RSA_SIZES.contains(&modulus.len()) && modulus.first().is_some_and(|byte| byte.leading_zeros() == 0);
    (full && odd(&modulus)).then_some(modulus)
}

/// Odd and 3 at least (RFC 8017 §3.1).
fn exponent(text: &str) -> Option<Vec<u8>> {
    let exponent = number(text)?;
    let short = exponent.len() <= size_of::<u64>();
    let value = exponent.iter().fold(0, |value: u64, byte| value << 8 | u64::from(*byte));
    (short && odd(&exponent) && (3..=LARGEST_EXPONENT).contains(&value)).then_some(exponent)
}

/// All of its bytes, also leading zeros (RFC 7518 §6.2.1.2).
fn coordinate(text: &str) -> Option<[u8; 32]> {
    bytes(text)?.try_into().ok()
}

/// Without leading zeros, which do not belong there (RFC 7518 §6.3.1.1), but are published.
fn number(text: &str) -> Option<Vec<u8>> {
    let bytes = bytes(text)?;
    Some(bytes.into_iter().skip_while(|byte| *byte == 0).collect())
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    Base64UrlUnpadded::decode_vec(text).ok()
}

fn odd(number: &[u8]) -> bool {
    number.last().is_some_and(|byte| byte % 2 == 1)
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
            with(ec_jwk(), "crv", Value::Null),
            with(ec_jwk(), "x", Value::Null),
            with(ec_jwk(), "y", json!("AAAA")),
            with(ec_jwk(), "y", json!(Base64UrlUnpadded::encode_string(&[0; 33]))),
        ];
        for jwk in unfit {
            assert_eq!(read(&[jwk.clone(), ec_jwk()]).0.len(), 1, "{jwk}");
        }
        let bare = ["use", "key_ops", "alg"].into_iter().fold(rsa_jwk(), |jwk, member| with(jwk, member, Value::Null));
        assert_eq!(read(&[bare, with(ec_jwk(), "key_ops", json!(["verify"]))]).0.len(), 2);
    }

    fn rsa(n: &[u8], e: &[u8]) -> Option<String> {
        let [n, e] = [n, e].map(|number| json!(Base64UrlUnpadded::encode_string(number)));
        read(&[with(with(rsa_jwk(), "n", n), "e", e)]).0.first().map(|jwk| jwk.key.jwk())
    }

    #[test]
    fn rsa_keys_have_2048_or_3072_or_4096_bits() {
        let taken = |n: &[u8]| rsa(n, &[1, 0, 1]).is_some();
        for size in [256, 384, 512] {
            assert!(taken(&vec![0xff; size]), "{size} bytes");
            for other in [size - 1, size + 1] {
                assert!(!taken(&vec![0xff; other]), "{other} bytes");
            }
            let short = [&[0x7f], &vec![0xff; size - 1][..]].concat();
            assert!(!taken(&short), "a bit less than {size} bytes");
        }
        assert!(!taken(&[0xff; 128]) && !taken(&[0xff; 1024]) && !taken(&[]));
    }

    #[test]
    fn rsa_keys_have_an_odd_modulus_and_a_fit_exponent() {
        let even = [&[0xff; 255][..], &[0xfe]].concat();
        assert_eq!(rsa(&even, &[1, 0, 1]), None);
        let taken = |e: &[u8]| rsa(&[0xff; 256], e).is_some();
        assert!(taken(&[3]) && taken(&[1, 0, 1]) && taken(&[1, 0xff, 0xff, 0xff, 0xff]));
        for unfit in [&[][..], &[0], &[1], &[2], &[1, 0, 0], &[2, 0, 0, 0, 1], &[0xff; 8], &[1, 0, 0, 0, 0, 0, 0, 0, 3]]
        {
            assert!(!taken(unfit), "{unfit:?}");
        }
    }

    #[test]
    fn a_key_is_written_anew_without_what_does_not_belong_there() {
        let padded = rsa(&[&[0, 0], &[0xff; 256][..]].concat(), &[0, 1, 0, 1]);
        assert_eq!(padded, rsa(&[0xff; 256], &[1, 0, 1]));
        for (published, bare) in [(rsa_jwk(), ["kty", "n", "e"].as_slice()), (ec_jwk(), &["kty", "crv", "x", "y"])] {
            let jwk: Value = serde_json::from_str(&read(std::slice::from_ref(&published)).0[0].key.jwk()).unwrap();
            let written: Vec<_> =
                bare.iter().map(|member| ((*member).to_owned(), published[*member].clone())).collect();
            assert_eq!(jwk, Value::Object(written.into_iter().collect()));
        }
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
