//! Whether a request is an operator's: a program's by the token, a person's by their browser session and the
//! configuration.
//!
//! Not here: what an operator may do (`flow::admin::configure`, `flow::admin::console` and their siblings), and
//! what proves that a form is one of the console's (`flow::admin::console::form`).

use crate::flow::client::caller;
use crate::flow::login::session;
use crate::flow::login::session::SignedIn;
use crate::flow::{Head, RequestContext, profile};
use crate::headers::{HeaderValue, RETRY_AFTER};
use crate::memory::Memory;
use crate::ports::{Limited, Platform};
use crate::secret::Secret;
use crate::time::Lifetime;
use crate::web::failure::{Blame, Failure};
use crate::web::route::Endpoint;

/// What somebody thinks up is shorter, and can be guessed; what `openssl rand` and the scripts make is longer.
const SHORTEST: usize = 20;
/// How long an address that guesses is not listened to.
const DEAF: Lifetime = Lifetime::minutes(1);

/// An operator, as they proved to be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operator {
    /// A program, or a person at a command line, by the token.
    ByToken,
    /// A person who signed in.
    Subject(String),
}

impl Operator {
    /// What logs call them: a person by their id.
    pub fn as_str(&self) -> &str {
        match self {
            Self::ByToken => "admin_token",
            Self::Subject(subject) => subject,
        }
    }
}

/// The operator who is signed in at the browser; `None` where nobody is. Where the configuration names no operators
/// there is no console, and somebody who is none is told nothing but that.
///
/// Roles are those of the last sign-in, wherever that was: one that is taken away ends every browser's way in here.
pub async fn signed_in<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Result<Option<SignedIn>, Failure> {
    let operators = context.config.operators.as_ref().ok_or_else(no_such_endpoint)?;
    let Some(signed_in) = session::current(context, head).await? else { return Ok(None) };
    let subject = &signed_in.session.identity.subject;
    if operators.name(subject) {
        return Ok(Some(signed_in));
    }
    let noted = if operators.roles.is_empty() { None } else { profile::noted(context, subject).await? };
    if noted.is_some_and(|profile| operators.have_one_of(&profile.roles)) {
        Ok(Some(signed_in))
    } else {
        Err(no_operator())
    }
}

/// Whether a request that only reads is an operator's. A browser session counts where a page of the gateway's own
/// asks: browsers say so, and pages cannot forge it. Any other request proves itself by the token.
pub async fn reads<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Result<Operator, Failure> {
    let is_safe = matches!(head.method.as_str(), "GET" | "HEAD");
    let is_own = head.header("sec-fetch-site") == Some("same-origin");
    if is_safe && is_own && head.header("authorization").is_none() && context.config.operators.is_some() {
        let signed_in = signed_in(context, head).await?.ok_or_else(required)?;
        return Ok(Operator::Subject(signed_in.session.identity.subject));
    }
    authorize(context.platform, context.memory, head).await
}

/// Whether the request carries the operator's token. Without an `ADMIN_TOKEN` the operator's endpoints do not exist.
///
/// From an address that has guessed too often no token is taken for a while, the right one neither: a guess must not be
/// told from it. Elsewhere the right one goes on working.
pub async fn authorize<P: Platform>(platform: &P, memory: &Memory, head: &Head) -> Result<Operator, Failure> {
    let token = token(platform)?.ok_or_else(no_such_endpoint)?;
    let Some(presented) = head.bearer() else { return Err(required()) };
    let address = caller::address(head);
    let now = platform.now();
    if address.as_ref().is_some_and(|address| memory.guessing.get(address, now).is_some()) {
        return Err(too_many());
    }
    if token.matches(presented) {
        return Ok(Operator::ByToken);
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

/// As where there is nothing at all.
fn no_such_endpoint() -> Failure {
    Failure::client(404, "no_such_endpoint", "There is nothing here.")
}

fn no_operator() -> Failure {
    Failure::client(
        403,
        "operator_required",
        "This page is for the operators of this gateway, and you are none of them.",
    )
    .fix("Should you have become one only now, sign out and in again. Who is one is said by its configuration.")
    .way_on("Sign out", Endpoint::Logout.path())
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
