//! The decision: whether a caller may see and use a capability, made in one place for every door to it.
//!
//! Not here: who asks, and in which form the answer is told (`flow`).

use serde::Serialize;

use super::arguments::Arguments;
use super::capability::{Capability, CapabilityKind};
use super::compiled::{LONGEST_NAME, Policy};
use super::index::NamedByRule;
use super::names::{Names, Visibility};
use super::rights::Rights;
use super::rule::Requirements;
use super::{fold, uri};
use crate::oauth::scope::ScopeSet;

/// What becomes of a request for a capability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision<'p> {
    /// It goes on to the server.
    Allow,
    /// It is answered as if the capability did not exist.
    Hide,
    /// It is refused with what is lacking.
    Deny(Denial<'p>),
}

impl Decision<'_> {
    /// Its name in logs and explanations.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Hide => "hide",
            Self::Deny(_) => "deny",
        }
    }

    /// The rule that decides, by its number among those of the server.
    pub const fn rule(&self) -> Option<usize> {
        match self {
            Self::Deny(denial) => Some(denial.rule),
            Self::Allow | Self::Hide => None,
        }
    }

    /// Whether a list shows the capability: what more scope would open stays visible, so that a client can ask for it,
    /// and what a role or claim would open does not.
    pub const fn is_listed(&self) -> bool {
        match self {
            Self::Allow => true,
            Self::Hide => false,
            Self::Deny(denial) => matches!(denial.need, Requirement::Scope(_) | Requirement::Condition { .. }),
        }
    }
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial<'p> {
    /// The rule, by its number among those of the server.
    pub rule: usize,
    /// What it needs first.
    pub need: Requirement<'p>,
    /// The scopes that are lacking over all rules, so that one step up is enough.
    pub missing_scopes: ScopeSet,
}

impl Denial<'_> {
    /// What a challenge asks for: a client that authorizes anew keeps what it had.
    #[must_use]
    pub fn scopes_to_ask(&self, granted: &ScopeSet) -> ScopeSet {
        granted.union(&self.missing_scopes)
    }
}

/// One thing that a rule needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Requirement<'p> {
    /// One of these roles.
    Role(&'p [String]),
    /// One of these values of a claim.
    Claim {
        /// The claim.
        name: &'p str,
        /// The values.
        values: &'p [String],
    },
    /// A scope.
    Scope(&'p str),
    /// An argument of the call.
    Condition {
        /// Where it is, as a JSON pointer into the arguments.
        argument: &'p str,
        /// What is not true of it: the name of a test, `present`, `absent`, or `unclear`. None where it holds.
        fails: Option<&'static str>,
    },
}

impl Requirement<'_> {
    /// A step up could not help with the first, and the last is about this one call.
    const fn rank(&self) -> usize {
        match self {
            Requirement::Role(_) | Requirement::Claim { .. } => 0,
            Requirement::Scope(_) => 1,
            Requirement::Condition { .. } => 2,
        }
    }
}

/// What a decision is made of, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'p> {
    Visibility(Visibility<'p>),
    Rule(NamedByRule<'p>),
    /// Of the rule before it.
    Requirement(Requirement<'p>, bool),
}

impl Policy {
    /// Whether a call, or what stands for one, may go on.
    pub fn decide(&self, rights: &Rights<'_>, capability: &Capability<'_>, arguments: Arguments<'_>) -> Decision<'_> {
        self.evaluate(rights, capability, Some(arguments), &mut |_| ())
    }

    /// Whether it may be spoken of where it is not called: to complete its arguments, say. Conditions are about calls.
    pub fn decide_without_call(&self, rights: &Rights<'_>, capability: &Capability<'_>) -> Decision<'_> {
        self.evaluate(rights, capability, None, &mut |_| ())
    }

    /// Whether a capability is hidden unless a tool shows it: whoever asks about it has to say which tools do.
    pub fn depends_on_tools(&self, capability: &Capability<'_>) -> bool {
        let filter = self.filters.of(capability.kind).as_ref();
        capability.is_page() && filter.is_some_and(|filter| filter.entry_for(capability.name).is_none())
    }

    /// Whether a list shows a capability. Conditions are about calls.
    pub fn is_listed(&self, rights: &Rights<'_>, capability: &Capability<'_>) -> bool {
        self.evaluate(rights, capability, None, &mut |_| ()).is_listed()
    }

    /// Hidden by a filter; else the first rule that lacks a role or claim; else the first that lacks a scope; else the
    /// first with a condition that fails. Every rule that names the capability has to hold, so all are looked at.
    pub(super) fn evaluate<'p>(
        &'p self,
        rights: &Rights<'_>,
        capability: &Capability<'_>,
        arguments: Option<Arguments<'_>>,
        trace: &mut dyn FnMut(Step<'p>),
    ) -> Decision<'p> {
        let kind = capability.kind;
        // What the server reads decides as well as what is written, unless just that is what the operator lists.
        let is_uri = kind == CapabilityKind::Resource && self.speaks_of(kind);
        let read = is_uri.then(|| uri::normalized(capability.name)).flatten();
        let mut visibility = self.visibility(rights, capability);
        if let Some(read) = read.as_deref().filter(|_| !visibility.is_listed_exactly()) {
            let as_read = self.visibility(rights, &Capability { name: read, ..*capability });
            visibility = if as_read.is_hidden() { as_read } else { visibility };
        }
        trace(Step::Visibility(visibility));
        if visibility.is_hidden() {
            return Decision::Hide;
        }
        let mut lacking = Lacking::default();
        let mut found = None;
        let names = [Some(capability.name), read.as_deref()].map(|name| name.map(fold::folded));
        for named in names.iter().flatten().flat_map(|name| self.named.of(kind).naming(name)) {
            let Some(rule) = self.rules.get(named.rule) else { continue };
            trace(Step::Rule(named));
            let mut check = |need, holds| {
                trace(Step::Requirement(need, holds));
                if !holds {
                    lacking.note(named.rule, need);
                }
            };
            rule.check_caller(rights, &mut check);
            let Some(arguments) = arguments.filter(|_| !rule.conditions.is_empty()) else { continue };
            let found = found.get_or_insert_with(|| self.wanted.find(arguments));
            for (place, condition) in &rule.conditions {
                let fails = found.get(*place).map_or(Some("unclear"), |found| condition.failed(*found));
                check(Requirement::Condition { argument: condition.pointer.as_str(), fails }, fails.is_none());
            }
        }
        lacking.decision()
    }

    fn visibility(&self, rights: &Rights<'_>, capability: &Capability<'_>) -> Visibility<'_> {
        let Capability { kind, name, shown_by } = *capability;
        if !self.speaks_of(kind) {
            return Visibility::Unfiltered;
        }
        let filter = self.filters.of(kind).as_ref();
        if name.len() > LONGEST_NAME {
            return Visibility::TooLong;
        }
        if kind == CapabilityKind::Resource && uri::is_ambiguous(name) {
            let listed = filter.and_then(|filter| filter.lists(name));
            return listed.map_or(Visibility::AmbiguousUri, Visibility::Allowed);
        }
        let Some(filter) = filter else { return Visibility::Unfiltered };
        match Names::entry_for(filter, name) {
            Some(entry) => Visibility::Allowed(entry),
            None if capability.is_page() && shown_by.iter().any(|tool| self.shows(rights, tool)) => {
                Visibility::ShownByTool
            }
            None => Visibility::NotAllowed,
        }
    }

    fn shows(&self, rights: &Rights<'_>, tool: &str) -> bool {
        self.is_listed(rights, &Capability::new(CapabilityKind::Tool, tool))
    }
}

impl Requirements {
    fn check_caller<'p>(&'p self, rights: &Rights<'_>, check: &mut dyn FnMut(Requirement<'p>, bool)) {
        if !self.roles.is_empty() {
            check(Requirement::Role(&self.roles), self.roles.iter().any(|role| rights.roles.contains(role)));
        }
        for (name, values) in &self.claims {
            check(Requirement::Claim { name: name.as_str(), values }, rights.claims.has_any(name, values));
        }
        for needed in &self.needed {
            let implied = || needed.implied_by.iter().any(|scope| rights.scopes.contains(scope));
            check(Requirement::Scope(&needed.scope), rights.scopes.contains(&needed.scope) || implied());
        }
    }
}

/// What is lacking so far: of each rank the first, in the order in which the rules are written.
#[derive(Default)]
struct Lacking<'p> {
    first: [Option<(usize, Requirement<'p>)>; 3],
    scopes: Vec<&'p str>,
}

impl<'p> Lacking<'p> {
    fn note(&mut self, rule: usize, need: Requirement<'p>) {
        if let Requirement::Scope(scope) = need {
            self.scopes.push(scope);
        }
        if let Some(first) = self.first.get_mut(need.rank())
            && first.is_none_or(|(earlier, _)| rule < earlier)
        {
            *first = Some((rule, need));
        }
    }

    fn decision(self) -> Decision<'p> {
        match self.first.into_iter().flatten().next() {
            Some((rule, need)) => Decision::Deny(Denial { rule, need, missing_scopes: ScopeSet::of(&self.scopes) }),
            None => Decision::Allow,
        }
    }
}
