//! An issuer's JSON Web Key Set (RFC 7517): the keys its tokens may be signed with.
//!
//! Not here: fetching it (`flow`), the tokens (`jws`).

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::algorithm::{Algorithm, KeyType};
use crate::json::Node;

/// No key set is larger; `flow` reads no further.
pub const MAX_BYTES: usize = 256 * 1024;

const MAX_KEYS: usize = 100;

/// The sizes of RSA keys in bytes. RFC 7518 §3.3 wants 2048 bits at least; larger ones than the last only make
/// verifying expensive.
const RSA_SIZES: [usize; 3] = [256, 384, 512];

/// The largest public exponent that is common among libraries.
const LARGEST_EXPONENT: u64 = (1 << 33) - 1;

/// Members of a JSON Web Key that only its owner may know (RFC 7518 §6.2.2, §6.3.2, §6.4).
const PRIVATE: [&str; 8] = ["d", "k", "p", "q", "dp", "dq", "qi", "oth"];

/// The keys of an issuer the gateway can verify with.
#[derive(Debug, Clone)]
pub struct Jwks(Vec<Jwk>);

#[derive(Debug, Clone)]
struct Jwk {
    id: Option<String>,
    /// The one that it is for, where that is said (RFC 7517 §4.4); else any that fits its type.
    algorithm: Option<Algorithm>,
    key: PublicKey,
}

/// A public key and the one algorithm it verifies. Only [`parse`] makes the keys.
#[derive(Debug, Clone)]
pub struct VerifyingKey {
    algorithm: Algorithm,
    key: PublicKey,
}

#[derive(Debug, Clone)]
enum PublicKey {
    /// Of 2048, 3072 or 4096 bits.
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    /// Two coordinates. Whether they are a point of the curve is for whoever verifies with them.
    P256([[u8; 32]; 2]),
    /// Likewise.
    P384([[u8; 48]; 2]),
    /// Likewise, one coordinate.
    Ed25519([u8; 32]),
}

/// Reads a key set; `None` for what is none. A key for another use, of another type, too weak or malformed is left out:
/// issuers publish those next to the ones they sign with (RFC 7517 §5).
pub fn parse(bytes: &[u8]) -> Option<Jwks> {
    if bytes.len() > MAX_BYTES {
        return None;
    }
    let document = Node::parse(bytes).ok()?;
    match document.get("keys") {
        Some(Node::List(keys)) if keys.len() <= MAX_KEYS => Some(Jwks(keys.iter().filter_map(jwk).collect())),
        _ => None,
    }
}

/// Whether a key says what only its owner may know, by which members it has.
pub fn is_private(has: impl Fn(&str) -> bool) -> bool {
    PRIVATE.into_iter().any(has)
}

/// A key that comes alone, for one algorithm. One that says what only its owner may know is none.
pub(super) fn public(node: &Node<'_>, algorithm: Algorithm) -> Option<VerifyingKey> {
    if is_private(|member| node.get(member).is_some()) {
        return None;
    }
    let jwk = jwk(node).filter(|jwk| jwk.is_for(algorithm))?;
    Some(VerifyingKey { algorithm, key: jwk.key })
}

impl Jwks {
    /// Whether there is no key that anything can be verified with.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The thumbprint of each key.
    pub fn thumbprints(&self) -> Vec<String> {
        self.0.iter().map(|jwk| jwk.key.thumbprint()).collect()
    }

    /// The keys that can have signed a token of this algorithm and key id; without a key id, all of the algorithm.
    pub(super) fn candidates(&self, algorithm: Algorithm, id: Option<&str>) -> Vec<VerifyingKey> {
        let meant = |jwk: &&Jwk| jwk.is_for(algorithm) && (id.is_none() || jwk.id.as_deref() == id);
        self.0.iter().filter(meant).map(|jwk| VerifyingKey { algorithm, key: jwk.key.clone() }).collect()
    }
}

impl Jwk {
    fn is_for(&self, algorithm: Algorithm) -> bool {
        self.key.key_type() == algorithm.key_type() && self.algorithm.is_none_or(|own| own == algorithm)
    }
}

impl VerifyingKey {
    /// What it verifies, and nothing else.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// How many bytes each of its signatures has (RFC 8017 §8.1.2, §8.2.2, RFC 7518 §3.4, RFC 8032 §5.1.6).
    pub(super) const fn signature_size(&self) -> usize {
        match &self.key {
            PublicKey::Rsa { modulus, .. } => modulus.len(),
            PublicKey::P256(_) | PublicKey::Ed25519(_) => 64,
            PublicKey::P384(_) => 96,
        }
    }

    /// The bare key as a JSON Web Key, written anew: nothing else of what the issuer published is in it.
    pub fn jwk(&self) -> String {
        let text = Base64UrlUnpadded::encode_string;
        let on_curve = |curve: &str, x: &[u8], y: &[u8]| {
            format!(r#"{{"kty":"EC","crv":"{curve}","x":"{}","y":"{}"}}"#, text(x), text(y))
        };
        match &self.key {
            PublicKey::Rsa { modulus, exponent } => {
                format!(r#"{{"kty":"RSA","n":"{}","e":"{}"}}"#, text(modulus), text(exponent))
            }
            PublicKey::P256([x, y]) => on_curve("P-256", x, y),
            PublicKey::P384([x, y]) => on_curve("P-384", x, y),
            PublicKey::Ed25519(x) => format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{}"}}"#, text(x)),
        }
    }

    /// Its thumbprint (RFC 7638).
    pub fn thumbprint(&self) -> String {
        self.key.thumbprint()
    }
}

impl PublicKey {
    const fn key_type(&self) -> KeyType {
        match self {
            Self::Rsa { .. } => KeyType::Rsa,
            Self::P256(_) => KeyType::P256,
            Self::P384(_) => KeyType::P384,
            Self::Ed25519(_) => KeyType::Ed25519,
        }
    }

    /// Its thumbprint (RFC 7638 §3): the digest of its required members, in the order of their names.
    fn thumbprint(&self) -> String {
        let text = Base64UrlUnpadded::encode_string;
        let on_curve = |curve: &str, x: &[u8], y: &[u8]| {
            format!(r#"{{"crv":"{curve}","kty":"EC","x":"{}","y":"{}"}}"#, text(x), text(y))
        };
        let members = match self {
            Self::Rsa { modulus, exponent } => {
                format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(exponent), text(modulus))
            }
            Self::P256([x, y]) => on_curve("P-256", x, y),
            Self::P384([x, y]) => on_curve("P-384", x, y),
            Self::Ed25519(x) => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text(x)),
        };
        text(&Sha256::digest(members.as_bytes()))
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
        ("RSA", _) => PublicKey::Rsa { modulus: modulus(&jwk.n?)?, exponent: exponent(&jwk.e?)? },
        ("EC", Some("P-256")) => PublicKey::P256([coordinate(&jwk.x?)?, coordinate(&jwk.y?)?]),
        ("EC", Some("P-384")) => PublicKey::P384([coordinate(&jwk.x?)?, coordinate(&jwk.y?)?]),
        ("OKP", Some("Ed25519")) => PublicKey::Ed25519(coordinate(&jwk.x?)?),
        _ => return None,
    };
    let signs = jwk.r#use.is_none_or(|purpose| purpose == "sig")
        && jwk.key_ops.is_none_or(|operations| operations.iter().any(|operation| operation == "verify"));
    let algorithm = match jwk.alg {
        Some(name) => Some(Algorithm::named(&name).filter(|algorithm| algorithm.key_type() == key.key_type())?),
        None => None,
    };
    signs.then_some(Jwk { id: jwk.kid, algorithm, key })
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
fn coordinate<const N: usize>(text: &str) -> Option<[u8; N]> {
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
    use crate::jose::test_keys::{EC_ID, RSA_ID, ec_jwk, rsa_jwk};
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
        let (rsa, ec) = (Algorithm::Rs256, Algorithm::Es256);
        assert_eq!((found(rsa, Some(RSA_ID)), found(rsa, Some(EC_ID)), found(rsa, None)), (1, 0, 2));
        assert_eq!((found(ec, Some(EC_ID)), found(ec, Some("other")), found(Algorithm::Ps256, None)), (1, 0, 0));
    }

    #[test]
    fn unfit_keys_are_left_out_and_the_rest_kept() {
        let unfit = [
            json!(1),
            json!({"kty": "oct", "k": "AAAA", "kid": RSA_ID}),
            json!({"kty": "OKP", "crv": "X25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
            json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKx"}),
            with(rsa_jwk(), "use", json!("enc")),
            with(rsa_jwk(), "key_ops", json!(["encrypt"])),
            with(rsa_jwk(), "alg", json!("RSA-OAEP")),
            with(rsa_jwk(), "alg", json!("ES256")),
            with(ec_jwk(), "alg", json!("ES384")),
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
        read(&[with(with(rsa_jwk(), "n", n), "e", e)]).candidates(Algorithm::Rs256, None).first().map(VerifyingKey::jwk)
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
        let ed25519 = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        let coordinate = Base64UrlUnpadded::encode_string(&[7; 48]);
        let p384 = json!({"kty": "EC", "crv": "P-384", "x": coordinate, "y": coordinate, "kid": "b"});
        for (published, algorithm, bare) in [
            (rsa_jwk(), Algorithm::Rs256, ["kty", "n", "e"].as_slice()),
            (ec_jwk(), Algorithm::Es256, &["kty", "crv", "x", "y"]),
            (p384, Algorithm::Es384, &["kty", "crv", "x", "y"]),
            (with(ed25519, "kid", json!("a")), Algorithm::EdDsa, &["kty", "crv", "x"]),
        ] {
            let keys = read(std::slice::from_ref(&published)).candidates(algorithm, None);
            let jwk: Value = serde_json::from_str(&keys[0].jwk()).unwrap();
            let written: Vec<_> =
                bare.iter().map(|member| ((*member).to_owned(), published[*member].clone())).collect();
            assert_eq!(jwk, Value::Object(written.into_iter().collect()));
        }
    }

    #[test]
    fn the_thumbprint_is_that_of_rfc_7638_and_8037() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let rsa = json!({"kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"});
        let ed25519 = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        for (jwk, algorithm, thumbprint) in [
            (rsa, Algorithm::Rs256, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"),
            (ed25519, Algorithm::EdDsa, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
        ] {
            let text = jwk.to_string();
            let key = public(&Node::parse(text.as_bytes()).unwrap(), algorithm).unwrap();
            assert_eq!(key.thumbprint(), thumbprint);
        }
    }

    #[test]
    fn a_key_that_comes_alone_is_public_and_for_its_algorithm() {
        let fits = |jwk: &Value| public(&Node::parse(jwk.to_string().as_bytes()).unwrap(), Algorithm::Es256).is_some();
        assert!(fits(&ec_jwk()));
        assert!(!fits(&rsa_jwk()) && !fits(&with(ec_jwk(), "alg", json!("ES384"))) && !fits(&json!([])));
        for member in PRIVATE {
            assert!(!fits(&with(ec_jwk(), member, json!("AAAA"))), "{member}");
        }
    }

    #[test]
    fn what_is_not_a_key_set_is_refused() {
        let many = json!({ "keys": vec![json!({}); MAX_KEYS + 1] }).to_string();
        let large = format!("{{\"keys\":[]}}{}", " ".repeat(MAX_BYTES));
        for bytes in ["", "[]", "{}", "{\"keys\":{}}", &many, &large] {
            assert!(parse(bytes.as_bytes()).is_none());
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
