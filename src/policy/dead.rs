//! Entries that mean nothing a server has: a slip of writing, or what the server no longer offers.
//!
//! Not here: what the server has, which its last lists say.

use std::collections::BTreeSet;

use serde::Serialize;

use super::capability::CapabilityKind;
use super::compiled::Policy;
use super::fold::folded;
use super::names::Entry;

/// An entry that means nothing in a list of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DeadEntry<'p> {
    /// The kind it is about.
    pub kind: CapabilityKind,
    /// The rule it stands in, by its number; none for the filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<usize>,
    /// The entry.
    pub entry: Entry<'p>,
}

impl Policy {
    /// The entries about a kind that mean none of the names that a server lists of it. A rule's entry must mean one
    /// that the filter does not hide.
    pub fn dead_entries(&self, kind: CapabilityKind, names: &[&str]) -> Vec<DeadEntry<'_>> {
        let mut dead = Vec::new();
        if let Some(filter) = self.filters.of(kind) {
            let listed: BTreeSet<&str> = names.iter().copied().collect();
            let exact = filter.exact.iter().filter(|entry| !listed.contains(entry.as_str()));
            let patterns = filter.patterns.iter().filter(|pattern| !names.iter().any(|name| pattern.fits(name)));
            let exact = exact.map(|name| Entry::Name(name));
            let entries = exact.chain(patterns.map(|pattern| Entry::Pattern(pattern.as_str())));
            dead.extend(entries.map(|entry| DeadEntry { kind, rule: None, entry }));
        }
        let filter = self.filters.of(kind).as_ref();
        let visible = names.iter().filter(|name| filter.is_none_or(|filter| filter.entry_for(name).is_some()));
        let mut visible: Vec<_> = visible.map(|name| folded(name).into_owned()).collect();
        visible.sort_unstable();
        let entries = self.named.of(kind).entries(&visible).filter(|(_, lives)| !lives);
        let mut of_rules: Vec<_> =
            entries.map(|(named, _)| DeadEntry { kind, rule: Some(named.rule), entry: named.by }).collect();
        of_rules.sort_by_key(|dead| dead.rule);
        dead.extend(of_rules);
        dead
    }
}
