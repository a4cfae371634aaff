//! The text of an API key: `mcpg_key_`, 43 random characters, and six that check them. Whoever scans for leaked secrets
//! knows one by sight, and what was mistyped or made up by hand is refused without asking storage.
//!
//! The check digits prove nothing: anybody can compute them. Not here: whether a key is good.

use zeroize::Zeroizing;

use crate::secret::Secret;

/// What every key begins with.
pub const PREFIX: &str = "mcpg_key_";

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 256 bits in base 62.
const RANDOM: usize = 43;
/// 32 bits in base 62.
const CHECK: usize = 6;

/// Makes a key of random bytes.
pub fn mint(random: [u8; 32]) -> Secret {
    let random = Zeroizing::new(random);
    let digits = Zeroizing::new(base62::<RANDOM>(&*random));
    Secret::new(format!("{PREFIX}{}{}", *digits, check(&digits)))
}

/// Whether a text looks like a key: its length, its characters and its check digits.
pub fn is_well_formed(text: &str) -> bool {
    let parts = text.strip_prefix(PREFIX).and_then(|rest| rest.split_at_checked(RANDOM));
    parts.is_some_and(|(random, digits)| random.bytes().all(|byte| DIGITS.contains(&byte)) && check(random) == digits)
}

/// How a key ends: what an isolate finds it by. `None` for a text that is none.
pub fn ending(text: &str) -> Option<&str> {
    text.get(text.len().checked_sub(CHECK + 10)?..)
}

/// The CRC-32 of the random characters, in base 62.
fn check(random: &str) -> String {
    base62::<CHECK>(&crc32(random.as_bytes()).to_be_bytes())
}

/// A number, most significant byte first, in so many digits.
fn base62<const LENGTH: usize>(bytes: &[u8]) -> String {
    let mut number = Zeroizing::new(bytes.to_vec());
    let mut digits = Zeroizing::new([0_u8; LENGTH]);
    for digit in digits.iter_mut().rev() {
        let mut rest = 0_u16;
        for byte in number.iter_mut() {
            let value = rest << 8 | u16::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or_default(); // the rest is less than 62
            rest = value % 62;
        }
        *digit = DIGITS.get(usize::from(rest)).copied().unwrap_or_default();
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

/// The CRC-32 of zip and PNG, as scanners have it. Bit by bit: 43 bytes are worth no table.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| sum >> 1 ^ if sum & 1 == 1 { 0xEDB8_8320 } else { 0 })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Of the bytes 0, 1, 2, …; computed elsewhere.
    const GOLDEN: &str = "mcpg_key_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf1Yo7hP";

    #[test]
    fn a_key_is_what_scanners_look_for() {
        let bytes: [u8; 32] = std::array::from_fn(|n| u8::try_from(n).unwrap());
        let key = mint(bytes);
        assert_eq!(key.expose(), GOLDEN);
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926, "the check value of CRC-32");
        assert_eq!(base62::<CHECK>(&u32::MAX.to_be_bytes()), "4gfFC3");
        assert!(is_well_formed(GOLDEN));
        assert!(mint([255; 32]).expose().len() == 58 && is_well_formed(mint([0; 32]).expose()));
    }

    #[test]
    fn what_is_cut_or_dressed_up_is_none() {
        let key = mint([7; 32]).expose().to_owned();
        for other in [
            key.chars().take(57).collect(),
            format!("{key}0"),
            format!(" {key}"),
            key.replace("mcpg_key_", "mcpg_rt_"),
            key.replace("mcpg_key_", "MCPG_KEY_"),
            String::new(),
            "mcpg_key_".to_owned(),
            format!("mcpg_key_{}", "ä".repeat(24)),
        ] {
            assert!(!is_well_formed(&other), "{other}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn one_changed_character_is_noticed(random: [u8; 32], at: proptest::sample::Index, to in "[A-Za-z0-9_-]") {
            let key = mint(random).expose().to_owned();
            let mut changed = key.clone();
            let at = at.index(key.len());
            changed.replace_range(at..=at, &to);
            prop_assert_eq!(is_well_formed(&changed), changed == key);
        }

        #[test]
        fn any_text_is_looked_at(text in "\\PC{0,80}") {
            prop_assert!(!is_well_formed(&text));
            let _ = ending(&text);
        }
    }
}
