//! Entries of the authorization log that are not at rest yet, and how many never came to be.
//!
//! Not here: writing them (`flow::authorization_log`).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use crate::authorization_log::LogEntry;
use crate::time::Timestamp;

/// Entries that wait at most. They go at the end of the request that made them.
const CAPACITY: usize = 256;
/// So many refusals of one subject in a minute are entries of their own.
const EACH: u32 = 60;
/// Of more, one in so many is.
const ONE_IN: u32 = 16;
/// Of so many they are counted.
const COUNTED: usize = 2048;

/// What waits to be written.
#[derive(Default)]
pub struct Unwritten {
    entries: RefCell<Vec<LogEntry>>,
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

    /// Takes all of them.
    pub fn take(&self) -> Vec<LogEntry> {
        self.entries.take()
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
}
