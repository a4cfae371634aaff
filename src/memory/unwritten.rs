//! Entries of the authorization log that are not at rest yet, and how many never came to be.
//!
//! Not here: writing them (`flow::authorization_log`).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use crate::authorization_log::LogEntry;
use crate::time::{Lifetime, Timestamp};

/// Entries that wait at most. They go at the end of the request that made them.
const CAPACITY: usize = 256;
/// So many refusals of one subject in a minute are entries of their own.
const EACH: u32 = 60;
/// Of more, one in so many is.
const ONE_IN: u32 = 16;
/// Of so many they are counted.
const COUNTED: usize = 2048;
/// One request writes for others so long, and then only what waits at that moment.
const TURN: Lifetime = Lifetime(10);
/// One that has written so long is no more: the runtime gives no request longer after its reply.
const GONE: Lifetime = Lifetime(30);

/// What waits to be written.
#[derive(Default)]
pub struct Unwritten {
    entries: RefCell<Vec<LogEntry>>,
    /// Since when somebody writes what waits.
    writes: Cell<Option<Timestamp>>,
    lost: Cell<u64>,
    /// Of one minute, by whose they are.
    counted: RefCell<(u64, BTreeMap<String, u32>)>,
}

impl Unwritten {
    /// Puts an entry with those that wait. Where there are too many it is lost.
    pub fn push(&self, entry: LogEntry) {
        let mut entries = self.entries.borrow_mut();
        if entries.len() < CAPACITY { entries.push(entry) } else { self.lose(1) }
    }

    /// Takes the turn to write, by when it began. While somebody has it they write what others leave: at once, as each
    /// would otherwise be a request to an object of its own.
    pub fn begin(&self, now: Timestamp) -> Option<Timestamp> {
        let taken = self.writes.get().is_some_and(|since| !(since + GONE).reached(now));
        (!taken).then(|| {
            self.writes.set(Some(now));
            now
        })
    }

    /// What waits, for whoever has the turn since `began`. With the last of it the turn is over.
    pub fn next(&self, began: Timestamp, now: Timestamp) -> Option<Vec<LogEntry>> {
        self.writes.get().filter(|since| *since == began)?;
        let entries = self.entries.take();
        if entries.is_empty() || (began + TURN).reached(now) {
            self.writes.set(None);
        }
        Some(entries).filter(|entries| !entries.is_empty())
    }

    /// Counts entries that could not be written.
    pub fn lose(&self, entries: usize) {
        self.lost.set(self.lost.get().saturating_add(u64::try_from(entries).unwrap_or(u64::MAX)));
    }

    /// How many could not be written since this isolate began.
    pub fn lost(&self) -> u64 {
        self.lost.get()
    }

    /// For how many of its kind one more of somebody's stands; `None` where it is left out.
    pub fn sample(&self, whose: &str, now: Timestamp) -> Option<u32> {
        let minute = now.0 / 60;
        let mut counted = self.counted.borrow_mut();
        if counted.0 != minute || counted.1.len() >= COUNTED {
            *counted = (minute, BTreeMap::new());
        }
        let count = counted.1.entry(whose.to_owned()).or_default();
        *count = count.saturating_add(1);
        let beyond = count.saturating_sub(EACH);
        match beyond {
            0 => Some(1),
            _ if beyond.is_multiple_of(ONE_IN) => Some(ONE_IN),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_sampled_and_adds_up() {
        let unwritten = Unwritten::default();
        let kept = |whose, now| (0..220).filter_map(|_| unwritten.sample(whose, Timestamp(now))).collect::<Vec<_>>();
        let flood = kept("dev:alice", 0);
        assert_eq!((flood.len(), flood.iter().sum::<u32>()), (70, 220));
        assert_eq!(unwritten.sample("dev:bob", Timestamp(0)), Some(1));
        assert_eq!(unwritten.sample("dev:alice", Timestamp(60)), Some(1));
    }

    fn entry() -> LogEntry {
        let text =
            r#"{"v":1,"at":1,"request_id":"00112233445566778899aabbccddeeff","kind":"call","status":400,"steps":[]}"#;
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn one_writes_what_all_leave_and_nothing_is_left_behind() {
        let unwritten = Unwritten::default();
        unwritten.push(entry());
        let began = unwritten.begin(Timestamp(100)).unwrap();
        assert_eq!(unwritten.next(began, Timestamp(100)).unwrap().len(), 1);
        for _ in 0..3 {
            unwritten.push(entry());
            assert_eq!(unwritten.begin(Timestamp(101)), None, "somebody writes");
        }
        assert_eq!(unwritten.next(began, Timestamp(102)).unwrap().len(), 3);
        assert!(unwritten.next(began, Timestamp(102)).is_none());
        assert!(unwritten.begin(Timestamp(102)).is_some(), "the turn is over");
    }

    #[test]
    fn nobody_writes_for_others_for_ever() {
        let unwritten = Unwritten::default();
        let began = unwritten.begin(Timestamp(100)).unwrap();
        unwritten.push(entry());
        assert!(unwritten.next(began, Timestamp(110)).is_some());
        unwritten.push(entry());
        assert!(unwritten.next(began, Timestamp(110)).is_none(), "others write again");
        let next = unwritten.begin(Timestamp(111)).unwrap();
        assert_eq!(unwritten.next(next, Timestamp(111)).unwrap().len(), 1);
    }

    #[test]
    fn whoever_does_not_come_back_loses_the_turn() {
        let unwritten = Unwritten::default();
        unwritten.begin(Timestamp(100)).unwrap();
        unwritten.push(entry());
        assert_eq!(unwritten.begin(Timestamp(129)), None);
        let began = unwritten.begin(Timestamp(130)).unwrap();
        assert_eq!(unwritten.next(began, Timestamp(130)).unwrap().len(), 1);
    }
}
