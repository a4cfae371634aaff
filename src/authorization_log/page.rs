//! Pages of the log: where one ends and the next begins, and one page out of what several objects found.
//!
//! Not here: asking the objects (`flow::authorization_log`).

use super::cursor::LogCursor;
use super::entry::LogEntry;
use super::message::FoundRow;
use crate::json;

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
    }

    #[test]
    fn what_a_later_release_wrote_is_counted_and_hides_nothing() {
        let later = FoundRow { entry: row(3).entry.replace("\"v\":1", "\"v\":2"), place: cursor(3) };
        let page = merge(vec![(vec![row(5), later, row(1)], None)], 10);
        assert_eq!((page.entries.len(), page.unreadable, page.next), (2, 1, None));
    }
}
