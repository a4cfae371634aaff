//! What an object of the log can be told and what it answers. Both travel as JSON between the Worker and the object,
//! and during a deploy between old and new code: a changed field is a changed interface.
//!
//! Not here: how the object does it (`sql`).

use serde::{Deserialize, Serialize};

use super::cursor::LogCursor;
use super::entry::LogEntry;
use super::query::LogFilter;
use super::shard::Shard;
use crate::json::tagged;
use crate::time::Lifetime;

/// One entry on its way to rest: its text, and what it can be found by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppendedRow {
    /// When, in milliseconds since the epoch.
    pub at: u64,
    /// Of the request.
    pub request_id: String,
    /// The entry as JSON.
    pub entry: String,
    /// What it was.
    pub kind: String,
    /// The authorization it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One entry that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundRow {
    /// Where it stands.
    pub place: LogCursor,
    /// The entry as JSON.
    pub entry: String,
}

impl AppendedRow {
    /// An entry as it is kept.
    pub fn of(entry: &LogEntry) -> Self {
        Self {
            at: entry.at,
            request_id: entry.request_id.clone(),
            // Texts and numbers, so there is no failure to report.
            entry: serde_json::to_string(entry).unwrap_or_default(),
            kind: entry.kind.as_str().to_owned(),
            operation: entry.operation.clone(),
            subject: entry.subject.clone(),
            client: entry.client.clone(),
            server: entry.server.clone(),
            reason: entry.reason.clone(),
        }
    }

    /// In which object it is.
    pub fn shard(&self) -> Shard {
        Shard::of(self.subject.as_deref().unwrap_or(&self.request_id))
    }
}

tagged! { "command",
    /// An order to an object of the log.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Command {
        /// Keeps rows. One that is there already, by its time and request, is there once.
        Append {
            /// The rows.
            rows: Vec<AppendedRow>,
            /// How long the log keeps anything.
            keep: Lifetime,
        },
        /// Reads rows, the newest first.
        Read {
            /// Which ones.
            filter: Box<LogFilter>,
            /// Only what is older than this.
            before: Option<LogCursor>,
            /// How many at most.
            limit: u32,
            /// How long the log keeps anything: what is older is not shown.
            keep: Lifetime,
        },
    }
}

tagged! { "outcome",
    /// What an object of the log answers.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Outcome {
        /// They are kept.
        Appended,
        /// What was found.
        Found {
            /// The rows, the newest first.
            rows: Vec<FoundRow>,
            /// Up to where was looked, where there may be more.
            next: Option<LogCursor>,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn is_pinned<T: Serialize + serde::de::DeserializeOwned>(golden: &str) {
        let read: T = json::read(golden.as_bytes()).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), golden);
    }

    #[test]
    fn messages_are_pinned() {
        is_pinned::<Command>(concat!(
            r#"{"command":"append","rows":[{"at":1900000000123,"request_id":"aa","entry":"{}","kind":"token","#,
            r#""operation":"o","subject":"dev:alice","client":"c","server":"docs","reason":"code_used"},"#,
            r#"{"at":1,"request_id":"bb","entry":"{}","kind":"operator"}],"keep":2592000}"#
        ));
        is_pinned::<Command>(concat!(
            r#"{"command":"read","filter":{"subject":"dev:alice","client":"c","server":"docs","reason":"r","#,
            r#""kind":"token","request_id":"aa","operation":"o","from":1,"until":2},"#,
            r#""before":{"at":5,"request_id":"aa"},"limit":50,"keep":2592000}"#
        ));
        is_pinned::<Command>(r#"{"command":"read","filter":{},"before":null,"limit":1,"keep":1}"#);
        is_pinned::<Outcome>(r#"{"outcome":"appended"}"#);
        is_pinned::<Outcome>(concat!(
            r#"{"outcome":"found","rows":[{"place":{"at":5,"request_id":"aa"},"entry":"{}"}],"#,
            r#""next":{"at":5,"request_id":"aa"}}"#
        ));
    }
}
