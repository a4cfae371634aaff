//! What an account remembers, and for how long.
//!
//! Not here: storage. The record's JSON is at rest in the subject's object, so its form is an interface.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::command::{AllowedClient, Command, ConnectedAccount, KeyUse, ListedKey, Outcome, Profile};
use crate::oauth::agent::{AgentId, SponsoredAgent};
use crate::oauth::api_key::KeyId;
use crate::oauth::client::id::reference;
use crate::oauth::grant::GrantId;
use crate::oauth::scope::ScopeSet;
use crate::time::{Lifetime, Timestamp};
use crate::version::V1;

/// How long consents are kept after the last one was given, grants after they would have ended, and that everything was
/// revoked: no browser session lives as long.
pub(super) const KEPT: Lifetime = Lifetime::days(400);

/// A connection that is used keeps itself alive without its subject's account hearing of it, so the account must
/// outlast it.
const KEPT_CONNECTIONS: Lifetime = Lifetime::days(3650);

/// How many consents are remembered for one subject; the oldest makes room.
const MOST_CONSENTS: usize = 256;

/// How many grants are listed; one that ended makes room, then the oldest of the client that has most: who asks for
/// ever more, takes nothing away from others.
pub(super) const MOST_GRANTS: usize = 128;

/// How many accounts at servers are listed. No other is taken then: one that made room would live on unseen.
pub const MOST_CONNECTIONS: usize = 256;

/// How many API keys are listed; those that ended make room. No other is made then: one that made room would live on
/// unseen.
pub const MOST_KEYS: usize = 128;

/// How many agents are listed; those that ended make room. No other is named then.
pub const MOST_AGENTS: usize = 32;

/// The longest text of a client's or an upstream's that is kept, characters.
pub(super) const LONGEST_TEXT: usize = 200;

/// What an object knows about its subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    v: V1,
    /// Oldest first.
    consents: Vec<Consent>,
    /// Oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    grants: Vec<AllowedClient>,
    /// Oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    connections: Vec<ConnectedAccount>,
    /// Oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    keys: Vec<ListedKey>,
    /// Oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    agents: Vec<SponsoredAgent>,
    /// When everything was revoked last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked: Option<Timestamp>,
    /// Whether there was anything to revoke then, or before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    known: bool,
    /// What the login said when the subject last signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profile: Option<Profile>,
    /// Whose word the subject's id is, where it is another issuer's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    issuer: Option<BoundIssuer>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct BoundIssuer {
    issuer: String,
    /// When that was last seen, to the day.
    at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Consent {
    key: String,
    at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
}

impl Record {
    /// When to forget it: long after the last of what is in it.
    pub fn expires(&self) -> Timestamp {
        let consents = self.consents.iter().map(|consent| consent.at + KEPT);
        let grants = self.grants.iter().map(|grant| grant.until + KEPT);
        let connections = self.connections.iter().map(|connection| connection.at + KEPT_CONNECTIONS);
        let keys = self.keys.iter().map(|key| key.expires + KEPT);
        let agents = self.agents.iter().map(|agent| agent.expires + KEPT);
        let revoked = self.revoked.map(|at| at + KEPT);
        let profile = self.profile.iter().map(|profile| profile.at + KEPT);
        consents
            .chain(grants)
            .chain(connections)
            .chain(keys)
            .chain(agents)
            .chain(revoked)
            .chain(profile)
            .chain(self.issuer.iter().map(|bound| bound.at + KEPT))
            .max()
            .unwrap_or(Timestamp(0))
    }

    fn is_empty(&self) -> bool {
        self.lists_nothing() && self.revoked.is_none() && self.profile.is_none() && self.issuer.is_none()
    }

    fn is_known(&self) -> bool {
        !self.lists_nothing() || self.issuer.is_some()
    }

    fn lists_nothing(&self) -> bool {
        let keys_and_agents = self.keys.is_empty() && self.agents.is_empty();
        self.consents.is_empty() && self.grants.is_empty() && self.connections.is_empty() && keys_and_agents
    }
}

/// Applies a command. The record that comes back replaces the one that went in; `None` leaves nothing to keep.
pub fn apply(record: Option<Record>, command: Command, now: Timestamp) -> (Option<Record>, Outcome) {
    let mut record = record.unwrap_or_else(|| Record {
        v: V1,
        consents: Vec::new(),
        grants: Vec::new(),
        connections: Vec::new(),
        keys: Vec::new(),
        agents: Vec::new(),
        revoked: None,
        known: false,
        profile: None,
        issuer: None,
    });
    let outcome = record.obey(command, now);
    ((!record.is_empty()).then_some(record), outcome)
}

impl Record {
    fn obey(&mut self, command: Command, now: Timestamp) -> Outcome {
        match command {
            Command::Remember { consent, at, client_id } => {
                self.consents.retain(|other| other.key != consent);
                self.consents.push(Consent { key: consent, at, client_id: client_id.as_deref().map(reference) });
                let surplus = self.consents.len().saturating_sub(MOST_CONSENTS);
                self.consents.drain(..surplus);
                return Outcome::Remembered;
            }
            Command::Recall { consent } => {
                return Outcome::Recalled { given: self.consents.iter().any(|other| other.key == consent) };
            }
            Command::AddGrant { mut grant } => {
                shorten(&mut grant.client_name);
                grant.client_id = reference(&grant.client_id);
                self.grants.retain(|other| other.grant != grant.grant);
                if self.grants.len() >= MOST_GRANTS {
                    self.grants.retain(|other| !other.until.reached(now));
                }
                self.grants.push(grant);
                return Outcome::GrantAdded { unlisted: self.unlist_surplus() };
            }
            Command::Extend { grant, until } => {
                for listed in self.grants.iter_mut().filter(|listed| listed.grant == grant) {
                    listed.until = until.max(listed.until);
                }
            }
            Command::AddConnection { connection, signed_in } => return self.add_connection(connection, signed_in),
            Command::NameConnection { slug, account, label } => self.name_connection(&slug, &account, label),
            Command::ForgetConnection { slug, account } => self.forget_connection(&slug, &account),
            Command::ForgetClient { client_id } => {
                let client_id = reference(&client_id);
                self.grants.retain(|grant| grant.client_id != client_id);
                // Consents of older versions do not say whose they are: to ask once more is the safe side.
                self.consents.retain(|consent| consent.client_id.as_ref().is_some_and(|other| *other != client_id));
            }
            Command::AddKey { key, signed_in } => return self.add_key(key, signed_in, now),
            Command::KeyUsed { key, used } => self.key_used(&key, used),
            Command::ForgetKey { key } => self.keys.retain(|other| other.id != key),
            Command::AddAgent { agent } => return self.add_agent(agent, now),
            Command::Lend { agent, accounts } => return self.lend(&agent, accounts),
            Command::ForgetAgent { agent } => self.agents.retain(|other| other.id != agent),
            Command::UseAgent { agent, at } => {
                return Outcome::Agent { agent: self.used_agent(&agent, at), profile: self.profile.clone() };
            }
            Command::Revoke { at } => {
                self.known |= self.is_known();
                self.revoked = self.revoked.max(Some(at));
            }
            Command::ForgetEverything => {
                self.consents.clear();
                self.grants.clear();
                self.connections.clear();
                self.keys.clear();
                self.agents.clear();
                self.profile = None;
                self.issuer = None;
            }
            Command::SignIn { profile } => self.sign_in(profile),
            Command::ForgetProfile { at } => self.profile = self.profile.take().filter(|before| before.at > at),
            Command::Bind { issuer, at } => return self.bind(issuer, at),
            Command::Profile => return Outcome::Profile { profile: self.profile.clone() },
            Command::List => {
                let (connections, grants, keys) = (self.connections.clone(), self.grants.clone(), self.keys.clone());
                let (known, profile) = (self.known || self.is_known(), self.profile.clone());
                return Outcome::Listed { connections, grants, keys, known, profile, agents: self.agents.clone() };
            }
        }
        Outcome::Noted
    }

    /// Of two sign-ins at once the later one counts.
    fn sign_in(&mut self, profile: Profile) {
        if self.profile.as_ref().is_none_or(|before| before.at <= profile.at) {
            self.profile = Some(profile);
        }
    }

    fn bind(&mut self, issuer: String, at: Timestamp) -> Outcome {
        match &mut self.issuer {
            Some(bound) if bound.issuer != issuer => return Outcome::OtherIssuer,
            Some(bound) if bound.at + Lifetime::days(1) > at => {}
            bound => *bound = Some(BoundIssuer { issuer, at }),
        }
        Outcome::Noted
    }

    fn add_connection(&mut self, mut connection: ConnectedAccount, signed_in: Option<Timestamp>) -> Outcome {
        if self.revoked.is_some_and(|at| signed_in.is_none_or(|signed_in| signed_in <= at)) {
            return Outcome::Revoked;
        }
        shorten(&mut connection.label);
        connection.upstream_name.iter_mut().for_each(shorten);
        let same = |other: &&ConnectedAccount| (&other.slug, &other.account) == (&connection.slug, &connection.account);
        match self.connections.iter().find(same) {
            None if self.connections.len() >= MOST_CONNECTIONS => return Outcome::Full,
            // Who connects an account again does not take its name away.
            Some(before) if connection.label.is_empty() => connection.label.clone_from(&before.label),
            _ => {}
        }
        self.forget_connection(&connection.slug, &connection.account);
        self.connections.push(connection);
        Outcome::Noted
    }

    fn add_key(&mut self, mut key: ListedKey, signed_in: Timestamp, now: Timestamp) -> Outcome {
        if self.revoked.is_some_and(|at| signed_in <= at) {
            return Outcome::Revoked;
        }
        shorten(&mut key.name);
        if self.keys.len() >= MOST_KEYS {
            self.keys.retain(|other| !other.expires.reached(now));
        }
        if self.keys.len() >= MOST_KEYS {
            return Outcome::Full;
        }
        self.keys.push(key);
        Outcome::Noted
    }

    fn add_agent(&mut self, mut agent: SponsoredAgent, now: Timestamp) -> Outcome {
        if self.revoked.is_some_and(|at| agent.since <= at) {
            return Outcome::Revoked;
        }
        shorten(&mut agent.name);
        if self.agents.len() >= MOST_AGENTS {
            self.agents.retain(|other| !other.expires.reached(now));
        }
        if self.agents.len() >= MOST_AGENTS {
            return Outcome::Full;
        }
        self.agents.push(agent);
        Outcome::Noted
    }

    /// Never at a server that the agent is not for.
    fn lend(&mut self, agent: &AgentId, mut accounts: Vec<String>) -> Outcome {
        if let Some(listed) = self.agents.iter_mut().find(|other| other.id == *agent) {
            accounts.retain(|slug| listed.servers.contains(slug));
            listed.accounts = accounts;
        }
        Outcome::Noted
    }

    /// An agent that is still good: none that was named before everything was revoked.
    fn used_agent(&mut self, agent: &AgentId, at: Timestamp) -> Option<Box<SponsoredAgent>> {
        let revoked = self.revoked;
        let is_good = |known: &&mut SponsoredAgent| known.id == *agent && revoked.is_none_or(|at| known.since > at);
        let known = self.agents.iter_mut().find(is_good)?;
        let day = Timestamp(at.0 - at.0 % Lifetime::days(1).0);
        known.used = known.used.max(Some(day));
        Some(Box::new(known.clone()))
    }

    /// Of two uses that are told out of order the later one counts.
    fn key_used(&mut self, key: &KeyId, used: KeyUse) {
        let before = |known: &KeyUse| known.at < used.at;
        if let Some(key) = self.keys.iter_mut().find(|other| other.id == *key)
            && key.used.as_ref().is_none_or(before)
        {
            key.used = Some(used);
        }
    }

    fn name_connection(&mut self, slug: &str, account: &str, mut label: String) {
        shorten(&mut label);
        let named = self.connections.iter_mut().find(|other| other.slug == slug && other.account == account);
        if let Some(connection) = named {
            connection.label = label;
        }
    }

    fn unlist_surplus(&mut self) -> Vec<GrantId> {
        let mut unlisted = Vec::new();
        while self.grants.len() > MOST_GRANTS {
            let of = |client_id: &str| self.grants.iter().filter(|grant| grant.client_id == client_id).count();
            let most = self.grants.iter().map(|grant| of(&grant.client_id)).max();
            let Some(oldest) = self.grants.iter().position(|grant| Some(of(&grant.client_id)) == most) else { break };
            unlisted.push(self.grants.remove(oldest).grant);
        }
        unlisted
    }

    fn forget_connection(&mut self, slug: &str, account: &str) {
        self.connections.retain(|other| other.slug != slug || other.account != account);
    }
}

/// The name of a consent. Whatever the person saw on the consent page is in it, so that a change of any of it asks
/// again.
pub fn consent_key(
    client_id: &str,
    redirect_uri: &str,
    scope: &ScopeSet,
    resource: &str,
    client_fingerprint: &str,
) -> String {
    let mut hash = Sha256::new();
    for part in [client_id, redirect_uri, &scope.to_string(), resource, client_fingerprint] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    Base64UrlUnpadded::encode_string(&hash.finalize())
}

fn shorten(text: &mut String) {
    if let Some((end, _)) = text.char_indices().nth(LONGEST_TEXT) {
        text.truncate(end);
    }
}
