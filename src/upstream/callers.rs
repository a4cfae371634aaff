//! Who asks a server now and has lately, as one isolate sees it: nobody takes all the places that there are, and what
//! some bring about does not pass for a failure of the server while others are answered.
//!
//! Not here: whether the server is left alone (`circuit`), and how many places there are.

use crate::time::{Lifetime, Timestamp};

/// So many callers are known; of more, those whose last call is longest ago are forgotten.
const MOST: usize = 64;
/// So many failures in a row of one caller's count, where a caller can bring them about: three callers at least open
/// the circuit.
const OF_ONE: u8 = 4;
/// How long it counts whether a caller was answered.
const LATELY: Lifetime = Lifetime::minutes(1);
/// How long somebody is there who asked: longer than a call waits for a place.
const THERE: Lifetime = Lifetime(2);
/// There are so many callers who failed to each that was answered before it is the server that fails.
const FAILED_TO_ANSWERED: usize = 2;

/// The callers of one server.
#[derive(Debug, Default)]
pub struct Callers(Vec<Known>);

#[derive(Debug)]
struct Known {
    who: String,
    under_way: u32,
    /// How the last call ended, where that is known.
    answered: Option<bool>,
    /// Failures in a row that counted.
    counted: u8,
    at: Timestamp,
}

/// Why a caller gets no place now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPlace {
    /// Every place is taken.
    Full,
    /// The caller has as many as one may have while others are there; alone, all but one.
    OwnShare(u32),
}

impl Callers {
    /// Whether a caller may have one more of so many places, of which some are taken.
    pub fn place(&mut self, who: &str, most: u16, taken: u32, now: Timestamp) -> Result<(), NoPlace> {
        let most = u32::from(most);
        let own = self.note(who, now, |known| known.under_way);
        let is_there = |known: &&Known| known.under_way > 0 || now <= known.at + THERE;
        let callers = self.0.iter().filter(is_there).count();
        let callers = u32::try_from(callers).unwrap_or(u32::MAX).max(1);
        let share = if callers == 1 { most.saturating_sub(1) } else { most.div_ceil(callers) }.max(1);
        match own {
            own if own >= share => Err(NoPlace::OwnShare(share)),
            _ if taken >= most => Err(NoPlace::Full),
            _ => Ok(()),
        }
    }

    /// A call begins.
    pub fn begins(&mut self, who: &str, now: Timestamp) {
        self.note(who, now, |known| known.under_way = known.under_way.saturating_add(1));
    }

    /// A call is over.
    pub fn ends(&mut self, who: &str) {
        if let Some(known) = self.0.iter_mut().find(|known| known.who == who) {
            known.under_way = known.under_way.saturating_sub(1);
        }
    }

    /// The server answered.
    pub fn answered(&mut self, who: &str, now: Timestamp) {
        self.note(who, now, |known| (known.answered, known.counted) = (Some(true), 0));
    }

    /// It did not, or said that it cannot; whether that says something of it.
    pub fn failed(&mut self, who: &str, now: Timestamp) -> bool {
        self.note(who, now, |known| known.answered = Some(false));
        let lately = self.0.iter().filter(|known| now <= known.at + LATELY);
        let ended = |how| lately.clone().filter(|known| known.answered == Some(how)).count();
        let says = ended(false) > ended(true) * FAILED_TO_ANSWERED;
        self.note(who, now, |known| {
            let counts = says && known.counted < OF_ONE;
            known.counted += u8::from(counts);
            counts
        })
    }

    /// Notes of a caller that they do something now, and what.
    fn note<T>(&mut self, who: &str, now: Timestamp, what: impl FnOnce(&mut Known) -> T) -> T {
        let found = self.0.iter().position(|known| known.who == who).map(|at| self.0.swap_remove(at));
        if found.is_none() && self.0.len() >= MOST {
            let idle = self.0.iter().enumerate().filter(|(_, known)| known.under_way == 0);
            let oldest = idle.min_by_key(|(_, known)| known.at).map_or(0, |(at, _)| at);
            self.0.swap_remove(oldest);
        }
        let new = || Known { who: who.to_owned(), under_way: 0, answered: None, counted: 0, at: now };
        let mut known = found.unwrap_or_else(new);
        known.at = now;
        let noted = what(&mut known);
        self.0.push(known);
        noted
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp(1_000);

    /// Takes places until there is none.
    fn fills(callers: &mut Callers, who: &str, most: u16, taken: &mut u32) -> NoPlace {
        loop {
            match callers.place(who, most, *taken, NOW) {
                Ok(()) => callers.begins(who, NOW),
                Err(none) => return none,
            }
            *taken += 1;
        }
    }

    #[test]
    fn nobody_takes_all_places_and_those_who_are_there_share() {
        let (mut callers, mut taken) = (Callers::default(), 0);
        assert_eq!(fills(&mut callers, "one", 8, &mut taken), NoPlace::OwnShare(7));
        assert_eq!((fills(&mut callers, "two", 8, &mut taken), taken), (NoPlace::Full, 8));
        // What the first gives back is the second's, up to their half.
        for _ in 0..5 {
            callers.ends("one");
            taken -= 1;
        }
        assert_eq!((fills(&mut callers, "two", 8, &mut taken), taken), (NoPlace::OwnShare(4), 6));
        assert_eq!(callers.place("one", 8, taken, NOW), Ok(()));
        // Once the others are away, nothing is kept for them but one place.
        (0..4).for_each(|_| callers.ends("two"));
        assert_eq!(callers.place("one", 8, 2, NOW + THERE + Lifetime(1)), Ok(()));
        // One place is one place.
        assert_eq!(Callers::default().place("one", 1, 0, NOW), Ok(()));
    }

    #[test]
    fn a_few_who_fail_say_nothing_while_others_are_answered() {
        let mut callers = Callers::default();
        let failures = |callers: &mut Callers, who: &str| (0..9).filter(|_| callers.failed(who, NOW)).count();
        assert_eq!(failures(&mut callers, "one"), usize::from(OF_ONE));
        callers.answered("other", NOW);
        assert_eq!(failures(&mut callers, "two"), 0, "two fail, and one is answered");
        assert_eq!(failures(&mut callers, "three"), usize::from(OF_ONE), "three fail");
        // The one who was answered fails as well, and begins anew after an answer.
        assert!(callers.failed("other", NOW));
        callers.answered("one", NOW);
        assert!(callers.failed("other", NOW) && callers.failed("one", NOW));
        // What was answered long ago says nothing any more.
        let mut callers = Callers::default();
        callers.answered("other", NOW);
        assert!(!callers.failed("one", NOW) && callers.failed("one", NOW + LATELY + Lifetime(1)));
        // What did not count then is not used up.
        assert_eq!((0..9).filter(|_| callers.failed("one", NOW + LATELY + Lifetime(1))).count(), 3);
    }

    proptest! {
        /// Whatever happens, places are never taken beyond the limit, the calls of a caller are counted while there are
        /// not too many callers, and nobody has all.
        #[test]
        fn one_place_at_least_is_left_to_others(most in 2u16..9, steps in prop::collection::vec((0u8..6, any::<bool>(), 0u64..3), 0..200)) {
            let (mut callers, mut now) = (Callers::default(), NOW);
            let mut own = [0u32; 6];
            for (who, begins, passes) in steps {
                now = now + Lifetime(passes);
                let (name, at) = (format!("c{who}"), usize::from(who));
                let taken: u32 = own.iter().sum();
                if begins && callers.place(&name, most, taken, now).is_ok() {
                    callers.begins(&name, now);
                    own[at] += 1;
                    prop_assert!(own[at] < u32::from(most) && taken < u32::from(most));
                } else if !begins && own[at] > 0 {
                    callers.ends(&name);
                    own[at] -= 1;
                }
            }
        }
    }
}
