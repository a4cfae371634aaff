//! The console's page of what a check of a server came to, and how to check the way of clients from outside.
//!
//! Not here: checking (`flow::admin::check`).

use askama::Template;

use super::frame::ConsoleFrame;
use crate::page::link::web_target;
use crate::page::text::html;

/// The clients that `scripts/doctor` plays: what `--profile` takes, and what they are called.
const PROFILES: [(&str, &str); 6] = [
    ("claude", "Claude"),
    ("claude-code", "Claude Code"),
    ("chatgpt", "ChatGPT"),
    ("vscode", "VS Code"),
    ("cursor", "Cursor"),
    ("inspector", "MCP Inspector"),
];

/// "Check of a server". No `Debug`: the form token answers for the operator.
#[derive(Template)]
#[template(path = "console/check.html")]
pub struct CheckPage {
    /// What surrounds it.
    pub frame: ConsoleFrame,
    /// The server, posted back as the field `slug`.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// The way, as far as it was gone.
    pub steps: Vec<CheckedStep>,
    /// What is wrong on it.
    pub findings: Vec<CheckFinding>,
    /// The commands for the way of clients.
    pub outside: Outside,
    /// Where the servers are.
    pub back: String,
}

/// A step of the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedStep {
    /// Its name.
    pub name: &'static str,
    /// Whether it was left out.
    pub skipped: bool,
    /// What it came to.
    pub said: String,
    /// How much was found on it.
    pub faults: usize,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckFinding {
    /// Its id.
    pub id: &'static str,
    /// Whether it works all the same.
    pub warning: bool,
    /// What is wrong.
    pub says: String,
    /// Where, by which rule, what was expected, what is there, and who must act. An empty one is not shown.
    pub facts: Vec<(&'static str, String)>,
    /// What to do.
    pub fix: String,
}

/// The commands that check a server's address the way each client goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    /// The address for clients.
    pub url: String,
}

impl CheckPage {
    /// The page.
    pub fn render(&self) -> String {
        html(self)
    }

    fn back_target(&self) -> &str {
        web_target(&self.back).unwrap_or("/")
    }

    fn outcome(&self) -> String {
        match self.findings.len() {
            0 => "Nothing is wrong on the gateway's way to this server, as far as it went.".to_owned(),
            1 => "One thing is not as it must be.".to_owned(),
            several => format!("{several} things are not as they must be."),
        }
    }
}

impl CheckedStep {
    fn class(&self) -> &'static str {
        match (self.faults, self.skipped) {
            (0, false) => "good",
            (0, true) => "open",
            _ => "bad",
        }
    }

    fn word(&self) -> &'static str {
        match (self.faults, self.skipped) {
            (0, false) => "In order",
            (0, true) => "Left out",
            _ => "Not in order",
        }
    }
}

impl Outside {
    /// The command, and one for each client: who it plays, and how.
    pub(super) fn commands(&self) -> Vec<(&'static str, String)> {
        let plain = ("All the way, with a sign-in", format!("scripts/doctor {} --browser", self.url));
        let as_client = |(profile, title)| (title, format!("scripts/doctor {} --profile {profile}", self.url));
        std::iter::once(plain).chain(PROFILES.map(as_client)).collect()
    }
}
