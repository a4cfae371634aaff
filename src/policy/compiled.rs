//! The policy of a server, compiled when the configuration is read: sets, an index of rules, one list of the arguments
//! that are asked for.
//!
//! Not here: what it decides (`decision`).

use super::arguments::WantedArguments;
use super::capability::{Capability, CapabilityKind, PerKind};
use super::claims::ClaimName;
use super::fold::folded;
use super::index::Index;
use super::names::Names;
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
        Ok(policy)
    }

    /// Whether there is nothing to decide.
    pub fn is_empty(&self) -> bool {
        CapabilityKind::ALL.into_iter().all(|kind| !self.speaks_of(kind))
    }

    /// Whether there is anything to decide about a kind.
    pub fn speaks_of(&self, kind: CapabilityKind) -> bool {
        self.filters.of(kind).is_some() || !self.named.of(kind).is_empty()
    }

    /// Whether a filter hides everything of a kind: what the server would promise of it is not there.
    pub fn hides_all(&self, kind: CapabilityKind) -> bool {
        self.filters.of(kind).as_ref().is_some_and(Names::is_empty)
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
