//! Access tokens for clients that act for no person (RFC 6749 §4.4). Nothing is stored for one: it says all itself, and
//! only its revocation leaves a marker.
//!
//! Not here: what a machine may have (`oauth::machine`).

use std::collections::BTreeMap;

use http::StatusCode;

use crate::authorization_log::AuthorizationStep;
use crate::config::Server;
use crate::flow::{Answered, RequestContext, dpop, sentence};
use crate::oauth::dpop::proof::Proof;
use crate::oauth::grant::GrantId;
use crate::oauth::machine::{Machine, MachineError, subject};
use crate::oauth::resource;
use crate::oauth::scope::ScopeSet;
use crate::oauth::token::access_token;
use crate::oauth::token::access_token::{BoundKey, Claims};
use crate::oauth::token::response::TokenResponse;
use crate::ports::Platform;
use crate::web::failure::Failure;
use crate::web::reply::Reply;
use crate::web::route::ResourceForm;

/// The answer to `client_credentials`. There is no refresh token (RFC 6749 §4.4.3).
pub(super) async fn issue<P: Platform>(
    context: &RequestContext<'_, P>,
    client_id: String,
    asked: Option<&ScopeSet>,
    target: Option<&str>,
    proof: Option<&Proof>,
) -> Answered<P> {
    context.record.step(AuthorizationStep::Scope);
    let machine = context.config.machine(&client_id).ok_or_else(|| refuse(MachineError::NotAllowed))?;
    let subject = subject(&client_id);
    context.record.subject(&subject);
    let (server, form) = named(context, machine, target).ok_or_else(|| refuse(MachineError::WrongServer))?;
    context.record.server(server.slug.as_str());
    let scope = machine.grant(server.slug.as_str(), server.is_personal(), asked).map_err(refuse)?;
    context.record.scopes(&scope.to_string());
    context.record.step(AuthorizationStep::AccessToken);
    dpop::require(context, server, &client_id, proof)?;
    dpop::burn(context, proof).await?;
    let lifetime = context.config.tokens.access_ttl;
    let claims = Claims {
        iss: context.origin.as_str().to_owned(),
        aud: form.url(),
        sub: subject,
        client_id,
        scope: scope.clone(),
        iat: context.now,
        exp: context.now + lifetime,
        jti: context.id(),
        grant: GrantId::new(context.platform.random()),
        account: None,
        auth_time: None,
        slug: Some(server.slug.as_str().to_owned()),
        roles: machine.roles.clone(),
        claims: BTreeMap::new(),
        cnf: BoundKey::of(proof),
        sponsor: None,
    };
    let access = access_token::sign(&context.keys, &claims);
    let token_type = claims.token_type();
    let response =
        TokenResponse { access_token: &access, token_type, expires_in: lifetime, refresh_token: None, scope: &scope };
    Ok(Reply::bytes(StatusCode::OK, "application/json", response.to_json()))
}

/// The server that a token is wanted for, in the form it was named; the only one that the machine may call need not be.
fn named<'c, P: Platform>(
    context: &'c RequestContext<'_, P>,
    machine: &Machine,
    target: Option<&str>,
) -> Option<(&'c Server, ResourceForm<'c>)> {
    let servers = &context.config.servers;
    let forms = |server| ResourceForm::all(&context.origin, server).map(move |form| (server, form));
    match (target, machine.servers.as_slice()) {
        (Some(target), _) => servers
            .values()
            .filter(|server| server.accepts.own)
            .flat_map(forms)
            .find(|(_, form)| resource::same(&form.url(), target)),
        (None, [only]) => servers
            .get(only.as_str())
            .filter(|server| server.accepts.own)
            .map(|server| (server, ResourceForm::shown(&context.origin, server))),
        (None, _) => None,
    }
}

pub(super) fn refuse(error: MachineError) -> Failure {
    Failure::oauth(error.code(), error.reason(), sentence(&error)).fix(error.fix())
}
