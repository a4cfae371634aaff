//! One JSON-RPC message as far as a gateway looks into it.
//!
//! Not here: reading one ([`self::envelope`]).

pub mod envelope;
pub mod envelope_error;
pub mod error;
pub mod members;
pub mod named;
pub mod raw_object;
pub mod strict_json;

use serde::Serialize;
use serde_json::Number;

/// The most messages a batch may hold, as the TypeScript SDK's servers have it.
pub const MAX_BATCH: usize = 100;

/// What a POST carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// One message.
    One(Message),
    /// An array of messages, never empty. Only a few revisions know it.
    Batch(Vec<Message>),
}

impl Payload {
    /// Whether the client waits for an answer to any of it.
    pub fn expects_reply(&self) -> bool {
        match self {
            Self::One(message) => message.id().is_some(),
            Self::Batch(messages) => messages.iter().any(|message| message.id().is_some()),
        }
    }

    /// What it says of the trace; of a batch the first message that names one.
    pub fn trace(&self) -> Option<&TraceMembers> {
        match self {
            Self::One(message) => Some(&message.trace),
            Self::Batch(messages) => {
                messages.iter().map(|message| &message.trace).find(|trace| trace.traceparent.is_some())
            }
        }
    }
}

/// One JSON-RPC message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Request, notification or response.
    pub kind: MessageKind,
    /// What `Mcp-Name` repeats: the member that [`name_member`] says, if it is a string.
    pub name: Option<String>,
    /// `params._meta["io.modelcontextprotocol/protocolVersion"]`, if it is a string.
    pub revision: Option<String>,
    /// `params.requestState`, if it may be one of the gateway's own.
    pub request_state: Option<String>,
    /// What `params._meta` says of the trace.
    pub trace: TraceMembers,
}

/// The members of `_meta` that name a trace, in the form of the headers of their names (SEP-414).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TraceMembers {
    /// `traceparent`, if it is a string.
    pub traceparent: Option<String>,
    /// `tracestate`, if it is a string.
    pub tracestate: Option<String>,
    /// `baggage`, if it is a string.
    pub baggage: Option<String>,
}

/// What a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageKind {
    /// It has a method and an id, and wants an answer.
    Request {
        /// Its id.
        id: RequestId,
        /// Its method.
        method: String,
    },
    /// It has a method and no id.
    Notification {
        /// Its method.
        method: String,
    },
    /// A client's answer to a request of the server (until 2025-11-25).
    Response {
        /// The id of the server's request; an error may lack it.
        id: Option<RequestId>,
    },
}

impl Message {
    /// The id to answer with; notifications and responses are not answered.
    pub fn id(&self) -> Option<&RequestId> {
        match &self.kind {
            MessageKind::Request { id, .. } => Some(id),
            MessageKind::Notification { .. } | MessageKind::Response { .. } => None,
        }
    }

    /// The method, unless it is a response.
    pub fn method(&self) -> Option<&str> {
        match &self.kind {
            MessageKind::Request { method, .. } | MessageKind::Notification { method } => Some(method),
            MessageKind::Response { .. } => None,
        }
    }
}

/// The member of `params` that `Mcp-Name` repeats for a method (2026-07-28 transport, SEP-2663 for tasks).
pub fn name_member(method: &str) -> Option<&'static str> {
    match method {
        "tools/call" | "prompts/get" => Some("name"),
        "resources/read" => Some("uri"),
        "tasks/get" | "tasks/update" | "tasks/cancel" => Some("taskId"),
        _ => None,
    }
}

/// A request id: a string or an integer, nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum RequestId {
    /// An integer of at most 64 bits.
    Integer(Number),
    /// A string.
    Text(String),
}
