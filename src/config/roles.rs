//! Roles: where the login says them.
//!
//! Not here: whether anybody can have the role of a rule (`policy::known`), and a person's own
//! (`crate::policy::RoleMapping`).

use super::document::RolesDocument;
use super::report::{Complaint, Pointer, Report, shown};
use crate::policy::{ClaimName, RoleMapping, is_role};

const MOST: usize = 1_000;

/// Proves where an identity provider says roles.
pub(super) fn prove_mapping(document: RolesDocument, at: &Pointer, report: &mut Report) -> Option<RoleMapping> {
    let place = at.child("claim");
    let claim = report.require(&place, document.claim, "write the claim that says them, such as \"groups\"");
    let claim = claim.and_then(|name| report.check(&place, claim_name(&name)));
    let place = at.child("map");
    if let Some(map) = &document.map {
        if map.is_empty() && !report.has_within(&place) {
            report.add(&place, "is empty, so nobody would have a role", "write role by value, or remove the field");
        }
        if map.len() > MOST {
            report.add(&place, format!("has {} values", map.len()), format!("keep it to {MOST}"));
        }
        for (value, name) in map {
            report.check(&place.child(value), role(name));
        }
    }
    Some(RoleMapping { claim: claim?, map: document.map })
}

/// Proves the roles of a development account.
pub(super) fn prove_roles(list: Vec<Option<String>>, at: &Pointer, report: &mut Report) -> Vec<String> {
    let mut roles = Vec::new();
    for (at, name) in report.entries(at, list) {
        if report.check(&at, role(&name)).is_some() && roles.contains(&name) {
            report.add(&at, format!("is {}, as an entry before", shown(&name)), "remove it");
        }
        roles.push(name);
    }
    roles.sort_unstable();
    roles
}

/// The name of a claim.
pub(super) fn claim_name(text: &str) -> Result<ClaimName, Complaint> {
    ClaimName::parse(text).ok_or_else(|| {
        let problem = format!("{} names no claim", shown(text));
        Complaint::new(problem, "write the whole name, such as \"groups\", or a JSON pointer that begins with /")
    })
}

/// A text that can be a role.
pub(super) fn role(text: &str) -> Result<(), Complaint> {
    if is_role(text) {
        return Ok(());
    }
    Err(Complaint::new(format!("is {}, which is no role", shown(text)), "write 1 to 256 bytes on one line"))
}
