//! In which object of the log an entry is.
//!
//! Not here: the objects (`edge::log`).

use sha2::{Digest, Sha256};

/// One of the objects that the log lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard(u8);

impl Shard {
    /// All of them. Entries are found only while there are as many as when they were written.
    pub const ALL: [Self; 4] = [Self(0), Self(1), Self(2), Self(3)];

    /// Where the entries of a subject are, or, where there is none, of a request.
    pub fn of(key: &str) -> Self {
        let first = Sha256::digest(key.as_bytes()).first().copied().unwrap_or_default();
        Self(first & 3)
    }

    /// The name of its object.
    pub const fn name(self) -> &'static str {
        match self.0 {
            0 => "0",
            1 => "1",
            2 => "2",
            _ => "3",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_stays_where_it_is() {
        let shards = ["dev:alice", "dev:bob", "oidc|1", "c"].map(|subject| Shard::of(subject).name());
        assert_eq!(shards, ["0", "2", "3", "2"]);
        assert_eq!(Shard::ALL.map(Shard::name), ["0", "1", "2", "3"]);
    }
}
