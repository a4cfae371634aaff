//! What rules ask for of who signed in at the identity provider: from the ID token, and where that lacks any of it from
//! the userinfo endpoint, which is asked once.
//!
//! An endpoint that does not answer refuses the sign-in. The person would be signed in without the roles they have, for
//! as long as their clients keep their access, and nobody would know why tools are missing; to sign in again is a
//! click.
//!
//! Not here: which roles a claim gives (`policy`), and noting them (`flow::profile`).

use super::provider;
use crate::config::Oidc;
use crate::flow::{RequestContext, profile};
use crate::json::Node;
use crate::login::LoginError;
use crate::login::oidc::claims::WantedClaims;
use crate::login::oidc::discovery::Provider;
use crate::login::oidc::userinfo;
use crate::oauth::subject::Profile;
use crate::ports::{Outgoing, Platform};
use crate::secret::Secret;
use crate::web::failure::{Blame, Failure};

/// The person is signed in, without what the provider did not say.
pub(super) const INCOMPLETE: &str = "sign_in_claims_incomplete";

/// What the provider says of the person whom it calls `sub`, as far as rules ask for it.
pub async fn profile<P: Platform>(
    context: &RequestContext<'_, P>,
    login: &Oidc,
    provider: &Provider,
    id_token: &Node<'_>,
    sub: &str,
    access_token: Option<&Secret>,
) -> Result<Profile, Failure> {
    let config = &context.config;
    if !profile::is_asked_for(config) {
        return Ok(Profile::empty(context.now));
    }
    let roles = login.roles.as_ref().filter(|_| !config.roles().is_empty());
    let wanted = WantedClaims::new(roles, config.claims());
    let answer = if wanted.is_missing_in(id_token) { ask(context, provider, access_token).await? } else { None };
    let userinfo = match &answer {
        Some((status, bytes)) => Some(userinfo::read(*status, bytes, sub).map_err(|error| refused(&error))?),
        None => None,
    };
    let told = wanted.told(id_token, userinfo.as_ref());
    Ok(Profile { roles: told.roles, claims: told.claims.into_map(), incomplete: told.incomplete, at: context.now })
}

/// What userinfo says of who was asked about again, where the answer has no ID token: whatever `login.require` asks
/// for. One that leaves any of it out does not say who may come.
pub async fn again<P: Platform>(
    context: &RequestContext<'_, P>,
    login: &Oidc,
    provider: &Provider,
    sub: &str,
    access_token: Option<&Secret>,
) -> Result<Vec<u8>, Failure> {
    let unsaid = |what: &str| provider::unavailable(&format!("it does not say {what} when it is asked again"));
    let answer = ask(context, provider, access_token).await?;
    let (status, bytes) = answer.ok_or_else(|| unsaid("who it is"))?;
    let told = userinfo::read(status, &bytes, sub).map_err(|error| refused(&error))?;
    match login.require.keys().find(|claim| !claim.is_in(&told)) {
        Some(claim) => Err(unsaid(&claim.to_string())),
        None => Ok(bytes),
    }
}

/// The userinfo endpoint's answer; none where the provider has no such endpoint.
async fn ask<P: Platform>(
    context: &RequestContext<'_, P>,
    provider: &Provider,
    access_token: Option<&Secret>,
) -> Result<Option<(http::StatusCode, Vec<u8>)>, Failure> {
    let Some(url) = provider.userinfo().map_err(|error| provider::misconfigured(&error))? else { return Ok(None) };
    let token = access_token.ok_or_else(|| refused(&LoginError::AccessTokenMissing))?;
    let headers = userinfo::headers(token).map_err(|error| refused(&error))?;
    let request = Outgoing { headers, ..Outgoing::document(url, provider::ANSWER_DEADLINE) };
    let (status, bytes) = provider::exchange(context, request, userinfo::MAX_BYTES).await?;
    if status.is_server_error() || status == http::StatusCode::TOO_MANY_REQUESTS {
        return Err(provider::unavailable(&format!("its userinfo endpoint answered {}", status.as_u16())));
    }
    Ok(Some((status, bytes)))
}

fn refused(error: &LoginError) -> Failure {
    Failure::new(Blame::Upstream, 502, error.reason(), error.to_string()).fix(
        "Start again from your client; if it stays, the operator must have the identity provider put the claims that \
         rules ask for into its ID tokens, or answer at its userinfo endpoint.",
    )
}
