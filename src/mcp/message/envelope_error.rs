//! Every way a posted body fails to be a JSON-RPC message, with its stable reason code.
//!
//! Not here: how the error is answered ([`super::error`]).

use std::fmt;

use super::error::Code;
use super::strict_json::SyntaxFault;
use super::{MAX_BATCH, RequestId};
use crate::reasons::reasons;

/// Why a body is not a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeError {
    /// The id of the request, if there was one to read.
    pub id: Option<RequestId>,
    /// What is wrong.
    pub fault: EnvelopeFault,
}

/// What is wrong with a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvelopeFault {
    /// With the JSON itself.
    Json(SyntaxFault),
    /// Neither an object nor an array of objects.
    NotAnObject,
    /// `jsonrpc` is not `"2.0"`.
    JsonrpcVersion,
    /// `id` is neither a string nor an integer.
    InvalidId,
    /// `method` is not a string.
    InvalidMethod,
    /// `params` is not an object.
    InvalidParams,
    /// Request and response at once, result and error at once, or none of them.
    Shapeless,
    /// An array without messages, or with more than [`MAX_BATCH`].
    BatchSize,
    /// `initialize` inside an array (2025-03-26, lifecycle).
    BatchInitialize,
    /// An array where the revision does not know any.
    BatchForbidden,
}

impl EnvelopeError {
    /// The stable code of bodies, logs and analytics.
    pub fn reason(&self) -> &'static str {
        self.fault.reason()
    }

    /// Whether what it says repeats words of the message: the names in it are those of a tool's arguments.
    pub fn quotes(&self) -> bool {
        matches!(self.fault, EnvelopeFault::Json(SyntaxFault::DuplicateKey { .. } | SyntaxFault::KeyCase { .. }))
    }

    /// The JSON-RPC code.
    pub fn code(&self) -> Code {
        match self.fault {
            EnvelopeFault::Json(SyntaxFault::NotJson { .. }) => Code::Parse,
            _ => Code::InvalidRequest,
        }
    }
}

impl fmt::Display for EnvelopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}

reasons! { EnvelopeFault:
    Json(SyntaxFault::NotJson { line, column }) => "not_json",
        "the body is not valid JSON (line {line}, column {column})";
    Json(SyntaxFault::TooDeep { limit }) => "too_deep",
        "the body nests objects and arrays more than {limit} deep";
    Json(SyntaxFault::DuplicateKey { key }) => "duplicate_key",
        "the key \"{}\" occurs twice in one object", Excerpt(key);
    Json(SyntaxFault::KeyCase { key, known }) => "key_case",
        "the key \"{}\" must be written \"{known}\"", Excerpt(key);
    NotAnObject => "not_an_object", "a JSON-RPC message must be an object";
    JsonrpcVersion => "jsonrpc_version", "jsonrpc must be \"2.0\"";
    InvalidId => "invalid_id", "id must be a string or an integer";
    InvalidMethod => "invalid_method", "method must be a string";
    InvalidParams => "invalid_params", "params must be an object";
    Shapeless => "shapeless_message", "a message has either a method, or a result with an id, or an error";
    BatchSize => "batch_size", "a batch holds 1 to {MAX_BATCH} messages";
    BatchInitialize => "batch_initialize", "initialize cannot be part of a batch";
    BatchForbidden => "batch_forbidden",
        "send one message for each POST: an array needs the header MCP-Protocol-Version: 2025-03-26, and other \
         revisions have none";
}

/// The beginning of a text a stranger chose the length of.
struct Excerpt<'a>(&'a str);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().take(64).try_for_each(|c| write!(f, "{c}"))
    }
}
