//! A person's agents on the connections page: each with its rights and its end, and the form that names one.
//!
//! Not here: the page around them (`connections`).

use super::day;
use super::keys::FormChoice;
use super::text::short;
use crate::time::Timestamp;

/// The agents there are, and what another can be named for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentsCard {
    /// Oldest first.
    pub agents: Vec<AgentEntry>,
    /// What another can be named for; none where no server takes any.
    pub offer: Option<AgentOffer>,
}

/// One agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentEntry {
    /// Its id, posted back as the field `agent`.
    pub id: String,
    /// Its subject and client id.
    pub subject: String,
    /// What the person calls it.
    pub name: String,
    /// What it is known by.
    pub known_by: String,
    /// The names of the servers it may call.
    pub servers: Vec<String>,
    /// What it may do there beside calling.
    pub scopes: Vec<String>,
    /// The servers at which the person can let it use their account.
    pub lendable: Vec<LentAccount>,
    /// When it was named.
    pub named: Timestamp,
    /// When it ends.
    pub until: Timestamp,
    /// Whether it has ended.
    pub has_expired: bool,
    /// The day of its last token.
    pub used: Option<Timestamp>,
}

/// A server at which an agent uses the person's account, or could.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LentAccount {
    /// Its slug, part of the field's name, see [`account_choice`].
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Whether it does.
    pub lent: bool,
}

/// What an agent can be named for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentOffer {
    /// The servers that take agents.
    pub servers: Vec<FormChoice>,
    /// Those of them at which the agent needs an account of the person's.
    pub personal: Vec<FormChoice>,
    /// The scopes that an agent may have beside what every agent has.
    pub scopes: Vec<FormChoice>,
    /// The aliases of issuers that can say which workload somebody is.
    pub issuers: Vec<String>,
    /// How long it may last.
    pub lifetimes: Vec<FormChoice>,
    /// Which of them is chosen unless another is.
    pub suggested: &'static str,
}

/// The name of the field that lets an agent use the person's account at a server.
pub fn account_choice(slug: &str) -> String {
    format!("account:{slug}")
}

impl AgentEntry {
    pub(super) fn places(&self) -> String {
        self.servers.iter().map(|name| short(name)).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn lends(&self) -> bool {
        self.lendable.iter().any(|account| account.lent)
    }

    pub(super) fn lent(&self) -> String {
        let lent = self.lendable.iter().filter(|account| account.lent);
        lent.map(|account| short(&account.name)).collect::<Vec<_>>().join(", ")
    }

    /// Its days, in one line.
    pub(super) fn days(&self) -> String {
        let ends = if self.has_expired { "over since" } else { "good until" };
        let named = format!("Named {}, {ends} {}", day::of(self.named), day::of(self.until));
        match self.used {
            None => format!("{named}, never used"),
            Some(at) => format!("{named}, last used {}", day::of(at)),
        }
    }
}
