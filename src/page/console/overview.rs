//! The console's first page: whether everything is in order.
//!
//! Not here: finding that out (`flow::admin::status`).

use askama::Template;

use super::chart::Chart;
use super::frame::ConsoleFrame;
use crate::page::Finding;
use crate::page::text::html;

/// "Overview". No `Debug`: the form token answers for the operator.
#[derive(Template)]
#[template(path = "console/overview.html")]
pub struct OverviewPage {
    /// What surrounds it.
    pub frame: ConsoleFrame,
    /// The gateway's version.
    pub version: &'static str,
    /// The version of the configuration in effect.
    pub configuration: Option<u64>,
    /// The origin people use.
    pub public_origin: String,
    /// What goes on, over time.
    pub charts: Vec<Chart>,
    /// What must be in order.
    pub checks: Vec<Finding>,
    /// What should be looked at.
    pub warnings: Vec<Finding>,
}

impl OverviewPage {
    /// The page.
    pub fn render(&self) -> String {
        html(self)
    }

    fn title(&self) -> &'static str {
        if self.checks.iter().all(|check| check.ok) { "The gateway is ready" } else { "The gateway is not ready" }
    }
}
