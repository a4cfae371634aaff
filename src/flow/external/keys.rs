//! An issuer's metadata and keys, and tokens verified with them.
//!
//! Keys rotate: a key id that nobody knows is looked for once more, by one request of an isolate, and then not again
//! for a while, or anybody could have the issuer asked as often as they send a token.
//!
//! Not here: what a token must say (`oauth::external`).

use std::rc::Rc;

use http::StatusCode;
use url::Url;

use super::{ask, get, unavailable, unfit, wait_for_others};
use crate::config::ExternalIssuer;
use crate::flow::{RequestContext, signature};
use crate::jose::algorithm::Algorithm;
use crate::jose::jwks::Jwks;
use crate::jose::jws::{JwsError, Signed};
use crate::jose::{jwks, jws};
use crate::oauth_client::trusted_issuer;
use crate::oauth_client::trusted_issuer::TrustedMetadata;
use crate::ports::{Platform, Unavailable};
use crate::time::Lifetime;
use crate::web::failure::Failure;

/// How long metadata and keys are remembered.
const REMEMBERED: Lifetime = Lifetime::hours(1);
/// How long keys that were looked for once more are not looked for again.
const QUIET: Lifetime = Lifetime(30);

/// A token whose signature one of the issuer's keys has made.
pub async fn verified<'t, P: Platform>(
    context: &RequestContext<'_, P>,
    issuer: &ExternalIssuer,
    token: &'t str,
    is_fit: impl Fn(Option<&str>) -> bool,
) -> Result<Result<Signed<'t>, JwsError>, Failure> {
    let keys = keys(context, issuer).await?;
    let read = match jws::read(token, &keys, &is_fit, &Algorithm::ALL) {
        Err(JwsError::UnknownKey) => match newer(context, issuer, &keys).await? {
            Some(newer) => jws::read(token, &newer, &is_fit, &Algorithm::ALL),
            None => Err(JwsError::UnknownKey),
        },
        read => read,
    };
    match read {
        Ok(unverified) => {
            let verified = signature::verified(context.platform, unverified).await;
            verified.map_err(|Unavailable| unavailable(issuer, None, "the signature could not be verified"))
        }
        Err(error) => Ok(Err(error)),
    }
}

async fn keys<P: Platform>(context: &RequestContext<'_, P>, issuer: &ExternalIssuer) -> Result<Rc<Jwks>, Failure> {
    let question = question(issuer);
    let known = || context.memory.issuer_keys.get(&question, context.platform.moment());
    if let Some(keys) = known() {
        return Ok(keys);
    }
    wait_for_others(context, &question).await;
    match known() {
        Some(keys) => Ok(keys),
        None => ask(context, question.clone(), fetch(context, issuer, &question)).await,
    }
}

/// Keys that the issuer has published since; `None` where it was asked moments ago.
async fn newer<P: Platform>(
    context: &RequestContext<'_, P>,
    issuer: &ExternalIssuer,
    seen: &Rc<Jwks>,
) -> Result<Option<Rc<Jwks>>, Failure> {
    let (question, memory) = (question(issuer), context.memory);
    wait_for_others(context, &question).await;
    let moment = context.platform.moment();
    if let Some(keys) = memory.issuer_keys.get(&question, moment).filter(|keys| !Rc::ptr_eq(keys, seen)) {
        return Ok(Some(keys));
    }
    if memory.rekeyed.get(&question, moment).is_some() {
        return Ok(None);
    }
    memory.rekeyed.put(question.as_str(), (), moment + QUIET, context.now);
    ask(context, question.clone(), fetch(context, issuer, &question)).await.map(Some)
}

fn question(issuer: &ExternalIssuer) -> String {
    format!("keys {} {}", issuer.issuer, issuer.jwks_uri.as_ref().map(Url::as_str).unwrap_or_default())
}

async fn fetch<P: Platform>(
    context: &RequestContext<'_, P>,
    issuer: &ExternalIssuer,
    question: &str,
) -> Result<Rc<Jwks>, Failure> {
    let place = match &issuer.jwks_uri {
        Some(place) => place.clone(),
        None => match &metadata(context, issuer).await?.jwks_uri {
            Some(place) => place.clone(),
            None => return Err(unfit(issuer, None, "its metadata names no jwks_uri")),
        },
    };
    let (status, document) = get(context, issuer, place.clone(), jwks::MAX_BYTES).await?;
    if status != StatusCode::OK {
        return Err(unavailable(issuer, Some(&place), &format!("it answered {}", status.as_u16())));
    }
    let keys = jwks::parse(&document).ok_or_else(|| unfit(issuer, Some(&place), "its keys cannot be read"))?;
    let (keys, until) = (Rc::new(keys), context.platform.moment() + REMEMBERED);
    context.memory.issuer_keys.put(question, Rc::clone(&keys), until, context.now);
    Ok(keys)
}

/// What the issuer says of itself.
pub(super) async fn metadata<P: Platform>(
    context: &RequestContext<'_, P>,
    issuer: &ExternalIssuer,
) -> Result<Rc<TrustedMetadata>, Failure> {
    let known = || context.memory.issuers.get(&issuer.issuer, context.platform.moment());
    if let Some(known) = known() {
        return Ok(known);
    }
    let question = format!("metadata {}", issuer.issuer);
    wait_for_others(context, &question).await;
    match known() {
        Some(known) => Ok(known),
        None => ask(context, question, described(context, issuer)).await,
    }
}

async fn described<P: Platform>(
    context: &RequestContext<'_, P>,
    issuer: &ExternalIssuer,
) -> Result<Rc<TrustedMetadata>, Failure> {
    let mut broken = None;
    for place in trusted_issuer::places(&issuer.issuer) {
        let (status, document) = get(context, issuer, place.clone(), trusted_issuer::MAX_BYTES).await?;
        if status == StatusCode::OK
            && let Some(found) = trusted_issuer::parse(&issuer.issuer, &document)
        {
            let (found, until) = (Rc::new(found), context.platform.moment() + REMEMBERED);
            context.memory.issuers.put(issuer.issuer.as_str(), Rc::clone(&found), until, context.now);
            return Ok(found);
        }
        if status.is_server_error() {
            broken.get_or_insert((place, status));
        }
    }
    Err(match broken {
        Some((place, status)) => unavailable(issuer, Some(&place), &format!("it answered {}", status.as_u16())),
        None => unfit(issuer, None, "no metadata of this very issuer was found"),
    })
}
