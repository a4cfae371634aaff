//! The name of a grant: 128 random bits, the same in its object, its code, its tokens and its revocation marker.
//!
//! Not here: the randomness.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};

/// 16 bytes, as 22 characters of base64url.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GrantId {
    bytes: [u8; 16],
    text: String,
}

impl GrantId {
    /// The id made of 16 random bytes.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self { bytes, text: Base64UrlUnpadded::encode_string(&bytes) }
    }

    /// Reads an id in its one spelling.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        let decoded = Base64UrlUnpadded::decode(text, &mut bytes).ok()?;
        (decoded.len() == 16).then(|| Self::new(bytes))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// As bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.bytes
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for GrantId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("a grant id is 16 bytes as base64url")
    }
}

impl From<GrantId> for String {
    fn from(id: GrantId) -> Self {
        id.text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_second_spelling_is_no_id() {
        let id = GrantId::new([0; 16]);
        assert_eq!(GrantId::parse("AAAAAAAAAAAAAAAAAAAAAA"), Some(id.clone()));
        assert_eq!(GrantId::parse("AAAAAAAAAAAAAAAAAAAAAB"), None);
        assert_eq!(GrantId::parse("AAAAAAAAAAAAAAAAAAAAA"), None);
        assert_eq!(GrantId::parse("AAAAAAAAAAAAAAAAAAAAAA=="), None);
        assert_eq!(serde_json::to_string(&id).unwrap(), r#""AAAAAAAAAAAAAAAAAAAAAA""#);
        assert!(serde_json::from_str::<GrantId>(r#""AAAA""#).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_parses_is_written_the_same_again(text in "[A-Za-z0-9_-]{22}|\\PC{0,40}") {
            if let Some(id) = GrantId::parse(&text) {
                prop_assert_eq!(id.as_str(), text);
            }
        }
    }
}
