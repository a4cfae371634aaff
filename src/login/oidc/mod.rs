//! `OpenID` Connect as a relying party: the authorization code flow with PKCE, as pairs of request and parse.
//!
//! What it shares with any OAuth client is `oauth_client`'s; what `OpenID` Connect adds is here, and where the login is
//! stricter or more lenient.
//!
//! Not here: sending anything (`flow`), the ID token inside the answer (`id_token`).

pub mod claims;
pub mod discovery;
pub mod id_token;
pub mod logout_token;
pub mod quirks;
pub mod recheck;
#[cfg(test)]
mod tests;
pub mod userinfo;

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::{Request, StatusCode};
use url::{Url, form_urlencoded};

use super::LoginError;
use crate::json::Node;
use crate::oauth_client::authorization::CodeRequest;
use crate::oauth_client::client_auth::{GatewayClient, choose_method_for_secret};
use crate::oauth_client::error_response::OauthErrorBody;
use crate::oauth_client::token::{GrantRequest, Unsendable};
use crate::oauth_client::{authorization, client_auth, token};
use crate::secret::Secret;
use crate::untrusted::Sent;
use discovery::Provider;

/// No token response is larger; `flow` reads no further.
pub const MAX_BYTES: usize = token::MAX_BYTES;

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
    /// §15.1) but for one, which at least asks before it goes on.
    fn prompt(self, provider: &Provider) -> Option<&'static str> {
        match (self.anew, self.choice && provider.selects_account) {
            (true, true) if provider.signs_in_anew => Some("login select_account"),
            (_, true) => Some("select_account"),
            (_, false) if !provider.signs_in_anew => {
                (self.anew && provider.selects_account).then_some("select_account")
            }
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
    CodeRequest::new(&provider.authorization_endpoint, client_id, redirect_uri)
        .with("scope", &scope)
        .with("state", state.expose())
        .with("nonce", nonce.expose())
        .challenged(challenge)
        .url()
}

/// The state a callback claims to answer, to find the transaction by. Proves nothing yet: [`callback`] does.
pub fn callback_state(query: &str) -> Option<Secret> {
    parameters(query).ok()?.get("state").map(|state| Secret::new(state.as_ref()))
}

/// The code of a callback. `sent` is what was sent there and is not to be shown.
///
/// 1. The state is the one of this browser's transaction (RFC 6749 §10.12).
/// 2. The issuer is the configured one, an error ends the login, and else there is a code: judged as any answer is.
pub fn callback(
    query: &str,
    expected_state: &Secret,
    issuer: &str,
    iss_parameter: bool,
    sent: &Sent,
) -> Result<Secret, LoginError> {
    let parameters = parameters(query)?;
    let parameter = |name: &str| parameters.get(name).map(Cow::as_ref);

    // 1.
    if !parameter("state").is_some_and(|state| expected_state.matches(state)) {
        return Err(LoginError::StateMismatch);
    }

    // 2.
    Ok(authorization::code(|name| Ok(parameter(name)), issuer, iss_parameter, sent)?)
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
    let client = client(provider, client_id, secret);
    let grant = GrantRequest::Code { code, verifier, redirect_uri };
    token::request(provider.token_endpoint.as_str(), &client, &grant, None)
        .map_err(|Unsendable| LoginError::UnfitUrl("token_endpoint"))
}

fn client(provider: &Provider, client_id: &str, secret: Option<&Secret>) -> GatewayClient {
    let Some(secret) = secret else { return GatewayClient::public(client_id) };
    let method = choose_method_for_secret(Some(&provider.token_endpoint_auth_methods));
    GatewayClient::new(client_id, Some(secret.clone()), method)
}

/// What of such a request must not come back in a text.
pub fn secrets(client_id: &str, secret: Option<&Secret>, code: &Secret, verifier: &Secret) -> Sent {
    client_auth::sent(client_id, secret).with(code).with(verifier)
}

/// What a token response holds.
pub struct Tokens {
    /// Not verified yet.
    pub id_token: Secret,
    /// For the userinfo endpoint, where something has to be asked there. It is not kept.
    pub access_token: Option<Secret>,
    /// What the provider can be asked again with.
    pub refresh_token: Option<Secret>,
}

/// Reads a token response. An access token that nobody needs may be missing.
pub fn token_response(status: StatusCode, bytes: &[u8], sent: &Sent) -> Result<Tokens, LoginError> {
    let bytes = Some(bytes).filter(|bytes| bytes.len() <= MAX_BYTES);
    if status != StatusCode::OK {
        let error = OauthErrorBody::read(bytes.unwrap_or_default()).shown_code(sent);
        return Err(LoginError::TokenRefused { status: status.as_u16(), error });
    }
    let answer = bytes.and_then(|bytes| Node::parse(bytes).ok()).ok_or(LoginError::TokenMalformed)?;
    let Node::Object(_) = &answer else { return Err(LoginError::TokenMalformed) };
    let id_token = match answer.get("id_token") {
        Some(Node::Text(token)) => Secret::new(token.as_ref()),
        Some(Node::Null) | None => return Err(LoginError::IdTokenMissing),
        Some(_) => return Err(LoginError::TokenMalformed),
    };
    let token = |name| match answer.get(name) {
        Some(Node::Text(token)) => Some(Secret::new(token.as_ref())),
        _ => None,
    };
    Ok(Tokens { id_token, access_token: token("access_token"), refresh_token: token("refresh_token") })
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
