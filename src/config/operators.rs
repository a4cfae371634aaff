//! Operators: who may use the console.
//!
//! Not here: whether somebody is one (`flow::admin::operator`), and the token of programs, which is a secret.

use super::document::OperatorsDocument;
use super::policy::Known;
use super::report::{Complaint, Pointer, Report, shown};

const MOST: usize = 100;
const LONGEST: usize = 512;

/// Who may use the console: one of these people, or whoever has one of these roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operators {
    /// People, by their ids.
    pub subjects: Vec<String>,
    /// Roles.
    pub roles: Vec<String>,
}

impl Operators {
    /// Whether somebody is one who is named here.
    pub fn name(&self, subject: &str) -> bool {
        self.subjects.iter().any(|named| named == subject)
    }

    /// Whether one of somebody's roles makes them one.
    pub fn have_one_of(&self, roles: &[String]) -> bool {
        self.roles.iter().any(|role| roles.contains(role))
    }
}

/// Proves who may use the console.
pub(super) fn prove(document: OperatorsDocument, known: Known<'_>, at: &Pointer, report: &mut Report) -> Operators {
    if document.subjects.is_empty() && document.roles.is_empty() {
        let fix = "name people by the ids on their connections pages, or roles; or remove it: then there is no console";
        report.add(at, "names nobody", fix);
    }
    let (subjects_at, roles_at) = (at.child("subjects"), at.child("roles"));
    for (at, count) in [(&subjects_at, document.subjects.len()), (&roles_at, document.roles.len())] {
        if count > MOST {
            report.add(at, format!("has {count} entries"), format!("keep it to {MOST}; a role can have any number"));
        }
    }
    let subjects = report.entries(&subjects_at, document.subjects);
    let subjects = subjects.into_iter().filter_map(|(at, text)| report.check(&at, subject(text))).collect();
    let roles = report.entries(&roles_at, document.roles);
    // That nobody can have it any more must not take a stored configuration out of effect: then it opens to nobody.
    let role = |(at, role): (Pointer, String)| {
        let rule = known.role(&role);
        report.check_new(&at, role, rule)
    };
    Operators { subjects, roles: roles.into_iter().filter_map(role).collect() }
}

/// The id of a person. What is only an address is none, and would make nobody an operator, or one day somebody else.
fn subject(text: String) -> Result<String, Complaint> {
    let refused = |why: &str| {
        let problem = format!("is {}, {why}", shown(&text));
        Err(Complaint::new(problem, "write the id that the person's connections page ends with, such as \"dev:alice\""))
    };
    let written = text.trim() == text && text.len() <= LONGEST && !text.chars().any(char::is_control);
    if !written || !text.contains([':', '|']) {
        return refused("which is nobody's id");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::config::Config;
    use crate::config::tests::{complete, refused_at};

    #[test]
    fn operators_are_people_and_roles() {
        let mut document = complete();
        document["operators"] = json!({"subjects": ["dev:alice"], "roles": ["admin"]});
        let config = Config::parse(&document.to_string()).unwrap();
        let operators = config.operators.as_ref().unwrap();
        assert!(operators.name("dev:alice") && !operators.name("dev:alic") && !operators.name(""));
        assert!(operators.have_one_of(&["admin".to_owned()]) && !operators.have_one_of(&["support".to_owned()]));
        assert!(!operators.have_one_of(&[]));
        assert!(config.roles().contains("admin") && !config.roles_of_rules().contains("admin"));
    }

    #[test]
    fn nobody_becomes_one_by_a_slip() {
        let refuse = |at: &str, value: serde_json::Value, word: &str| refused_at(at, "/operators", value, &[word]);
        refuse("/operators", json!({}), "names nobody");
        refuse("/operators/subjects/0", json!({"subjects": ["alice@example.com"]}), "nobody's id");
        for text in ["", " dev:alice", "dev:alice\n", "alice"] {
            refuse("/operators/subjects/0", json!({"subjects": [text]}), "nobody's id");
        }
        refuse("/operators/roles/0", json!({"roles": ["amdin"]}), "did you mean \"admin\"");
        refuse("/operators/roles", json!({"roles": vec!["admin"; 101]}), "101 entries");
        refuse("/operators/people", json!({"people": ["dev:alice"], "subjects": ["dev:alice"]}), "not a field");
    }

    #[test]
    fn a_role_that_nobody_can_have_any_more_keeps_no_stored_configuration_from_its_effect() {
        let mut document = complete();
        document["operators"] = json!({"roles": ["gone"]});
        assert!(Config::parse(&document.to_string()).is_err());
        assert!(Config::parse_stored(&document.to_string()).is_ok());
    }
}
