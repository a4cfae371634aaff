//! The tables of an object of the log, and the statements over them. What an operator sent is a value that is bound to
//! a statement, and never a part of its text.
//!
//! Not here: running them (`edge::log`).

use super::cursor::LogCursor;
use super::query::LogFilter;

/// Makes the tables where they are not there yet.
///
/// The indexes are what a page begins with: one for each thing that few entries share, each in the order of pages.
pub const TABLES: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS entries (at INTEGER NOT NULL, request_id TEXT NOT NULL, kind TEXT NOT NULL, \
     operation TEXT, subject TEXT, client TEXT, server TEXT, reason TEXT, entry TEXT NOT NULL)",
    "CREATE UNIQUE INDEX IF NOT EXISTS by_time ON entries (at, request_id)",
    "CREATE INDEX IF NOT EXISTS by_request ON entries (request_id, at)",
    "CREATE INDEX IF NOT EXISTS by_operation ON entries (operation, at, request_id) WHERE operation IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS by_subject ON entries (subject, at, request_id) WHERE subject IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS by_client ON entries (client, at, request_id) WHERE client IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS by_reason ON entries (reason, at, request_id) WHERE reason IS NOT NULL",
    "CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value INTEGER NOT NULL)",
];

/// Keeps a row, once.
pub const INSERT: &str = "INSERT OR IGNORE INTO entries \
                          (at, request_id, kind, operation, subject, client, server, reason, entry) \
                          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Notes how long entries are kept, in seconds.
pub const KEEP: &str = "INSERT OR REPLACE INTO settings (name, value) VALUES ('keep', ?)";

/// How long that is.
pub const KEPT: &str = "SELECT value FROM settings WHERE name = 'keep'";

/// The oldest entry.
pub const OLDEST: &str = "SELECT min(at) FROM entries";

/// Deletes a batch of what ended before a moment.
pub const DELETE: &str =
    "DELETE FROM entries WHERE rowid IN (SELECT rowid FROM entries WHERE at < ? ORDER BY at LIMIT ?)";

/// Rows that one question looks at, at most, where no index has all it asks for: so it takes no longer than it may,
/// however many do not fit.
pub const LOOKED_AT: u32 = 20_000;

/// What is bound to a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// A text.
    Text(String),
    /// A whole number.
    Number(u64),
}

/// A statement and what is bound to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its text, the same whatever is asked for with the same filters.
    pub text: String,
    /// Its values, in order.
    pub bound: Vec<Bound>,
}

/// What finds a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogReading {
    /// Columns `at`, `request_id` and `entry`.
    pub rows: Statement,
    /// `at` and `request_id` of the last row that was looked at, if that was not the last there is. None where an
    /// index has all that is asked for.
    pub looked_at: Option<Statement>,
}

/// The statements for a page, of what is not older than `oldest`.
pub fn read(filter: &LogFilter, before: Option<&LogCursor>, oldest: u64, limit: u32) -> LogReading {
    // In this order: the first that is asked for is what fewest entries share.
    let texts = [
        ("request_id", "by_request", &filter.request_id),
        ("operation", "by_operation", &filter.operation),
        ("subject", "by_subject", &filter.subject),
        ("client", "by_client", &filter.client),
        ("reason", "by_reason", &filter.reason),
        ("server", "", &filter.server),
        ("kind", "", &filter.kind),
    ];
    let mut asked = texts.into_iter().filter_map(|(column, index, value)| Some((column, index, value.clone()?)));
    let mut asked: Vec<_> = asked.by_ref().collect();
    let first = asked.iter().position(|(_, index, _)| !index.is_empty());
    let first = first.map(|first| asked.remove(first));

    let index = first.as_ref().map_or("by_time", |(_, index, _)| index);
    let mut inner = format!(
        "SELECT at, request_id, kind, operation, subject, client, server, reason, entry \
                             FROM entries INDEXED BY {index} WHERE at >= ?"
    );
    let mut bound = vec![Bound::Number(oldest.max(filter.from.unwrap_or_default()))];
    if let Some((column, _, value)) = first {
        inner.extend([" AND ", column, " = ?"]);
        bound.push(Bound::Text(value));
    }
    if let Some(until) = filter.until {
        inner.push_str(" AND at < ?");
        bound.push(Bound::Number(until));
    }
    if let Some(before) = before {
        inner.push_str(" AND (at, request_id) < (?, ?)");
        bound.extend([Bound::Number(before.at), Bound::Text(before.request_id.clone())]);
    }
    inner.push_str(" ORDER BY at DESC, request_id DESC LIMIT ?");

    if asked.is_empty() {
        bound.push(Bound::Number(limit.into()));
        let text = format!("SELECT at, request_id, entry FROM ({inner})");
        return LogReading { rows: Statement { text, bound }, looked_at: None };
    }
    bound.push(Bound::Number(LOOKED_AT.into()));
    let conditions: Vec<_> = asked.iter().map(|(column, ..)| format!("{column} = ?")).collect();
    let text = format!(
        "SELECT at, request_id, entry FROM ({inner}) WHERE {} ORDER BY at DESC, request_id DESC LIMIT ?",
        conditions.join(" AND ")
    );
    let last = format!("SELECT at, request_id FROM ({inner}) LIMIT 1 OFFSET ?");
    let last_bound = bound.iter().cloned().chain([Bound::Number((LOOKED_AT - 1).into())]).collect();
    bound.extend(asked.into_iter().map(|(_, _, value)| Bound::Text(value)));
    bound.push(Bound::Number(limit.into()));
    LogReading { rows: Statement { text, bound }, looked_at: Some(Statement { text: last, bound: last_bound }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INJECTION: &str = "x' OR 1=1; DROP TABLE entries; --";

    fn everything() -> LogFilter {
        let value = Some(INJECTION.to_owned());
        LogFilter {
            subject: value.clone(),
            client: value.clone(),
            server: value.clone(),
            reason: value.clone(),
            kind: value.clone(),
            request_id: value.clone(),
            operation: value,
            from: Some(1),
            until: Some(9),
        }
    }

    #[test]
    fn nothing_that_was_sent_is_in_the_text() {
        let before = LogCursor { at: 8, request_id: INJECTION.to_owned() };
        let reading = read(&everything(), Some(&before), 0, 10);
        for statement in [Some(&reading.rows), reading.looked_at.as_ref()].into_iter().flatten() {
            assert!(!statement.text.contains("DROP") && !statement.text.contains('\''), "{}", statement.text);
            assert_eq!(statement.text.matches('?').count(), statement.bound.len(), "{}", statement.text);
        }
    }

    #[test]
    fn what_fewest_share_comes_first_and_the_rest_is_looked_for_in_it() {
        let filter = LogFilter { subject: Some("s".into()), reason: Some("r".into()), ..LogFilter::default() };
        let LogReading { rows, looked_at } = read(&filter, None, 5, 10);
        assert!(rows.text.contains("INDEXED BY by_subject") && rows.text.contains("WHERE reason = ?"), "{}", rows.text);
        assert!(looked_at.is_some());
        let whole = read(&LogFilter { client: Some("c".into()), ..LogFilter::default() }, None, 5, 10);
        assert!(whole.rows.text.contains("INDEXED BY by_client") && whole.looked_at.is_none());
        assert_eq!(whole.rows.bound, [Bound::Number(5), Bound::Text("c".into()), Bound::Number(10)]);
        assert!(read(&LogFilter::default(), None, 5, 10).rows.text.contains("INDEXED BY by_time"));
    }
}
