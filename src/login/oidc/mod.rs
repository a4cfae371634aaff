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
use crate::json;
use crate::secret::Secret;
use crate::untrusted::Sent;

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

    /// As `prompt`. Who has to sign in anew can choose an account as well, and every provider knows `login` (Core
    /// §15.1).
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

/// Redeems the code (`OpenID` Connect Core §3.1.3.1). With a secret: `client_secret_basic`, or `client_secret_post`
/// where the provider takes only that. Without: a public client that proves itself by PKCE.
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

pub mod id_token;
pub mod jwks;
#[cfg(test)]
mod tests;
