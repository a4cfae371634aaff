//! Clients registered beforehand: where their secrets may go, and what has to come together.
//!
//! Not here: the fields beside `client` (`config::auth::oauth`).

use serde_json::{Value, json};

use crate::config::Auth;
use crate::config::tests::{auth_errors, auth_of, pointers_of};
use crate::oauth::authentication_method::AuthenticationMethod;

const CLIENT: &str = "/servers/docs/auth/client";
const AUTH: &str = "/servers/docs/auth";

/// A client with everything, at a pinned issuer.
fn complete() -> Value {
    json!({
        "kind": "oauth",
        "issuer": "https://id.example.com",
        "client": {
            "client_id": "gateway",
            "client_secret": {"secret": "DOCS_CLIENT_SECRET"},
            "token_endpoint_auth_method": "client_secret_post",
            "authorization_endpoint": "https://id.example.com/authorize?tenant=1",
            "token_endpoint": "https://10.0.0.7:8443/token",
            "revocation_endpoint": "http://localhost:9000/revoke",
            "redirect_uri": "https://mcp.example.com/oauth/upstream-callback"
        }
    })
}

fn with(field: &str, value: Value) -> Value {
    let mut auth = complete();
    auth["client"][field] = value;
    auth
}

fn credentials() -> Value {
    json!({
        "kind": "client_credentials",
        "client_id": "gateway",
        "client_secret": {"secret": "DOCS_CLIENT_SECRET"},
        "token_endpoint": "https://id.example.com/token",
        "scope": "read write",
        "resource": "https://docs.example.com",
        "token_endpoint_auth_method": "client_secret_basic"
    })
}

fn credentials_with(field: &str, value: Value) -> Value {
    let mut auth = credentials();
    auth[field] = value;
    auth
}

fn refused(auth: &Value, at: &str, word: &str) {
    let errors = auth_errors(auth);
    assert_eq!(pointers_of(&errors), [at], "{errors}");
    assert!(errors.to_string().contains(word), "{word}: {errors}");
}

#[test]
fn every_setting_of_a_client_arrives() {
    let Auth::OAuth(oauth) = auth_of(&complete()) else { panic!() };
    let client = oauth.client.unwrap();
    assert_eq!(client.client_id, "gateway");
    assert_eq!(client.client_secret.unwrap().as_str(), "DOCS_CLIENT_SECRET");
    assert_eq!(client.method, Some(AuthenticationMethod::ClientSecretPost));
    assert_eq!(client.authorization_endpoint.unwrap().as_str(), "https://id.example.com/authorize?tenant=1");
    assert_eq!(client.token_endpoint.unwrap().as_str(), "https://10.0.0.7:8443/token");
    assert_eq!(client.revocation_endpoint.unwrap().as_str(), "http://localhost:9000/revoke");
    assert_eq!(client.redirect_uri.unwrap(), "https://mcp.example.com/oauth/upstream-callback");
}

#[test]
fn answers_come_back_to_the_web_only() {
    for uri in
        ["javascript:alert(1)//oauth/upstream-callback", "javascript://x/oauth/upstream-callback", "data:text/html,x"]
    {
        assert_eq!(pointers_of(&auth_errors(&with("redirect_uri", json!(uri)))), [format!("{CLIENT}/redirect_uri")]);
    }
}

#[test]
fn a_secret_goes_only_where_the_operator_says() {
    let secret = json!({"secret": "DOCS_CLIENT_SECRET"});
    let client = |client: Value| json!({"kind": "oauth", "client": client});
    refused(
        &client(json!({"client_id": "gateway", "client_secret": secret})),
        &format!("{CLIENT}/client_secret"),
        "the operator says",
    );
    auth_of(&client(json!({"client_id": "gateway"})));
    auth_of(&client(json!({
        "client_id": "gateway",
        "client_secret": secret,
        "authorization_endpoint": "https://id.example.com/authorize",
        "token_endpoint": "https://id.example.com/token"
    })));
    let mut pinned = client(json!({"client_id": "gateway", "client_secret": secret}));
    pinned["issuer"] = json!("https://id.example.com");
    auth_of(&pinned);
    pinned["issuer"] = json!("id.example.com");
    refused(&pinned, &format!("{AUTH}/issuer"), "absolute URL");
    pinned["issuer"] = json!(5);
    refused(&pinned, &format!("{AUTH}/issuer"), "string");
}

#[test]
fn without_an_issuer_the_endpoints_come_together() {
    for (written, missing) in
        [("authorization_endpoint", "token_endpoint"), ("token_endpoint", "authorization_endpoint")]
    {
        let mut auth = json!({"kind": "oauth", "client": {"client_id": "gateway", "client_secret": {"secret": "S"}}});
        auth["client"][written] = json!("https://id.example.com/x");
        refused(&auth, &format!("{CLIENT}/{missing}"), "issuer");
        auth["issuer"] = json!("https://id.example.com");
        auth_of(&auth);
    }
}

#[test]
fn endpoints_are_https_or_on_this_machine() {
    for field in ["authorization_endpoint", "token_endpoint", "revocation_endpoint", "redirect_uri"] {
        for url in
            ["/token", "http://id.example.com/token", "https://me:pw@id.example.com/", "https://id.example.com/#x"]
        {
            refused(&with(field, json!(url)), &format!("{CLIENT}/{field}"), "is \"");
        }
    }
    refused(
        &with("redirect_uri", json!("https://mcp.example.com/callback")),
        &format!("{CLIENT}/redirect_uri"),
        "upstream-callback",
    );
    let query = json!("https://mcp.example.com/oauth/upstream-callback?x=1");
    refused(&with("redirect_uri", query), &format!("{CLIENT}/redirect_uri"), "upstream-callback");
    refused(
        &credentials_with("token_endpoint", json!("http://id.example.com")),
        &format!("{AUTH}/token_endpoint"),
        "plain http",
    );
}

#[test]
fn a_client_agrees_with_itself() {
    refused(&with("client_id", Value::Null), &format!("{CLIENT}/client_id"), "is missing");
    refused(&with("client_id", json!("a b")), &format!("{CLIENT}/client_id"), "client id");
    refused(
        &with("token_endpoint_auth_method", json!("none")),
        &format!("{CLIENT}/token_endpoint_auth_method"),
        "has a secret",
    );
    refused(&with("client_secret", Value::Null), &format!("{CLIENT}/client_secret"), "is missing");
    refused(&with("client_secret", json!("hunter2")), &format!("{CLIENT}/client_secret"), "wrangler secret put");
    refused(
        &with("client_secret", json!({"secret": "KEY_RING"})),
        &format!("{CLIENT}/client_secret/secret"),
        "gateway itself",
    );
    refused(&with("scopes", json!("x")), &format!("{CLIENT}/scopes"), "is not a field");
}

#[test]
fn client_credentials_have_a_client_a_secret_and_a_place() {
    let Auth::ClientCredentials(client) = auth_of(&credentials()) else { panic!() };
    assert_eq!((client.client_id.as_str(), client.client_secret.as_str()), ("gateway", "DOCS_CLIENT_SECRET"));
    assert_eq!(client.token_endpoint.unwrap().as_str(), "https://id.example.com/token");
    assert_eq!(client.resource.as_deref(), Some("https://docs.example.com"));
    assert_eq!((client.scope.as_deref(), client.issuer), (Some("read write"), None));
    for field in ["client_id", "client_secret", "token_endpoint"] {
        refused(&credentials_with(field, Value::Null), &format!("{AUTH}/{field}"), "is missing");
    }
    let mut pinned = credentials_with("token_endpoint", Value::Null);
    pinned["issuer"] = json!("https://id.example.com");
    auth_of(&pinned);
    refused(
        &credentials_with("token_endpoint_auth_method", json!("none")),
        &format!("{AUTH}/token_endpoint_auth_method"),
        "has a secret",
    );
    refused(&credentials_with("scope", json!("read  write")), &format!("{AUTH}/scope"), "scope");
    for resource in ["docs", "https://docs.example.com/#x", "https://docs.example.com/ü", ""] {
        refused(&credentials_with("resource", json!(resource)), &format!("{AUTH}/resource"), "absolute URI");
    }
}

#[test]
fn every_mistake_is_told_at_once() {
    let errors = auth_errors(&json!({
        "kind": "oauth", "issuer": "x", "scope": "", "shared": true, "connect": "first_call",
        "client": {"client_id": "", "token_endpoint": "y", "redirect_uri": "z", "client_secret": {"secret": "hunter2"}}
    }));
    let expected = [
        "connect",
        "scope",
        "issuer",
        "client/client_id",
        "client/token_endpoint",
        "client/client_secret/secret",
        "client/redirect_uri",
    ]
    .map(|field| format!("{AUTH}/{field}"));
    assert_eq!(pointers_of(&errors), expected, "{errors}");
    assert!(!errors.to_string().contains("hunter2"), "{errors}");
}
