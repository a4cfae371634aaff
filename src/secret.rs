//! Text that must never be printed: one way in, one loud way out.
//!
//! Not here: sealing for storage (`vault`), or where secrets come from (`ports::Secrets`).

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A token, password or key as text. No `Display`, no `PartialEq`, no serde of its own: it leaves only through
/// [`Secret::expose`], or in a record that names [`sealed`].
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over; the caller keeps no copy.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself, for the one place that must send or parse it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Compares in constant time, eight bytes at once: byte by byte a token took 13,000 instructions.
    pub fn matches(&self, other: &str) -> bool {
        let ((words, rest), (other_words, other_rest)) =
            (self.0.as_bytes().as_chunks::<8>(), other.as_bytes().as_chunks::<8>());
        if words.len() != other_words.len() {
            return false;
        }
        let pairs = words.iter().zip(other_words);
        let differ =
            pairs.fold(0, |differ, (one, other)| differ | (u64::from_ne_bytes(*one) ^ u64::from_ne_bytes(*other)));
        (differ.ct_eq(&0) & rest.ct_eq(other_rest)).into()
    }

    /// SHA-256 of the text, base64url: what is stored instead of it.
    pub fn digest(&self) -> Digested {
        Digested::of(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

/// SHA-256 of a 256-bit random secret, base64url without padding. Safe to store and to print: it cannot be turned back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Digested(String);

impl Digested {
    /// The digest of some text.
    pub fn of(text: &str) -> Self {
        use base64ct::{Base64UrlUnpadded, Encoding};
        Self(Base64UrlUnpadded::encode_string(&Sha256::digest(text.as_bytes())))
    }

    /// Whether a text has the form of one.
    pub fn is_one(text: &str) -> bool {
        text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    }

    /// As text, for a storage key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// For `#[serde(with = "…")]` in records that are only ever written to be sealed.
pub mod sealed {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Secret;

    /// As a string.
    pub fn serialize<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.expose())
    }

    /// From a string.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        String::deserialize(deserializer).map(Secret::new)
    }

    /// The same for a secret that may be missing; the field needs `default` and `skip_serializing_if` as well.
    pub mod optional {
        use serde::{Deserialize, Deserializer, Serialize, Serializer};

        use crate::secret::Secret;

        /// As a string, or null.
        pub fn serialize<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
            secret.as_ref().map(Secret::expose).serialize(serializer)
        }

        /// From a string, or null.
        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
            Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_it() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret([redacted])");
    }
}
