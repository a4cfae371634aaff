//! A refresh token's successor, sealed under a key made from the token it replaces: whoever presents the old token
//! within the replay window can be given the new one again, and nobody else can read it, the gateway at rest included.
//!
//! Not here: the window (`oauth::grant`).

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::envelope;
use super::envelope::{Nonce, OpenError, SealingKey};
use crate::secret::Secret;

/// Envelope version 1: `1 ‖ nonce (12) ‖ ciphertext`.
const ENVELOPE: u8 = 1;

/// Seals the successor of a refresh token under the token itself.
pub fn seal_successor(presented: &Secret, nonce: Nonce, successor: &Secret) -> String {
    // Without a key there is nothing to store, and the empty text never opens.
    key(presented)
        .map(|key| envelope::seal(&key, &[ENVELOPE], &[], nonce, successor.expose().as_bytes()))
        .unwrap_or_default()
}

/// The successor, for whoever presents the token it replaces.
pub fn open_successor(presented: &Secret, sealed: &str) -> Result<Secret, OpenError> {
    let bytes = envelope::decode(sealed)?;
    let Some((&ENVELOPE, rest)) = bytes.split_first() else {
        return Err(OpenError::Malformed);
    };
    let plaintext = envelope::open(&key(presented).ok_or(OpenError::UnknownKey)?, &[], rest)?;
    std::str::from_utf8(&plaintext).map(Secret::new).map_err(|_| OpenError::NotTheRecord)
}

fn key(presented: &Secret) -> Option<SealingKey> {
    let mut key = Zeroizing::new([0; 32]);
    let extracted = Hkdf::<Sha256>::new(None, presented.expose().as_bytes());
    extracted.expand(b"mcp-edge-gateway/1/successor", &mut *key).ok()?;
    Some(key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_presented_token_opens_it() {
        let sealed = seal_successor(&Secret::new("old"), [1; 12], &Secret::new("new"));
        assert_eq!(open_successor(&Secret::new("old"), &sealed).unwrap().expose(), "new");
        assert_eq!(open_successor(&Secret::new("new"), &sealed).unwrap_err(), OpenError::NotAuthentic);
        assert_eq!(open_successor(&Secret::new("old"), "").unwrap_err(), OpenError::Malformed);
    }

    #[test]
    fn a_successor_sealed_yesterday_stays_readable() {
        let sealed = seal_successor(&Secret::new("old"), [1; 12], &Secret::new("new"));
        assert_eq!(sealed, "AQEBAQEBAQEBAQEBAZIQd4TvzwP8mKXBXlbCfcmPwyk");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_text_is_refused(text in "\\PC{0,80}|AQ[A-Za-z0-9_-]{0,80}") {
            prop_assert!(open_successor(&Secret::new("old"), &text).is_err());
        }
    }
}
