//! Proofs of possession (RFC 9449) where they arrive: verified, and taken once. At the token endpoint an id is burned
//! for the whole earth; on calls an isolate remembers those that it saw, and a nonce bounds how long one is worth
//! anything elsewhere: an object for each call would cost more than the call.
//!
//! Not here: what a proof must say (`oauth::dpop`).

use super::{Head, RequestContext, once, sentence, signature};
use crate::config::Server;
use crate::headers::{HeaderName, HeaderValue, RETRY_AFTER};
use crate::oauth::dpop::nonce;
use crate::oauth::dpop::proof::{self, Proof, ProofError, ProvenRequest};
use crate::oauth::error::ErrorCode;
use crate::ports::{Platform, Unavailable};
use crate::web::failure::{Blame, Failure};
use crate::web::route::Endpoint;

const HEADER: &str = "dpop";
const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// The proof of a token request, if it brings one. It is not used up yet: see [`burn`].
pub async fn of_token_request<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
) -> Result<Option<Proof>, Failure> {
    if !head.headers.contains_key(HEADER) {
        return Ok(None);
    }
    let url = context.url(Endpoint::Token.path());
    let request = ProvenRequest { method: &head.method, url: &url, token: None };
    let proof = verified(context, head, request).await?.map_err(|error| refused(context, error))?;
    if proof.nonce.as_deref().is_some_and(|nonce| !nonce::is_good(&context.keys, nonce, context.now)) {
        return Err(refused(context, ProofError::Nonce));
    }
    Ok(Some(proof))
}

/// Refuses to issue a token without a proof where the server, or what its client was set up as, takes no other.
pub fn require<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    client_id: &str,
    proof: Option<&Proof>,
) -> Result<(), Failure> {
    let is_wanted = || server.requires_dpop || context.config.binds_tokens_of(client_id);
    if proof.is_none() && is_wanted() { Err(refused(context, ProofError::Missing)) } else { Ok(()) }
}

/// Uses a proof up, once on earth. Whoever does so has done all else that can be checked before: anybody can make
/// proofs.
pub async fn burn<P: Platform>(context: &RequestContext<'_, P>, proof: Option<&Proof>) -> Result<(), Failure> {
    let Some(Proof { id, until, .. }) = proof else { return Ok(()) };
    if once::burn(context, id, *until).await? { Ok(()) } else { Err(refused(context, ProofError::Used)) }
}

/// Whether a call proves to have the key that its token is bound to.
pub async fn of_call<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    url: &str,
    token: &str,
    jkt: &str,
) -> Result<Result<(), ProofError>, Failure> {
    let request = ProvenRequest { method: &head.method, url, token: Some(token) };
    let proof = match verified(context, head, request).await? {
        Ok(proof) => proof,
        Err(error) => return Ok(Err(error)),
    };
    if proof.jkt != jkt {
        return Ok(Err(ProofError::OtherKey));
    }
    if !proof.nonce.is_some_and(|nonce| nonce::is_good(&context.keys, &nonce, context.now)) {
        return Ok(Err(ProofError::Nonce));
    }
    let seen = &context.memory.seen_proofs;
    if seen.get(proof.id.as_str(), context.now).is_some() {
        return Ok(Err(ProofError::Used));
    }
    // As long as any is good, so that those seen first go first where there is no more room.
    seen.put(proof.id.as_str(), (), context.now + proof::GOOD_AT_MOST, context.now);
    Ok(Ok(()))
}

async fn verified<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    request: ProvenRequest<'_>,
) -> Result<Result<Proof, ProofError>, Failure> {
    let mut values = head.headers.get_all(HEADER);
    let (value, more) = (values.next().and_then(|value| value.to_str().ok()), values.next());
    let Some(text) = value.filter(|_| more.is_none()) else { return Ok(Err(ProofError::Missing)) };
    let (unverified, jkt) = match proof::read(text) {
        Ok(read) => read,
        Err(error) => return Ok(Err(error)),
    };
    let signed = signature::verified(context.platform, unverified).await.map_err(|Unavailable| unavailable())?;
    Ok(signed.map_err(ProofError::from).and_then(|signed| proof::judge(signed, jkt, request, context.now)))
}

/// A nonce for the next proof (RFC 9449 §8).
pub fn with_nonce<P: Platform>(context: &RequestContext<'_, P>, failure: Failure) -> Failure {
    match HeaderValue::try_from(nonce::mint(&context.keys, context.now)) {
        Ok(nonce) => failure.header(NONCE, nonce),
        Err(_) => failure,
    }
}

/// Refuses a token request.
pub fn refused<P: Platform>(context: &RequestContext<'_, P>, error: ProofError) -> Failure {
    let code = if error == ProofError::Nonce { ErrorCode::UseDpopNonce } else { ErrorCode::InvalidDpopProof };
    let failure = Failure::oauth(code, error.reason(), sentence(&error)).fix(fix(error));
    if error == ProofError::Nonce { with_nonce(context, failure) } else { failure }
}

/// What a client does about it.
pub fn fix(error: ProofError) -> &'static str {
    match error {
        ProofError::Nonce => "Make a new proof with the nonce of this answer's DPoP-Nonce header, and send it again.",
        ProofError::Stale => "Compare the client's clock, and make a new proof for each request.",
        ProofError::OtherKey => "Sign with the key that the token was asked for with, or authorize again.",
        ProofError::Elsewhere => "htu is the address that the request is sent to, as the client was told it.",
        _ => "The client must make a new proof for each request, as RFC 9449 section 4 says.",
    }
}

fn unavailable() -> Failure {
    let message = "The signature of the DPoP proof could not be verified.";
    Failure::new(Blame::Gateway, 503, "dpop_unavailable", message)
        .code(ErrorCode::TemporarilyUnavailable)
        .fix("Try again in a few seconds, with a new proof.")
        .header(RETRY_AFTER, HeaderValue::from_static("5"))
}
