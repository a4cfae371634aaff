//! The authorization log: who was allowed what, by which steps, and what was refused and why.
//!
//! Nothing edits or deletes an entry but time. Not here: what of a request becomes an entry (`record`), and the lines
//! of the platform's log.

mod bundle;
mod entry;
mod message;
mod page;
mod query;
pub mod sql;
mod step;

pub use bundle::{BundledServer, SupportBundle};
pub use entry::{EntryKind, LogEntry, LogStep};
pub use message::{Command, FoundRow, Outcome, Row};
pub use page::{LogCursor, LogPage, merge};
pub use query::{LogFilter, LogQuery, QueryError};
pub use step::Step;

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

/// The id that joins the requests of one authorization. The challenge is new in each of them (RFC 7636 §4.1) and with
/// the request wherever it goes, so nothing has to carry the id.
pub fn operation(client_id: &str, challenge: &str) -> String {
    let digest = crate::secret::Digested::of(&format!("operation\n{client_id}\n{challenge}"));
    digest.as_str().chars().take(22).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_stays_where_it_is() {
        let shards = ["dev:alice", "dev:bob", "oidc|1", "c"].map(|subject| Shard::of(subject).name());
        assert_eq!(shards, ["2", "1", "0", "2"]);
        assert_eq!(Shard::ALL.map(Shard::name), ["0", "1", "2", "3"]);
    }

    #[test]
    fn an_operation_is_one_challenge_of_one_client() {
        assert_eq!(operation("c", "x"), operation("c", "x"));
        assert_ne!(operation("c", "x"), operation("d", "x"));
        assert_ne!(operation("c", "x"), operation("c", "y"));
        assert_eq!(operation("c", "x").len(), 22);
    }
}
