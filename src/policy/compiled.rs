//! The policy of a server, compiled when the configuration is read: sets, an index of rules, one list of the arguments
//! that are asked for.
//!
//! Not here: what it decides (`decision`).

use std::hash::{DefaultHasher, Hash, Hasher};

use super::arguments::WantedArguments;
use super::capability::{Capability, CapabilityKind, PerKind};
use super::claims::ClaimName;
use super::fold::folded;
use super::index::{Index, NamedByRule};
use super::names::{Entry, Names};
use super::pointer::ArgumentPointer;
use super::rule::{Requirements, Rule};
use super::scopes::Scopes;
use crate::oauth::scope::ScopeSet;

/// A name that is longer is none that a policy could mean: where there is one for its kind, it is hidden.
pub const LONGEST_NAME: usize = 2048;

/// The policy of one server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    pub(super) filters: PerKind<Option<Names>>,
    pub(super) named: PerKind<Index>,
    pub(super) rules: Vec<Requirements>,
    pub(super) wanted: WantedArguments,
    fingerprint: u64,
}

impl Policy {
    /// Compiles filters and rules. `scopes` says which scopes stand for others.
    ///
    /// # Errors
    ///
    /// The second of two pointers of conditions that differ in nothing but case: see [`Arguments`].
    pub fn new(filters: PerKind<Option<Names>>, rules: Vec<Rule>, scopes: &Scopes) -> Result<Self, ArgumentPointer> {
        let mut policy = Self { filters, ..Self::default() };
        for (number, rule) in rules.into_iter().enumerate() {
            for kind in CapabilityKind::ALL {
                policy.named.of_mut(kind).add(number, rule.names.of(kind));
            }
            policy.rules.push(Requirements::of(rule, scopes, &mut policy.wanted)?);
        }
        for kind in CapabilityKind::ALL {
            policy.named.of_mut(kind).sort();
        }
        if !policy.is_empty() {
            let mut hasher = DefaultHasher::new();
            (&policy.filters, &policy.named, &policy.rules).hash(&mut hasher);
            policy.fingerprint = hasher.finish();
        }
        Ok(policy)
    }

    /// Another one where the policy is another, within one build.
    pub const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Whether there is nothing to decide.
    pub fn is_empty(&self) -> bool {
        CapabilityKind::ALL.into_iter().all(|kind| !self.speaks_of(kind))
    }

    /// Whether there is anything to decide about a kind.
    pub fn speaks_of(&self, kind: CapabilityKind) -> bool {
        self.filters.of(kind).is_some() || !self.named.of(kind).is_empty()
    }

    /// Whether a filter hides everything of a kind: what the server would promise of it is not there. Where there are
    /// tools there may be resources, as tools have pages.
    pub fn hides_all(&self, kind: CapabilityKind) -> bool {
        let is_empty = |kind| self.filters.of(kind).as_ref().is_some_and(Names::is_empty);
        is_empty(kind) && (kind != CapabilityKind::Resource || is_empty(CapabilityKind::Tool))
    }

    /// Whether a call of it is decided by its arguments as well.
    pub fn reads_arguments(&self, capability: &Capability<'_>) -> bool {
        let name = folded(capability.name);
        let mut rules = self.named.of(capability.kind).naming(&name).filter_map(|named| self.rules.get(named.rule));
        rules.any(|rule| !rule.conditions.is_empty())
    }

    /// The scopes that rules ask for a capability: what a scope is good for, told tool by tool.
    pub fn scopes_of(&self, capability: &Capability<'_>) -> ScopeSet {
        let name = folded(capability.name);
        let rules = self.named.of(capability.kind).naming(&name).filter_map(|named| self.rules.get(named.rule));
        ScopeSet::of(&rules.flat_map(Requirements::scopes).collect::<Vec<_>>())
    }

    /// The entries about a kind, as they are written, of rules that ask for one of some scopes: what a scope is good
    /// for, told without what the server has. A name that its filter hides is not told.
    pub fn entries_needing(&self, kind: CapabilityKind, scopes: &ScopeSet) -> Vec<&str> {
        let filter = self.filters.of(kind).as_ref();
        let shown = |entry: &Entry<'_>| match entry {
            Entry::Name(name) => filter.is_none_or(|filter| filter.entry_for(name).is_some()),
            Entry::Pattern(_) => filter.is_none_or(|filter| !filter.is_empty()),
        };
        let needs = |rule: usize| self.rules.get(rule).is_some_and(|rule| rule.scopes().any(|it| scopes.contains(it)));
        let entries = self.named.of(kind).entries(&[]).map(|(named, _)| named);
        let mut entries: Vec<_> = entries.filter(|named| needs(named.rule) && shown(&named.by)).collect();
        entries.sort_by_key(|named| named.rule);
        let mut texts: Vec<&str> = Vec::new();
        for NamedByRule { by: Entry::Name(text) | Entry::Pattern(text), .. } in entries {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        texts
    }

    /// The same, told by what the server has: of some names those that can be seen and need one of the scopes.
    pub fn names_needing<'n>(&self, kind: CapabilityKind, scopes: &ScopeSet, names: &'n [String]) -> Vec<&'n str> {
        let filter = self.filters.of(kind).as_ref();
        let names = names.iter().map(String::as_str);
        let shown = names.filter(|name| filter.is_none_or(|filter| filter.entry_for(name).is_some()));
        shown.filter(|name| self.scopes_of(&Capability::new(kind, name)).iter().any(|it| scopes.contains(it))).collect()
    }

    /// The scopes that any rule asks for.
    pub fn scopes(&self) -> ScopeSet {
        ScopeSet::of(&self.rules.iter().flat_map(Requirements::scopes).collect::<Vec<_>>())
    }

    /// The roles that any rule asks for: the others need not be known.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().flat_map(|rule| rule.roles.iter().map(String::as_str))
    }

    /// The claims that any rule asks for: the others need not be known.
    pub fn claims(&self) -> impl Iterator<Item = &ClaimName> {
        self.rules.iter().flat_map(|rule| rule.claims.iter().map(|(name, _)| name))
    }

    /// Whether any rule asks for a value of a claim.
    pub fn asks_for_claim(&self, claim: &str, value: &str) -> bool {
        let claims = self.rules.iter().flat_map(|rule| &rule.claims);
        claims.filter(|(name, _)| name.as_str() == claim).any(|(_, values)| values.iter().any(|other| other == value))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::policy::{Pattern, Scope};

    fn names(entries: &[&str]) -> Names {
        let (patterns, exact): (Vec<&str>, Vec<&str>) = entries.iter().partition(|entry| entry.contains('*'));
        Names {
            exact: exact.into_iter().map(str::to_owned).collect(),
            patterns: patterns.into_iter().map(|text| Pattern::parse(text).unwrap()).collect(),
        }
    }

    fn rule(tools: &[&str], scopes: &[&str]) -> Rule {
        let names = PerKind { tools: names(tools), ..PerKind::default() };
        Rule { names, scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(), ..Rule::default() }
    }

    fn needing(filter: Option<&[&str]>, scopes: &[&str]) -> Vec<String> {
        let filters = PerKind { tools: filter.map(names), ..PerKind::default() };
        let rules = vec![
            rule(&["Delete_issue", "create_*"], &["write"]),
            rule(&["get_issue"], &["read"]),
            rule(&["get_issue", "create_*"], &["read", "write"]),
            rule(&["anything"], &[]),
        ];
        let defined = Scope { title: "Do it".to_owned(), implies: ScopeSet::default() };
        let defined = ["read", "write"].map(|name| (name.to_owned(), defined.clone()));
        let policy = Policy::new(filters, rules, &Scopes::new(&BTreeMap::from(defined)).unwrap()).unwrap();
        assert!(policy.entries_needing(CapabilityKind::Prompt, &policy.scopes()).is_empty());
        let entries = policy.entries_needing(CapabilityKind::Tool, &ScopeSet::of(scopes));
        entries.into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn what_needs_a_scope_is_told_as_it_is_written_once_and_in_order() {
        assert_eq!(needing(None, &["write"]), ["Delete_issue", "create_*", "get_issue"]);
        assert_eq!(needing(None, &["read"]), ["get_issue", "create_*"]);
        assert_eq!(needing(None, &["read", "write"]), ["Delete_issue", "create_*", "get_issue"]);
        assert!(needing(None, &["other"]).is_empty() && needing(None, &[]).is_empty());
    }

    #[test]
    fn a_filter_of_resources_leaves_the_pages_of_tools() {
        let hides = |tools: Option<&[&str]>| {
            let filters = PerKind { tools: tools.map(names), resources: Some(names(&[])), ..PerKind::default() };
            Policy::new(filters, Vec::new(), &Scopes::default()).unwrap().hides_all(CapabilityKind::Resource)
        };
        assert!(!hides(None) && !hides(Some(&["chart"])) && hides(Some(&[])));
    }

    #[test]
    fn what_is_hidden_is_not_told() {
        assert_eq!(needing(Some(&["get_issue"]), &["read", "write"]), ["create_*", "get_issue"]);
        assert_eq!(needing(Some(&["get_*"]), &["read"]), ["get_issue", "create_*"]);
        assert!(needing(Some(&[]), &["read", "write"]).is_empty());
    }
}
