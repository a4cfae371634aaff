//! One message to a server and its answer back: with the gateway's credentials there, in the client's session there,
//! and once more where that mends what went wrong before anything of it was done.
//!
//! ```text
//! (1 resume) ── 2 credentials ── 3 session ── 4 send ── 5 classify ── answered
//!      │               │              │          │          │
//!      │               │              └──────────┼──────────┴── session lost ── 3, once
//!      │               │                         └───────────── refused ─────── 6 other credentials, then 3 or 4
//!      └───────────────┴── needed: the signal ◄───────────────────────────────────┘
//! ```
//!
//! Not here: what becomes of the answer (`flow::call::answer`), opening a session again (`flow::call::session`), what
//! comes back from a person (`flow::call::resume`), what is said in the server's stead (`flow::call::unconnected`).

use http::{Method, StatusCode};

use super::answer::{Attempt, Refused};
use super::context::{Call, OwnHeaders};
use super::resume::{Resumed, Turn};
use super::session::{ClientSession, Opened};
use super::unconnected::Interrupted;
use super::{reached, refusal, resume, unconnected};
use crate::flow::connection::{CallAuth, Need, Standing};
use crate::flow::{Answered, boxed, connection};
use crate::headers::HeaderName;
use crate::mcp::connect::signal::ConnectState;
use crate::mcp::message::envelope::Payload;
use crate::mcp::transport::forward;
use crate::mcp::transport::header_names::SESSION_ID;
use crate::mcp::transport::response::{Disposition, Expects};
use crate::mcp::transport::session::Session;
use crate::ports::{Outgoing, Platform};
use crate::secret::Secret;
use crate::untrusted::Sent;
use crate::upstream::challenge::UpstreamChallenge;
use crate::web::failure::Failure;
use crate::web::reply::Reply;

/// How often a call gets other credentials: those of another isolate, then fresh ones.
const RENEWALS: u8 = 2;

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
    fresh: bool,
    renewals: u8,
}

impl<P: Platform> Call<'_, P> {
    /// Sends a message and hands on the answer, or answers in the server's stead where it needs a connection first.
    pub async fn send(&self, payload: &Payload, body: Vec<u8>) -> Answered<P> {
        let mut session = ClientSession::of(self)?;
        let question = self.question(payload, &body, session.as_ref().map(|its| &its.session));
        if self.lists_pages(payload) {
            boxed(self.learn_pages()).await;
        }
        let mut generation = None;
        let Turn { auth, body, choice } = if resume::concerns(self, payload) {
            // 1. What a person was needed for in between.
            match boxed(resume::resume(self, payload, body)).await? {
                Resumed::Goes(turn) => turn,
                Resumed::Answered(reply) => return Ok(reply),
            }
        } else {
            // 2. The credentials.
            Turn { auth: connection::credential(self.context, self.server, self.caller).await?, body, choice: None }
        };
        let end = match auth {
            CallAuth::Needed(need) => End::Needed(need, body),
            CallAuth::Ready { headers, seen, fresh, standing } => {
                if let Some(reply) = question.as_ref().and_then(|asked| self.fresh(payload, asked, seen)) {
                    return Ok(reply);
                }
                let mut own = Own { headers, seen, fresh, renewals: 0 };
                let end = match self.begin().await {
                    Ok(call) => {
                        let end = self.exchange(&Method::POST, body, &mut session, &mut own).await;
                        self.finish(&call, end.as_ref().err());
                        reached::note(self.context, self.server, end.as_ref().err());
                        end
                    }
                    Err(failure) => Err(failure),
                };
                generation = own.seen;
                let end = match (end, &question) {
                    (Ok(end), _) => end,
                    (Err(failure), Some(question)) => {
                        return boxed(self.answer_for(payload, question, &failure)).await.ok_or(failure);
                    }
                    (Err(failure), None) => return Err(failure),
                };
                if standing == Standing::Refused && proves(payload, &end) {
                    boxed(connection::proven(self.context, self.server, self.caller, seen)).await;
                }
                end
            }
        };
        match end {
            End::Answered(reply) => Ok(with_session(self.shown(payload, question, generation, reply), session)),
            End::Needed(need, body) => {
                if need.state == ConnectState::AdminConnectRequired {
                    reached::note_unconnected(self.context, self.server);
                }
                let known = match &question {
                    Some(question) => boxed(self.last_known(question)).await,
                    None => None,
                };
                let session = session.as_ref().map(|its| &its.session);
                unconnected::answer(self, &Interrupted { payload, body: &body, session, choice, known }, &need)
            }
        }
    }

    /// Ends a session.
    pub async fn end(&self) -> Answered<P> {
        let mut session = ClientSession::of(self)?;
        let reply = match connection::credential(self.context, self.server, self.caller).await? {
            CallAuth::Needed(_) => self.accepted(), // the server cannot be told
            CallAuth::Ready { headers, seen, fresh, .. } => {
                let mut own = Own { headers, seen, fresh, renewals: 0 };
                match self.exchange(&Method::DELETE, Vec::new(), &mut session, &mut own).await? {
                    End::Answered(reply) => reply,
                    End::Needed(..) => self.accepted(),
                }
            }
        };
        if let Some(session) = &mut session {
            boxed(session.ends(self)).await;
        }
        Ok(reply)
    }

    /// Sends a message until it is answered: at most once more in a new session, and until fresh credentials are
    /// refused.
    async fn exchange(
        &self,
        method: &Method,
        body: Vec<u8>,
        session: &mut Option<ClientSession<'_>>,
        own: &mut Own,
    ) -> Result<End<P::Stream>, Failure> {
        // 3. The session, where it may be another than the client says.
        let mut opens = false;
        if let Some(session) = session.as_mut().filter(|session| session.may_have_been_replaced(self)) {
            boxed(session.recall(self)).await?;
            opens = session.session.waiting;
            if opens && self.expects != Expects::Reply {
                // The server has not heard of the session: there is nothing to tell it, and nothing to end.
                return Ok(End::Answered(self.accepted()));
            }
        }
        let mut body = Some(body);
        let mut lost = false;
        loop {
            let refused = if let Some(session) = session.as_mut().filter(|_| opens) {
                match boxed(session.open(self, &own.headers)).await {
                    Ok(Opened::Open) => {
                        opens = false;
                        continue;
                    }
                    Ok(Opened::Unauthorized(refused)) => refused,
                    // A session nobody can open again is one the client must begin anew.
                    Err(_) if lost => return Err(refusal::session_gone()),
                    Err(failure) => return Err(failure),
                }
            } else {
                // 4. Send it.
                let again = session.as_ref().is_some_and(|its| !lost && its.can_be_opened());
                let kept = again || own.seen.is_some();
                let bytes = if kept { body.clone() } else { body.take() }.unwrap_or_default();
                let attempt = self.attempt(method, bytes, session.as_ref().map(|its| &its.session), &own.headers);
                // 5. What came of it?
                match attempt.await? {
                    Attempt::Answered(reply) => return Ok(End::Answered(reply)),
                    Attempt::SessionLost(_) if again && self.expects == Expects::Reply => {
                        (lost, opens) = (true, true);
                        continue;
                    }
                    // What nobody waits for is not worth a session; the next request opens it.
                    Attempt::SessionLost(_) if again => return Ok(End::Answered(self.accepted())),
                    Attempt::SessionLost(otherwise) => return otherwise.map(End::Answered),
                    Attempt::Unauthorized(refused) => refused,
                }
            };
            // 6. Other credentials.
            if let Some(need) = boxed(self.renew(own, &refused)).await? {
                return Ok(End::Needed(need, body.unwrap_or_default()));
            }
        }
    }

    /// Other credentials; what a person must do instead, if anything.
    async fn renew(&self, own: &mut Own, refused: &Refused) -> Result<Option<Need>, Failure> {
        let Some(seen) = own.seen else {
            return Err(refusal::disposition(Disposition::Unauthorized, refused.status, self.server));
        };
        let challenge = refused.challenge.clone().map(|challenge| challenge.without(&sent_with(&own.headers)));
        let challenge = challenge.as_ref();
        // 403 is about what the account may do there; only a scope can be asked for.
        if refused.status == StatusCode::FORBIDDEN && !challenge.is_some_and(UpstreamChallenge::is_insufficient_scope) {
            return Err(refusal::forbidden(self.server));
        }
        // What another isolate has renewed before may have ended as well, and a fresh token may still lack a scope.
        let in_vain = refused.status == StatusCode::UNAUTHORIZED && own.fresh;
        if in_vain || own.renewals == RENEWALS {
            return Err(refusal::renewed_in_vain(refused.status, self.server));
        }
        match connection::renew(self.context, self.server, self.caller, seen, challenge).await? {
            CallAuth::Ready { headers, seen, fresh, .. } => {
                *own = Own { headers, seen, fresh, renewals: own.renewals + 1 };
                self.context.record.renewed();
                Ok(None)
            }
            CallAuth::Needed(need) => Ok(Some(need)),
        }
    }

    /// Sends a message once.
    async fn attempt(
        &self,
        method: &Method,
        body: Vec<u8>,
        session: Option<&Session>,
        own: &OwnHeaders,
    ) -> Result<Attempt<P::Stream>, Failure> {
        let mut headers = forward::request_headers(&self.head.headers, session, own, self.era);
        let began = self.context.platform.tick();
        self.context.record.asks(began, &mut headers);
        let (url, within) = (self.server.url.clone(), self.server.timeout);
        let request = Outgoing { method: method.clone(), url, headers, body, within };
        let answer = self.context.platform.fetch(request).await;
        let took = self.context.platform.tick() - began;
        self.context.record.upstream(answer.as_ref().ok().map(|answer| answer.status.as_u16()), took);
        self.classify(answer.map_err(|error| refusal::no_answer(error, self.server))?, session).await
    }
}

/// The credentials among the headers of a message, the part behind `Bearer` or the like by itself as well.
fn sent_with(headers: &OwnHeaders) -> Sent {
    let values = headers.iter().filter_map(|(_, value)| value.to_str().ok());
    values.fold(Sent::default(), |sent, value| {
        let last = value.rsplit(' ').next().unwrap_or_default();
        sent.with(&Secret::new(value)).with(&Secret::new(last))
    })
}

/// Whether the server did something that it refused to do before. Of `initialize` and of lists some think nothing. Of a
/// value that was never tried it tells nothing: a tool may answer 200 and say in its result that the key is not good.
fn proves<S>(payload: &Payload, end: &End<S>) -> bool {
    let method = if let Payload::One(message) = payload { message.method() } else { None };
    let answered = matches!(end, End::Answered(reply) if reply.status() == StatusCode::OK);
    answered && matches!(method, Some("tools/call" | "prompts/get" | "resources/read"))
}

/// The answer with our id of a session that was opened for it, unless the server has just opened another.
fn with_session<S>(reply: Reply<S>, session: Option<ClientSession<'_>>) -> Reply<S> {
    match session.and_then(|its| its.renamed) {
        Some(id) if !reply.headers().contains_key(SESSION_ID) => reply.with(HeaderName::from_static(SESSION_ID), &id),
        _ => reply,
    }
}
