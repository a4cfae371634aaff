//! A connection where it is kept: stored when somebody connected, looked at, and dropped when they disconnect.
//!
//! Not here: using and refreshing it (`flow::connection`), getting what is stored (`flow::connect`,
//! `flow::connect::callback`).

use super::{catalogue, sealed};
use crate::config::Server;
use crate::flow::{RequestContext, connection, revocation, upstream};
use crate::oauth::subject;
use crate::oauth::subject::MOST_CONNECTIONS;
use crate::ports::{Platform, Unavailable};
use crate::secret::Digested;
use crate::time::{Lifetime, Timestamp};
use crate::upstream::connection::{Command, Outcome};
use crate::upstream::credential::{Credential, CredentialKind};
use crate::upstream::key::{ConnectionKey, Owner};
use crate::upstream::replica::Replica;
use crate::upstream::state::ConnectIntent;
use crate::vault::Purpose;
use crate::web::failure::Failure;

/// How long it is remembered that an operator's link was used: longer than the link, the page it leads to and the trip
/// from there last together.
const CLAIMED: Lifetime = Lifetime::hours(1);

/// What is kept under a key.
pub enum Kept {
    /// Nothing, or nothing that can be used: sealed under a key that is gone, or for what the server was before.
    Absent,
    /// A credential the upstream takes, as far as is known.
    Live(Credential),
    /// A credential the upstream does not take any more.
    Dead(Credential),
}

impl Kept {
    /// What it may do, where that is known.
    pub fn into_scope(self) -> Option<String> {
        match self {
            Self::Absent => None,
            Self::Live(credential) | Self::Dead(credential) => credential.token().and_then(|token| token.scope.clone()),
        }
    }
}

/// What is kept.
pub async fn read<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    key: &ConnectionKey,
) -> Result<Kept, Failure> {
    let open = |text: &str| {
        let credential = sealed::open(context, key, text)?;
        sealed::is_usable_for(server, &credential).then_some(credential)
    };
    Ok(match command(context, key, Command::Read).await? {
        Outcome::Live { sealed, .. } => open(&sealed).map_or(Kept::Absent, Kept::Live),
        Outcome::Dead { sealed: Some(sealed), .. } => open(&sealed).map_or(Kept::Absent, Kept::Dead),
        _ => Kept::Absent,
    })
}

/// Keeps what somebody connected, instead of whatever was there, and lists it for a person. `signed_in` is when they
/// did, `upstream_name` what the upstream calls the account.
///
/// 1. An operator's link is used up.
/// 2. It is listed first: what is kept without being listed could not be disconnected.
/// 3. It is kept.
/// 4. It is listed still: revoked since 2, it was dropped and unlisted before it was there, and must go again.
pub async fn store<P: Platform>(
    context: &RequestContext<'_, P>,
    intent: &ConnectIntent,
    credential: &Credential,
    upstream_name: Option<String>,
    signed_in: Timestamp,
) -> Result<(), Failure> {
    let key = &intent.key();
    // 1.
    claim_link(context, intent).await?;
    // 2.
    list(context, intent, upstream_name.clone(), signed_in).await?;
    // 3.
    let sealed = context.keys.seal_json(Purpose::Connection, &key.place(), context.platform.random(), credential);
    let stored = command(context, key, Command::Store { sealed: sealed.clone() }).await?;
    let Outcome::Stored { generation } = stored else { return Err(Failure::storage()) };
    connection::forget(context, key);
    forget_catalogue(context, key).await;
    // 4.
    if let Err(failure) = list(context, intent, upstream_name, signed_in).await {
        drop(context, key).await?;
        return Err(failure);
    }
    // Should it fail, the next call asks the object.
    let _ = connection::replicate(context, key, &Replica::new(generation, sealed)).await;
    Ok(())
}

async fn claim_link<P: Platform>(context: &RequestContext<'_, P>, intent: &ConnectIntent) -> Result<(), Failure> {
    let Some(link) = &intent.link else { return Ok(()) };
    let claim = Command::Claim { attempt: link.clone(), until: context.now + CLAIMED };
    match command(context, &intent.key(), claim).await? {
        Outcome::Claimed => Ok(()),
        _ => Err(link_used()),
    }
}

/// Refuses a link that has made its connection already, before anybody fills in a form for nothing.
pub async fn require_unused<P: Platform>(
    context: &RequestContext<'_, P>,
    key: &ConnectionKey,
    link: &Digested,
) -> Result<(), Failure> {
    match command(context, key, Command::Recall { attempt: link.clone() }).await? {
        Outcome::AlreadyUsed => Err(link_used()),
        _ => Ok(()),
    }
}

async fn list<P: Platform>(
    context: &RequestContext<'_, P>,
    intent: &ConnectIntent,
    upstream_name: Option<String>,
    signed_in: Timestamp,
) -> Result<(), Failure> {
    let Owner::Subject(subject) = &intent.owner else { return Ok(()) };
    let connection = subject::ConnectedAccount {
        slug: intent.slug.clone(),
        account: intent.account.clone(),
        label: intent.label.clone().unwrap_or_default(),
        upstream_name,
        at: context.now,
    };
    let add = subject::Command::AddConnection { connection, signed_in: Some(signed_in) };
    match context.platform.account(subject, add).await.map_err(|Unavailable| Failure::storage())? {
        subject::Outcome::Noted => Ok(()),
        subject::Outcome::Revoked => Err(revoked_meanwhile()),
        subject::Outcome::Full => Err(list_full()),
        _ => Err(Failure::storage()),
    }
}

/// Drops what is kept, ends the streams that were opened with it, and tells the upstream where that can be done.
/// Whatever it answers, the gateway has forgotten it.
pub async fn drop<P: Platform>(context: &RequestContext<'_, P>, key: &ConnectionKey) -> Result<(), Failure> {
    let dropped = command(context, key, Command::Drop).await?;
    connection::forget(context, key);
    forget_catalogue(context, key).await;
    revocation::mark_dropped(context, key).await?;
    context.platform.delete(key.name()).await.map_err(|Unavailable| Failure::storage())?;
    if let Owner::Subject(subject) = key.owner() {
        let (slug, account) = (key.slug().to_owned(), key.account().to_owned());
        let unlisted = context.platform.account(subject, subject::Command::ForgetConnection { slug, account }).await;
        unlisted.map_err(|Unavailable| Failure::storage())?;
    }
    let Outcome::Dropped { sealed: Some(sealed) } = dropped else { return Ok(()) };
    if let Some(Credential { kind: CredentialKind::Oauth(oauth), .. }) = sealed::open(context, key, &sealed) {
        upstream::revoke(context, &oauth).await;
    }
    Ok(())
}

/// Another account may be told of other things.
async fn forget_catalogue<P: Platform>(context: &RequestContext<'_, P>, key: &ConnectionKey) {
    let server = context.config.servers.get(key.slug());
    catalogue::forget(context.platform, context.memory, key, server).await;
}

async fn command<P: Platform>(
    context: &RequestContext<'_, P>,
    key: &ConnectionKey,
    command: Command,
) -> Result<Outcome, Failure> {
    context.platform.connection(key, command).await.map_err(|Unavailable| Failure::storage())
}

fn link_used() -> Failure {
    Failure::client(400, "connect_link_used", "This link has made a connection already, and makes no other.")
        .fix("Nothing was changed. Should it be connected anew, ask an operator for a new link.")
}

fn revoked_meanwhile() -> Failure {
    Failure::client(
        403,
        "connection_revoked_meanwhile",
        "The operator has revoked everything of yours at this gateway since you signed in.",
    )
    .fix("Nothing is connected. Sign in again to connect it.")
}

fn list_full() -> Failure {
    let message = format!("{MOST_CONNECTIONS} accounts of yours are connected already, at all servers together.");
    Failure::client(400, "connection_list_full", message)
        .fix("Nothing was connected. Disconnect one that is not needed.")
}
