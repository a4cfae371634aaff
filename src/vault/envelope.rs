//! AES-256-GCM with a place: ciphertext that opens only under the same key and the same associated data.
//!
//! Not here: which key (`key_ring`, `successor`), or where the text is kept.

use std::fmt;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use base64ct::{Base64UrlUnpadded, Encoding};
use zeroize::Zeroizing;

/// The longest sealed text that is looked at, far above any record we write.
const LONGEST: usize = 64 * 1024;

/// An AES-256 key that leaves memory when dropped.
pub(super) type SealingKey = Zeroizing<[u8; 32]>;

/// A nonce of 96 bits, never used twice with one key.
pub(super) type Nonce = [u8; 12];

/// Why a sealed text does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenError {
    /// Not base64url, too long or too short, or of an unknown envelope version.
    Malformed,
    /// Sealed under a key version the ring does not hold.
    UnknownKey,
    /// Changed, moved from another place, or made for another purpose.
    NotAuthentic,
    /// Authentic, but not the record that was asked for.
    NotTheRecord,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the sealed text is malformed",
            Self::UnknownKey => "the key it was sealed with is no longer in the key ring",
            Self::NotAuthentic => "the sealed text was changed or belongs elsewhere",
            Self::NotTheRecord => "the sealed text holds another kind of record",
        })
    }
}

impl std::error::Error for OpenError {}

/// `head ‖ nonce ‖ ciphertext` as base64url. `head` says what the opener must know before it can choose a key.
///
/// AES-GCM refuses only plaintexts of 64 GiB and more; such a text would come back without ciphertext, which never
/// opens.
pub(super) fn seal(key: &SealingKey, head: &[u8], place: &[u8], nonce: Nonce, plaintext: &[u8]) -> String {
    let payload = Payload { msg: plaintext, aad: place };
    let sealed = Aes256Gcm::new((&**key).into()).encrypt(&nonce.into(), payload).unwrap_or_default();
    Base64UrlUnpadded::encode_string(&[head, &nonce, &sealed].concat())
}

/// The bytes of a sealed text: strict, so that one record has one spelling.
pub(super) fn decode(sealed: &str) -> Result<Vec<u8>, OpenError> {
    if sealed.len() > LONGEST {
        return Err(OpenError::Malformed);
    }
    Base64UrlUnpadded::decode_vec(sealed).map_err(|_| OpenError::Malformed)
}

/// Opens what follows the head.
pub(super) fn open(key: &SealingKey, place: &[u8], nonce_and_sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let (nonce, sealed) = nonce_and_sealed.split_first_chunk::<12>().ok_or(OpenError::Malformed)?;
    let payload = Payload { msg: sealed, aad: place };
    let plaintext = Aes256Gcm::new((&**key).into()).decrypt(nonce.into(), payload);
    plaintext.map(Zeroizing::new).map_err(|_| OpenError::NotAuthentic)
}

/// Associated data from parts. Each part carries its length, so that `["ab", "c"]` and `["a", "bc"]` are different
/// places.
pub(super) fn place<'a>(parts: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut place = Vec::new();
    for part in parts {
        place.extend((part.len() as u64).to_be_bytes());
        place.extend(part.as_bytes());
    }
    place
}
