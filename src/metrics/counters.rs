//! What one isolate counts, until it has told it.
//!
//! What is under way stays the same until it has arrived, and is sent again under its number; what comes meanwhile is
//! counted beside it. So nothing is counted twice, and an isolate that is ended loses what it has counted since it last
//! told of it.
//!
//! Not here: sending (`flow::metrics`).

use std::cell::RefCell;
use std::rc::Rc;

use base64ct::{Base64UrlUnpadded, Encoding};

use super::delta::{Delta, MINUTE};
use super::tally::Tally;
use super::{Sample, floor};
use crate::time::{Lifetime, Timestamp};
use crate::version::V1;

/// How long an isolate that is called by authenticated callers keeps to itself what it counted.
pub const TOLD_AFTER: Lifetime = Lifetime(10);
/// The same where only anonymous requests come: they shall not make it write more often, and not at once.
pub const ANONYMOUS_TOLD_AFTER: Lifetime = Lifetime::minutes(1);

/// The counters of one isolate.
#[derive(Default)]
pub struct Counters(RefCell<State>);

#[derive(Default)]
struct State {
    isolate: Option<String>,
    sequence: u64,
    /// What is counted now, and the minute it began in.
    open: Option<(Timestamp, Tally)>,
    /// What has not arrived yet.
    leaving: Option<Rc<Delta>>,
    /// When the first request was counted, or when it was last told.
    since: Option<Timestamp>,
    /// Whether anything was ever told.
    has_told: bool,
    is_due: bool,
    scratch: String,
}

impl Counters {
    /// Counts a request. Answers whether it is time to tell of it: an isolate tells of its first authenticated request
    /// at once, as it may be the only one.
    pub fn count(&self, sample: &Sample<'_>, now: Timestamp, random: impl FnOnce() -> [u8; 16]) -> bool {
        let mut state = self.0.borrow_mut();
        if state.isolate.is_none() {
            state.isolate = Some(Base64UrlUnpadded::encode_string(&random()));
        }
        let minute = floor(now, MINUTE);
        if state.leaving.is_none() && state.open.as_ref().is_some_and(|(began, _)| *began != minute) {
            state.close();
        }
        let State { open, scratch, .. } = &mut *state;
        open.get_or_insert_with(|| (minute, Tally::default())).1.add(sample, scratch);

        let since = *state.since.get_or_insert(now);
        let (patience, at_once) = match sample.named {
            Some(_) => (TOLD_AFTER, !state.has_told),
            None => (ANONYMOUS_TOLD_AFTER, false),
        };
        let is_due = at_once || (since + patience).reached(now);
        if is_due {
            (state.since, state.has_told, state.is_due) = (Some(now), true, true);
        }
        is_due
    }

    /// Whether it was time to tell since this was last asked.
    pub fn take_due(&self) -> bool {
        std::mem::take(&mut self.0.borrow_mut().is_due)
    }

    /// What is to be sent: what has not arrived yet, or else what was counted since.
    pub fn leaving(&self) -> Option<Rc<Delta>> {
        let mut state = self.0.borrow_mut();
        if state.leaving.is_none() {
            state.close();
        }
        state.leaving.clone()
    }

    /// It has arrived.
    pub fn arrived(&self, delta: &Delta) {
        let mut state = self.0.borrow_mut();
        if state.leaving.as_ref().is_some_and(|leaving| leaving.sequence == delta.sequence) {
            state.leaving = None;
        }
    }
}

impl State {
    /// From now on what was counted is one part, with a number.
    fn close(&mut self) {
        let (Some(isolate), Some((minute, tally))) = (self.isolate.clone(), self.open.take()) else { return };
        self.sequence += 1;
        self.leaving = Some(Rc::new(Delta { v: V1, isolate, sequence: self.sequence, minute, tally }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::tally::tests::CALL;

    const ANONYMOUS: Sample<'_> = Sample { named: None, ..CALL };

    fn counts(counters: &Counters, sample: &Sample<'_>, at: u64) -> bool {
        counters.count(sample, Timestamp(at), || [1; 16])
    }

    /// What would be sent, and arrives.
    fn told(counters: &Counters) -> Option<(u64, u64, u64)> {
        let delta = counters.leaving()?;
        counters.arrived(&delta);
        Some((delta.sequence, delta.minute.0, delta.tally.all.requests))
    }

    #[test]
    fn authenticated_requests_are_told_of_at_once_and_then_every_ten_seconds() {
        let counters = Counters::default();
        let due: Vec<_> = [0, 1, 9, 10, 11, 20].map(|at| counts(&counters, &CALL, at)).into();
        assert_eq!(due, [true, false, false, true, false, true]);
    }

    #[test]
    fn anonymous_requests_are_told_of_once_a_minute_and_never_at_once() {
        let counters = Counters::default();
        let due: Vec<_> = [0, 59, 60, 61, 119, 120].map(|at| counts(&counters, &ANONYMOUS, at)).into();
        assert_eq!(due, [false, false, true, false, false, true]);
        assert!(!counts(&counters, &CALL, 129) && counts(&counters, &CALL, 130));
    }

    #[test]
    fn what_has_not_arrived_stays_as_it_is_under_its_number() {
        let counters = Counters::default();
        counts(&counters, &CALL, 600);
        let first = counters.leaving().unwrap();
        counts(&counters, &CALL, 610);
        counts(&counters, &CALL, 10_000);
        assert_eq!(counters.leaving().unwrap(), first);
        counters.arrived(&first);
        assert_eq!(told(&counters), Some((2, 600, 2)), "counted in the minute that it began in");
        assert_eq!(told(&counters), None);
    }

    #[test]
    fn what_a_minute_ended_with_is_counted_in_it() {
        let counters = Counters::default();
        counts(&counters, &ANONYMOUS, 610);
        counts(&counters, &ANONYMOUS, 9_000);
        assert_eq!([told(&counters), told(&counters)], [Some((1, 600, 1)), Some((2, 9_000, 1))]);
    }

    #[test]
    fn an_older_answer_is_no_news() {
        let counters = Counters::default();
        counts(&counters, &CALL, 0);
        let first = counters.leaving().unwrap();
        counters.arrived(&first);
        counts(&counters, &CALL, 1);
        let second = counters.leaving().unwrap();
        counters.arrived(&first);
        assert_eq!(counters.leaving().unwrap(), second);
    }
}
