//! What an isolate knows of revocations: the markers in the directory, each read at most twice a minute.
//!
//! Not here: who revokes (`flow::revoke`, `flow::subject`), and which markers there are (`flow::token`).

use super::{subject, token};
use crate::failure::Failure;
use crate::json;
use crate::memory::Memory;
use crate::oauth::grant::GrantId;
use crate::ports::{Platform, Unavailable};
use crate::time::{Lifetime, Timestamp};

/// How long an isolate goes on with what it read: with the directory's own delay the bound of a revocation.
pub const REMEMBERED: Lifetime = Lifetime(30);

/// The stable code of what was revoked.
pub const REASON: &str = "token_revoked";

/// The markers as one request sees them.
pub struct Markers<'a, P> {
    /// The ports.
    pub platform: &'a P,
    /// The isolate's memory.
    pub memory: &'a Memory,
    /// The time of this request.
    pub now: Timestamp,
}

impl<P: Platform> Markers<'_, P> {
    /// Whether a grant was revoked. That it was is remembered until `exp`, when what is asked for ends in any case.
    pub async fn of_grant(&self, grant: &GrantId, exp: Timestamp) -> Result<bool, Failure> {
        if let Some(revoked) = self.memory.revoked.get(grant.as_str(), self.now) {
            return Ok(revoked);
        }
        let marker =
            self.platform.get(&token::revocation_key(grant)).await.map_err(|Unavailable| Failure::storage())?;
        // Revoked in this isolate while storage was asked: that is the newer answer.
        let revoked = marker.is_some() || self.memory.revoked.get(grant.as_str(), self.now) == Some(true);
        let until = if revoked { exp } else { self.now + REMEMBERED };
        self.memory.revoked.put(grant.as_str(), revoked, until, self.now);
        Ok(revoked)
    }

    /// Whether something of a subject's, made at that moment, was revoked since.
    pub async fn of_subject(&self, subject: &str, made: Option<Timestamp>) -> Result<bool, Failure> {
        let before = |at: Option<Timestamp>| at.is_some_and(|at| made.is_none_or(|made| made <= at));
        if let Some(at) = self.memory.subjects.get(subject, self.now) {
            return Ok(before(at));
        }
        let marker = self.platform.get(&subject::key(subject)).await.map_err(|Unavailable| Failure::storage())?;
        // A marker that cannot be read revokes whatever was made until now.
        let at = marker.map(|marker| json::read(marker.as_bytes()).unwrap_or(self.now));
        // Revoked in this isolate while storage was asked: that is the newer answer.
        let at = at.max(self.memory.subjects.get(subject, self.now).flatten());
        self.memory.subjects.put(subject, at, self.now + REMEMBERED, self.now);
        Ok(before(at))
    }

    /// Until when both are known.
    pub fn known_until(&self, grant: &GrantId, subject: &str) -> Option<Timestamp> {
        let of_grant = self.memory.revoked.until(grant.as_str(), self.now)?;
        self.memory.subjects.until(subject, self.now).map(|of_subject| of_subject.min(of_grant))
    }
}
