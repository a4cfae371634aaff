//! Which rules name a capability: exact entries are found by the name, patterns are tried one after the other.
//!
//! Names are compared without case here: a server that does not tell capital from small letters shall not be a way
//! around a rule, and whoever is named without need only has to show more. Not here: what the rules ask for (`rule`).

use super::fold::folded;
use super::names::{Entry, Names};
use super::pattern::Pattern;

/// The entries of all rules that are about one kind of capability.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Index {
    exact: Vec<(String, Written)>, // by the folded name
    patterns: Vec<(Pattern, Written)>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Written {
    rule: usize,
    text: String,
}

/// A rule that names a capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedByRule<'p> {
    /// Its number among the rules of the server.
    pub rule: usize,
    /// Its entry that does.
    pub by: Entry<'p>,
}

impl Index {
    pub(super) fn add(&mut self, rule: usize, names: &Names) {
        let written = |text: &str| Written { rule, text: text.to_owned() };
        self.exact.extend(names.exact.iter().map(|name| (folded(name).into_owned(), written(name))));
        let patterns = names.patterns.iter().filter_map(|pattern| {
            // Letters fold to letters: what was a pattern is one.
            Some((Pattern::parse(&folded(pattern.as_str())).ok()?, written(pattern.as_str())))
        });
        self.patterns.extend(patterns);
    }

    pub(super) fn sort(&mut self) {
        self.exact.sort_unstable();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.patterns.is_empty()
    }

    /// The rules that name a folded name; one that does so twice comes twice.
    pub(super) fn naming(&self, name: &str) -> impl Iterator<Item = NamedByRule<'_>> {
        let first = self.exact.partition_point(|(folded, _)| folded.as_str() < name);
        let exact = self.exact.get(first..).unwrap_or_default().iter();
        let exact = exact.take_while(move |(folded, _)| folded == name);
        let exact = exact.map(|(_, written)| NamedByRule { rule: written.rule, by: Entry::Name(&written.text) });
        let patterns = self.patterns.iter().filter(move |(pattern, _)| pattern.fits(name));
        exact.chain(patterns.map(|(_, written)| NamedByRule { rule: written.rule, by: Entry::Pattern(&written.text) }))
    }

    /// Every entry, and whether it means one of some names, which are folded and in order.
    pub(super) fn entries(&self, names: &[String]) -> impl Iterator<Item = (NamedByRule<'_>, bool)> {
        let exact = self.exact.iter().map(move |(folded, written)| {
            let entry = NamedByRule { rule: written.rule, by: Entry::Name(&written.text) };
            (entry, names.binary_search(folded).is_ok())
        });
        exact.chain(self.patterns.iter().map(move |(pattern, written)| {
            let entry = NamedByRule { rule: written.rule, by: Entry::Pattern(&written.text) };
            (entry, names.iter().any(|name| pattern.fits(name)))
        }))
    }
}
