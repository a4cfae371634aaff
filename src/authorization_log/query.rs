//! What an operator asks the log for, read from a query: data, and never a part of a statement.
//!
//! Not here: the statement (`sql`), and whose keys hide a subject (`flow::authorization_log`).

use serde::{Deserialize, Serialize};

use super::cursor::{LATEST, LogCursor};
use super::entry::EntryKind;
use crate::reasons::reasons;
use crate::web::form::{Form, FormError};

/// Entries on a page, unless another number is asked for.
const USUAL: u32 = 100;
/// The longest value of a filter, in bytes.
const LONGEST: usize = 1024;

/// What of the log is meant: what fits all of it. Texts are compared whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogFilter {
    /// Whose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Of which client, by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Of which server, by its slug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Refused for which reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Of which kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Of which request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Of which authorization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Not before this moment, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// Before this moment, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
}

/// A page that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogQuery {
    /// What is meant.
    pub filter: LogFilter,
    /// Where it begins.
    pub cursor: Option<LogCursor>,
    /// How many entries at most.
    pub limit: u32,
}

impl LogQuery {
    /// What the query may say beside the filters.
    const OTHERS: [&str; 3] = ["cursor", "limit", "format"];

    /// Reads a query. What is not known is refused, or a filter that is misspelt would show what nobody asked for.
    pub fn parse(form: &Form, most: u32) -> Result<Self, QueryError> {
        let known = |name: &str| FILTERS.contains(&name) || Self::OTHERS.contains(&name);
        if let Some(name) = form.names().find(|name| !known(name)) {
            return Err(QueryError::Unknown { name: crate::untrusted::presentable(name) });
        }
        let one = |name| form.one(name).map_err(QueryError::Form);
        let text = |name: &'static str| match one(name)? {
            Some(value) if value.len() > LONGEST => Err(QueryError::Value { name, wanted: "is too long" }),
            value => Ok(value.map(str::to_owned)),
        };
        let number = |name: &'static str, wanted, most: u64| match one(name)?.map(str::parse::<u64>) {
            None => Ok(None),
            Some(Ok(number)) if number <= most => Ok(Some(number)),
            Some(_) => Err(QueryError::Value { name, wanted }),
        };
        let moment = |name| {
            let seconds = number(name, "is no moment: write seconds since the epoch", LATEST / 1000)?;
            Ok::<_, QueryError>(seconds.map(|seconds| seconds * 1000))
        };
        let kind = text("kind")?;
        if kind.as_deref().is_some_and(|kind| EntryKind::ALL.iter().all(|known| known.as_str() != kind)) {
            return Err(QueryError::Value { name: "kind", wanted: "is no kind of entry" });
        }
        let filter = LogFilter {
            subject: text("subject")?,
            client: text("client")?,
            server: text("server")?,
            reason: text("reason")?,
            kind,
            request_id: text("request_id")?,
            operation: text("operation")?,
            from: moment("from")?,
            until: moment("until")?,
        };
        let cursor = one("cursor")?.map(|cursor| LogCursor::parse(cursor).ok_or(QueryError::Cursor)).transpose()?;
        let limit = number("limit", "is no number of entries that a page can have", most.into())?;
        let limit = limit.map_or(Ok(USUAL.min(most)), |limit| match u32::try_from(limit) {
            Ok(limit) if limit > 0 => Ok(limit),
            _ => Err(QueryError::Value { name: "limit", wanted: "is no number of entries that a page can have" }),
        })?;
        Ok(Self { filter, cursor, limit })
    }
}

const FILTERS: [&str; 9] =
    ["subject", "client", "server", "reason", "kind", "request_id", "operation", "from", "until"];

/// Why a query is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryError {
    /// Not a query, or something twice.
    Form(FormError),
    /// There is no such filter.
    Unknown {
        /// What stands there.
        name: String,
    },
    /// A value that cannot be meant.
    Value {
        /// Of which parameter.
        name: &'static str,
        /// What is wrong with it.
        wanted: &'static str,
    },
    /// No page gave it out.
    Cursor,
}

reasons! { QueryError:
    Form(error) => "log_query_malformed", "the query cannot be read: {}", error;
    Unknown { name } => "log_query_malformed", "the log has no filter {:?}", name;
    Value { name, wanted } => "log_query_malformed", "{} {}", name, wanted;
    Cursor => "log_cursor_malformed", "the cursor is none that a page of the log gave out";
}

impl std::error::Error for QueryError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::form;

    fn read(query: &str) -> Result<LogQuery, QueryError> {
        LogQuery::parse(&form::parse(query.as_bytes()).unwrap(), 500)
    }

    #[test]
    fn filters_are_read_as_data() {
        let query = read("subject=%27%20OR%201%3D1%20--&client=c&kind=token&from=10&until=20&limit=500").unwrap();
        assert_eq!(query.filter.subject.as_deref(), Some("' OR 1=1 --"));
        assert_eq!((query.filter.from, query.filter.until, query.limit), (Some(10_000), Some(20_000), 500));
        assert_eq!(read("").unwrap(), LogQuery { filter: LogFilter::default(), cursor: None, limit: USUAL });
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let long = format!("client={}", "x".repeat(LONGEST + 1));
        for bad in [
            "subjekt=dev:alice",
            "limit=501",
            "limit=0",
            "limit=-1",
            "limit=x",
            "from=yesterday",
            "kind=tokens",
            "until=99999999999999999999",
            "subject=a&subject=b",
            "rowid=1",
            long.as_str(),
        ] {
            assert_eq!(read(bad).unwrap_err().reason(), "log_query_malformed", "{bad}");
        }
        assert_eq!(read("cursor=x").unwrap_err().reason(), "log_cursor_malformed");
    }
}
