//! What ends of a subject who leaves: everything, or what goes with their sessions.
//!
//! Each can be said again: what an interrupted one left undone is done by the next, and what began after the moment
//! that is meant stays. Not here: whose wish it is (`flow::admin::subject`, `flow::logout`).

use super::connection::store;
use super::{RequestContext, agents, api_keys, holdings, revocation};
use crate::config::BackchannelLogout;
use crate::flow::revocation::REMEMBERED;
use crate::json;
use crate::oauth::agent::AgentId;
use crate::oauth::scope::ScopeSet;
use crate::oauth::{grant, subject};
use crate::ports::{Platform, Unavailable};
use crate::time::{Lifetime, Timestamp};
use crate::upstream::connection;
use crate::upstream::key::{ConnectionKey, Owner};
use crate::web::failure::Failure;

/// Longer than a subject is remembered.
const MARKED: Lifetime = Lifetime::days(400);

/// What was ended.
pub struct Ended {
    /// How many grants of clients.
    pub grants: usize,
    /// How many API keys.
    pub keys: usize,
    /// How many agents.
    pub agents: usize,
    /// How many accounts at servers.
    pub connections: usize,
    /// Whether anything was known of the subject.
    pub known: bool,
}

/// Ends what the configuration says of a subject whom the identity provider does not let in any more: what there was at
/// a moment.
pub async fn end<P: Platform>(
    context: &RequestContext<'_, P>,
    what: BackchannelLogout,
    subject: &str,
    at: Timestamp,
) -> Result<(), Failure> {
    match what {
        BackchannelLogout::Sessions => end_online_grants(context, subject, at).await.map(|_| ()),
        BackchannelLogout::Everything => end_everything(context, subject, at).await.map(|_| ()),
    }
}

/// Ends everything of a subject that there was at a moment.
///
/// 1. The moment is marked: it holds for what is listed nowhere, too. The account is told, so that nothing is connected
///    by who signed in before, not even where nobody has heard of it yet.
/// 2. Listed grants, API keys and agents end, and upstreams are told of listed accounts.
/// 3. The list is emptied, so that every client and every server is asked about again.
pub async fn end_everything<P: Platform>(
    context: &RequestContext<'_, P>,
    subject: &str,
    at: Timestamp,
) -> Result<Ended, Failure> {
    if let Some(id) = AgentId::of(subject) {
        return end_agent(context, &id).await;
    }
    // 1.
    mark(context, subject, at).await?;
    let told = context.platform.account(subject, subject::Command::Revoke { at }).await;
    told.map_err(|Unavailable| Failure::storage())?;
    // 2.
    let listed = context.platform.account(subject, subject::Command::List).await;
    let subject::Outcome::Listed { connections, grants, keys, known, agents, .. } =
        listed.map_err(|Unavailable| Failure::storage())?
    else {
        return Err(Failure::storage());
    };
    let listed = grants.len() + keys.len() + agents.len() + connections.len();
    let grants: Vec<_> = grants.into_iter().filter(|grant| grant.at <= at).collect();
    let keys: Vec<_> = keys.into_iter().filter(|key| key.at <= at).collect();
    let named: Vec<_> = agents.into_iter().filter(|agent| agent.at <= at).collect();
    let connections: Vec<_> = connections.into_iter().filter(|connection| connection.at <= at).collect();
    for listed in &grants {
        revocation::end_grant(context, &listed.grant).await?;
    }
    for listed in &keys {
        api_keys::revoke(context, subject, listed).await?;
    }
    for listed in &named {
        agents::end(context, subject, &listed.id).await?;
    }
    let login = ConnectionKey::of_login(subject);
    let dropped = context.platform.connection(&login, connection::Command::Drop).await;
    dropped.map_err(|Unavailable| Failure::storage())?;
    for listed in &connections {
        let key = ConnectionKey::new(Owner::Subject(subject.to_owned()), listed.slug.as_str(), listed.account.as_str());
        store::drop(context, &key).await?;
    }
    // 3.
    let ended =
        Ended { grants: grants.len(), keys: keys.len(), agents: named.len(), connections: connections.len(), known };
    if ended.grants + ended.keys + ended.agents + ended.connections == listed {
        let forgotten = context.platform.account(subject, subject::Command::ForgetEverything).await;
        forgotten.map_err(|Unavailable| Failure::storage())?;
    }
    Ok(ended)
}

/// An agent has nothing but itself, and that its sponsor's account lists.
async fn end_agent<P: Platform>(context: &RequestContext<'_, P>, id: &AgentId) -> Result<Ended, Failure> {
    // Before it is looked for: storage may not show it here yet.
    agents::end_tokens(context, id).await?;
    context.memory.unknown_agents.forget(id.as_str());
    let known = agents::find(context, id).await?;
    if let Some(agent) = &known {
        agents::end(context, &agent.sponsor, id).await?;
    }
    let agents = usize::from(known.is_some());
    Ok(Ended { grants: 0, keys: 0, agents, connections: 0, known: known.is_some() })
}

/// Ends the grants of a subject that there were at a moment and that go with a session: those without `offline_access`
/// (`OpenID` Connect Back-Channel Logout §2.7).
pub async fn end_online_grants<P: Platform>(
    context: &RequestContext<'_, P>,
    subject: &str,
    at: Timestamp,
) -> Result<usize, Failure> {
    let mut ended = 0;
    let grants = holdings::of(context, subject).await?.grants;
    for known in grants.iter().filter(|known| known.at <= at) {
        let shown = context.platform.grant(&known.grant, grant::Command::Show).await;
        let stays = match shown.map_err(|Unavailable| Failure::storage())? {
            grant::Outcome::Shown { scope, .. } => scope.contains(ScopeSet::OFFLINE_ACCESS),
            // Over already, or not begun: a request that waits for a connection ends with its session.
            _ => true,
        };
        if !stays {
            revocation::end_grant(context, &known.grant).await?;
            ended += 1;
        }
    }
    Ok(ended)
}

/// Marks the moment, unless a later one is marked.
async fn mark<P: Platform>(context: &RequestContext<'_, P>, subject: &str, at: Timestamp) -> Result<(), Failure> {
    let key = revocation::subject_key(subject);
    let before = context.platform.get(&key).await.map_err(|Unavailable| Failure::storage())?;
    let at = before.and_then(|marker| json::read(marker.as_bytes()).ok()).max(Some(at));
    let text = serde_json::to_string(&at).unwrap_or_default();
    context.platform.put(&key, &text, Some(MARKED)).await.map_err(|Unavailable| Failure::storage())?;
    context.memory.subjects.put(subject, at, context.now + REMEMBERED, context.now);
    Ok(())
}
