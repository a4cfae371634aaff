//! Asking a server and its authorization server for what they say: bounded, with a deadline, following no redirect but
//! that of a document within its origin.
//!
//! Not here: which places may be asked (`oauth_client::url_policy`), what an answer means.

use http::{Method, Request, StatusCode};
use url::Url;

use crate::config::Server;
use crate::flow::RequestContext;
use crate::headers::{CONTENT_TYPE, HeaderMap, LOCATION};
use crate::mcp::connect::probe;
use crate::ports::{Answer, FetchError, Outgoing, Platform, ReadError, Stream};
use crate::time::Lifetime;
use crate::untrusted::presentable;
use crate::upstream::challenge;
use crate::upstream::challenge::UpstreamChallenge;
use crate::upstream::lease::LEASE;
use crate::web::failure::{Blame, Failure};

/// How long a document may take, and then its bytes.
const DOCUMENT_DEADLINE: Lifetime = Lifetime(10);
/// How often a document may have moved.
const MOST_REDIRECTS: u8 = 2;
/// How long an endpoint may take, and then its bytes: longer, as it may have done already what it is asked for.
const ENDPOINT_ANSWER_DEADLINE: Lifetime = Lifetime(20);
const ENDPOINT_BODY_DEADLINE: Lifetime = Lifetime(5);
/// Both together.
pub const ENDPOINT_DEADLINE: Lifetime = ENDPOINT_ANSWER_DEADLINE.and(ENDPOINT_BODY_DEADLINE);
const _: () = assert!(ENDPOINT_DEADLINE.0 < LEASE.0, "a lease would end while its holder still waits");

/// What came of asking for a document.
pub enum FetchedDocument {
    /// Its bytes.
    Found(Vec<u8>),
    /// There is none in any of the places.
    Missing,
}

/// What the server says to a request without a token, if it minds.
pub async fn challenge<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
) -> Result<Option<UpstreamChallenge>, Failure> {
    let (url, headers, body) = (server.url.clone(), probe::headers(), probe::request());
    let request = Outgoing { method: Method::POST, url, headers, body, within: DOCUMENT_DEADLINE };
    let sent = context.platform.fetch(request).await;
    let Answer { status, headers, body, .. } = sent.map_err(|error| unreachable(server, &server.url, error))?;
    body.discard().await;
    let minds = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    Ok(minds.then(|| challenge::bearer(&headers)).flatten())
}

/// The first of these places that has a JSON document. A page is none: servers answer any path with one. A redirect is
/// followed within its origin only, as what a place may be is judged before.
pub async fn first<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    places: &[Url],
    limit: usize,
) -> Result<FetchedDocument, Failure> {
    let mut broken = None;
    for url in places {
        let Answer { status, headers, body, .. } = document(context, server, url).await?;
        let kind = DocumentType::of(&headers);
        if status == StatusCode::OK && kind != DocumentType::Page {
            match body.read(limit, DOCUMENT_DEADLINE).await {
                Ok(document) if kind == DocumentType::Json || begins_as_object(&document) => {
                    return Ok(FetchedDocument::Found(document));
                }
                Err(ReadError::Broken) => return Err(unreachable(server, url, FetchError::TimedOut)),
                Err(ReadError::TooLarge) if kind == DocumentType::Json => return Err(too_large(server, url, limit)),
                Ok(_) | Err(ReadError::TooLarge) => {}
            }
            continue;
        }
        body.discard().await;
        if status.is_server_error() {
            broken.get_or_insert((url, status));
        }
    }
    match broken {
        Some((url, status)) => Err(unavailable(server, url, &format!("it answered {}", status.as_u16()))),
        None => Ok(FetchedDocument::Missing),
    }
}

/// Sends a request that was made for an endpoint, which does there what must not be done for nothing. The status, the
/// headers and at most `limit` bytes; none where it sends more.
pub async fn send<P: Platform>(
    context: &RequestContext<'_, P>,
    request: Request<Vec<u8>>,
    limit: usize,
) -> Result<(StatusCode, HeaderMap, Vec<u8>), FetchError> {
    let request = Outgoing::of(request, ENDPOINT_ANSWER_DEADLINE).ok_or(FetchError::Unreachable)?;
    let Answer { status, headers, body, .. } = context.platform.fetch_unattended(request).await?;
    if limit == 0 {
        body.discard().await;
        return Ok((status, headers, Vec::new()));
    }
    match body.read(limit, ENDPOINT_BODY_DEADLINE).await {
        Ok(body) => Ok((status, headers, body)),
        // Larger than anything it could rightly be: as good as nothing.
        Err(ReadError::TooLarge) => Ok((status, headers, Vec::new())),
        Err(ReadError::Broken) => Err(FetchError::TimedOut),
    }
}

/// An endpoint that did not answer.
pub fn unreachable(server: &Server, url: &Url, error: FetchError) -> Failure {
    let why = match error {
        FetchError::TimedOut => "it took too long",
        FetchError::Unreachable | FetchError::ClientGone => "it could not be reached",
    };
    unavailable(server, url, why)
}

/// Asks a place, and where it sends the gateway on within its origin.
async fn document<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    place: &Url,
) -> Result<Answer<P::Stream>, Failure> {
    let mut url = place.clone();
    let mut left = MOST_REDIRECTS;
    loop {
        let sent = context.platform.fetch(Outgoing::document(url.clone(), DOCUMENT_DEADLINE)).await;
        let answer = sent.map_err(|error| unreachable(server, &url, error))?;
        match moved(&url, &answer).filter(|_| left > 0) {
            Some(next) => (url, left) = (next, left - 1),
            None => return Ok(answer),
        }
        answer.body.discard().await;
    }
}

/// Where an answer sends the gateway on, if that is the origin that was asked.
fn moved<S>(asked: &Url, answer: &Answer<S>) -> Option<Url> {
    let to = answer.headers.get(LOCATION).filter(|_| answer.status.is_redirection())?.to_str().ok()?;
    asked.join(to).ok().filter(|to| to.origin() == asked.origin())
}

/// What a document calls itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DocumentType {
    Json,
    Page,
    /// What a static host calls a file without an ending: its bytes tell.
    Other,
}

impl DocumentType {
    fn of(headers: &HeaderMap) -> Self {
        let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/json" => Self::Json,
            "text/html" | "application/xhtml+xml" => Self::Page,
            other if other.starts_with("application/") && other.ends_with("+json") => Self::Json,
            _ => Self::Other,
        }
    }
}

fn begins_as_object(document: &[u8]) -> bool {
    document.trim_ascii_start().first() == Some(&b'{')
}

fn unavailable(server: &Server, url: &Url, why: &str) -> Failure {
    let message = format!("The server, or its authorization server, could not be asked: {why}.");
    Failure::new(Blame::Upstream, 503, "upstream_discovery_unavailable", message)
        .fix("Try again shortly. If it stays, whoever runs the server must look at it.")
        .fact("asked", presentable(url.as_str()))
        .slug(server.slug.as_str())
}

fn too_large(server: &Server, url: &Url, limit: usize) -> Failure {
    let message = format!("A metadata document of the server is larger than {limit} bytes, so it was not read.");
    Failure::new(Blame::Upstream, 502, "upstream_metadata_too_large", message)
        .fix("Whoever runs the server must publish a smaller document.")
        .fact("asked", presentable(url.as_str()))
        .slug(server.slug.as_str())
}
