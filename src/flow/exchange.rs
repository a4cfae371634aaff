//! One message to a server and its answer back: with the gateway's credentials there, in the client's session there, and once more where
//! that mends what went wrong before anything of it was done.
//!
//! Not here: which headers pass (`mcp::forward`), what an answer means (`mcp::verdict`), opening a session again (`flow::initialize`).

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::connection::{self, Credential, Need};
use super::initialize::{Held, Opened};
use super::standin::{self, Said};
use super::{Answered, Head, Site, refusal};
use crate::config::Server;
use crate::failure::Failure;
use crate::mcp::envelope::Payload;
use crate::mcp::forward;
use crate::mcp::headers::SESSION_ID;
use crate::mcp::revision::Era;
use crate::mcp::session::{InitializeParams, Session, UpstreamSession};
use crate::mcp::verdict::{self, Expects, Verdict};
use crate::oauth::access_token::Claims;
use crate::ports::{Answer, Outgoing, Platform, Stream};
use crate::reply::Reply;
use crate::time::Lifetime;
use crate::upstream::challenge::{self, Challenge};
use crate::vault::Purpose;

/// How long a server may take to send the rest of an error it has begun.
const PATIENCE: Lifetime = Lifetime(30);
/// An error body is a short JSON document.
const ERROR_BODY: usize = 256 * 1024;

/// JSON-RPC 2.0 §5.1.
const METHOD_NOT_FOUND: i64 = -32601;

/// The gateway's headers for a server.
pub type OwnHeaders = Vec<(HeaderName, HeaderValue)>;

/// A caller whose bearer was accepted, at one server.
pub struct Call<'a, P> {
    /// The surroundings.
    pub site: &'a Site<'a, P>,
    /// The client's request.
    pub head: &'a Head,
    /// The server.
    pub server: &'a Server,
    /// Who calls.
    pub claims: &'a Claims,
    /// The era of the message.
    pub era: Era,
    /// What the server is asked for.
    pub expects: Expects,
    /// Its parameters, if the message is `initialize`.
    pub initialize: Option<InitializeParams>,
}

/// What came of sending a message.
pub enum Outcome<S> {
    /// An answer for the client.
    Answered(Reply<S>),
    /// The server does not know the session. What the client is told if that cannot be mended.
    SessionLost(Result<Reply<S>, Failure>),
    /// The server wants other credentials.
    Unauthorized(Refused),
}

/// What a server said when it refused the gateway's credentials. It names the server's own login, and is never the client's business.
pub struct Refused {
    /// 401 or 403.
    pub status: StatusCode,
    /// What it wants, if it says so.
    pub challenge: Option<Challenge>,
}

impl Refused {
    /// Of an answer's status and headers.
    pub fn of(status: StatusCode, headers: &HeaderMap) -> Self {
        Self { status, challenge: challenge::bearer(headers) }
    }
}

/// How a message ended.
enum End<S> {
    /// With an answer for the client.
    Answered(Reply<S>),
    /// Nowhere: somebody must connect first. The message is given back.
    Needed(Need, Vec<u8>),
}

/// The gateway's credentials for a server.
struct Own {
    headers: OwnHeaders,
    seen: Option<u64>,
    renewed: bool,
}

impl<P: Platform> Call<'_, P> {
    /// Sends a message and hands on the answer, or answers in the server's stead where it needs a connection first.
    pub async fn send(&self, payload: &Payload, body: Vec<u8>) -> Answered<P> {
        let mut held = Held::presented(self)?;
        let (mut body, mut choice) = (body, None);
        if let Payload::One(message) = payload
            && let Some(resumed) = standin::resume(self, message, &body)?
        {
            (body, choice) = (resumed.body, Some(resumed.choice));
        }
        let end = match connection::credential(self.site, self.server, self.claims).await? {
            Credential::Needed(need) => End::Needed(need, body),
            Credential::Ready { headers, seen } => {
                if self.needs_connection()
                    && let Some(reply) = standin::connected(self, payload)
                {
                    return Ok(reply);
                }
                let own = Own { headers, seen, renewed: false };
                self.exchange(&Method::POST, body, &mut held, own).await?
            }
        };
        Ok(match end {
            End::Answered(reply) => with_session(reply, held),
            End::Needed(need, body) => {
                let session = held.as_ref().map(|held| &held.session);
                standin::answer(self, &Said { payload, body: &body, session, choice }, &need)
            }
        })
    }

    /// Ends a session.
    pub async fn end(&self) -> Answered<P> {
        let mut held = Held::presented(self)?;
        let end = match connection::credential(self.site, self.server, self.claims).await? {
            Credential::Needed(_) => return Ok(self.accepted()), // the server cannot be told
            Credential::Ready { headers, seen } => {
                let own = Own { headers, seen, renewed: false };
                self.exchange(&Method::DELETE, Vec::new(), &mut held, own).await?
            }
        };
        Ok(match end {
            End::Answered(reply) => reply,
            End::Needed(..) => self.accepted(),
        })
    }

    /// Sends a message until it is answered: at most once more in a new session, and once more with new credentials.
    async fn exchange(
        &self,
        method: &Method,
        body: Vec<u8>,
        held: &mut Option<Held<'_>>,
        mut own: Own,
    ) -> Result<End<P::Stream>, Failure> {
        let mut due = false;
        if let Some(held) = held.as_mut() {
            held.recall(self).await;
            if held.session.waiting && self.expects != Expects::Reply {
                // The server has not heard of the session: there is nothing to tell it, and nothing to end.
                return Ok(End::Answered(self.accepted()));
            }
            due = held.session.waiting;
        }
        let mut body = Some(body);
        let mut lost = false;
        loop {
            let again = held.as_ref().is_some_and(|held| !lost && held.can_be_opened());
            let outcome = if let Some(held) = held.as_mut().filter(|_| due) {
                match held.open(self, &own.headers).await {
                    Ok(Opened::Open) => {
                        due = false;
                        continue;
                    }
                    Ok(Opened::Unauthorized(refused)) => Outcome::Unauthorized(refused),
                    // A session nobody can open again is one the client must begin anew.
                    Err(_) if lost => return Err(refusal::session_gone()),
                    Err(failure) => return Err(failure),
                }
            } else {
                let kept = again || own.seen.is_some();
                let bytes = if kept { body.clone() } else { body.take() }.unwrap_or_default();
                let session = held.as_ref().map(|held| &held.session);
                self.attempt(method, bytes, session, &own.headers).await?
            };
            match outcome {
                Outcome::Answered(reply) => return Ok(End::Answered(reply)),
                Outcome::SessionLost(_) if again && self.expects == Expects::Reply => (lost, due) = (true, true),
                // What nobody waits for is not worth a session; the next request opens it.
                Outcome::SessionLost(_) if again => return Ok(End::Answered(self.accepted())),
                Outcome::SessionLost(otherwise) => return otherwise.map(End::Answered),
                Outcome::Unauthorized(refused) => {
                    if let Some(need) = self.renew(&mut own, &refused).await? {
                        return Ok(End::Needed(need, body.unwrap_or_default()));
                    }
                }
            }
        }
    }

    /// New credentials, once; what a person must do instead, if anything.
    async fn renew(&self, own: &mut Own, refused: &Refused) -> Result<Option<Need>, Failure> {
        let failed = || refusal::verdict(Verdict::Unauthorized, refused.status, self.server);
        let seen = own.seen.filter(|_| !own.renewed).ok_or_else(failed)?;
        let challenge = refused.challenge.as_ref();
        // 403 is about what the account may do there; only a scope can be asked for.
        if refused.status == StatusCode::FORBIDDEN && !challenge.is_some_and(Challenge::is_insufficient_scope) {
            return Err(failed());
        }
        match connection::renew(self.site, self.server, self.claims, seen, challenge).await? {
            Credential::Ready { headers, seen } => {
                *own = Own { headers, seen, renewed: true };
                Ok(None)
            }
            Credential::Needed(need) => Ok(Some(need)),
        }
    }

    /// Sends a message once.
    async fn attempt(
        &self,
        method: &Method,
        body: Vec<u8>,
        session: Option<&Session>,
        own: &OwnHeaders,
    ) -> Result<Outcome<P::Stream>, Failure> {
        let request = Outgoing {
            method: method.clone(),
            url: self.server.url.clone(),
            headers: forward::request_headers(&self.head.headers, session, own, self.era),
            body,
            within: self.server.timeout,
        };
        let answer = self.site.platform.fetch(request).await.map_err(|error| refusal::no_answer(error, self.server))?;
        self.judge(answer, session).await
    }

    async fn judge(&self, answer: Answer<P::Stream>, session: Option<&Session>) -> Result<Outcome<P::Stream>, Failure> {
        let Answer { status, headers, opening, body } = answer;
        let in_session = session.is_some_and(|session| session.upstream.is_some());
        match verdict::judge(status, &headers, opening, self.expects, in_session) {
            Verdict::Relay => {
                let session = self.sealed_session(&headers, session);
                let headers = forward::response_headers(&headers, session.as_deref());
                Ok(Outcome::Answered(Reply::relay(status, headers, body)))
            }
            Verdict::Accepted => {
                body.discard().await;
                Ok(Outcome::Answered(self.accepted()))
            }
            Verdict::ReadError => {
                let failed = || refusal::upstream_error(status, self.server);
                let bytes = body.read(ERROR_BODY, PATIENCE).await.map_err(|_| failed())?;
                // A server's own error, a failed validation say, is the client's to read as it is.
                let error = verdict::error_body(&bytes).ok_or_else(failed)?;
                let reply = error_reply(status, &headers, bytes);
                Ok(if in_session && error.says_session_is_lost(status) {
                    Outcome::SessionLost(Ok(reply))
                } else {
                    Outcome::Answered(reply)
                })
            }
            // Most servers say 404 of a lost session, some of an unknown method: only then is it the error that they name.
            Verdict::Gone => {
                let bytes = body.read(ERROR_BODY, PATIENCE).await.unwrap_or_default();
                Ok(match verdict::error_body(&bytes) {
                    Some(error) if error.code == METHOD_NOT_FOUND => {
                        Outcome::Answered(Reply::bytes(status, "application/json", bytes))
                    }
                    _ => Outcome::SessionLost(Err(refusal::session_gone())),
                })
            }
            Verdict::Unauthorized => {
                body.discard().await;
                Ok(Outcome::Unauthorized(Refused::of(status, &headers)))
            }
            refused => {
                body.discard().await;
                Err(refusal::verdict(refused, status, self.server))
            }
        }
    }

    /// Taken note of.
    pub fn accepted(&self) -> Reply<P::Stream> {
        Reply::empty(if self.expects == Expects::End { StatusCode::OK } else { StatusCode::ACCEPTED })
    }

    /// Whether somebody has to connect the server before it can be called.
    fn needs_connection(&self) -> bool {
        self.server.is_personal() || self.server.is_connected_by_operator()
    }

    /// Our id for a session that the answer opens. Servers repeat theirs in every answer; sealed anew it would read as another one.
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

    /// Our id for a session.
    pub fn seal(&self, session: &Session) -> String {
        self.site.keys.seal_json(Purpose::McpSession, &self.place(), self.site.platform.random(), session)
    }

    /// Where the client's session belongs.
    pub fn place(&self) -> [&str; 2] {
        [&self.claims.sub, self.server.slug.as_str()]
    }
}

fn error_reply<S>(status: StatusCode, headers: &HeaderMap, bytes: Vec<u8>) -> Reply<S> {
    let mut reply = Reply::bytes(status, "application/json", bytes);
    let mut passed = forward::response_headers(headers, None);
    passed.remove(CONTENT_TYPE); // whatever the server calls it, this was read as JSON
    reply.headers_mut().extend(passed);
    reply
}

/// The answer with our id of a session that was opened for it, unless the server has just opened another.
fn with_session<S>(reply: Reply<S>, held: Option<Held<'_>>) -> Reply<S> {
    match held.and_then(|held| held.renamed) {
        Some(id) if !reply.headers().contains_key(SESSION_ID) => reply.with(HeaderName::from_static(SESSION_ID), &id),
        _ => reply,
    }
}
