//! Why a decision is what it is: its own trace, as data.
//!
//! Not here: another way to decide. There is none.

use serde::Serialize;

use super::arguments::Arguments;
use super::capability::Capability;
use super::compiled::Policy;
use super::decision::{Decision, Requirement, Step};
use super::index::NamedByRule;
use super::names::{Entry, Visibility};
use super::rights::Rights;

/// A decision with what led to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation<'p> {
    /// `allow`, `hide` or `deny`.
    pub decision: &'static str,
    /// Whether lists show it.
    pub listed: bool,
    /// The rule that decides, by its number among those of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<usize>,
    /// What that rule needs first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub need: Option<Requirement<'p>>,
    /// The scopes that are lacking over all rules.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing_scopes: Vec<String>,
    /// What the filter says.
    pub filter: Visibility<'p>,
    /// The rules that name it, in their order.
    pub rules: Vec<ExplainedRule<'p>>,
}

/// A rule that names the capability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedRule<'p> {
    /// Its number among those of the server.
    pub rule: usize,
    /// Its entry that names the capability.
    pub named_by: Entry<'p>,
    /// What it needs; conditions only where a call is explained.
    pub needs: Vec<ExplainedNeed<'p>>,
}

/// One thing that a rule needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedNeed<'p> {
    /// What.
    pub need: Requirement<'p>,
    /// Whether it is there.
    pub holds: bool,
}

impl Policy {
    /// The decision about a call, or about a list where there are no arguments to speak of, and why it is so.
    pub fn explain(
        &self,
        rights: &Rights<'_>,
        capability: &Capability<'_>,
        arguments: Option<Arguments<'_>>,
    ) -> Explanation<'_> {
        let mut filter = Visibility::Unfiltered;
        let mut rules: Vec<ExplainedRule<'_>> = Vec::new();
        let decision = self.evaluate(rights, capability, arguments, &mut |step| match step {
            Step::Visibility(visibility) => filter = visibility,
            Step::Rule(NamedByRule { rule, by }) => rules.push(ExplainedRule { rule, named_by: by, needs: Vec::new() }),
            Step::Requirement(need, holds) => {
                rules.last_mut().into_iter().for_each(|rule| rule.needs.push(ExplainedNeed { need, holds }));
            }
        });
        rules.sort_by_key(|rule| rule.rule); // stable: the exact entry stays before the pattern
        rules.dedup_by_key(|rule| rule.rule);
        let listed = decision.is_listed();
        let (decision, denial) = match decision {
            Decision::Allow => ("allow", None),
            Decision::Hide => ("hide", None),
            Decision::Deny(denial) => ("deny", Some(denial)),
        };
        let missing = denial.iter().flat_map(|denial| denial.missing_scopes.iter().map(str::to_owned));
        Explanation {
            decision,
            listed,
            missing_scopes: missing.collect(),
            rule: denial.as_ref().map(|denial| denial.rule),
            need: denial.as_ref().map(|denial| denial.need),
            filter,
            rules,
        }
    }
}
