//! The members of a message that the gateway looks at, collected as the walk passes them, and the message they make.
//!
//! Not here: the walk itself ([`super::strict_json`]) and batches ([`super::envelope`]).

use serde::de::MapAccess;

use super::envelope_error::{EnvelopeError, EnvelopeFault};
use super::strict_json::{Reader, Shape, Walk};
use super::{Message, MessageKind, RequestId, TraceMembers, name_member};
use crate::mcp::connect::request_state;

/// The members of one JSON-RPC message.
#[derive(Default)]
pub(in crate::mcp) struct Envelope<'de> {
    jsonrpc: Option<Shape<'de>>,
    id: Option<Shape<'de>>,
    method: Option<Shape<'de>>,
    params: Option<Shape<'de>>,
    inner: Params<'de>,
    result: bool,
    error: bool,
}

impl<'de> Reader<'de> for Envelope<'de> {
    const KNOWN: &'static [&'static str] = &["jsonrpc", "id", "method", "params", "result", "error"];

    fn member<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A, walk: &mut Walk<'de>) -> Result<(), A::Error> {
        match key {
            "jsonrpc" => self.jsonrpc = Some(walk.read(map)?),
            "id" => self.id = Some(walk.read(map)?),
            "method" => self.method = Some(walk.read(map)?),
            "params" => self.params = Some(walk.enter(map, &mut self.inner)?),
            "result" => {
                walk.skip(map)?;
                self.result = true;
            }
            "error" => {
                walk.skip(map)?;
                self.error = true;
            }
            _ => walk.skip(map)?,
        }
        Ok(())
    }
}

impl Envelope<'_> {
    /// The message these members make.
    pub(in crate::mcp) fn message(self) -> Result<Message, EnvelopeError> {
        let id = self.answerable_id();
        self.checked().map_err(|fault| EnvelopeError { id, fault })
    }

    /// The id an error may carry. A response's id is the server's: an error with it would answer another request of the
    /// client.
    pub(in crate::mcp) fn answerable_id(&self) -> Option<RequestId> {
        self.method.as_ref()?;
        self.id.as_ref().and_then(request_id)
    }

    fn checked(self) -> Result<Message, EnvelopeFault> {
        if !matches!(&self.jsonrpc, Some(Shape::Text(version)) if version == "2.0") {
            return Err(EnvelopeFault::JsonrpcVersion);
        }
        let id = match &self.id {
            None => None,
            Some(Shape::Null) if self.error => None,
            Some(shape) => Some(request_id(shape).ok_or(EnvelopeFault::InvalidId)?),
        };
        let kind = match (self.method, self.result, self.error, id) {
            (Some(Shape::Text(method)), false, false, Some(id)) => {
                MessageKind::Request { id, method: method.into_owned() }
            }
            (Some(Shape::Text(method)), false, false, None) => {
                MessageKind::Notification { method: method.into_owned() }
            }
            (Some(_), false, false, _) => return Err(EnvelopeFault::InvalidMethod),
            (None, true, false, Some(id)) => MessageKind::Response { id: Some(id) },
            (None, false, true, id) => MessageKind::Response { id },
            _ => return Err(EnvelopeFault::Shapeless),
        };
        // `null` is what some clients write for "none"; the server may still refuse it.
        if !matches!(self.params, None | Some(Shape::Null | Shape::Object)) {
            return Err(EnvelopeFault::InvalidParams);
        }
        let mut message = Message {
            kind,
            name: None,
            revision: self.inner.meta.revision.and_then(text),
            request_state: self.inner.request_state.and_then(own_state),
            trace: TraceMembers {
                traceparent: self.inner.meta.traceparent.and_then(text),
                tracestate: self.inner.meta.tracestate.and_then(text),
                baggage: self.inner.meta.baggage.and_then(text),
            },
        };
        message.name = match message.method().and_then(name_member) {
            Some("name") => self.inner.name.and_then(text),
            Some("uri") => self.inner.uri.and_then(text),
            Some(_) => self.inner.task_id.and_then(text),
            None => None,
        };
        Ok(message)
    }
}

/// The members of `params` that decide something here or in every server.
#[derive(Default)]
struct Params<'de> {
    name: Option<Shape<'de>>,
    uri: Option<Shape<'de>>,
    task_id: Option<Shape<'de>>,
    request_state: Option<Shape<'de>>,
    meta: Meta<'de>,
}

impl<'de> Reader<'de> for Params<'de> {
    const KNOWN: &'static [&'static str] = &[
        "_meta",
        "name",
        "arguments",
        "uri",
        "taskId",
        "inputResponses",
        "requestState",
        "protocolVersion",
        "capabilities",
        "clientInfo",
    ];

    fn member<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A, walk: &mut Walk<'de>) -> Result<(), A::Error> {
        match key {
            "name" => self.name = Some(walk.read(map)?),
            "uri" => self.uri = Some(walk.read(map)?),
            "taskId" => self.task_id = Some(walk.read(map)?),
            "requestState" => self.request_state = Some(walk.read(map)?),
            "_meta" => drop(walk.enter(map, &mut self.meta)?),
            _ => walk.skip(map)?,
        }
        Ok(())
    }
}

/// The members of `params._meta` that 2026-07-28 requires, and those of the trace.
#[derive(Default)]
struct Meta<'de> {
    revision: Option<Shape<'de>>,
    traceparent: Option<Shape<'de>>,
    tracestate: Option<Shape<'de>>,
    baggage: Option<Shape<'de>>,
}

impl<'de> Reader<'de> for Meta<'de> {
    const KNOWN: &'static [&'static str] = &[
        "io.modelcontextprotocol/protocolVersion",
        "io.modelcontextprotocol/clientCapabilities",
        "io.modelcontextprotocol/clientInfo",
    ];

    fn member<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A, walk: &mut Walk<'de>) -> Result<(), A::Error> {
        match key {
            "io.modelcontextprotocol/protocolVersion" => self.revision = Some(walk.read(map)?),
            "traceparent" => self.traceparent = Some(walk.read(map)?),
            "tracestate" => self.tracestate = Some(walk.read(map)?),
            "baggage" => self.baggage = Some(walk.read(map)?),
            _ => walk.skip(map)?,
        }
        Ok(())
    }
}

fn request_id(shape: &Shape) -> Option<RequestId> {
    match shape {
        Shape::Integer(number) => Some(RequestId::Integer(number.clone())),
        Shape::Text(text) => Some(RequestId::Text(text.to_string())),
        _ => None,
    }
}

/// A server's own state can be long, and is nobody's business here.
fn own_state(shape: Shape) -> Option<String> {
    match shape {
        Shape::Text(text) if request_state::may_be_ours(&text) => Some(text.into_owned()),
        _ => None,
    }
}

fn text(shape: Shape) -> Option<String> {
    match shape {
        Shape::Text(text) => Some(text.into_owned()),
        _ => None,
    }
}
