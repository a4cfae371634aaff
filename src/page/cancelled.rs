//! The page for whoever came back from a server's authorization server without allowing anything: connect again, or go
//! on without.
//!
//! Not here: what either does, and answers that say that something is wrong ([`super::Notice`]).

use askama::Template;

use super::link::web_target;
use super::text::html;

/// "Linear was not connected." No `Debug`: whoever holds the ticket can answer.
#[derive(Template)]
#[template(path = "cancelled.html")]
pub struct Cancelled {
    /// The server's name.
    pub server_name: String,
    /// The host of its authorization server.
    pub host: String,
    /// What that said.
    pub said: String,
    /// The client whose authorization waits; only then there is something to go on with.
    pub client_name: Option<String>,
    /// Where the person's connections are listed; none for an operator, who makes one for everybody.
    pub connections: Option<String>,
    /// The account that was to be connected, posted back as the field `account`.
    pub account: String,
    /// What the answer is for, sealed, posted back as the field `ticket`.
    pub ticket: String,
    /// Where the answer is posted: `decision` is `connect` or `skip`.
    pub action: String,
    /// The stable reason code.
    pub reason: &'static str,
    /// The request, as in the logs and the response header.
    pub request_id: String,
}

impl Cancelled {
    /// The page.
    pub fn render(&self) -> String {
        html(self)
    }

    fn heading(&self) -> String {
        format!("{} was not connected", super::text::short(&self.server_name))
    }

    fn connections_target(&self) -> Option<&str> {
        self.connections.as_deref().filter(|_| self.client_name.is_none()).and_then(web_target)
    }
}
