//! Revocation by the client (RFC 7009).
//!
//! Not here: revocation by the person or the operator.

use http::StatusCode;

use super::{agent, client_auth};
use crate::authorization_log::{AuthorizationStep, EntryKind};
use crate::flow::{Answered, Head, RequestContext, boxed, read_small, revocation, token};
use crate::oauth::grant;
use crate::oauth::grant::Rejection;
use crate::oauth::token::request;
use crate::oauth::token::revocation::RevocationRequest;
use crate::ports::{Platform, Unavailable};
use crate::web::failure::Failure;
use crate::web::reply::Reply;

/// `POST /oauth/revoke`: the grant behind a token of this client ends, with every token made from it. Anything else is
/// 200 too (RFC 7009 §2.2): an unknown token is as good as revoked.
pub async fn revoke<P: Platform>(context: &RequestContext<'_, P>, head: &Head, body: P::Stream) -> Answered<P> {
    context.record.kind(EntryKind::Revocation);
    context.record.step(AuthorizationStep::Request);
    let body = read_small(body, token::FORM).await?;
    let form = token::read_form(head, &body)?;
    let credentials = request::credentials(&head.headers, &form).map_err(|error| token::lift(&error))?;
    let request = RevocationRequest::parse(&form).map_err(|error| token::lift(&error))?;
    let (client_id, proven) = match (agent::claimed(&credentials, None), &credentials.assertion) {
        (Some(id), Some(assertion)) => (boxed(agent::authenticate(context, &id, assertion)).await?, true),
        _ => client_auth::identify(context, head, &credentials).await?,
    };
    let access = request.access(&context.keys, context.now).filter(|claims| claims.client_id == client_id);
    if let Some(claims) = access.as_ref().filter(|claims| claims.is_machine()) {
        // Nothing is stored of it, so there is nothing to ask: only the marker.
        context.record.vouched(&claims.sub);
        context.record.step(AuthorizationStep::Revocation);
        revocation::revoke_access(context, &claims.grant, claims.exp).await?;
    } else if let Some(grant) = request.grant(&context.keys, context.now) {
        context.record.vouched(grant.as_str());
        context.record.step(AuthorizationStep::Revocation);
        let command = grant::Command::Revoke { client_id: Some(client_id), is_public: !proven };
        match context.platform.grant(&grant, command).await.map_err(|Unavailable| Failure::storage())? {
            grant::Outcome::Revoked { until } => revocation::revoke_access(context, &grant, until).await?,
            grant::Outcome::Rejected { why: why @ Rejection::UnprovenClient, .. } => return Err(token::rejected(why)),
            _ => {
                if let Some(claims) = access {
                    // Issued for an assertion: there never was a grant.
                    revocation::revoke_access(context, &claims.grant, claims.exp).await?;
                }
            }
        }
    }
    Ok(Reply::bytes(StatusCode::OK, "application/json", b"{}".to_vec()))
}
