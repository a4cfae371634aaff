//! The session of a legacy client at a server, kept although the server lost it or has never heard of it: the server is
//! initialized with what the client said of itself when it began, and the client goes on.
//!
//! Not here: what a session holds (`mcp::transport::session`), and which messages are worth a new one
//! (`flow::call::exchange`).

use std::rc::Rc;

use http::Method;

use super::answer::Refused;
use super::context::{Call, OwnHeaders};
use super::refusal;
use crate::config::Server;
use crate::headers::{CONTENT_TYPE, HeaderMap, HeaderValue};
use crate::mcp::connect::initialize;
use crate::mcp::transport::header_names::PROTOCOL_VERSION;
use crate::mcp::transport::response::{Disposition, Expects};
use crate::mcp::transport::revision::Era;
use crate::mcp::transport::session::{Session, UpstreamSession};
use crate::mcp::transport::{forward, response, session};
use crate::ports::{Answer, Outgoing, Platform, Stream};
use crate::secret::Digested;
use crate::time::Lifetime;
use crate::vault::Purpose;
use crate::web::failure::Failure;

/// How long a client may go on with an id whose session at the server was replaced: longer than any goes without asking
/// anything.
const REPLACED: Lifetime = Lifetime::hours(24);

/// An answer to `initialize` is a short document, whatever instructions are in it.
const ANSWER: usize = 256 * 1024;

/// The session a client presented, and what has become of it.
pub struct ClientSession<'h> {
    sealed: &'h str,
    /// The session at the server.
    pub session: Session,
    /// Our id of it, where it was opened for this very call.
    pub renamed: Option<String>,
}

/// What came of initializing a server.
pub enum Opened {
    /// It knows the session now.
    Open,
    /// It wants other credentials.
    Unauthorized(Refused),
}

impl<'h> ClientSession<'h> {
    /// The session behind our sealed id. An id of another person or server is as unknown as a made-up one.
    pub fn of<P: Platform>(call: &Call<'h, P>) -> Result<Option<Self>, Failure> {
        if call.era == Era::Modern {
            return Ok(None);
        }
        let presented = session::presented(&call.head.headers).map_err(|_| refusal::session_gone())?;
        let Some(sealed) = presented else { return Ok(None) };
        let opened = call.context.keys.open(Purpose::McpSession, &call.place(), sealed);
        let session = opened.ok().and_then(|json| Session::parse(&json)).ok_or_else(refusal::session_gone)?;
        Ok(Some(Self { sealed, session, renamed: None }))
    }

    /// Whether it may be another by now than the client's id says. Few sessions are ever replaced.
    pub fn may_have_been_replaced<P: Platform>(&self, call: &Call<'_, P>) -> bool {
        self.session.waiting || !call.context.memory.sessions.is_empty()
    }

    /// Takes what the session was replaced with by an earlier call, whose answer's new id the client has not taken up.
    /// Storage is asked only where the server would have to be initialized otherwise.
    pub async fn recall<P: Platform>(&mut self, call: &Call<'_, P>) -> Result<(), Failure> {
        if self.session.waiting { self.take(self.replacement(call).await) } else { self.take(self.remembered(call)) }
    }

    /// Remembers that the client has ended it: the server's not knowing it is no reason to open another.
    pub async fn ends<P: Platform>(&mut self, call: &Call<'_, P>) {
        self.session = Session::ended();
        self.remember(call).await;
    }

    /// Whether the server can be initialized for it.
    pub fn can_be_opened(&self) -> bool {
        self.session.initialize.is_some()
    }

    /// Has the server know a session again, or for the first time.
    pub async fn open<P: Platform>(&mut self, call: &Call<'_, P>, own: &OwnHeaders) -> Result<Opened, Failure> {
        let before = self.session.clone();
        if !before.waiting {
            self.take(self.replacement(call).await)?;
            if self.session != before {
                return Ok(Opened::Open); // another isolate was faster
            }
        }
        let initialized = match initialize(call, &self.session, own).await? {
            Ok(initialized) => initialized,
            Err(refused) => return Ok(Opened::Unauthorized(refused)),
        };
        if let Some(session) = self.remembered(call).filter(|session| *session != before) {
            self.session = session; // another call was faster: its session is the one to keep
        } else {
            self.session = initialized;
            self.remember(call).await;
        }
        self.renamed = Some(call.seal(&self.session));
        Ok(Opened::Open)
    }

    fn take(&mut self, replacement: Option<Session>) -> Result<(), Failure> {
        match replacement {
            Some(session) if session.ended => Err(refusal::session_gone()),
            Some(session) => {
                self.session = session;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn remembered<P: Platform>(&self, call: &Call<'_, P>) -> Option<Session> {
        call.context
            .memory
            .sessions
            .get(self.digest().as_str(), call.context.now)
            .map(|session| Session::clone(&session))
    }

    /// Without storage the server is initialized once more, which harms nobody.
    async fn replacement<P: Platform>(&self, call: &Call<'_, P>) -> Option<Session> {
        let known = self.remembered(call).filter(|known| *known != self.session);
        if known.is_some() {
            return known;
        }
        let digest = self.digest();
        let stored = call.context.platform.get(&key(&digest)).await.ok()??;
        let session =
            Session::parse(&call.context.keys.open(Purpose::McpSession, &place(call, &digest), &stored).ok()?)?;
        call.context.memory.sessions.put(
            digest.as_str(),
            Rc::new(session.clone()),
            call.context.now + REPLACED,
            call.context.now,
        );
        Some(session)
    }

    /// For a client that never takes up its new id.
    async fn remember<P: Platform>(&self, call: &Call<'_, P>) {
        let (context, digest) = (call.context, self.digest());
        context.memory.sessions.put(
            digest.as_str(),
            Rc::new(self.session.clone()),
            context.now + REPLACED,
            context.now,
        );
        let place = place(call, &digest);
        let sealed = context.keys.seal_json(Purpose::McpSession, &place, context.platform.random(), &self.session);
        // If it cannot be stored, another isolate initializes once more.
        let _ = context.platform.put(&key(&digest), &sealed, Some(REPLACED)).await;
    }

    fn digest(&self) -> Digested {
        Digested::of(self.sealed)
    }
}

/// Initializes the server as the client did: the session it gives, or what it says when it wants other credentials.
async fn initialize<P: Platform>(
    call: &Call<'_, P>,
    session: &Session,
    own: &OwnHeaders,
) -> Result<Result<Session, Refused>, Failure> {
    let params = session.initialize.as_ref().ok_or_else(refusal::session_gone)?;
    let Answer { status, headers, opening, body } = post(call, None, own, initialize::request(params)).await?;
    match response::classify(status, &headers, opening, Expects::Reply, false) {
        Disposition::Relay => {}
        Disposition::ReadError => {
            let answer = body.read(ANSWER, call.server.timeout).await.unwrap_or_default();
            return Err(unwelcome(&answer, call.server).unwrap_or_else(|| refusal::upstream_error(status, call.server)));
        }
        Disposition::Unauthorized => {
            body.discard().await;
            return Ok(Err(Refused::of(status, &headers)));
        }
        refused => {
            body.discard().await;
            return Err(refusal::disposition(refused, status, call.server));
        }
    }
    let answer = body.read(ANSWER, call.server.timeout).await.unwrap_or_default();
    let introduction = initialize::read(&answer)
        .ok_or_else(|| unwelcome(&answer, call.server).unwrap_or_else(|| refusal::not_initialized(call.server)))?;
    let spoken = call.head.header(PROTOCOL_VERSION).map(str::trim);
    let revision = Some(introduction.revision).filter(|revision| spoken.is_some_and(|spoken| spoken != revision));
    let session = session.reopened(UpstreamSession::of_answer(&headers), revision);
    // Whatever it says to that: the next answer tells whether the session is good.
    if let Ok(told) = post(call, Some(&session), own, initialize::initialized()).await {
        told.body.discard().await;
    }
    Ok(Ok(session))
}

/// What a server means that answers `initialize` with an error.
fn unwelcome(answer: &[u8], server: &Server) -> Option<Failure> {
    let error = response::error_body(answer)?;
    Some(if error.says_modern_only() { refusal::modern_only(server) } else { refusal::not_initialized(server) })
}

async fn post<P: Platform>(
    call: &Call<'_, P>,
    session: Option<&Session>,
    own: &OwnHeaders,
    body: Vec<u8>,
) -> Result<Answer<P::Stream>, Failure> {
    let mut inbound = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    // A client says its revision in the header from the second message on (2025-11-25, "Protocol Version Header").
    if let (Some(_), Some(revision)) = (session, call.head.headers.get(PROTOCOL_VERSION)) {
        inbound.insert(PROTOCOL_VERSION, revision.clone());
    }
    let mut headers = forward::request_headers(&inbound, session, own, Era::Legacy);
    call.context.record.asks(call.context.platform.tick(), &mut headers);
    let (url, within) = (call.server.url.clone(), call.server.timeout);
    let request = Outgoing { method: Method::POST, url, headers, body, within };
    call.context.platform.fetch(request).await.map_err(|error| refusal::no_answer(error, call.server))
}

fn key(digest: &Digested) -> String {
    format!("upstream-session:{}", digest.as_str())
}

/// Beside the client's own ids, so that what is stored is none of them.
fn place<'a, P: Platform>(call: &'a Call<'_, P>, digest: &'a Digested) -> Vec<&'a str> {
    let mut place = call.place();
    place.push(digest.as_str());
    place
}
