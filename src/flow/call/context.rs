//! A call on its way: who calls, for which server, in which era, and what follows from that.
//!
//! Not here: sending it (`flow::call::exchange`).

use std::rc::Rc;

use http::StatusCode;

use crate::caller::Caller;
use crate::config::Server;
use crate::flow::{Head, RequestContext};
use crate::headers::{HeaderName, HeaderValue};
use crate::mcp::transport::ending::Ending;
use crate::mcp::transport::response::Expects;
use crate::mcp::transport::revision::Era;
use crate::mcp::transport::session::{InitializeParams, Session};
use crate::ports::Platform;
use crate::upstream::key::FIRST_ACCOUNT;
use crate::vault::Purpose;
use crate::web::reply::Reply;

/// The gateway's headers for a server.
pub type OwnHeaders = Vec<(HeaderName, HeaderValue)>;

/// A caller whose bearer was accepted, at one server.
pub struct Call<'a, P> {
    /// The surroundings.
    pub context: &'a RequestContext<'a, P>,
    /// The client's request.
    pub head: &'a Head,
    /// The server.
    pub server: &'a Server,
    /// Who calls.
    pub caller: &'a Rc<Caller>,
    /// The era of the message.
    pub era: Era,
    /// What the server is asked for.
    pub expects: Expects,
    /// How the answer ends where it is a stream that the gateway ends.
    pub ending: Ending,
    /// Its parameters, if the message is `initialize`.
    pub initialize: Option<InitializeParams>,
}

impl<P: Platform> Call<'_, P> {
    /// Taken note of.
    pub fn accepted(&self) -> Reply<P::Stream> {
        Reply::empty(if self.expects == Expects::End { StatusCode::OK } else { StatusCode::ACCEPTED })
    }

    /// Whether somebody has to connect the server before it can be called.
    pub fn needs_connection(&self) -> bool {
        self.server.is_personal() || self.server.is_connected_by_operator()
    }

    /// Our id for a session.
    pub fn seal(&self, session: &Session) -> String {
        self.context.keys.seal_json(Purpose::McpSession, &self.place(), self.context.platform.random(), session)
    }

    /// Where what the client keeps for us belongs. Its accounts at a server are different places, and the first needs
    /// no name.
    pub fn place(&self) -> Vec<&str> {
        let other = self.caller.account.as_deref().filter(|account| *account != FIRST_ACCOUNT);
        [self.caller.subject.as_str(), self.server.slug.as_str()].into_iter().chain(other).collect()
    }

    /// Which of the caller's accounts at the server is meant.
    pub fn account(&self) -> &str {
        self.caller.account.as_deref().unwrap_or(FIRST_ACCOUNT)
    }
}
