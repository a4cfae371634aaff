//! Ids that are good exactly once on earth, until they expire: an assertion's `jti` (RFC 7523 §3), a proof's at the
//! token endpoint (RFC 9449 §11.1), a sign-in at a page of the operator's own. A pure state machine.
//!
//! Whoever asks has verified what the id is in, so nobody can burn an id of somebody else's.
//!
//! Not here: the object that runs it, and how long an id may be good at most, which whoever takes it bounds.

use serde::{Deserialize, Serialize};

use crate::json::tagged;
use crate::secret::Digested;
use crate::time::{Lifetime, Timestamp};
use crate::version::V1;

/// Ids that one object remembers. There are 4,096 objects, so a million ids are remembered at once.
const MOST: usize = 256;
/// The clocks of an isolate and of an object differ.
const DRIFT: Lifetime = Lifetime::minutes(1);
/// Characters of the digest that name its object.
const SHARD: usize = 2;

/// What is burned, as a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnceId(Digested);

impl OnceId {
    /// An id that `issuer` gave out for a `use_`: the same text of another issuer, or for something else, is another.
    pub fn new(use_: &str, issuer: &str, id: &str) -> Self {
        Self(Digested::of(&format!("{use_}\n{}\n{issuer}\n{id}", issuer.len())))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The name of the object that remembers it.
    pub fn shard(&self) -> &str {
        self.0.as_str().get(..SHARD).unwrap_or_default()
    }

    /// The order to burn it, until a moment from which on nobody takes it anyway.
    pub fn burn(&self, until: Timestamp) -> Command {
        Command::Burn { id: self.0.clone(), until }
    }
}

tagged! { "command",
    /// An order to an object of this kind.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Command {
        /// This id is used now.
        Burn {
            /// Its digest.
            id: Digested,
            /// From when on it is good no more anyway.
            until: Timestamp,
        },
    }
}

tagged! { "outcome",
    /// What it answers.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Outcome {
        /// This was the first time.
        Burned,
        /// It was used before.
        Used,
        /// There is no room to remember it, so it must not be taken.
        Full,
    }
}

/// The ids that one object remembers. Its JSON is at rest, so its form is an interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    v: V1,
    burned: Vec<Burned>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Burned {
    id: Digested,
    until: Timestamp,
}

/// Applies a command. The record that comes back replaces the one that went in.
pub fn apply(
    record: Option<Record>,
    Command::Burn { id, until }: Command,
    now: Timestamp,
) -> (Option<Record>, Outcome) {
    let mut record = record.unwrap_or(Record { v: V1, burned: Vec::new() });
    record.burned.retain(|burned| !burned.until.reached(now));
    let outcome = if record.burned.iter().any(|burned| burned.id == id) {
        Outcome::Used
    } else if record.burned.len() >= MOST {
        Outcome::Full
    } else {
        record.burned.push(Burned { id, until: until + DRIFT });
        Outcome::Burned
    };
    (Some(record), outcome)
}

impl Record {
    /// When the last of them may be forgotten.
    pub fn expires(&self) -> Timestamp {
        self.burned.iter().map(|burned| burned.until).max().unwrap_or(Timestamp(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000);
    const UNTIL: Timestamp = Timestamp(1_300);

    fn id(text: &str) -> OnceId {
        OnceId::new("client assertion", "ci", text)
    }

    #[test]
    fn the_first_wins_until_nobody_takes_it_any_more() {
        let (record, first) = apply(None, id("a").burn(UNTIL), NOW);
        assert_eq!(first, Outcome::Burned);
        let (record, second) = apply(record, id("a").burn(UNTIL), NOW);
        assert_eq!(second, Outcome::Used);
        let (record, other) = apply(record, id("b").burn(UNTIL), NOW);
        assert_eq!(other, Outcome::Burned);
        let drifted = UNTIL + Lifetime(59);
        assert_eq!(apply(record.clone(), id("a").burn(UNTIL), drifted).1, Outcome::Used, "another clock is late");
        let (record, later) = apply(record, id("a").burn(UNTIL + Lifetime(600)), UNTIL + DRIFT);
        assert_eq!(later, Outcome::Burned);
        assert_eq!(record.unwrap().burned.len(), 1, "what has expired is forgotten");
    }

    #[test]
    fn what_cannot_be_remembered_is_not_taken() {
        let burned = (0..MOST).fold(None, |record, at| apply(record, id(&at.to_string()).burn(UNTIL), NOW).0);
        let (burned, outcome) = apply(burned, id("one more").burn(UNTIL), NOW);
        assert_eq!(outcome, Outcome::Full);
        assert_eq!(apply(burned.clone(), id("0").burn(UNTIL), NOW).1, Outcome::Used, "nothing was pushed out");
        assert_eq!(burned.unwrap().expires(), UNTIL + DRIFT);
    }

    #[test]
    fn an_id_is_one_of_its_issuer_and_its_use() {
        let ids = [
            id("a"),
            OnceId::new("dpop", "ci", "a"),
            OnceId::new("client assertion", "ci\na", ""),
            OnceId::new("client assertion", "ci", "a\n"),
            OnceId::new("client assertion", "c", "i\na"),
        ];
        for (at, one) in ids.iter().enumerate() {
            assert!(!ids[..at].contains(one), "{at}");
        }
        assert_eq!(id("a").shard(), id("a").0.as_str().get(..2).unwrap());
    }

    #[test]
    fn what_is_at_rest_and_on_the_wire_keeps_its_form() {
        let digest = id("a").0;
        assert_eq!(digest.as_str(), "m9K4JOYiLHT5iMteduwoqeS-MXiIPj7YDbopFc0iHto");
        let record = apply(None, id("a").burn(UNTIL), NOW).0.unwrap();
        let golden = format!(r#"{{"v":1,"burned":[{{"id":"{}","until":1360}}]}}"#, digest.as_str());
        assert_eq!(serde_json::to_string(&record).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Record>(&golden).unwrap(), record);
        let golden = format!(r#"{{"command":"burn","id":"{}","until":1300}}"#, digest.as_str());
        assert_eq!(serde_json::to_string(&id("a").burn(UNTIL)).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Command>(&golden).unwrap(), id("a").burn(UNTIL));
        for (outcome, golden) in [
            (Outcome::Burned, r#"{"outcome":"burned"}"#),
            (Outcome::Used, r#"{"outcome":"used"}"#),
            (Outcome::Full, r#"{"outcome":"full"}"#),
        ] {
            assert_eq!(serde_json::to_string(&outcome).unwrap(), golden);
            assert_eq!(serde_json::from_str::<Outcome>(golden).unwrap(), outcome);
        }
    }
}
