//! The page an operator sees while the gateway has no configuration it can run with.
//!
//! Not here: the commands. Whoever knows the deployment passes them in.

use askama::Template;

use super::html;

/// No configuration yet, or one that was refused.
#[derive(Debug, Template)]
#[template(path = "status.html")]
pub struct Status {
    /// Everything wrong with the configuration; empty where there is none yet.
    pub problems: Vec<Problem>,
    /// What to do, in order.
    pub steps: Vec<Step>,
    /// The gateway's version.
    pub version: String,
    /// The request, as in the logs and the response header.
    pub request_id: String,
}

/// One thing wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, as a JSON pointer; empty for the whole document.
    pub pointer: String,
    /// What is wrong.
    pub problem: String,
    /// What to write instead.
    pub fix: String,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it achieves.
    pub what: String,
    /// The exact command.
    pub command: Option<String>,
}

impl Status {
    /// The page.
    pub fn render(&self) -> String {
        html(self)
    }

    fn title(&self) -> String {
        match self.problems.len() {
            0 => "No configuration yet".to_owned(),
            1 => "1 configuration error".to_owned(),
            many => format!("{many} configuration errors"),
        }
    }
}
