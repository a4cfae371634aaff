//! The console's people: finding one, and what they have here.
//!
//! Not here: ending it (`flow::admin::console`).

use askama::Template;

use super::frame::ConsoleFrame;
use crate::page::link::web_target;
use crate::page::text::html;
use crate::page::{AccountStanding, AgentEntry, day};
use crate::time::Timestamp;

/// "People". No `Debug`: the form token answers for the operator.
#[derive(Template)]
#[template(path = "console/people.html")]
pub struct PeoplePage {
    /// What surrounds it.
    pub frame: ConsoleFrame,
    /// What was looked for.
    pub asked: String,
    /// Who was found; none where nothing was looked for.
    pub found: Option<Vec<FoundPerson>>,
    /// Whether more people had the address than are remembered.
    pub incomplete: bool,
}

/// Somebody who was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPerson {
    /// Their id.
    pub subject: String,
    /// What the login called them.
    pub name: Option<String>,
    /// When they last signed in, give or take a month.
    pub at: Option<Timestamp>,
    /// Where they are shown.
    pub link: String,
}

/// One person. No `Debug`: the form token answers for the operator.
#[derive(Template)]
#[template(path = "console/person.html")]
pub struct PersonPage {
    /// What surrounds it.
    pub frame: ConsoleFrame,
    /// Their id, posted back as the field `subject`.
    pub subject: String,
    /// Whether anything is known of them.
    pub known: bool,
    /// What the last sign-in said of them, where anything asks for it.
    pub facts: Option<PersonFacts>,
    /// Clients that act for them.
    pub clients: Vec<AllowedEntry>,
    /// Their accounts at servers.
    pub accounts: Vec<ConnectedEntry>,
    /// Their API keys.
    pub keys: Vec<HeldKey>,
    /// Their agents.
    pub agents: Vec<AgentEntry>,
}

/// What the last sign-in said of somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonFacts {
    /// Their roles.
    pub roles: Vec<String>,
    /// Whether the login did not say all of them.
    pub incomplete: bool,
    /// When that was.
    pub at: Timestamp,
}

/// One grant of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedEntry {
    /// What it calls itself.
    pub name: String,
    /// Its id, or what stands for it; posted back as the field `client`.
    pub client: String,
    /// Where the client is shown.
    pub link: String,
    /// The server's name.
    pub server: String,
    /// Which account there, where there are several.
    pub account: Option<String>,
    /// The scopes, where that could be found out.
    pub scopes: Vec<String>,
    /// When it was allowed.
    pub since: Timestamp,
    /// Until when, if it is not used.
    pub until: Timestamp,
}

/// One account at a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectedEntry {
    /// The server's slug, posted back as the field `slug`.
    pub slug: String,
    /// The server's name.
    pub server: String,
    /// Which account there, posted back as the field `account`.
    pub account: String,
    /// What it is called.
    pub title: String,
    /// Whether it works.
    pub standing: AccountStanding,
    /// What it may do, where that is known.
    pub scopes: Vec<String>,
    /// When it was connected.
    pub since: Timestamp,
}

/// One API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldKey {
    /// Its id, posted back as the field `key`.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// The servers it is for; none for every one.
    pub servers: Vec<String>,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was made.
    pub since: Timestamp,
    /// When it ends.
    pub until: Timestamp,
    /// When it was last used, to the day.
    pub used: Option<Timestamp>,
    /// Whether it has ended by itself.
    pub is_expired: bool,
}

impl PeoplePage {
    /// The page.
    pub fn render(&self) -> String {
        html(self)
    }
}

impl FoundPerson {
    fn day(&self) -> Option<String> {
        self.at.map(day::of)
    }

    fn target(&self) -> &str {
        web_target(&self.link).unwrap_or("/")
    }
}

impl PersonPage {
    /// The page.
    pub fn render(&self) -> String {
        html(self)
    }

    fn has_nothing(&self) -> bool {
        self.clients.is_empty() && self.accounts.is_empty() && self.keys.is_empty() && self.agents.is_empty()
    }

    fn agent_days(agent: &AgentEntry) -> String {
        let used = agent.used.map_or_else(|| "Never used".to_owned(), |used| format!("Last used on {}", day::of(used)));
        format!("Since {}, until {}. {used}.", day::moment(agent.named), day::of(agent.until))
    }
}

impl HeldKey {
    fn since(&self) -> String {
        day::moment(self.since)
    }

    fn until(&self) -> String {
        day::of(self.until)
    }

    fn used(&self) -> String {
        self.used.map_or_else(|| "Never used".to_owned(), |used| format!("Last used on {}", day::of(used)))
    }
}

impl PersonFacts {
    fn moment(&self) -> String {
        day::moment(self.at)
    }
}

impl AllowedEntry {
    fn target(&self) -> &str {
        web_target(&self.link).unwrap_or("/")
    }

    fn since(&self) -> String {
        day::moment(self.since)
    }

    fn until(&self) -> String {
        day::of(self.until)
    }
}

impl ConnectedEntry {
    fn since(&self) -> String {
        day::moment(self.since)
    }
}
