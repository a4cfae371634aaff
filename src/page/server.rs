//! What a browser shows at a server's own address: that it is for clients, and how each of them is given it.
//!
//! Not here: the links and commands themselves (`add`), and the list of all servers (`servers`).

use askama::Template;

use super::add;
use super::link::web_target;
use super::text::html;

/// One server, for a person who opened its address.
#[derive(Debug, Template)]
#[template(path = "server.html")]
pub struct ServerPage {
    /// The server.
    pub server: ServerCard,
    /// Where all servers are listed.
    pub index: String,
}

impl ServerPage {
    /// The page.
    pub fn render(&self) -> String {
        html(self)
    }

    fn index_target(&self) -> &str {
        web_target(&self.index).unwrap_or("/")
    }
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

impl ServerCard {
    pub(super) fn claude_command(&self) -> String {
        add::claude_command(&self.slug, &self.url)
    }

    pub(super) fn codex_commands(&self) -> String {
        add::codex_commands(&self.slug, &self.url)
    }

    pub(super) fn cursor_link(&self) -> String {
        add::cursor_link(&self.slug, &self.url)
    }

    pub(super) fn vscode_link(&self) -> String {
        add::vscode_link(&self.slug, &self.url)
    }

    pub(super) fn inspector_command(&self) -> String {
        add::inspector_command(&self.url)
    }

    pub(super) fn remote_command(&self) -> String {
        add::remote_command(&self.url)
    }

    pub(super) fn json_snippet(&self) -> String {
        add::json_snippet(&self.slug, &self.url)
    }
}
