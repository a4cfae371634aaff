//! What a check can find: a row for each finding. The report, docs/doctor.md and the tests read this table.
//!
//! Not here: how it is found.

use super::rule::{Actor, FindingRule, MCP, fault};

mod discovery;
mod reach;
mod sign_in;

/// What stands for whatever else a token endpoint or storage refuses.
pub(super) const CREDENTIALS: FindingRule = fault(
    "credentials_unavailable",
    Actor::Operator,
    [
        "The gateway has nothing to call the server with",
        "Calls can be authenticated",
        MCP,
        "Look the code up in docs/troubleshooting.md",
    ],
);

/// Every finding, by step.
pub fn all() -> impl Iterator<Item = &'static FindingRule> {
    [reach::RULES, discovery::RULES, sign_in::RULES].into_iter().flatten()
}

/// The rule of a finding.
pub fn of(id: &str) -> Option<&'static FindingRule> {
    all().find(|rule| rule.id == id)
}
