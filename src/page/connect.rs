//! The connect page: which server wants an account or a value of the person's own, where they are sent for it, and what
//! is asked for there.
//!
//! Not here: whether to ask, and what the answer does.

use askama::Template;

use super::text::html;

/// "Connect your account?" No `Debug`: whoever holds the ticket can answer.
#[derive(Template)]
#[template(path = "connect.html")]
pub struct Connect {
    /// The server's name.
    pub server_name: String,
    /// The server's URL, where what is obtained will be sent.
    pub server_url: String,
    /// Why the person is here.
    pub occasion: Occasion,
    /// What connecting takes.
    pub way: ConnectWay,
    /// Whether everybody will use this connection: an operator is asked.
    pub shared: bool,
    /// The client whose authorization waits for the answer; only then it can be skipped.
    pub client_name: Option<String>,
    /// The accounts the person has at this server, to choose one instead of connecting another.
    pub accounts: Vec<ConnectAccount>,
    /// The account that Connect is for, posted back as the field `account`.
    pub account: String,
    /// What the person calls that account so far; `None` where it needs no name. Posted back as the field `label`.
    pub label: Option<String>,
    /// What was wrong with the form that was posted.
    pub problem: Option<String>,
    /// Who is signed in, as people say it.
    pub subject_name: String,
    /// Their address, where the login says one.
    pub subject_email: Option<String>,
    /// Who is signed in, as the gateway and its operator say it.
    pub subject_id: String,
    /// What the answer is for, sealed, posted back as the field `ticket`.
    pub ticket: String,
    /// Where the answer is posted: `decision` is `connect`, `skip` or `use`.
    pub action: String,
    /// Where "Sign in as somebody else" is posted; may carry a query that leads back here.
    pub sign_out: String,
}

/// Why a person is asked to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// For the first time.
    First,
    /// What there was is not accepted any more.
    Renewal,
    /// For a further account at the same server.
    Another,
    /// A call needs more than was granted.
    MoreAccess,
}

/// What connecting takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectWay {
    /// A trip to an authorization server.
    OAuth {
        /// Its host.
        host: String,
        /// The scopes that are asked for; none where the authorization server decides.
        scopes: Vec<String>,
    },
    /// Values that the person enters.
    Headers {
        /// The host they are sent to.
        host: String,
        /// What to enter.
        fields: Vec<ConnectField>,
    },
}

/// One value to enter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectField {
    /// The header it is sent as; posted back as the field `header:` and this name.
    pub header: String,
    /// What the operator calls it.
    pub label: String,
}

/// An account the person has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectAccount {
    /// Its id, posted back as the field `account`.
    pub account: String,
    /// What the person calls it; empty where they did not say.
    pub label: String,
    /// What the server's authorization server calls it.
    pub upstream_name: Option<String>,
    /// Whether it works; one that does not is offered to be renewed.
    pub live: bool,
}

impl Connect {
    /// The page.
    pub fn render(&self) -> String {
        html(self)
    }

    fn heading(&self) -> String {
        let name = super::text::short(&self.server_name);
        if !self.accounts.is_empty() {
            return format!("Which {name} account?");
        }
        match self.occasion {
            Occasion::First => format!("Connect {name}"),
            Occasion::Renewal => format!("Connect {name} again"),
            Occasion::Another => format!("Connect another {name} account"),
            Occasion::MoreAccess => format!("Allow more at {name}"),
        }
    }

    fn what(&self) -> String {
        let name = super::text::short(&self.server_name);
        if !self.accounts.is_empty() {
            let client = self.client_name.as_deref().map_or("The client".to_owned(), super::text::short);
            return format!("You have connected several. {client} will use the one you choose.");
        }
        match (self.occasion, &self.way) {
            (Occasion::First, ConnectWay::OAuth { host, .. }) if self.shared => {
                format!(
                    "Everybody at this gateway will use {name} through the account that you sign in with at {host}."
                )
            }
            (Occasion::First, ConnectWay::OAuth { host, .. }) => {
                format!("{name} works with an account of your own. You sign in at {host} and come back here.")
            }
            (Occasion::First, ConnectWay::Headers { host, .. }) => {
                format!("{name} works with a key of your own. It is stored encrypted and sent only to {host}.")
            }
            (Occasion::Renewal, ConnectWay::OAuth { host, .. }) => {
                format!("{name} authorization must be renewed. Sign in at {host} once more and come back here.")
            }
            (Occasion::Renewal, ConnectWay::Headers { host, .. }) => {
                format!(
                    "{name} authorization must be renewed. What you enter is stored encrypted and sent only to {host}."
                )
            }
            (Occasion::Another, ConnectWay::OAuth { host, .. }) => {
                format!("What you have connected stays. Choose the other account when you sign in at {host}.")
            }
            (Occasion::Another, ConnectWay::Headers { host, .. }) => {
                format!("What you have connected stays. What you enter is stored encrypted and sent only to {host}.")
            }
            (Occasion::MoreAccess, _) => {
                format!("What was called needs more at {name} than you have allowed so far. What you have stays.")
            }
        }
    }

    fn fields(&self) -> &[ConnectField] {
        match &self.way {
            ConnectWay::OAuth { .. } => &[],
            ConnectWay::Headers { fields, .. } => fields,
        }
    }

    fn other_way(&self) -> &'static str {
        if self.occasion == Occasion::Renewal { "Or connect the newest again" } else { "Or connect another one" }
    }

    fn button(&self) -> &'static str {
        if self.accounts.is_empty() {
            "Connect"
        } else if self.occasion == Occasion::Renewal {
            "Connect again"
        } else {
            "Connect another account"
        }
    }
}

/// An account as its page calls it: by its person's name for it, else by its authorization server's.
pub fn account_title(account: &str, label: &str, upstream_name: Option<&str>) -> String {
    let names = [label, upstream_name.unwrap_or_default()];
    let name = names.into_iter().find(|name| !name.trim().is_empty());
    name.map_or_else(|| format!("Account {account}"), super::text::short)
}

/// What else there is to say of it: its authorization server's name, beside its person's own.
pub(super) fn account_detail<'a>(label: &str, upstream_name: Option<&'a str>) -> Option<&'a str> {
    upstream_name.filter(|name| !label.trim().is_empty() && *name != label)
}

impl ConnectAccount {
    fn title(&self) -> String {
        account_title(&self.account, &self.label, self.upstream_name.as_deref())
    }

    fn detail(&self) -> Option<&str> {
        account_detail(&self.label, self.upstream_name.as_deref())
    }

    /// A dead account is connected again rather than used.
    fn decision(&self) -> &'static str {
        if self.live { "use" } else { "connect" }
    }
}
