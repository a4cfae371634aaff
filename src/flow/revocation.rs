//! Revocations of grants and API keys, of whole subjects and of connections: the markers in the directory, and what an
//! isolate knows of them, each read at most twice a minute.
//!
//! Not here: who revokes (`flow::token::revoke`, `flow::account::connections`, `flow::admin::subject`).

use super::{RequestContext, join};
use crate::json;
use crate::mcp::transport::ending;
use crate::memory::Memory;
use crate::oauth::api_key::KeyId;
use crate::oauth::grant;
use crate::oauth::grant::GrantId;
use crate::ports::{Platform, Unavailable};
use crate::secret::Digested;
use crate::time::{Lifetime, Timestamp};
use crate::upstream::key::ConnectionKey;
use crate::web::failure::Failure;

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
    /// Whether a grant or API key was revoked, by its id. That it was is remembered until `exp`, when what is asked for
    /// ends in any case.
    pub async fn of_access(&self, id: &str, exp: Timestamp) -> Result<bool, Failure> {
        if let Some(revoked) = self.memory.revoked.get(id, self.now) {
            return Ok(revoked);
        }
        let marker = self.platform.get(&access_key(id)).await.map_err(|Unavailable| Failure::storage())?;
        // Revoked in this isolate while storage was asked: that is the newer answer.
        let revoked = marker.is_some() || self.memory.revoked.get(id, self.now) == Some(true);
        let until = if revoked { exp } else { self.now + REMEMBERED };
        self.memory.revoked.put(id, revoked, until, self.now);
        Ok(revoked)
    }

    /// Whether something of a subject's, made at that moment, was revoked since.
    pub async fn of_subject(&self, subject: &str, made: Option<Timestamp>) -> Result<bool, Failure> {
        let before = |at: Option<Timestamp>| at.is_some_and(|at| made.is_none_or(|made| made <= at));
        if let Some(at) = self.memory.subjects.get(subject, self.now) {
            return Ok(before(at));
        }
        let marker = self.platform.get(&subject_key(subject)).await.map_err(|Unavailable| Failure::storage())?;
        // A marker that cannot be read revokes whatever was made until now.
        let at = marker.map(|marker| json::read(marker.as_bytes()).unwrap_or(self.now));
        // Revoked in this isolate while storage was asked: that is the newer answer.
        let at = at.max(self.memory.subjects.get(subject, self.now).flatten());
        self.memory.subjects.put(subject, at, self.now + REMEMBERED, self.now);
        Ok(before(at))
    }

    /// Whether either ended: what a token or key is from, or everything of its subject's since they signed in. A token
    /// can be made from an old grant where the revocation has not been heard of yet.
    pub async fn of_bearer(
        &self,
        (id, exp): (&str, Timestamp),
        (subject, since): (&str, Timestamp),
    ) -> Result<bool, Failure> {
        let (of_access, of_subject) = join(self.of_access(id, exp), self.of_subject(subject, Some(since))).await;
        Ok(of_access? || of_subject?)
    }

    /// Whether a connection was dropped since something with it began. Only what lasts asks: a call finds that there is
    /// no credential.
    pub async fn of_connection(&self, marker: &str, began: Timestamp) -> Result<bool, Failure> {
        let since = |at: Option<Timestamp>| at.is_some_and(|at| began <= at);
        if let Some(at) = self.memory.disconnected.get(marker, self.now) {
            return Ok(since(at));
        }
        let stored = self.platform.get(marker).await.map_err(|Unavailable| Failure::storage())?;
        let at = stored.map(|stored| json::read(stored.as_bytes()).unwrap_or(self.now));
        // Dropped in this isolate while storage was asked: that is the newer answer.
        let at = at.max(self.memory.disconnected.get(marker, self.now).flatten());
        self.memory.disconnected.put(marker, at, self.now + REMEMBERED, self.now);
        Ok(since(at))
    }

    /// Until when all of them are known, that of who stands behind the subject too.
    pub fn known_until(
        &self,
        access: Option<&str>,
        (subject, sponsor): (&str, Option<&str>),
        connection: Option<&str>,
    ) -> Option<Timestamp> {
        let mut of_subject = self.memory.subjects.until(subject, self.now)?;
        if let Some(sponsor) = sponsor {
            of_subject = of_subject.min(self.memory.subjects.until(sponsor, self.now)?);
        }
        let of_both = match access {
            Some(access) => self.memory.revoked.until(access, self.now)?.min(of_subject),
            None => of_subject,
        };
        let Some(marker) = connection else { return Some(of_both) };
        self.memory.disconnected.until(marker, self.now).map(|of_connection| of_connection.min(of_both))
    }
}

/// Storage key of a subject's revocation marker.
pub fn subject_key(subject: &str) -> String {
    format!("subject:{}", Digested::of(subject).as_str())
}

/// Storage key of the marker that a connection was dropped.
pub fn connection_key(key: &ConnectionKey) -> String {
    format!("disconnected:{}", key.digest())
}

/// Marks that a connection was dropped, for as long as a stream that was opened with it may last.
pub async fn mark_dropped<P: Platform>(context: &RequestContext<'_, P>, key: &ConnectionKey) -> Result<(), Failure> {
    let marker = connection_key(key);
    let at = serde_json::to_string(&context.now).unwrap_or_default();
    let lifetime = context.config.tokens.access_ttl.and(ending::GRACE);
    context.platform.put(&marker, &at, Some(lifetime)).await.map_err(|Unavailable| Failure::storage())?;
    context.memory.disconnected.put(marker, Some(context.now), context.now + REMEMBERED, context.now);
    Ok(())
}

/// Ends a grant, whoever owns it, and every access token made from it.
pub async fn end_grant<P: Platform>(context: &RequestContext<'_, P>, id: &GrantId) -> Result<(), Failure> {
    let command = grant::Command::Revoke { client_id: None, is_public: false };
    let outcome = context.platform.grant(id, command).await.map_err(|Unavailable| Failure::storage())?;
    match outcome {
        grant::Outcome::Revoked { until } => revoke_access(context, id, until).await,
        _ => Ok(()),
    }
}

/// Whether something of a subject's, made at that moment, was revoked since.
pub async fn is_revoked<P: Platform>(
    context: &RequestContext<'_, P>,
    subject: &str,
    made: Option<Timestamp>,
) -> Result<bool, Failure> {
    Markers { platform: context.platform, memory: context.memory, now: context.now }.of_subject(subject, made).await
}

/// Makes access tokens of a grant worthless everywhere: at once here, and elsewhere as soon as KV has carried the
/// marker there. The isolate remembers only what storage has taken: were that lost, the next attempt must not be
/// skipped.
///
/// `until` the last of them expires; streams that were opened with it may still be open then.
pub async fn revoke_access<P: Platform>(
    context: &RequestContext<'_, P>,
    grant: &GrantId,
    until: Timestamp,
) -> Result<(), Failure> {
    let until = until + ending::GRACE;
    if until.reached(context.now) {
        return Ok(());
    }
    mark(context, grant.as_str(), until).await
}

/// Makes access tokens of a subject worthless that nothing else is kept of, likewise: those issued until a moment.
pub async fn end_tokens<P: Platform>(
    context: &RequestContext<'_, P>,
    subject: &str,
    at: Timestamp,
) -> Result<(), Failure> {
    let lifetime = context.config.tokens.access_ttl.and(ending::GRACE);
    let text = serde_json::to_string(&at).unwrap_or_default();
    let stored = context.platform.put(&subject_key(subject), &text, Some(lifetime)).await;
    stored.map_err(|Unavailable| Failure::storage())?;
    context.memory.subjects.put(subject, Some(at), context.now + REMEMBERED, context.now);
    Ok(())
}

/// Makes an API key worthless everywhere, likewise. An isolate goes by what it knows of a key for as long as an access
/// token lives, and streams that were opened with it look for the marker long before.
pub async fn revoke_key<P: Platform>(context: &RequestContext<'_, P>, key: &KeyId) -> Result<(), Failure> {
    let until = context.now + context.config.tokens.access_ttl.and(ending::GRACE);
    mark(context, key.as_str(), until).await
}

async fn mark<P: Platform>(context: &RequestContext<'_, P>, id: &str, until: Timestamp) -> Result<(), Failure> {
    let lifetime = until.remaining(context.now);
    let stored = context.platform.put(&access_key(id), "1", Some(lifetime)).await;
    stored.map_err(|Unavailable| Failure::storage())?;
    context.memory.revoked.put(id, true, until, context.now);
    Ok(())
}

/// Storage key of the revocation marker of a grant or API key.
fn access_key(id: &str) -> String {
    format!("revoked:{id}")
}
