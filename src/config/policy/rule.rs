//! Rules: each is about something and needs something that somebody can have.
//!
//! Not here: conditions on arguments (`condition`).

use std::collections::{BTreeMap, BTreeSet};

use super::entries::Stars;
use super::known::Known;
use super::{condition, entries};
use crate::config::document::RuleDocument;
use crate::config::report::{Complaint, Pointer, Report, shown};
use crate::config::roles;
use crate::policy::{CapabilityKind, ClaimName, PerKind, Rule, Test};

/// So many scopes, roles, claims, or values of a claim.
const MOST: usize = 100;

pub(super) fn prove(document: RuleDocument, known: Known<'_>, at: &Pointer, report: &mut Report) -> Rule {
    let mut names = PerKind::default();
    for (kind, list) in [
        (CapabilityKind::Tool, document.tools),
        (CapabilityKind::Prompt, document.prompts),
        (CapabilityKind::Resource, document.resources),
        (CapabilityKind::ResourceTemplate, document.resource_templates),
    ] {
        entries::prove(kind, list, Stars::Any, names.of_mut(kind), &at.child(kind.field()), report);
    }
    let names_nothing = CapabilityKind::ALL.into_iter().all(|kind| names.of(kind).is_empty());
    let needs_nothing = document.scopes.is_empty()
        && document.roles.is_empty()
        && document.claims.is_empty()
        && document.when.is_empty();
    if names_nothing && !report.has_within(at) {
        report.add(at, "names nothing, so it would never be asked", "write \"tools\": [\"…\"], or remove the rule");
    }
    if needs_nothing && !report.has_within(at) {
        let fix = "write \"scopes\", \"roles\", \"claims\" or \"when\"; what nobody may use is left out of \"allow\"";
        report.add(at, "needs nothing, so it would always hold", fix);
    }
    let without_arguments =
        CapabilityKind::ALL.into_iter().filter(|kind| !kind.has_arguments() && !names.of(*kind).is_empty());
    if let Some(kind) = without_arguments.into_iter().next().filter(|_| !document.when.is_empty()) {
        let problem = format!("is about arguments, and a {kind} is read without any");
        report.add(&at.child("when"), problem, format!("write the {} in a rule of their own", kind.field()));
    }
    let conditions = condition::prove(document.when, &at.child("when"), report);
    let not_of_texts = conditions.iter().find(|condition| !condition.tests.iter().all(Test::admits_texts));
    if let Some(condition) = not_of_texts.filter(|_| !names.of(CapabilityKind::Prompt).is_empty()) {
        let problem = "asks for what is no text, and the arguments of a prompt are texts";
        let at = at.child("when").child(condition.pointer.as_str());
        report.add(&at, problem, "write the prompts in a rule of their own");
    }
    Rule {
        names,
        scopes: distinct(document.scopes, &at.child("scopes"), report, |scope| known.scope(scope)),
        roles: distinct(document.roles, &at.child("roles"), report, |role| known.role(role)),
        claims: claims(document.claims, known, &at.child("claims"), report),
        conditions,
    }
}

/// The entries of a list that pass, each of them there once.
fn distinct(
    list: Vec<Option<String>>,
    at: &Pointer,
    report: &mut Report,
    rule: impl Fn(&str) -> Result<(), Complaint>,
) -> Vec<String> {
    let mut seen = BTreeSet::new();
    for (at, text) in entries::at_most(MOST, "entries", list, at, report) {
        if let Err(Complaint { problem, fix }) = rule(&text) {
            report.add(&at, problem, fix);
        } else if seen.contains(&text) {
            report.add(&at, format!("is {}, as an entry before", shown(&text)), "remove it");
        } else {
            seen.insert(text);
        }
    }
    seen.into_iter().collect()
}

fn claims(
    claims: BTreeMap<String, Vec<Option<String>>>,
    known: Known<'_>,
    at: &Pointer,
    report: &mut Report,
) -> Vec<(ClaimName, Vec<String>)> {
    if claims.len() > MOST {
        report.add(at, format!("has {} claims", claims.len()), format!("keep it to {MOST}"));
    }
    if !claims.is_empty() {
        report.check(at, known.any_claim());
    }
    let mut proven = Vec::new();
    for (name, values) in claims.into_iter().take(MOST) {
        let at = at.child(&name);
        if values.is_empty() {
            report.add(&at, "is empty, so nobody could have it", "write the values of which one is needed");
        }
        let values = distinct(values, &at, report, |value| {
            let fits = !value.is_empty();
            fits.then_some(()).ok_or_else(|| Complaint::new("is empty", "write a value of the claim"))
        });
        proven.extend(report.check(&at, roles::claim_name(&name)).map(|name| (name, values)));
    }
    proven
}
