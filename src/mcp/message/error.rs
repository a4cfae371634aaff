//! JSON-RPC errors of the gateway itself: the codes it may use, and the one form they have on the wire.
//!
//! Not here: which failure gets which code and status. Errors of a server pass unchanged and are none of these.

use serde::{Serialize, Serializer};

use super::RequestId;

/// A code the gateway answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// JSON-RPC 2.0 §5.1: the body is not JSON.
    Parse,
    /// JSON-RPC 2.0 §5.1: JSON, but no message this endpoint takes.
    InvalidRequest,
    /// JSON-RPC 2.0 §5.1: `params` are not what they must be.
    InvalidParams,
    /// JSON-RPC 2.0 §5.1: it failed here or behind; `data.reason` says which.
    Internal,
    /// What the SDKs answer with 404 when a legacy session is gone.
    SessionNotFound,
    /// 2026-07-28 "Server Validation": a header is missing or differs from the body. Modern clients only.
    HeaderMismatch,
    /// 2025-11-25 "Elicitation": a person must follow a link first. Legacy clients only.
    UrlElicitationRequired,
    /// 2026-07-28: it could be asked for, if the client declared the capability. Modern clients only.
    MissingClientCapability,
    /// Of the gateway, outside what JSON-RPC reserves: the server must be connected first, and nothing says so in the
    /// client's revision.
    ConnectionRequired,
    /// Of the gateway as well: the caller may not do this.
    Denied,
    /// Up to 2025-11-25, "Resources". Legacy clients only.
    ResourceNotFound,
}

impl Code {
    /// The number on the wire.
    pub const fn number(self) -> i64 {
        match self {
            Self::Parse => -32700,
            Self::InvalidRequest => -32600,
            Self::InvalidParams => -32602,
            Self::Internal => -32603,
            Self::SessionNotFound => -32001,
            Self::HeaderMismatch => -32020,
            Self::UrlElicitationRequired => -32042,
            Self::MissingClientCapability => -32021,
            Self::ConnectionRequired => -31042,
            Self::Denied => -31403,
            Self::ResourceNotFound => -32002,
        }
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.number())
    }
}

/// An error response.
#[derive(Debug, Clone, Copy)]
pub struct ErrorResponse<'a> {
    /// The request's id. Without one the member is left out: the revisions with a schema for that case want it so, and
    /// `null` is an id to none of them.
    pub id: Option<&'a RequestId>,
    /// Its code.
    pub code: Code,
    /// What happened, in a sentence.
    pub message: &'a str,
    /// For whoever has to act on it.
    pub data: Data<'a>,
}

/// What a caller lacks for something that policy keeps from them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Lacking {
    /// The tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// The scopes there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granted_scopes: Option<Vec<String>>,
    /// The scope that is lacking first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required_scope: Option<String>,
    /// One of these roles is enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required_roles: Option<Vec<String>>,
    /// The argument, as a JSON pointer into the arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub argument: Option<String>,
}

/// The `data` of an error.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Data<'a> {
    /// The stable reason code, the same in logs.
    pub reason: &'a str,
    /// The id of this request in the logs.
    pub request_id: &'a str,
    /// The server it was for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<&'a str>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<&'a str>,
    /// What the caller lacks.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub lacking: Option<&'a Lacking>,
}

impl ErrorResponse<'_> {
    /// The bytes of the response.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { id, code, message, data } = *self;
        // Only strings and numbers go in, which serde_json never refuses to write to memory.
        serde_json::to_vec(&Body { jsonrpc: "2.0", id, error: Inner { code, message, data } }).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Body<'a> {
    jsonrpc: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a RequestId>,
    error: Inner<'a>,
}

#[derive(Serialize)]
struct Inner<'a> {
    code: Code,
    message: &'a str,
    data: Data<'a>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::message::envelope::{Payload, parse};
    use crate::mcp::transport::response;

    fn body(id: Option<&RequestId>, slug: Option<&str>) -> String {
        let data = Data { reason: "upstream_unreachable", request_id: "r1", slug, fix: None, lacking: None };
        let error = ErrorResponse { id, code: Code::Internal, message: "The server \"docs\" did not answer.", data };
        String::from_utf8(error.to_bytes()).unwrap()
    }

    #[test]
    fn it_carries_the_id_as_the_client_wrote_it() {
        for id in ["1", "-7", "18446744073709551615", r#""1""#, r#""a\"b""#] {
            let request = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
            let Ok(Payload::One(message)) = parse(request.as_bytes(), 4) else { panic!("{request}") };
            assert!(body(message.id(), None).starts_with(&format!(r#"{{"jsonrpc":"2.0","id":{id},"error":"#)), "{id}");
        }
    }

    #[test]
    fn without_an_id_there_is_no_member() {
        assert_eq!(
            body(None, Some("docs")),
            r#"{"jsonrpc":"2.0","error":{"code":-32603,"message":"The server \"docs\" did not answer.","data":{"reason":"upstream_unreachable","request_id":"r1","slug":"docs"}}}"#
        );
    }

    #[test]
    fn it_is_an_error_response_to_a_gateway_before_this_one() {
        assert_eq!(response::error_body(body(None, None).as_bytes()).map(|body| body.code), Some(-32603));
    }
}
