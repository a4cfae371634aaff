//! An issuer's registrations, and who registers now.
//!
//! Not here: storage. The record's JSON is at rest in the issuer's object, so its form is an interface.

use serde::{Deserialize, Serialize};

use super::command::{Command, Outcome};
use crate::time::{Lifetime, Timestamp};
use crate::upstream::lease::LEASE;
use crate::version::V1;

/// How long registrations are kept that nobody asked for.
const KEPT: Lifetime = Lifetime::days(400);

/// How exactly it is known when they were last asked for: not worth a write each time.
const USED: Lifetime = Lifetime::days(1);

/// Registrations that are kept, the retired included: one for each public origin and each time it was replaced.
const MOST_REGISTRATIONS: usize = 16;

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
    /// When it was last asked for, to the day.
    used: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Registration {
    generation: u64,
    redirect_uri: String,
    sealed: String,
    retired: bool,
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
        Command::Finish { redirect_uri, sealed } => record.finish(redirect_uri, sealed),
        Command::Fail { holder } => {
            record.leases.retain(|lease| lease.holder != holder);
            Outcome::Noted
        }
        Command::Retire { generation } => record.retire(generation),
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
        Self { v: V1, generation: 0, registrations: Vec::new(), leases: Vec::new(), used: now }
    }

    fn get(&self, generation: u64) -> Outcome {
        let found = self.registrations.iter().find(|registration| registration.generation == generation);
        found.map_or(Outcome::Unknown, Registration::shown)
    }

    fn current(&self, redirect_uri: &str) -> Option<&Registration> {
        self.registrations.iter().rfind(|other| other.redirect_uri == redirect_uri && !other.retired)
    }

    fn lease(&mut self, redirect_uri: String, holder: String, now: Timestamp) -> Outcome {
        if let Some(registration) = self.current(&redirect_uri) {
            return registration.shown();
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

    /// The first to finish wins: a second registration is a client that nobody uses, not one that replaces another in use.
    fn finish(&mut self, redirect_uri: String, sealed: String) -> Outcome {
        self.leases.retain(|lease| lease.redirect_uri != redirect_uri);
        if let Some(registration) = self.current(&redirect_uri) {
            return registration.shown();
        }
        self.generation = self.generation.saturating_add(1);
        let registration = Registration { generation: self.generation, redirect_uri, sealed, retired: false };
        let outcome = registration.shown();
        self.registrations.push(registration);
        if self.registrations.len() > MOST_REGISTRATIONS {
            let least = self.registrations.iter().position(|other| other.retired).unwrap_or_default();
            self.registrations.remove(least);
        }
        outcome
    }

    fn retire(&mut self, generation: u64) -> Outcome {
        match self.registrations.iter_mut().find(|registration| registration.generation == generation) {
            Some(registration) => {
                registration.retired = true;
                Outcome::Noted
            }
            None => Outcome::Unknown,
        }
    }
}

impl Registration {
    fn shown(&self) -> Outcome {
        Outcome::Registered { generation: self.generation, sealed: self.sealed.clone() }
    }
}
