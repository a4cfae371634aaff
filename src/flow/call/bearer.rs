//! Who calls: the bearer of a request, remembered or verified, for this very server, with the scope it needs, not
//! revoked.
//!
//! Not here: where it stands in the request (`flow::call::presented`), API keys (`flow::call::api_key`), tokens of
//! other issuers (`flow::call::external`), the token's form (`oauth::token::access_token`), challenges' syntax
//! (`oauth::challenge`).

use std::rc::Rc;

use super::presented::{Presented, Scheme};
use super::{api_key, challenge, external, possession, presented, refusal};
use crate::authorization_log::AuthorizationStep;
use crate::caller::{By, Caller};
use crate::config::Server;
use crate::flow::revocation::Markers;
use crate::flow::{Head, RequestContext, boxed, default_scope, revocation, sentence};
use crate::memory::Verified;
use crate::oauth::agent::Sponsor;
use crate::oauth::error::ErrorCode;
use crate::oauth::external::access_token::ExternalTokenError;
use crate::oauth::machine::{Machine, MachineError};
use crate::oauth::scope::ScopeSet;
use crate::oauth::token::access_token;
use crate::oauth::token::access_token::AccessTokenError;
use crate::ports::Platform;
use crate::web::failure::Failure;

/// The caller of an MCP request by the access token or API key that it presents.
pub async fn authenticate<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    server: &Server,
) -> Result<Rc<Caller>, Failure> {
    context.record.step(AuthorizationStep::AccessToken);
    let (scheme, token) = match Presented::of(context, head, server)? {
        Presented::Token(scheme, token) => (scheme, token),
        Presented::Key(key) => return boxed(api_key::authenticate(context, head, server, key)).await,
    };
    let known = Verified::ending(token).and_then(|ending| context.memory.tokens.get(ending, context.now));
    let verified = match known.filter(|known| known.is(token)) {
        Some(verified) => verified,
        None if !server.accepts.issuers.is_empty() => {
            match boxed(external::authenticate(context, head, server, (scheme, token))).await? {
                Some(caller) => return require_scope(context, server, &caller).map(|()| caller),
                None => verify(context, server, token)?,
            }
        }
        None => verify(context, server, token)?,
    };
    let (claims, caller) = (&verified.claims, &verified.caller);
    if !server.accepts.own {
        return Err(not_own(context, server));
    }
    let resource = context.resource(server).url();
    claims
        .check(context.origin.as_str(), &resource, server.slug.as_str())
        .map_err(|error| invalid(context, server, error))?;
    context.record.caller(caller);
    if scheme != Scheme::Bearer || claims.cnf.is_some() || server.requires_dpop {
        let jkt = claims.cnf.as_ref().map(|key| key.jkt.as_str());
        boxed(possession::require(context, head, server, (scheme, token), jkt)).await?;
    }
    context.record.step(AuthorizationStep::Revocation);
    let markers = Markers { platform: context.platform, memory: context.memory, now: context.now };
    if markers.of_bearer((claims.grant.as_str(), claims.exp), (&caller.subject, caller.since)).await? {
        return Err(revoked(context, server));
    }
    if let By::Agent { sponsor, .. } = &caller.by {
        admit_agent(context, &markers, server, sponsor).await?;
    }
    if let By::Machine { client, .. } = &caller.by {
        // What the operator takes away is gone at once.
        let (machine, slug) = (context.config.machine(client), server.slug.as_str());
        Machine::admit(machine, slug, server.is_personal(), &caller.scope, &caller.roles)
            .map_err(|error| machine_refused(context, server, error))?;
    }
    require_scope(context, server, caller)?;
    Ok(Rc::clone(caller))
}

/// An agent is what its sponsor is: gone with them, and at most what they let it be here.
async fn admit_agent<P: Platform>(
    context: &RequestContext<'_, P>,
    markers: &Markers<'_, P>,
    server: &Server,
    sponsor: &Sponsor,
) -> Result<(), Failure> {
    if markers.of_subject(&sponsor.subject, Some(sponsor.since)).await? {
        return Err(revoked(context, server));
    }
    let admitted = sponsor.admit(server.accepts.agents, server.is_personal());
    admitted.map_err(|error| refusal::agent(context, server, error))
}

fn require_scope<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    caller: &Caller,
) -> Result<(), Failure> {
    context.record.step(AuthorizationStep::Scope);
    if context.config.scopes.hold(&caller.scope, ScopeSet::TOOLS) {
        return Ok(());
    }
    Err(insufficient(context, server, &caller.scope))
}

fn verify<P: Platform>(context: &RequestContext<'_, P>, server: &Server, token: &str) -> Result<Rc<Verified>, Failure> {
    let claims = access_token::verify(&context.keys, token, context.now);
    let verified = Rc::new(Verified::new(token, claims.map_err(|error| invalid(context, server, error))?));
    if let Some(ending) = Verified::ending(token) {
        context.memory.tokens.put(ending, Rc::clone(&verified), verified.caller.until, context.now);
    }
    Ok(verified)
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

fn not_own<P: Platform>(context: &RequestContext<'_, P>, server: &Server) -> Failure {
    let error = ExternalTokenError::NotAccepted;
    let fix = "This server takes access tokens of other issuers only: its resource metadata names them.";
    refuse(context, server, error.reason(), fix.to_owned())
}

fn revoked<P: Platform>(context: &RequestContext<'_, P>, server: &Server) -> Failure {
    refuse(
        context,
        server,
        revocation::REASON,
        "The access this token was issued for was revoked. Authorize again from the client.".to_owned(),
    )
}

/// What a machine may not do, another token would not change; what it may do less of, one would.
fn machine_refused<P: Platform>(context: &RequestContext<'_, P>, server: &Server, error: MachineError) -> Failure {
    match error {
        MachineError::NeedsPerson | MachineError::WrongServer => {
            let failure = Failure::client(403, error.reason(), sentence(&error)).code(ErrorCode::AccessDenied);
            failure.fix(error.fix()).slug(server.slug.as_str())
        }
        MachineError::ActsForNobody | MachineError::NotAllowed | MachineError::ScopeExceeded => {
            refuse(context, server, error.reason(), format!("{} {}", sentence(&error), error.fix()))
        }
    }
}

fn refuse<P: Platform>(context: &RequestContext<'_, P>, server: &Server, reason: &'static str, fix: String) -> Failure {
    // Reference N4: the words clients and their support pages know.
    presented::worthless(context, server, reason, "Invalid or expired access token", fix)
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
