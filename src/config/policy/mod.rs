//! The policy of one server: filters and rules, none of which can silently mean something else than it says.
//!
//! Not here: what a policy decides (`crate::policy`).

mod condition;
mod entries;
mod known;
mod rule;
#[cfg(test)]
mod tests;

use super::document::{FilterDocument, RuleDocument};
use super::report::{Pointer, Report};
use crate::policy::{CapabilityKind, Names, PerKind, Policy};
use entries::Stars;

pub(super) use known::Known;

/// So many rules of a server; they are found by name.
const MOST_RULES: usize = 10_000;
/// So many patterns in the rules of a server; each is tried at every call.
const MOST_PATTERNS: usize = 1_000;
/// So many conditions in the rules of a server.
const MOST_CONDITIONS: usize = 1_000;

/// Proves the filters, and the rules.
pub(super) fn prove(
    filters: PerKind<Option<FilterDocument>>,
    rules: Vec<Option<RuleDocument>>,
    known: Known<'_>,
    at: &Pointer,
    report: &mut Report,
) -> Option<Policy> {
    let PerKind { tools, prompts, resources, resource_templates } = filters;
    let mut filter = |kind: CapabilityKind, document: Option<FilterDocument>| {
        document.map(|document| prove_filter(kind, document, &at.child(kind.field()), report))
    };
    let filters = PerKind {
        tools: filter(CapabilityKind::Tool, tools),
        prompts: filter(CapabilityKind::Prompt, prompts),
        resources: filter(CapabilityKind::Resource, resources),
        resource_templates: filter(CapabilityKind::ResourceTemplate, resource_templates),
    };

    let at = at.child("require");
    let rules = entries::at_most(MOST_RULES, "rules", rules, &at, report);
    let rules: Vec<_> = rules.into_iter().map(|(at, document)| rule::prove(document, known, &at, report)).collect();
    let patterns = rules.iter().flat_map(|rule| CapabilityKind::ALL.map(|kind| rule.names.of(kind).patterns.len()));
    within(MOST_PATTERNS, "patterns", patterns.sum(), &at, report);
    within(MOST_CONDITIONS, "conditions", rules.iter().map(|rule| rule.conditions.len()).sum(), &at, report);
    match Policy::new(filters, rules, known.scopes) {
        Ok(policy) => Some(policy),
        Err(pointer) => {
            let problem =
                format!("asks for {:?}, and for another argument that differs in case only", pointer.as_str());
            report.add(&at, problem, "write the argument as the server does: one that is sent otherwise is refused");
            None
        }
    }
}

fn prove_filter(kind: CapabilityKind, document: FilterDocument, at: &Pointer, report: &mut Report) -> Names {
    if document.allow.is_none() && document.allow_patterns.is_none() && !report.has_within(at) {
        report.add(at, "does not say what is allowed", "write {\"allow\": [\"…\"]}; {\"allow\": []} hides everything");
    }
    let mut names = Names::default();
    for (field, list, stars) in
        [("allow", document.allow, Stars::None), ("allow_patterns", document.allow_patterns, Stars::Some)]
    {
        entries::prove(kind, list.unwrap_or_default(), stars, &mut names, &at.child(field), report);
    }
    names
}

fn within(most: usize, what: &str, count: usize, at: &Pointer, report: &mut Report) {
    if count > most {
        report.add(at, format!("has {count} {what}"), format!("keep it to {most} for one server"));
    }
}
