//! What an issuer may be configured to be, and what is said of each mistake.
//!
//! Not here: what servers accept (`config::accepts`).

use serde_json::{Value, json};

use super::*;
use crate::config::Config;
use crate::config::tests::complete;

fn with(alias: &str, issuer: Value) -> Result<Config, Vec<(String, String)>> {
    let mut document = complete();
    document["issuers"] = json!({});
    document["issuers"][alias] = issuer;
    Config::parse(&document.to_string())
        .map_err(|errors| errors.0.into_iter().map(|error| (error.pointer.clone(), error.to_string())).collect())
}

fn refused(alias: &str, issuer: Value, at: &str, word: &str) {
    let errors = with(alias, issuer).unwrap_err();
    let found = errors.iter().any(|(pointer, text)| pointer == at && text.contains(word));
    assert!(found, "{at} {word}: {errors:?}");
}

fn github() -> Value {
    json!({"kind": "workload", "issuer": "https://token.actions.githubusercontent.com",
        "require": {"repository": ["acme/app"], "/nested/claim": ["a", "b"]}, "roles": ["deployer"]})
}

#[test]
fn each_kind_is_read() {
    let corp = json!({"issuer": "https://as.example.com", "audience": "resource", "scopes": {"read": "mcp:tools tools:read"},
        "roles": {"claim": "roles"}, "token_type": "JWT",
        "introspection": {"client_id": "gw", "client_secret": {"secret": "CORP_SECRET"}, "jwts": true}});
    let config = with("corp", corp).unwrap();
    let issuer = &config.issuers["corp"];
    assert_eq!((issuer.alias.as_str(), issuer.audience.as_deref()), ("corp", None));
    let tokens = issuer.access_tokens().unwrap();
    assert!(tokens.untyped && tokens.introspection.as_ref().is_some_and(|asking| asking.jwts));
    assert_eq!(tokens.scopes.as_ref().unwrap()["read"].to_string(), "mcp:tools tools:read");
    assert!(config.secret_names().iter().any(|name| name.as_str() == "CORP_SECRET"));
    let config = with("ci", github()).unwrap();
    let IssuerKind::Workload(workload) = &config.issuers["ci"].kind else { panic!("no workload") };
    assert_eq!((workload.scope.to_string().as_str(), workload.require.len()), ("mcp:tools", 2));
    assert!(config.issuers["ci"].gives("deployer") && !config.issuers["ci"].gives("other"));
    let idp = json!({"kind": "id_jag", "issuer": "https://id.example.com/", "clients": ["glean"]});
    assert!(with("idp", idp).is_ok());
}

#[test]
fn an_alias_makes_no_id_of_anybody_else() {
    for alias in ["dev", "oidc", "key", "own", "keys", "Corp", "a:b", "a.b", "", "1a", &"a".repeat(33)] {
        let at = format!("/issuers/{alias}");
        refused(alias, json!({"issuer": "https://as.example.com"}), &at, "alias");
    }
    let mut document = complete();
    document["login"]["issuer"] = json!("http://localhost:9000/");
    document["issuers"] = json!({"localhost": {"issuer": "https://as.example.com"}});
    let errors = Config::parse(&document.to_string()).unwrap_err();
    assert!(errors.to_string().contains("/issuers/localhost"), "{errors}");
}

#[test]
fn a_workload_must_be_told_from_others() {
    let mut issuer = github();
    issuer["require"] = json!({});
    refused("ci", issuer.clone(), "/issuers/ci/require", "every workload");
    issuer["require"] = json!({"repository": []});
    refused("ci", issuer.clone(), "/issuers/ci/require/repository", "no workload");
    issuer.as_object_mut().unwrap().remove("require");
    refused("ci", issuer, "/issuers/ci/require", "missing");
}

#[test]
fn what_means_nothing_or_is_not_there_is_said() {
    let issuer = "https://as.example.com";
    refused("corp", json!({}), "/issuers/corp/issuer", "missing");
    refused("corp", json!({"issuer": "https://mcp.example.com"}), "/issuers/corp/issuer", "itself");
    refused("corp", json!({"issuer": issuer, "require": {"a": ["b"]}}), "/issuers/corp/require", "nothing");
    refused("corp", json!({"issuer": issuer, "roles": ["a"]}), "/issuers/corp/roles", "claim");
    refused("corp", json!({"issuer": issuer, "scopes": {"read": "tools:none"}}), "/issuers/corp/scopes/read", "scope");
    refused("ci", json!({"kind": "jwt", "issuer": issuer}), "/issuers/ci/kind", "workload");
    refused("idp", json!({"kind": "id_jag", "issuer": issuer}), "/issuers/idp/clients", "missing");
}
