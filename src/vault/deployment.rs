//! How a deployment proves to its operator that it is the one they have just made, before it is sent the operator's
//! token.
//!
//! The key is for nothing else, and a proof is of one question at one origin: who relays the question to the real
//! gateway gets the proof of another origin. Not here: where the key comes from (`ports::Secrets`).

use base64ct::{Base64UrlUnpadded, Encoding};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// 256 bits as base64url. A shorter key could be found from a proof by trying.
const TEXT: usize = 43;

/// The proof for a nonce of 256 bits that was asked for at an origin; `None` where the key or the nonce is not that
/// long.
pub fn proof(key: &Secret, origin: &str, nonce: &str) -> Option<String> {
    if key.expose().len() < TEXT || nonce.len() != TEXT || Base64UrlUnpadded::decode_vec(nonce).is_err() {
        return None;
    }
    let mut mac_key = Zeroizing::new([0; 64]);
    let extracted = Hkdf::<Sha256>::new(None, key.expose().as_bytes());
    extracted.expand(b"mcp-edge-gateway/1/deployment", &mut *mac_key).ok()?;
    let mut mac = <Hmac<Sha256> as hmac::digest::KeyInit>::new((&*mac_key).into());
    mac.update(origin.as_bytes());
    mac.update(b"\n");
    mac.update(nonce.as_bytes());
    Some(Base64UrlUnpadded::encode_string(&mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    #[test]
    fn a_proof_is_of_one_key_one_origin_and_one_nonce() {
        let key = Secret::new("ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8");
        let other = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";
        let proven = proof(&key, "https://mcp.example.com", NONCE).unwrap();
        // Computed outside the gateway: the deploying script of this release asks gateways of the next one.
        assert_eq!(proven, "ZsocAPiKTL3sPpktVnvOpekSqTeWzGt28TH84Imk6oY");
        assert_ne!(Some(&proven), proof(&key, "https://other.example.com", NONCE).as_ref());
        assert_ne!(Some(&proven), proof(&key, "https://mcp.example.com", other).as_ref());
        assert_ne!(Some(&proven), proof(&Secret::new(NONCE), "https://mcp.example.com", NONCE).as_ref());
    }

    #[test]
    fn a_key_that_can_be_guessed_proves_nothing_and_only_a_nonce_is_signed() {
        let key = Secret::new("ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8");
        assert_eq!(proof(&Secret::new("hunter2"), "https://mcp.example.com", NONCE), None);
        for nonce in ["", "AAEC", &NONCE.repeat(2), &NONCE.replace('A', "!")] {
            assert_eq!(proof(&key, "https://mcp.example.com", nonce), None, "{nonce}");
        }
    }
}
