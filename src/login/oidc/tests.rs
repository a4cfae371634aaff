//! The way to an identity provider and back, unit by unit.
//!
//! Not here: the ID token (`login::oidc::id_token`).

use super::*;
use crate::oauth_client::client_auth::joined;
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use proptest::prelude::*;

const ISSUER: &str = "https://id.example.com/";

fn provider(methods: &[&str]) -> Provider {
    Provider {
        issuer: ISSUER.into(),
        token_issuer: ISSUER.into(),
        authorization_endpoint: Url::parse("https://id.example.com/authorize?tenant=a").unwrap(),
        token_endpoint: Url::parse("https://id.example.com/token").unwrap(),
        jwks_uri: Url::parse("https://id.example.com/jwks").unwrap(),
        userinfo_endpoint: Some("https://id.example.com/userinfo".into()),
        token_endpoint_auth_methods: methods.iter().map(|&method| method.to_owned()).collect(),
        iss_parameter: false,
        selects_account: false,
        signs_in_anew: true,
        offline: discovery::Offline::Scope,
    }
}

fn sent(provider: &Provider, demand: Demand) -> String {
    let (state, nonce) = (Secret::new("s"), Secret::new("n"));
    let redirect_uri = "https://gw.example.com/login/callback";
    let scopes = ["profile", "openid", "email"];
    let mut url = authorization_url(provider, "gateway", redirect_uri, &scopes, &state, &nonce, "ch");
    demand.put(provider, &mut url);
    url.into()
}

fn called_back(query: &str, iss_parameter: bool) -> Result<String, LoginError> {
    let state = Secret::new("s1");
    callback(query, &state, ISSUER, iss_parameter, &Sent::default().with(&state)).map(|code| code.expose().to_owned())
}

fn redeemed(methods: &[&str], secret: Option<&str>) -> (Option<String>, String) {
    let secret = secret.map(Secret::new);
    let (code, verifier) = (Secret::new("c/1"), Secret::new("v"));
    let redirect_uri = "https://gw.example.com/login/callback";
    let request =
        token_request(&provider(methods), "gate way", secret.as_ref(), &code, &verifier, redirect_uri).unwrap();
    assert_eq!((request.method(), request.uri().to_string()), (&Method::POST, "https://id.example.com/token".into()));
    assert_eq!(request.headers()[CONTENT_TYPE], "application/x-www-form-urlencoded");
    assert!(!format!("{:?}", request.headers()).contains("Basic"), "the credentials are marked sensitive");
    let authorization = request.headers().get(AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
    (authorization, String::from_utf8(request.into_body()).unwrap())
}

#[test]
fn the_browser_is_sent_with_everything() {
    let expected = "https://id.example.com/authorize?tenant=a&response_type=code&client_id=gateway\
                    &redirect_uri=https%3A%2F%2Fgw.example.com%2Flogin%2Fcallback&scope=openid+profile+email&state=s&nonce=n\
                    &code_challenge=ch&code_challenge_method=S256";
    assert_eq!(sent(&provider(&[]), Demand::default()), expected);
}

#[test]
fn a_demand_reaches_the_provider_in_words_it_knows() {
    let plain = provider(&[]);
    let choosing = Provider { selects_account: true, ..provider(&[]) };
    let google = Provider { signs_in_anew: false, ..choosing.clone() };
    let (anew, choice) = (Demand { anew: true, choice: false }, Demand { anew: false, choice: true });
    for (provider, demand, ends) in [
        (&plain, anew, "S256&prompt=login&max_age=0"),
        (&plain, choice, "S256&prompt=login"),
        (&choosing, choice, "S256&prompt=select_account"),
        (&choosing, anew, "S256&prompt=login&max_age=0"),
        (&choosing, Demand { anew: true, choice: true }, "S256&prompt=login+select_account&max_age=0"),
        (&google, anew, "S256&prompt=select_account&max_age=0"),
        (&google, choice, "S256&prompt=select_account"),
        (&google, Demand { anew: true, choice: true }, "S256&prompt=select_account&max_age=0"),
        (&google, Demand::default(), "S256"),
    ] {
        let url = sent(provider, demand);
        assert!(url.ends_with(ends), "{demand:?}: {url}");
    }
}

#[test]
fn a_code_is_taken() {
    assert_eq!(called_back("code=4%2F0A&state=s1&scope=openid", false), Ok("4/0A".into()));
    assert_eq!(called_back("code=c&state=s1&iss=https%3A%2F%2Fid.example.com%2F", true), Ok("c".into()));
    assert_eq!(callback_state("code=c&state=s1").unwrap().expose(), "s1");
    assert!(callback_state("code=c").is_none());
    assert!(callback_state("state=a&state=b").is_none());
}

#[test]
fn another_browsers_state_is_refused_before_anything_is_shown() {
    for query in ["code=c", "code=c&state=", "code=c&state=s2", "error=access_denied", "error=a&state=s2"] {
        assert_eq!(called_back(query, false), Err(LoginError::StateMismatch), "{query}");
    }
}

#[test]
fn a_mix_up_is_refused() {
    for query in ["code=c&state=s1&iss=https%3A%2F%2Fid.example.com", "error=e&state=s1&iss=https%3A%2F%2Fevil.test"] {
        assert_eq!(called_back(query, false), Err(LoginError::IssuerMismatch), "{query}");
    }
    for query in ["code=c&state=s1", "error=e&state=s1"] {
        assert_eq!(called_back(query, true), Err(LoginError::IssuerMissing), "{query}");
    }
}

#[test]
fn a_parameter_comes_once() {
    for query in ["code=a&code=b&state=s1", "code=a&state=s1&state=s1", "iss=a&iss=b&code=c&state=s1"] {
        assert_eq!(called_back(query, false), Err(LoginError::CallbackMalformed), "{query}");
    }
    let long = format!("code={}&state=s1", "a".repeat(MAX_QUERY));
    assert_eq!(called_back(&long, false), Err(LoginError::CallbackMalformed));
}

#[test]
fn a_refusal_is_shown_safely() {
    let refused = called_back("error=access_denied&error_description=No%0d%0a%22seat%22&state=s1&code=c", false);
    let expected = "The identity provider refused the sign-in: access_denied (No???seat?).";
    assert_eq!(refused.unwrap_err().to_string(), expected);
}

#[test]
fn what_was_sent_is_not_shown() {
    let (secret, code, verifier) = (Secret::new("s3cret of the gateway"), Secret::new("code-1"), Secret::new("v-1234"));
    let sent = secrets("gw", Some(&secret), &code, &verifier);
    let basic = joined("gw", &secret);
    let texts = [secret.expose(), code.expose(), verifier.expose(), basic.expose(), "s3cret+of+the+gateway"];
    for text in texts {
        let body = serde_json::json!({"error": format!("no: {text}")}).to_string();
        let error = token_response(StatusCode::UNAUTHORIZED, body.as_bytes(), &sent).err().unwrap();
        assert_eq!(error, LoginError::TokenRefused { status: 401, error: Some("no: [cut]".into()) }, "{text}");
    }
    let state = Secret::new("state-1");
    let query = "state=state-1&error=x&error_description=bad+state-1";
    let error = callback(query, &state, ISSUER, false, &Sent::default().with(&state)).unwrap_err();
    assert_eq!(error.to_string(), "The identity provider refused the sign-in: x (bad [cut]).");
}

#[test]
fn a_callback_without_a_usable_code_is_refused() {
    for query in ["state=s1", "code=&state=s1", "code=a%00&state=s1", "code=%ff&state=s1"] {
        assert_eq!(called_back(query, false), Err(LoginError::CodeMissing), "{query}");
    }
}

#[test]
fn the_code_is_redeemed_with_basic_where_possible() {
    let form = "grant_type=authorization_code&code=c%2F1&redirect_uri=https%3A%2F%2Fgw.example.com%2Flogin%2Fcallback&code_verifier=v";
    for methods in [&[][..], &["client_secret_basic"], &["client_secret_post", "client_secret_basic"]] {
        // base64("gate+way:p%3Aw%2B")
        assert_eq!(redeemed(methods, Some("p:w+")), (Some("Basic Z2F0ZSt3YXk6cCUzQXclMkI=".into()), form.into()));
    }
    let post = format!("{form}&client_id=gate+way&client_secret=p%3Aw%2B");
    assert_eq!(redeemed(&["client_secret_post"], Some("p:w+")), (None, post));
    assert_eq!(redeemed(&["client_secret_basic"], None), (None, format!("{form}&client_id=gate+way")));
}

#[test]
fn a_secret_is_sent_whatever_the_provider_says_that_it_takes() {
    for methods in [&["none"][..], &["none", "private_key_jwt"]] {
        let (authorization, form) = redeemed(methods, Some("p"));
        assert!(authorization.is_some() && !form.contains("client_id"), "{methods:?}");
    }
}

#[test]
fn an_empty_issuer_is_another_issuer() {
    assert_eq!(called_back("code=c&state=s1&iss=", false), Err(LoginError::IssuerMismatch));
}

#[test]
fn nothing_but_the_id_token_of_a_success_is_looked_at() {
    for answer in
        [r#"{"id_token":"h.c.s"}"#, r#"{"id_token":"h.c.s","access_token":7,"token_type":"DPoP","error":"x"}"#]
    {
        let read = token_response(StatusCode::OK, answer.as_bytes(), &Sent::default());
        assert_eq!(read.ok().unwrap().id_token.expose(), "h.c.s", "{answer}");
    }
    let created = token_response(StatusCode::CREATED, br#"{"id_token":"h.c.s"}"#, &Sent::default());
    assert_eq!(created.err().unwrap(), LoginError::TokenRefused { status: 201, error: None });
}

#[test]
fn a_token_response_yields_its_tokens() {
    let answer = br#"{"access_token":"a","token_type":"Bearer","expires_in":60,"id_token":"h.c.s"}"#;
    let tokens = token_response(StatusCode::OK, answer, &Sent::default()).ok().unwrap();
    let access_token = tokens.access_token.map(|token| token.expose().to_owned());
    assert_eq!((tokens.id_token.expose(), access_token.as_deref()), ("h.c.s", Some("a")));
    for answer in [r#"{"id_token":"h.c.s"}"#, r#"{"id_token":"h.c.s","access_token":7}"#] {
        let tokens = token_response(StatusCode::OK, answer.as_bytes(), &Sent::default()).ok().unwrap();
        assert!(tokens.access_token.is_none(), "only who needs it says that it is missing: {answer}");
    }
    let failed = |status, bytes: &[u8]| token_response(status, bytes, &Sent::default()).err().unwrap();
    assert_eq!(failed(StatusCode::OK, br#"{"id_token":"a","id_token":"b"}"#), LoginError::IdTokenMissing);
    assert_eq!(failed(StatusCode::OK, br#"{"access_token":"a"}"#), LoginError::IdTokenMissing);
    assert_eq!(failed(StatusCode::OK, b"<html>"), LoginError::TokenMalformed);
    let large = format!("{}{}", String::from_utf8_lossy(answer), " ".repeat(MAX_BYTES));
    assert_eq!(failed(StatusCode::OK, large.as_bytes()), LoginError::TokenMalformed);
    let refused = |error: Option<&str>| LoginError::TokenRefused { status: 401, error: error.map(str::to_owned) };
    let unauthorized = StatusCode::UNAUTHORIZED;
    assert_eq!(
        failed(unauthorized, br#"{"error":"invalid_client","id_token":"h.c.s"}"#),
        refused(Some("invalid_client"))
    );
    assert_eq!(failed(unauthorized, b"nope"), refused(None));
    assert!(token_response(StatusCode::FOUND, answer, &Sent::default()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_callback_is_read_without_harm(query in "[a-z0-9=&%+]{0,60}", tail in "\\PC{0,20}") {
        let query = format!("{query}{tail}");
        let _ = callback_state(&query);
        prop_assert!(called_back(&query, false).is_err(), "a state of two characters is not guessed");
    }

    #[test]
    fn any_token_response_is_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        prop_assert!(token_response(StatusCode::OK, &bytes, &Sent::default()).is_err());
        prop_assert!(token_response(StatusCode::BAD_REQUEST, &bytes, &Sent::default()).is_err());
    }
}
