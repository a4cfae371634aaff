//! The console's authorization log: what is looked for, what was found, and the story of one request.
//!
//! Not here: reading it (`flow::authorization_log`).

use askama::Template;

use super::frame::ConsoleFrame;
use crate::page::day;
use crate::page::text::html;
use crate::time::Timestamp;

/// "Log". No `Debug`: the form token answers for the operator.
#[derive(Template)]
#[template(path = "console/log.html")]
pub struct ConsoleLogPage {
    /// What surrounds it.
    pub frame: ConsoleFrame,
    /// The filters, in the order in which they are shown.
    pub filters: Vec<FilterField>,
    /// Where the found entries can be had as lines of JSON.
    pub export: String,
    /// What was found; none where storage could not be asked.
    pub found: Option<Vec<LogRow>>,
    /// Where the older ones are.
    pub older: Option<String>,
    /// What is wrong with what was looked for.
    pub problem: Option<String>,
    /// Where what support needs of the one request that was asked for can be had.
    pub bundle: Option<String>,
}

/// One filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterField {
    /// Its name in the query.
    pub name: &'static str,
    /// How it is called.
    pub label: &'static str,
    /// What is looked for.
    pub value: String,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRow {
    /// When.
    pub at: Timestamp,
    /// What it was.
    pub kind: &'static str,
    /// Where all of it is shown.
    pub link: String,
    /// Where all of the authorization that it belongs to is shown.
    pub operation: Option<String>,
    /// The status of the answer.
    pub status: u16,
    /// The reason code of a refusal.
    pub reason: Option<String>,
    /// Everything else that is known: what it is, and its value.
    pub facts: Vec<(&'static str, String)>,
    /// What each step came to.
    pub steps: Vec<(String, String)>,
}

impl ConsoleLogPage {
    /// The page.
    pub fn render(&self) -> String {
        html(self)
    }
}

impl LogRow {
    fn moment(&self) -> String {
        day::moment(self.at)
    }
}

/// How a kind of entry is called.
pub fn entry_kind(kind: &str) -> &'static str {
    match kind {
        "authorization" => "Authorization",
        "sign_in" => "Sign-in",
        "consent" => "Consent",
        "connection" => "Connection",
        "token" => "Token",
        "refresh" => "Refresh",
        "revocation" => "Revocation",
        "operator" => "Operator's act",
        "introspection" => "Introspection",
        _ => "Call",
    }
}
