//! Rules: what a caller needs for the capabilities that a rule names.
//!
//! All scopes that a rule lists are needed, one of its roles, one value of each of its claims, and every condition.
//!
//! Not here: the decision that follows from several rules (`decision`).

use super::arguments::WantedArguments;
use super::capability::PerKind;
use super::claims::ClaimName;
use super::condition::Condition;
use super::names::Names;
use super::pointer::ArgumentPointer;
use super::scopes::Scopes;

/// A rule as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// What it is about.
    pub names: PerKind<Names>,
    /// Every scope is needed.
    pub scopes: Vec<String>,
    /// One of the roles is needed, if there are any.
    pub roles: Vec<String>,
    /// One of the values of each claim is needed.
    pub claims: Vec<(ClaimName, Vec<String>)>,
    /// Every condition must hold for a call.
    pub conditions: Vec<Condition>,
}

/// A rule as it is decided with: what it is about is in the index.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Requirements {
    pub(super) needed: Vec<NeededScope>,
    pub(super) roles: Vec<String>,
    pub(super) claims: Vec<(ClaimName, Vec<String>)>,
    /// Each with the place of what it asks for.
    pub(super) conditions: Vec<(usize, Condition)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct NeededScope {
    pub(super) scope: String,
    /// The scopes that imply it.
    pub(super) implied_by: Vec<String>,
}

impl Requirements {
    pub(super) fn of(rule: Rule, scopes: &Scopes, wanted: &mut WantedArguments) -> Result<Self, ArgumentPointer> {
        let needed = rule.scopes.into_iter().map(|scope| NeededScope { implied_by: scopes.implying(&scope), scope });
        let conditions = rule.conditions.into_iter().map(|condition| Ok((wanted.add(&condition.pointer)?, condition)));
        Ok(Self {
            needed: needed.collect(),
            roles: rule.roles,
            claims: rule.claims,
            conditions: conditions.collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn scopes(&self) -> impl Iterator<Item = &str> {
        self.needed.iter().map(|needed| needed.scope.as_str())
    }
}
