//! Whether a request is the operator's.
//!
//! Not here: what an operator may do (`flow::admin::configure`, `flow::admin::shared_connection`,
//! `flow::admin::subject`).

use http::HeaderValue;
use http::header::RETRY_AFTER;

use crate::flow::Head;
use crate::flow::client::caller;
use crate::memory::Memory;
use crate::ports::{Limited, Platform};
use crate::secret::Secret;
use crate::time::Lifetime;
use crate::web::failure::{Blame, Failure};

/// What somebody thinks up is shorter, and can be guessed; what `openssl rand` and the scripts make is longer.
const SHORTEST: usize = 20;
/// How long an address that guesses is not listened to.
const DEAF: Lifetime = Lifetime::minutes(1);

/// Whether the request carries the operator's token. Without an `ADMIN_TOKEN` the operator's endpoints do not exist.
///
/// From an address that has guessed too often no token is taken for a while, the right one neither: a guess must not be
/// told from it. Elsewhere the right one goes on working.
pub async fn authorize<P: Platform>(platform: &P, memory: &Memory, head: &Head) -> Result<(), Failure> {
    let Some(token) = token(platform)? else {
        return Err(Failure::client(404, "no_such_endpoint", "There is nothing here."));
    };
    let presented = head.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let Some(presented) = presented else { return Err(required()) };
    let address = caller::address(head);
    let now = platform.now();
    if address.as_ref().is_some_and(|address| memory.guessing.get(address, now).is_some()) {
        return Err(too_many());
    }
    if token.matches(presented) {
        return Ok(());
    }
    let counted = platform.allow(Limited::OperatorToken, address.as_deref().unwrap_or("unknown")).await;
    if counted.unwrap_or(false) {
        return Err(required());
    }
    // Where no address is known, everybody has the same one, and nobody is shut out for another's guesses.
    if let Some(address) = address {
        memory.guessing.put(address, (), now + DEAF, now);
    }
    Err(too_many())
}

/// The token that has to be presented; `None` where the deployment has none.
pub fn token<P: Platform>(platform: &P) -> Result<Option<Secret>, Failure> {
    let token = platform.secret("ADMIN_TOKEN").filter(|token| !token.expose().is_empty());
    match token {
        Some(token) if token.expose().chars().count() < SHORTEST => Err(too_short()),
        token => Ok(token),
    }
}

fn required() -> Failure {
    Failure::client(401, "operator_token_required", "This endpoint is the operator's.")
        .fix("Send the ADMIN_TOKEN secret as a bearer token.")
        .challenge(HeaderValue::from_static("Bearer realm=\"operator\""))
}

fn too_many() -> Failure {
    Failure::client(429, "operator_token_rate_limited", "Too many wrong operator tokens came from this address.")
        .fix("Wait a minute, then send the ADMIN_TOKEN secret as a bearer token.")
        .header(RETRY_AFTER, HeaderValue::from_static("60"))
}

fn too_short() -> Failure {
    let message = format!("The secret ADMIN_TOKEN has fewer than {SHORTEST} characters, so it is not accepted.");
    Failure::new(Blame::Operator, 503, "operator_token_short", message).fix(
        "Set it to the output of: openssl rand -base64 32 (scripts/deploy makes one by itself where there is none).",
    )
}
