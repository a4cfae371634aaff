//! What is wrong with an operator's key ring, and how one is written.
//!
//! Not here: reading it (`key_ring`).

use std::fmt;

/// The shortest key: what HKDF-SHA-256 gets as input must hold as much as it gives.
pub(super) const SHORTEST_KEY: usize = 32;

/// More versions than a rotation ever needs; every forged tag is compared under each.
pub(super) const MOST_KEYS: usize = 16;

/// What is wrong with the operator's key ring. Never carries any of its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyRingError {
    /// An entry has no `<number>:` in front, or the number is not from 1 to 4294967295. Entries are counted from 1.
    NoVersion {
        /// Which entry.
        entry: usize,
    },
    /// Two entries have the same number.
    RepeatedVersion {
        /// The number.
        version: u32,
    },
    /// A key is not base64url without padding.
    NotBase64Url {
        /// The key's number.
        version: u32,
    },
    /// A key has fewer than 32 bytes.
    TooShort {
        /// The key's number.
        version: u32,
    },
    /// More entries than any rotation needs.
    TooMany,
}

impl fmt::Display for KeyRingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoVersion { entry } => write!(f, "entry {entry} does not start with a version number and a colon")?,
            Self::RepeatedVersion { version } => write!(f, "version {version} stands there twice")?,
            Self::NotBase64Url { version } => write!(f, "key {version} is not base64url without padding")?,
            Self::TooShort { version } => write!(f, "key {version} is shorter than {SHORTEST_KEY} bytes")?,
            Self::TooMany => write!(f, "there are more than {MOST_KEYS} keys")?,
        }
        f.write_str(
            "; write it as 1:<key>, and to rotate append ,2:<key>. \
             A key comes from: openssl rand -base64 32 | tr '+/' '-_' | tr -d '='",
        )
    }
}

impl std::error::Error for KeyRingError {}
