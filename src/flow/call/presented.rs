//! What a request presents to be let in: an access token or an API key, once, in a header, and nowhere else (OAuth 2.1
//! §5.1).
//!
//! Not here: whether it is good (`flow::call::bearer`, `flow::call::api_key`).

use http::HeaderName;
use http::header::AUTHORIZATION;

use super::challenge;
use crate::config::Server;
use crate::flow::{Head, RequestContext};
use crate::oauth::api_key::text::PREFIX;
use crate::oauth::error::ErrorCode;
use crate::ports::Platform;
use crate::web::failure::Failure;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// What is presented.
pub enum Presented<'r> {
    /// An access token.
    Token(&'r str),
    /// An API key.
    Key(&'r str),
}

impl<'r> Presented<'r> {
    /// What a request presents to a server.
    pub fn of<P: Platform>(context: &RequestContext<'_, P>, head: &'r Head, server: &Server) -> Result<Self, Failure> {
        if head.url.query_pairs().any(|(_, value)| value.starts_with(PREFIX)) {
            return Err(in_url(context, server));
        }
        let in_query = head.url.query_pairs().any(|(name, _)| name == "access_token");
        let mut values = head.headers.get_all(AUTHORIZATION).iter();
        let (value, more) = (values.next(), values.next());
        let mut keys = head.headers.get_all(API_KEY).iter();
        let (key, more_keys) = (keys.next(), keys.next());
        if in_query || more.is_some() || more_keys.is_some() {
            let description = "The access token must be sent once, in the Authorization header.";
            return Err(malformed(context, server, description));
        }
        let key = key.map(|key| key.to_str().unwrap_or_default().trim());
        let token = match value.and_then(|value| value.to_str().ok()) {
            Some(value) => Some(bearer(context, server, value)?),
            None => None,
        };
        match (token, key) {
            (Some(token), Some(key)) if token != key => Err(differ(context, server)),
            (_, Some(key)) => Ok(Self::Key(key)),
            (Some(token), None) if token.starts_with(PREFIX) => Ok(Self::Key(token)),
            (Some(token), None) => Ok(Self::Token(token)),
            (None, None) => Err(missing(context, server)),
        }
    }
}

fn bearer<'r, P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    value: &'r str,
) -> Result<&'r str, Failure> {
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Failure::client(401, "token_scheme_unsupported", "Only bearer tokens are accepted here.")
            .fix("Send Authorization: Bearer followed by an access token of this gateway.")
            .slug(server.slug.as_str())
            .challenge(challenge::of(context, server, None)));
    }
    let token = token.trim();
    if token.is_empty() || token.bytes().any(|byte| matches!(byte, b' ' | b',')) {
        return Err(malformed(context, server, "The Authorization header holds no single bearer token."));
    }
    Ok(token)
}

/// What is presented is worth nothing: 401, with the words of `description` (reference N4), and the way for clients
/// that can authorize.
pub fn worthless<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    reason: &'static str,
    description: &'static str,
    fix: String,
) -> Failure {
    Failure::client(401, reason, description)
        .code(ErrorCode::InvalidToken)
        .fix(fix)
        .slug(server.slug.as_str())
        .challenge(challenge::of(context, server, Some((ErrorCode::InvalidToken, description))))
}

fn missing<P: Platform>(context: &RequestContext<'_, P>, server: &Server) -> Failure {
    Failure::client(401, "token_missing", "This server needs an access token.")
        .fix("Let the client authorize: it finds everything it needs at the resource_metadata URL of this answer.")
        .slug(server.slug.as_str())
        .challenge(challenge::of(context, server, None))
}

fn malformed<P: Platform>(context: &RequestContext<'_, P>, server: &Server, description: &'static str) -> Failure {
    bad_request(context, server, "authorization_malformed", description)
        .fix("Send Authorization: Bearer followed by one access token, and nothing in the query.")
}

fn differ<P: Platform>(context: &RequestContext<'_, P>, server: &Server) -> Failure {
    let description = "Authorization and X-API-Key say two different things.";
    bad_request(context, server, "credentials_differ", description)
        .fix("Send one of them: an access token as Authorization: Bearer, or an API key in either header.")
}

/// Addresses end up in logs, histories and other sites' `Referer`.
fn in_url<P: Platform>(context: &RequestContext<'_, P>, server: &Server) -> Failure {
    let description = "An API key is never taken from an address.";
    bad_request(context, server, "api_key_in_url", description).fix(
        "Revoke this key, as addresses end up in logs. Make another, and send it as Authorization: Bearer or X-API-Key.",
    )
}

fn bad_request<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    reason: &'static str,
    description: &'static str,
) -> Failure {
    Failure::client(400, reason, description)
        .code(ErrorCode::InvalidRequest)
        .slug(server.slug.as_str())
        .challenge(challenge::of(context, server, Some((ErrorCode::InvalidRequest, description))))
}
