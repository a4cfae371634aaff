//! Each rule of a client id and of its document, and that no input breaks the reading.
//!
//! Not here: the fetch (`tests/attacks.rs` has that).

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::headers::HeaderValue;

const ID: &str = "https://claude.ai/oauth/claude-code-client-metadata";

fn document() -> Value {
    json!({"client_id": ID, "client_name": "Claude Code", "token_endpoint_auth_method": "none",
        "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"], "logo_uri": "http://10.0.0.1/"})
}

fn read(document: &Value) -> Result<Client, DocumentError> {
    let url = parse_client_id(ID, false).unwrap();
    let bytes = document.to_string();
    parse_document(&url, 200, Some("application/json; charset=utf-8"), bytes.as_bytes(), &RedirectPolicy::default())
}

fn with(field: &str, value: Value) -> Value {
    let mut document = document();
    document[field] = value;
    document
}

#[test]
fn claude_code_is_a_client() {
    let client = read(&document()).unwrap();
    assert_eq!((client.id.as_str(), client.name.as_deref()), (ID, Some("Claude Code")));
    assert_eq!(client.source, ClientSource::Document { host: "claude.ai".to_owned() });
    assert!(client.redirect_uris[0].accepts("http://localhost:3118/callback"));
    assert_eq!(client.authentication, Authentication::None);
}

#[test]
fn each_rule_of_the_client_id_has_its_error() {
    use DocumentError as E;
    let long = format!("https://a.example/{}", "a".repeat(2048));
    for (id, error) in [
        (long.as_str(), E::LongId),
        ("https://", E::NotUrl),
        ("mailto:a@example.com", E::NotUrl),
        ("http://a.example/c", E::NotHttps),
        ("ftp://a.example/c", E::NotHttps),
        ("https://a.example/c#x", E::Fragment),
        ("https://good.example@a.example/c", E::UserInfo),
        ("https://a.example", E::NoPath),
        ("https://a.example/", E::NoPath),
        ("https://a.example/x/../c", E::NotCanonical),
        ("https://a.example/x/%2e%2e/c", E::NotCanonical),
        ("https://a.example/./c", E::NotCanonical),
        ("https://A.example/c", E::NotCanonical),
        ("https://a.example:443/c", E::NotCanonical),
        ("https:\\\\a.example/c", E::NotCanonical),
        (" https://a.example/c", E::NotCanonical),
        ("https://0x7f.1/c", E::NotCanonical),
        ("https://127.0.0.1/c", E::NotPublic(NotPublic::Address)),
        ("https://[::ffff:a00:1]/c", E::NotPublic(NotPublic::Address)),
        ("https://localhost/c", E::NotPublic(NotPublic::Name)),
        ("https://metadata.google.internal/c", E::NotPublic(NotPublic::Name)),
    ] {
        assert_eq!(parse_client_id(id, false), Err(error), "{id}");
    }
    assert!(parse_client_id("https://a.example:8443/c?x=1", false).is_ok());
}

#[test]
fn loopback_is_for_a_gateway_on_loopback() {
    for id in ["http://localhost:9000/c", "http://127.0.0.1:9000/c", "https://[::1]:9000/c"] {
        assert!(parse_client_id(id, true).is_ok() && parse_client_id(id, false).is_err(), "{id}");
    }
    assert_eq!(parse_client_id("http://a.example/c", true), Err(DocumentError::NotHttps));
    assert_eq!(parse_client_id("http://10.0.0.1/c", true), Err(DocumentError::NotHttps));
    assert_eq!(parse_client_id("https://10.0.0.1/c", true), Err(DocumentError::NotPublic(NotPublic::Address)));
}

#[test]
fn each_rule_of_the_answer_has_its_error() {
    let url = parse_client_id(ID, false).unwrap();
    let body = document().to_string();
    let answer = |status, content_type, bytes: &[u8]| {
        parse_document(&url, status, content_type, bytes, &RedirectPolicy::default()).unwrap_err()
    };
    let json = Some("application/json");
    assert_eq!(answer(302, json, body.as_bytes()), DocumentError::Redirected);
    for status in [201, 204, 404, 500] {
        assert_eq!(answer(status, json, body.as_bytes()), DocumentError::Status { status });
    }
    for content_type in [None, Some("text/html"), Some("text/json"), Some("application/jsonp"), Some("text/x+json")] {
        assert_eq!(answer(200, content_type, body.as_bytes()), DocumentError::NotJson, "{content_type:?}");
    }
    let padded = format!("{body}{}", " ".repeat(LIMIT));
    assert_eq!(answer(200, json, padded.as_bytes()), DocumentError::TooLarge);
    assert!(is_json("Application/JSON") && is_json("application/oauth-client+json ;charset=utf-8"));
}

#[test]
fn each_rule_of_the_document_has_its_error() {
    use DocumentError as E;
    let missing = |field| E::Metadata(MetadataError::Missing { field });
    for (document, error) in [
        (json!([]), E::Metadata(MetadataError::NotAnObject)),
        (with("client_id", Value::Null), missing("client_id")),
        (with("client_id", json!(format!("{ID}/"))), E::OtherClientId),
        (with("client_name", Value::Null), missing("client_name")),
        (with("client_name", json!(" ")), missing("client_name")),
        (with("redirect_uris", json!([])), missing("redirect_uris")),
        (with("client_secret", json!("s")), E::Secret),
        (with("client_secret", Value::Null), E::Secret),
        (with("client_secret_expires_at", json!(0)), E::Secret),
        (with("token_endpoint_auth_method", json!("client_secret_basic")), E::Authentication),
        (with("token_endpoint_auth_method", json!("client_secret_post")), E::Authentication),
        (with("token_endpoint_auth_method", json!("client_secret_jwt")), E::Authentication),
        (with("token_endpoint_auth_method", json!("private_key_jwt")), E::Metadata(MetadataError::Keys)),
    ] {
        assert_eq!(read(&document), Err(error), "{document}");
    }
    let implicit = read(&with("response_types", json!(["token"]))).unwrap_err();
    assert!(implicit.to_string().contains("response_types"), "{implicit}");
    let unfit = read(&with("redirect_uris", json!(["http://a.example/cb"]))).unwrap_err();
    assert!(unfit.to_string().contains("plain http"), "{unfit}");
    assert!(read(&with("token_endpoint_auth_method", Value::Null)).is_ok());
}

#[test]
fn the_operators_patterns_hold_for_documents_too() {
    let policy = RedirectPolicy { patterns: vec!["https://claude.ai/*".to_owned()] };
    let url = parse_client_id(ID, false).unwrap();
    let body = document().to_string();
    let error = parse_document(&url, 200, Some("application/json"), body.as_bytes(), &policy).unwrap_err();
    assert!(matches!(error, DocumentError::Metadata(MetadataError::RedirectUri { .. })), "{error}");
}

#[test]
fn caching_follows_the_server_within_bounds() {
    for (cache_control, age, lifetime) in [
        (None, None, SHORTEST),
        (Some("max-age=3600"), None, Lifetime(3600)),
        (Some("public, Max-Age=\"3600\""), Some("600"), Lifetime(3000)),
        (Some("max-age=60, s-maxage=7200"), None, Lifetime(7200)),
        (Some("max-age=1"), None, SHORTEST),
        (Some("max-age=99999999999999999999"), None, SHORTEST),
        (Some("max-age=31536000, immutable"), None, LONGEST),
        (Some("no-store, max-age=3600"), None, SHORTEST),
        (Some("x-max-age=3600"), None, SHORTEST),
    ] {
        let mut headers = HeaderMap::new();
        headers.extend(cache_control.map(|value| (CACHE_CONTROL, HeaderValue::from_static(value))));
        headers.extend(age.map(|value| (AGE, HeaderValue::from_static(value))));
        assert_eq!(cache_lifetime(&headers), lifetime, "{cache_control:?} {age:?}");
    }
}

#[test]
fn what_is_meant_as_an_address() {
    assert!(is_document_id(ID) && is_document_id("HTTP://x"));
    assert!(!is_document_id("mcpg_client_x") && !is_document_id("") && !is_document_id("\u{e9}\u{e9}\u{e9}"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn any_client_id_is_fetched_as_written_or_refused(text in "\\PC{0,40}|https?:[ -~]{0,40}", loopback in any::<bool>()) {
        if let Ok(url) = parse_client_id(&text, loopback) {
            prop_assert_eq!(url.as_str(), text);
        }
    }

    #[test]
    fn any_document_reads_or_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in "\\PC{0,30}") {
        let url = Url::parse(ID).unwrap();
        for kind in ["application/json", &kind] {
            let _ = parse_document(&url, 200, Some(kind), &bytes, &RedirectPolicy::default());
        }
    }
}
