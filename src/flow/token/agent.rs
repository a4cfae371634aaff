//! Access tokens for agents: an assertion that the agent signed itself, or the word of its workload's issuer, becomes a
//! token for one server, with what its sponsor may and gave it.
//!
//! Not here: what an assertion must say (`oauth::client::assertion`, `oauth::external::assertion`), and what an agent
//! may have (`oauth::agent`).

use http::StatusCode;

use super::{jwt_bearer, recheck};
use crate::authorization_log::AuthorizationStep;
use crate::config::{IssuerKind, Server};
use crate::flow::{Answered, RequestContext, agents, boxed, client, default_scope, dpop, once, profile, sentence};
use crate::jose::{jwks, jws};
use crate::oauth::agent::{Agent, AgentError, AgentId, AgentProof, Sponsor, SponsoredAgent};
use crate::oauth::client::ClientCredentials;
use crate::oauth::client::assertion::{ClientAssertionError, ProvenAssertion};
use crate::oauth::dpop::proof::Proof;
use crate::oauth::error::ErrorCode;
use crate::oauth::grant::GrantId;
use crate::oauth::resource;
use crate::oauth::scope::ScopeSet;
use crate::oauth::token::access_token;
use crate::oauth::token::access_token::{BoundKey, Claims};
use crate::oauth::token::response::TokenResponse;
use crate::ports::Platform;
use crate::secret::Secret;
use crate::time::Lifetime;
use crate::web::failure::Failure;
use crate::web::reply::Reply;
use crate::web::route::ResourceForm;

/// The longest that an agent's access token lives: it gets another one for a new assertion.
const LIFETIME: Lifetime = Lifetime::minutes(15);

/// What is asked for.
pub(super) struct AgentRequest<'r> {
    pub(super) assertion: &'r Secret,
    pub(super) scope: Option<&'r ScopeSet>,
    pub(super) resource: Option<&'r str>,
    pub(super) proof: Option<&'r Proof>,
}

/// The agent that a request says it is of. One that signs for itself need not say so beside its assertion.
pub(super) fn claimed(credentials: &ClientCredentials, grant: Option<&Secret>) -> Option<AgentId> {
    let of_grant = || jws::claimed_issuer(grant?.expose());
    AgentId::of(&credentials.id.clone().or_else(of_grant)?)
}

/// A refusal of an assertion that is no client's proof but the grant (RFC 7521 §4.1.1).
pub(super) fn of_grant(failure: Failure) -> Failure {
    match failure.code {
        Some(ErrorCode::InvalidClient) => failure.code(ErrorCode::InvalidGrant).status(400),
        _ => failure,
    }
}

/// Issues an access token for an agent, without a refresh token.
///
/// 1. The assertion proves it, by what it was named with.
/// 2. Its sponsor may still come, and has not ended it; neither has its time or the operator.
/// 3. It is for a server that takes agents and that the sponsor named, with the sponsor's account where one is needed.
/// 4. The assertion was not used before, anywhere, and neither was the proof of a key that comes with it.
pub(super) async fn issue<P: Platform>(
    context: &RequestContext<'_, P>,
    id: &AgentId,
    asked: AgentRequest<'_>,
) -> Answered<P> {
    // 1.
    context.record.step(AuthorizationStep::Assertion);
    let agent = agents::find(context, id).await?.ok_or_else(|| refuse(context, AgentError::Unknown))?;
    let proven = prove(context, &agent, asked.assertion).await?;
    let subject = agent.id.subject();
    context.record.subject(&subject);
    context.record.client(&subject);
    context.record.sponsor(&agent.sponsor);
    // 2.
    context.record.step(AuthorizationStep::Revocation);
    if agent.expires.reached(context.now) {
        return Err(refuse(context, AgentError::Expired));
    }
    if boxed(recheck::require_person(context, agent.sponsor.clone(), None)).await? {
        context.record.step(AuthorizationStep::Revocation);
    }
    let sponsored = agents::sponsored(context, &agent).await?;
    let (sponsored, noted) = sponsored.ok_or_else(|| refuse(context, AgentError::Ended))?;
    // 3.
    context.record.step(AuthorizationStep::Scope);
    let named = named(context, &sponsored, asked.resource);
    let (server, form) = named.ok_or_else(|| refuse(context, AgentError::WrongServer))?;
    let slug = server.slug.as_str();
    context.record.server(slug);
    if !server.accepts.agents {
        return Err(refuse(context, AgentError::NotAccepted));
    }
    let known = &context.config.scopes;
    let scope =
        sponsored.grant(slug, server.is_personal(), asked.scope, &default_scope(), |scope| known.contains(scope));
    let scope = scope.map_err(|error| refuse(context, error))?;
    context.record.scopes(&scope.to_string());
    // 4.
    context.record.step(AuthorizationStep::AccessToken);
    dpop::require(context, server, &subject, asked.proof)?;
    dpop::burn(context, asked.proof).await?;
    burn(context, &proven).await?;
    let noted = profile::as_asked(noted, &server.policy, context.now);
    let lifetime = context.config.tokens.access_ttl.min(LIFETIME);
    let claims = Claims {
        iss: context.origin.as_str().to_owned(),
        aud: form.url(),
        sub: subject.clone(),
        client_id: subject,
        scope: scope.clone(),
        iat: context.now,
        exp: context.now + lifetime.min(sponsored.expires.remaining(context.now)),
        jti: context.id(),
        grant: GrantId::new(context.platform.random()),
        account: None,
        auth_time: Some(context.now),
        slug: Some(slug.to_owned()),
        roles: noted.roles,
        claims: noted.claims,
        cnf: BoundKey::of(asked.proof),
        sponsor: Some(Sponsor {
            subject: agent.sponsor.clone(),
            since: sponsored.since,
            lends: server.is_personal() && sponsored.lends(slug),
        }),
    };
    let (token_type, expires_in) = (claims.token_type(), claims.exp.remaining(context.now));
    let access = access_token::sign(&context.keys, &claims);
    let response = TokenResponse { access_token: &access, token_type, expires_in, refresh_token: None, scope: &scope };
    Ok(Reply::bytes(StatusCode::OK, "application/json", response.to_json()))
}

/// The agent that an assertion proves, as the client it is here; once.
pub(super) async fn authenticate<P: Platform>(
    context: &RequestContext<'_, P>,
    id: &AgentId,
    assertion: &Secret,
) -> Result<String, Failure> {
    context.record.step(AuthorizationStep::ClientAuthentication);
    let agent = agents::find(context, id).await?.ok_or_else(|| refuse(context, AgentError::Unknown))?;
    let proven = prove(context, &agent, assertion).await?;
    burn(context, &proven).await?;
    let subject = agent.id.subject();
    context.record.vouched(&subject);
    Ok(subject)
}

async fn burn<P: Platform>(context: &RequestContext<'_, P>, proven: &ProvenAssertion) -> Result<(), Failure> {
    let first = once::burn(context, &proven.id, proven.until).await?;
    if first { Ok(()) } else { Err(client::assertion::refused(ClientAssertionError::Used)) }
}

async fn prove<P: Platform>(
    context: &RequestContext<'_, P>,
    agent: &Agent,
    assertion: &Secret,
) -> Result<ProvenAssertion, Failure> {
    match &agent.proof {
        AgentProof::Keys { jwks } => {
            let keys = jwks::parse(jwks.as_bytes()).ok_or_else(Failure::storage)?;
            client::assertion::signed_by(context, &keys, &agent.id.subject(), assertion).await
        }
        AgentProof::Workload { alias, issuer, subject } => {
            let known = context.config.issuers.get(alias).filter(|known| known.issuer == *issuer);
            let workload = known.and_then(|known| match &known.kind {
                IssuerKind::Workload(workload) => Some((known, workload)),
                IssuerKind::AccessTokens(_) | IssuerKind::IdJag { .. } => None,
            });
            let (issuer, workload) = workload.ok_or_else(|| refuse(context, AgentError::IssuerChanged))?;
            let (sub, proven) = jwt_bearer::of_workload(context, issuer, workload, assertion.expose()).await?;
            if sub == *subject { Ok(proven) } else { Err(refuse(context, AgentError::WrongWorkload)) }
        }
    }
}

/// The server that a token is wanted for, in the form it was named; the only one that the agent may call need not be.
fn named<'c, P: Platform>(
    context: &'c RequestContext<'_, P>,
    agent: &SponsoredAgent,
    target: Option<&str>,
) -> Option<(&'c Server, ResourceForm<'c>)> {
    let servers = &context.config.servers;
    let forms = |server| ResourceForm::all(&context.origin, server).map(move |form| (server, form));
    match (target, agent.servers.as_slice()) {
        (Some(target), _) => servers.values().flat_map(forms).find(|(_, form)| resource::same(&form.url(), target)),
        (None, [only]) => {
            let server = servers.get(only.as_str())?;
            Some((server, ResourceForm::shown(&context.origin, server)))
        }
        (None, _) => None,
    }
}

fn refuse<P: Platform>(context: &RequestContext<'_, P>, error: AgentError) -> Failure {
    Failure::oauth(error.code(), error.reason(), sentence(&error)).fix(agents::fix(context, error))
}
