//! Whether a server is asked at all: after failures in a row it is left alone for a while, then tried once.
//!
//! ```text
//! closed ── failures in a row ──► open ── its time is over ──► tried ── answered ──► closed
//!                                  ▲                             │
//!                                  └──────── failed, longer ─────┘
//! ```
//!
//! Not here: what is a failure of the server's (`flow::call::load`), and where this is kept.

use crate::time::{Lifetime, Timestamp};

/// So many failures in a row, none of them a caller's doing.
const FAILURES: u8 = 10;
/// How long the server is left alone at first; each time that it fails again, twice as long.
const FIRST: Lifetime = Lifetime(5);
const LONGEST: Lifetime = Lifetime(60);

/// What is known of a server's failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circuit(State);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed { failures: u8 },
    Open { until: Timestamp, wait: Lifetime },
    Tried { overdue: Timestamp, wait: Lifetime },
}

/// A call that may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admitted {
    tries: bool,
}

/// What a call came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallEnd {
    /// The server answered, whatever it said.
    Answered,
    /// It did not, or said that it cannot.
    Failed,
    /// Nobody knows: the client left, or something else went wrong first.
    Unknown,
}

/// What became another than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CircuitChange {
    /// It is left alone until then.
    Opened(Timestamp),
    /// It is asked again.
    Closed,
}

impl Default for Circuit {
    fn default() -> Self {
        Self(State::Closed { failures: 0 })
    }
}

impl Circuit {
    /// Whether a call may be made now, or when one may be tried. `within` is how long a call may take: one that tries
    /// and does not come back by then is followed by another.
    pub fn admit(&mut self, now: Timestamp, within: Lifetime) -> Result<Admitted, Timestamp> {
        match self.0 {
            State::Closed { .. } => Ok(Admitted { tries: false }),
            State::Open { until: due, wait } | State::Tried { overdue: due, wait } if due.reached(now) => {
                // A slow try keeps nobody else waiting.
                self.0 = State::Tried { overdue: now + within.min(FIRST), wait };
                Ok(Admitted { tries: true })
            }
            State::Open { until, .. } => Err(until),
            State::Tried { overdue, .. } => Err(overdue.min(now + FIRST)),
        }
    }

    /// Notes what came of a call. What began before it opened, and ends after, tells nothing new.
    pub fn ended(&mut self, call: Admitted, end: CallEnd, now: Timestamp) -> Option<CircuitChange> {
        let (next, change) = match (self.0, call.tries, end) {
            (State::Closed { .. }, _, CallEnd::Answered) => (State::Closed { failures: 0 }, None),
            (State::Closed { failures }, false, CallEnd::Failed) if failures + 1 < FAILURES => {
                (State::Closed { failures: failures + 1 }, None)
            }
            (State::Closed { .. }, false, CallEnd::Failed) => opened(now, FIRST),
            (State::Tried { .. }, true, CallEnd::Answered) => {
                (State::Closed { failures: 0 }, Some(CircuitChange::Closed))
            }
            (State::Tried { wait, .. }, true, CallEnd::Failed) => opened(now, wait.and(wait).min(LONGEST)),
            (State::Tried { wait, .. }, true, CallEnd::Unknown) => (State::Open { until: now, wait }, None),
            (state, ..) => (state, None),
        };
        self.0 = next;
        change
    }

    /// When the server is tried again, while it is left alone.
    pub fn again_at(&self) -> Option<Timestamp> {
        match self.0 {
            State::Closed { .. } => None,
            State::Open { until, .. } => Some(until),
            State::Tried { overdue, .. } => Some(overdue),
        }
    }
}

fn opened(now: Timestamp, wait: Lifetime) -> (State, Option<CircuitChange>) {
    (State::Open { until: now + wait, wait }, Some(CircuitChange::Opened(now + wait)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WITHIN: Lifetime = Lifetime(50);
    const NOW: Timestamp = Timestamp(1_000);

    fn failing(times: u8) -> Circuit {
        let mut circuit = Circuit::default();
        for _ in 0..times {
            let call = circuit.admit(NOW, WITHIN).unwrap();
            circuit.ended(call, CallEnd::Failed, NOW);
        }
        circuit
    }

    #[test]
    fn failures_in_a_row_open_it_and_one_try_closes_it() {
        assert!(failing(FAILURES - 1).admit(NOW, WITHIN).is_ok());
        let mut circuit = failing(FAILURES);
        assert_eq!(circuit.admit(NOW, WITHIN), Err(NOW + FIRST));
        let later = NOW + FIRST;
        let call = circuit.admit(later, WITHIN).unwrap();
        assert!(circuit.admit(later, WITHIN).is_err(), "one tries");
        assert_eq!(circuit.ended(call, CallEnd::Answered, later), Some(CircuitChange::Closed));
        assert_eq!((circuit, circuit.again_at()), (Circuit::default(), None));
    }

    #[test]
    fn each_try_that_fails_makes_it_wait_longer_up_to_a_minute() {
        let mut circuit = failing(FAILURES);
        let mut now = NOW;
        for wait in [10, 20, 40, 60, 60] {
            now = circuit.again_at().unwrap();
            let call = circuit.admit(now, WITHIN).unwrap();
            let until = now + Lifetime(wait);
            assert_eq!(circuit.ended(call, CallEnd::Failed, now), Some(CircuitChange::Opened(until)));
        }
        let call = circuit.admit(circuit.again_at().unwrap(), WITHIN).unwrap();
        circuit.ended(call, CallEnd::Unknown, now);
        assert!(circuit.admit(now, WITHIN).is_ok(), "nobody knows, so the next one tries");
    }

    #[test]
    fn what_began_before_tells_nothing_and_a_try_that_is_lost_is_followed_by_another() {
        let mut circuit = failing(FAILURES - 1);
        let (one, other) = (circuit.admit(NOW, WITHIN).unwrap(), circuit.admit(NOW, WITHIN).unwrap());
        circuit.ended(one, CallEnd::Failed, NOW);
        let open = circuit;
        for end in [CallEnd::Failed, CallEnd::Answered, CallEnd::Unknown] {
            assert_eq!((circuit.ended(other, end, NOW), circuit), (None, open));
        }
        let tried = NOW + FIRST;
        circuit.admit(tried, WITHIN).unwrap();
        assert!(circuit.admit(tried + Lifetime(4), WITHIN).is_err());
        assert!(circuit.admit(tried + FIRST, WITHIN).is_ok());
    }

    proptest! {
        /// Whatever happens, it is never open for longer than the longest wait or a call that is lost, one call at a
        /// time tries, and an answer to one that was admitted while it was closed leaves it closed.
        #[test]
        fn it_recovers_by_itself(steps in prop::collection::vec((0u8..4, 0u64..90), 0..200)) {
            let (mut circuit, mut now) = (Circuit::default(), NOW);
            let mut calls: Vec<Admitted> = Vec::new();
            for (what, passes) in steps {
                now = now + Lifetime(passes);
                let end = match what {
                    0 => {
                        let before = circuit.again_at();
                        match circuit.admit(now, WITHIN) {
                            Ok(call) => calls.push(call),
                            Err(at) => prop_assert!(!at.reached(now) && before.is_some()),
                        }
                        continue;
                    }
                    1 => CallEnd::Answered,
                    2 => CallEnd::Failed,
                    _ => CallEnd::Unknown,
                };
                let Some(call) = calls.pop() else { continue };
                let was_closed = circuit.again_at().is_none();
                let change = circuit.ended(call, end, now);
                if end != CallEnd::Failed {
                    prop_assert!(!matches!(change, Some(CircuitChange::Opened(_))));
                }
                if end == CallEnd::Answered && was_closed {
                    prop_assert_eq!(circuit, Circuit::default());
                }
                if let Some(at) = circuit.again_at() {
                    prop_assert!(at <= now + LONGEST.max(WITHIN.and(Lifetime(1))));
                }
            }
            prop_assert!(circuit.admit(now + LONGEST.and(WITHIN), WITHIN).is_ok());
        }
    }
}
