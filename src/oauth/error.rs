//! Every OAuth error code the gateway can answer, in one enum.
//!
//! Not here: statuses, descriptions and where an error goes; `failure` decides that once.

use std::fmt;

/// An error code as it stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// OAuth 2.1 §4.1.2.1: the person or the server refused.
    AccessDenied,
    /// `OpenID` Connect Core §3.1.2.6: no page may be shown, and the person would be asked.
    ConsentRequired,
    /// OAuth 2.1 §3.2.4: client authentication failed, or the client is unknown.
    InvalidClient,
    /// RFC 7591 §3.2.2: a field of the registration does not fit.
    InvalidClientMetadata,
    /// RFC 9449 §5, §7.1: the proof of possession is missing or does not hold.
    InvalidDpopProof,
    /// OAuth 2.1 §3.2.4: the code or refresh token is spent, expired, or someone else's.
    InvalidGrant,
    /// RFC 7591 §3.2.2: no redirect URI of the registration is allowed.
    InvalidRedirectUri,
    /// OAuth 2.1 §3.2.4 and §4.1.2.1: malformed, repeated or missing parameter.
    InvalidRequest,
    /// OAuth 2.1 §3.2.4 and §4.1.2.1: a scope nobody knows, or more than was granted.
    InvalidScope,
    /// `OpenID` Connect Core §3.1.2.6: no page may be shown, and the person has something to do first.
    InteractionRequired,
    /// RFC 8707 §2: `resource` is none of our servers.
    InvalidTarget,
    /// OAuth 2.1 §5.3.2: the access token is expired, revoked, malformed or for another resource.
    InvalidToken,
    /// OAuth 2.1 §5.3.2: the access token lacks a scope.
    InsufficientScope,
    /// `OpenID` Connect Core §3.1.2.6: no page may be shown, and nobody is signed in.
    LoginRequired,
    /// OAuth 2.1 §4.1.2.1: it cannot be done now, for no reason that has a code.
    ServerError,
    /// OAuth 2.1 §4.1.2.1: try again later.
    TemporarilyUnavailable,
    /// OAuth 2.1 §3.2.4: the client may not use this grant type.
    UnauthorizedClient,
    /// OAuth 2.1 §3.2.4: a grant type we do not have.
    UnsupportedGrantType,
    /// OAuth 2.1 §4.1.2.1: a response type other than `code`.
    UnsupportedResponseType,
    /// RFC 9449 §8, §9: the proof of possession has to answer a nonce.
    UseDpopNonce,
}

impl ErrorCode {
    /// The code as it stands in JSON, redirects and challenges.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessDenied => "access_denied",
            Self::ConsentRequired => "consent_required",
            Self::InvalidClient => "invalid_client",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidScope => "invalid_scope",
            Self::InteractionRequired => "interaction_required",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::LoginRequired => "login_required",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::UseDpopNonce => "use_dpop_nonce",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
