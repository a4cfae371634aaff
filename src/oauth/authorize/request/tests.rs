//! Each rule of an authorization request, and that no input breaks the reading.
//!
//! Not here: looking the client up (`tests/attacks` has that).

use proptest::prelude::*;
use url::Url;

use super::*;
use crate::oauth::client::{Authentication, ClientSource, GrantType};

const ISSUER: &str = "https://gw.example";
const DOCS: (&str, &str) = ("docs", "https://gw.example/v1/mcp/docs");
const LINEAR: (&str, &str) = ("linear", "https://gw.example/v1/mcp/linear");
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn client(uris: &[&str]) -> Client {
    Client {
        id: "c".to_owned(),
        name: None,
        redirect_uris: uris.iter().map(|uri| RedirectUri::parse(uri).unwrap()).collect(),
        authentication: Authentication::None,
        source: ClientSource::Registered,
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        scope: None,
        dpop_bound: false,
    }
}

/// A good request, with parameters replaced (`Some`), repeated or left out (`None`).
fn query(changes: &[(&str, Option<&str>)]) -> String {
    let good = [
        ("client_id", "c"),
        ("redirect_uri", "https://a.example/cb?x=1"),
        ("response_type", "code"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "a b&c=\u{e9}"),
        ("scope", "mcp:tools offline_access"),
        ("resource", DOCS.1),
    ];
    let kept = good.into_iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    let replaced = changes.iter().filter_map(|(name, value)| value.map(|value| (*name, value)));
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept.chain(replaced)).finish()
}

fn redirectable(query: &str) -> Redirectable {
    let client = client(&["https://a.example/cb?x=1", "http://localhost/cb"]);
    ClientQuery::parse(query).unwrap().for_client(&client).unwrap()
}

fn read(query: &str) -> Result<AuthorizationRequest, RedirectError> {
    let supported = ScopeSet::parse("mcp:tools offline_access").unwrap();
    let default_scope = ScopeSet::parse("mcp:tools").unwrap();
    redirectable(query).parse(ISSUER, &these(&[DOCS, LINEAR]), &supported, &default_scope)
}

fn these<'a>(all: &'a [(&'a str, &'a str)]) -> KnownServers<'a> {
    KnownServers { all, listed: true }
}

fn parameters(location: &str) -> Vec<(String, String)> {
    Url::parse(location).unwrap().query_pairs().into_owned().collect()
}

#[test]
fn nothing_is_redirected_before_client_and_redirect_uri_are_proven() {
    let parse = |query: &str| ClientQuery::parse(query).unwrap_err();
    assert_eq!(parse(&query(&[("client_id", None)])), LocalError::MissingClientId);
    assert_eq!(parse(&format!("{}&pad={}", query(&[]), "a".repeat(8192))), LocalError::TooLong);
    assert!(matches!(parse("client_id=c&state=%zz"), LocalError::Malformed(_)));
    for twice in ["client_id=c", "redirect_uri=https://a.example/cb"] {
        assert!(matches!(parse(&format!("{}&{twice}", query(&[]))), LocalError::Malformed(_)), "{twice}");
    }
    let two = client(&["https://a.example/cb", "https://b.example/cb"]);
    let registered = vec!["https://a.example/cb".to_owned(), "https://b.example/cb".to_owned()];
    let prove = |changes: &[(&str, Option<&str>)], client| {
        ClientQuery::parse(&query(changes)).unwrap().for_client(client).unwrap_err()
    };
    assert_eq!(prove(&[("client_id", Some("d"))], &two), LocalError::UnknownClient);
    for requested in
        ["https://a.example/cb/", "https://evil.example/cb", "javascript:alert(1)", "https://a.example/cb?code=x"]
    {
        let error =
            LocalError::UnregisteredRedirect { requested: requested.to_owned(), registered: Some(registered.clone()) };
        assert_eq!(prove(&[("redirect_uri", Some(requested))], &two), error);
    }
    assert_eq!(prove(&[("redirect_uri", None)], &two), LocalError::MissingRedirect);
}

#[test]
fn the_redirect_uri_is_the_requested_one_or_the_only_one() {
    let supported = ScopeSet::parse("mcp:tools").unwrap();
    for (uris, sent, used) in [
        (
            &["http://localhost/cb", "https://a.example/cb"][..],
            Some("http://localhost:3118/cb"),
            "http://localhost:3118/cb",
        ),
        (&["https://a.example/cb"], None, "https://a.example/cb"),
    ] {
        let query = ClientQuery::parse(&query(&[("redirect_uri", sent)])).unwrap();
        let proven = query.for_client(&client(uris)).unwrap();
        assert_eq!(proven.named_redirect().map(RedirectUri::as_str), sent);
        let request = proven.parse(ISSUER, &these(&[DOCS]), &supported, &supported).unwrap();
        assert_eq!(request.redirect.as_str(), used);
    }
}

#[test]
fn each_rule_has_its_error_and_it_goes_back_with_state_and_issuer() {
    use ErrorCode as E;
    let long = "s".repeat(2049);
    let verifier = "v".repeat(64);
    for (changes, error, says) in [
        (&[("response_type", None)][..], E::InvalidRequest, "response_type is missing"),
        (&[("response_type", Some("token"))], E::UnsupportedResponseType, "code"),
        (&[("response_type", Some("code")), ("response_type", Some("code"))], E::InvalidRequest, "more than once"),
        (&[("response_mode", Some("fragment"))], E::InvalidRequest, "query"),
        (&[("request", Some("x"))], E::InvalidRequest, "request is not supported"),
        (&[("request_uri", Some("https://a.example/r"))], E::InvalidRequest, "request_uri is not supported"),
        (&[("code_challenge", None)], E::InvalidRequest, "PKCE"),
        (&[("code_challenge", None), ("code_challenge_method", None)], E::InvalidRequest, "PKCE"),
        (&[("code_challenge_method", None)], E::InvalidRequest, "S256"),
        (&[("code_challenge_method", Some("plain"))], E::InvalidRequest, "S256"),
        (&[("code_challenge", Some(&verifier))], E::InvalidRequest, "43 characters"),
        (
            &[("code_challenge", Some(CHALLENGE)), ("code_challenge", Some(CHALLENGE))],
            E::InvalidRequest,
            "more than once",
        ),
        (&[("state", Some(&long))], E::InvalidRequest, "state"),
        (&[("state", Some("a")), ("state", Some("b"))], E::InvalidRequest, "more than once"),
        (&[("scope", Some("openid profile"))], E::InvalidScope, "mcp:tools"),
        (&[("scope", Some("a\"b"))], E::InvalidScope, "character"),
        (&[("scope", Some("a")), ("scope", Some("b"))], E::InvalidRequest, "more than once"),
        (&[("resource", None)], E::InvalidTarget, LINEAR.1),
        (&[("resource", Some("https://gw.example/v1/mcp/x"))], E::InvalidTarget, "no server here"),
        (&[("resource", Some("https://old.example/v1/mcp/docs"))], E::InvalidTarget, "remove the server"),
        (&[("resource", Some("/v1/mcp/docs"))], E::InvalidTarget, "no server here"),
        (&[("resource", Some(&format!("{}#x", DOCS.1)))], E::InvalidTarget, "no server here"),
        (&[("resource", Some(DOCS.1)), ("resource", Some(LINEAR.1))], E::InvalidTarget, "one at a time"),
    ] {
        let query = query(changes);
        let failed = read(&query).unwrap_err();
        assert!(failed.error == error && failed.description().contains(says), "{changes:?} {failed:?}");
        let told = parameters(&redirectable(&query).error_location(ISSUER, &failed));
        for (name, times) in [("error", 1), ("iss", 1), ("code", 0)] {
            assert_eq!(told.iter().filter(|(held, _)| held == name).count(), times, "{changes:?} {told:?}");
        }
        let echoed = told.iter().filter(|(name, _)| name == "state").count();
        assert_eq!(echoed, usize::from(!changes.iter().any(|(name, _)| *name == "state")), "{told:?}");
    }
}

#[test]
fn scope_is_what_exists_and_the_client_may_have() {
    let scope = |sent| read(&query(&[("scope", sent)])).unwrap().scope.to_string();
    assert_eq!(scope(Some("openid mcp:tools email")), "mcp:tools");
    assert_eq!((scope(None), scope(Some(""))), ("mcp:tools".to_owned(), "mcp:tools".to_owned()));
    let all = ScopeSet::parse("mcp:tools offline_access").unwrap();
    let granted = |asked: &str, refreshing| {
        let mut request = redirectable(&query(&[("scope", Some(asked))]));
        request.refreshing = refreshing;
        request.parse(ISSUER, &these(&[DOCS]), &all, &all).unwrap().scope.to_string()
    };
    assert_eq!(granted("mcp:tools offline_access", Refreshing::Never), "mcp:tools");
    assert_eq!(granted("mcp:tools", Refreshing::ByScope), "mcp:tools");
    assert_eq!(granted("mcp:tools", Refreshing::ByGrantType), "mcp:tools offline_access");
}

#[test]
fn resource_is_found_in_every_spelling_and_may_repeat_itself() {
    let upper = "HTTPS://GW.example/v1/mcp/docs/";
    assert_eq!(read(&query(&[("resource", Some(upper)), ("resource", Some(DOCS.1))])).unwrap().resource, DOCS.1);
    let only = redirectable(&query(&[("resource", None)]));
    let scopes = ScopeSet::parse("mcp:tools").unwrap();
    assert_eq!(only.parse(ISSUER, &these(&[LINEAR]), &scopes, &scopes).unwrap().slug, "linear");
    assert_eq!(only.parse(ISSUER, &these(&[]), &scopes, &scopes).unwrap_err().error, ErrorCode::InvalidTarget);
}

#[test]
fn the_redirect_uris_of_a_client_the_operator_set_up_are_not_told() {
    let ours = Client { source: ClientSource::Preregistered, ..client(&["https://a.example/cb"]) };
    let asked = ClientQuery::parse(&query(&[("redirect_uri", Some("https://evil.example/"))])).unwrap();
    let error = asked.for_client(&ours).unwrap_err();
    assert_eq!(
        error,
        LocalError::UnregisteredRedirect { requested: "https://evil.example/".to_owned(), registered: None }
    );
}

#[test]
fn no_page_beside_a_page_is_no_request() {
    let error = read(&query(&[("prompt", Some("none consent"))])).unwrap_err();
    assert_eq!(error.error, ErrorCode::InvalidRequest);
    assert!(read(&query(&[("prompt", Some("none"))])).is_ok());
}

#[test]
fn a_good_request_reads_into_these_sealed_bytes() {
    let request = read(&query(&[("prompt", Some("login consent"))])).unwrap();
    let golden = concat!(
        r#"{"client_id":"c","redirect":"https://a.example/cb?x=1","state":"a b&c=é","#,
        r#""challenge":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM","scope":"mcp:tools offline_access","#,
        r#""resource":"https://gw.example/v1/mcp/docs","slug":"docs","prompt_consent":true}"#,
    );
    assert_eq!(serde_json::to_string(&request).unwrap(), golden);
    assert_eq!(serde_json::from_str::<AuthorizationRequest>(golden).unwrap(), request);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn any_query_reads_or_is_refused(tail in "[ -~]{0,60}") {
        let scopes = ScopeSet::parse("mcp:tools").unwrap();
        let _ = ClientQuery::parse(&tail);
        if let Ok(read) = ClientQuery::parse(&format!("{}&{tail}", query(&[]))) {
            let proven = read.for_client(&client(&["https://a.example/cb?x=1"])).unwrap();
            let _ = proven.parse(ISSUER, &these(&[DOCS]), &scopes, &scopes);
        }
    }
}
