//! Somebody signed out at the identity provider, and it says so (`OpenID` Connect Back-Channel Logout 1.0).
//!
//! A token is not remembered so that it is good only once. What it ends began by a minute after it was made, so that
//! whoever sends it again ends nothing that the first one left.
//!
//! Not here: what makes a logout token valid (`login::oidc::logout_token`), and what ends (`flow::leaving`).

use http::StatusCode;

use super::login::{provider, session};
use super::{Answered, Head, RequestContext, leaving, read_small};
use crate::authorization_log::{AuthorizationStep, EntryKind};
use crate::config::{Login, Oidc};
use crate::login::oidc::discovery::Provider;
use crate::login::oidc::id_token::IdTokenError;
use crate::login::oidc::logout_token;
use crate::login::oidc::logout_token::{Logout, LogoutTokenError};
use crate::oauth::error::ErrorCode;
use crate::ports::Platform;
use crate::secret::{Digested, Secret};
use crate::time::Lifetime;
use crate::web::failure::Failure;
use crate::web::form;
use crate::web::reply::Reply;

const FORM: usize = 32 * 1024;

/// How far the provider's clock may be behind ours.
const BEHIND: Lifetime = Lifetime::minutes(1);

/// How often a key that nobody has heard of makes the gateway read the provider's keys again. Anybody can name one.
const ASK_AGAIN: Lifetime = Lifetime(10);

/// `POST /oauth/backchannel-logout`. Whoever is not known here is signed out already (§2.7).
pub async fn backchannel<P: Platform>(context: &RequestContext<'_, P>, head: &Head, body: P::Stream) -> Answered<P> {
    context.record.kind(EntryKind::Revocation);
    context.record.step(AuthorizationStep::Request);
    let Login::Oidc(login) = &context.config.login else { return Err(no_provider()) };
    let body = read_small(body, FORM).await?;
    if !head.media_type().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(token_missing());
    }
    let form = form::parse(&body).map_err(|_| token_missing())?;
    let token = form.one("logout_token").ok().flatten().map(Secret::new).ok_or_else(token_missing)?;
    context.record.step(AuthorizationStep::Identity);
    let logout = proven(context, login, &token).await?;
    context.record.step(AuthorizationStep::Session);
    let by = context.now.min(logout.issued + BEHIND);
    let known = match &logout.session {
        Some(sid) => session::of_provider(context, sid).await?,
        None => None,
    };
    // Marked whoever it is: somebody may sign in with it at this moment.
    let everybodys = logout.subject.as_deref().map(Digested::of);
    if let Some(whose) = logout.session.as_ref().or(everybodys.as_ref()) {
        session::leave(context, whose, by).await?;
    }
    if let Some(subject) = logout.subject.or(known) {
        context.record.subject(&subject);
        context.record.step(AuthorizationStep::Revocation);
        leaving::end(context, login.backchannel_logout, &subject, by).await?;
    }
    Ok(Reply::bytes(StatusCode::OK, "application/json", b"{}".to_vec()))
}

async fn proven<P: Platform>(context: &RequestContext<'_, P>, login: &Oidc, token: &Secret) -> Result<Logout, Failure> {
    let provider: &Provider = &*provider::metadata(context, login).await?;
    let unverified = match logout_token::read(token, &*provider::keys(context, provider, false).await?) {
        // The provider may have rotated its keys since they were read.
        Err(LogoutTokenError::Unproven(IdTokenError::UnknownKey)) if may_ask_again(context, provider) => {
            logout_token::read(token, &*provider::keys(context, provider, true).await?)
        }
        read => read,
    };
    let unverified = unverified.map_err(refused)?;
    let signed = provider::verified(context, unverified).await?;
    let signed = signed.map_err(|error| refused(LogoutTokenError::Unproven(error.into())))?;
    let (issuer, client_id) = (&provider.issuer, &login.client_id);
    logout_token::proven(signed, issuer, client_id, context.now).map_err(refused)
}

fn may_ask_again<P>(context: &RequestContext<'_, P>, provider: &Provider) -> bool {
    let sought = &context.memory.keys_sought;
    let may = sought.get(&provider.issuer, context.now).is_none();
    if may {
        sought.put(provider.issuer.as_str(), (), context.now + ASK_AGAIN, context.now);
    }
    may
}

fn refused(error: LogoutTokenError) -> Failure {
    Failure::oauth(ErrorCode::InvalidRequest, error.reason(), error.to_string())
        .fix("Compare login.issuer and login.client_id with what the identity provider was told of the gateway.")
}

fn token_missing() -> Failure {
    let message = "This endpoint reads a form with one logout_token.";
    Failure::oauth(ErrorCode::InvalidRequest, "logout_token_missing", message)
        .fix("Send what OpenID Connect Back-Channel Logout 1.0 says.")
}

fn no_provider() -> Failure {
    let message = "Nobody signs in here at an OpenID provider, so none can sign anybody out.";
    Failure::client(400, "logout_not_configured", message).fix("Take the gateway off the provider's list.")
}
