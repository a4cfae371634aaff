//! The path of a call: a checked MCP message goes to its server, and the answer comes back as it is.
//!
//! Not here: what a message must look like (`mcp::message::envelope`), sending it (`flow::call::exchange`), the words
//! of refusals (`flow::call::refusal`).

pub mod answer;
pub mod api_key;
pub mod bearer;
pub mod challenge;
pub mod context;
pub mod exchange;
pub mod external;
mod listed;
mod load;
mod permit;
pub mod possession;
pub mod presented;
mod rate;
pub mod reached;
pub mod refusal;
pub mod resume;
pub mod session;
pub mod tenure;
pub mod unconnected;

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::{Answered, Head, RequestContext, unreadable};
use crate::authorization_log::AuthorizationStep;
use crate::config::Server;
use crate::mcp::message::envelope;
use crate::mcp::message::envelope::{Message, Payload, RequestId};
use crate::mcp::transport::ending::Ending;
use crate::mcp::transport::header_names::PROTOCOL_VERSION;
use crate::mcp::transport::response::Expects;
use crate::mcp::transport::revision::Era;
use crate::mcp::transport::session::InitializeParams;
use crate::mcp::transport::session::presented;
use crate::mcp::transport::{headers, revision};
use crate::ports::{Platform, Stream};
use crate::record::Said;
use crate::time::Lifetime;
use crate::web::failure::Failure;
use crate::web::reply::Reply;
use context::Call;

/// How long a client may take to send its message.
const BODY_DEADLINE: Lifetime = Lifetime(30);

/// A refusal in the form its reader understands.
pub enum Refusal {
    /// Before the message was looked at: plain JSON, with a challenge where one is due.
    Plain(Failure),
    /// A JSON-RPC error, with the request's id where it was readable.
    Rpc(Failure, Option<RequestId>),
}

/// `POST` to a server: one message, or a batch where the revision has them.
pub async fn post<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    server: &Server,
    body: P::Stream,
) -> Result<Reply<P::Stream>, Refusal> {
    // 1. Who calls? Before anything else of the request is judged (OAuth 2.1 §5.3).
    let caller = bearer::authenticate(context, head, server).await.map_err(Refusal::Plain)?;
    context.record.step(AuthorizationStep::Request);
    // 2. What is said? The bytes that are checked here are the bytes that are sent on.
    let unread = |failure: Failure| Refusal::Rpc(failure.slug(server.slug.as_str()), None);
    refusal::require_json(head).map_err(unread)?;
    let limit = context.config.limits.body_bytes;
    let bytes = body.read(limit, BODY_DEADLINE).await.map_err(|error| unread(unreadable(error, limit)))?;
    let payload = envelope::parse(&bytes, context.config.limits.depth)
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
    context.record.said(said(&payload, era, head));
    context.record.traced(payload.trace());
    // 3. Send it on.
    let expects = if payload.expects_reply() { Expects::Reply } else { Expects::NoReply };
    let initialize = match &payload {
        Payload::One(message) if era == Era::Legacy && message.method() == Some("initialize") => {
            InitializeParams::of(&bytes)
        }
        _ => None,
    };
    let ending = Ending::of(&payload, era);
    let call = Call { context, head, server, caller: &caller, era, expects, ending, initialize };
    call.keeps_within_limits(&payload).await.map_err(read)?;
    call.permit(&payload, &bytes).await.map_err(read)?;
    call.keeps_within_shared_limits(&payload).await.map_err(read)?;
    call.send(&payload, bytes).await.map_err(read)
}

/// `DELETE` of a session: the server decides whether its sessions can be ended by a client.
pub async fn delete<P: Platform>(context: &RequestContext<'_, P>, head: &Head, server: &Server) -> Answered<P> {
    let caller = bearer::authenticate(context, head, server).await?;
    if presented(&head.headers).is_ok_and(|session| session.is_none()) {
        return Err(refusal::session_missing().slug(server.slug.as_str()));
    }
    let (era, expects, ending) = (Era::Legacy, Expects::End, Ending::break_off());
    let call = Call { context, head, server, caller: &caller, era, expects, ending, initialize: None };
    call.end().await.map_err(|failure| failure.slug(server.slug.as_str()))
}

/// What the record has of a message: names, and nothing of what is in it.
fn said<'a>(payload: &'a Payload, era: Era, head: &'a Head) -> Said<'a> {
    let revision = head.header(PROTOCOL_VERSION).map(Cow::Borrowed);
    let said = Said { era: era.as_str(), revision, ..Said::default() };
    match payload {
        Payload::One(message) => {
            let named =
                |method| message.name.as_deref().filter(|_| message.method() == Some(method)).map(Cow::Borrowed);
            let method = message.method().map(Cow::Borrowed);
            Said { method, tool: named("tools/call"), prompt: named("prompts/get"), ..said }
        }
        Payload::Batch(messages) => {
            let of = |message: &Message, method| message.name.clone().filter(|_| message.method() == Some(method));
            let named = |method| joined(messages.iter().filter_map(|message| of(message, method)));
            let methods = messages.iter().filter_map(|message| message.method().map(ToOwned::to_owned));
            let (tool, prompt) = (named("tools/call"), named("prompts/get"));
            Said { method: joined(methods), tool, prompt, batch: Some(messages.len()), ..said }
        }
    }
}

/// Each once, in order.
fn joined<'a>(texts: impl Iterator<Item = String>) -> Option<Cow<'a, str>> {
    let texts: BTreeSet<String> = texts.collect();
    (!texts.is_empty()).then(|| Cow::Owned(texts.into_iter().collect::<Vec<_>>().join(",")))
}
