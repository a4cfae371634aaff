//! Who calls with an access token of another issuer: remembered, or verified with its keys, or told of by itself; for
//! this server, not revoked here, and somebody whom this server can serve.
//!
//! Not here: asking issuers (`flow::external`), and what a token must say (`oauth::external`).

use std::rc::Rc;

use super::presented::Scheme;
use super::{possession, presented};
use crate::caller::{By, Caller};
use crate::config::{AccessTokens, ExternalIssuer, Server};
use crate::flow::external::{Subject, cannot_connect, introspection, is_admitted, keys, subject};
use crate::flow::revocation::Markers;
use crate::flow::{Head, RequestContext, bound, revocation, sentence};
use crate::jose::jws::{self, JwsError};
use crate::json::Node;
use crate::login::oidc::claims::WantedClaims;
use crate::memory::{ExternalToken, Verified};
use crate::oauth::external::access_token;
use crate::oauth::external::access_token::ExternalTokenError;
use crate::oauth::external::told::ToldClaims;
use crate::ports::Platform;
use crate::secret::Secret;
use crate::time::Lifetime;
use crate::web::failure::Failure;

/// For how long a token is not looked at again. It bounds how late it is heard that its issuer has revoked it, or does
/// not publish its key any more.
const REMEMBERED: Lifetime = Lifetime(60);

/// The longest token without a form.
const LONGEST: usize = 8192;

/// How a token says whose it is.
enum Source<'c> {
    /// Verified moments ago.
    Known(Rc<ExternalToken>),
    /// One of the issuers that the server takes tokens of.
    Issuer(&'c ExternalIssuer, &'c AccessTokens),
}

/// The caller of an MCP request by a token of another issuer; `None` where it can be none of those that the server
/// takes tokens of.
pub async fn authenticate<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    server: &Server,
    (scheme, token): (Scheme, &str),
) -> Result<Option<Rc<Caller>>, Failure> {
    let found = match source(context, server, token).map_err(|error| refuse(context, server, error))? {
        None => return Ok(None),
        Some(Source::Known(found)) => found,
        Some(Source::Issuer(issuer, tokens)) => find(context, head, server, issuer, tokens, token).await?,
    };
    let caller = &found.caller;
    context.record.caller(caller);
    possession::require(context, head, server, (scheme, token), found.jkt.as_deref()).await?;
    let markers = Markers { platform: context.platform, memory: context.memory, now: context.now };
    if markers.of_subject(&caller.subject, Some(caller.since)).await? {
        let fix = "Sign in anew at the issuer of the token; a token that was only refreshed is not taken.".to_owned();
        let description = "Invalid or expired access token";
        return Err(presented::worthless(context, server, revocation::REASON, description, fix));
    }
    if server.is_personal() && !found.signs_in {
        return Err(cannot_connect(server, caller.by.issuer().unwrap_or_default()));
    }
    Ok(Some(Rc::clone(caller)))
}

fn source<'c, P: Platform>(
    context: &'c RequestContext<'_, P>,
    server: &Server,
    token: &str,
) -> Result<Option<Source<'c>>, ExternalTokenError> {
    let known = name(context, server, token).and_then(|name| context.memory.external_tokens.get(&name, context.now));
    // What was asked under the configuration before may have been remembered after it was forgotten.
    let is_taken = |known: &Rc<ExternalToken>| {
        let issuer = known.caller.by.issuer();
        known.text.matches(token) && server.accepts.issuers.iter().any(|alias| issuer == Some(alias.as_str()))
    };
    if let Some(known) = known.filter(is_taken) {
        return Ok(Some(Source::Known(known)));
    }
    let mut issuers = server.accepts.issuers.iter().filter_map(|alias| {
        let issuer = context.config.issuers.get(alias)?;
        Some((issuer, issuer.access_tokens()?))
    });
    let found = match jws::claimed_issuer(token) {
        Some(claimed) if claimed == context.origin.as_str() => return Ok(None),
        Some(claimed) => issuers.find(|(issuer, _)| issuer.issuer == claimed).ok_or(ExternalTokenError::NotAccepted)?,
        None => match issuers.find(|(_, tokens)| tokens.introspection.is_some()) {
            Some(_) if token.len() > LONGEST => return Err(ExternalTokenError::Signature(JwsError::Malformed)),
            Some(asked) => asked,
            None => return Ok(None),
        },
    };
    Ok(Some(Source::Issuer(found.0, found.1)))
}

/// Where it is remembered: a token is for one form of a server.
fn name<P: Platform>(context: &RequestContext<'_, P>, server: &Server, token: &str) -> Option<String> {
    Some(format!("{} {}", Verified::ending(token)?, context.resource(server).url()))
}

async fn find<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    server: &Server,
    issuer: &ExternalIssuer,
    tokens: &AccessTokens,
    token: &str,
) -> Result<Rc<ExternalToken>, Failure> {
    let invalid = |error| refuse(context, server, error);
    let is_jwt = jws::claimed_issuer(token).is_some();
    let (mut said, mut signed_end) = (Vec::new(), None);
    if is_jwt {
        let is_fit = |typ: Option<&str>| access_token::is_typed(typ, tokens.untyped);
        let signed = keys::verified(context, issuer, token, is_fit).await?;
        said = signed.map_err(|error| invalid(error.into()))?.into_payload();
        // Before anybody is asked about it.
        signed_end = judge(context, server, issuer, &said, false).map_err(invalid)?.0.expires;
    }
    let asked = tokens.introspection.as_ref().filter(|asking| !is_jwt || asking.jwts);
    if let Some(asking) = asked {
        let answer = introspection::ask_about(context, head, issuer, asking, token).await?;
        said = answer.ok_or_else(|| invalid(ExternalTokenError::Inactive))?;
    }
    let (told, sub) = judge(context, server, issuer, &said, asked.is_some()).map_err(invalid)?;
    let claims = Node::parse(&said).map_err(|_| invalid(ExternalTokenError::Signature(JwsError::Malformed)))?;
    let subject = subject(context, issuer, &sub, told.is_machine());
    if !is_admitted(context, &subject, &claims) {
        return Err(invalid(ExternalTokenError::NotAdmitted));
    }
    let Subject { id, signs_in } = subject;
    if !signs_in {
        bound::require(context, &id, &issuer.issuer).await?;
    }
    let policy = &server.policy;
    let mut wanted = WantedClaims::new(tokens.roles.as_ref(), policy.claims()).told(&claims, None);
    wanted.roles.retain(|role| policy.roles().any(|asked| asked == role));
    let known = &context.config.scopes;
    // An issuer that is asked about its JWT need not say again when that ends.
    let expires = told.expires.into_iter().chain(signed_end).min();
    let end = expires.unwrap_or(context.now + REMEMBERED);
    let until = context.now + context.config.tokens.access_ttl;
    let caller = Caller {
        subject: id,
        account: None,
        scope: access_token::granted(&told.scope, tokens.scopes.as_ref(), |scope| known.contains(scope)),
        roles: wanted.roles,
        claims: wanted.claims,
        by: By::External { issuer: issuer.alias.clone(), client: told.client.clone() },
        since: told.authenticated(context.now),
        until: until.min(expires.unwrap_or(until)),
    };
    let found =
        Rc::new(ExternalToken { text: Secret::new(token), caller: Rc::new(caller), jkt: told.jkt.clone(), signs_in });
    if let Some(name) = name(context, server, token) {
        let until = end.min(context.now + REMEMBERED);
        context.memory.external_tokens.put(name, Rc::clone(&found), until, context.now);
    }
    Ok(found)
}

fn judge<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    issuer: &ExternalIssuer,
    said: &[u8],
    is_answer: bool,
) -> Result<(ToldClaims, String), ExternalTokenError> {
    let node = Node::parse(said).map_err(|_| ExternalTokenError::Signature(JwsError::Malformed))?;
    let told = ToldClaims::read(&node).ok_or(ExternalTokenError::Signature(JwsError::Malformed))?;
    let resource = context.resource(server).url();
    let audience = issuer.audience.as_deref().unwrap_or(&resource);
    let subject = access_token::judge(&told, &issuer.issuer, audience, is_answer, context.now)?;
    Ok((told, subject))
}

fn refuse<P: Platform>(context: &RequestContext<'_, P>, server: &Server, error: ExternalTokenError) -> Failure {
    let again = match error {
        ExternalTokenError::Expired | ExternalTokenError::Inactive => {
            "the client should refresh it, or authorize again at its issuer."
        }
        ExternalTokenError::WrongAudience => "ask its issuer for a token with this server's URL as the resource.",
        ExternalTokenError::NotAccepted => {
            "authorize at one of the authorization servers of this server's resource metadata."
        }
        ExternalTokenError::Signature(JwsError::WrongType) => {
            "send an access token. Where the issuer writes no typ of at+jwt, the operator can set token_type to JWT."
        }
        _ => "authorize again at its issuer; if it stays, the operator must compare the issuer with the configuration.",
    };
    let fix = format!("{} To mend it, {again}", sentence(&error));
    presented::worthless(context, server, error.reason(), "Invalid or expired access token", fix)
}
