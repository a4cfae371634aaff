//! The index: which servers there are, and how each is added to a client.
//!
//! Not here: which servers a person may see, and the page of a single one (`server`).

use askama::Template;

use super::link::web_target;
use super::server::ServerCard;
use super::text::html;

/// The servers of this gateway.
#[derive(Debug, Template)]
#[template(path = "servers.html")]
pub struct ServersPage {
    /// Who is signed in, as people say it.
    pub signed_in: Option<String>,
    /// What this visitor may see; `None` invites them to sign in first.
    pub servers: Option<Vec<ServerCard>>,
    /// Where the person's connections are; nobody else has any.
    pub connections: Option<String>,
    /// Where "Sign in" leads.
    pub sign_in: String,
    /// Where "Sign out" is posted.
    pub sign_out: String,
    /// The gateway's version.
    pub version: String,
}

impl ServersPage {
    /// The page.
    pub fn render(&self) -> String {
        html(self)
    }

    fn connections_target(&self) -> Option<&str> {
        self.connections.as_deref().and_then(web_target)
    }

    /// Whether a name is found sooner when each server is one line.
    fn is_long(&self) -> bool {
        self.servers.as_ref().is_some_and(|servers| servers.len() > 5)
    }

    fn sign_in_target(&self) -> &str {
        web_target(&self.sign_in).unwrap_or("/login")
    }
}
