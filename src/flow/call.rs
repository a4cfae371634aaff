//! The path of a call: a checked MCP message goes to its server, and the answer comes back as it is.
//!
//! Not here: what a message must look like (`mcp::envelope`), which headers pass (`mcp::forward`), what an answer means
//! (`mcp::verdict`), the words of refusals (`flow::refusal`).

use http::header::CONTENT_TYPE;
use http::{Method, StatusCode};

use super::{Answered, Head, Site, bearer, refusal, secret_missing, unreadable};
use crate::config::{Auth, Server, Value};
use crate::failure::Failure;
use crate::mcp::envelope::{self, Payload, RequestId};
use crate::mcp::revision::{self, Era};
use crate::mcp::session::{self, Session, UpstreamSession};
use crate::mcp::verdict::{self, Expects, Verdict};
use crate::mcp::{forward, headers};
use crate::oauth::access_token::Claims;
use crate::ports::{Answer, Outgoing, Platform, Stream};
use crate::reply::Reply;
use crate::secret::Secret;
use crate::time::Lifetime;
use crate::upstream;
use crate::vault::Purpose;

/// How long a client may take to send its message, and a server the rest of an error it has begun.
const PATIENCE: Lifetime = Lifetime(30);
/// An error body is a short JSON document.
const ERROR_BODY: usize = 256 * 1024;

/// JSON-RPC 2.0 §5.1.
const METHOD_NOT_FOUND: i64 = -32601;

/// A refusal in the form its reader understands.
pub enum Refusal {
    /// Before the message was looked at: plain JSON, with a challenge where one is due.
    Plain(Failure),
    /// A JSON-RPC error, with the request's id where it was readable.
    Rpc(Failure, Option<RequestId>),
}

/// A caller whose bearer was accepted, at one server.
struct Call<'a, P> {
    site: &'a Site<'a, P>,
    head: &'a Head,
    server: &'a Server,
    claims: &'a Claims,
    era: Era,
    expects: Expects,
}

/// `POST` to a server: one message, or a batch where the revision has them.
pub async fn post<P: Platform>(
    site: &Site<'_, P>,
    head: &Head,
    server: &Server,
    body: P::Stream,
) -> Result<Reply<P::Stream>, Refusal> {
    // 1. Who calls? Before anything else of the request is judged (OAuth 2.1 §5.3).
    let claims = bearer::authenticate(site, head, server).await.map_err(Refusal::Plain)?;
    // 2. What is said? The bytes that are checked here are the bytes that are sent on.
    let unread = |failure: Failure| Refusal::Rpc(failure.slug(server.slug.as_str()), None);
    refusal::require_json(head).map_err(unread)?;
    let limit = site.config.limits.body_bytes;
    let bytes = body.read(limit, PATIENCE).await.map_err(|error| unread(unreadable(error, limit)))?;
    let payload = envelope::parse(&bytes, site.config.limits.depth)
        .map_err(|error| Refusal::Rpc(refusal::envelope(&error, server), error.id))?;
    let id = match &payload {
        Payload::One(message) => message.id().cloned(),
        Payload::Batch(_) => None,
    };
    let read = |failure: Failure| Refusal::Rpc(failure.slug(server.slug.as_str()), id.clone());
    let era = match &payload {
        Payload::One(message) => {
            headers::check(&head.headers, message).map_err(|error| read(refusal::header(&error)))?;
            Era::of(&head.headers, Some(message))
        }
        Payload::Batch(messages) => {
            revision::admit_batch(&head.headers).map_err(|error| read(refusal::envelope(&error, server)))?;
            let agree = messages.iter().try_for_each(|message| headers::check(&head.headers, message));
            agree.map_err(|error| read(refusal::header(&error)))?;
            Era::Legacy
        }
    };
    // 3. Send it on.
    let expects = if payload.expects_reply() { Expects::Reply } else { Expects::NoReply };
    let call = Call { site, head, server, claims: &claims, era, expects };
    call.send(Method::POST, bytes).await.map_err(read)
}

/// `DELETE` of a session: the server decides whether its sessions can be ended by a client.
pub async fn delete<P: Platform>(site: &Site<'_, P>, head: &Head, server: &Server) -> Answered<P> {
    let claims = bearer::authenticate(site, head, server).await?;
    if session::presented(&head.headers).is_ok_and(|session| session.is_none()) {
        return Err(refusal::session_missing().slug(server.slug.as_str()));
    }
    let call = Call { site, head, server, claims: &claims, era: Era::Legacy, expects: Expects::End };
    call.send(Method::DELETE, Vec::new()).await.map_err(|failure| failure.slug(server.slug.as_str()))
}

impl<P: Platform> Call<'_, P> {
    async fn send(&self, method: Method, body: Vec<u8>) -> Answered<P> {
        let session = self.session()?;
        let own = self.own_headers()?;
        let request = Outgoing {
            method,
            url: self.server.url.clone(),
            headers: forward::request_headers(&self.head.headers, session.as_ref(), &own, self.era),
            body,
            within: self.server.timeout,
        };
        let answer = self.site.platform.fetch(request).await.map_err(|error| refusal::no_answer(error, self.server))?;
        self.relay(answer, session.as_ref()).await
    }

    async fn relay(&self, answer: Answer<P::Stream>, session: Option<&Session>) -> Answered<P> {
        let Answer { status, headers, opening, body } = answer;
        match verdict::judge(status, &headers, opening, self.expects, session.is_some()) {
            Verdict::Relay => {
                let session = self.sealed_session(&headers, session);
                Ok(Reply::relay(status, forward::response_headers(&headers, session.as_deref()), body))
            }
            Verdict::Accepted => {
                body.discard().await;
                let status = if self.expects == Expects::End { StatusCode::OK } else { StatusCode::ACCEPTED };
                Ok(Reply::empty(status))
            }
            Verdict::ReadError => {
                let failed = || refusal::upstream_error(status, self.server);
                let bytes = body.read(ERROR_BODY, PATIENCE).await.map_err(|_| failed())?;
                // A server's own error, a failed validation say, is the client's to read as it is.
                verdict::error_body(&bytes).ok_or_else(failed)?;
                let mut reply = Reply::bytes(status, "application/json", bytes);
                let mut passed = forward::response_headers(&headers, None);
                passed.remove(CONTENT_TYPE); // whatever the server calls it, this was read as JSON
                reply.headers_mut().extend(passed);
                Ok(reply)
            }
            // Most servers say 404 of a lost session, some of an unknown method: only then is it the error that they name.
            Verdict::Gone => {
                let bytes = body.read(ERROR_BODY, PATIENCE).await.map_err(|_| refusal::session_gone())?;
                match verdict::error_body(&bytes) {
                    Some(error) if error.code == METHOD_NOT_FOUND => {
                        Ok(Reply::bytes(status, "application/json", bytes))
                    }
                    _ => Err(refusal::session_gone()),
                }
            }
            refused => {
                body.discard().await;
                Err(refusal::verdict(refused, status, self.server))
            }
        }
    }

    /// The server's session behind our sealed id. An id of another person or server is as unknown as a made-up one.
    fn session(&self) -> Result<Option<Session>, Failure> {
        if self.era == Era::Modern {
            return Ok(None);
        }
        let presented = session::presented(&self.head.headers).map_err(|_| refusal::session_gone())?;
        let Some(sealed) = presented else { return Ok(None) };
        let session = self
            .site
            .keys
            .open_json(Purpose::McpSession, &self.place(), sealed)
            .map_err(|_| refusal::session_gone())?;
        Ok(Some(session))
    }

    /// Our id for a session that the answer opens. Servers repeat theirs in every answer; sealed anew it would read as another one.
    fn sealed_session(&self, headers: &http::HeaderMap, present: Option<&Session>) -> Option<String> {
        let upstream = UpstreamSession::of_answer(headers).filter(|_| self.era == Era::Legacy)?;
        if present.is_some_and(|present| present.upstream.as_ref() == Some(&upstream)) {
            return None;
        }
        let session = Session::opened(Some(upstream), None);
        Some(self.site.keys.seal_json(Purpose::McpSession, &self.place(), self.site.platform.random(), &session))
    }

    fn place(&self) -> [&str; 2] {
        [&self.claims.sub, self.server.slug.as_str()]
    }

    fn own_headers(&self) -> Result<Vec<(http::HeaderName, http::HeaderValue)>, Failure> {
        let Auth::Headers(headers) = &self.server.auth else { return Ok(Vec::new()) };
        let header = |(name, value): &(String, Value)| {
            let value = match value {
                Value::Person { .. } => return Ok(None),
                Value::Literal(text) => Secret::new(text),
                Value::Secret(secret) => self
                    .site
                    .platform
                    .secret(secret.as_str())
                    .ok_or_else(|| secret_missing("upstream_secret_missing", secret, "this server needs"))?,
            };
            let header = upstream::headers::header(name, &value);
            header.map(Some).map_err(|error| refusal::header_unfit(name, &error))
        };
        headers.iter().filter_map(|own| header(own).transpose()).collect()
    }
}
