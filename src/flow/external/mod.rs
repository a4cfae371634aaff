//! Asking other issuers: for their keys, and about their tokens. Of all requests of an isolate one asks; what it finds
//! is remembered, and so is for a moment that nothing was found.
//!
//! An issuer that cannot be asked lets nobody in. Not here: who asks (`flow::call::external`, `flow::token`).

pub mod introspection;
pub mod keys;

use http::StatusCode;
use url::Url;

use super::RequestContext;
use crate::config::{ExternalIssuer, Login, Server};
use crate::headers::{HeaderValue, RETRY_AFTER};
use crate::json::Node;
use crate::login::oidc::claims::lacking;
use crate::login::oidc::id_token;
use crate::oauth::error::ErrorCode;
use crate::ports::{Outgoing, Platform, Stream};
use crate::time::{Lifetime, Millis};
use crate::untrusted::presentable;
use crate::web::failure::{Blame, Failure};

/// How long an issuer may take to answer, and then its bytes.
const ANSWER_DEADLINE: Lifetime = Lifetime(10);
/// How long an issuer that could not be used is left alone.
const ASK_AGAIN: Lifetime = Lifetime(5);
/// How long a request relies on another one to ask, and how often it looks meanwhile.
const ASKING_DEADLINE: Lifetime = Lifetime(25);
const LOOK: Millis = Millis(50);
const LOOKS: u32 = Millis::of(ASKING_DEADLINE).0 / LOOK.0;

/// Whom somebody is who comes from an issuer: the person that its login signs in, where people sign in there, and else
/// one of the alias. What is about a client itself is nobody's login (RFC 9068 §5).
pub fn subject<P>(context: &RequestContext<'_, P>, issuer: &ExternalIssuer, sub: &str, is_machine: bool) -> Subject {
    match &context.config.login {
        Login::Oidc(oidc) if oidc.issuer == issuer.issuer && !is_machine => {
            Subject { id: id_token::subject(&oidc.issuer, sub), signs_in: true }
        }
        _ => Subject { id: format!("{}:{sub}", issuer.alias), signs_in: false },
    }
}

/// Whether somebody may come by the word of an issuer: whom `login.require` keeps from signing in is not let in by the
/// same issuer's tokens either.
pub fn is_admitted<P>(context: &RequestContext<'_, P>, subject: &Subject, claims: &Node<'_>) -> bool {
    match &context.config.login {
        Login::Oidc(oidc) if subject.signs_in => lacking(&oidc.require, claims).is_none(),
        _ => true,
    }
}

/// The id of somebody who comes from an issuer.
pub struct Subject {
    /// As records and logs have it.
    pub id: String,
    /// Whether it is somebody who can sign in here.
    pub signs_in: bool,
}

/// A link to connect is for whoever it was made for, and who that is shows at the gateway's own sign-in: followed by
/// anybody else, it would put their account at the server into the caller's hands. So where people sign in elsewhere
/// than the token is from, nobody could follow it.
pub fn cannot_connect(server: &Server, alias: &str) -> Failure {
    let message = format!(
        "{} is called with an account of each person's own, and who comes with a token of {alias} cannot connect one \
         here: people sign in to this gateway somewhere else, or no person is behind the token.",
        server.name,
    );
    Failure::client(403, "external_cannot_connect", message)
        .code(ErrorCode::AccessDenied)
        .fix(
            "Let the client authorize at this gateway. Where the operator has people sign in at the very issuer of the \
             token, its people can connect accounts; and a server that everybody may share one account of needs none.",
        )
        .slug(server.slug.as_str())
}

/// Waits while another request asks the same.
async fn wait_for_others<P: Platform>(context: &RequestContext<'_, P>, question: &str) {
    let is_asked = || context.memory.asking.get(question, context.platform.moment()).is_some();
    for _ in 0..LOOKS {
        if !is_asked() {
            return;
        }
        context.platform.pause(LOOK).await;
    }
}

/// Asks, and lets others wait. That it came to nothing is remembered for a moment.
async fn ask<P: Platform, T>(
    context: &RequestContext<'_, P>,
    question: String,
    asking: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let memory = context.memory;
    if let Some(failure) = memory.unusable_issuers.get(&question, context.platform.moment()) {
        return Err(failure);
    }
    let until = context.platform.moment() + ASKING_DEADLINE;
    memory.asking.put(question.as_str(), (), until, context.now);
    let answer = asking.await;
    memory.asking.forget(&question);
    if let Err(failure) = &answer {
        let until = context.platform.moment() + ASK_AGAIN;
        memory.unusable_issuers.put(question, failure.clone(), until, context.now);
    }
    answer
}

async fn get<P: Platform>(
    context: &RequestContext<'_, P>,
    issuer: &ExternalIssuer,
    url: Url,
    limit: usize,
) -> Result<(StatusCode, Vec<u8>), Failure> {
    exchange(context, issuer, Outgoing::document(url, ANSWER_DEADLINE), limit).await
}

/// Sends one request, which goes on when its client leaves: others wait for what it finds.
async fn exchange<P: Platform>(
    context: &RequestContext<'_, P>,
    issuer: &ExternalIssuer,
    request: Outgoing,
    limit: usize,
) -> Result<(StatusCode, Vec<u8>), Failure> {
    let asked = request.url.clone();
    let answer = context.platform.fetch_unattended(request).await;
    let answer = answer.map_err(|_| unavailable(issuer, Some(&asked), "it did not answer"))?;
    let body = answer.body.read(limit, ANSWER_DEADLINE).await;
    let body = body.map_err(|_| unavailable(issuer, Some(&asked), "its answer broke off or was too large"))?;
    Ok((answer.status, body))
}

/// The issuer did not do its part this time.
fn unavailable(issuer: &ExternalIssuer, asked: Option<&Url>, why: &str) -> Failure {
    let message = format!("The issuer {} could not be asked whether the token is good: {why}.", issuer.alias);
    let failure = Failure::new(Blame::Upstream, 503, "issuer_unavailable", message)
        .fix("Try again shortly; if it stays, the operator must look at the issuer.");
    later(failure, asked)
}

/// What the issuer says of itself is of no use.
fn unfit(issuer: &ExternalIssuer, asked: Option<&Url>, why: &str) -> Failure {
    let message = format!("The issuer {} is not what it is configured to be: {why}.", issuer.alias);
    let failure = Failure::new(Blame::Operator, 503, "issuer_unfit", message)
        .fix(format!("The operator must correct issuers.{} in the configuration, or the issuer.", issuer.alias));
    later(failure, asked)
}

fn later(failure: Failure, asked: Option<&Url>) -> Failure {
    let failure = failure.header(RETRY_AFTER, HeaderValue::from_static("5"));
    match asked {
        Some(asked) => failure.fact("asked", presentable(asked.as_str())),
        None => failure,
    }
}
