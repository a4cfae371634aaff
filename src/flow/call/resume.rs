//! A message that a person was needed for in between: the retry of a request that was answered with a signal, or a
//! call of the tool that stands in for a server's own, which asks whether the person is done.
//!
//! Not here: the form of a retry (`mcp::connect::request_state`), the signal (`flow::call::unconnected`), every other
//! message (`flow::call::exchange`).

use http::StatusCode;

use super::context::Call;
use super::{refusal, unconnected};
use crate::flow::connection;
use crate::flow::connection::{CallAuth, Standing};
use crate::mcp::connect::request_state;
use crate::mcp::connect::request_state::{Choice, RequestState};
use crate::mcp::connect::unconnected::StoodInServer;
use crate::mcp::message::envelope;
use crate::mcp::message::envelope::{Message, Payload};
use crate::mcp::transport::headers;
use crate::mcp::transport::revision::Era;
use crate::ports::Platform;
use crate::time::{Lifetime, Millis};
use crate::vault::Purpose;
use crate::web::failure::Failure;
use crate::web::reply::Reply;

/// How long the retry of a person who went to connect waits for them. Clients wait a minute for an answer.
const CONNECTING: Lifetime = Lifetime(20);

/// The pause before a look at whether they are done.
const PAUSE: Millis = Millis(1000);

/// A message on its way, and what it is sent with.
pub struct Turn {
    /// The credentials.
    pub auth: CallAuth,
    /// The message's bytes.
    pub body: Vec<u8>,
    /// What the person said to an earlier signal.
    pub choice: Option<Choice>,
}

/// How such a message goes on.
pub enum Resumed<S> {
    /// To the server, or to another signal.
    Goes(Turn),
    /// It is done.
    Answered(Reply<S>),
}

/// Whether a person may have been needed for a message: few are such.
pub fn concerns<P: Platform>(call: &Call<'_, P>, payload: &Payload) -> bool {
    let Payload::One(message) = payload else { return false };
    message.request_state.is_some() || is_for_stand_in(call, message)
}

/// Goes on with such a message.
pub async fn resume<P: Platform>(
    call: &Call<'_, P>,
    payload: &Payload,
    body: Vec<u8>,
) -> Result<Resumed<P::Stream>, Failure> {
    let (mut body, mut choice) = (body, None);
    if let Payload::One(message) = payload
        && let Some(resumed) = restored(call, message, &body)?
    {
        (body, choice) = (resumed.body, Some(resumed.choice));
    }
    let done = if call.needs_connection() { connected(call, payload) } else { None };
    let mut auth = match done {
        Some(_) => connection::confirmed(call.context, call.server, call.caller).await?,
        None => connection::credential(call.context, call.server, call.caller).await?,
    };
    if choice == Some(Choice::Accepted) {
        auth = awaited(call, auth).await?;
    }
    Ok(match (auth, done) {
        (CallAuth::Ready { standing: Standing::Refused, .. }, Some(_)) => {
            Resumed::Goes(Turn { auth: CallAuth::Needed(connection::refused()), body, choice })
        }
        (CallAuth::Ready { .. }, Some(done)) => Resumed::Answered(done),
        (auth, _) => Resumed::Goes(Turn { auth, body, choice }),
    })
}

/// Waits a while for a person who went to connect: clients come back at once, and give up after a few rounds.
async fn awaited<P: Platform>(call: &Call<'_, P>, mut auth: CallAuth) -> Result<CallAuth, Failure> {
    for _ in 0..CONNECTING.0 {
        if matches!(&auth, CallAuth::Ready { standing, .. } if *standing != Standing::Refused) {
            break;
        }
        call.context.platform.pause(PAUSE).await;
        auth = connection::credential(call.context, call.server, call.caller).await?;
    }
    Ok(auth)
}

/// Whether a message calls the tool that stands in for a server's own. It never reaches the server.
pub(super) fn is_for_stand_in<P: Platform>(call: &Call<'_, P>, message: &Message) -> bool {
    let is_its = |name: &str| unconnected::server(call).has_tool(name);
    call.needs_connection() && message.method() == Some("tools/call") && message.name.as_deref().is_some_and(is_its)
}

/// The answer to a call of the stand-in's tool once there is nothing left to do for it.
fn connected<P: Platform>(call: &Call<'_, P>, payload: &Payload) -> Option<Reply<P::Stream>> {
    let Payload::One(message) = payload else { return None };
    if !is_for_stand_in(call, message) {
        return None;
    }
    let answer = unconnected::server(call).connected(message.id()?, call.era);
    Some(match call.era {
        Era::Modern => Reply::json(StatusCode::OK, &answer),
        // A stream, because only there a legacy client is told that there is more to list now.
        Era::Legacy => {
            let events = StoodInServer::list_changes().chain([answer]);
            let text = events.fold(String::new(), |text, event| text + &format!("event: message\ndata: {event}\n\n"));
            Reply::bytes(StatusCode::OK, "text/event-stream", text.into_bytes())
        }
    })
}

/// Makes the request it was of one that comes back with a `requestState` of ours, and checks it as if it had come so.
fn restored<P: Platform>(
    call: &Call<'_, P>,
    message: &Message,
    body: &[u8],
) -> Result<Option<request_state::Restored>, Failure> {
    let Some(text) = message.request_state.as_deref() else { return Ok(None) };
    let resource = call.context.resource(call.server).url();
    let Some(sealed) = request_state::ours(&resource, text) else { return Ok(None) };
    let state = call.context.keys.open_json::<RequestState>(Purpose::RequestState, &call.place(), sealed);
    let state = state.map_err(|_| refusal::request_state_unfit())?;
    let digest = request_state::digest(body).filter(|digest| state.fits(digest, call.context.now));
    let resumed = digest.and_then(|_| request_state::resume(body)).ok_or_else(refusal::request_state_unfit)?;
    let Ok(Payload::One(message)) = envelope::parse(&resumed.body, call.context.config.limits.depth) else {
        return Err(refusal::request_state_unfit());
    };
    headers::check(&call.head.headers, &message).map_err(|error| refusal::header(&error))?;
    Ok(Some(resumed))
}
