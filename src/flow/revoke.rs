//! Revocation by the client (RFC 7009).
//!
//! Not here: revocation by the person or the operator.

use http::StatusCode;

use super::{Answered, Head, Site, read_small, token};
use crate::failure::Failure;
use crate::oauth::access_token;
use crate::oauth::grant;
use crate::oauth::opaque::{self, Kind};
use crate::oauth::{revocation, token_request};
use crate::ports::{Platform, Unavailable};
use crate::reply::Reply;

/// `POST /oauth/revoke`: the grant behind a token of this client ends, with every token made from it. Anything else is 200 too
/// (RFC 7009 §2.2): an unknown token is as good as revoked.
pub async fn revoke<P: Platform>(site: &Site<'_, P>, head: &Head, body: P::Stream) -> Answered<P> {
    let body = read_small(body, token::FORM).await?;
    let lift = |error: token_request::RequestError| Failure::oauth(error.code(), error.reason(), error.to_string());
    let form = token_request::form(head.header("content-type"), &body).map_err(lift)?;
    let credentials = token_request::credentials(head.header("authorization"), &form).map_err(lift)?;
    let presented = revocation::parse(&form).map_err(lift)?;
    let client_id = token::authenticate(site, &credentials).await?;
    let text = presented.expose();
    let refresh = opaque::parse(&site.keys, Kind::Refresh, text).map(|(grant, _)| grant);
    let access = || access_token::verify(&site.keys, text, site.now).ok().map(|claims| claims.grant);
    if let Some(grant) = refresh.or_else(access) {
        let command = grant::Command::Revoke { client_id: Some(client_id) };
        let outcome = site.platform.grant(&grant, command).await.map_err(|Unavailable| Failure::storage())?;
        if let grant::Outcome::Revoked { until } = outcome {
            token::revoke_access(site, &grant, until).await?;
        }
    }
    Ok(Reply::bytes(StatusCode::OK, "application/json", b"{}".to_vec()))
}
