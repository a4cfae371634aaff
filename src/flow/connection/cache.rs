//! Where a call finds its connection: in the isolate's memory, near by in the directory, and in its object, which is
//! right.
//!
//! Not here: storing and dropping what a person connects (`flow::connection::store`), and refreshing it (`refresh`).

use std::rc::Rc;

use super::sealed;
use crate::config::Server;
use crate::flow::RequestContext;
use crate::memory::Held;
use crate::ports::{Platform, Unavailable};
use crate::time::Lifetime;
use crate::upstream::connection::{Command, Death, Outcome, Reason};
use crate::upstream::credential::CredentialKind;
use crate::upstream::key::ConnectionKey;
use crate::upstream::replica::Replica;
use crate::vault::Purpose;
use crate::web::failure::Failure;

/// How long an isolate goes on with what it read. With the directory's own delay this bounds how long it uses what a
/// person disconnected elsewhere.
const REMEMBERED: Lifetime = Lifetime(30);

/// How long the directory has a credential. One whose put could not be compared with the object can be there after a
/// person disconnected, so not for long: then somebody asks the object.
const REPLICATED: Lifetime = Lifetime::hours(1);

/// How long it has one that the object could not be told of: there is no other copy.
const ENTRUSTED: Lifetime = Lifetime::days(30);

/// The operator changed the server after it was connected (P10).
const OUTDATED: &str = "connection_outdated";
/// The key it was sealed with is gone, or it was put here from elsewhere.
const UNREADABLE: &str = "connection_unreadable";

/// What there is for a call.
pub(super) enum Found {
    /// A credential.
    Usable(Rc<Held>),
    /// One that was made while the call waited for it: if the server refuses that, another is no better.
    Fresh(Rc<Held>),
    /// Nothing.
    Absent,
    /// A credential that is not for this server as it is now, or cannot be read.
    Unfit {
        /// The stable code of why.
        reason: &'static str,
    },
    /// A value that a person entered, and that the server refused when it was last sent. It is tried all the same:
    /// servers err as well.
    Refused(Rc<Held>),
    /// One that the upstream does not take any more, and what it was allowed to do.
    Dead {
        /// Its scope.
        scope: Option<String>,
    },
}

impl Found {
    /// The same, made just now.
    pub(super) fn made_now(self) -> Self {
        match self {
            Self::Usable(held) => Self::Fresh(held),
            other => other,
        }
    }
}

/// A credential to try a call with, unless none is near.
pub(super) async fn recall<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    key: &ConnectionKey,
) -> Option<Rc<Held>> {
    if let Some(held) = remembered(context, key) {
        return sealed::is_usable_for(server, &held.credential).then_some(held);
    }
    // A directory that is down is no reason to refuse anybody: the object is asked instead.
    let replica = Replica::parse(&context.platform.get(key.name()).await.ok().flatten()?)?;
    let credential =
        sealed::open(context, key, &replica.sealed).filter(|credential| sealed::is_usable_for(server, credential))?;
    let held = Rc::new(Held { generation: replica.generation, credential, after: replica.after });
    remember(context, key, &held);
    Some(held)
}

/// A credential near by that should replace this generation, and that the object has not heard of.
pub(super) async fn orphan<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    key: &ConnectionKey,
    generation: u64,
) -> Option<Rc<Held>> {
    let orphaned = |held: &Rc<Held>| held.after == Some(generation);
    if let Some(held) = remembered(context, key).filter(orphaned) {
        return Some(held);
    }
    forget(context, key); // what is older than what may be near by
    recall(context, server, key).await.filter(orphaned)
}

/// What the object has: the truth, to be asked before anybody is told that something is missing.
pub(super) async fn ask<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    key: &ConnectionKey,
) -> Result<Found, Failure> {
    let outcome = context.platform.connection(key, Command::Read).await.map_err(|Unavailable| Failure::storage())?;
    Ok(match outcome {
        Outcome::Live { generation, sealed } => take(context, server, key, generation, sealed).await,
        Outcome::Dead { generation, sealed, .. } => refused(context, server, key, generation, sealed.as_deref())
            .unwrap_or_else(|| dead(context, key, sealed.as_deref())),
        _ => Found::Absent,
    })
}

fn refused<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    key: &ConnectionKey,
    generation: u64,
    sealed: Option<&str>,
) -> Option<Found> {
    let credential =
        sealed::open(context, key, sealed?).filter(|credential| sealed::is_usable_for(server, credential))?;
    let entered = matches!(credential.kind, CredentialKind::Headers(_));
    entered.then(|| Found::Refused(Rc::new(Held { generation, credential, after: None })))
}

/// Notes where everybody sees it that the server refused what a person entered. What they entered since is not meant.
pub(super) async fn refuse<P: Platform>(context: &RequestContext<'_, P>, key: &ConnectionKey, seen: u64) {
    let holder = context.id();
    let lease = Command::Lease { seen, holder: holder.clone(), from_nothing: false };
    if let Ok(Outcome::Leased { generation, .. }) = context.platform.connection(key, lease).await {
        let why = Reason::Dead { death: Death::Refused };
        // Should it fail, the next refusal is noted.
        let _ = context.platform.connection(key, Command::Fail { holder, generation, why }).await;
    }
    erase(context, key).await;
}

/// Notes that the server has taken what a person entered, whatever it said before.
pub(super) async fn prove<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    key: &ConnectionKey,
    seen: u64,
) {
    let read = context.platform.connection(key, Command::Read).await;
    let Ok(Outcome::Live { generation, sealed } | Outcome::Dead { generation, sealed: Some(sealed), .. }) = read else {
        return;
    };
    let Some(credential) = sealed::open(context, key, &sealed).filter(|_| generation == seen) else { return };
    let credential = credential.checked(context.now);
    let sealed = context.keys.seal_json(Purpose::Connection, &key.place(), context.platform.random(), &credential);
    let finish = Command::Finish { generation, sealed: sealed.clone() };
    // Should it fail, the next call that is answered is noted.
    if let Ok(Outcome::Stored { generation }) = context.platform.connection(key, finish).await {
        take(context, server, key, generation, sealed).await;
    }
}

/// A credential as the object gave it, remembered here and near by.
pub(super) async fn take<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    key: &ConnectionKey,
    generation: u64,
    sealed: String,
) -> Found {
    let Some(credential) = sealed::open(context, key, &sealed) else { return Found::Unfit { reason: UNREADABLE } };
    if !sealed::is_usable_for(server, &credential) {
        return Found::Unfit { reason: OUTDATED };
    }
    let held = Rc::new(Held { generation, credential, after: None });
    remember(context, key, &held);
    // Without it the next isolate has to look at the object.
    let _ = replicate(context, key, &Replica::new(generation, sealed)).await;
    Found::Usable(held)
}

/// What is to be said of a dead credential.
pub(super) fn dead<P: Platform>(context: &RequestContext<'_, P>, key: &ConnectionKey, sealed: Option<&str>) -> Found {
    let credential = sealed.and_then(|sealed| sealed::open(context, key, sealed));
    Found::Dead { scope: credential.and_then(|credential| credential.token().and_then(|token| token.scope.clone())) }
}

/// What this isolate remembers.
pub(super) fn remembered<P: Platform>(context: &RequestContext<'_, P>, key: &ConnectionKey) -> Option<Rc<Held>> {
    context.memory.connections.get(key.name(), context.now)
}

/// Remembers for a while; what nobody else knows of, for longer.
pub(super) fn remember<P: Platform>(context: &RequestContext<'_, P>, key: &ConnectionKey, held: &Rc<Held>) {
    let lifetime = if held.after.is_some() { Lifetime::hours(1) } else { REMEMBERED };
    // Another request may have gone on since this one began: its clock is later, its memory newer.
    let until = context.platform.moment().max(context.now) + lifetime;
    context.memory.connections.put(key.name(), Rc::clone(held), until, context.now);
}

/// Forgets.
pub fn forget<P: Platform>(context: &RequestContext<'_, P>, key: &ConnectionKey) {
    context.memory.connections.forget(key.name());
}

/// Puts a credential near every isolate, unless the object has said otherwise meanwhile: what a person disconnects
/// would come back with a put that was on its way.
pub async fn replicate<P: Platform>(
    context: &RequestContext<'_, P>,
    key: &ConnectionKey,
    replica: &Replica,
) -> Result<(), Unavailable> {
    let lifetime = if replica.after.is_some() { ENTRUSTED } else { REPLICATED };
    context.platform.put(key.name(), &replica.to_json(), Some(lifetime)).await?;
    if replica.after.is_some() {
        return Ok(()); // the object has not heard of it
    }
    match context.platform.connection(key, Command::Read).await {
        Ok(Outcome::Live { generation, .. }) if generation == replica.generation => Ok(()),
        Ok(Outcome::Live { .. } | Outcome::Absent) => context.platform.delete(key.name()).await,
        // Of what is dead the server says so itself.
        _ => Ok(()),
    }
}

/// Forgets here and near by what the object does not have any more.
pub(super) async fn erase<P: Platform>(context: &RequestContext<'_, P>, key: &ConnectionKey) {
    forget(context, key);
    let _ = context.platform.delete(key.name()).await; // a call with it would only be refused, and find out again
}
