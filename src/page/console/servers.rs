//! The console's servers: what each was like when it was last used, and what of its policy means nothing.
//!
//! Not here: finding that out (`flow::call::reached`).

use askama::Template;

use super::check::Outside;
use super::frame::ConsoleFrame;
use crate::page::day;
use crate::page::text::html;
use crate::time::Timestamp;

/// "Servers". No `Debug`: the form token answers for the operator.
#[derive(Template)]
#[template(path = "console/servers.html")]
pub struct ConsoleServersPage {
    /// What surrounds it.
    pub frame: ConsoleFrame,
    /// The servers.
    pub servers: Vec<ConsoleServer>,
}

/// One server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleServer {
    /// Its slug, posted back as the field `slug`.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Where clients reach it.
    pub url: String,
    /// Where the gateway reaches it.
    pub upstream: String,
    /// What authenticates callers there, in a few words.
    pub authentication: &'static str,
    /// How it was when it was last used.
    pub standing: ServerStanding,
    /// The reason code of why its last use came to nothing.
    pub reason: Option<&'static str>,
    /// When it was last used.
    pub used: Option<Timestamp>,
    /// When it last answered.
    pub succeeded: Option<Timestamp>,
    /// How many refreshes failed in a row, since when, and why.
    pub refreshes: Option<(u32, Timestamp, &'static str)>,
    /// When it was last checked, and how much was found.
    pub checked: Option<(Timestamp, usize)>,
    /// When what it last listed was kept, where that is everybody's.
    pub catalogue: Option<Timestamp>,
    /// Whether each account has a catalogue of its own.
    pub own_catalogues: bool,
    /// Entries of its policy that mean nothing in what it listed last.
    pub dead: Vec<String>,
    /// Whether it is connected for everybody, where an operator does that.
    pub shared: Option<bool>,
}

/// How a server was when it was last used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerStanding {
    /// It answered.
    Answering,
    /// It did not, or not sensibly.
    Failing,
    /// Nobody connected it for everybody.
    NotConnected,
    /// It was not used here yet.
    NotUsed,
}

impl ConsoleServersPage {
    /// The page.
    pub fn render(&self) -> String {
        html(self)
    }
}

impl ConsoleServer {
    fn facts(&self) -> Vec<(&'static str, String)> {
        let never = || "Not since this part of the gateway started".to_owned();
        let moment = |at: Option<Timestamp>| at.map_or_else(never, day::moment);
        let mut facts = vec![("Last used", moment(self.used)), ("Last answered", moment(self.succeeded))];
        if let Some((failures, since, _)) = self.refreshes {
            let times = if failures == 1 { "once".to_owned() } else { format!("{failures} times in a row") };
            facts.push(("Refreshes failed", format!("{times}, since {}", day::moment(since))));
        }
        let catalogue = match self.catalogue {
            Some(at) => format!("As of {}", day::moment(at)),
            None if self.own_catalogues => "Each account has its own".to_owned(),
            None => "None is kept yet".to_owned(),
        };
        facts.push(("Catalogue", catalogue));
        if let Some((at, found)) = self.checked {
            let found = match found {
                0 => "nothing found".to_owned(),
                1 => "1 finding".to_owned(),
                more => format!("{more} findings"),
            };
            facts.push(("Last checked", format!("{}, {found}", day::moment(at))));
        }
        facts
    }

    fn outside(&self) -> Outside {
        Outside { url: self.url.clone() }
    }

    fn refresh_reason(&self) -> Option<&'static str> {
        self.refreshes.map(|(_, _, reason)| reason)
    }
}

impl ServerStanding {
    fn class(self) -> &'static str {
        match self {
            Self::Answering => "good",
            Self::Failing | Self::NotConnected => "bad",
            Self::NotUsed => "open",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Answering => "Answering",
            Self::Failing => "Failing",
            Self::NotConnected => "Not connected",
            Self::NotUsed => "Not used yet",
        }
    }
}
