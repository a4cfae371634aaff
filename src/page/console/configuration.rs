//! The console's configuration: the one in effect, the one before, what would change, and what is wrong with a new one.
//!
//! Not here: judging it, and putting it in effect (`flow::admin`).

use askama::Template;

use super::frame::ConsoleFrame;
use crate::page::day;
use crate::page::text::html;
use crate::time::Timestamp;

/// "Configuration". No `Debug`: the form token answers for the operator.
#[derive(Template)]
#[template(path = "console/configuration.html")]
pub struct ConfigurationPage {
    /// What surrounds it.
    pub frame: ConsoleFrame,
    /// The version in effect, and since when.
    pub version: Option<(u64, Timestamp)>,
    /// What is in the field `config`: what is in effect, or what was sent.
    pub text: String,
    /// What was found out of what was sent.
    pub judged: Option<Judged>,
    /// The one before.
    pub previous: Option<PreviousConfiguration>,
}

/// What was found out of a new configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// It is wrong.
    Wrong(Vec<ConfigurationProblem>),
    /// It can be put in effect.
    Right {
        /// What would be another than it is.
        changes: Vec<Change>,
        /// What is right and hardly meant.
        warnings: Vec<String>,
    },
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigurationProblem {
    /// Where, as a JSON pointer.
    pub pointer: String,
    /// What is the matter.
    pub problem: String,
    /// What to do about it.
    pub fix: String,
}

/// One value that is another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where, as a JSON pointer.
    pub pointer: String,
    /// What is there now.
    pub before: Option<String>,
    /// What would be.
    pub after: Option<String>,
}

/// The configuration before the one in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousConfiguration {
    /// Its version.
    pub version: u64,
    /// Since when it was in effect.
    pub at: Timestamp,
    /// What would be another than it is now.
    pub changes: Vec<Change>,
    /// Where its form is posted.
    pub action: String,
}

/// More differences than these are counted, and not shown.
const MOST: usize = 200;

impl ConfigurationPage {
    /// The page.
    pub fn render(&self) -> String {
        html(self)
    }

    fn is_right(&self) -> bool {
        matches!(self.judged, Some(Judged::Right { .. }))
    }
}

impl PreviousConfiguration {
    fn moment(&self) -> String {
        day::moment(self.at)
    }
}

fn shown(changes: &[Change]) -> &[Change] {
    changes.get(..MOST).unwrap_or(changes)
}

fn others(changes: &[Change]) -> usize {
    changes.len().saturating_sub(MOST)
}
