//! Who may see and use which tool, prompt and resource of a server: filters, rules, and the one decision they make.
//!
//! Policy is data, compiled when the configuration is read. A capability that its filter hides is as one that does not
//! exist; every rule that names it has to hold. Lists and calls ask one function, and an explanation is its trace.
//! Not here: how policy is written (`config`), how lists are cut (`mcp::rewrite`), how a refusal is told (`flow`).

mod arguments;
mod capability;
mod claims;
mod compiled;
mod condition;
mod dead;
mod decision;
mod explanation;
mod fold;
mod index;
mod names;
mod number;
mod pattern;
mod pointer;
mod rights;
mod roles;
mod rule;
mod scopes;
mod uri;

#[cfg(test)]
mod tests;

pub use arguments::Arguments;
pub use capability::{Capability, CapabilityKind, PerKind};
pub use claims::{ClaimName, ClaimValues};
pub use compiled::{LONGEST_NAME, Policy};
pub use condition::{Condition, Scalar, Test};
pub use dead::DeadEntry;
pub use decision::{Decision, Denial, Requirement};
pub use explanation::{ExplainedNeed, ExplainedRule, Explanation};
pub use fold::folded;
pub use index::NamedByRule;
pub use names::{Entry, Names, Visibility};
pub use number::Decimal;
pub use pattern::{Pattern, PatternError};
pub use pointer::{ArgumentPointer, PointerError};
pub use rights::Rights;
pub use roles::{RoleMapping, is_role};
pub use rule::Rule;
pub use scopes::{Scope, ScopeCycle, Scopes};
pub use uri::is_ambiguous as is_ambiguous_uri;
