//! The name of an API key: 128 random bits, which say nothing of the key itself. It is shown, logged, and what a
//! revocation names.
//!
//! Not here: the randomness.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};

/// 16 bytes, as 22 characters of base64url.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(String);

impl KeyId {
    /// The id made of 16 random bytes.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(Base64UrlUnpadded::encode_string(&bytes))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The subject that the key acts for where it acts for nobody else. `key` names no login, so nobody signs in as
    /// such.
    pub fn subject(&self) -> String {
        format!("key:{}", self.0)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for KeyId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut bytes = [0; 16];
        match Base64UrlUnpadded::decode(&text, &mut bytes) {
            Ok(decoded) if decoded.len() == 16 => Ok(Self(text)),
            _ => Err("a key id is 16 bytes as base64url"),
        }
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling_and_names_a_subject() {
        let id = KeyId::new([0; 16]);
        assert_eq!((id.as_str(), id.subject().as_str()), ("AAAAAAAAAAAAAAAAAAAAAA", "key:AAAAAAAAAAAAAAAAAAAAAA"));
        assert_eq!(serde_json::from_str::<KeyId>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
        for other in ["AAAAAAAAAAAAAAAAAAAAAB", "AAAA", "", "AAAAAAAAAAAAAAAAAAAAAA=="] {
            assert!(KeyId::try_from(other.to_owned()).is_err(), "{other}");
        }
    }
}
