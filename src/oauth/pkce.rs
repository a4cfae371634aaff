//! Proof Key for Code Exchange, S256 only (RFC 7636, OAuth 2.1 §7.5).
//!
//! Not here: `plain`, which OAuth 2.1 leaves to clients that cannot hash and MCP clients may not use.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A `code_challenge`: SHA-256 of a verifier that only the client knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct S256Challenge(String);

impl S256Challenge {
    /// Reads a `code_challenge`: exactly 32 bytes as base64url without padding (RFC 7636 §4.2).
    pub fn parse(text: &str) -> Result<Self, ChallengeError> {
        match Base64UrlUnpadded::decode(text, &mut [0; 32]) {
            Ok(hash) if hash.len() == 32 => Ok(Self(text.to_owned())),
            _ => Err(ChallengeError),
        }
    }

    /// The challenge of a verifier (RFC 7636 §4.2).
    pub fn of(verifier: &str) -> Self {
        Self(Base64UrlUnpadded::encode_string(&Sha256::digest(verifier.as_bytes())))
    }

    /// Whether this is the challenge of that verifier, compared in constant time. A verifier that RFC 7636 §4.1 does
    /// not allow never fits.
    pub fn verify(&self, verifier: &str) -> bool {
        is_verifier(verifier) && self.0.as_bytes().ct_eq(Self::of(verifier).0.as_bytes()).into()
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for S256Challenge {
    type Error = ChallengeError;

    fn try_from(text: String) -> Result<Self, ChallengeError> {
        Self::parse(&text)
    }
}

impl From<S256Challenge> for String {
    fn from(challenge: S256Challenge) -> Self {
        challenge.0
    }
}

/// The text is not base64url of 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChallengeError;

impl fmt::Display for ChallengeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("code_challenge is not the base64url form of a SHA-256 hash (43 characters, no padding)")
    }
}

impl std::error::Error for ChallengeError {}

/// RFC 7636 §4.1: 43 to 128 unreserved characters.
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn rfc_7636_appendix_b() {
        let challenge = S256Challenge::parse(CHALLENGE).unwrap();
        assert!(challenge.verify(VERIFIER));
        assert!(!challenge.verify(&VERIFIER.replace('d', "e")));
        assert_eq!(S256Challenge::of(VERIFIER).as_str(), CHALLENGE);
    }

    #[test]
    fn a_challenge_has_one_spelling() {
        let padded = format!("{CHALLENGE}=");
        let loose_bits = CHALLENGE.replace("-cM", "-cN");
        for text in ["", "E9Mel", padded.as_str(), loose_bits.as_str(), &CHALLENGE.replace('-', "+"), &"A".repeat(44)] {
            assert_eq!(S256Challenge::parse(text), Err(ChallengeError), "{text}");
        }
    }

    #[test]
    fn a_verifier_outside_the_rfc_never_fits_even_its_own_hash() {
        for verifier in ["a".repeat(42), "a".repeat(129), format!("{}!", "a".repeat(43)), "\u{e9}".repeat(43)] {
            assert!(!S256Challenge::of(&verifier).verify(&verifier), "{verifier}");
        }
        for length in [43, 128] {
            let verifier = "~".repeat(length);
            assert!(S256Challenge::of(&verifier).verify(&verifier));
        }
    }

    #[test]
    fn a_challenge_sent_as_verifier_is_not_plain() {
        assert!(!S256Challenge::parse(CHALLENGE).unwrap().verify(CHALLENGE));
    }

    #[test]
    fn stored_as_a_string_and_checked_when_read() {
        let json = serde_json::to_string(&S256Challenge::of(VERIFIER)).unwrap();
        assert_eq!(json, format!("\"{CHALLENGE}\""));
        assert!(serde_json::from_str::<S256Challenge>("\"short\"").is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn any_text_reads_or_is_refused(text in "\\PC{0,60}|[A-Za-z0-9_-]{43}") {
            if let Ok(challenge) = S256Challenge::parse(&text) {
                prop_assert_eq!(challenge.as_str(), text);
            }
        }

        #[test]
        fn only_the_own_verifier_fits(one in "[a-zA-Z0-9._~-]{43,128}", other in "[a-zA-Z0-9._~-]{43,128}") {
            prop_assert!(S256Challenge::of(&one).verify(&one));
            prop_assert_eq!(S256Challenge::of(&one).verify(&other), one == other);
        }
    }
}
