//! The rows of a shard: their keys, how wide they are and how old they become, and how storage is asked for them.
//!
//! Not here: what is in them (`shard`), and who asks (`edge`).

use super::delta::MINUTE;
use super::floor;
use crate::time::{Lifetime, Timestamp};

/// What a shard needs of its storage. Between two steps nothing but storage may be awaited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorageStep {
    /// What lies under these keys, as far as there is anything.
    Get(Vec<String>),
    /// What lies from one key up to another, that one left out, and so many at most, by their keys.
    List {
        /// The first.
        from: String,
        /// The one that is left out.
        to: String,
        /// How many at most.
        limit: u32,
    },
    /// All of this at once, or nothing of it.
    Write(Writes),
}

/// What is written at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Writes {
    /// Under which key which text.
    pub put: Vec<(String, String)>,
    /// Which keys are gone.
    pub delete: Vec<String>,
    /// Whether an alarm has to be set where there is none.
    pub wake: bool,
}

/// A row and its key.
pub type StoredRow = (String, String);

/// How long after it is set an alarm rings.
pub const WAKES: Lifetime = Lifetime::hours(1);
/// How many rows are looked at together.
pub(super) const PAGE: u32 = 60;
/// Later than every row.
pub(super) const NEVER: Timestamp = Timestamp(999_999_999_999);

pub(super) const MINUTES: Level = Level { prefix: "minute:", span: MINUTE, kept: Lifetime::hours(4) };
pub(super) const HOURS: Level = Level { prefix: "hour:", span: Lifetime::hours(1), kept: Lifetime::days(8) };
pub(super) const DAYS: Level = Level { prefix: "day:", span: Lifetime::days(1), kept: Lifetime::days(32) };
/// The rows of each kind become parts of the next.
pub(super) const LEVELS: [Level; 3] = [MINUTES, HOURS, DAYS];

/// Rows of one width.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    pub(super) prefix: &'static str,
    pub(super) span: Lifetime,
    /// How old a row becomes, from its beginning.
    pub(super) kept: Lifetime,
}

impl Level {
    /// The key of the row that a moment lies in. Keys are in the order of time.
    pub(super) fn key(self, at: Timestamp) -> String {
        format!("{}{:012}", self.prefix, floor(at, self.span).0)
    }

    pub(super) fn at(self, key: &str) -> Option<Timestamp> {
        key.strip_prefix(self.prefix)?.parse().ok().map(Timestamp)
    }

    pub(super) fn list(self, from: Timestamp, to: Timestamp, limit: u32) -> StorageStep {
        StorageStep::List { from: self.key(from), to: self.key(to), limit }
    }
}

const ISOLATES: &str = "isolate:";

/// The key of what an isolate told last.
pub(super) fn heard_key(isolate: &str) -> String {
    format!("{ISOLATES}{isolate}")
}

/// What isolates told last, from one on.
pub(super) fn list_heard(from: &str) -> StorageStep {
    StorageStep::List { from: heard_key(from), to: "isolate;".to_owned(), limit: PAGE }
}

/// The isolate of a key.
pub(super) fn heard_of(key: &str) -> Option<&str> {
    key.strip_prefix(ISOLATES)
}
