//! The whole parser: what a configuration becomes, and what is said of each mistake.
//!
//! Not here: the leaf parsers, which are tested beside their code.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::oauth::authentication_method::AuthenticationMethod;
use crate::time::PerMinute;

/// A configuration that uses every field.
pub(super) fn complete() -> serde_json::Value {
    json!({
        "$schema": "./gateway.schema.json",
        "public_url": "https://mcp.example.com/",
        "allowed_hosts": ["MCP.example.com", "gateway.example.workers.dev"],
        "allowed_origins": ["https://inspector.example.com", "http://localhost:6274"],
        "login": {
            "kind": "oidc",
            "issuer": "https://id.example.com/",
            "client_id": "gateway",
            "client_secret": {"secret": "LOGIN_CLIENT_SECRET"},
            "scopes": ["openid", "email"],
            "roles": {"claim": "groups", "map": {"0f3c": "support", "0f3d": "admin"}},
            "session_ttl_seconds": 3600
        },
        "clients": {
            "dynamic_registration": false,
            "metadata_documents": true,
            "redirect_patterns": ["https://*.example.com/callback"],
            "preregistered": [{
                "client_id": "glean",
                "name": "Glean",
                "client_secret": {"secret": "GLEAN_SECRET"},
                "redirect_uris": ["https://app.glean.example/callback"],
                "token_endpoint_auth_method": "client_secret_post"
            }]
        },
        "tokens": {"access_ttl_seconds": 600, "refresh_ttl_seconds": 604_800},
        "consent": "always",
        "accepts": ["own"],
        "servers": {
            "docs": {
                "name": "Docs",
                "accepts": ["own", "keys"],
                "description": "Search the documentation.",
                "url": "https://docs.example.com/mcp",
                "path": "/docs/mcp",
                "auth": {"kind": "headers", "headers": {"X-Api-Key": {"secret": "DOCS_KEY"}, "X-Team": "edge"}},
                "timeout_seconds": 20,
                "tools": {"allow": ["search", "delete_page"], "allow_patterns": ["create_*"]},
                "prompts": {"allow": []},
                "resources": {"allow_patterns": ["docs://page/*"]},
                "resource_templates": {"allow": ["docs://page/{id}"]},
                "require": [
                    {"tools": ["create_*"], "prompts": ["write"], "scopes": ["tools:write"]},
                    {
                        "tools": ["delete_page"],
                        "roles": ["support"],
                        "claims": {"department": ["ops", "it"]},
                        "when": {"/space": {"one_of": ["OPS", 7, true]}, "/depth": {"minimum": 0, "maximum": 1.5}}
                    },
                    {"resources": ["docs://page/*"], "resource_templates": ["docs://*"], "scopes": ["tools:read"]}
                ]
            },
            "linear": {"url": "https://10.0.0.7:8443/mcp?v=2"},
            "mail": {
                "url": "https://mail.example.com/mcp",
                "auth": {
                    "kind": "oauth",
                    "connect": "first_call",
                    "scope": "mail.read",
                    "issuer": "https://id.example.com",
                    "client": {
                        "client_id": "gateway",
                        "client_secret": {"secret": "MAIL_CLIENT_SECRET"},
                        "token_endpoint_auth_method": "client_secret_post",
                        "authorization_endpoint": "https://id.example.com/authorize",
                        "token_endpoint": "https://id.example.com/token",
                        "revocation_endpoint": "https://id.example.com/revoke",
                        "redirect_uri": "https://mcp.example.com/oauth/upstream-callback"
                    }
                }
            },
            "reports": {
                "url": "https://reports.example.com/mcp",
                "auth": {
                    "kind": "client_credentials",
                    "client_id": "gateway",
                    "client_secret": {"secret": "REPORTS_SECRET"},
                    "token_endpoint": "https://id.example.com/token",
                    "issuer": "https://id.example.com",
                    "scope": "reports",
                    "resource": "https://reports.example.com",
                    "token_endpoint_auth_method": "client_secret_basic"
                }
            },
            "tasks": {
                "url": "https://tasks.example.com/mcp",
                "auth": {"kind": "headers", "headers": {"X-Api-Key": {"person": "Your API key"}}}
            }
        },
        "scopes": {
            "tools:write": {"title": "Change pages", "implies": ["tools:read", "mcp:tools"]},
            "tools:read": {"title": "Read pages"}
        },
        "limits": {"body_bytes": 1_048_576, "depth": 32},
        "public_index": true,
        "branding": {"name": "Acme tools", "accent": "#0a7"},
        "operators": {"subjects": ["id.example.com/|1234"], "roles": []}
    })
}

/// The errors once the value at a pointer was replaced (or removed, by `null`).
pub(super) fn errors(pointer: &str, value: serde_json::Value) -> ConfigErrors {
    let mut document = complete();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        serde_json::Value::Object(object) => object.insert(key.replace("~1", "/"), value),
        serde_json::Value::Array(list) => Some(std::mem::replace(&mut list[key.parse::<usize>().unwrap()], value)),
        _ => panic!("{parent}"),
    };
    Config::parse(&document.to_string()).expect_err(pointer)
}

/// Asserts that the value causes one error, at its own place, whose text holds the words.
pub(super) fn refused(pointer: &str, value: serde_json::Value, words: &[&str]) {
    refused_at(pointer, pointer, value, words);
}

pub(super) fn refused_at(at: &str, pointer: &str, value: serde_json::Value, words: &[&str]) {
    let errors = errors(pointer, value);
    assert_eq!(pointers_of(&errors), [at], "{errors}");
    for word in words {
        assert!(errors.to_string().contains(word), "{word}: {errors}");
    }
}

/// The `auth` of the server `docs`.
pub(super) fn auth_of(auth: &serde_json::Value) -> Auth {
    let mut document = complete();
    document["servers"]["docs"]["auth"] = auth.clone();
    Config::parse(&document.to_string()).unwrap().servers["docs"].auth.clone()
}

/// The errors of such an `auth`.
pub(super) fn auth_errors(auth: &serde_json::Value) -> ConfigErrors {
    errors("/servers/docs/auth", auth.clone())
}

/// Where the errors are.
pub(super) fn pointers_of(errors: &ConfigErrors) -> Vec<&str> {
    errors.0.iter().map(|error| error.pointer.as_str()).collect()
}

#[test]
fn every_field_arrives() {
    let config = Config::parse(&complete().to_string()).unwrap();
    assert_eq!(config.public_url.as_ref().map(Origin::as_str), Some("https://mcp.example.com"));
    assert_eq!(config.allowed_hosts, ["mcp.example.com", "gateway.example.workers.dev"]);
    assert_eq!(config.allowed_origins, ["https://inspector.example.com", "http://localhost:6274"]);
    let Login::Oidc(oidc) = &config.login else { panic!() };
    assert_eq!((oidc.issuer.as_str(), oidc.client_id.as_str()), ("https://id.example.com/", "gateway"));
    assert_eq!(oidc.scopes, ["openid", "email"]);
    assert_eq!(config.session_ttl, Lifetime(3600));
    assert!(!config.clients.dynamic_registration && config.clients.metadata_documents);
    let client = &config.clients.preregistered[0];
    assert_eq!((client.client_id.as_str(), client.name.as_str()), ("glean", "Glean"));
    assert_eq!(client.token_endpoint_auth_method, Some(AuthenticationMethod::ClientSecretPost));
    assert_eq!(
        config.tokens,
        TokenLifetimes { access_ttl: Lifetime(600), refresh_ttl: Lifetime(604_800), refresh_max: Lifetime::days(365) }
    );
    assert_eq!(config.consent, ConsentPolicy::Always);
    let docs = &config.servers["docs"];
    assert_eq!(config.server_at("/docs/mcp"), Some(docs));
    assert_eq!(config.server_at("/v1/mcp/docs"), None);
    assert_eq!((docs.path.as_str(), docs.timeout), ("/docs/mcp", Lifetime(20)));
    let Auth::Headers(headers) = &docs.auth else { panic!() };
    assert!(
        matches!(&headers[0], (name, Value::Secret(secret)) if name == "x-api-key" && secret.as_str() == "DOCS_KEY")
    );
    assert!(matches!(&headers[1], (name, Value::Literal(text)) if name == "x-team" && text == "edge"));
    assert_eq!((config.limits.body_bytes, config.limits.depth), (1 << 20, 32));
    let names: Vec<_> = config.secret_names().into_iter().map(SecretName::as_str).collect();
    assert_eq!(names, ["LOGIN_CLIENT_SECRET", "GLEAN_SECRET", "DOCS_KEY", "MAIL_CLIENT_SECRET", "REPORTS_SECRET"]);
}

#[test]
fn the_committed_configuration_is_a_development_gateway_with_every_default() {
    let config = Config::parse(include_str!("../../gateway.json")).unwrap();
    assert_eq!(config.public_url, None);
    let Login::Dev { accounts } = &config.login else { panic!() };
    assert_eq!(accounts.iter().map(|account| account.subject.as_str()).collect::<Vec<_>>(), ["alice", "bob"]);
    assert_eq!(config.session_ttl, Lifetime::hours(8));
    assert!(config.clients.dynamic_registration && config.clients.metadata_documents);
    assert_eq!(
        config.tokens,
        TokenLifetimes {
            access_ttl: Lifetime::hours(1),
            refresh_ttl: Lifetime::days(30),
            refresh_max: Lifetime::days(365)
        }
    );
    assert_eq!(config.consent, ConsentPolicy::Once);
    assert_eq!((config.limits.body_bytes, config.limits.depth), (4 << 20, 64));
    assert_eq!(config.limits.sign_in_per_address.map(PerMinute::get), Some(1200));
    let demo = &config.servers["demo"];
    assert_eq!((demo.name.as_str(), demo.path.as_str(), demo.auth.clone()), ("Demo", "/v1/mcp/demo", Auth::None));
    assert_eq!((demo.url.as_str(), demo.timeout), ("http://localhost:8788/mcp", Lifetime(50)));
}

#[test]
fn what_is_missing_is_named_with_what_to_write() {
    for pointer in ["/login/issuer", "/login/client_id", "/servers/docs/url", "/servers/docs/auth/headers"] {
        refused(pointer, json!(null), &["is missing", "write"]);
    }
    refused("/clients/preregistered/0/client_id", json!(null), &["is missing"]);
    refused("/clients/preregistered/0/redirect_uris", json!(null), &["is missing"]);
    refused("/servers", json!(null), &["is missing"]);
    refused("/allowed_hosts/1", json!(null), &["is missing", "remove"]);
    let errors = Config::parse("{}").unwrap_err().to_string();
    assert!(errors.contains("/login: is missing") && errors.contains("/servers: is missing"), "{errors}");
}

#[test]
fn a_secret_in_the_wrong_place_is_never_repeated() {
    for (at, pointer, value) in [
        ("/login/client_secret", "/login/client_secret", json!("hunter2")),
        ("/login/client_secret/secret", "/login/client_secret", json!({"secret": "hunter2"})),
        ("/clients/preregistered/0/client_secret", "/clients/preregistered/0/client_secret", json!("hunter2")),
        (
            "/servers/docs/auth/headers/Authorization",
            "/servers/docs/auth/headers/Authorization",
            json!("Bearer hunter2"),
        ),
        ("/servers/docs/auth/headers/X-Auth-Token", "/servers/docs/auth/headers/X-Auth-Token", json!("hunter2")),
        ("/servers/docs/auth/headers/X-Team", "/servers/docs/auth/headers/X-Team", json!("hunter2\n")),
        ("/servers/docs/auth/headers/X-Team", "/servers/docs/auth/headers/X-Team", json!({"secrets": "hunter2"})),
        ("/servers/docs/auth/headers/X-Team/secret", "/servers/docs/auth/headers/X-Team", json!({"secret": "hunter2"})),
        ("/servers/docs/url", "/servers/docs/url", json!("https://me:hunter2@docs.example.com/mcp")),
        ("/servers/docs/url", "/servers/docs/url", json!("http://docs.example.com/mcp?key=hunter2")),
        ("/public_url", "/public_url", json!("https://me:hunter2@mcp.example.com")),
    ] {
        let errors = errors(pointer, value);
        assert_eq!(pointers_of(&errors), [at], "{errors}");
        assert!(!errors.to_string().contains("hunter2"), "{errors}");
    }
    refused("/login/client_secret", json!("hunter2"), &["wrangler secret put", "{\"secret\": \"NAME\"}"]);
}

#[test]
fn numbers_stay_within_their_ranges() {
    for (pointer, below, above) in [
        ("/login/session_ttl_seconds", 0, 2_592_001_u64),
        ("/tokens/access_ttl_seconds", 0, 86_401),
        ("/tokens/refresh_ttl_seconds", 0, 31_536_001),
        ("/servers/docs/timeout_seconds", 0, 601),
        ("/limits/body_bytes", 1023, (16 << 20) + 1),
        ("/limits/depth", 7, 101),
    ] {
        refused(pointer, json!(below), &["write a number from"]);
        refused(pointer, json!(above), &[&above.to_string(), &(above - 1).to_string()]);
        refused(pointer, json!("1"), &["plain text", "whole number"]);
    }
}

#[test]
fn what_was_stored_under_wider_bounds_still_opens() {
    let document = |bytes: u64| {
        let limits = json!({"body_bytes": bytes});
        json!({"login": {"kind": "dev"}, "servers": {}, "limits": limits}).to_string()
    };
    assert!(Config::parse(&document(32 << 20)).is_err());
    assert_eq!(Config::parse_stored(&document(32 << 20)).unwrap().limits.body_bytes, 16 << 20);
    assert_eq!(Config::parse_stored(&document(2048)).unwrap().limits.body_bytes, 2048);
}

#[test]
fn hosts_and_origins_are_exact() {
    refused("/allowed_hosts/0", json!("*.example.com"), &["not a host"]);
    refused("/allowed_hosts/0", json!("https://mcp.example.com"), &["not a host"]);
    refused("/allowed_origins/0", json!("*"), &["absolute URL"]);
    refused("/allowed_origins/0", json!("https://claude.ai/chat"), &["more than an origin"]);
    refused("/public_url", json!("https://mcp.example.com/mcp"), &["\"https://mcp.example.com\""]);
}

#[test]
fn mistakes_of_shape_and_of_meaning_come_together() {
    let text = r#"{"public_url": "mcp.example.com", "nope": 1, "tokens": {"access_ttl_seconds": 0},
        "servers": {"a": {"url": 5, "path": "/login"}, "b": {"url": "https://b.example", "timeout_seconds": "x"}}}"#;
    let errors = Config::parse(text).unwrap_err();
    let pointers = pointers_of(&errors);
    let expected = [
        "/nope",
        "/servers/a/url",
        "/servers/b/timeout_seconds",
        "/public_url",
        "/login",
        "/tokens/access_ttl_seconds",
        "/servers/a/path",
    ];
    assert_eq!(pointers, expected, "{errors}");
    let lines = serde_json::to_value(&errors).unwrap();
    assert_eq!(lines[0], json!({"pointer": "/nope", "problem": errors.0[0].problem, "fix": errors.0[0].fix}));
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        any::<i64>().prop_map(|value| json!(value)),
        "\\PC{0,12}".prop_map(|value| json!(value)),
        Just(json!("https://a.example/b")),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|list| json!(list)),
            prop::collection::btree_map("kind|url|secret|[a-z/~]{0,4}", inner, 0..3).prop_map(|object| json!(object)),
        ]
    })
}

/// Every pointer of a document.
fn pointers(node: &serde_json::Value, at: &Pointer, found: &mut Vec<String>) {
    found.push(at.as_str().to_owned());
    match node {
        serde_json::Value::Object(object) => {
            object.iter().for_each(|(key, node)| pointers(node, &at.child(key), found));
        }
        serde_json::Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, node)| pointers(node, &at.child(index), found));
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_value_in_any_place_is_proven_or_explained(place in any::<prop::sample::Index>(), value in any_json()) {
        let mut document = complete();
        let mut places = Vec::new();
        pointers(&document, &Pointer::default(), &mut places);
        let place = place.get(&places).clone();
        *document.pointer_mut(&place).unwrap() = value;
        if let Err(ConfigErrors(errors)) = Config::parse(&document.to_string()) {
            prop_assert!(!errors.is_empty());
            for error in errors {
                prop_assert!(error.pointer.is_empty() || error.pointer.starts_with('/'));
                prop_assert!(!error.problem.is_empty() && !error.fix.is_empty());
            }
        }
    }

    #[test]
    fn any_text_is_proven_or_explained(text in "\\PC{0,64}") {
        prop_assert!(Config::parse(&text).is_err_and(|errors| !errors.0.is_empty()));
    }
}

#[test]
fn a_missing_secret_is_reported_where_the_document_names_it() {
    let document = complete();
    let config = Config::parse(&document.to_string()).unwrap();
    for name in config.secret_names() {
        let error = name.is_missing(&[]);
        assert_eq!(document.pointer(&error.pointer), Some(&json!(name.as_str())), "{error}");
        assert!(error.problem.contains(name.as_str()) && error.fix.contains("--env-file"), "{error}");
    }
    let login = config.secret_names()[0];
    let others = ["KEY_RING", "LOGIN_CLIENTSECRET", "DOCS_KEY"].map(ToOwned::to_owned);
    assert!(login.is_missing(&others).fix.starts_with("write \"LOGIN_CLIENTSECRET\" if that is meant"));
    assert!(!login.is_missing(&others[2..]).fix.contains("if that is meant"));
}
