//! Who calls: the bearer of a request, remembered or verified, for this very server, with the scope it needs, not
//! revoked.
//!
//! Not here: the token's form (`oauth::token::access_token`), challenges' syntax (`oauth::challenge`).

use crate::authorization_log::AuthorizationStep;
use std::rc::Rc;

use http::header::AUTHORIZATION;

use super::challenge;
use crate::caller::Caller;
use crate::config::Server;
use crate::flow::revocation::Markers;
use crate::flow::{Head, RequestContext, default_scope, join, revocation, sentence};
use crate::memory::Verified;
use crate::oauth::error::ErrorCode;
use crate::oauth::scope::ScopeSet;
use crate::oauth::token::access_token;
use crate::oauth::token::access_token::AccessTokenError;
use crate::ports::Platform;
use crate::web::failure::Failure;
use crate::web::route;

/// The caller of an MCP request by the access token that it presents.
pub async fn authenticate<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    server: &Server,
) -> Result<Rc<Caller>, Failure> {
    context.record.step(AuthorizationStep::AccessToken);
    let token = present(context, head, server)?;
    let known = Verified::ending(token).and_then(|ending| context.memory.tokens.get(ending, context.now));
    let verified = match known.filter(|known| known.is(token)) {
        Some(verified) => verified,
        None => verify(context, server, token)?,
    };
    let (claims, caller) = (&verified.claims, &verified.caller);
    let resource = route::resource_url(context.origin.as_str(), server);
    claims
        .check(context.origin.as_str(), &resource, server.slug.as_str())
        .map_err(|error| invalid(context, server, error))?;
    context.record.caller(caller);
    context.record.step(AuthorizationStep::Revocation);
    let markers = Markers { platform: context.platform, memory: context.memory, now: context.now };
    // A token can be made from an old grant where the revocation has not been heard of yet.
    let of_subject = markers.of_subject(&caller.subject, Some(caller.since));
    let (of_grant, of_subject) = join(markers.of_grant(&claims.grant, claims.exp), of_subject).await;
    if of_grant? || of_subject? {
        return Err(revoked(context, server));
    }
    context.record.step(AuthorizationStep::Scope);
    if !context.config.scopes.hold(&caller.scope, ScopeSet::TOOLS) {
        return Err(insufficient(context, server, &caller.scope));
    }
    Ok(Rc::clone(caller))
}

fn verify<P: Platform>(context: &RequestContext<'_, P>, server: &Server, token: &str) -> Result<Rc<Verified>, Failure> {
    let claims = access_token::verify(&context.keys, token, context.now);
    let verified = Rc::new(Verified::new(token, claims.map_err(|error| invalid(context, server, error))?));
    if let Some(ending) = Verified::ending(token) {
        context.memory.tokens.put(ending, Rc::clone(&verified), verified.caller.until, context.now);
    }
    Ok(verified)
}

/// The bearer token as it stands in the header, and nowhere else (OAuth 2.1 §5.1).
fn present<'r, P: Platform>(
    context: &RequestContext<'_, P>,
    head: &'r Head,
    server: &Server,
) -> Result<&'r str, Failure> {
    let in_query = head.url.query_pairs().any(|(name, _)| name == "access_token");
    let mut values = head.headers.get_all(AUTHORIZATION).iter();
    let (value, more) = (values.next(), values.next());
    if in_query || more.is_some() {
        return Err(malformed(context, server, "The access token must be sent once, in the Authorization header."));
    }
    let Some(value) = value.and_then(|value| value.to_str().ok()) else {
        return Err(Failure::client(401, "token_missing", "This server needs an access token.")
            .fix("Let the client authorize: it finds everything it needs at the resource_metadata URL of this answer.")
            .slug(server.slug.as_str())
            .challenge(challenge::of(context, server, None)));
    };
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

fn invalid<P: Platform>(context: &RequestContext<'_, P>, server: &Server, error: AccessTokenError) -> Failure {
    let again = match error {
        AccessTokenError::Expired => "the client should refresh it, or authorize again.",
        AccessTokenError::WrongIssuer | AccessTokenError::WrongAudience => {
            "remove the server from the client and add it again with its present URL."
        }
        _ => "authorize again from the client.",
    };
    refuse(context, server, error.reason(), format!("{} To mend it, {again}", sentence(&error)))
}

fn revoked<P: Platform>(context: &RequestContext<'_, P>, server: &Server) -> Failure {
    refuse(
        context,
        server,
        revocation::REASON,
        "The access this token was issued for was revoked. Authorize again from the client.".to_owned(),
    )
}

fn refuse<P: Platform>(context: &RequestContext<'_, P>, server: &Server, reason: &'static str, fix: String) -> Failure {
    // Reference N4: the words clients and their support pages know.
    let description = "Invalid or expired access token";
    Failure::client(401, reason, description)
        .code(ErrorCode::InvalidToken)
        .fix(fix)
        .slug(server.slug.as_str())
        .challenge(challenge::of(context, server, Some((ErrorCode::InvalidToken, description))))
}

/// The challenge keeps what was granted of the server, so that whoever authorizes anew does not lose it.
fn insufficient<P: Platform>(context: &RequestContext<'_, P>, server: &Server, granted: &ScopeSet) -> Failure {
    let ask = default_scope().union(&granted.without(ScopeSet::OFFLINE_ACCESS));
    let description = "Missing required scope: mcp:tools";
    Failure::client(403, "scope_insufficient", description)
        .code(ErrorCode::InsufficientScope)
        .fix("Authorize again and ask for the scope mcp:tools; most clients do so by themselves.")
        .slug(server.slug.as_str())
        .challenge(challenge::for_scope(context, server, &ask, description))
}

fn malformed<P: Platform>(context: &RequestContext<'_, P>, server: &Server, description: &'static str) -> Failure {
    Failure::client(400, "authorization_malformed", description)
        .code(ErrorCode::InvalidRequest)
        .fix("Send Authorization: Bearer followed by one access token, and nothing in the query.")
        .slug(server.slug.as_str())
        .challenge(challenge::of(context, server, Some((ErrorCode::InvalidRequest, description))))
}
