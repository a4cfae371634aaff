//! An issuer's registrations, and who registers now.
//!
//! Not here: storage. The record's JSON is at rest in the issuer's object, so its form is an interface.

use serde::{Deserialize, Serialize};

use super::command::{Command, Outcome};
use crate::time::{Lifetime, Timestamp};
use crate::upstream::lease::LEASE;
use crate::upstream::state;
use crate::version::V1;

/// How long registrations are kept that nobody asked for.
const KEPT: Lifetime = Lifetime::days(400);

/// How exactly it is known when they were last asked for: not worth a write each time.
const USED: Lifetime = Lifetime::days(1);

/// Registrations that are kept, the retired included: one for each public origin and each time it was replaced.
const MOST_REGISTRATIONS: usize = 16;

/// How exactly it is known when a registration was handed out or proven: not worth a write each time either.
const PRECISION: Lifetime = Lifetime::minutes(1);

/// How long a token is proof enough that the authorization server knows a registration.
const PROOF: Lifetime = Lifetime::hours(1);

/// How often registrations are given up at most because people came back without an answer.
const ABANDONED: Lifetime = Lifetime::minutes(10);

/// What an object knows about its issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    v: V1,
    /// The number of the newest registration. Never goes back.
    generation: u64,
    /// Oldest first.
    registrations: Vec<Registration>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    leases: Vec<Lease>,
    /// When one was last given up because somebody came back without an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    abandoned: Option<Timestamp>,
    /// When it was last asked for, to the day.
    used: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Registration {
    generation: u64,
    redirect_uri: String,
    sealed: String,
    retired: bool,
    /// When it was last handed out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    handed: Option<Timestamp>,
    /// When a token was last issued to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proven: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Lease {
    redirect_uri: String,
    holder: String,
    until: Timestamp,
}

/// Applies a command. The record that comes back replaces the one that went in.
pub fn apply(record: Option<Record>, command: Command, now: Timestamp) -> (Option<Record>, Outcome) {
    let nothing = record.is_none();
    let before = record.unwrap_or_else(|| Record::new(now));
    let mut record = before.clone();
    let outcome = match command {
        Command::Get { generation } => record.get(generation),
        Command::Lease { redirect_uri, holder } => record.lease(redirect_uri, holder, now),
        Command::Finish { redirect_uri, sealed } => record.finish(redirect_uri, sealed, now),
        Command::Fail { holder } => {
            record.leases.retain(|lease| lease.holder != holder);
            Outcome::Noted
        }
        Command::Retire { generation } => record.retire(generation),
        Command::Abandon { generation } => record.abandon(generation, now),
        Command::Proven { generation } => record.proven(generation, now),
    };
    if record == before && nothing {
        return (None, outcome);
    }
    if record != before || (record.used + USED).reached(now) {
        record.used = now;
    }
    (Some(record), outcome)
}

impl Record {
    /// When the record may be forgotten.
    pub fn expires(&self) -> Timestamp {
        self.used + KEPT
    }

    fn new(now: Timestamp) -> Self {
        Self { v: V1, generation: 0, registrations: Vec::new(), leases: Vec::new(), abandoned: None, used: now }
    }

    fn get(&mut self, generation: u64) -> Outcome {
        self.numbered(generation).map_or(Outcome::Unknown, |registration| registration.shown())
    }

    fn numbered(&mut self, generation: u64) -> Option<&mut Registration> {
        self.registrations.iter_mut().find(|registration| registration.generation == generation)
    }

    /// What there is to go with for a redirect URI.
    fn handed_out(&mut self, redirect_uri: &str, now: Timestamp) -> Option<Outcome> {
        let current = |other: &&mut Registration| other.redirect_uri == redirect_uri && !other.retired;
        let registration = self.registrations.iter_mut().rfind(current)?;
        note(&mut registration.handed, now);
        Some(registration.shown())
    }

    fn lease(&mut self, redirect_uri: String, holder: String, now: Timestamp) -> Outcome {
        if let Some(registered) = self.handed_out(&redirect_uri, now) {
            return registered;
        }
        // No room for another until one of them can be forgotten.
        let room = self.registrations.iter().map(Registration::named_until).min();
        if let Some(until) = room.filter(|until| self.registrations.len() >= MOST_REGISTRATIONS && !until.reached(now))
        {
            return Outcome::Wait { until };
        }
        self.leases.retain(|lease| !lease.until.reached(now));
        match self.leases.iter().find(|lease| lease.redirect_uri == redirect_uri) {
            Some(lease) if lease.holder != holder => Outcome::Wait { until: lease.until },
            Some(_) => Outcome::Leased,
            None => {
                self.leases.push(Lease { redirect_uri, holder, until: now + LEASE });
                Outcome::Leased
            }
        }
    }

    /// The first to finish wins: a second registration is a client that nobody uses, not one that replaces another in
    /// use.
    fn finish(&mut self, redirect_uri: String, sealed: String, now: Timestamp) -> Outcome {
        self.leases.retain(|lease| lease.redirect_uri != redirect_uri);
        if let Some(registered) = self.handed_out(&redirect_uri, now) {
            return registered;
        }
        self.generation = self.generation.saturating_add(1);
        let registration = Registration {
            generation: self.generation,
            redirect_uri,
            sealed,
            retired: false,
            handed: Some(now),
            proven: None,
        };
        let outcome = registration.shown();
        self.registrations.push(registration);
        while self.registrations.len() > MOST_REGISTRATIONS {
            let Some(least) = self.least_needed(now) else { break };
            self.registrations.remove(least);
        }
        outcome
    }

    /// The oldest that nobody is under way with, the retired first.
    fn least_needed(&self, now: Timestamp) -> Option<usize> {
        let idle = |other: &Registration| other.named_until().reached(now);
        let retired = self.registrations.iter().position(|other| other.retired && idle(other));
        retired.or_else(|| self.registrations.iter().position(idle))
    }

    fn retire(&mut self, generation: u64) -> Outcome {
        let Some(registration) = self.numbered(generation) else { return Outcome::Unknown };
        registration.retired = true;
        Outcome::Noted
    }

    /// Retires a registration, unless one was given up a moment ago or this one has just been good for a token: who
    /// says so may be anybody.
    fn abandon(&mut self, generation: u64, now: Timestamp) -> Outcome {
        let just_now = self.abandoned.is_some_and(|at| !(at + ABANDONED).reached(now));
        let Some(registration) = self.numbered(generation) else { return Outcome::Unknown };
        let proven = registration.proven.is_some_and(|at| !(at + PRECISION + PROOF).reached(now));
        if !registration.retired && (just_now || proven) {
            return registration.shown();
        }
        if !registration.retired {
            registration.retired = true;
            self.abandoned = Some(now);
        }
        Outcome::Noted
    }

    fn proven(&mut self, generation: u64, now: Timestamp) -> Outcome {
        let Some(registration) = self.numbered(generation) else { return Outcome::Unknown };
        note(&mut registration.proven, now);
        Outcome::Noted
    }
}

/// Writes down that something is so now, unless that was written a moment ago.
fn note(moment: &mut Option<Timestamp>, now: Timestamp) {
    if moment.is_none_or(|at| (at + PRECISION).reached(now)) {
        *moment = Some(now);
    }
}

impl Registration {
    /// How long a `state` may name it: whoever was sent off with it last has till then.
    fn named_until(&self) -> Timestamp {
        self.handed.map_or(Timestamp(0), |at| at + PRECISION + state::LIFETIME)
    }

    fn shown(&self) -> Outcome {
        Outcome::Registered { generation: self.generation, sealed: self.sealed.clone() }
    }
}
