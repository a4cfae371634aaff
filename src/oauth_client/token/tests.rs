//! The token endpoint: every request in full, every answer that issuers are known to give.
//!
//! Not here: which of them loses a connection (`connection`).

use proptest::prelude::*;

use super::*;
use crate::headers::HeaderValue;
use crate::oauth::authentication_method::AuthenticationMethod;

const NOW: Timestamp = Timestamp(1000);

const ENDPOINT: &str = "https://as.example/token?tenant=a";

fn posted(client: &GatewayClient, grant: &GrantRequest<'_>, resource: Option<&str>) -> (Option<String>, String) {
    let request = request(ENDPOINT, client, grant, resource).unwrap();
    assert_eq!((request.method(), request.uri().to_string()), (&Method::POST, ENDPOINT.to_owned()));
    assert_eq!(request.headers()[CONTENT_TYPE], "application/x-www-form-urlencoded");
    assert_eq!(request.headers()[ACCEPT], "application/json");
    assert!(!format!("{:?}", request.headers()).contains("Basic"), "the credentials are marked sensitive");
    let authorization = request.headers().get(AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
    (authorization, String::from_utf8(request.into_body()).unwrap())
}

fn read(status: u16, body: &str) -> Result<TokenAnswer, TokenError> {
    response(
        StatusCode::from_u16(status).unwrap(),
        &HeaderMap::new(),
        body.as_bytes(),
        Some("a b"),
        &Sent::default(),
        NOW,
    )
}

fn temporary(status: u16) -> TokenError {
    TokenError::Temporary(Busy { status, retry_after: None })
}

#[test]
fn a_code_is_redeemed_with_its_verifier_and_the_resource_as_written() {
    let grant = GrantRequest::Code {
        code: &Secret::new("c/1"),
        verifier: &Secret::new("v"),
        redirect_uri: "https://gw.example/cb",
    };
    let (authorization, body) = posted(&GatewayClient::public("gw"), &grant, Some("https://up.example"));
    let expected = "grant_type=authorization_code&code=c%2F1&redirect_uri=https%3A%2F%2Fgw.example%2Fcb&code_verifier=v\
                    &resource=https%3A%2F%2Fup.example&client_id=gw";
    assert_eq!((authorization, body.as_str()), (None, expected));
}

#[test]
fn a_refresh_names_the_resource_too() {
    let client = GatewayClient {
        id: "gw".into(),
        secret: Some(Secret::new("s")),
        method: AuthenticationMethod::ClientSecretBasic,
        registered: None,
        header_alone: false,
    };
    let (authorization, body) =
        posted(&client, &GrantRequest::Refresh(&Secret::new("r")), Some("https://up.example/mcp"));
    assert_eq!(authorization.as_deref(), Some("Basic Z3c6cw=="));
    assert_eq!(body, "grant_type=refresh_token&refresh_token=r&resource=https%3A%2F%2Fup.example%2Fmcp");
}

#[test]
fn client_credentials_ask_for_what_is_configured() {
    let client = GatewayClient {
        id: "gw".into(),
        secret: Some(Secret::new("s")),
        method: AuthenticationMethod::ClientSecretPost,
        registered: None,
        header_alone: false,
    };
    let (authorization, body) = posted(&client, &GrantRequest::ClientCredentials(Some("x y")), None);
    assert_eq!(
        (authorization, body.as_str()),
        (None, "grant_type=client_credentials&scope=x+y&client_id=gw&client_secret=s")
    );
    let (_, body) = posted(&client, &GrantRequest::ClientCredentials(None), Some("r:1"));
    assert_eq!(body, "grant_type=client_credentials&resource=r%3A1&client_id=gw&client_secret=s");
}

#[test]
fn tokens_are_read() {
    let body = r#"{"access_token":"at","token_type":"Bearer","expires_in":3600,"refresh_token":"rt","scope":"b  a"}"#;
    let tokens = read(200, body).unwrap();
    assert!(tokens.access_token.matches("at") && tokens.refresh_token.unwrap().matches("rt"));
    assert_eq!((tokens.expires, tokens.scope.as_deref()), (Some(Timestamp(4600)), Some("b a")));
}

#[test]
fn what_is_missing_is_not_made_up() {
    let tokens = read(200, r#"{"access_token":"at"}"#).unwrap();
    assert!(tokens.expires.is_none() && tokens.refresh_token.is_none() && tokens.scope.is_none());
    let tokens =
        read(200, r#"{"access_token":"at","token_type":"bearer","refresh_token":"","scope":"","expires_in":null}"#);
    let tokens = tokens.unwrap();
    assert!(tokens.expires.is_none() && tokens.refresh_token.is_none() && tokens.scope.is_none());
}

#[test]
fn odd_lifetimes_are_read_sensibly() {
    for (written, expected) in [
        ("\"3600\"", Some(4600)),
        ("\" 60 \"", Some(1060)),
        ("60.4", Some(1060)),
        ("0", None),
        ("-1", None),
        ("\"-5\"", None),
        ("\"soon\"", None),
        ("[]", None),
        ("true", None),
        ("1e300", Some(1_000_000_001_000)),
        ("18446744073709551615", Some(1_000_000_001_000)),
    ] {
        let tokens = read(200, &format!(r#"{{"access_token":"at","expires_in":{written}}}"#)).unwrap();
        assert_eq!(tokens.expires, expected.map(Timestamp), "{written}");
    }
}

#[test]
fn a_token_that_cannot_be_sent_is_garbage() {
    let long = "x".repeat(LONGEST_TOKEN + 1);
    for token in ["", "a b", "a\\nb", "\u{e9}", &long] {
        assert_eq!(read(200, &format!(r#"{{"access_token":"{token}"}}"#)).unwrap_err(), temporary(200), "{token}");
    }
    assert!(read(200, &format!(r#"{{"access_token":"{}"}}"#, "x".repeat(LONGEST_TOKEN))).is_ok());
    let refresh = read(200, r#"{"access_token":"at","refresh_token":"a b"}"#).unwrap();
    assert!(refresh.refresh_token.is_none());
}

#[test]
fn another_token_type_is_not_used() {
    let body = r#"{"access_token":"at","token_type":"DPoP"}"#;
    assert_eq!(read(200, body).unwrap_err(), TokenError::TokenType { kind: "DPoP".into() });
}

#[test]
fn errors_are_told_apart_by_what_helps() {
    let error = |status, code: &str| {
        read(status, &format!(r#"{{"error":"{code}","error_description":"why \"so\""}}"#)).unwrap_err()
    };
    let description = Some("why ?so?".to_owned());
    for (status, code) in
        [(400, "invalid_grant"), (401, "invalid_grant"), (200, "bad_refresh_token"), (200, "invalid_refresh_token")]
    {
        assert_eq!(error(status, code), TokenError::DeadGrant { description: description.clone() }, "{status} {code}");
    }
    for (status, code) in [(401, "invalid_client"), (400, "invalid_client"), (400, "unauthorized_client")] {
        let expected = TokenError::BadClient { error: code.into(), description: description.clone() };
        assert_eq!(error(status, code), expected, "{status} {code}");
    }
    let sent = Some("a b".to_owned());
    assert_eq!(error(400, "invalid_scope"), TokenError::InvalidScope { sent, description: description.clone() });
    assert!(error(400, "invalid_scope").to_string().contains("\"a b\""));
    for code in ["invalid_target", "invalid_request", "unsupported_grant_type"] {
        let expected = TokenError::Refused { error: code.into(), description: description.clone() };
        assert_eq!(error(400, code), expected);
    }
    for code in ["server_error", "temporarily_unavailable", "slow_down"] {
        assert_eq!(error(400, code), temporary(400));
    }
}

#[test]
fn what_says_nothing_about_the_grant_is_temporary() {
    let tokens = r#"{"access_token":"at"}"#;
    for (status, body) in [
        (500, r#"{"error":"invalid_grant"}"#),
        (503, "down"),
        (429, r#"{"error":"invalid_grant"}"#),
        (408, ""),
        (400, "<html>"),
        (401, ""),
        (400, "{}"),
        (302, tokens),
        (204, ""),
        (200, "<html>"),
        (200, "{}"),
        (200, "null"),
        (200, r#"{"access_token":7}"#),
        (403, tokens),
    ] {
        assert_eq!(read(status, body).unwrap_err(), temporary(status), "{status} {body}");
    }
    let large = format!("{tokens}{}", " ".repeat(MAX_BYTES));
    assert_eq!(read(200, &large).unwrap_err(), temporary(200));
}

#[test]
fn a_busy_issuer_may_say_until_when() {
    for (value, expected) in
        [("30", Some(Lifetime(30))), (" 5 ", Some(Lifetime(5))), ("Fri, 20 Nov 2026 12:00:00 GMT", None), ("-1", None)]
    {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::try_from(value).unwrap())]);
        let error = response(StatusCode::TOO_MANY_REQUESTS, &headers, b"", None, &Sent::default(), NOW).unwrap_err();
        assert_eq!(error, TokenError::Temporary(Busy { status: 429, retry_after: expected }), "{value}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_answer_is_read_without_harm(status in 200u16..600, bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let status = StatusCode::from_u16(status).unwrap();
        prop_assert!(response(status, &HeaderMap::new(), &bytes, None, &Sent::default(), NOW).is_err());
    }

    #[test]
    fn whatever_token_is_taken_can_be_sent(token in "\\PC{0,30}", expires in any::<i64>()) {
        let body = serde_json::json!({"access_token": token, "expires_in": expires}).to_string();
        match read(200, &body) {
            Ok(tokens) => {
                let header = HeaderValue::try_from(format!("Bearer {}", tokens.access_token.expose()));
                prop_assert!(header.is_ok());
                prop_assert!(tokens.expires.is_none_or(|expires| expires > NOW));
            }
            Err(error) => prop_assert_eq!(error, temporary(200)),
        }
    }
}

#[test]
fn nothing_that_was_sent_comes_back_in_a_text() {
    let secret = Some(Secret::new("s3cret of gateway"));
    let client = GatewayClient {
        id: "gw".into(),
        secret,
        method: AuthenticationMethod::ClientSecretBasic,
        registered: None,
        header_alone: false,
    };
    let (code, verifier, refresh) = (Secret::new("c/0de"), Secret::new("v3rifier"), Secret::new("r3fresh-token"));
    let grant = GrantRequest::Code { code: &code, verifier: &verifier, redirect_uri: "https://gw.example/cb" };
    let basic = "Z3c6czNjcmV0K29mK2dhdGV3YXk="; // base64("gw:s3cret+of+gateway")
    for (grant, echo) in [
        (&grant, "c/0de"),
        (&grant, "c%2F0de"),
        (&grant, "v3rifier"),
        (&grant, "s3cret of gateway"),
        (&grant, basic),
        (&GrantRequest::Refresh(&refresh), "r3fresh-token"),
        (&GrantRequest::ClientCredentials(None), "s3cret%20of%20gateway"),
    ] {
        let sent = secrets(&client, grant);
        let read = |body: Value| {
            let body = body.to_string();
            response(StatusCode::BAD_REQUEST, &HeaderMap::new(), body.as_bytes(), None, &sent, NOW).unwrap_err()
        };
        let error = read(serde_json::json!({"error": "invalid_grant", "error_description": format!("not {echo}")}));
        assert!(error.to_string().ends_with("(not [cut])"), "{error}");
        let error = read(serde_json::json!({"error": format!("x {echo}")}));
        assert_eq!(error, TokenError::Refused { error: "x [cut]".to_owned(), description: None });
        let body = serde_json::json!({"access_token": "at", "token_type": echo}).to_string();
        let odd = response(StatusCode::OK, &HeaderMap::new(), body.as_bytes(), None, &sent, NOW).unwrap_err();
        assert_eq!(odd, TokenError::TokenType { kind: "[cut]".to_owned() });
        let body = serde_json::json!({"access_token": "at", "scope": format!("read {echo}")}).to_string();
        let tokens = response(StatusCode::OK, &HeaderMap::new(), body.as_bytes(), None, &sent, NOW).unwrap();
        assert_eq!(tokens.scope, None);
    }
}

#[test]
fn only_an_invalid_request_may_be_of_two_names() {
    let refused = |error: &str| TokenError::Refused { error: error.to_owned(), description: None };
    assert!(refused("invalid_request").may_be_of_two_names());
    assert!(!refused("invalid_target").may_be_of_two_names());
}

#[test]
fn a_form_is_an_answer_where_it_has_a_token_or_an_error() {
    let tokens = read(200, "access_token=gho_1&scope=repo%2Cuser&token_type=bearer&refresh_token=").unwrap();
    assert_eq!((tokens.access_token.expose(), tokens.scope.as_deref()), ("gho_1", Some("repo user")));
    assert!(tokens.refresh_token.is_none());
    let dead = read(200, "error=bad_verification_code&error_description=No").unwrap_err();
    assert_eq!(dead, TokenError::DeadGrant { description: Some("No".into()) });
    for body in ["", "token_type=bearer", "<p>access_token=x</p>", "a=%zz&access_token=x"] {
        assert_eq!(read(200, body).unwrap_err(), temporary(200), "{body}");
    }
    assert_eq!(read(200, "access_token=a&access_token=b").unwrap_err(), temporary(200), "it is not chosen between two");
}

#[test]
fn tokens_in_the_one_object_that_has_them_are_taken() {
    let inner = r#""access_token":"xoxp","token_type":"user","refresh_token":"xoxe","expires_in":43200,"scope":"a,b""#;
    let tokens = read(200, &format!(r#"{{"ok":true,"team":{{"id":"T1"}},"authed_user":{{"id":"U1",{inner}}}}}"#));
    let tokens = tokens.unwrap();
    assert_eq!((tokens.access_token.expose(), tokens.scope.as_deref()), ("xoxp", Some("a b")));
    assert_eq!(tokens.refresh_token.unwrap().expose(), "xoxe");
    assert_eq!(tokens.expires, Some(NOW + Lifetime(43_200)));
    let outer = read(200, r#"{"access_token":"outer","authed_user":{"access_token":"inner"}}"#).unwrap();
    assert_eq!(outer.access_token.expose(), "outer");
    let two = read(200, r#"{"one":{"access_token":"a"},"two":{"access_token":"b"}}"#).unwrap_err();
    assert_eq!(two, temporary(200), "it is not chosen between two");
}

#[test]
fn a_resource_that_is_refused_is_known_as_such() {
    assert!(read(400, r#"{"error":"invalid_target"}"#).unwrap_err().is_resource_refused());
    assert!(!read(400, r#"{"error":"invalid_request"}"#).unwrap_err().is_resource_refused());
}
