//! The scopes that the operator defines: those that rules ask for, in words that people read when they consent.
//!
//! Not here: the gateway's own scopes (`oauth::scope`).

use std::collections::BTreeMap;

use super::document::ScopeDocument;
use super::near::nearest;
use super::report::{Complaint, Pointer, Report, shown};
use super::text;
use crate::oauth::scope::ScopeSet;
use crate::policy::{Scope, Scopes};

/// A client must be able to ask for all of them, and the gateway's own two, in one request.
const MOST: usize = 48;
const LONGEST: usize = 40;

pub(super) fn prove(documents: BTreeMap<String, ScopeDocument>, at: &Pointer, report: &mut Report) -> Scopes {
    if documents.len() > MOST {
        report.add(at, format!("has {} scopes", documents.len()), format!("keep it to {MOST}"));
    }
    let names: Vec<String> = documents.keys().cloned().collect();
    let mut scopes = BTreeMap::new();
    for (name, document) in documents.into_iter().take(MOST) {
        let at = at.child(&name);
        if let Err(Complaint { problem, fix }) = own_name(&name) {
            report.add(&at, problem, fix);
        }
        let place = at.child("title");
        let title = report.require(&place, document.title, "write what it allows, such as \"Change issues\"");
        let title = title.and_then(|title| report.check(&place, text::label(title, 120)));
        let mut implies = ScopeSet::default();
        for (at, implied) in report.entries(&at.child("implies"), document.implies) {
            if let Err(Complaint { problem, fix }) = implied_scope(&implied, &names) {
                report.add(&at, problem, fix);
            } else if implies.contains(&implied) {
                report.add(&at, format!("is {}, as an entry before", shown(&implied)), "remove it");
            }
            implies = implies.union(&ScopeSet::of(&[&implied]));
        }
        scopes.insert(name, Scope { title: title.unwrap_or_default(), implies });
    }
    Scopes::new(&scopes).unwrap_or_else(|circle| {
        let at = at.child(&circle.scope).child("implies");
        report.add(
            &at,
            "leads back to the scope itself",
            "let the wider scope imply the narrower one, and no way back",
        );
        // Rules still ask for scopes that are there.
        for scope in scopes.values_mut() {
            scope.implies = ScopeSet::default();
        }
        Scopes::new(&scopes).unwrap_or_default()
    })
}

/// Whether a scope that is asked for is one that the operator defines.
pub(super) fn defined<'n>(scope: &str, names: impl Iterator<Item = &'n str> + Clone) -> Result<(), Complaint> {
    if names.clone().any(|name| name == scope) {
        return Ok(());
    }
    let fix = match nearest(scope, names) {
        Some(meant) => format!("did you mean {meant:?}? Otherwise define it in the top-level \"scopes\""),
        None => "define it in the top-level \"scopes\", with the title that people see when they consent".to_owned(),
    };
    Err(Complaint::new(format!("is {}, a scope that does not exist", shown(scope)), fix))
}

fn implied_scope(scope: &str, names: &[String]) -> Result<(), Complaint> {
    if scope == ScopeSet::TOOLS {
        return Ok(());
    }
    defined(scope, names.iter().map(String::as_str))
}

fn own_name(name: &str) -> Result<(), Complaint> {
    if name == ScopeSet::OFFLINE_ACCESS {
        let problem = format!("{name:?} says how long a client stays connected, everywhere");
        return Err(Complaint::new(problem, "remove it, or write another name"));
    }
    if !text::is_scope_token(name) || name.len() > LONGEST {
        let problem = format!("{} is no scope token of at most {LONGEST} characters", shown(name));
        return Err(Complaint::new(problem, "write visible ASCII characters without spaces, quotes and backslashes"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::config::Config;
    use crate::config::tests::{complete, refused, refused_at};

    #[test]
    fn scopes_have_names_and_words_and_imply_no_circles() {
        let scope = json!({"title": "Do it"});
        for name in ["a b", "a\"b", "ü", "", "offline_access", &"a".repeat(41)] {
            refused(&format!("/scopes/{name}"), scope.clone(), &["write"]);
        }
        refused("/scopes/tools:write/title", json!(null), &["is missing", "Change issues"]);
        refused("/scopes/tools:write/title", json!("\n"), &["one line"]);
        refused("/scopes/tools:write/titel", json!("x"), &["did you mean `title`"]);
        refused_at(
            "/scopes/tools:write/implies/0",
            "/scopes/tools:write/implies",
            json!(["toolsread"]),
            &["tools:read"],
        );
        refused_at(
            "/scopes/tools:write/implies/0",
            "/scopes/tools:write/implies",
            json!(["offline_access"]),
            &["exist"],
        );
        let twice = json!(["tools:read", "tools:read"]);
        refused_at("/scopes/tools:write/implies/1", "/scopes/tools:write/implies", twice, &["entry before"]);
        refused("/scopes/tools:read/implies", json!(["tools:write"]), &["leads back"]);
    }

    #[test]
    fn every_scope_can_be_asked_for_in_one_request() {
        let mut document = complete();
        for n in 0..46 {
            document["scopes"][format!("{n:x<40}")] = json!({"title": "Do it"});
        }
        let config = Config::parse(&document.to_string()).unwrap();
        let supported = config.supported_scope();
        assert_eq!(supported.iter().count(), 50);
        assert!(supported.contains("mcp:tools") && supported.contains("offline_access"));
        assert_eq!(crate::oauth::scope::ScopeSet::parse(&supported.to_string()), Ok(supported));
        document["scopes"]["one"] = json!({"title": "Too many"});
        assert!(Config::parse(&document.to_string()).unwrap_err().to_string().contains("has 49 scopes"));
    }
}
