//! A new credential for a connection: one request of one isolate gets it, by lease, and whoever needs it meanwhile
//! waits for that one.
//!
//! Not here: who may have the lease (`upstream::connection`), and what the authorization server is asked (`renewal`).

use std::rc::Rc;

use super::cache::Found;
use super::renewal::Renewal;
use super::{cache, renewal};
use crate::config::{Auth, Server};
use crate::flow::{RequestContext, join, upstream};
use crate::headers::{HeaderValue, RETRY_AFTER};
use crate::memory::Held;
use crate::memory::alarms::AlarmKind;
use crate::ports::{Platform, Unavailable};
use crate::time::{Lifetime, Millis};
use crate::upstream::connection::{Command, Outcome};
use crate::upstream::credential::{Credential, CredentialKind};
use crate::upstream::key::ConnectionKey;
use crate::upstream::lease::LEASE;
use crate::upstream::replica::Replica;
use crate::vault::Purpose;
use crate::web::failure::{Blame, Failure};

/// Pauses between two looks.
const FIRST_PAUSE: Millis = Millis(50);
const LONGEST_PAUSE: Millis = Millis(1000);
/// How long a call waits for a credential: for a holder who died, and then for the next one.
const CREDENTIAL_DEADLINE: Millis = Millis(55_000);
/// How often a call waits for an upstream that has just failed.
const MOST_FAILURES: u32 = 2;
/// An upstream that may be asked again so soon is waited for.
const SOON: Lifetime = Lifetime(4);
/// How long an isolate remembers that no credential can be had.
const MOMENT: Lifetime = Lifetime(1);
/// How long a request relies on another one of its isolate before it asks the object itself.
const RELIANCE: Millis = Millis(60_000);
/// Pauses before a credential that could not be stored is stored again.
const STORING: [Millis; 4] = [Millis(0), Millis(200), Millis(800), Millis(2400)];

/// One request that needs another credential than it has seen.
pub(super) struct Refresh<'a, P> {
    /// The surroundings.
    pub context: &'a RequestContext<'a, P>,
    /// The server.
    pub server: &'a Server,
    /// Whose connection.
    pub key: &'a ConnectionKey,
}

/// What came of holding the lease.
enum Led {
    Found(Found),
    /// Nothing yet; why, where that is known.
    Again(Option<Failure>),
}

impl<P: Platform> Refresh<'_, P> {
    /// A credential of another generation than `seen`. `spare` is one that works still, should a new one be long in
    /// coming.
    pub(super) async fn run(&self, seen: u64, spare: Option<Rc<Held>>) -> Result<Found, Failure> {
        let name = self.key.name().to_owned();
        let memory = self.context.memory;
        let (mut waited, mut pause) = (Millis(0), FIRST_PAUSE);
        // Of all requests of an isolate one asks the object, and the others look at what it finds.
        while spare.is_none()
            && waited < RELIANCE
            && memory.refreshing.get(&name, self.context.platform.moment()).is_some()
        {
            self.context.platform.pause(pause).await;
            waited = waited.and(pause);
            pause = pause.doubled().min(LONGEST_PAUSE);
            if let Some(held) = cache::remembered(self.context, self.key).filter(|held| held.generation != seen) {
                return Ok(Found::Fresh(held));
            }
        }
        let busy = memory.refreshing.get(&name, self.context.platform.moment()).is_some() && waited < RELIANCE;
        let found = match memory.failed_refreshes.get(&name, self.context.now) {
            Some(failure) => Err(failure),
            None if busy => Err(self.failing(Lifetime(1))),
            None => {
                let began = self.context.platform.moment();
                memory.refreshing.put(name.clone(), (), began + LEASE, self.context.now);
                let found = self.ask(seen, spare.is_some()).await;
                memory.refreshing.forget(&name);
                self.note(&found);
                if let Err(failure) = &found {
                    memory.failed_refreshes.put(
                        name,
                        failure.clone(),
                        self.context.platform.moment() + MOMENT,
                        self.context.now,
                    );
                }
                found
            }
        };
        // Whoever has a credential that works still is not bothered with why there is no newer one.
        match (found, spare) {
            (Err(_), Some(spare)) => Ok(Found::Usable(spare)),
            (found, _) => found,
        }
    }

    /// Notes for operators whether the server's connections can be refreshed.
    fn note(&self, found: &Result<Found, Failure>) {
        let (alarms, slug) = (&self.context.memory.alarms, self.server.slug.as_str());
        match found {
            Err(failure) => alarms.raise(AlarmKind::Refreshes, failure.reason, slug, self.context.now),
            Ok(Found::Fresh(_)) => alarms.clear(AlarmKind::Refreshes, slug),
            Ok(_) => {}
        }
    }

    /// Asks the object until there is a credential of another generation, or none can be had.
    async fn ask(&self, mut seen: u64, has_spare: bool) -> Result<Found, Failure> {
        let (holder, from_nothing) = (self.context.id(), matches!(self.server.auth, Auth::ClientCredentials(_)));
        let (mut waited, mut pause, mut failures) = (Millis(0), FIRST_PAUSE, 0);
        let mut why = None;
        loop {
            let lease = Command::Lease { seen, holder: holder.clone(), from_nothing };
            let outcome = self.context.platform.connection(self.key, lease).await;
            match outcome.map_err(|Unavailable| Failure::storage())? {
                Outcome::Live { generation, sealed } => {
                    if let Some(orphan) = cache::remembered(self.context, self.key)
                        && orphan.after == Some(generation)
                    {
                        return Ok(self.report(orphan, generation).await);
                    }
                    match cache::take(self.context, self.server, self.key, generation, sealed).await {
                        // Somebody got it long ago: it is no newer than it looks.
                        Found::Usable(held) if held.credential.has_expired(self.context.now) && seen != generation => {
                            seen = generation;
                            continue;
                        }
                        // Nobody has to connect the gateway itself again.
                        Found::Unfit { .. } if from_nothing && seen != generation => {
                            seen = generation;
                            continue;
                        }
                        found => return Ok(if waited > Millis(0) { found.made_now() } else { found }),
                    }
                }
                Outcome::Leased { generation, sealed } => match self.lead(&holder, generation, sealed).await? {
                    Led::Found(found) => return Ok(found),
                    Led::Again(failure) => {
                        why = failure;
                        continue;
                    }
                },
                Outcome::Dead { generation, sealed, .. } => return Ok(self.dead(generation, sealed).await),
                Outcome::Wait { .. } if !has_spare && waited < CREDENTIAL_DEADLINE => {}
                Outcome::Wait { .. } => return Err(self.failing(Lifetime(1))),
                Outcome::BackingOff { retry_at } => {
                    failures += 1;
                    let left = retry_at.remaining(self.context.platform.moment());
                    if has_spare || failures > MOST_FAILURES || left > SOON {
                        return Err(why.unwrap_or_else(|| self.failing(left)));
                    }
                    pause = LONGEST_PAUSE;
                }
                _ => {
                    cache::erase(self.context, self.key).await;
                    return Ok(Found::Absent);
                }
            }
            self.context.platform.pause(pause).await;
            waited = waited.and(pause);
            pause = pause.doubled().min(LONGEST_PAUSE);
        }
    }

    /// Tells the object of a credential that it could not be told of when it came.
    pub(super) async fn report(&self, held: Rc<Held>, after: u64) -> Found {
        let sealed = self.seal(&held.credential);
        let command = Command::Finish { generation: after, sealed: sealed.clone() };
        match self.context.platform.connection(self.key, command).await {
            Ok(Outcome::Stored { generation }) => {
                cache::take(self.context, self.server, self.key, generation, sealed).await
            }
            Ok(Outcome::Live { generation, sealed }) => {
                cache::take(self.context, self.server, self.key, generation, sealed).await
            }
            Ok(Outcome::Dead { sealed, .. }) => {
                cache::erase(self.context, self.key).await;
                cache::dead(self.context, self.key, sealed.as_deref())
            }
            Ok(_) => {
                cache::erase(self.context, self.key).await;
                Found::Absent
            }
            Err(Unavailable) => Found::Usable(held),
        }
    }

    async fn lead(&self, holder: &str, generation: u64, sealed: Option<String>) -> Result<Led, Failure> {
        match renewal::renewed(self.context, self.server, self.key, sealed.as_deref()).await {
            Renewal::Credential(credential) => self.finish(generation, *credential).await,
            Renewal::Failed { why, failure } => {
                let command = Command::Fail { holder: holder.to_owned(), generation, why };
                match self.context.platform.connection(self.key, command).await {
                    Ok(Outcome::Dead { generation, sealed, .. }) => Ok(Led::Found(self.dead(generation, sealed).await)),
                    Ok(_) => Ok(Led::Again(failure)),
                    Err(Unavailable) => Err(failure.unwrap_or_else(Failure::storage)),
                }
            }
        }
    }

    /// Stores what came before anything is done with it: from now on the refresh token before may be worth nothing.
    async fn finish(&self, generation: u64, credential: Credential) -> Result<Led, Failure> {
        let sealed = self.seal(&credential);
        for pause in STORING {
            if pause > Millis(0) {
                self.context.platform.pause(pause).await;
            }
            let command = Command::Finish { generation, sealed: sealed.clone() };
            let found = match self.context.platform.connection(self.key, command).await {
                Err(Unavailable) => continue,
                Ok(Outcome::Stored { generation }) => {
                    let kept = cache::take(self.context, self.server, self.key, generation, sealed);
                    join(kept, self.proven(&credential)).await.0
                }
                Ok(Outcome::Live { generation, sealed }) => {
                    cache::take(self.context, self.server, self.key, generation, sealed).await
                }
                Ok(_) => {
                    // The person disconnected meanwhile, and meant this one as well.
                    if let CredentialKind::Oauth(oauth) = &credential.kind {
                        upstream::revoke(self.context, oauth).await;
                    }
                    cache::erase(self.context, self.key).await;
                    Found::Absent
                }
            };
            return Ok(Led::Found(found.made_now()));
        }
        let replica = Replica::orphan(generation, sealed);
        let held = Rc::new(Held { generation: replica.generation, credential, after: replica.after });
        cache::remember(self.context, self.key, &held);
        let replicated = cache::replicate(self.context, self.key, &replica).await;
        replicated.map(|()| Led::Found(Found::Fresh(held))).map_err(|Unavailable| Failure::storage())
    }

    async fn proven(&self, credential: &Credential) {
        if let CredentialKind::Oauth(oauth) = &credential.kind {
            upstream::client::proven(self.context, &oauth.issuer, &oauth.client).await;
        }
    }

    /// Dead as the object knows it, unless a holder before had a credential that it could not tell the object of.
    async fn dead(&self, generation: u64, sealed: Option<String>) -> Found {
        if let Some(orphan) = cache::orphan(self.context, self.server, self.key, generation).await {
            return self.report(orphan, generation).await;
        }
        cache::erase(self.context, self.key).await;
        cache::dead(self.context, self.key, sealed.as_deref())
    }

    fn seal(&self, credential: &Credential) -> String {
        let nonce = self.context.platform.random();
        self.context.keys.seal_json(Purpose::Connection, &self.key.place(), nonce, credential)
    }

    fn failing(&self, left: Lifetime) -> Failure {
        let message = format!("{}'s authorization server does not issue tokens at present.", self.server.name);
        Failure::new(Blame::Upstream, 503, "upstream_refresh_failing", message)
            .fix(
                "Try again shortly: the connection is kept. If it stays, tell whoever runs the server, with the \
                  request id.",
            )
            .slug(self.server.slug.as_str())
            .header(RETRY_AFTER, HeaderValue::from(left.0.max(1)))
    }
}
