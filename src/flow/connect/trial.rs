//! Trying what a person entered before it is kept: the server is asked for its tools with it, in the era that it
//! speaks.
//!
//! Not here: what is asked (`mcp::connect::probe`), and what is known of a value later, when calls are sent with it
//! (`flow::connection`).

use http::{Method, StatusCode};

use crate::config::Server;
use crate::flow::call::context::OwnHeaders;
use crate::flow::{RequestContext, connection};
use crate::headers::{CONTENT_TYPE, HeaderMap, HeaderValue};
use crate::mcp::connect::{initialize, probe};
use crate::mcp::transport::response::{Disposition, Expects};
use crate::mcp::transport::revision::Era;
use crate::mcp::transport::session::{Session, UpstreamSession};
use crate::mcp::transport::{forward, response};
use crate::ports::{Answer, FetchError, Limited, Outgoing, Platform, ReadError, Stream, Unavailable};
use crate::secret::Digested;
use crate::time::Lifetime;
use crate::upstream::credential::Credential;
use crate::web::failure::Failure;

/// How long the server may take for each answer: the person waits for all of them.
const ANSWER_DEADLINE: Lifetime = Lifetime(5);

/// A longer list is not read to its end to know that it is one.
const ANSWER: usize = 256 * 1024;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tried {
    /// The server takes it.
    Taken,
    /// The server refused it, with this status.
    Refused(StatusCode),
    /// It cannot be said: the server did not answer, with or without it, or answers without it as well.
    Unknown,
}

/// What a server said to a list of its tools.
enum Heard {
    Answer,
    Refusal(StatusCode),
    Nothing,
}

/// Whether this person may try once more now. Who guesses keys by way of the gateway does not get far.
pub(super) async fn is_allowed<P: Platform>(context: &RequestContext<'_, P>, subject: &str) -> Result<bool, Failure> {
    context
        .platform
        .allow(Limited::EnteredValue, Digested::of(subject).as_str())
        .await
        .map_err(|Unavailable| Failure::storage())
}

/// Tries what was entered. Only a server that refuses whoever has nothing to show has said that it takes it.
pub(super) async fn of<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    entered: &Credential,
) -> Result<Tried, Failure> {
    Ok(match ask(context, server, &connection::headers(context, server, entered)?).await {
        Heard::Refusal(status) => Tried::Refused(status),
        Heard::Nothing => Tried::Unknown,
        Heard::Answer => match ask(context, server, &connection::own_headers(context, server)?).await {
            Heard::Refusal(_) => Tried::Taken,
            Heard::Answer | Heard::Nothing => Tried::Unknown,
        },
    })
}

/// A server of one era does not understand the request of the other, and says so before or after it looked at the
/// credentials: both are tried. One that does not answer at all is not asked twice.
async fn ask<P: Platform>(context: &RequestContext<'_, P>, server: &Server, own: &OwnHeaders) -> Heard {
    let mut headers = probe::headers();
    headers.extend(own.iter().cloned());
    match post(context, server, headers, probe::request()).await {
        Ok(answer) => match heard(answer).await {
            Heard::Nothing => in_session(context, server, own).await.unwrap_or(Heard::Nothing),
            heard => heard,
        },
        Err(_) => Heard::Nothing,
    }
}

async fn in_session<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    own: &OwnHeaders,
) -> Result<Heard, FetchError> {
    let Some(introduction) = probe::introduction() else { return Ok(Heard::Nothing) };
    let Answer { status, headers, body, .. } =
        post(context, server, legacy(None, own), initialize::request(&introduction)).await?;
    if is_refusal(status) {
        body.discard().await;
        return Ok(Heard::Refusal(status));
    }
    let said = body.read(ANSWER, ANSWER_DEADLINE).await.unwrap_or_default();
    let Some(server_is) = initialize::read(&said).filter(|_| status == StatusCode::OK) else {
        return Ok(Heard::Nothing);
    };
    let begun = Session::opened(None, None);
    let session = begun.reopened(UpstreamSession::of_answer(&headers), Some(server_is.revision));
    let headers = || legacy(Some(&session), own);
    // Whatever it says to that: the next answer tells whether the session is good.
    if let Ok(told) = post(context, server, headers(), initialize::initialized()).await {
        told.body.discard().await;
    }
    let list = match post(context, server, headers(), probe::request_in_session()).await {
        Ok(answer) => heard(answer).await,
        Err(_) => Heard::Nothing,
    };
    if session.upstream.is_some()
        && let Ok(ended) = context.platform.fetch(outgoing(server, Method::DELETE, headers(), Vec::new())).await
    {
        ended.body.discard().await;
    }
    Ok(list)
}

/// The headers of a legacy request. The revision is said from the second one on (2025-11-25, "Protocol Version
/// Header").
fn legacy(session: Option<&Session>, own: &OwnHeaders) -> HeaderMap {
    let inbound = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    forward::request_headers(&inbound, session, own, Era::Legacy)
}

async fn post<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    headers: HeaderMap,
    body: Vec<u8>,
) -> Result<Answer<P::Stream>, FetchError> {
    context.platform.fetch(outgoing(server, Method::POST, headers, body)).await
}

fn outgoing(server: &Server, method: Method, headers: HeaderMap, body: Vec<u8>) -> Outgoing {
    Outgoing { method, url: server.url.clone(), headers, body, within: ANSWER_DEADLINE }
}

async fn heard<S: Stream>(answer: Answer<S>) -> Heard {
    let Answer { status, headers, opening, body } = answer;
    if is_refusal(status) {
        body.discard().await;
        return Heard::Refusal(status);
    }
    if response::classify(status, &headers, opening, Expects::Reply, false) != Disposition::Relay {
        body.discard().await;
        return Heard::Nothing;
    }
    match body.read(ANSWER, ANSWER_DEADLINE).await {
        Ok(bytes) if !probe::is_answered(&bytes) => Heard::Nothing,
        Ok(_) | Err(ReadError::TooLarge) => Heard::Answer,
        Err(ReadError::Broken) => Heard::Nothing,
    }
}

fn is_refusal(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}
