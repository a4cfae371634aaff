//! The page an operator sees while the gateway has no configuration.
//!
//! Not here: the commands. Whoever knows the deployment passes them in.

use askama::Template;

use super::text::html;

/// No configuration yet.
#[derive(Debug, Template)]
#[template(path = "status.html")]
pub struct Status {
    /// What to do, in order.
    pub steps: Vec<StatusStep>,
    /// The gateway's version.
    pub version: String,
    /// The request, as in the logs and the response header.
    pub request_id: String,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusStep {
    /// What it achieves.
    pub what: String,
    /// The exact command.
    pub command: String,
}

impl Status {
    /// The page.
    pub fn render(&self) -> String {
        html(self)
    }
}
