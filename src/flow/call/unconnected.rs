//! A server that cannot be asked until its account is connected: what the gateway answers in its stead, how it says
//! what is missing.
//!
//! Not here: the words and their forms (`mcp::connect::unconnected`, `mcp::connect::signal`), the connection itself
//! (`flow::connection`).

use http::StatusCode;
use serde_json::Value;

use super::context::Call;
use super::refusal;
use crate::flow::Answered;
use crate::flow::connection::Need;
use crate::mcp::connect::request_state::{Choice, RequestState};
use crate::mcp::connect::signal::{AskedRequest, ConnectState, Signal};
use crate::mcp::connect::unconnected::StoodInServer;
use crate::mcp::connect::{capabilities, request_state};
use crate::mcp::message::envelope::{Message, Payload, RequestId};
use crate::mcp::transport::revision::Era;
use crate::mcp::transport::session::{InitializeParams, Session};
use crate::oauth::agent::AgentError;
use crate::ports::Platform;
use crate::upstream::key::Owner;
use crate::upstream::link;
use crate::upstream::link::LinkToConnect;
use crate::vault::Purpose;
use crate::web::reply::Reply;

/// A message that cannot be sent yet, and what the gateway knows of its client.
pub struct Interrupted<'a> {
    /// The message, or several.
    pub payload: &'a Payload,
    /// Its bytes.
    pub body: &'a [u8],
    /// The client's session.
    pub session: Option<&'a Session>,
    /// What the person said to an earlier signal.
    pub choice: Option<Choice>,
    /// What the server last said to the message, as the caller may see it.
    pub known: Option<Value>,
}

/// Answers a message while the server needs a connection. Whether it is modern cannot be known; what is legacy works
/// with most servers of either era, so that a client that can speak both begins with `initialize`.
pub fn answer<P: Platform>(call: &Call<'_, P>, said: &Interrupted<'_>, need: &Need) -> Answered<P> {
    if call.caller.sponsor().is_some() && call.server.is_personal() {
        // Nobody is there who could follow a link.
        return Err(refusal::agent(call.context, call.server, AgentError::SponsorNotConnected));
    }
    let signal = Teller { call, need };
    Ok(match said.payload {
        Payload::One(message)
            if call.era == Era::Modern && message.method() == Some("server/discover") && said.known.is_none() =>
        {
            return Err(refusal::era_unknown(call.server));
        }
        Payload::One(message) => signal.one(said, message),
        Payload::Batch(messages) => {
            let answers = messages.iter().filter_map(|message| signal.body(said, message));
            let answers: Vec<Value> = answers.map(|(_, body)| body).collect();
            if answers.is_empty() { call.accepted() } else { Reply::json(StatusCode::OK, &answers) }
        }
    })
}

/// Says what is missing.
struct Teller<'a, P> {
    call: &'a Call<'a, P>,
    need: &'a Need,
}

impl<P: Platform> Teller<'_, P> {
    fn one(&self, said: &Interrupted<'_>, message: &Message) -> Reply<P::Stream> {
        let Some((status, body)) = self.body(said, message) else { return self.call.accepted() };
        let reply = Reply::json(status, &body).log_reason(self.need.reason);
        self.call.with_waiting_session(message, reply)
    }

    /// The answer to one message, if it wants one.
    fn body(&self, said: &Interrupted<'_>, message: &Message) -> Option<(StatusCode, Value)> {
        let (id, method) = (message.id()?, message.method()?);
        let initialize = self.call.initialize.as_ref().map(InitializeParams::as_str);
        let answer = server(self.call).answer(message, self.call.era, initialize, said.known.as_ref());
        Some(answer.map_or_else(|| self.signal(said, id, method), |body| (StatusCode::OK, body)))
    }

    fn signal(&self, said: &Interrupted<'_>, id: &RequestId, method: &str) -> (StatusCode, Value) {
        let call = self.call;
        let shows_links = match call.era {
            Era::Legacy => said.session.is_some_and(Session::shows_links),
            Era::Modern => capabilities::declared_in_request(said.body),
        };
        let link = self.link();
        let mut asked = AskedRequest { id, method, era: call.era, shows_links, request_state: None };
        let state = if asked.can_be_resumed() { self.request_state(said.body) } else { None };
        asked.request_state = state.as_deref();
        let signal = Signal {
            state: self.need.state,
            reason: self.need.reason,
            name: &call.server.name,
            slug: call.server.slug.as_str(),
            link: link.as_deref(),
            request_id: call.context.request_id(),
        };
        if said.choice == Some(Choice::Refused) { signal.declined(&asked) } else { signal.answer(&asked) }
    }

    /// Where the person connects the server. What only the operator can renew has no link for anybody.
    fn link(&self) -> Option<String> {
        let (call, context) = (self.call, self.call.context);
        let need = match self.need.state {
            ConnectState::Authenticating => link::LinkReason::Authenticating,
            ConnectState::ReconsentRequired => link::LinkReason::ReconsentRequired,
            ConnectState::AdminConnectRequired | ConnectState::AdminRenewalRequired => return None,
        };
        let (owner, slug) = (Owner::Subject(call.caller.subject.clone()), call.server.slug.as_str());
        let expires = context.now + link::LIFETIME;
        let link = LinkToConnect::new(owner, slug, call.account(), self.need.scope.clone(), need, expires);
        Some(context.url(&link.path(&context.keys, context.platform.random())))
    }

    fn request_state(&self, body: &[u8]) -> Option<String> {
        let call = self.call;
        let state = RequestState::new(request_state::digest(body)?, call.context.now);
        let random = call.context.platform.random();
        let sealed = call.context.keys.seal_json(Purpose::RequestState, &call.place(), random, &state);
        Some(request_state::written(&call.context.resource(call.server).url(), &sealed))
    }
}

pub(super) fn server<'a, P>(call: &'a Call<'_, P>) -> StoodInServer<'a> {
    let shared = call.server.is_connected_by_operator();
    StoodInServer {
        name: &call.server.name,
        slug: call.server.slug.as_str(),
        shared,
        version: env!("CARGO_PKG_VERSION"),
    }
}
