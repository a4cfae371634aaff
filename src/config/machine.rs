//! What the operator lets a client have for itself, without a person.
//!
//! Not here: what is granted of it (`oauth::machine`).

use super::document::MachineDocument;
use super::near::nearest;
use super::report::{Complaint, Pointer, Report, shown};
use super::{roles, scopes};
use crate::oauth::machine::Machine;
use crate::oauth::scope::ScopeSet;
use crate::policy::Scopes;

/// What there is to be had. A slip of writing would be a machine that nobody lets in.
#[derive(Clone, Copy)]
pub(super) struct Offered<'a> {
    /// The slugs of servers, if they could be read.
    pub(super) servers: Option<&'a [String]>,
    /// The scopes that the operator defines.
    pub(super) scopes: &'a Scopes,
}

pub(super) fn prove(document: MachineDocument, offered: Offered<'_>, at: &Pointer, report: &mut Report) -> Machine {
    let place = at.child("servers");
    let servers = report.require(&place, document.servers, "write the list of the servers it may call");
    let servers = servers.map(|servers| offered.servers(servers, &place, report)).unwrap_or_default();
    let mut scope = ScopeSet::of(&[ScopeSet::TOOLS]);
    for (at, name) in report.entries(&at.child("scopes"), document.scopes) {
        if report.check(&at, scopes::defined(&name, offered.scopes.names())).is_some() {
            scope = scope.union(&ScopeSet::of(&[&name]));
        }
    }
    Machine { servers, scope, roles: roles::prove_roles(document.roles, &at.child("roles"), report) }
}

impl Offered<'_> {
    /// The slugs of a list, of which there is one at least.
    pub(super) fn servers(self, slugs: Vec<Option<String>>, at: &Pointer, report: &mut Report) -> Vec<String> {
        if slugs.is_empty() {
            report.add(at, "is empty, so it is for no server", "write the slug of at least one server");
        }
        let slugs = report.entries(at, slugs);
        slugs.into_iter().filter_map(|(at, slug)| report.check(&at, self.server(slug))).collect()
    }

    fn server(self, slug: String) -> Result<String, Complaint> {
        let Some(servers) = self.servers.filter(|servers| !servers.contains(&slug)) else { return Ok(slug) };
        let fix = match nearest(&slug, servers.iter().map(String::as_str)) {
            Some(meant) => format!("did you mean {meant:?}?"),
            None => "write the slug of one of \"servers\"".to_owned(),
        };
        Err(Complaint::new(format!("is {}, and there is no such server", shown(&slug)), fix))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::config::Config;
    use crate::config::tests::{complete, refused_at};

    const AT: &str = "/clients/preregistered/0";

    fn machine() -> serde_json::Value {
        let secret = json!({"secret": "MACHINE_SECRET"});
        json!({"client_id": "ci", "client_secret": secret, "machine": {"servers": ["docs"], "roles": ["deployer"]}})
    }

    #[test]
    fn a_machine_has_what_there_is_to_have() {
        let with = |place: &str, name: &str, value: serde_json::Value| {
            let mut client = machine();
            client.pointer_mut(place).unwrap()[name] = value;
            client
        };
        let redirects = with("", "redirect_uris", json!(["https://app.example/cb"]));
        refused_at(&format!("{AT}/redirect_uris"), AT, redirects, &["acts for no person"]);
        refused_at(&format!("{AT}/client_secret"), AT, with("", "client_secret", json!(null)), &["is missing"]);
        for (name, value, place, words) in [
            ("servers", json!([]), "/servers", &["is empty"][..]),
            ("servers", json!(["dosc"]), "/servers/0", &["no such server", "docs"]),
            ("scopes", json!(["tools:everything"]), "/scopes/0", &["does not exist"]),
            ("scopes", json!(["offline_access"]), "/scopes/0", &["does not exist"]),
        ] {
            refused_at(&format!("{AT}/machine{place}"), AT, with("/machine", name, value), words);
        }
    }

    #[test]
    fn a_rule_may_ask_for_a_role_that_only_a_machine_has() {
        let mut document = complete();
        document["servers"]["docs"]["require"] = json!([{"tools": ["deploy"], "roles": ["deployer"]}]);
        assert!(Config::parse(&document.to_string()).is_err());
        document["clients"]["preregistered"] = json!([machine()]);
        let config = Config::parse(&document.to_string()).unwrap();
        assert_eq!(config.machine("ci").unwrap().roles, ["deployer"]);
        assert!(config.machine("app").is_none());
    }
}
