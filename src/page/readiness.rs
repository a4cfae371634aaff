//! `/status` for a person: whether the gateway is ready, what is in order and what is not.
//!
//! Not here: finding that out, and the same as JSON (`flow::admin::status`).

use askama::Template;

use super::day;
use super::text::html;
use crate::time::Timestamp;

/// What was found out.
#[derive(Debug, Template)]
#[template(path = "readiness.html")]
pub struct ReadinessPage {
    /// Whether everything is in order.
    pub ready: bool,
    /// The gateway's version.
    pub version: String,
    /// The version of the configuration in effect.
    pub configuration: Option<u64>,
    /// The origin people use.
    pub public_origin: Option<String>,
    /// What must be in order.
    pub checks: Vec<Finding>,
    /// What should be looked at.
    pub warnings: Vec<Finding>,
    /// The name and the URL of each server that this visitor may see.
    pub servers: Vec<(String, String)>,
    /// The request, as in the logs and the response header.
    pub request_id: String,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub name: String,
    /// Whether it is in order.
    pub ok: bool,
    /// The stable reason code where it is not.
    pub reason: Option<String>,
    /// What is the matter.
    pub problem: Option<String>,
    /// What to do about it.
    pub fix: Option<String>,
}

impl Finding {
    /// One that lasts, and how often it was met.
    #[must_use]
    pub fn lasting(self, since: Timestamp, times: u32) -> Self {
        let often = if times == 1 { String::new() } else { format!(", {times} times") };
        let problem = self.problem.map(|problem| format!("{problem} Since {}{often}.", day::moment(since)));
        Self { problem, ..self }
    }
}

impl ReadinessPage {
    /// The page.
    pub fn render(&self) -> String {
        html(self)
    }

    fn title(&self) -> &'static str {
        if self.ready { "The gateway is ready" } else { "The gateway is not ready" }
    }
}
