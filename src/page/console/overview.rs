//! The console's first page: whether everything is in order.
//!
//! Not here: finding that out (`flow::admin::status`).

use askama::Template;

use super::chart::Chart;
use super::frame::ConsoleFrame;
use super::ranking::RankingTable;
use crate::page::text::html;
use crate::page::{Finding, day};
use crate::time::{Lifetime, Timestamp};

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
    /// What goes on.
    pub traffic: Traffic,
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

/// What went on in a window of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traffic {
    /// The windows to choose from.
    pub windows: Vec<TrafficWindow>,
    /// Whether the counters could be asked.
    pub is_known: bool,
    /// Over time.
    pub charts: Vec<Chart>,
    /// What was most frequent.
    pub tables: Vec<RankingTable>,
}

/// A window of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrafficWindow {
    /// How it is called.
    pub title: &'static str,
    /// Where it is shown.
    pub link: String,
    /// Whether it is the one that is shown.
    pub is_chosen: bool,
}

/// What a step of a chart is called, in a window whose steps are so long and that is so long itself.
pub fn step_name(at: Timestamp, step: Lifetime, window: Lifetime) -> String {
    if step >= Lifetime::days(1) {
        day::short(at)
    } else if window > Lifetime::days(2) {
        format!("{} {}", day::short(at), day::clock(at))
    } else {
        day::clock(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_say_no_more_than_tells_them_apart() {
        let at = Timestamp(1_764_061_500); // 25 November 2025, 09:05
        let [minute, hour, day] = [Lifetime::minutes(1), Lifetime::hours(1), Lifetime::days(1)];
        assert_eq!(step_name(at, minute, hour), "09:05");
        assert_eq!(step_name(at, hour, Lifetime::days(7)), "25 Nov 09:05");
        assert_eq!(step_name(at, day, Lifetime::days(30)), "25 Nov");
    }
}
