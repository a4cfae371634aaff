//! The operator's secret as versioned keys: the newest makes, all of them read.
//!
//! Not here: where the text comes from (`ports::Secrets`). Rotation is a new version appended to it.

use std::cell::Cell;
use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use hmac::{Hmac, Mac};
use jwt_compact::alg::Hs256Key;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use super::envelope::{Nonce, OpenError};
use super::key_ring_error::{KeyRingError, MOST_KEYS, SHORTEST_KEY};
use super::subkey::Subkeys;
use super::{Purpose, envelope};
use crate::json;
use crate::secret::Secret;

/// Envelope version 1: `1 ‖ key version (4) ‖ nonce (12) ‖ ciphertext`.
const ENVELOPE: u8 = 1;

/// Every key version, newest first.
pub struct KeyRing {
    newest: Version,
    older: Vec<Version>,
    missed: Cell<Option<u32>>,
}

impl KeyRing {
    /// Reads `1:<base64url of at least 32 bytes>,2:<…>`. The highest number is the newest.
    pub fn parse(text: &Secret) -> Result<Self, KeyRingError> {
        let mut versions = Vec::new();
        for (index, entry) in text.expose().trim().split(',').enumerate() {
            if index == MOST_KEYS {
                return Err(KeyRingError::TooMany);
            }
            let version = Version::parse(index + 1, entry.trim())?;
            if versions.iter().any(|other: &Version| other.number == version.number) {
                return Err(KeyRingError::RepeatedVersion { version: version.number });
            }
            let place = versions.partition_point(|other| other.number < version.number);
            versions.insert(place, version);
        }
        let newest = versions.pop().ok_or(KeyRingError::NoVersion { entry: 1 })?;
        versions.reverse();
        Ok(Self { newest, older: versions, missed: Cell::new(None) })
    }

    /// Seals a plaintext to a purpose and a context: base64url that opens only when both are the same.
    pub fn seal(&self, purpose: Purpose, context: &[&str], nonce: Nonce, plaintext: &[u8]) -> String {
        let mut head = vec![ENVELOPE];
        head.extend(self.newest.number.to_be_bytes());
        envelope::seal(&self.newest.keys.of(purpose).seal, &head, &place(purpose, context), nonce, plaintext)
    }

    /// Opens what [`KeyRing::seal`] made, under whichever version sealed it.
    pub fn open(&self, purpose: Purpose, context: &[&str], sealed: &str) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let bytes = envelope::decode(sealed)?;
        let (version, rest) = self.sealer(&bytes).inspect_err(|error| {
            if *error == OpenError::UnknownKey && purpose.is_at_rest() {
                self.missed.set(number_of(&bytes));
            }
        })?;
        envelope::open(&version.keys.of(purpose).seal, &place(purpose, context), rest)
    }

    /// The number of a version that something at rest was sealed under and that is not there, once.
    pub fn take_missed(&self) -> Option<u32> {
        self.missed.take()
    }

    /// Whether the newest version sealed it: what outlives a rotation is sealed anew before its version is dropped.
    pub fn is_current(&self, sealed: &str) -> bool {
        let bytes = envelope::decode(sealed).unwrap_or_default();
        self.sealer(&bytes).is_ok_and(|(version, _)| version.number == self.newest.number)
    }

    /// The secret that goes with a sealed text, made again whenever it is asked for: HMAC-SHA-256 of the text under the
    /// version that sealed it, so that a rotation changes neither.
    pub fn secret_of(&self, purpose: Purpose, sealed: &str) -> Result<Secret, OpenError> {
        let bytes = envelope::decode(sealed)?;
        let (version, _) = self.sealer(&bytes)?;
        Ok(Secret::new(Base64UrlUnpadded::encode_string(&version.mac(purpose, sealed.as_bytes()))))
    }

    /// Seals a value as JSON. A value that has no JSON form seals as nothing, which never opens as a value.
    pub fn seal_json<T: Serialize>(&self, purpose: Purpose, context: &[&str], nonce: Nonce, value: &T) -> String {
        let json = Zeroizing::new(serde_json::to_vec(value).unwrap_or_default());
        self.seal(purpose, context, nonce, &json)
    }

    /// Opens what [`KeyRing::seal_json`] made.
    pub fn open_json<T: DeserializeOwned>(
        &self,
        purpose: Purpose,
        context: &[&str],
        sealed: &str,
    ) -> Result<T, OpenError> {
        let json = self.open(purpose, context, sealed)?;
        json::read(&json).map_err(|_| OpenError::NotTheRecord)
    }

    /// HMAC-SHA-256 of a message, cut to 128 bits, under the newest version.
    pub fn tag(&self, purpose: Purpose, message: &[u8]) -> [u8; 16] {
        self.newest.tag(purpose, message)
    }

    /// The same under each version, the newest first.
    pub fn tags(&self, purpose: Purpose, message: &[u8]) -> Vec<[u8; 16]> {
        self.versions().map(|version| version.tag(purpose, message)).collect()
    }

    /// Whether a tag was made by any version, in constant time for each.
    pub fn verify_tag(&self, purpose: Purpose, message: &[u8], tag: &[u8]) -> bool {
        let found =
            self.versions().fold(Choice::from(0), |found, version| found | version.tag(purpose, message).ct_eq(tag));
        found.into()
    }

    /// The version and key that sign access tokens now.
    pub fn signing_key(&self) -> (u32, Hs256Key) {
        (self.newest.number, self.newest.signing_key())
    }

    /// The key that signed access tokens under some version.
    pub fn signing_key_of(&self, version: u32) -> Option<Hs256Key> {
        self.version(version).map(Version::signing_key)
    }

    /// Under which version an envelope was sealed, and what follows its head.
    fn sealer<'e>(&self, envelope: &'e [u8]) -> Result<(&Version, &'e [u8]), OpenError> {
        let (_, rest) = envelope.split_first_chunk::<5>().ok_or(OpenError::Malformed)?;
        let number = number_of(envelope).ok_or(OpenError::Malformed)?;
        Ok((self.version(number).ok_or(OpenError::UnknownKey)?, rest))
    }

    fn versions(&self) -> impl Iterator<Item = &Version> {
        std::iter::once(&self.newest).chain(&self.older)
    }

    fn version(&self, number: u32) -> Option<&Version> {
        self.versions().find(|version| version.number == number)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.versions().map(|version| version.number)).finish()
    }
}

struct Version {
    number: u32,
    keys: Subkeys,
}

impl Version {
    fn parse(entry: usize, text: &str) -> Result<Self, KeyRingError> {
        let (number, key) = text.split_once(':').ok_or(KeyRingError::NoVersion { entry })?;
        let version = number.parse().ok().filter(|number| *number != 0).ok_or(KeyRingError::NoVersion { entry })?;
        let key = Base64UrlUnpadded::decode_vec(key).map_err(|_| KeyRingError::NotBase64Url { version })?;
        let key = Zeroizing::new(key);
        if key.len() < SHORTEST_KEY {
            return Err(KeyRingError::TooShort { version });
        }
        // HKDF fails only on outputs above 8160 bytes; as an error of the ring it needs no panic.
        let keys = Subkeys::derive(&key).map_err(|_| KeyRingError::TooShort { version })?;
        Ok(Self { number: version, keys })
    }

    fn tag(&self, purpose: Purpose, message: &[u8]) -> [u8; 16] {
        let mut tag = [0; 16];
        tag.iter_mut().zip(self.mac(purpose, message)).for_each(|(to, from)| *to = from);
        tag
    }

    fn mac(&self, purpose: Purpose, message: &[u8]) -> [u8; 32] {
        let mut mac = <Hmac<Sha256> as hmac::digest::KeyInit>::new((&*self.keys.of(purpose).mac).into());
        mac.update(message);
        mac.finalize().into_bytes().into()
    }

    fn signing_key(&self) -> Hs256Key {
        Hs256Key::new(*self.keys.of(Purpose::AccessToken).mac)
    }
}

/// Under which version an envelope was sealed.
fn number_of(envelope: &[u8]) -> Option<u32> {
    let (&[ENVELOPE, a, b, c, d], _) = envelope.split_first_chunk::<5>()? else { return None };
    Some(u32::from_be_bytes([a, b, c, d]))
}

fn place(purpose: Purpose, context: &[&str]) -> Vec<u8> {
    envelope::place(std::iter::once(purpose.label()).chain(context.iter().copied()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secret::Digested;

    const ONE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    const TWO: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";
    const NONCE: Nonce = [7; 12];

    fn ring(text: &str) -> KeyRing {
        KeyRing::parse(&Secret::new(text)).unwrap()
    }

    fn refused(text: &str) -> KeyRingError {
        KeyRing::parse(&Secret::new(text)).unwrap_err()
    }

    #[test]
    fn the_highest_number_is_the_newest_wherever_it_stands() {
        assert_eq!(ring(&format!("2:{TWO},1:{ONE}")).signing_key().0, 2);
        assert_eq!(ring(&format!(" 1:{ONE} , 9:{TWO}\n")).signing_key().0, 9);
    }

    #[test]
    fn what_is_wrong_with_a_ring_is_named_without_its_text() {
        assert_eq!(refused(""), KeyRingError::NoVersion { entry: 1 });
        assert_eq!(refused(ONE), KeyRingError::NoVersion { entry: 1 });
        assert_eq!(refused(&format!("0:{ONE}")), KeyRingError::NoVersion { entry: 1 });
        assert_eq!(refused(&format!("1:{ONE},x:{TWO}")), KeyRingError::NoVersion { entry: 2 });
        assert_eq!(refused(&format!("1:{ONE},1:{TWO}")), KeyRingError::RepeatedVersion { version: 1 });
        assert_eq!(refused(&format!("3:{ONE}=")), KeyRingError::NotBase64Url { version: 3 });
        assert_eq!(refused("1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg"), KeyRingError::TooShort { version: 1 });
        let many: Vec<_> = (1..=17).map(|version| format!("{version}:{ONE}")).collect();
        assert_eq!(refused(&many.join(",")), KeyRingError::TooMany);
        assert!(!refused("hunter2,hunter3").to_string().contains("hunter"));
        assert!(refused("x").to_string().contains("openssl rand"));
        assert_eq!(format!("{:?}", ring(&format!("1:{ONE}"))), "[1]");
    }

    #[test]
    fn sealed_records_of_version_1_stay_readable() {
        let sealed = ring(&format!("1:{ONE}")).seal(Purpose::Connection, &["alice", "linear"], NONCE, b"tokens");
        assert_eq!(sealed, "AQAAAAEHBwcHBwcHBwcHBweKq1XSqfIukOkR95Z_PIJakdJzPiat");
    }

    #[test]
    fn a_record_opens_only_in_its_place() {
        let ring = ring(&format!("1:{ONE}"));
        let sealed = ring.seal(Purpose::Connection, &["alice", "linear"], NONCE, b"tokens");
        let open = |purpose, context: &[&str]| ring.open(purpose, context, &sealed).map(|plaintext| plaintext.to_vec());
        assert_eq!(open(Purpose::Connection, &["alice", "linear"]), Ok(b"tokens".to_vec()));
        for elsewhere in [&["bob", "linear"][..], &["alice", "docs"], &["alicel", "inear"], &["alice"], &[]] {
            assert_eq!(open(Purpose::Connection, elsewhere), Err(OpenError::NotAuthentic), "{elsewhere:?}");
        }
        assert_eq!(open(Purpose::RequestState, &["alice", "linear"]), Err(OpenError::NotAuthentic));
    }

    #[test]
    fn what_is_made_for_one_purpose_is_good_for_no_other() {
        let ring = ring(&format!("1:{ONE}"));
        for made in Purpose::ALL {
            let (sealed, tag) = (ring.seal(made, &[], NONCE, b"x"), ring.tag(made, b"x"));
            for other in Purpose::ALL {
                assert_eq!(ring.open(other, &[], &sealed).is_ok(), made == other, "{made:?} as {other:?}");
                assert_eq!(ring.verify_tag(other, b"x", &tag), made == other, "{made:?} as {other:?}");
            }
        }
    }

    /// Whatever was made with them is at rest. A new purpose comes last, and is none of these.
    #[test]
    fn the_keys_of_the_first_sixteen_purposes_stay_the_same() {
        let ring = ring(&format!("1:{ONE}"));
        let made = Purpose::ALL.iter().take(16).map(|purpose| {
            let (sealed, tag) = (ring.seal(*purpose, &[], NONCE, b"x"), ring.tag(*purpose, b"x"));
            format!("{}: {sealed} {}", purpose.label(), Base64UrlUnpadded::encode_string(&tag))
        });
        let made = Digested::of(&made.collect::<Vec<_>>().join("\n"));
        assert_eq!(made.as_str(), "256JzHoNzcu0rqnhe91ZbkRRggqmBFG97zCd0dGNy7k");
    }

    #[test]
    fn a_long_text_is_not_looked_at() {
        let ring = ring(&format!("1:{ONE}"));
        let long = ring.seal(Purpose::Connection, &[], NONCE, &vec![0; 64 * 1024]);
        assert_eq!(ring.open(Purpose::Connection, &[], &long), Err(OpenError::Malformed));
    }

    #[test]
    fn rotation_keeps_old_records_and_tags_and_losing_a_key_loses_them() {
        let old = ring(&format!("1:{ONE}"));
        let both = ring(&format!("1:{ONE},2:{TWO}"));
        let new = ring(&format!("2:{TWO}"));
        let sealed = old.seal_json(Purpose::BrowserSession, &["x"], NONCE, &"alice");
        assert_eq!(both.open_json::<String>(Purpose::BrowserSession, &["x"], &sealed), Ok("alice".to_owned()));
        assert_eq!(both.open_json::<u8>(Purpose::BrowserSession, &["x"], &sealed), Err(OpenError::NotTheRecord));
        assert_eq!(new.open_json::<String>(Purpose::BrowserSession, &["x"], &sealed), Err(OpenError::UnknownKey));
        let tag = old.tag(Purpose::Code, b"message");
        assert!(both.verify_tag(Purpose::Code, b"message", &tag));
        assert!(!new.verify_tag(Purpose::Code, b"message", &tag));
        assert_eq!(both.signing_key().0, 2);
        assert_eq!(both.signing_key_of(1).unwrap().as_ref(), old.signing_key().1.as_ref());
        assert!(both.signing_key_of(3).is_none());
    }

    #[test]
    fn the_secret_of_a_sealed_text_outlives_a_rotation_and_ends_with_its_key() {
        let old = ring(&format!("1:{ONE}"));
        let (one, other) =
            (old.seal(Purpose::ClientId, &[], NONCE, b"a"), old.seal(Purpose::ClientId, &[], NONCE, b"b"));
        let secret = |ring: &KeyRing, purpose, text: &str| {
            ring.secret_of(purpose, text).map(|secret| secret.expose().to_owned())
        };
        let golden = "LJIhKPwyqTR6_v3_GK8WeFuTN3KXGHfKRZlh6CEZA8U";
        assert_eq!(secret(&old, Purpose::ClientId, &one).as_deref(), Ok(golden));
        assert_eq!(secret(&ring(&format!("1:{ONE},2:{TWO}")), Purpose::ClientId, &one).as_deref(), Ok(golden));
        assert_eq!(secret(&ring(&format!("2:{TWO}")), Purpose::ClientId, &one), Err(OpenError::UnknownKey));
        assert_eq!(secret(&old, Purpose::ClientId, "AQ"), Err(OpenError::Malformed));
        assert_ne!(secret(&old, Purpose::ClientId, &other).as_deref(), Ok(golden));
        assert_ne!(secret(&old, Purpose::Registration, &one).as_deref(), Ok(golden));
    }

    #[test]
    fn a_tag_is_for_one_purpose_one_message_and_whole() {
        let ring = ring(&format!("1:{ONE}"));
        let tag = ring.tag(Purpose::Code, b"message");
        assert!(ring.verify_tag(Purpose::Code, b"message", &tag));
        assert!(!ring.verify_tag(Purpose::RefreshToken, b"message", &tag));
        assert!(!ring.verify_tag(Purpose::Code, b"massage", &tag));
        assert!(!ring.verify_tag(Purpose::Code, b"message", &tag[..15]));
        assert!(!ring.verify_tag(Purpose::Code, b"message", &[]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn any_ring_text_is_read_or_refused(text in "\\PC{0,80}|([0-9]{1,11}:[A-Za-z0-9_=-]{0,50},?){0,4}") {
            let _ = KeyRing::parse(&Secret::new(text));
        }

        #[test]
        fn any_sealed_text_is_opened_or_refused(text in "\\PC{0,120}|AQAAAAE[A-Za-z0-9_-]{0,90}") {
            let opened = ring(&format!("1:{ONE}")).open(Purpose::McpSession, &[], &text);
            prop_assert!(opened.is_err());
        }

        #[test]
        fn one_changed_character_is_noticed(plaintext: Vec<u8>, at: proptest::sample::Index, to in "[A-Za-z0-9_-]") {
            let ring = ring(&format!("1:{ONE}"));
            let sealed = ring.seal(Purpose::McpSession, &["a"], NONCE, &plaintext);
            prop_assert_eq!(&*ring.open(Purpose::McpSession, &["a"], &sealed).unwrap(), &plaintext);
            let at = at.index(sealed.len());
            let mut changed = sealed.clone();
            changed.replace_range(at..=at, &to);
            prop_assert_eq!(ring.open(Purpose::McpSession, &["a"], &changed).is_ok(), changed == sealed);
        }
    }
}
