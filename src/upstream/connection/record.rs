//! The states of a connection and the transitions between them.
//!
//! Not here: storage. The record's JSON is at rest in the connection's object, so its form is an interface.

use serde::{Deserialize, Serialize};

use super::command::{Command, Death, Outcome, Reason};
use crate::json::tagged;
use crate::secret::Digested;
use crate::time::{Lifetime, Timestamp};
use crate::upstream::lease::LEASE;
use crate::version::V1;

/// The longest wait between two attempts at an upstream that fails.
const LONGEST_BACKOFF: Lifetime = Lifetime(60);

/// So many refusals running are no accident any more.
const MOST_REFUSALS: u32 = 5;

/// How long a credential is kept that nothing was done with.
const KEPT: Lifetime = Lifetime::days(400);

/// How long a generation is remembered that was dropped: no holder of a lease and no replica is as slow as that.
const REMEMBERED: Lifetime = Lifetime::days(1);

/// Used `state`s that are remembered. One person does not begin more within the minutes that one is good.
const MOST_CLAIMS: usize = 32;

/// What an object knows about its connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    v: V1,
    /// One more for every credential, and for none after one. Never goes back, so that what is late can be told.
    generation: u64,
    standing: Standing,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease: Option<Lease>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    backoff: Option<Backoff>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    claims: Vec<Claim>,
    /// When it last changed.
    at: Timestamp,
}

tagged! { "standing",
    #[derive(Debug, Clone, PartialEq, Eq)]
    enum Standing {
        Absent,
        Live { sealed: String },
        Dead { sealed: Option<String>, death: Death },
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Lease {
    holder: String,
    until: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Backoff {
    failures: u32,
    /// How many of the last ones were refusals.
    refusals: u32,
    retry_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Claim {
    attempt: Digested,
    until: Timestamp,
}

/// Applies a command. The record that comes back replaces the one that went in.
pub fn apply(record: Option<Record>, command: Command, now: Timestamp) -> (Option<Record>, Outcome) {
    let nothing = record.is_none();
    let before = record.unwrap_or_else(|| Record::new(now));
    let mut record = before.clone();
    let outcome = match command {
        Command::Read => record.shown(),
        Command::Claim { attempt, until } => record.claim(attempt, until, now),
        Command::Recall { attempt } => record.recall(&attempt),
        Command::Store { sealed } => record.store(Standing::Live { sealed }),
        Command::Lease { seen, holder, from_nothing } => record.lease(seen, holder, from_nothing, now),
        Command::Finish { generation, sealed } => record.finish(generation, sealed),
        Command::Fail { holder, generation, why } => record.fail(&holder, generation, why, now),
        Command::Drop => record.drop_credential(),
    };
    if record == before {
        return ((!nothing).then_some(record), outcome);
    }
    record.at = now;
    (Some(record), outcome)
}

impl Record {
    /// When the record may be forgotten.
    pub fn expires(&self) -> Timestamp {
        let kept = match self.standing {
            Standing::Absent => REMEMBERED,
            Standing::Live { .. } | Standing::Dead { .. } => KEPT,
        };
        self.claims.iter().map(|claim| claim.until).fold(self.at + kept, Timestamp::max)
    }

    fn new(now: Timestamp) -> Self {
        let standing = Standing::Absent;
        Self { v: V1, generation: 0, standing, lease: None, backoff: None, claims: Vec::new(), at: now }
    }

    fn shown(&self) -> Outcome {
        let generation = self.generation;
        match &self.standing {
            Standing::Absent => Outcome::Absent,
            Standing::Live { sealed } => Outcome::Live { generation, sealed: sealed.clone() },
            Standing::Dead { sealed, death } => Outcome::Dead { generation, death: *death, sealed: sealed.clone() },
        }
    }

    fn recall(&self, attempt: &Digested) -> Outcome {
        let used = self.claims.iter().any(|claim| claim.attempt == *attempt);
        if used { Outcome::AlreadyUsed } else { Outcome::Unused }
    }

    fn claim(&mut self, attempt: Digested, until: Timestamp, now: Timestamp) -> Outcome {
        if self.recall(&attempt) == Outcome::AlreadyUsed {
            return Outcome::AlreadyUsed;
        }
        self.claims.retain(|claim| !claim.until.reached(now));
        if self.claims.len() >= MOST_CLAIMS {
            return Outcome::AlreadyUsed; // to forget one instead would make it good again
        }
        self.claims.push(Claim { attempt, until });
        Outcome::Claimed
    }

    fn store(&mut self, standing: Standing) -> Outcome {
        self.generation = self.generation.saturating_add(1);
        self.standing = standing;
        self.lease = None;
        self.backoff = None;
        Outcome::Stored { generation: self.generation }
    }

    fn lease(&mut self, seen: u64, holder: String, from_nothing: bool, now: Timestamp) -> Outcome {
        let sealed = match &self.standing {
            Standing::Absent if from_nothing => None,
            Standing::Live { sealed } if seen == self.generation => Some(sealed.clone()),
            _ => return self.shown(),
        };
        let running = self.lease.as_ref().filter(|lease| !lease.until.reached(now));
        match running {
            Some(lease) if lease.holder != holder => return Outcome::Wait { until: lease.until },
            Some(_) => {} // the answer was lost on the way, or the command came twice
            None => {
                if let Some(backoff) = self.backoff.filter(|backoff| !backoff.retry_at.reached(now)) {
                    return Outcome::BackingOff { retry_at: backoff.retry_at };
                }
                self.lease = Some(Lease { holder, until: now + LEASE });
            }
        }
        Outcome::Leased { generation: self.generation, sealed }
    }

    /// A rotated refresh token exists once, here: it counts whoever holds the lease by now, and over the death that
    /// another holder met with the token it replaces. Only a newer credential, or a person who disconnected, makes it
    /// worthless.
    fn finish(&mut self, generation: u64, sealed: String) -> Outcome {
        let never_leased = self.standing == Standing::Absent && self.lease.is_none();
        if generation != self.generation || never_leased {
            return self.shown();
        }
        self.store(Standing::Live { sealed })
    }

    /// Only who holds the lease knows of the newest refresh token, and may say that it is dead.
    fn fail(&mut self, holder: &str, generation: u64, why: Reason, now: Timestamp) -> Outcome {
        if generation != self.generation {
            return self.shown();
        }
        match &self.lease {
            Some(lease) if lease.holder == holder => {}
            Some(lease) if !lease.until.reached(now) => return Outcome::Wait { until: lease.until },
            _ => return self.shown(),
        }
        self.lease = None;
        let before = self.backoff.take().unwrap_or(Backoff { failures: 0, refusals: 0, retry_at: now });
        let (refusals, asked) = match why {
            Reason::Dead { death } => return self.die(death),
            Reason::Refused if before.refusals + 1 >= MOST_REFUSALS => return self.die(Death::Refused),
            Reason::Refused => (before.refusals + 1, now),
            Reason::Temporary { retry_at } => (0, retry_at.unwrap_or(now)),
        };
        let wait = Lifetime(1 << before.failures.min(6)).min(LONGEST_BACKOFF);
        let retry_at = (now + wait).max(asked.min(now + LONGEST_BACKOFF));
        self.backoff = Some(Backoff { failures: before.failures.saturating_add(1), refusals, retry_at });
        Outcome::BackingOff { retry_at }
    }

    fn die(&mut self, death: Death) -> Outcome {
        let sealed = self.take_sealed();
        self.standing = Standing::Dead { sealed, death };
        self.shown()
    }

    fn drop_credential(&mut self) -> Outcome {
        let leased = self.lease.is_some();
        let there = self.standing != Standing::Absent;
        let sealed = self.take_sealed();
        if there || leased {
            self.store(Standing::Absent); // the holder of a lease must not bring it back
        }
        Outcome::Dropped { sealed }
    }

    fn take_sealed(&mut self) -> Option<String> {
        match std::mem::replace(&mut self.standing, Standing::Absent) {
            Standing::Live { sealed } => Some(sealed),
            Standing::Dead { sealed, .. } => sealed,
            Standing::Absent => None,
        }
    }
}
