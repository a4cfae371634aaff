//! The token endpoint (OAuth 2.1 §3.2): a code, a refresh token or an assertion becomes an access token.
//!
//! Not here: one winner per code and per rotation (`oauth::grant`, in the object).

pub mod agent;
mod client_auth;
mod jwt_bearer;
pub mod machine;
mod recheck;
pub mod revoke;

use http::StatusCode;

use super::client::register;
use super::{Answered, Head, RequestContext, boxed, dpop, profile, read_small, revocation, sentence};
use crate::authorization_log::{AuthorizationStep, EntryKind, operation};
use crate::config::{Config, Origin, Server};
use crate::oauth::dpop::proof::Proof;
use crate::oauth::error::ErrorCode;
use crate::oauth::grant::{GrantId, Granted, Rejection};
use crate::oauth::machine::MachineError;
use crate::oauth::scope::ScopeSet;
use crate::oauth::subject::Profile;
use crate::oauth::token::access_token::{BoundKey, Claims};
use crate::oauth::token::opaque::OpaqueKind;
use crate::oauth::token::request::{TokenRequest, TokenRequestError};
use crate::oauth::token::response::TokenResponse;
use crate::oauth::token::{access_token, opaque, request};
use crate::oauth::{grant, subject};
use crate::ports::{Platform, Unavailable};
use crate::secret::Secret;
use crate::time::Lifetime;
use crate::vault;
use crate::web::failure::Failure;
use crate::web::form;
use crate::web::form::Form;
use crate::web::reply::Reply;
use crate::web::route::ResourceForm;
use agent::AgentRequest;
use client_auth::{basic, identify};
use jwt_bearer::Asked;

pub use client_auth::authenticate;

/// A token request is a form of a few short fields.
pub const FORM: usize = 32 * 1024;

/// `POST /oauth/token`.
pub async fn token<P: Platform>(context: &RequestContext<'_, P>, head: &Head, body: P::Stream) -> Answered<P> {
    context.record.kind(EntryKind::Token);
    context.record.step(AuthorizationStep::Request);
    let body = read_small(body, FORM).await?;
    let form = read_form(head, &body)?;
    let credentials = request::credentials(&head.headers, &form).map_err(|error| lift(&error))?;
    let request = TokenRequest::parse(&form).map_err(|error| lift(&error))?;
    let proof = boxed(dpop::of_token_request(context, head)).await?;
    let proof = proof.as_ref();
    match request {
        TokenRequest::AuthorizationCode { code, redirect_uri, verifier, resource } => {
            let (client_id, proven) = identify(context, head, &credentials).await?;
            require_person(context, &client_id)?;
            redeem(context, (client_id, proven), &code, redirect_uri, verifier, resource, proof).await
        }
        TokenRequest::ClientCredentials { scope, resource } => {
            if let (Some(agent), Some(assertion)) = (agent::claimed(&credentials, None), &credentials.assertion) {
                let (scope, resource) = (scope.as_ref(), resource.as_deref());
                let asked = AgentRequest { assertion, scope, resource, proof };
                return boxed(agent::issue(context, &agent, asked)).await;
            }
            let client_id = authenticate(context, head, &credentials).await?;
            machine::issue(context, client_id, scope.as_ref(), resource.as_deref(), proof).await
        }
        TokenRequest::Refresh { token, scope, resource } => {
            let (client_id, proven) = identify(context, head, &credentials).await?;
            context.record.kind(EntryKind::Refresh);
            require_person(context, &client_id)?;
            rotate(context, (client_id, proven), &token, scope, resource, proof).await
        }
        TokenRequest::JwtBearer { assertion, scope, resource } => {
            if let Some(agent) = agent::claimed(&credentials, Some(&assertion)) {
                let (scope, resource) = (scope.as_ref(), resource.as_deref());
                let asked = AgentRequest { assertion: &assertion, scope, resource, proof };
                return boxed(agent::issue(context, &agent, asked)).await.map_err(agent::of_grant);
            }
            // Whoever only says which client it is has proved nothing.
            let client = match credentials.id {
                Some(_) => Some(identify(context, head, &credentials).await?).filter(|(_, proven)| *proven),
                None => None,
            };
            let client = client.map(|(id, _)| id);
            boxed(jwt_bearer::exchange(context, client.as_deref(), Asked { assertion, scope, resource, proof })).await
        }
    }
}

/// What acts for nobody has no grants of people; it may have been another client before.
fn require_person<P>(context: &RequestContext<'_, P>, client_id: &str) -> Result<(), Failure> {
    match context.config.machine(client_id) {
        Some(_) => Err(machine::refuse(MachineError::ActsForNobody)),
        None => Ok(()),
    }
}

async fn redeem<P: Platform>(
    context: &RequestContext<'_, P>,
    (client_id, proven): (String, bool),
    code: &Secret,
    redirect_uri: Option<String>,
    verifier: Option<Secret>,
    resource: Option<String>,
    proof: Option<&Proof>,
) -> Answered<P> {
    context.record.step(AuthorizationStep::Code);
    let (grant, code) =
        opaque::parse(&context.keys, OpaqueKind::Code, code.expose()).ok_or_else(|| rejected(Rejection::Unknown))?;
    context.record.vouched(grant.as_str());
    dpop::burn(context, proof).await?;
    // The browser that brought the code may have been signed in for long.
    if boxed(recheck::require(context, &grant)).await? {
        context.record.step(AuthorizationStep::Code);
    }
    let refresh = opaque::mint(&context.keys, OpaqueKind::Refresh, &grant, context.platform.random());
    let command = grant::Command::Redeem(grant::Redeem {
        code,
        client_id: client_id.clone(),
        redirect_uri,
        verifier: verifier.map(|verifier| verifier.expose().to_owned()),
        resource,
        refresh: refresh.digest(),
        refresh_expires: context.now + context.config.tokens.refresh_ttl,
        refresh_max: Some(context.config.tokens.refresh_max),
        access_expires: context.now + context.config.tokens.access_ttl,
        jkt: proof.map(|proof| proof.jkt.clone()),
        is_public: !proven,
    });
    match context.platform.grant(&grant, command).await.map_err(|Unavailable| Failure::storage())? {
        grant::Outcome::Redeemed { granted, refresh: kept } => {
            require_unrevoked(context, &grant, &granted).await?;
            register::keep(context, &client_id).await;
            let scope = granted.scope.clone();
            respond(context, grant, &granted, &scope, kept.then_some(&refresh), proof).await
        }
        outcome => Err(refuse(context, &grant, outcome).await),
    }
}

async fn rotate<P: Platform>(
    context: &RequestContext<'_, P>,
    (client_id, proven): (String, bool),
    presented: &Secret,
    scope: Option<ScopeSet>,
    resource: Option<String>,
    proof: Option<&Proof>,
) -> Answered<P> {
    context.record.step(AuthorizationStep::RefreshToken);
    let parsed = opaque::parse(&context.keys, OpaqueKind::Refresh, presented.expose());
    let (grant, digest) = parsed.ok_or_else(|| rejected(Rejection::Unknown))?;
    context.record.vouched(grant.as_str());
    if context.memory.stepping_up.get(grant.as_str(), context.now).is_some() {
        context.memory.stepping_up.forget(grant.as_str());
        return Err(steps_up());
    }
    dpop::burn(context, proof).await?;
    if boxed(recheck::require(context, &grant)).await? {
        context.record.step(AuthorizationStep::RefreshToken);
    }
    let successor = opaque::mint(&context.keys, OpaqueKind::Refresh, &grant, context.platform.random());
    let command = grant::Command::Rotate(grant::Rotate {
        presented: digest,
        client_id: client_id.clone(),
        scope,
        resource,
        successor: successor.digest(),
        sealed_successor: vault::seal_successor(presented, context.platform.random(), &successor),
        refresh_expires: context.now + context.config.tokens.refresh_ttl,
        refresh_max: Some(context.config.tokens.refresh_max),
        access_expires: context.now + context.config.tokens.access_ttl,
        jkt: proof.map(|proof| proof.jkt.clone()),
        is_public: !proven,
    });
    match context.platform.grant(&grant, command).await.map_err(|Unavailable| Failure::storage())? {
        grant::Outcome::Rotated { granted, scope } => {
            require_unrevoked(context, &grant, &granted).await?;
            register::keep(context, &client_id).await;
            extend(context, &grant, &granted).await;
            respond(context, grant, &granted, &scope, Some(&successor), proof).await
        }
        grant::Outcome::Replayed { granted, scope, sealed_successor } => {
            context.record.outcome("replayed");
            require_unrevoked(context, &grant, &granted).await?;
            let successor =
                vault::open_successor(presented, &sealed_successor).map_err(|_| rejected(Rejection::Unknown))?;
            respond(context, grant, &granted, &scope, Some(&successor), proof).await
        }
        outcome => Err(refuse(context, &grant, outcome).await),
    }
}

/// Keeps a grant in its subject's list. They see it from the beginning, so it is soon enough when half of its first
/// life is over.
async fn extend<P: Platform>(context: &RequestContext<'_, P>, grant: &GrantId, granted: &Granted) {
    let life = context.config.tokens.refresh_ttl;
    if granted.signed_in.is_none_or(|began| (began + Lifetime(life.0 / 2)).reached(context.now)) {
        let command = subject::Command::Extend { grant: grant.clone(), until: context.now + life };
        // Unlisted, it still ends with its subject's revocation.
        let _ = context.platform.account(&granted.subject, command).await;
    }
}

/// A grant that its subject's revocation did not find in their list ends when it is used.
async fn require_unrevoked<P: Platform>(
    context: &RequestContext<'_, P>,
    grant: &GrantId,
    granted: &Granted,
) -> Result<(), Failure> {
    context.record.subject(&granted.subject);
    context.record.operation(operation(&granted.client_id, granted.challenge.as_str()));
    context.record.step(AuthorizationStep::Revocation);
    if revocation::is_revoked(context, &granted.subject, granted.signed_in).await? {
        revocation::end_grant(context, grant).await?;
        return Err(rejected(Rejection::Revoked));
    }
    Ok(())
}

async fn respond<P: Platform>(
    context: &RequestContext<'_, P>,
    grant: GrantId,
    granted: &Granted,
    scope: &ScopeSet,
    refresh: Option<&Secret>,
    proof: Option<&Proof>,
) -> Answered<P> {
    context.record.server(&granted.slug);
    context.record.scopes(&scope.to_string());
    context.record.step(AuthorizationStep::AccessToken);
    let server = served(&context.config, &context.origin, granted).ok_or_else(moved)?;
    // It may be wanted since the person allowed it.
    dpop::require(context, server, &granted.client_id, proof)?;
    let Profile { roles, claims, .. } = profile::of(context, &granted.subject, &server.policy).await?;
    let lifetime = context.config.tokens.access_ttl;
    let claims = Claims {
        iss: context.origin.as_str().to_owned(),
        aud: granted.resource.clone(),
        sub: granted.subject.clone(),
        client_id: granted.client_id.clone(),
        scope: scope.clone(),
        iat: context.now,
        exp: context.now + lifetime,
        jti: context.id(),
        grant,
        account: granted.account.clone(),
        auth_time: granted.signed_in,
        slug: Some(granted.slug.clone()),
        roles,
        claims,
        cnf: BoundKey::of(proof),
        sponsor: None,
    };
    let access = access_token::sign(&context.keys, &claims);
    let token_type = claims.token_type();
    let response =
        TokenResponse { access_token: &access, token_type, expires_in: lifetime, refresh_token: refresh, scope };
    Ok(Reply::bytes(StatusCode::OK, "application/json", response.to_json()))
}

/// The server that was consented to, if it is still where the tokens are for. Were another one put at its URL, tokens
/// of the old grant would fit that one, which nobody allowed; at another public URL they would fit nothing.
pub fn served<'c>(config: &'c Config, origin: &Origin, granted: &Granted) -> Option<&'c Server> {
    let server = config.servers.get(granted.slug.as_str())?;
    ResourceForm::all(origin, server).any(|form| form.url() == granted.resource).then_some(server)
}

/// The official TypeScript SDK 1.x answers a challenge for more scope with a refresh, which cannot bring any, and gives
/// up when the call is refused again. After a `server_error` it authorizes, and asks for the scope; after an
/// `invalid_grant` it refreshes once more where its application forgets nothing. The grant goes on.
fn steps_up() -> Failure {
    let message =
        "A call has just lacked a scope that this grant does not have, and a new token of it would lack it too.";
    Failure::oauth(ErrorCode::ServerError, "grant_step_up", message)
        .status(503)
        .fix("Authorize again and ask for the scopes of the challenge. The refresh token is still good.")
}

fn moved() -> Failure {
    Failure::oauth(
        ErrorCode::InvalidGrant,
        "grant_server_moved",
        "The server this was granted for is not at that URL any more.",
    )
    .fix("Remove the server from the client and add it again with its present URL.")
}

async fn refuse<P: Platform>(context: &RequestContext<'_, P>, grant: &GrantId, outcome: grant::Outcome) -> Failure {
    let grant::Outcome::Rejected { why, revoked_until } = outcome else { return Failure::storage() };
    let said = context.memory.revoked.get(grant.as_str(), context.now) == Some(true);
    if let Some(until) = revoked_until.filter(|_| !said)
        && let Err(failure) = revocation::revoke_access(context, grant, until).await
    {
        return failure;
    }
    rejected(why)
}

fn rejected(why: Rejection) -> Failure {
    let again = "Start the authorization again from the client.";
    match why {
        Rejection::WrongResource => Failure::oauth(ErrorCode::InvalidTarget, why.reason(), sentence(&why))
            .fix("Request a token for the server that was authorized, or authorize this one."),
        Rejection::ScopeExceeded => Failure::oauth(ErrorCode::InvalidScope, why.reason(), sentence(&why))
            .fix("Ask for no more scope than was granted."),
        Rejection::MissingProof => Failure::oauth(ErrorCode::InvalidDpopProof, why.reason(), sentence(&why))
            .fix("Send a DPoP header with a proof of the client's key (RFC 9449)."),
        Rejection::UnprovenClient => Failure::oauth(ErrorCode::InvalidClient, why.reason(), sentence(&why))
            .fix("Authenticate as the client did or said when it was allowed."),
        Rejection::MissingVerifier => Failure::oauth(ErrorCode::InvalidRequest, why.reason(), sentence(&why))
            .fix("Send the code_verifier of this authorization."),
        _ => Failure::oauth(ErrorCode::InvalidGrant, why.reason(), sentence(&why)).fix(again),
    }
}

/// The form of a token or revocation request (OAuth 2.1 §3.2.2).
pub fn read_form(head: &Head, body: &[u8]) -> Result<Form, Failure> {
    if !head.media_type().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Failure::oauth(
            ErrorCode::InvalidRequest,
            "form_expected",
            "This endpoint reads application/x-www-form-urlencoded.",
        )
        .fix("Send the parameters as a form."));
    }
    form::parse(body).map_err(|error| lift(&TokenRequestError::Form(error)))
}

/// A token or revocation request that cannot be understood.
pub fn lift(error: &TokenRequestError) -> Failure {
    let failure =
        Failure::oauth(error.code(), error.reason(), sentence(error)).fix("The client must correct its request.");
    // OAuth 2.1 §3.2.4: who authenticates by header is told by header which scheme is read.
    if matches!(error, TokenRequestError::Authorization) { failure.challenge(basic()) } else { failure }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::headers::WWW_AUTHENTICATE;
    use crate::oauth::pkce::S256Challenge;

    #[test]
    fn a_grant_is_for_its_server_at_its_url() {
        let config =
            |servers| Config::parse(&json!({"login": {"kind": "dev"}, "servers": servers}).to_string()).unwrap();
        let granted = Granted {
            client_id: "c".to_owned(),
            subject: "dev:alice".to_owned(),
            redirect_uri: "https://c.example/cb".to_owned(),
            scope: ScopeSet::of(&[ScopeSet::TOOLS]),
            resource: "https://gw.example/docs/mcp".to_owned(),
            slug: "docs".to_owned(),
            challenge: S256Challenge::of("v"),
            account: None,
            signed_in: None,
            jkt: None,
            needs_proof: false,
            confidential: false,
        };
        let of = |origin: &str| Origin::of_url(&origin.parse().unwrap()).unwrap();
        let served = |servers, origin| served(&config(servers), &of(origin), &granted).is_some();
        let url = "https://up.example/mcp";
        assert!(served(json!({"docs": {"url": url, "path": "/docs/mcp"}}), "https://gw.example"));
        assert!(!served(json!({"docs": {"url": url, "path": "/docs/mcp"}}), "https://new.example"));
        assert!(!served(json!({"docs": {"url": url}}), "https://gw.example"));
        assert!(!served(json!({"mail": {"url": url, "path": "/docs/mcp"}}), "https://gw.example"));
    }

    #[test]
    fn who_authenticates_by_header_is_challenged_by_header() {
        let reply = lift(&TokenRequestError::Authorization).as_json::<()>("r");
        assert_eq!(reply.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(reply.headers()[WWW_AUTHENTICATE], basic());
        let reply = lift(&TokenRequestError::TwoMethods).as_json::<()>("r");
        assert_eq!(reply.status(), StatusCode::BAD_REQUEST);
        assert!(!reply.headers().contains_key(WWW_AUTHENTICATE));
    }
}
