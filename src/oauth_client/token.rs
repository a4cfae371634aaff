//! The token endpoint of an upstream's issuer: redeeming codes, refreshing, the client credentials grant (OAuth 2.1
//! §3.2, §4).
//!
//! Not here: who may refresh when (`connection`), sending anything (`flow`).

use std::fmt;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::account_name;
use super::client_auth::GatewayClient;
use super::error_response::OauthErrorBody;
use crate::headers::{HeaderMap, RETRY_AFTER};
use crate::json::Node;
use crate::reasons::{Noted, reasons};
use crate::secret::Secret;
use crate::time::{Lifetime, Timestamp};
use crate::untrusted::{Sent, presentable};
use crate::web::form;

#[cfg(test)]
mod tests;

/// What an issuer answers that does not take the resource (RFC 8707 §2).
pub(super) const INVALID_TARGET: &str = "invalid_target";

const ACCESS_TOKEN: &str = "access_token";

/// No token answer is larger; `flow` reads no further.
pub const MAX_BYTES: usize = 64 * 1024;

/// The longest token that still fits, sealed with another one, into a record.
const LONGEST_TOKEN: usize = 12 * 1024;

/// What the gateway asks tokens for.
#[derive(Debug)]
pub enum GrantRequest<'a> {
    /// A person came back with a code (OAuth 2.1 §4.1.3).
    Code {
        /// The code.
        code: &'a Secret,
        /// Proves that the gateway asked for it.
        verifier: &'a Secret,
        /// As in the authorization request.
        redirect_uri: &'a str,
    },
    /// OAuth 2.1 §4.3.
    Refresh(&'a Secret),
    /// OAuth 2.1 §4.2, with the scope to ask for.
    ClientCredentials(Option<&'a str>),
}

/// The request for tokens. `resource` is in every one of them, verbatim (RFC 8707 §2.2); `None` only where an
/// operator's client credentials do without.
pub fn request(
    endpoint: &str,
    client: &GatewayClient,
    grant: &GrantRequest<'_>,
    resource: Option<&str>,
) -> Result<Request<Vec<u8>>, Unsendable> {
    let mut form = Serializer::new(String::new());
    match grant {
        GrantRequest::Code { code, verifier, redirect_uri } => {
            form.append_pair("grant_type", "authorization_code")
                .append_pair("code", code.expose())
                .append_pair("redirect_uri", redirect_uri)
                .append_pair("code_verifier", verifier.expose());
        }
        GrantRequest::Refresh(token) => {
            form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", token.expose());
        }
        GrantRequest::ClientCredentials(scope) => {
            form.append_pair("grant_type", "client_credentials");
            if let Some(scope) = scope {
                form.append_pair("scope", scope);
            }
        }
    }
    if let Some(resource) = resource {
        form.append_pair("resource", resource);
    }
    post(endpoint, client, form)
}

/// What of such a request must not come back in a text.
pub fn secrets(client: &GatewayClient, grant: &GrantRequest<'_>) -> Sent {
    let sent = client.sent();
    match grant {
        GrantRequest::Code { code, verifier, .. } => sent.with(code).with(verifier),
        GrantRequest::Refresh(token) => sent.with(token),
        GrantRequest::ClientCredentials(_) => sent,
    }
}

/// A form posted as this client.
pub(super) fn post(
    endpoint: &str,
    client: &GatewayClient,
    mut form: Serializer<'_, String>,
) -> Result<Request<Vec<u8>>, Unsendable> {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(endpoint)
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some(credentials) = client.authenticate(&mut form) {
        request = request.header(AUTHORIZATION, credentials);
    }
    request.body(form.finish().into_bytes()).map_err(|_| Unsendable)
}

/// The endpoint is a URL that HTTP cannot carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsendable;

/// What a token endpoint gave.
#[derive(Debug, Clone)]
pub struct TokenAnswer {
    /// For the server, and for nobody else.
    pub access_token: Secret,
    /// When it ends. `None` where the issuer does not say, or says what cannot be: then only the server can tell.
    pub expires: Option<Timestamp>,
    /// A new refresh token. `None` means that there is none, or after a refresh that the one before stays good (OAuth
    /// 2.1 §4.3.2).
    pub refresh_token: Option<Secret>,
    /// What was granted. `None` means what was asked for (OAuth 2.1 §3.2.3).
    pub scope: Option<String>,
    /// What the issuer calls the account, for its person's eyes only.
    pub account: Option<String>,
}

/// Reads the answer to [`request`]. `sent_scope` is what was asked for, to be named when it is refused, and `sent` what
/// is not to be shown of the request.
///
/// 1. An issuer that is overloaded or broken says nothing about the grant.
/// 2. An error counts by its code, whatever the status: some issuers send it with 200.
/// 3. Success needs a token that can be sent; what else it says may be missing or odd. Where there is no token but in
///    one object of the answer, that object is what was issued (Slack's `authed_user`).
pub fn response(
    status: StatusCode,
    headers: &HeaderMap,
    bytes: &[u8],
    sent_scope: Option<&str>,
    sent: &Sent,
    now: Timestamp,
) -> Result<TokenAnswer, TokenError> {
    // 1.
    if let Some(busy) = busy(status, headers) {
        return Err(TokenError::Temporary(busy));
    }
    let garbage = || TokenError::Temporary(Busy { status: status.as_u16(), retry_after: None });
    let bytes = Some(bytes).filter(|bytes| bytes.len() <= MAX_BYTES).ok_or_else(garbage)?;
    let body = tree(bytes).ok_or_else(garbage)?;

    // 2.
    let refusal: OauthErrorBody = body.read().map_err(|_| garbage())?;
    if let Some(error) = refusal.code() {
        return Err(TokenError::of(error, refusal.description(sent), sent_scope, sent, status));
    }
    if status != StatusCode::OK && status != StatusCode::CREATED {
        return Err(garbage());
    }

    // 3.
    let answer: Answer = issued(&body).read().map_err(|_| garbage())?;
    if let Some(kind) = answer.token_type.as_deref().filter(|kind| !is_bearer(kind)) {
        return Err(TokenError::TokenType { kind: sent.presentable(kind) });
    }
    let access_token = answer.access_token.filter(|token| sendable(token)).ok_or_else(garbage)?;
    Ok(TokenAnswer {
        access_token: Secret::new(access_token),
        expires: answer.expires_in.as_ref().and_then(lifetime).map(|lifetime| now + lifetime),
        refresh_token: answer.refresh_token.filter(|token| sendable(token)).map(Secret::new),
        scope: answer.scope.as_ref().and_then(super::scope::granted).filter(|scope| !sent.is_in(scope)),
        account: answer.id_token.as_ref().and_then(Value::as_str).and_then(account_name::of_id_token),
    })
}

#[derive(Deserialize)]
struct Answer {
    access_token: Option<String>,
    token_type: Option<String>,
    expires_in: Option<Value>,
    refresh_token: Option<String>,
    scope: Option<Value>,
    id_token: Option<Value>,
}

/// Of JSON, or of a form as GitHub writes it, which has a token or an error.
fn tree(bytes: &[u8]) -> Option<Node<'_>> {
    if let Ok(tree) = Node::parse(bytes) {
        return Some(tree);
    }
    let form = form::parse(bytes).ok()?;
    let member = |name: &str| Some((name.to_owned().into(), Node::Text(form.one(name).ok()??.to_owned().into())));
    let answers = form.has(ACCESS_TOKEN) || form.has("error");
    answers.then(|| Node::Object(form.names().filter_map(member).collect()))
}

/// The object of an answer that has the token.
fn issued<'a, 'json>(body: &'a Node<'json>) -> &'a Node<'json> {
    let Node::Object(members) = body else { return body };
    let has_token = |node: &&Node<'_>| node.get(ACCESS_TOKEN).is_some();
    if has_token(&body) {
        return body;
    }
    let mut inner = members.iter().map(|(_, node)| node).filter(has_token);
    inner.next().filter(|_| inner.next().is_none()).unwrap_or(body)
}

/// RFC 6750, by any capitals. The others are what Slack calls a bearer token of a person and of an application.
fn is_bearer(kind: &str) -> bool {
    ["bearer", "user", "bot"].iter().any(|name| kind.eq_ignore_ascii_case(name))
}

/// Visible ASCII, so that it goes into a header as it is, and not too long for our records.
fn sendable(token: &str) -> bool {
    (1..=LONGEST_TOKEN).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// `expires_in` as a number of seconds, also written as text or with a fraction. One that is zero or negative says
/// nothing: believed, every call would refresh.
fn lifetime(value: &Value) -> Option<Lifetime> {
    let seconds = match value {
        Value::String(text) => text.trim().parse().ok()?,
        value => value.as_f64()?,
    };
    let whole = format!("{:.0}", seconds.clamp(0.0, 1e12)).parse().ok()?;
    Some(Lifetime(whole)).filter(|lifetime| lifetime.0 > 0)
}

/// An answer that says nothing but "not now".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy {
    /// The HTTP status.
    pub status: u16,
    /// When to try again, if it says so in seconds.
    pub retry_after: Option<Lifetime>,
}

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it answered {}", self.status)
    }
}

/// Whether the issuer cannot answer now: 408, 429, or a server error.
pub(super) fn busy(status: StatusCode, headers: &HeaderMap) -> Option<Busy> {
    let busy = status.is_server_error() || matches!(status.as_u16(), 408 | 429);
    let seconds = || headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Lifetime);
    busy.then(|| Busy { status: status.as_u16(), retry_after: seconds() })
}

/// Why there are no tokens. Foreign text in it is presentable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenError {
    /// The code or refresh token is spent, expired or revoked: only the person can help.
    DeadGrant {
        /// The issuer's words.
        description: Option<String>,
    },
    /// The issuer does not know the gateway, or not by this secret.
    BadClient {
        /// Its code.
        error: String,
        /// The issuer's words.
        description: Option<String>,
    },
    /// The issuer does not have the scope, or does not give it (P6).
    InvalidScope {
        /// What was sent.
        sent: Option<String>,
        /// The issuer's words.
        description: Option<String>,
    },
    /// The issuer refused for another reason; the same request will be refused again.
    Refused {
        /// Its code.
        error: String,
        /// The issuer's words.
        description: Option<String>,
    },
    /// The tokens are of a kind the gateway cannot use (OAuth 2.1 §1.4).
    TokenType {
        /// Its name.
        kind: String,
    },
    /// Overloaded, broken, or an answer that makes no sense: it says nothing about the grant.
    Temporary(Busy),
}

impl TokenError {
    fn of(error: &str, description: Option<String>, sent_scope: Option<&str>, sent: &Sent, status: StatusCode) -> Self {
        match error {
            // The others are GitHub's and Slack's names for it.
            "invalid_grant"
            | "bad_refresh_token"
            | "invalid_refresh_token"
            | "bad_verification_code"
            | "invalid_code"
            | "code_already_used" => Self::DeadGrant { description },
            "invalid_client"
            | "unauthorized_client"
            | "incorrect_client_credentials"
            | "invalid_client_id"
            | "bad_client_secret" => Self::BadClient { error: error.to_owned(), description },
            "invalid_scope" => Self::InvalidScope { sent: sent_scope.map(presentable), description },
            "server_error" | "temporarily_unavailable" | "slow_down" => {
                Self::Temporary(Busy { status: status.as_u16(), retry_after: None })
            }
            error => Self::Refused { error: sent.presentable(error), description },
        }
    }

    /// Whether the issuer does not know the gateway's client. That it may not do this says nothing of the kind.
    pub fn is_client_unknown(&self) -> bool {
        matches!(self, Self::BadClient { error, .. } if error == "invalid_client")
    }

    /// Whether the issuer has nothing under the resource that it was told (RFC 8707 §2).
    pub fn is_resource_refused(&self) -> bool {
        matches!(self, Self::Refused { error, .. } if error == INVALID_TARGET)
    }

    /// Whether it may be about a client that was named twice.
    pub fn may_be_of_two_names(&self) -> bool {
        matches!(self, Self::Refused { error, .. } if error == "invalid_request")
    }
}

reasons! { TokenError:
    DeadGrant { description } => "upstream_grant_dead",
        "the authorization server does not accept the code or refresh token any more{}", Noted(description);
    BadClient { error, description } => "upstream_client_refused",
        "the authorization server does not accept this gateway as its client: {error}{}", Noted(description);
    InvalidScope { sent: Some(sent), description } => "upstream_scope_invalid",
        "the authorization server refused the scope that was asked for, {sent:?}{}", Noted(description);
    InvalidScope { sent: None, description } => "upstream_scope_invalid",
        "the authorization server wants another scope; none was asked for{}", Noted(description);
    Refused { error, description } => "upstream_token_refused",
        "the authorization server refused to issue a token: {error}{}", Noted(description);
    TokenType { kind } => "upstream_token_type",
        "the authorization server issued a token of an unknown kind: {kind}";
    Temporary(busy) => "upstream_token_unavailable",
        "the authorization server could not issue a token now: {busy}";
}

impl std::error::Error for TokenError {}
