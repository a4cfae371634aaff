//! The keys of each purpose, derived from one operator key with HKDF-SHA-256 (RFC 5869).
//!
//! Not here: versions and rotation (`key_ring`).

use hkdf::{Hkdf, InvalidLength};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::Purpose;
use super::envelope::SealingKey;

/// One purpose's keys. The MAC key fills an HMAC block, so that using it cannot fail.
pub(super) struct Subkey {
    pub(super) seal: SealingKey,
    pub(super) mac: Zeroizing<[u8; 64]>,
}

impl Subkey {
    fn derive(&mut self, extracted: &Hkdf<Sha256>, purpose: Purpose) -> Result<(), InvalidLength> {
        let label = purpose.label().as_bytes();
        extracted.expand_multi_info(&[b"mcp-edge-gateway/1/seal/", label], &mut *self.seal)?;
        extracted.expand_multi_info(&[b"mcp-edge-gateway/1/mac/", label], &mut *self.mac)
    }
}

/// Every purpose's keys, derived once when the ring is read.
pub(super) struct Subkeys([Subkey; Purpose::ALL.len()]);

impl Subkeys {
    pub(super) fn derive(key: &[u8]) -> Result<Self, InvalidLength> {
        let extracted = Hkdf::<Sha256>::new(None, key);
        let mut keys = Purpose::ALL.map(|_| Subkey { seal: Zeroizing::new([0; 32]), mac: Zeroizing::new([0; 64]) });
        for (subkey, purpose) in keys.iter_mut().zip(Purpose::ALL) {
            subkey.derive(&extracted, purpose)?;
        }
        Ok(Self(keys))
    }

    pub(super) fn of(&self, purpose: Purpose) -> &Subkey {
        purpose.of(&self.0)
    }
}
