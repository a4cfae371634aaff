//! Who may sign in at all, of those whom the identity provider knows.
//!
//! Not here: what they may do then (`policy`).

use std::collections::BTreeMap;

use super::report::{Complaint, Pointer, Report};
use super::roles;
use crate::login::oidc::quirks;
use crate::policy::ClaimName;

/// Proves which claims are needed, and which values of them.
pub(super) fn prove(
    document: BTreeMap<String, Option<Vec<Option<String>>>>,
    at: &Pointer,
    report: &mut Report,
) -> BTreeMap<ClaimName, Vec<String>> {
    let mut require = BTreeMap::new();
    for (name, values) in document {
        let place = at.child(&name);
        let name = report.check(&place, roles::claim_name(&name));
        let Some(values) = report.require(&place, values, "write the values of which one is needed") else { continue };
        if values.is_empty() {
            report.add(&place, "is empty, so nobody could sign in", "write the values of which one is needed");
        }
        let values = report.entries(&place, values).into_iter().map(|(_, value)| value).collect();
        if let Some(name) = name {
            require.insert(name, values);
        }
    }
    require
}

/// At an issuer that stands for the tenants of everybody, it has to be said whose people are meant.
pub(super) fn names_tenants(issuer: &str, require: &BTreeMap<ClaimName, Vec<String>>) -> Result<(), Complaint> {
    let Some(claim) = quirks::tenant_claim(issuer) else { return Ok(()) };
    if require.keys().any(|name| name.as_str() == claim) {
        return Ok(());
    }
    let problem = "names no tenants, and anybody of any organization signs in at this issuer";
    Err(Complaint::new(
        problem,
        format!("write {{\"{claim}\": [\"the id of your tenant\"]}}, or your tenant's own issuer"),
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::config::tests::refused_at;
    use crate::config::{Config, Login};

    #[test]
    fn everybodys_issuer_needs_to_be_told_whose_people_are_meant() {
        for path in ["common", "organizations", "consumers"] {
            let issuer = format!("https://login.microsoftonline.com/{path}/v2.0");
            let login = json!({"kind": "oidc", "issuer": issuer, "client_id": "c", "require": {"tid": ["t"]}});
            let document = json!({"login": login, "servers": {}});
            let Login::Oidc(oidc) = Config::parse(&document.to_string()).unwrap().login else { panic!() };
            assert_eq!(oidc.require.len(), 1);
            let login = json!({
                "kind": "oidc", "issuer": issuer, "client_id": "c", "roles": {"claim": "groups"},
                "require": {"hd": ["x"]},
            });
            refused_at("/login/require", "/login", login, &["no tenants", "tid"]);
        }
    }

    #[test]
    fn a_claim_without_values_would_let_nobody_in() {
        let login = json!({
            "kind": "oidc", "issuer": "https://id.example.com", "client_id": "c", "roles": {"claim": "groups"},
            "require": {"hd": []},
        });
        refused_at("/login/require/hd", "/login", login, &["nobody could sign in"]);
    }

    #[test]
    fn github_tells_three_things() {
        let with = |require| {
            let secret = json!({"secret": "GITHUB_SECRET"});
            let roles = json!({"claim": "teams"});
            json!({"kind": "github", "client_id": "c", "client_secret": secret, "roles": roles, "require": require})
        };
        let document = json!({"login": with(json!({"organizations": ["acme"]})), "servers": {}});
        let Login::Github(github) = Config::parse(&document.to_string()).unwrap().login else { panic!() };
        assert_eq!(github.url, "https://github.com");
        refused_at("/login", "/login", with(json!({"groups": ["acme"]})), &["groups", "organizations"]);
    }
}
