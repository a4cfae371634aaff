//! Proving a client by an assertion that it signed: its keys, inline or fetched, and that each assertion is used once.
//!
//! Not here: what an assertion must say (`oauth::client::assertion`).

use std::rc::Rc;

use http::StatusCode;
use url::Url;

use super::register;
use crate::flow::{Head, RequestContext, once, sentence, signature};
use crate::headers::{HeaderValue, RETRY_AFTER};
use crate::jose::jwks;
use crate::jose::jwks::Jwks;
use crate::jose::jws::{JwsError, Unverified};
use crate::oauth::client::assertion;
use crate::oauth::client::assertion::{ClientAssertionError, ProvenAssertion};
use crate::oauth::client::keys::ClientKeys;
use crate::oauth::client::{Authentication, Client};
use crate::oauth::error::ErrorCode;
use crate::ports::{Outgoing, Platform, Stream, Unavailable};
use crate::secret::Secret;
use crate::time::Lifetime;
use crate::web::failure::{Blame, Failure};
use crate::web::route::Endpoint;

/// How long a client's keys may take to arrive.
const KEYS_DEADLINE: Lifetime = Lifetime(5);
/// How long they are remembered.
const REMEMBERED: Lifetime = Lifetime::hours(1);
/// How long a place where none could be had is left alone.
const LEFT_ALONE: Lifetime = Lifetime(5);
/// How often they are fetched at most because an assertion names a key that is none of them.
const ASK_AGAIN: Lifetime = Lifetime::minutes(1);

/// Whether the client has signed an assertion of who it is, for this gateway, and it is used for the first time.
pub async fn verify<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    client: &Client,
    presented: &Secret,
) -> Result<(), Failure> {
    let client_id = client.id.as_str();
    let unknown = || refused(ClientAssertionError::Signature(JwsError::UnknownKey));
    let Authentication::Assertion(keys) = &client.authentication else { return Err(unknown()) };
    // Where nobody vouches for a client, it says itself where its keys are: see `client::published`.
    let stranger = (!client.is_preregistered()).then_some(head);
    let unverified = match (assertion::read(presented, &*of(context, keys, stranger, false).await?), keys) {
        // The client may have rotated its keys since they were read.
        (Err(ClientAssertionError::Signature(JwsError::UnknownKey)), ClientKeys::Fetched(_)) => {
            assertion::read(presented, &*of(context, keys, stranger, true).await?)
        }
        (read, _) => read,
    };
    let proven = proven(context, unverified.map_err(refused)?, client_id).await?;
    if once::burn(context, &proven.id, proven.until).await? { Ok(()) } else { Err(refused(ClientAssertionError::Used)) }
}

/// What an assertion that one of these keys has signed leaves to be done, where it is of this client and for this
/// gateway.
pub async fn signed_by<P: Platform>(
    context: &RequestContext<'_, P>,
    keys: &Jwks,
    client_id: &str,
    presented: &Secret,
) -> Result<ProvenAssertion, Failure> {
    proven(context, assertion::read(presented, keys).map_err(refused)?, client_id).await
}

async fn proven<P: Platform>(
    context: &RequestContext<'_, P>,
    unverified: Unverified<'_>,
    client_id: &str,
) -> Result<ProvenAssertion, Failure> {
    let signed = signature::verified(context.platform, unverified).await;
    let signed = signed.map_err(|Unavailable| unavailable("its signature could not be verified"))?;
    let signed = signed.map_err(|error| refused(ClientAssertionError::Signature(error)))?;
    let token_endpoint = context.url(Endpoint::Token.path());
    let audiences = [context.origin.as_str(), token_endpoint.as_str()];
    assertion::proven(&signed, client_id, audiences, context.now).map_err(refused)
}

async fn of<P: Platform>(
    context: &RequestContext<'_, P>,
    keys: &ClientKeys,
    stranger: Option<&Head>,
    anew: bool,
) -> Result<Rc<Jwks>, Failure> {
    let (memory, now) = (context.memory, context.now);
    let url = match keys {
        ClientKeys::Inline(text) => {
            let keys = jwks::parse(text.as_bytes()).ok_or_else(|| unavailable("its keys cannot be read"))?;
            return Ok(Rc::new(keys));
        }
        ClientKeys::Fetched(url) => url,
    };
    // Whoever knows a client's id can make assertions up: its host is not asked for each of them.
    let is_fresh = || memory.fetched_keys.get(url.as_str(), now).is_some();
    if let Some(keys) = memory.client_keys.get(url.as_str(), now).filter(|_| !anew || is_fresh()) {
        return Ok(keys);
    }
    let question = format!("client keys {url}");
    if let Some(failure) = memory.unusable_issuers.get(&question, now) {
        return Err(failure);
    }
    let url = Url::parse(url).map_err(|_| unavailable("its jwks_uri cannot be read"))?;
    if let Some(head) = stranger {
        register::require_allowance(context, head).await?;
        if url.as_str().strip_prefix(context.origin.as_str()).is_some_and(|path| path.starts_with('/')) {
            return Err(unavailable("its jwks_uri is the gateway's own"));
        }
    }
    let fetched = fetch(context, &url).await;
    if let Err(failure) = &fetched {
        memory.unusable_issuers.put(question, failure.clone(), now + LEFT_ALONE, now);
    }
    let keys = Rc::new(fetched?);
    memory.client_keys.put(url.as_str(), Rc::clone(&keys), now + REMEMBERED, now);
    memory.fetched_keys.put(url.as_str(), (), now + ASK_AGAIN, now);
    Ok(keys)
}

async fn fetch<P: Platform>(context: &RequestContext<'_, P>, url: &Url) -> Result<Jwks, Failure> {
    let answer = context.platform.fetch(Outgoing::document(url.clone(), KEYS_DEADLINE)).await;
    let answer = answer.map_err(|_| unavailable("its keys could not be fetched"))?;
    if answer.status != StatusCode::OK {
        return Err(unavailable("its jwks_uri did not answer with 200"));
    }
    let document = answer.body.read(jwks::MAX_BYTES, KEYS_DEADLINE).await;
    let document = document.map_err(|_| unavailable("its keys broke off or were too large"))?;
    jwks::parse(&document).ok_or_else(|| unavailable("its jwks_uri answers with no key set"))
}

/// Refuses an assertion.
pub fn refused(error: ClientAssertionError) -> Failure {
    Failure::oauth(ErrorCode::InvalidClient, error.reason(), sentence(&error)).fix(match error {
        ClientAssertionError::Signature(_) => {
            "Compare the client's key with its jwks or jwks_uri, and an agent's with the one that its sponsor named."
        }
        _ => "The client must sign a new assertion for each request.",
    })
}

fn unavailable(why: &str) -> Failure {
    let message = format!("The client's assertion could not be checked: {why}.");
    Failure::new(Blame::Upstream, 503, "client_keys_unavailable", message)
        .code(ErrorCode::TemporarilyUnavailable)
        .fix("Try again shortly; if it stays, look at what the client's jwks_uri answers.")
        .header(RETRY_AFTER, HeaderValue::from_static("10"))
}
