//! Becoming a client: what the gateway says of itself, and what it makes of each answer.
//!
//! Not here: that it happens once for each issuer (`upstream::issuer`).

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::oauth::authentication_method::AuthenticationMethod as Method;
use crate::oauth_client::metadata::fallback;

const CALLBACK: &str = "https://gw.example/oauth/upstream-callback";
const DOCUMENT: &str = "https://gw.example/oauth/client-metadata.json";

fn read(status: u16, body: &str) -> Result<IssuedClient, UpstreamRegistrationError> {
    response(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.as_bytes(), Method::ClientSecretBasic)
}

fn method_of(body: &str, asked: Method) -> Method {
    response(StatusCode::CREATED, &HeaderMap::new(), body.as_bytes(), asked).unwrap().client.method
}

#[test]
fn a_document_goes_before_registration_and_that_before_asking_the_operator() {
    let mut issuer = fallback(&Url::parse("https://up.example/mcp").unwrap());
    let register = RegistrationWay::Register("https://up.example/register".to_owned());
    issuer.client_documents = true;
    assert_eq!(way(&issuer, true, true), Ok(RegistrationWay::Configured));
    assert_eq!(way(&issuer, false, true), Ok(RegistrationWay::Document));
    assert_eq!(way(&issuer, false, false), Ok(register.clone()), "a gateway on plain http has no document");
    issuer.client_documents = false;
    assert_eq!(way(&issuer, false, true), Ok(register));
    issuer.registration_endpoint = None;
    assert_eq!(way(&issuer, true, true), Ok(RegistrationWay::Configured));
    let error = way(&issuer, false, true).unwrap_err();
    assert!(error.to_string().contains("does not support dynamic client registration"), "{error}");
    assert!(error.fix("linear").contains("servers.linear.auth.client"));
}

#[test]
fn the_document_names_its_own_url() {
    let document: Value = serde_json::from_slice(&document(DOCUMENT, "MCP gateway at gw.example", CALLBACK)).unwrap();
    let expected = json!({
        "client_id": DOCUMENT,
        "client_name": "MCP gateway at gw.example",
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "web",
    });
    assert_eq!(document, expected);
}

#[test]
fn the_registration_says_what_a_gateway_is() {
    for method in [Method::ClientSecretBasic, Method::ClientSecretPost, Method::None] {
        let request = request("https://as.example/register", method, "Gateway", CALLBACK, false).unwrap();
        assert_eq!((request.method(), request.uri().path()), (&http::Method::POST, "/register"));
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        assert_eq!(body["token_endpoint_auth_method"], method.as_str());
        assert_eq!(body["application_type"], "web");
        assert_eq!(body["grant_types"], json!(["authorization_code", "refresh_token"]));
        assert_eq!(body["redirect_uris"], json!([CALLBACK]));
        assert!(body.get("client_id").is_none());
    }
    let local =
        request("https://as.example/register", Method::ClientSecretBasic, "Gateway", "http://localhost:8787/cb", false)
            .unwrap();
    let local: Value = serde_json::from_slice(local.body()).unwrap();
    assert_eq!(local["application_type"], "native");
}

#[test]
fn a_client_is_read() {
    let body = r#"{"client_id":"c","client_secret":"s","client_secret_expires_at":0,"token_endpoint_auth_method":"client_secret_post"}"#;
    let registered = read(201, body).unwrap();
    assert_eq!((registered.client.id.as_str(), registered.client.method), ("c", Method::ClientSecretPost));
    assert!(registered.client.secret.unwrap().matches("s"));
    assert_eq!(registered.secret_expires, None);
    let expiring = read(200, r#"{"client_id":"c","client_secret":"s","client_secret_expires_at":99}"#).unwrap();
    assert_eq!(expiring.secret_expires, Some(Timestamp(99)));
}

#[test]
fn the_method_is_the_registered_one_else_the_one_asked_for() {
    let secret = r#"{"client_id":"c","client_secret":"s"}"#;
    assert_eq!(method_of(secret, Method::ClientSecretBasic), Method::ClientSecretBasic);
    assert_eq!(method_of(secret, Method::ClientSecretPost), Method::ClientSecretPost);
    let none = r#"{"client_id":"c","client_secret":"s","token_endpoint_auth_method":"none"}"#;
    assert_eq!(method_of(none, Method::ClientSecretPost), Method::None);
    assert_eq!(method_of(r#"{"client_id":"c"}"#, Method::ClientSecretBasic), Method::None);
    let without = r#"{"client_id":"c","client_secret":"","token_endpoint_auth_method":"client_secret_basic"}"#;
    assert_eq!(method_of(without, Method::ClientSecretBasic), Method::None);
}

#[test]
fn the_stored_form_is_pinned() {
    let body = r#"{"client_id":"c","client_secret":"s","client_secret_expires_at":99}"#;
    let registered = read(201, body).unwrap();
    let golden = r#"{"v":1,"client":{"id":"c","secret":"s","method":"client_secret_basic"},"secret_expires":99}"#;
    assert_eq!(serde_json::to_string(&registered).unwrap(), golden);
    let read: IssuedClient = serde_json::from_str(golden).unwrap();
    assert!(read.has_expired(Timestamp(99)) && !read.has_expired(Timestamp(98)));
    assert!(read.is("c") && !read.is("d"));
    assert_eq!(read.into_client(7).registered, Some(7));
    assert!(serde_json::from_str::<IssuedClient>(&golden.replace("\"v\":1", "\"v\":2")).is_err());
}

#[test]
fn a_refusal_says_why() {
    let refused = read(400, r#"{"error":"invalid_redirect_uri","error_description":"not \"https\""}"#).unwrap_err();
    assert!(refused.to_string().ends_with("400 invalid_redirect_uri not ?https?"), "{refused}");
    assert_eq!(
        read(403, "<html>").unwrap_err(),
        UpstreamRegistrationError::Refused { status: 403, error: None, description: None }
    );
    assert!(matches!(
        read(302, ""),
        Err(UpstreamRegistrationError::Busy(_) | UpstreamRegistrationError::Refused { .. })
    ));
    for status in [429, 500, 503] {
        assert!(matches!(read(status, "{}"), Err(UpstreamRegistrationError::Busy(_))), "{status}");
    }
}

#[test]
fn an_unusable_client_is_refused() {
    for body in
        ["", "[]", "{}", r#"{"client_id":""}"#, r#"{"client_id":"a\nb"}"#, r#"{"client_id":"c","client_secret":"é"}"#]
    {
        assert_eq!(read(201, body).unwrap_err(), UpstreamRegistrationError::Malformed, "{body}");
    }
    let method = r#"{"client_id":"c","token_endpoint_auth_method":"private_key_jwt"}"#;
    assert_eq!(read(201, method).unwrap_err(), UpstreamRegistrationError::Method { name: "private_key_jwt".into() });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn any_answer_is_read_without_harm(status in 200u16..600, bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        prop_assert!(response(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), &bytes, Method::ClientSecretBasic).is_err());
    }
}

#[test]
fn a_strict_registration_has_nothing_that_rfc_7591_does_not_know() {
    let request = request("https://as.example/register", Method::None, "Gateway", CALLBACK, true).unwrap();
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    assert_eq!(body.get("application_type"), None);
    assert_eq!(body["redirect_uris"], json!([CALLBACK]));
    let may = |body| read(400, body).unwrap_err().may_be_of_unknown_member();
    assert!(may(r#"{"error":"invalid_client_metadata"}"#) && may("<html>"));
    assert!(!may(r#"{"error":"invalid_redirect_uri"}"#));
    assert!(!read(403, "{}").unwrap_err().may_be_of_unknown_member());
}

#[test]
fn the_end_of_a_secret_may_be_written_as_text_or_not_at_all() {
    let ends = |at: &str| {
        let body = format!(r#"{{"client_id":"c","client_secret":"s","client_secret_expires_at":{at}}}"#);
        read(200, &body).unwrap().secret_expires
    };
    for never in ["0", "null", r#""0""#, r#""""#] {
        assert_eq!(ends(never), None, "{never}");
    }
    assert_eq!((ends("7"), ends(r#""7""#)), (Some(Timestamp(7)), Some(Timestamp(7))));
}
