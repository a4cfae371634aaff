//! Nonces for proofs (RFC 9449 §8, §9): the moment one was given out, and a tag that only our keys can make. Nothing is
//! stored of one, and every isolate knows those of the others.
//!
//! Not here: when one is asked for.

use base64ct::{Base64UrlUnpadded, Encoding};

use crate::time::{Lifetime, Timestamp};
use crate::vault::{KeyRing, Purpose};

/// How long one is good: how long a proof that leaks could be of use where it was not seen before.
const GOOD: Lifetime = Lifetime::minutes(5);
/// How far the clocks of isolates may be apart.
const SKEW: Lifetime = Lifetime(60);
/// Seconds 8 ‖ tag 16.
const LENGTH: usize = 24;

/// The nonce of this moment.
pub fn mint(ring: &KeyRing, now: Timestamp) -> String {
    let moment = now.0.to_be_bytes();
    let tag = ring.tag(Purpose::DpopNonce, &moment);
    Base64UrlUnpadded::encode_string(&[&moment[..], &tag].concat())
}

/// Whether a nonce is one of ours, given out moments ago.
pub fn is_good(ring: &KeyRing, text: &str, now: Timestamp) -> bool {
    let mut bytes = [0; LENGTH];
    let decoded = Base64UrlUnpadded::decode(text, &mut bytes).ok().filter(|decoded| decoded.len() == LENGTH);
    let Some((moment, tag)) = decoded.and_then(|decoded| decoded.split_first_chunk::<8>()) else { return false };
    let at = Timestamp(u64::from_be_bytes(*moment));
    ring.verify_tag(Purpose::DpopNonce, moment, tag) && at <= now + SKEW && !(at + GOOD).reached(now)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secret::Secret;

    const NOW: Timestamp = Timestamp(10_000);

    fn ring() -> KeyRing {
        KeyRing::parse(&Secret::new("1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")).unwrap()
    }

    #[test]
    fn one_is_good_for_five_minutes() {
        let nonce = mint(&ring(), NOW);
        assert!(is_good(&ring(), &nonce, NOW) && is_good(&ring(), &nonce, Timestamp(10_299)));
        assert!(!is_good(&ring(), &nonce, Timestamp(10_300)));
        assert!(is_good(&ring(), &nonce, Timestamp(9_940)) && !is_good(&ring(), &nonce, Timestamp(9_939)));
        let other = KeyRing::parse(&Secret::new("2:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8")).unwrap();
        assert!(!is_good(&other, &nonce, NOW));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn what_we_did_not_make_is_none(text in "\\PC{0,40}|[A-Za-z0-9_-]{32}") {
            prop_assert!(!is_good(&ring(), &text, NOW));
        }
    }
}
