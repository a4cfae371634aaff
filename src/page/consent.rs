//! The consent page: who asks, for what, at which server, and where the answer goes (MCP security best practices,
//! consent).
//!
//! Not here: whether to ask, and what the answer does.

use askama::Template;

use super::text::html;

/// "Allow this client to use this server?", or "continue to it?" where that is settled. No `Debug`: whoever holds the
/// ticket can answer.
#[derive(Template)]
#[template(path = "consent.html")]
pub struct Consent {
    /// Nothing is left to allow: the person only has to see where this leads.
    pub brief: bool,
    /// What the client calls itself, or its id where it has no name.
    pub client_name: String,
    /// How the gateway knows the client, so how far its name can be believed.
    pub client_origin: ClientOrigin,
    /// The host of `redirect_uri`; its scheme where it has none.
    pub redirect_host: String,
    /// Where the browser goes afterwards, in full.
    pub redirect_uri: String,
    /// The redirect goes to a program on this computer: the page warns of it.
    pub loopback: bool,
    /// The server's name.
    pub server_name: String,
    /// The server's resource URL.
    pub server_url: String,
    /// What is asked for. Where the page has a choice, the form has a field for it that is named by [`choice`].
    pub scopes: Vec<ScopeLine>,
    /// Who is signed in, as people say it.
    pub subject_name: String,
    /// Their address, where the login says one.
    pub subject_email: Option<String>,
    /// Who is signed in, as the gateway and its operator say it.
    pub subject_id: String,
    /// The sealed request, posted back as the field `ticket`.
    pub ticket: String,
    /// Where the answer is posted: `decision` is `approve` or `deny`.
    pub action: String,
    /// Where "Sign in as somebody else" is posted; may carry a query that leads back here.
    pub sign_out: String,
}

/// How the gateway came to know a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientOrigin {
    /// By dynamic registration: anyone may register under any name.
    Registered,
    /// By a metadata document, which proves that whoever runs this host vouches for it.
    Document {
        /// The host of the client id.
        host: String,
    },
    /// By configuration.
    Preregistered,
}

/// One scope, and what it allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeLine {
    /// Its name on the wire.
    pub name: String,
    /// What it allows, to follow "It will be able to".
    pub what: String,
    /// What asks for it, as far as the operator named that.
    pub uses: Vec<ScopeUse>,
    /// Whether the person may leave it out.
    pub optional: bool,
}

/// What a scope is asked for by, of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeUse {
    /// The kind, in the plural.
    pub kind: &'static str,
    /// Names, and patterns of names.
    pub names: Vec<String>,
}

/// The field of the form that says whether a scope was chosen.
pub fn choice(scope: &str) -> String {
    format!("scope:{scope}")
}

impl Consent {
    fn yes(&self) -> &'static str {
        if self.brief { "Continue" } else { "Approve" }
    }

    fn has_choice(&self) -> bool {
        self.scopes.iter().any(|scope| scope.optional)
    }

    fn no(&self) -> &'static str {
        if self.brief { "Cancel" } else { "Deny" }
    }

    /// The page.
    pub fn render(&self) -> String {
        html(self)
    }
}
