//! The authorization log: who was allowed what, by which steps, and what was refused and why.
//!
//! Nothing edits or deletes an entry but time. Not here: what of a request becomes an entry (`record`), and the lines
//! of the platform's log.

mod bundle;
mod cursor;
mod entry;
mod message;
mod page;
mod query;
mod shard;
pub mod sql;
mod step;

pub use bundle::{BundledServer, NEVER_KEPT, SupportBundle};
pub use cursor::LogCursor;
pub use entry::{EntryKind, LogEntry, LogStep};
pub use message::{AppendedRow, Command, FoundRow, Outcome};
pub use page::{LogPage, merge};
pub use query::{LogFilter, LogQuery, QueryError};
pub use shard::Shard;
pub use step::AuthorizationStep;

use crate::secret::Digested;

/// Whether a text has the form of a request's id, as every answer carries it.
pub fn is_request_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The id that joins the requests of one authorization. The challenge is new in each of them (RFC 7636 §4.1) and with
/// the request wherever it goes, so nothing has to carry the id.
pub fn operation(client_id: &str, challenge: &str) -> String {
    let digest = Digested::of(&format!("operation\n{client_id}\n{challenge}"));
    digest.as_str().chars().take(22).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_one_challenge_of_one_client() {
        assert_eq!(operation("c", "x"), operation("c", "x"));
        assert_ne!(operation("c", "x"), operation("d", "x"));
        assert_ne!(operation("c", "x"), operation("c", "y"));
        assert_eq!(operation("c", "x").len(), 22);
    }
}
