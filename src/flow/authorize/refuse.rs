//! An authorization request that is refused: on a page, or back to the client.
//!
//! Not here: what is wrong with a request (`oauth::authorize::error`).

use http::StatusCode;

use crate::flow::{Answered, RequestContext, sentence};
use crate::oauth::authorize::error::{LocalError, RedirectError};
use crate::oauth::authorize::request::Redirectable;
use crate::oauth::client::Client;
use crate::page;
use crate::ports::Platform;
use crate::web::failure::Failure;
use crate::web::reply::Reply;

/// Whether an error may go to the client without anybody having allowed anything. A registered redirect URI is still
/// only what some client claimed, and the gateway's own address in a link must not lead wherever a stranger likes (RFC
/// 9700 §4.11.2): only to what runs on the person's machine, and where the operator said. What the operator said is not
/// a stranger's to learn: only who knows it is sent there.
pub(super) fn goes_back(client: &Client, redirectable: &Redirectable) -> bool {
    if client.is_preregistered() {
        redirectable.named_redirect().is_some()
    } else {
        redirectable.redirect().is_loopback()
    }
}

/// Back to the client where that may be, and where the person is `known` to have allowed this very request before; else
/// a page.
pub(super) fn answer<P: Platform>(
    context: &RequestContext<'_, P>,
    client: &Client,
    redirectable: &Redirectable,
    error: &RedirectError,
    known: bool,
) -> Answered<P> {
    context.record.refused(error.error.as_str());
    if known || goes_back(client, redirectable) {
        return Ok(Reply::see_other(&redirectable.error_location(context.origin.as_str(), error)));
    }
    let described = error.description().trim_end_matches('.');
    // The name is whatever a stranger chose: a fact among others, and no beginning of a sentence of ours.
    let failure = Failure::oauth(
        error.error,
        error.error.as_str(),
        format!("The client sent a request that cannot be granted: {described}."),
    )
    .fix("Tell the client's makers, or start again from the client.")
    .fact("client_name", page::short(&client.label()));
    let redirect = redirectable.named_redirect();
    Err(redirect.into_iter().fold(failure, |failure, redirect| failure.fact("redirect_uri", redirect.as_str())))
}

/// `invalid_client` is a 401 for clients that authenticate; a person's browser did nothing of the kind.
pub(super) fn shown(failure: Failure) -> Failure {
    if failure.status == StatusCode::UNAUTHORIZED { failure.status(400) } else { failure }
}

/// Refused before client and redirect URI are proven.
pub(super) fn local(error: &LocalError) -> Failure {
    let failure = Failure::oauth(error.code(), error.reason(), sentence(error)).status(400).fix(error.fix());
    match error {
        LocalError::UnregisteredRedirect { requested, registered } => {
            let failure = failure.fact("requested", requested.clone());
            registered.iter().fold(failure, |failure, registered| failure.fact("registered", registered.join("\n")))
        }
        _ => failure,
    }
}
