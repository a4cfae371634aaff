//! Calls that wait for something, by number. One whose client left during a long wait may never be gone on with: the
//! runtime lets a request go half a minute after its client, and tells nobody. Such a one is given up by its age.
//!
//! Not here: what a call is, and what it waits for (`edge`).

use std::collections::BTreeMap;

use crate::time::{Lifetime, Timestamp};

/// Far more than any call takes: a server may be waited for ten minutes, and a call asks it a few times at most.
const LONGEST: Lifetime = Lifetime::hours(2);

/// What waits, each with when it began.
pub struct Waiting<T> {
    calls: BTreeMap<u32, (T, Timestamp)>,
}

impl<T> Waiting<T> {
    /// Has a call wait that began at `began`.
    pub fn put(&mut self, number: u32, call: T, began: Timestamp) {
        self.calls.insert(number, (call, began));
    }

    /// The call of a number, and when it began, if it waits.
    pub fn take(&mut self, number: u32) -> Option<(T, Timestamp)> {
        self.calls.remove(&number)
    }

    /// The first of the calls, if nobody will ever go on with it. Numbers are given in order, so only the first has to
    /// be looked at each time that another begins.
    pub fn given_up(&mut self, now: Timestamp) -> Option<T> {
        let (_, began) = self.calls.first_key_value()?.1;
        (*began + LONGEST).reached(now).then(|| self.calls.pop_first()).flatten().map(|(_, (call, _))| call)
    }
}

impl<T> Default for Waiting<T> {
    fn default() -> Self {
        Self { calls: BTreeMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_gone_on_with_once() {
        let mut waiting = Waiting::default();
        waiting.put(1, "one", Timestamp(10));
        assert_eq!((waiting.take(1), waiting.take(1), waiting.take(2)), (Some(("one", Timestamp(10))), None, None));
    }

    #[test]
    fn whoever_is_waited_for_in_vain_is_given_up_by_age_and_nobody_else() {
        let mut waiting = Waiting::default();
        waiting.put(1, "left", Timestamp(0));
        waiting.put(2, "young", Timestamp(5000));
        assert_eq!(waiting.given_up(Timestamp(7199)), None);
        assert_eq!(waiting.given_up(Timestamp(7200)), Some("left"));
        assert_eq!(waiting.given_up(Timestamp(7200)), None);
        assert_eq!(waiting.take(2), Some(("young", Timestamp(5000))));
        assert_eq!(waiting.given_up(Timestamp(100_000)), None);
    }
}
