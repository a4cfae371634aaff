//! The connections page: a person's accounts at the servers, and the clients that act for them, each with a way to end
//! it.
//!
//! Not here: ending it (`flow`), and what a server's operator connects for everybody.

use askama::Template;

use super::agents::AgentsCard;
use super::connect::{account_detail, account_title};
use super::day;
use super::keys::{KeysCard, MadeKey};
use super::link::web_target;
use super::text::html;
use crate::time::Timestamp;

/// What is connected for whoever is signed in. No `Debug`: the form token answers for the person.
#[derive(Template)]
#[template(path = "connections.html")]
pub struct Connections {
    /// Who is signed in, as people say it.
    pub signed_in: String,
    /// Who is signed in, as the gateway and its operator say it.
    pub subject_id: String,
    /// What was just done, such as "Linear is disconnected."
    pub news: Option<String>,
    /// The API key that was just made.
    pub made: Option<MadeKey>,
    /// The servers that can be connected, and those that still are though they cannot any more.
    pub servers: Vec<ConnectedServer>,
    /// The clients the person allowed.
    pub clients: Vec<ClientEntry>,
    /// The person's API keys, where there are any or some could be.
    pub keys: Option<KeysCard>,
    /// The person's agents, where there are any or some could be.
    pub agents: Option<AgentsCard>,
    /// The person's roles, where any tool asks for one.
    pub roles: Option<RolesEntry>,
    /// The sealed token of this page's forms, posted back as the field `form`.
    pub form: String,
    /// Where the forms are posted: `action` is `disconnect`, `rename`, `revoke`, `make_key`,
    /// `revoke_key`, `name_agent`, `lend` or `end_agent`.
    pub action: String,
    /// Where "Sign out" is posted.
    pub sign_out: String,
    /// Where the servers are listed.
    pub index: String,
}

/// One server and the person's accounts there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectedServer {
    /// Its slug, posted back as the field `slug`.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// What it is for, or its host.
    pub detail: Option<String>,
    /// The person's accounts there.
    pub accounts: Vec<AccountEntry>,
    /// Where a first or further account is connected; none where the server takes none.
    pub connect: Option<String>,
}

/// One account at a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountEntry {
    /// Its id, posted back as the field `account`.
    pub account: String,
    /// What the person calls it; empty where they did not say. Posted back as the field `label`.
    pub label: String,
    /// What the server's authorization server calls it.
    pub upstream_name: Option<String>,
    /// When it was connected.
    pub since: Timestamp,
    /// What it may do, where that is known.
    pub scopes: Vec<String>,
    /// Whether it works.
    pub standing: AccountStanding,
    /// Where it is connected again; none where that is not possible.
    pub reconnect: Option<String>,
}

/// Whether an account works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountStanding {
    /// It does.
    Connected,
    /// It is a value that the person entered, and the server has not been seen to take it.
    NotChecked,
    /// The server does not accept it any more.
    MustBeRenewed,
    /// The operator changed the server since: another URL or another kind of authentication.
    Outdated,
    /// The server is not there any more, or takes no accounts.
    ServerGone,
}

/// One client that acts for the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientEntry {
    /// One of its grants, posted back as the field `grant`.
    pub grant: String,
    /// What it calls itself.
    pub name: String,
    /// What it uses.
    pub uses: Vec<Usage>,
    /// When it was allowed.
    pub since: Timestamp,
}

/// One server that a client uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// The server's name.
    pub server_name: String,
    /// Which of the person's accounts there, where there is more than one.
    pub account: Option<String>,
}

/// The roles of whoever is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolesEntry {
    /// Those that tools ask for.
    pub roles: Vec<String>,
    /// Whether the login did not say all of them.
    pub incomplete: bool,
    /// When the sign-in was that gave them; none where roles were not asked for yet.
    pub at: Option<Timestamp>,
}

impl Connections {
    /// The page.
    pub fn render(&self) -> String {
        html(self)
    }

    fn index_target(&self) -> &str {
        web_target(&self.index).unwrap_or("/")
    }
}

impl ConnectedServer {
    fn connect_target(&self) -> Option<&str> {
        self.connect.as_deref().and_then(web_target)
    }
}

impl AccountEntry {
    fn day(&self) -> String {
        day::of(self.since)
    }

    fn title(&self) -> String {
        account_title(&self.account, &self.label, self.upstream_name.as_deref())
    }

    fn detail(&self) -> Option<&str> {
        account_detail(&self.label, self.upstream_name.as_deref())
    }

    /// One of a server that is gone can only be disconnected.
    fn can_be_named(&self) -> bool {
        self.standing != AccountStanding::ServerGone
    }

    fn reconnect_target(&self) -> Option<&str> {
        self.reconnect.as_deref().and_then(web_target)
    }

    /// What has to be said of an account that does not simply work.
    fn trouble(&self, server: &ConnectedServer) -> Option<String> {
        let name = super::text::short(&server.name);
        match self.standing {
            AccountStanding::Connected => None,
            AccountStanding::NotChecked => Some(format!("Whether {name} accepts it is seen when it is used.")),
            AccountStanding::MustBeRenewed => Some(format!("{name} authorization must be renewed.")),
            AccountStanding::Outdated => Some(format!("The operator changed {name} since. Connect it again.")),
            AccountStanding::ServerGone => {
                Some("This server is not there any more, or takes no account of yours.".to_owned())
            }
        }
    }
}

impl AccountStanding {
    /// What programs read.
    pub fn code(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::NotChecked => "not_checked",
            Self::MustBeRenewed => "must_be_renewed",
            Self::Outdated => "outdated",
            Self::ServerGone => "server_gone",
        }
    }

    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Connected => "good",
            Self::NotChecked => "open",
            Self::MustBeRenewed | Self::Outdated | Self::ServerGone => "bad",
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Connected => "Connected",
            Self::NotChecked => "Not checked",
            Self::MustBeRenewed => "Must be renewed",
            Self::Outdated => "Out of date",
            Self::ServerGone => "Not used any more",
        }
    }
}

impl RolesEntry {
    fn day(&self) -> Option<String> {
        self.at.map(day::of)
    }
}

impl ClientEntry {
    fn day(&self) -> String {
        day::of(self.since)
    }
}
