//! Every way a posted body fails to be a JSON-RPC message, with its stable reason code.
//!
//! Not here: how the error is answered ([`super::error`]).

use std::fmt;

use super::error::Code;
use super::{MAX_BATCH, RequestId, strict_json};

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
    Json(strict_json::SyntaxFault),
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
        match &self.fault {
            EnvelopeFault::Json(strict_json::SyntaxFault::NotJson { .. }) => "not_json",
            EnvelopeFault::Json(strict_json::SyntaxFault::TooDeep { .. }) => "too_deep",
            EnvelopeFault::Json(strict_json::SyntaxFault::DuplicateKey { .. }) => "duplicate_key",
            EnvelopeFault::Json(strict_json::SyntaxFault::KeyCase { .. }) => "key_case",
            EnvelopeFault::NotAnObject => "not_an_object",
            EnvelopeFault::JsonrpcVersion => "jsonrpc_version",
            EnvelopeFault::InvalidId => "invalid_id",
            EnvelopeFault::InvalidMethod => "invalid_method",
            EnvelopeFault::InvalidParams => "invalid_params",
            EnvelopeFault::Shapeless => "shapeless_message",
            EnvelopeFault::BatchSize => "batch_size",
            EnvelopeFault::BatchInitialize => "batch_initialize",
            EnvelopeFault::BatchForbidden => "batch_forbidden",
        }
    }

    /// Whether what it says repeats words of the message: the names in it are those of a tool's arguments.
    pub fn quotes(&self) -> bool {
        use strict_json::SyntaxFault::{DuplicateKey, KeyCase};
        matches!(self.fault, EnvelopeFault::Json(DuplicateKey { .. } | KeyCase { .. }))
    }

    /// The JSON-RPC code.
    pub fn code(&self) -> Code {
        match self.fault {
            EnvelopeFault::Json(strict_json::SyntaxFault::NotJson { .. }) => Code::Parse,
            _ => Code::InvalidRequest,
        }
    }
}

impl fmt::Display for EnvelopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fault {
            EnvelopeFault::Json(strict_json::SyntaxFault::NotJson { line, column }) => {
                write!(f, "the body is not valid JSON (line {line}, column {column})")
            }
            EnvelopeFault::Json(strict_json::SyntaxFault::TooDeep { limit }) => {
                write!(f, "the body nests objects and arrays more than {limit} deep")
            }
            EnvelopeFault::Json(strict_json::SyntaxFault::DuplicateKey { key }) => {
                write!(f, "the key \"{}\" occurs twice in one object", Excerpt(key))
            }
            EnvelopeFault::Json(strict_json::SyntaxFault::KeyCase { key, known }) => {
                write!(f, "the key \"{}\" must be written \"{known}\"", Excerpt(key))
            }
            EnvelopeFault::NotAnObject => f.write_str("a JSON-RPC message must be an object"),
            EnvelopeFault::JsonrpcVersion => f.write_str("jsonrpc must be \"2.0\""),
            EnvelopeFault::InvalidId => f.write_str("id must be a string or an integer"),
            EnvelopeFault::InvalidMethod => f.write_str("method must be a string"),
            EnvelopeFault::InvalidParams => f.write_str("params must be an object"),
            EnvelopeFault::Shapeless => f.write_str("a message has either a method, or a result with an id, or an error"),
            EnvelopeFault::BatchSize => write!(f, "a batch holds 1 to {MAX_BATCH} messages"),
            EnvelopeFault::BatchInitialize => f.write_str("initialize cannot be part of a batch"),
            EnvelopeFault::BatchForbidden => f.write_str(
                "send one message for each POST: an array needs the header MCP-Protocol-Version: 2025-03-26, and other revisions have none",
            ),
        }
    }
}

/// The beginning of a text a stranger chose the length of.
struct Excerpt<'a>(&'a str);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().take(64).try_for_each(|c| write!(f, "{c}"))
    }
}
