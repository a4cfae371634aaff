//! What an identity provider wants to be asked beside the protocol's own parameters.
//!
//! Not here: those of the protocol, which the gateway alone writes (`crate::login::oidc`).

use std::collections::BTreeMap;

use super::report::{Pointer, Report, shown};

const MOST: usize = 16;
const LONGEST_NAME: usize = 64;
const LONGEST: usize = 512;

/// What the gateway says itself, what would change how the answer comes, and what would say who the person is.
const OURS: [&str; 19] = [
    "response_type",
    "response_mode",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "max_age",
    "request",
    "request_uri",
    "id_token_hint",
    "dpop_jkt",
    "registration",
];

/// Proves them.
pub(super) fn prove(
    document: BTreeMap<String, Option<String>>,
    at: &Pointer,
    report: &mut Report,
) -> BTreeMap<String, String> {
    if document.len() > MOST {
        report.add(at, format!("has {} parameters", document.len()), format!("keep it to {MOST}"));
    }
    let mut parameters = BTreeMap::new();
    for (name, value) in document {
        let place = at.child(&name);
        if OURS.contains(&name.to_ascii_lowercase().as_str()) {
            report.add(&place, "is a parameter that the gateway sets itself", "remove it");
        }
        if !(1..=LONGEST_NAME).contains(&name.len()) || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            report.add(
                &place,
                format!("is named {}, as no parameter is", shown(&name)),
                "write its name as the provider does",
            );
        }
        let Some(value) = report.require(&place, value, "write its value as text") else { continue };
        if value.len() > LONGEST || value.chars().any(char::is_control) {
            report.add(
                &place,
                "is too long, or has control characters",
                format!("keep it to {LONGEST} bytes on one line"),
            );
        }
        parameters.insert(name, value);
    }
    parameters
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::tests::refused_at;
    use crate::config::{Config, Login};

    fn login(parameters: &serde_json::Value) -> serde_json::Value {
        json!({
            "kind": "oidc", "issuer": "https://id.example.com", "client_id": "c", "roles": {"claim": "groups"},
            "parameters": parameters,
        })
    }

    #[test]
    fn what_is_the_protocols_is_not_the_operators() {
        for name in OURS.into_iter().chain(["Redirect_URI", "STATE"]) {
            let at = format!("/login/parameters/{name}");
            refused_at(&at, "/login", login(&json!({name: "x"})), &["sets itself"]);
        }
        refused_at("/login/parameters/a b", "/login", login(&json!({"a b": "x"})), &["named"]);
        refused_at("/login/parameters/audience", "/login", login(&json!({"audience": "a\nb"})), &["control"]);
    }

    #[test]
    fn whatever_a_provider_wants_besides_is_kept() {
        let document = json!({"login": login(&json!({"audience": "https://api.example.com", "hd": "example.com"})), "servers": {}});
        let Login::Oidc(oidc) = Config::parse(&document.to_string()).unwrap().login else { panic!() };
        assert_eq!(oidc.parameters["audience"], "https://api.example.com");
        assert_eq!(oidc.parameters["hd"], "example.com");
    }
}
