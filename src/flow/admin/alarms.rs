//! What this isolate knows to be wrong, for `/status` and the console: what it is, since when, and what to do.
//!
//! Not here: finding it out, which whoever meets it does (`memory::alarms`).

use serde::Serialize;

use crate::memory::Memory;
use crate::memory::alarms::{Alarm, AlarmKind};
use crate::page::Finding;
use crate::time::Timestamp;

/// A state as operators are told of it.
#[derive(Debug, Serialize)]
pub struct ToldAlarm {
    /// What it is of.
    pub alarm: &'static str,
    /// What it is about: an issuer, a key's number, a server.
    pub about: String,
    /// Why it was met last.
    pub reason: &'static str,
    /// When it was first met.
    pub since: Timestamp,
    /// When it was last met.
    pub last: Timestamp,
    /// How often.
    pub times: u32,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub fix: &'static str,
}

impl ToldAlarm {
    /// As a page shows it.
    pub fn to_finding(&self) -> Finding {
        Finding {
            name: self.alarm.replace('_', " "),
            ok: false,
            reason: Some(self.reason.to_owned()),
            problem: Some(self.problem.clone()),
            fix: Some(self.fix.to_owned()),
        }
        .lasting(self.since, self.times)
    }
}

/// All that last.
pub fn standing(memory: &Memory, now: Timestamp) -> Vec<ToldAlarm> {
    memory.alarms.standing(now).into_iter().map(|(kind, about, alarm)| told(kind, about, alarm)).collect()
}

fn told(kind: AlarmKind, about: String, Alarm { since, last, times, reason }: Alarm) -> ToldAlarm {
    let (problem, fix) = match kind {
        AlarmKind::IdentityProvider => (
            format!("The identity provider {about} could not be used when it was last asked."),
            "Nobody can sign in meanwhile, and whoever has tokens goes on. Look at its health, and at login.issuer.",
        ),
        AlarmKind::KeyRing => (
            format!("Something stored is sealed with key {about}, which KEY_RING does not have."),
            "Put that key back into KEY_RING. If it is gone for good, whoever lost an account connects it again.",
        ),
        AlarmKind::Registrations => (
            format!("New clients of {about} come faster than they are taken."),
            "If it goes on, look for a client that registers at each start, or block the address it comes from.",
        ),
        AlarmKind::Refreshes => (
            format!("Connections of the server {about} could not be refreshed when that was last tried."),
            "Look at the health of its authorization server, and at its auth; the reason says more.",
        ),
        AlarmKind::Isolate => (
            "The gateway trapped in this isolate and began anew; calls under way were answered with 500.".to_owned(),
            "A bug here. Please report it with the line gateway_panicked of the log.",
        ),
    };
    ToldAlarm { alarm: kind.as_str(), about, reason, since, last, times, problem, fix }
}
