//! What a subject has here: accounts at servers, clients that act for them, API keys and agents, read and ended.
//!
//! Not here: whose wish that is (`flow::account::connections`, `flow::admin`), and what it looks like.

use super::connection::store;
use super::connection::store::Kept;
use super::{RequestContext, revocation};
use crate::config::Server;
use crate::oauth::agent::SponsoredAgent;
use crate::oauth::subject::{AllowedClient, ConnectedAccount, ListedKey, Profile};
use crate::oauth::{grant, subject};
use crate::page::{AccountStanding, AgentEntry, LentAccount, account_title};
use crate::ports::{Platform, Unavailable};
use crate::upstream::key::{ConnectionKey, Owner};
use crate::web::failure::Failure;

/// All that a subject's account lists.
pub struct Holdings {
    /// Accounts at servers.
    pub accounts: Vec<ConnectedAccount>,
    /// Clients' grants that have not ended.
    pub grants: Vec<AllowedClient>,
    /// API keys.
    pub keys: Vec<ListedKey>,
    /// Agents that they stand behind.
    pub agents: Vec<SponsoredAgent>,
    /// What the login said when they last signed in.
    pub profile: Option<Profile>,
    /// Whether anything was ever known of them.
    pub known: bool,
}

/// What a subject has.
pub async fn of<P: Platform>(context: &RequestContext<'_, P>, subject: &str) -> Result<Holdings, Failure> {
    match context.platform.account(subject, subject::Command::List).await {
        Ok(subject::Outcome::Listed { connections, mut grants, keys, profile, known, agents }) => {
            grants.retain(|grant| !grant.until.reached(context.now));
            Ok(Holdings { accounts: connections, grants, keys, profile, known, agents })
        }
        _ => Err(Failure::storage()),
    }
}

/// How an account at a server stands, and what it may do there, where that is known.
pub async fn standing<P: Platform>(
    context: &RequestContext<'_, P>,
    subject: &str,
    known: &ConnectedAccount,
) -> Result<(AccountStanding, Option<String>), Failure> {
    let server = context.config.servers.get(known.slug.as_str()).filter(|server| server.is_personal());
    let Some(server) = server else { return Ok((AccountStanding::ServerGone, None)) };
    let key = ConnectionKey::new(Owner::Subject(subject.to_owned()), known.slug.as_str(), known.account.as_str());
    let kept = store::read(context, server, &key).await?;
    let standing = match &kept {
        Kept::Live(credential) if credential.is_untried() => AccountStanding::NotChecked,
        Kept::Live(_) => AccountStanding::Connected,
        Kept::Dead(_) => AccountStanding::MustBeRenewed,
        Kept::Absent => AccountStanding::Outdated,
    };
    Ok((standing, kept.into_scope()))
}

/// The scopes of a grant. What cannot be found out, as with an object of an older release, is left out.
pub async fn scopes<P: Platform>(context: &RequestContext<'_, P>, known: &AllowedClient) -> Vec<String> {
    match context.platform.grant(&known.grant, grant::Command::Show).await {
        Ok(grant::Outcome::Shown { scope, .. }) => scope.iter().map(ToOwned::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// Ends every grant of a client, and what the person had agreed to: it may ask again, and the person is asked again.
pub async fn revoke_client<P: Platform>(
    context: &RequestContext<'_, P>,
    person: &str,
    client_id: &str,
    holdings: &Holdings,
) -> Result<(), Failure> {
    for known in holdings.grants.iter().filter(|known| known.client_id == client_id) {
        revocation::end_grant(context, &known.grant).await?;
    }
    // Last: what is not listed could not be ended here.
    let forgotten = subject::Command::ForgetClient { client_id: client_id.to_owned() };
    context.platform.account(person, forgotten).await.map_err(|Unavailable| Failure::storage())?;
    Ok(())
}

impl Holdings {
    /// What the person calls the account a client uses, where they have several there.
    pub fn account_name(&self, known: &AllowedClient) -> Option<String> {
        let accounts: Vec<_> = self.accounts.iter().filter(|account| account.slug == known.slug).collect();
        let used = accounts.iter().find(|account| account.account == known.account)?;
        (accounts.len() > 1).then(|| account_title(&used.account, &used.label, used.upstream_name.as_deref()))
    }
}

/// An agent, as pages show it.
pub fn agent<P>(context: &RequestContext<'_, P>, agent: &SponsoredAgent) -> AgentEntry {
    let is_personal = |slug: &&String| context.config.servers.get(slug.as_str()).is_some_and(Server::is_personal);
    let lendable = agent.servers.iter().filter(is_personal).map(|slug| LentAccount {
        slug: slug.clone(),
        name: server_name(context, slug),
        lent: agent.lends(slug),
    });
    AgentEntry {
        id: agent.id.to_string(),
        subject: agent.id.subject(),
        name: agent.name.clone(),
        known_by: agent.known_by.clone(),
        servers: agent.servers.iter().map(|slug| server_name(context, slug)).collect(),
        scopes: agent.scope.iter().map(ToOwned::to_owned).collect(),
        lendable: lendable.collect(),
        named: agent.at,
        until: agent.expires,
        has_expired: agent.expires.reached(context.now),
        used: agent.used,
    }
}

/// What a server is called; its slug where it is not there any more.
pub fn server_name<P>(context: &RequestContext<'_, P>, slug: &str) -> String {
    context.config.servers.get(slug).map_or_else(|| slug.to_owned(), |server| server.name.clone())
}
