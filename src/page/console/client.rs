//! The console's clients: what one registered, published or was set up with.
//!
//! Not here: finding it out, and removing it (`flow::admin::console`).

use askama::Template;

use super::frame::ConsoleFrame;
use crate::page::day;
use crate::page::text::html;
use crate::time::Timestamp;

/// "Clients". No `Debug`: the form token answers for the operator.
#[derive(Template)]
#[template(path = "console/clients.html")]
pub struct ClientsPage {
    /// What surrounds it.
    pub frame: ConsoleFrame,
    /// The id that was looked for.
    pub asked: String,
    /// The client, if it was found.
    pub client: Option<ClientFacts>,
    /// Why there is none to show.
    pub trouble: Option<String>,
    /// Those that the configuration names.
    pub set_up: Vec<SetUpClient>,
}

/// A client of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetUpClient {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
}

/// What is known of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientFacts {
    /// What it calls itself.
    pub name: String,
    /// Its id, or what stands for it; posted back as the field `id`.
    pub id: String,
    /// Who vouches for it.
    pub source: String,
    /// How it authenticates.
    pub authentication: &'static str,
    /// Where codes may be sent.
    pub redirect_uris: Vec<String>,
    /// What it may use at the token endpoint.
    pub grant_types: Vec<&'static str>,
    /// The scope that it registered.
    pub scope: Option<String>,
    /// When it registered.
    pub registered: Option<Timestamp>,
    /// When it is forgotten if it is not used.
    pub forgotten: Option<Timestamp>,
    /// Whether it can be removed here.
    pub removable: bool,
    /// Why it cannot be.
    pub stays: Option<String>,
}

impl ClientsPage {
    /// The page.
    pub fn render(&self) -> String {
        html(self)
    }
}

impl ClientFacts {
    fn moments(&self) -> Vec<(&'static str, String)> {
        let registered = self.registered.map(|at| ("Registered", day::moment(at)));
        let forgotten = self.forgotten.map(|at| ("Forgotten if it is not used", day::of(at)));
        registered.into_iter().chain(forgotten).collect()
    }
}
