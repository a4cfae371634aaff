//! A server's answer on its way to the client: handed on as it is, except for what is between the gateway and the
//! server.
//!
//! Not here: what an answer means (`mcp::transport::response`), which headers pass (`mcp::transport::forward`), and
//! sending again (`flow::call::exchange`).

use http::StatusCode;

use super::context::Call;
use super::{refusal, tenure};
use crate::headers::{CONTENT_TYPE, HeaderMap};
use crate::mcp::transport::response::{Disposition, MediaType};
use crate::mcp::transport::revision::Era;
use crate::mcp::transport::session::{Session, UpstreamSession};
use crate::mcp::transport::{forward, response};
use crate::oauth_client::error_response::OauthErrorBody;
use crate::ports::{Answer, Platform, Stream};
use crate::time::Lifetime;
use crate::upstream::challenge;
use crate::upstream::challenge::{INVALID_TOKEN, UpstreamChallenge};
use crate::web::failure::Failure;
use crate::web::reply::Reply;

/// How long a server may take to send the rest of an error it has begun.
const ERROR_BODY_DEADLINE: Lifetime = Lifetime(30);
/// An error body is a short JSON document.
const ERROR_BODY: usize = 256 * 1024;

/// JSON-RPC 2.0 §5.1.
const METHOD_NOT_FOUND: i64 = -32601;

/// What came of sending a message.
pub enum Attempt<S> {
    /// An answer for the client.
    Answered(Reply<S>),
    /// The server does not know the session. What the client is told if that cannot be mended.
    SessionLost(Result<Reply<S>, Failure>),
    /// The server wants other credentials.
    Unauthorized(Refused),
}

/// What a server said when it refused the gateway's credentials. It names the server's own login, and is never the
/// client's business.
pub struct Refused {
    /// 401, also where the server says so by another one; or 403.
    pub status: StatusCode,
    /// What it wants, if it says so.
    pub challenge: Option<UpstreamChallenge>,
}

impl Refused {
    /// Of an answer's status and headers. A token that is no good is that by any status.
    pub fn of(status: StatusCode, headers: &HeaderMap) -> Self {
        let challenge = challenge::bearer(headers);
        let is_dead = challenge.as_ref().is_some_and(UpstreamChallenge::is_invalid_token);
        Self { status: if is_dead { StatusCode::UNAUTHORIZED } else { status }, challenge }
    }

    /// Of a failed answer that is no 401 and says in its headers or in its body that the token is no good (RFC 6750
    /// §3.1).
    fn otherwise(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let refused = Self::of(status, headers);
        let is_dead = refused.status == StatusCode::UNAUTHORIZED
            || (status == StatusCode::BAD_REQUEST && OauthErrorBody::read(body).code() == Some(INVALID_TOKEN));
        is_dead.then_some(Self { status: StatusCode::UNAUTHORIZED, ..refused })
    }
}

impl<P: Platform> Call<'_, P> {
    /// Makes an answer the client's, or says what must be done first.
    pub async fn classify(
        &self,
        answer: Answer<P::Stream>,
        session: Option<&Session>,
    ) -> Result<Attempt<P::Stream>, Failure> {
        let Answer { status, headers, opening, body } = answer;
        let in_session = session.is_some_and(|session| session.upstream.is_some());
        match response::classify(status, &headers, opening, self.expects, in_session) {
            Disposition::Relay => {
                let session = self.sealed_session(&headers, session);
                let streams = MediaType::of(&headers) == Some(MediaType::EventStream);
                let reply = Reply::relay(status, forward::response_headers(&headers, session.as_deref()), body);
                Ok(Attempt::Answered(if streams { reply.on(tenure::terms(self)) } else { reply }))
            }
            Disposition::Accepted => {
                body.discard().await;
                Ok(Attempt::Answered(self.accepted()))
            }
            Disposition::ReadError => {
                let failed = || refusal::upstream_error(status, self.server);
                let bytes = body.read(ERROR_BODY, ERROR_BODY_DEADLINE).await.map_err(|_| failed())?;
                if let Some(refused) = Refused::otherwise(status, &headers, &bytes) {
                    return Ok(Attempt::Unauthorized(refused));
                }
                // A server's own error, a failed validation say, is the client's to read as it is.
                let error = response::error_body(&bytes).ok_or_else(failed)?;
                let reply = error_reply(status, &headers, bytes);
                Ok(if in_session && error.says_session_is_lost(status) {
                    Attempt::SessionLost(Ok(reply))
                } else {
                    Attempt::Answered(reply)
                })
            }
            // Most servers say 404 of a lost session, some of an unknown method: only then is it the error that they
            // name.
            Disposition::Gone => {
                let bytes = body.read(ERROR_BODY, ERROR_BODY_DEADLINE).await.unwrap_or_default();
                Ok(match response::error_body(&bytes) {
                    Some(error) if error.code == METHOD_NOT_FOUND => {
                        Attempt::Answered(Reply::bytes(status, "application/json", bytes))
                    }
                    _ => Attempt::SessionLost(Err(refusal::session_gone())),
                })
            }
            Disposition::Unauthorized => {
                body.discard().await;
                Ok(Attempt::Unauthorized(Refused::of(status, &headers)))
            }
            refused => {
                body.discard().await;
                Err(refusal::disposition(refused, status, self.server))
            }
        }
    }

    /// Our id for a session that the answer opens. Servers repeat theirs in every answer; sealed anew it would read as
    /// another one.
    ///
    /// Where a connection may have to be asked for, a client is also remembered that the server gives no session.
    fn sealed_session(&self, headers: &HeaderMap, present: Option<&Session>) -> Option<String> {
        if self.era == Era::Modern {
            return None;
        }
        let upstream = UpstreamSession::of_answer(headers);
        let is_news = match &upstream {
            Some(_) => present.is_none_or(|present| present.upstream != upstream),
            None => self.initialize.is_some() && self.needs_connection(),
        };
        let initialize = self.initialize.as_ref().or(present.and_then(|present| present.initialize.as_ref()));
        is_news.then(|| self.seal(&Session::opened(upstream, initialize.cloned())))
    }
}

fn error_reply<S>(status: StatusCode, headers: &HeaderMap, bytes: Vec<u8>) -> Reply<S> {
    let mut reply = Reply::bytes(status, "application/json", bytes);
    let mut passed = forward::response_headers(headers, None);
    passed.remove(CONTENT_TYPE); // whatever the server calls it, this was read as JSON
    reply.headers_mut().extend(passed);
    reply
}
