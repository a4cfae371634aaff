//! Why an API key does not let a caller in.
//!
//! Not here: what to do about it, and the status it is answered with (`flow::call::api_key`).

use crate::reasons::reasons;

/// Why an API key is not good, or not for this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiKeyError {
    /// The server takes none.
    NotAccepted,
    /// It has not the form of one.
    Malformed,
    /// Nothing is known of it.
    Unknown,
    /// It has ended.
    Expired,
    /// It was revoked, or everything of its subject.
    Revoked,
    /// It has not the permission to call servers.
    NotPermitted,
    /// It is for other servers.
    WrongServer,
    /// It acts for nobody, and the server wants each person's own account.
    NeedsPerson,
}

reasons! { ApiKeyError:
    NotAccepted => "api_key_not_accepted", "this server takes no API keys";
    Malformed => "api_key_malformed", "this is no API key of the gateway: a part is missing, or mistyped";
    Unknown => "api_key_unknown", "the API key was revoked, has expired, or is another gateway's";
    Expired => "api_key_expired", "the API key has expired";
    Revoked => "api_key_revoked", "the API key was revoked, or everything of whom it acts for";
    NotPermitted => "api_key_not_permitted", "the API key lacks the permission mcp.invoke, which every call needs";
    WrongServer => "api_key_wrong_server", "the API key is not for this server";
    NeedsPerson => "service_key_needs_person", "this server wants a person's own account, and a service key has none";
}

impl std::error::Error for ApiKeyError {}
