//! What a request presents to be let in: an access token or an API key, once, in a header, and nowhere else (OAuth 2.1
//! §5.1).
//!
//! Not here: whether it is good (`flow::call::bearer`, `flow::call::api_key`).

use super::challenge;
use crate::config::Server;
use crate::flow::{Head, RequestContext, credentials};
use crate::headers::{AUTHORIZATION, HeaderName};
use crate::oauth::api_key::text::PREFIX;
pub use crate::oauth::challenge::TokenScheme as Scheme;
use crate::oauth::error::ErrorCode;
use crate::ports::Platform;
use crate::web::failure::Failure;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// What is presented.
pub enum Presented<'r> {
    /// An access token, and how it was sent.
    Token(Scheme, &'r str),
    /// An API key.
    Key(&'r str),
}

impl<'r> Presented<'r> {
    /// What a request presents to a server.
    pub fn of<P: Platform>(context: &RequestContext<'_, P>, head: &'r Head, server: &Server) -> Result<Self, Failure> {
        let in_query = |is_meant: fn(&str, &str) -> bool| {
            head.url.query().is_some() && head.url.query_pairs().any(|(name, value)| is_meant(&name, &value))
        };
        if in_query(|_, value| value.starts_with(PREFIX)) {
            return Err(in_url(context, server));
        }
        let in_query = in_query(|name, _| name == "access_token");
        let mut values = head.headers.get_all(AUTHORIZATION);
        let (value, more) = (values.next(), values.next());
        let key = key(head);
        if in_query || more.is_some() || key.is_err() {
            let description = "The access token or API key must be sent once, in its header.";
            return Err(malformed(context, server, description));
        }
        let token = match value.and_then(|value| value.to_str().ok()) {
            Some(value) => Some(authorization(context, server, value)?),
            None => None,
        };
        match (token, key.ok().flatten()) {
            (Some((_, token)), Some(key)) if key.starts_with(PREFIX) && token != key => Err(differ(context, server)),
            (Some((Scheme::Bearer, token)), _) if token.starts_with(PREFIX) => Ok(Self::Key(token)),
            // Clients send such a header for servers behind, too: one that is none of ours goes nowhere.
            (Some((scheme, token)), _) => Ok(Self::Token(scheme, token)),
            (None, Some(key)) if server.accepts.keys || key.starts_with(PREFIX) => Ok(Self::Key(key)),
            (None, _) => Err(missing(context, server)),
        }
    }
}

/// What stands in the header for keys. One of ours stands there alone.
fn key(head: &Head) -> Result<Option<&str>, ()> {
    let values = || head.headers.get_all(API_KEY).map(|value| value.to_str().unwrap_or_default().trim());
    let ours = values().any(|value| value.starts_with(PREFIX));
    if ours && values().nth(1).is_some() { Err(()) } else { Ok(values().next()) }
}

fn authorization<'r, P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    value: &'r str,
) -> Result<(Scheme, &'r str), Failure> {
    let of = |scheme: Scheme| credentials(value, scheme.as_str()).map(|token| (scheme, token));
    let Some((scheme, token)) = of(Scheme::Bearer).or_else(|| of(Scheme::Dpop)) else {
        return Err(Failure::client(401, "token_scheme_unsupported", "Only Bearer and DPoP tokens are accepted here.")
            .fix("Send Authorization: Bearer followed by an access token of this gateway.")
            .slug(server.slug.as_str())
            .challenge(challenge::of(context, server, None)));
    };
    if token.is_empty() || memchr::memchr2(b' ', b',', token.as_bytes()).is_some() {
        return Err(malformed(context, server, "The Authorization header holds no single access token."));
    }
    Ok((scheme, token))
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
    let failure = Failure::client(400, "authorization_malformed", description)
        .fix("Send Authorization: Bearer followed by one access token, and nothing in the query.");
    unreadable(context, server, failure)
}

fn differ<P: Platform>(context: &RequestContext<'_, P>, server: &Server) -> Failure {
    let failure = Failure::client(400, "credentials_differ", "Authorization and X-API-Key say two different things.")
        .fix("Send one of them: an access token as Authorization: Bearer, or an API key in either header.");
    unreadable(context, server, failure)
}

/// Addresses end up in logs, histories and other sites' `Referer`.
fn in_url<P: Platform>(context: &RequestContext<'_, P>, server: &Server) -> Failure {
    let failure = Failure::client(400, "api_key_in_url", "An API key is never taken from an address.").fix(
        "Revoke this key, as addresses end up in logs. Make another, and send it as Authorization: Bearer or \
         X-API-Key.",
    );
    unreadable(context, server, failure)
}

fn unreadable<P: Platform>(context: &RequestContext<'_, P>, server: &Server, failure: Failure) -> Failure {
    let challenge = challenge::of(context, server, Some((ErrorCode::InvalidRequest, &failure.message)));
    failure.code(ErrorCode::InvalidRequest).slug(server.slug.as_str()).challenge(challenge)
}
