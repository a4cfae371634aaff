//! The path of a call: a checked MCP message goes to its server, and the answer comes back as it is.
//!
//! Not here: what a message must look like (`mcp::envelope`), which headers pass (`mcp::forward`), what an answer means
//! (`mcp::verdict`).

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};

use super::{Answered, Head, Site, bearer, unreadable};
use crate::config::{Auth, Server, Value};
use crate::failure::{Blame, Failure};
use crate::mcp::envelope::{self, Kind, Payload, RequestId};
use crate::mcp::revision::{self, Era};
use crate::mcp::verdict::{self, Expects, Verdict};
use crate::mcp::{forward, headers, session};
use crate::oauth::access_token::Claims;
use crate::ports::{Answer, FetchError, Outgoing, Platform, Stream};
use crate::reply::Reply;
use crate::route;
use crate::time::Lifetime;
use crate::vault::Purpose;

/// How long a client may take to send its message.
const PATIENCE: Lifetime = Lifetime(30);
/// An error body is a short JSON document.
const ERROR_BODY: usize = 256 * 1024;

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

/// A refusal together with the JSON-RPC id it answers, once that is known.
pub struct Refusal {
    /// Why.
    pub failure: Failure,
    /// The request's id.
    pub id: Option<RequestId>,
    /// Whether the message had been read, so that the answer is a JSON-RPC one.
    pub rpc: bool,
}

/// `POST` to a server: one message, or a batch where the revision has them.
pub async fn post<P: Platform>(site: &Site<'_, P>, head: &Head, server: &Server, body: P::Stream) -> Result<Reply<P::Stream>, Refusal> {
    let plain = |failure: Failure| Refusal { failure: failure.slug(server.slug.as_str()), id: None, rpc: false };
    let claims = bearer::authenticate(site, head, server).await.map_err(plain)?;
    let rpc = |failure: Failure| Refusal { failure: failure.slug(server.slug.as_str()), id: None, rpc: true };
    require_json(head).map_err(rpc)?;
    let limit = site.config.limits.body_bytes;
    let bytes = body.read(limit, PATIENCE).await.map_err(|error| rpc(unreadable(error, limit)))?;
    let payload = envelope::parse(&bytes, site.config.limits.depth).map_err(|error| Refusal {
        failure: Failure { rpc: error.code(), ..Failure::client(400, error.reason(), error.to_string()) }.fix(error.fix()).slug(server.slug.as_str()),
        id: error.id().cloned(),
        rpc: true,
    })?;
    let id = payload.request_id().cloned();
    let refuse = |failure: Failure| Refusal { failure: failure.slug(server.slug.as_str()), id: id.clone(), rpc: true };
    let era = revision::era(&head.headers, &payload)
        .map_err(|error| refuse(Failure { rpc: error.code(), ..Failure::client(400, error.reason(), error.to_string()) }.fix(error.fix())))?;
    headers::check(&head.headers, &payload, era)
        .map_err(|error| refuse(Failure { rpc: error.code(), ..Failure::client(400, error.reason(), error.to_string()) }.fix(error.fix())))?;
    let upstream_session = upstream_session(site, head, server, &claims, era).map_err(&refuse)?;
    let request = Outgoing {
        method: Method::POST,
        url: server.url.clone(),
        headers: outgoing_headers(site, head, server, upstream_session.as_deref(), era).map_err(&refuse)?,
        body: bytes,
        within: server.timeout,
    };
    let answer = site.platform.fetch(request).await.map_err(|error| refuse(no_answer(error, server)))?;
    let expects = if expects_answer(&payload) { Expects::Answer } else { Expects::Nothing };
    relay(site, server, &claims, era, expects, answer).await.map_err(&refuse)
}

/// `DELETE` of a session: the server decides whether sessions can be ended by their client.
pub async fn delete<P: Platform>(site: &Site<'_, P>, head: &Head, server: &Server) -> Answered<P> {
    let claims = bearer::authenticate(site, head, server).await?;
    let session = upstream_session(site, head, server, &claims, Era::Legacy)?;
    let session = session.ok_or_else(|| {
        Failure::client(400, "session_missing", "A DELETE ends the session its Mcp-Session-Id header names.").slug(server.slug.as_str())
    })?;
    let request = Outgoing {
        method: Method::DELETE,
        url: server.url.clone(),
        headers: outgoing_headers(site, head, server, Some(&session), Era::Legacy)?,
        body: Vec::new(),
        within: server.timeout,
    };
    let answer = site.platform.fetch(request).await.map_err(|error| no_answer(error, server))?;
    answer.body.discard().await;
    match answer.status.as_u16() {
        200..=299 => Ok(Reply::empty(StatusCode::NO_CONTENT)),
        404 => Err(session_gone().slug(server.slug.as_str())),
        405 => Err(Failure::method_not_allowed("POST", "This server does not let clients end sessions.").slug(server.slug.as_str())),
        status => Err(upstream_error(status, server)),
    }
}

/// Any other method: 405, with the challenge of a 401 beside it, because some clients look for authorization with a GET.
pub fn method_not_allowed<P: Platform>(site: &Site<'_, P>, server: &Server) -> Failure {
    let metadata = route::protected_resource_url(site.origin.as_str(), server);
    let message = "This is an MCP endpoint of the Streamable HTTP transport: send messages with POST. GET opens no event stream here.";
    Failure::method_not_allowed("POST, DELETE", message)
        .fix(format!("Use POST; for a health check GET {metadata}."))
        .slug(server.slug.as_str())
        .challenge(bearer::challenge(site, server, None))
}

async fn relay<P: Platform>(
    site: &Site<'_, P>,
    server: &Server,
    claims: &Claims,
    era: Era,
    expects: Expects,
    answer: Answer<P::Stream>,
) -> Answered<P> {
    let Answer { status, headers, body } = answer;
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    match verdict::judge(status, content_type, expects) {
        Verdict::Relay => {
            let session = sealed_session(site, server, claims, era, &headers)?;
            Ok(Reply::relay(status, forward::response_headers(&headers, session.as_deref()), body))
        }
        Verdict::Accepted => {
            body.discard().await;
            Ok(Reply::empty(StatusCode::ACCEPTED))
        }
        Verdict::ReadError => {
            let bytes = body.read(ERROR_BODY, PATIENCE).await.map_err(|_| upstream_error(status.as_u16(), server))?;
            if !verdict::is_error_response(&bytes) {
                return Err(if status == StatusCode::NOT_FOUND && era == Era::Legacy {
                    session_gone()
                } else {
                    upstream_error(status.as_u16(), server)
                });
            }
            let reply = Reply::bytes(status, "application/json", bytes);
            Ok(forward::retry_after(&headers).into_iter().fold(reply, |reply, (name, value)| reply.with(name, &value)))
        }
        refused => {
            body.discard().await;
            Err(lift(refused, status, server))
        }
    }
}

/// What the upstream calls the session, from our sealed id. An id of another person or server is as unknown as a made-up one.
fn upstream_session<P: Platform>(
    site: &Site<'_, P>,
    head: &Head,
    server: &Server,
    claims: &Claims,
    era: Era,
) -> Result<Option<String>, Failure> {
    let Some(sealed) = head.headers.get(SESSION).filter(|_| era == Era::Legacy) else { return Ok(None) };
    let sealed = sealed.to_str().map_err(|_| session_gone())?;
    let context = [claims.sub.as_str(), server.slug.as_str()];
    let opened = site.keys.open(Purpose::McpSession, &context, sealed).map_err(|_| session_gone())?;
    let session = std::str::from_utf8(&opened).map_err(|_| session_gone())?;
    Ok(Some(session.to_owned()))
}

fn sealed_session<P: Platform>(
    site: &Site<'_, P>,
    server: &Server,
    claims: &Claims,
    era: Era,
    headers: &HeaderMap,
) -> Result<Option<String>, Failure> {
    let Some(session) = headers.get(SESSION).filter(|_| era == Era::Legacy) else { return Ok(None) };
    let session = session.to_str().ok().filter(|session| session::is_legal(session));
    let session = session.ok_or_else(|| {
        upstream("upstream_session_malformed", 502, "The server sent an Mcp-Session-Id that is not legal.", server)
    })?;
    let context = [claims.sub.as_str(), server.slug.as_str()];
    Ok(Some(site.keys.seal(Purpose::McpSession, &context, site.platform.random(), session.as_bytes())))
}

fn outgoing_headers<P: Platform>(
    site: &Site<'_, P>,
    head: &Head,
    server: &Server,
    session: Option<&str>,
    era: Era,
) -> Result<HeaderMap, Failure> {
    let mut own = Vec::new();
    if let Auth::Headers(headers) = &server.auth {
        for (name, value) in headers {
            let value = match value {
                Value::Literal(text) => HeaderValue::from_str(text),
                Value::Secret(secret) => {
                    let secret = site.platform.secret(secret.as_str()).ok_or_else(|| missing_secret(server))?;
                    HeaderValue::from_str(secret.expose()).map(|mut value| {
                        value.set_sensitive(true);
                        value
                    })
                }
            };
            let name = HeaderName::try_from(name.as_str()).map_err(|_| missing_secret(server))?;
            own.push((name, value.map_err(|_| missing_secret(server))?));
        }
    }
    Ok(forward::request_headers(&head.headers, session, &own, era))
}

fn require_json(head: &Head) -> Result<(), Failure> {
    let content_type = head.header("content-type").unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Failure::client(415, "content_type_unsupported", "A message must be sent as application/json.").fix("Set Content-Type: application/json."))
}

fn expects_answer(payload: &Payload) -> bool {
    payload.messages().iter().any(|message| matches!(message.kind, Kind::Request { .. }))
}

fn lift(verdict: Verdict, status: StatusCode, server: &Server) -> Failure {
    match verdict {
        Verdict::Redirected => upstream("upstream_redirected", 502, "The server answered with a redirect, which is never followed.", server)
            .fix("The operator must configure the URL the server redirects to."),
        Verdict::Unauthorized => upstream("upstream_unauthorized", 502, format!("The server refused the gateway's own credentials ({}).", status.as_u16()), server)
            .fix("The operator must check the server's auth in the configuration."),
        Verdict::NotMcp => upstream("upstream_not_mcp", 502, "The server's answer is neither JSON nor an event stream.", server)
            .fix("The operator must check the server's URL; it usually ends in /mcp."),
        _ => upstream_error(status.as_u16(), server),
    }
}

fn upstream_error(status: u16, server: &Server) -> Failure {
    upstream("upstream_error", 502, format!("The server answered {status} without an MCP error."), server)
        .fix("Try again; if it stays, ask whoever runs the server, with the request id.")
}

fn no_answer(error: FetchError, server: &Server) -> Failure {
    match error {
        FetchError::Unreachable => upstream("upstream_unreachable", 502, "The server could not be reached, or did not speak HTTP.", server)
            .fix("Try again shortly; if it stays, the operator must check the server and its URL in the configuration."),
        FetchError::TimedOut => upstream("upstream_timeout", 504, format!("The server did not answer within {} seconds.", server.timeout.0), server)
            .fix("Try again; for slow tools the operator can raise the server's timeout_seconds."),
    }
}

fn upstream(reason: &'static str, status: u16, message: impl Into<String>, server: &Server) -> Failure {
    Failure::new(Blame::Upstream, status, reason, message).slug(server.slug.as_str())
}

fn missing_secret(server: &Server) -> Failure {
    Failure::new(Blame::Operator, 503, "upstream_secret_missing", "A secret of this server's headers is not set, or not legal in a header.")
        .fix("The operator must set the secrets that the server's auth.headers name.")
        .slug(server.slug.as_str())
}

fn session_gone() -> Failure {
    Failure { rpc: -32001, ..Failure::client(404, "session_not_found", "This MCP session does not exist, or has ended.") }
        .fix("Start a new session with initialize; clients do so by themselves.")
}
