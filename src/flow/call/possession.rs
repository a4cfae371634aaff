//! Whether a token that is bound to a key comes with a proof of that key, and no other comes as if it were (RFC 9449
//! §7).
//!
//! Not here: verifying a proof (`flow::dpop`).

use super::challenge;
use super::presented::Scheme;
use crate::config::Server;
use crate::flow::{Head, RequestContext, dpop, sentence};
use crate::oauth::dpop::proof::ProofError;
use crate::oauth::error::ErrorCode;
use crate::ports::Platform;
use crate::web::failure::Failure;

/// Checks a token that was found good: bound to a key, or presented as if it were, or at a server that takes no other.
pub async fn require<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    server: &Server,
    (scheme, token): (Scheme, &str),
    jkt: Option<&str>,
) -> Result<(), Failure> {
    match (scheme, jkt) {
        (Scheme::Bearer, None) if !server.requires_dpop => Ok(()),
        (Scheme::Bearer, None) => {
            let fix = "Ask for a token with a DPoP proof: this server takes no other.";
            Err(refuse(context, server, "token_unbound", "This server takes DPoP-bound tokens only", fix))
        }
        (Scheme::Bearer, Some(_)) => {
            let fix = "Send Authorization: DPoP with the token, and a proof in the DPoP header.";
            Err(refuse(context, server, "token_bound", "The access token is bound to a key", fix))
        }
        (Scheme::Dpop, None) => {
            let fix = "Send it as Authorization: Bearer, or ask for a token with a DPoP proof.";
            Err(refuse(context, server, "token_not_bound", "The access token is not bound to a key", fix))
        }
        (Scheme::Dpop, Some(jkt)) => {
            let url = context.resource(server).url();
            let proven = dpop::of_call(context, head, &url, token, jkt).await?;
            proven.map_err(|error| unproven(context, server, error))
        }
    }
}

fn unproven<P: Platform>(context: &RequestContext<'_, P>, server: &Server, error: ProofError) -> Failure {
    let code = if error == ProofError::Nonce { ErrorCode::UseDpopNonce } else { ErrorCode::InvalidDpopProof };
    let message = sentence(&error);
    let challenge = challenge::dpop(context, server, Some((code, &message)));
    let failure = Failure::client(401, error.reason(), message).code(code).fix(dpop::fix(error));
    let failure = failure.slug(server.slug.as_str()).challenge(challenge);
    if error == ProofError::Nonce { dpop::with_nonce(context, failure) } else { failure }
}

fn refuse<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    reason: &'static str,
    description: &'static str,
    fix: &'static str,
) -> Failure {
    Failure::client(401, reason, description)
        .code(ErrorCode::InvalidToken)
        .fix(fix)
        .slug(server.slug.as_str())
        .challenge(challenge::dpop(context, server, Some((ErrorCode::InvalidToken, description))))
}
