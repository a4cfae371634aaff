//! The index: which servers there are, and how each is added to a client.
//!
//! Not here: which servers a person may see.

use askama::Template;

use super::{add, html, link::web_target};

/// The servers of this gateway.
#[derive(Debug, Template)]
#[template(path = "servers.html")]
pub struct Servers {
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

/// One server, and all it takes to add it to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerCard {
    /// Its slug, also the name it gets in clients.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its resource URL at this gateway.
    pub url: String,
    /// What it is for.
    pub description: Option<String>,
}

impl Servers {
    /// The page.
    pub fn render(&self) -> String {
        html(self)
    }

    fn connections_target(&self) -> Option<&str> {
        self.connections.as_deref().and_then(web_target)
    }

    fn sign_in_target(&self) -> &str {
        web_target(&self.sign_in).unwrap_or("/login")
    }
}

impl ServerCard {
    fn claude_command(&self) -> String {
        add::claude_command(&self.slug, &self.url)
    }

    fn codex_commands(&self) -> String {
        add::codex_commands(&self.slug, &self.url)
    }

    fn cursor_link(&self) -> String {
        add::cursor_link(&self.slug, &self.url)
    }

    fn vscode_link(&self) -> String {
        add::vscode_link(&self.slug, &self.url)
    }

    fn inspector_command(&self) -> String {
        add::inspector_command(&self.url)
    }

    fn json_snippet(&self) -> String {
        add::json_snippet(&self.slug, &self.url)
    }
}
