//! `OpenID` Connect as a relying party: the authorization code flow with PKCE, as pairs of request and parse.
//!
//! Not here: sending anything (`flow`), the ID token inside the answer (`id_token`).

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, StatusCode};
use serde::Deserialize;
use url::{Url, form_urlencoded};

use super::LoginError;
use super::discovery::Provider;
use crate::foreign::Sent;
use crate::json;
use crate::secret::Secret;

/// No token response is larger; `flow` reads no further.
pub const MAX_BYTES: usize = 64 * 1024;

const MAX_QUERY: usize = 8192;

/// How a person is to sign in at the provider. Without a demand, whoever is signed in there comes straight back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Demand {
    /// Proving anew who they are.
    pub anew: bool,
    /// Choosing as whom.
    pub choice: bool,
}

impl Demand {
    /// Puts it to the provider, at the address the browser is sent to.
    pub fn put(self, provider: &Provider, url: &mut Url) {
        if let Some(prompt) = self.prompt(provider) {
            url.query_pairs_mut().append_pair("prompt", prompt);
        }
        if self.anew {
            // Makes the provider say when the person signed in (Core §2, `auth_time`).
            url.query_pairs_mut().append_pair("max_age", "0");
        }
    }

    /// As `prompt`. Who has to sign in anew can choose an account as well, and every provider knows `login` (Core §15.1).
    fn prompt(self, provider: &Provider) -> Option<&'static str> {
        match (self.anew, self.choice && provider.selects_account) {
            (true, true) => Some("login select_account"),
            (false, true) => Some("select_account"),
            (_, false) => (self.anew || self.choice).then_some("login"),
        }
    }
}

/// Where the browser is sent to sign in (`OpenID` Connect Core §3.1.2.1, RFC 7636 §4.3). `openid` is always asked for.
pub fn authorization_url(
    provider: &Provider,
    client_id: &str,
    redirect_uri: &str,
    scopes: &[impl AsRef<str>],
    state: &Secret,
    nonce: &Secret,
    challenge: &str,
) -> Url {
    let mut scope = "openid".to_owned();
    for wanted in scopes.iter().map(AsRef::as_ref).filter(|wanted| *wanted != "openid") {
        scope.push(' ');
        scope.push_str(wanted);
    }
    let mut url = provider.authorization_endpoint.clone();
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", client_id)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("scope", &scope)
        .append_pair("state", state.expose())
        .append_pair("nonce", nonce.expose())
        .append_pair("code_challenge", challenge)
        .append_pair("code_challenge_method", "S256");
    url
}

/// The state a callback claims to answer, to find the transaction by. Proves nothing yet: [`callback`] does.
pub fn callback_state(query: &str) -> Option<Secret> {
    parameters(query).ok()?.get("state").map(|state| Secret::new(state.as_ref()))
}

/// The code of a callback. `sent` is what was sent there and is not to be shown.
///
/// 1. The state is the one of this browser's transaction (RFC 6749 §10.12).
/// 2. The issuer is the configured one: where sent, and it must be where the provider promises it (RFC 9207 §2.4).
/// 3. An error ends the login (RFC 6749 §4.1.2.1).
pub fn callback(
    query: &str,
    expected_state: &Secret,
    issuer: &str,
    iss_parameter: bool,
    sent: &Sent,
) -> Result<Secret, LoginError> {
    let parameters = parameters(query)?;
    let parameter = |name| parameters.get(name).map(Cow::as_ref);

    // 1.
    if !parameter("state").is_some_and(|state| expected_state.matches(state)) {
        return Err(LoginError::StateMismatch);
    }

    // 2.
    match parameter("iss") {
        Some(iss) if iss != issuer => return Err(LoginError::IssuerMismatch),
        None if iss_parameter => return Err(LoginError::IssuerMissing),
        _ => {}
    }

    // 3.
    if let Some(error) = parameter("error") {
        let description = parameter("error_description").map(|description| sent.presentable(description));
        return Err(LoginError::Refused { error: sent.presentable(error), description });
    }

    let code =
        parameter("code").filter(|code| !code.is_empty() && code.bytes().all(|byte| matches!(byte, b' '..=b'~')));
    code.map(Secret::new).ok_or(LoginError::CodeMissing)
}

/// Redeems the code (`OpenID` Connect Core §3.1.3.1). With a secret: `client_secret_basic`, or `client_secret_post` where the
/// provider takes only that. Without: a public client that proves itself by PKCE.
pub fn token_request(
    provider: &Provider,
    client_id: &str,
    secret: Option<&Secret>,
    code: &Secret,
    verifier: &Secret,
    redirect_uri: &str,
) -> Result<Request<Vec<u8>>, LoginError> {
    let takes = |method| provider.token_endpoint_auth_methods.iter().any(|taken| taken == method);
    let basic = !takes("client_secret_post") || takes("client_secret_basic");

    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", code.expose())
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("code_verifier", verifier.expose());
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(provider.token_endpoint.as_str())
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    match secret {
        Some(secret) if basic => request = request.header(AUTHORIZATION, basic_credentials(client_id, secret)?),
        Some(secret) => {
            form.append_pair("client_id", client_id).append_pair("client_secret", secret.expose());
        }
        None => {
            form.append_pair("client_id", client_id);
        }
    }
    request.body(form.finish().into_bytes()).map_err(|_| LoginError::UnfitUrl("token_endpoint"))
}

/// What of such a request must not come back in a text.
pub fn secrets(client_id: &str, secret: Option<&Secret>, code: &Secret, verifier: &Secret) -> Sent {
    let sent = Sent::default().with(code).with(verifier);
    match secret {
        Some(secret) => sent.with(secret).with(&joined(client_id, secret)),
        None => sent,
    }
}

/// The ID token of a token response, not verified yet. The access token is not kept: the gateway has no use for it.
pub fn token_response(status: StatusCode, bytes: &[u8], sent: &Sent) -> Result<Secret, LoginError> {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    #[derive(Deserialize)]
    struct Tokens {
        id_token: Option<String>,
    }

    let bytes = Some(bytes).filter(|bytes| bytes.len() <= MAX_BYTES);
    if status != StatusCode::OK {
        let refusal: Option<Refusal> = bytes.and_then(|bytes| json::read(bytes).ok());
        let error = refusal.map(|refusal| sent.presentable(&refusal.error));
        return Err(LoginError::TokenRefused { status: status.as_u16(), error });
    }
    let tokens: Option<Tokens> = bytes.and_then(|bytes| json::read(bytes).ok());
    tokens.ok_or(LoginError::TokenMalformed)?.id_token.map(Secret::new).ok_or(LoginError::IdTokenMissing)
}

fn basic_credentials(client_id: &str, secret: &Secret) -> Result<HeaderValue, LoginError> {
    let mut value = HeaderValue::from_str(&format!("Basic {}", joined(client_id, secret).expose()))
        .map_err(|_| LoginError::UnfitUrl("token_endpoint"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// RFC 6749 §2.3.1: both parts are form-encoded before they are joined.
fn joined(client_id: &str, secret: &Secret) -> Secret {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let joined = Secret::new(format!("{}:{}", encoded(client_id), encoded(secret.expose())));
    Secret::new(Base64::encode_string(joined.expose().as_bytes()))
}

/// RFC 6749 §3.1: no parameter more than once. Unknown ones are ignored.
fn parameters(query: &str) -> Result<BTreeMap<Cow<'_, str>, Cow<'_, str>>, LoginError> {
    if query.len() > MAX_QUERY {
        return Err(LoginError::CallbackMalformed);
    }
    let mut parameters = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if parameters.insert(name, value).is_some() {
            return Err(LoginError::CallbackMalformed);
        }
    }
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ISSUER: &str = "https://id.example.com/";

    fn provider(methods: &[&str]) -> Provider {
        Provider {
            issuer: ISSUER.into(),
            authorization_endpoint: Url::parse("https://id.example.com/authorize?tenant=a").unwrap(),
            token_endpoint: Url::parse("https://id.example.com/token").unwrap(),
            jwks_uri: Url::parse("https://id.example.com/jwks").unwrap(),
            token_endpoint_auth_methods: methods.iter().map(|&method| method.to_owned()).collect(),
            iss_parameter: false,
            selects_account: false,
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
        callback(query, &state, ISSUER, iss_parameter, &Sent::default().with(&state))
            .map(|code| code.expose().to_owned())
    }

    fn redeemed(methods: &[&str], secret: Option<&str>) -> (Option<String>, String) {
        let secret = secret.map(Secret::new);
        let (code, verifier) = (Secret::new("c/1"), Secret::new("v"));
        let redirect_uri = "https://gw.example.com/login/callback";
        let request =
            token_request(&provider(methods), "gate way", secret.as_ref(), &code, &verifier, redirect_uri).unwrap();
        assert_eq!(
            (request.method(), request.uri().to_string()),
            (&Method::POST, "https://id.example.com/token".into())
        );
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
        let (anew, choice) = (Demand { anew: true, choice: false }, Demand { anew: false, choice: true });
        for (provider, demand, ends) in [
            (&plain, anew, "S256&prompt=login&max_age=0"),
            (&plain, choice, "S256&prompt=login"),
            (&choosing, choice, "S256&prompt=select_account"),
            (&choosing, anew, "S256&prompt=login&max_age=0"),
            (&choosing, Demand { anew: true, choice: true }, "S256&prompt=login+select_account&max_age=0"),
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
        for query in
            ["code=c&state=s1&iss=https%3A%2F%2Fid.example.com", "error=e&state=s1&iss=https%3A%2F%2Fevil.test"]
        {
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
        let (secret, code, verifier) =
            (Secret::new("s3cret of the gateway"), Secret::new("code-1"), Secret::new("v-1234"));
        let sent = secrets("gw", Some(&secret), &code, &verifier);
        let basic = joined("gw", &secret);
        let texts = [secret.expose(), code.expose(), verifier.expose(), basic.expose(), "s3cret+of+the+gateway"];
        for text in texts {
            let body = serde_json::json!({"error": format!("no: {text}")}).to_string();
            let error = token_response(StatusCode::UNAUTHORIZED, body.as_bytes(), &sent).unwrap_err();
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
    fn a_token_response_yields_its_id_token_only() {
        let answer = br#"{"access_token":"a","token_type":"Bearer","expires_in":60,"id_token":"h.c.s"}"#;
        assert_eq!(token_response(StatusCode::OK, answer, &Sent::default()).unwrap().expose(), "h.c.s");
        let failed = |status, bytes: &[u8]| token_response(status, bytes, &Sent::default()).unwrap_err();
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
}
