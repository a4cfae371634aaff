//! Pages of the log: where one ends and the next begins, and one page out of what several objects found.
//!
//! Not here: asking the objects (`flow::authorization_log`).

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};

use super::entry::LogEntry;
use super::message::FoundRow;
use crate::json;

/// The place of an entry, which no two share: when its request ended, and which it was. As text it is for operators to
/// send back, and says nothing else to them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LogCursor {
    /// When, in milliseconds since the epoch.
    pub at: u64,
    /// Which request.
    pub request_id: String,
}

/// What a page shows.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LogPage {
    /// The entries, the newest first.
    pub entries: Vec<LogEntry>,
    /// Where the next page begins, where there may be one.
    pub next: Option<LogCursor>,
    /// How many entries on it this release cannot read.
    pub unreadable: usize,
}

const LONGEST: usize = 128;

impl LogCursor {
    /// For operators.
    pub fn to_text(&self) -> String {
        Base64UrlUnpadded::encode_string(format!("{}.{}", self.at, self.request_id).as_bytes())
    }

    /// What an operator sent back. `None` for what no page ever gave out.
    pub fn parse(text: &str) -> Option<Self> {
        let text = Some(text).filter(|text| text.len() <= LONGEST)?;
        let decoded = String::from_utf8(Base64UrlUnpadded::decode_vec(text).ok()?).ok()?;
        let (at, request_id) = decoded.split_once('.')?;
        let is_id = request_id.len() == 32 && request_id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let cursor = Self { at: at.parse().ok().filter(|at| *at <= LATEST)?, request_id: request_id.to_owned() };
        (is_id && cursor.to_text() == text).then_some(cursor)
    }
}

/// The last moment that JavaScript and SQL count exactly.
pub(super) const LATEST: u64 = 1 << 53;

/// One page of what several objects found, each the newest first. What is older than an object has looked at yet is
/// left for the next page: it may have something between.
pub fn merge(found: Vec<(Vec<FoundRow>, Option<LogCursor>)>, limit: usize) -> LogPage {
    let floor = found.iter().filter_map(|(_, next)| next.clone()).max();
    let mut rows: Vec<FoundRow> = found.into_iter().flat_map(|(rows, _)| rows).collect();
    rows.retain(|row| floor.as_ref().is_none_or(|floor| row.place >= *floor));
    rows.sort_by(|one, other| other.place.cmp(&one.place));
    rows.dedup_by(|one, other| one.place == other.place);
    let next = if rows.len() > limit { limit.checked_sub(1).and_then(|last| rows.get(last)) } else { None };
    let next = next.map(|row| row.place.clone()).or(floor);
    rows.truncate(limit);
    let read = rows.iter().map(|row| json::read::<LogEntry>(row.entry.as_bytes()));
    let (mut entries, mut unreadable) = (Vec::new(), 0);
    for entry in read {
        match entry {
            Ok(entry) => entries.push(entry),
            Err(_) => unreadable += 1,
        }
    }
    LogPage { entries, next, unreadable }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cursor(at: u64) -> LogCursor {
        LogCursor { at, request_id: format!("{at:032x}") }
    }

    fn row(at: u64) -> FoundRow {
        let place = cursor(at);
        let entry = format!(r#"{{"v":1,"at":{at},"request_id":"{}","kind":"token","status":200}}"#, place.request_id);
        FoundRow { place, entry }
    }

    /// An object that looks at no more than `scanned` rows at a time, of which each odd one is meant.
    fn read(
        rows: &[u64],
        before: Option<&LogCursor>,
        limit: usize,
        scanned: usize,
    ) -> (Vec<FoundRow>, Option<LogCursor>) {
        let older = rows.iter().rev().filter(|at| before.is_none_or(|before| cursor(**at) < *before));
        let looked: Vec<_> = older.take(scanned).collect();
        let found: Vec<_> = looked.iter().filter(|at| ***at % 2 == 1).take(limit).map(|at| row(**at)).collect();
        let end = if found.len() == limit { found.last().map(|row| row.place.clone()) } else { None };
        let end = end.or_else(|| looked.last().filter(|_| looked.len() == scanned).map(|at| cursor(**at)));
        (found, end)
    }

    proptest! {
        #[test]
        fn page_after_page_shows_everything_once_and_in_order(
            times in prop::collection::btree_map(1_u64..400, 0_usize..4, 0..120), limit in 1_usize..9, scanned in 1_usize..9
        ) {
            let shards: Vec<Vec<u64>> =
                (0..4).map(|n| times.iter().filter(|(_, shard)| **shard == n).map(|(at, _)| *at).collect()).collect();
            let (mut seen, mut before, mut pages) = (Vec::new(), None, 0);
            loop {
                let found = shards.iter().map(|rows| read(rows, before.as_ref(), limit, scanned)).collect();
                let page = merge(found, limit);
                prop_assert!(page.entries.len() <= limit);
                seen.extend(page.entries.iter().map(|entry| entry.at));
                pages += 1;
                prop_assert!(pages < 500, "it gets nowhere");
                let Some(next) = page.next else { break };
                prop_assert!(before.is_none_or(|before| next < before));
                before = Some(next);
            }
            let all: Vec<u64> = times.keys().rev().copied().filter(|at| at % 2 == 1).collect();
            prop_assert_eq!(seen, all);
        }

        #[test]
        fn a_cursor_that_was_thought_up_is_none(text in "[A-Za-z0-9_-]{0,90}") {
            if let Some(cursor) = LogCursor::parse(&text) {
                prop_assert_eq!(cursor.to_text(), text);
            }
        }
    }

    #[test]
    fn a_cursor_is_read_as_it_was_given_out() {
        let cursor = cursor(1_900_000_000_123);
        assert_eq!(LogCursor::parse(&cursor.to_text()), Some(cursor));
        let encoded = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
        for bad in ["", "1.a", "1.' OR 1=1 --                      ", "x.00000000000000000000000000000000"] {
            assert_eq!(LogCursor::parse(&encoded(bad)), None, "{bad}");
        }
        assert_eq!(LogCursor::parse(&encoded(&format!("{}.{}", u64::MAX, "0".repeat(32)))), None);
        assert_eq!(LogCursor::parse(&"A".repeat(200)), None);
    }

    #[test]
    fn what_a_later_release_wrote_is_counted_and_hides_nothing() {
        let later = FoundRow { entry: row(3).entry.replace("\"v\":1", "\"v\":2"), place: cursor(3) };
        let page = merge(vec![(vec![row(5), later, row(1)], None)], 10);
        assert_eq!((page.entries.len(), page.unreadable, page.next), (2, 1, None));
    }
}
