//! Names as they are listed: exactly, or by patterns. A filter is such a list.
//!
//! Not here: which rules name something (`index`), where the same list is read less exactly.

use std::collections::BTreeSet;

use serde::Serialize;

use super::pattern::Pattern;

/// Exact names and patterns; together they mean their union.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Names {
    /// Names, case-sensitive.
    pub exact: BTreeSet<String>,
    /// Patterns, case-sensitive.
    pub patterns: Vec<Pattern>,
}

impl Names {
    /// Whether nothing is meant.
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.patterns.is_empty()
    }

    /// Whether the name itself is listed.
    pub(super) fn lists(&self, name: &str) -> Option<Entry<'_>> {
        self.exact.get(name).map(|name| Entry::Name(name))
    }

    /// What means the name. An exact entry comes first, in explanations only.
    pub(super) fn entry_for(&self, name: &str) -> Option<Entry<'_>> {
        let fitting = || self.patterns.iter().find(|pattern| pattern.fits(name));
        self.lists(name).or_else(|| fitting().map(|pattern| Entry::Pattern(pattern.as_str())))
    }
}

/// What means a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry<'p> {
    /// An exact entry.
    Name(&'p str),
    /// A pattern.
    Pattern(&'p str),
}

/// Whether a capability can be seen at all, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility<'p> {
    /// There is no filter for its kind.
    Unfiltered,
    /// The filter allows it.
    Allowed(Entry<'p>),
    /// A tool that can be seen shows it (MCP Apps).
    ShownByTool,
    /// No entry of the filter allows it.
    NotAllowed,
    /// The URI may be read as another one, and is not listed exactly.
    AmbiguousUri,
    /// The name is longer than any that policy could mean.
    TooLong,
}

impl Visibility<'_> {
    /// Whether the operator lists just this name.
    pub const fn is_listed_exactly(self) -> bool {
        matches!(self, Self::Allowed(Entry::Name(_)))
    }

    /// Whether it is as if it did not exist.
    pub const fn is_hidden(self) -> bool {
        matches!(self, Self::NotAllowed | Self::AmbiguousUri | Self::TooLong)
    }
}
