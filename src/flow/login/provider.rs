//! Asking the identity provider: its metadata and keys, remembered for a while, and the exchange of a code for an
//! identity.
//!
//! Not here: roles and claims (`flow::login::claims`), what makes an answer valid (`login`), the browser's way there
//! and back (`flow::login`).

use std::collections::BTreeMap;
use std::rc::Rc;

use http::{Request, StatusCode};
use url::Url;

use crate::config::{Oidc, SecretName};
use crate::flow::{RequestContext, secret_missing, signature};
use crate::headers::{HeaderValue, RETRY_AFTER};
use crate::jose::jwks;
use crate::jose::jwks::Jwks;
use crate::jose::jws;
use crate::json::Node;
use crate::login::oidc::claims::lacking;
use crate::login::oidc::discovery::{OFFLINE_ACCESS, Offline, Provider};
use crate::login::oidc::id_token::{IdTokenError, Proven, SignedIdToken};
use crate::login::oidc::recheck::{NotRenewed, Renewed};
use crate::login::oidc::{discovery, id_token, recheck};
use crate::login::transaction::LoginTransaction;
use crate::login::{LoginError, oidc};
use crate::memory::alarms::AlarmKind;
use crate::policy::ClaimName;
use crate::ports::{Answer, FetchError, Outgoing, Platform, Stream, Unavailable};
use crate::secret::Secret;
use crate::time::{Lifetime, Timestamp};
use crate::web::failure::{Blame, Failure};
use crate::web::route::Endpoint;

/// How long the identity provider may take to answer.
pub const ANSWER_DEADLINE: Lifetime = Lifetime(10);
/// How long its metadata and keys are remembered.
const REMEMBERED: Lifetime = Lifetime::hours(1);
/// How long a failed discovery is believed.
const ASK_AGAIN: Lifetime = Lifetime(5);

/// The identity provider's metadata, by OpenID Connect discovery.
pub async fn metadata<P: Platform>(context: &RequestContext<'_, P>, login: &Oidc) -> Result<Rc<Provider>, Failure> {
    if let Some(provider) = context.memory.providers.get(&login.issuer, context.now) {
        return Ok(provider);
    }
    if let Some(failure) = context.memory.unusable_providers.get(&login.issuer, context.now) {
        return Err(failure);
    }
    let found = noted(context, &login.issuer, discover(context, login).await);
    if let Err(failure) = &found {
        // Anybody may ask for the status or for a sign-in: a provider that is down is not asked each time.
        context.memory.unusable_providers.put(
            login.issuer.as_str(),
            failure.clone(),
            context.now + ASK_AGAIN,
            context.now,
        );
    }
    found
}

async fn discover<P: Platform>(context: &RequestContext<'_, P>, login: &Oidc) -> Result<Rc<Provider>, Failure> {
    let url = discovery::url(&login.issuer).ok_or_else(|| misconfigured(&LoginError::UnfitUrl("issuer")))?;
    let document = get(context, url, discovery::MAX_BYTES).await?;
    let provider = discovery::parse(&login.issuer, &document).map_err(|error| misconfigured(&error))?;
    let provider = Rc::new(provider);
    context.memory.providers.put(login.issuer.as_str(), Rc::clone(&provider), context.now + REMEMBERED, context.now);
    Ok(provider)
}

/// What a code was good for.
pub struct Redeemed {
    /// Who signed in, and what their ID token claims.
    pub proven: Proven,
    /// What the provider's userinfo endpoint can be asked with.
    pub access_token: Option<Secret>,
    /// What it can be asked again with.
    pub refresh_token: Option<Secret>,
}

/// The scopes to ask for: `offline_access` among them where the provider is to be asked again.
pub(super) fn scopes<'l>(login: &'l Oidc, provider: &Provider) -> Vec<&'l str> {
    let mut scopes: Vec<_> = login.scopes.iter().map(String::as_str).collect();
    if login.recheck.is_some() && provider.offline == Offline::Scope && !scopes.contains(&OFFLINE_ACCESS) {
        scopes.push(OFFLINE_ACCESS);
    }
    scopes
}

/// What it has to be asked instead of that, unless the operator says it otherwise.
pub(super) fn offline(login: &Oidc, provider: &Provider) -> Option<(&'static str, &'static str)> {
    match provider.offline {
        Offline::Parameter(name, value) if login.recheck.is_some() && !login.parameters.contains_key(name) => {
            Some((name, value))
        }
        _ => None,
    }
}

/// Who the code stands for: the token request, then the ID token checked against the provider's keys.
pub async fn identify<P: Platform>(
    context: &RequestContext<'_, P>,
    login: &Oidc,
    provider: &Provider,
    code: &Secret,
    transaction: &LoginTransaction,
) -> Result<Redeemed, Failure> {
    let client_secret = match &login.client_secret {
        Some(name) => Some(secret(context, name)?),
        None => None,
    };
    let redirect_uri = context.url(Endpoint::LoginCallback.path());
    let request = oidc::token_request(
        provider,
        &login.client_id,
        client_secret.as_ref(),
        code,
        &transaction.verifier,
        &redirect_uri,
    );
    let answered = send(context, request.map_err(|error| misconfigured(&error))?, oidc::MAX_BYTES).await;
    let (status, answer) = noted(context, &login.issuer, answered)?;
    let sent = oidc::secrets(&login.client_id, client_secret.as_ref(), code, &transaction.verifier);
    let tokens = oidc::token_response(status, &answer, &sent).map_err(|error| code_refused(&error))?;
    let browser = Some((&transaction.nonce, transaction.not_before));
    let proven = proven(context, login, provider, &tokens.id_token, browser).await?;
    Ok(Redeemed { proven, access_token: tokens.access_token, refresh_token: tokens.refresh_token })
}

/// Asks the provider again about somebody; nothing comes of it where they are out. No browser brought what is sent, so
/// a refusal of it is the provider's or the gateway's fault, and operators are told. Done once, whoever leaves
/// meanwhile: the token may be worth nothing afterwards.
pub async fn renewed<P: Platform>(
    context: &RequestContext<'_, P>,
    login: &Oidc,
    provider: &Provider,
    refresh_token: &Secret,
) -> Result<Option<Renewed>, Failure> {
    let asked = async {
        let client_secret = match &login.client_secret {
            Some(name) => Some(secret(context, name)?),
            None => None,
        };
        let secret = client_secret.as_ref();
        let request = recheck::request(provider, &login.client_id, secret, refresh_token);
        let request = Outgoing::of(request.map_err(|error| misconfigured(&error))?, ANSWER_DEADLINE);
        let request = request.ok_or_else(|| misconfigured(&LoginError::UnfitUrl("token_endpoint")))?;
        let (status, answer) = read(context.platform.fetch_unattended(request).await, oidc::MAX_BYTES).await?;
        let sent = recheck::secrets(&login.client_id, secret, refresh_token);
        match recheck::read(status, &answer, &sent) {
            Ok(renewed) => Ok(Some(renewed)),
            Err(NotRenewed::Gone) => Ok(None),
            Err(NotRenewed::Unanswered(error)) => Err(code_refused(&error)),
        }
    };
    noted(context, &login.issuer, asked.await)
}

/// Whom an ID token is about. `browser` is the nonce of the sign-in that it answers, and since when the person must
/// have signed in; none where it answers a refresh.
pub async fn proven<P: Platform>(
    context: &RequestContext<'_, P>,
    login: &Oidc,
    provider: &Provider,
    token: &Secret,
    browser: Option<(&Secret, Option<Timestamp>)>,
) -> Result<Proven, Failure> {
    let unverified = match id_token::read(token, &*keys(context, provider, false).await?) {
        // The provider may have rotated its keys since they were read.
        Err(IdTokenError::UnknownKey) => id_token::read(token, &*keys(context, provider, true).await?),
        read => read,
    };
    let signed = verified(context, unverified.map_err(refused)?).await?;
    let signed = signed.map_err(IdTokenError::from).and_then(SignedIdToken::of).map_err(refused)?;
    let (issuer, client_id) = (&provider.token_issuer, &login.client_id);
    let (nonce, not_before) = (browser.map(|(nonce, _)| nonce), browser.and_then(|(_, not_before)| not_before));
    signed.proven(issuer, client_id, nonce, not_before, context.now).map_err(refused)
}

/// The gateway's secret at the provider.
pub fn secret<P: Platform>(context: &RequestContext<'_, P>, name: &SecretName) -> Result<Secret, Failure> {
    let secret = context.platform.secret(name.as_str());
    secret.ok_or_else(|| secret_missing("login_secret_missing", name, "the sign-in needs"))
}

/// What one of its tokens claims, if one of the keys that it can mean has signed it.
pub async fn verified<'t, P: Platform>(
    context: &RequestContext<'_, P>,
    token: jws::Unverified<'t>,
) -> Result<Result<jws::Signed<'t>, jws::JwsError>, Failure> {
    let verified = signature::verified(context.platform, token).await;
    verified.map_err(|Unavailable| unavailable("the signature of its token could not be verified"))
}

/// The provider's keys, as they were when they were last read here, or anew.
pub async fn keys<P: Platform>(
    context: &RequestContext<'_, P>,
    provider: &Provider,
    anew: bool,
) -> Result<Rc<Jwks>, Failure> {
    if let Some(keys) = context.memory.jwks.get(&provider.issuer, context.now).filter(|_| !anew) {
        return Ok(keys);
    }
    let (unusable, place) = (&context.memory.unusable_providers, provider.jwks_uri.as_str());
    if let Some(failure) = unusable.get(place, context.now) {
        return Err(failure);
    }
    let document = get(context, provider.jwks_uri.clone(), jwks::MAX_BYTES).await;
    let unreadable = || misconfigured(&LoginError::KeysMalformed);
    let parsed = document.and_then(|document| jwks::parse(&document).ok_or_else(unreadable));
    if let Err(failure) = &parsed {
        unusable.put(place, failure.clone(), context.now + ASK_AGAIN, context.now);
    }
    let keys = Rc::new(noted(context, &provider.issuer, parsed)?);
    context.memory.jwks.put(provider.issuer.as_str(), Rc::clone(&keys), context.now + REMEMBERED, context.now);
    Ok(keys)
}

async fn get<P: Platform>(context: &RequestContext<'_, P>, url: Url, limit: usize) -> Result<Vec<u8>, Failure> {
    match exchange(context, Outgoing::document(url, ANSWER_DEADLINE), limit).await? {
        (StatusCode::OK, document) => Ok(document),
        (status, _) => Err(unavailable(&format!("it answered {}", status.as_u16()))),
    }
}

/// Sends a token request.
pub async fn send<P: Platform>(
    context: &RequestContext<'_, P>,
    request: Request<Vec<u8>>,
    limit: usize,
) -> Result<(StatusCode, Vec<u8>), Failure> {
    let request = Outgoing::of(request, ANSWER_DEADLINE);
    let request = request.ok_or_else(|| misconfigured(&LoginError::UnfitUrl("token_endpoint")))?;
    exchange(context, request, limit).await
}

/// Sends one request, and reads its answer.
pub async fn exchange<P: Platform>(
    context: &RequestContext<'_, P>,
    request: Outgoing,
    limit: usize,
) -> Result<(StatusCode, Vec<u8>), Failure> {
    read(context.platform.fetch(request).await, limit).await
}

async fn read<S: Stream>(
    answer: Result<Answer<S>, FetchError>,
    limit: usize,
) -> Result<(StatusCode, Vec<u8>), Failure> {
    let answer = answer.map_err(|_| unavailable("it did not answer"))?;
    let body = answer
        .body
        .read(limit, ANSWER_DEADLINE)
        .await
        .map_err(|_| unavailable("its answer broke off or was too large"))?;
    Ok((answer.status, body))
}

/// Whether somebody whom the provider knows may sign in here.
pub fn admit(require: &BTreeMap<ClaimName, Vec<String>>, claims: &Node<'_>) -> Result<(), Failure> {
    let Some(claim) = lacking(require, claims) else { return Ok(()) };
    let error = LoginError::NotAdmitted { claim: claim.to_string() };
    Err(Failure::client(403, error.reason(), error.to_string())
        .fix("Sign in with another account, or ask the operator, whose login.require says who may."))
}

/// The code was of no use.
pub fn code_refused(error: &LoginError) -> Failure {
    Failure::new(Blame::Upstream, 502, error.reason(), error.to_string())
        .fix("Start again from your client; if it stays, the operator must check login.client_id and its secret.")
}

/// Notes for operators whether the provider could be used.
fn noted<P, T>(context: &RequestContext<'_, P>, issuer: &str, found: Result<T, Failure>) -> Result<T, Failure> {
    match &found {
        Ok(_) => context.memory.alarms.clear(AlarmKind::IdentityProvider, issuer),
        Err(failure) => {
            context.memory.alarms.raise(AlarmKind::IdentityProvider, failure.reason, issuer, context.now);
        }
    }
    found
}

/// The ID token proves nothing.
pub fn refused(error: IdTokenError) -> Failure {
    Failure::new(Blame::Upstream, 502, error.reason(), error.to_string()).fix(
        "Start again from your client; if it stays, the operator must compare login.issuer and login.client_id \
         with the identity provider.",
    )
}

/// What the provider says of itself is of no use.
pub fn misconfigured(error: &LoginError) -> Failure {
    Failure::new(Blame::Operator, 503, error.reason(), error.to_string())
        .fix("The operator must correct login.issuer, or the identity provider.")
}

/// The provider did not do its part this time.
pub fn unavailable(why: &str) -> Failure {
    Failure::new(Blame::Upstream, 503, "login_unavailable", format!("The identity provider could not be used: {why}."))
        .fix("Try again shortly; if it stays, the operator must check login.issuer.")
        .header(RETRY_AFTER, HeaderValue::from_static("10"))
}
