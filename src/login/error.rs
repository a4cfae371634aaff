//! Every way a login can fail, one variant for each rejected condition.
//!
//! Not here: rendering (`flow` and `page`), the conditions of an ID token (`id_token`).

use std::fmt;

use crate::oauth_client::authorization::CallbackError;

/// Why a login did not succeed. Its text may be shown: it carries no secret, and foreign text only after
/// `foreign::presentable`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginError {
    /// The discovery document is too large, not JSON, or a member has the wrong type.
    DiscoveryMalformed,
    /// The discovery document lacks a member the login needs.
    DiscoveryIncomplete(&'static str),
    /// The discovery document speaks for another issuer (`OpenID` Connect Discovery §4.3).
    DiscoveredIssuer {
        /// As configured.
        configured: String,
        /// As the document says.
        advertised: String,
    },
    /// This URL is not `https`, nor `http` between loopback addresses, or carries user information or a fragment.
    UnfitUrl(&'static str),
    /// The key set is too large or not a JSON Web Key Set.
    KeysMalformed,
    /// The callback's query is too long, or has a parameter twice (RFC 6749 §3.1).
    CallbackMalformed,
    /// This browser did not begin this login, or began it too long ago (RFC 6749 §10.12).
    StateMismatch,
    /// The provider promises `iss` in its answers and sent none (RFC 9207 §2.4).
    IssuerMissing,
    /// The answer comes from another issuer: a mix-up attack (RFC 9207 §2.4).
    IssuerMismatch,
    /// The provider answered with an error, such as `access_denied` (RFC 6749 §4.1.2.1).
    Refused {
        /// Its code.
        error: String,
        /// Its description.
        description: Option<String>,
    },
    /// The callback has neither a usable code nor an error.
    CodeMissing,
    /// The token endpoint refused the code or the gateway's credentials (RFC 6749 §5.2).
    TokenRefused {
        /// The HTTP status.
        status: u16,
        /// The OAuth error code, where the answer had one.
        error: Option<String>,
    },
    /// The token endpoint's success is too large or not JSON.
    TokenMalformed,
    /// The token endpoint's success has no ID token: the `openid` scope was not granted.
    IdTokenMissing,
}

impl LoginError {
    /// A stable code for logs and for the page.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::DiscoveryMalformed => "login_discovery_malformed",
            Self::DiscoveryIncomplete(_) => "login_discovery_incomplete",
            Self::DiscoveredIssuer { .. } => "login_discovered_issuer",
            Self::UnfitUrl(_) => "login_unfit_url",
            Self::KeysMalformed => "login_keys_malformed",
            Self::CallbackMalformed => "login_callback_malformed",
            Self::StateMismatch => "login_state_mismatch",
            Self::IssuerMissing => "login_issuer_missing",
            Self::IssuerMismatch => "login_issuer_mismatch",
            Self::Refused { .. } => "login_refused",
            Self::CodeMissing => "login_code_missing",
            Self::TokenRefused { .. } => "login_token_refused",
            Self::TokenMalformed => "login_token_malformed",
            Self::IdTokenMissing => "login_id_token_missing",
        }
    }
}

impl From<CallbackError> for LoginError {
    fn from(error: CallbackError) -> Self {
        match error {
            CallbackError::Malformed => Self::CallbackMalformed,
            CallbackError::OtherIssuer { .. } => Self::IssuerMismatch,
            CallbackError::IssuerMissing { .. } => Self::IssuerMissing,
            CallbackError::Refused { error, description } => Self::Refused { error, description },
            CallbackError::CodeMissing => Self::CodeMissing,
        }
    }
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DiscoveryMalformed => f.write_str("The identity provider's discovery document cannot be read."),
            Self::DiscoveryIncomplete(member) => {
                write!(f, "The identity provider's discovery document lacks {member}.")
            }
            Self::DiscoveredIssuer { configured, advertised } => write!(
                f,
                "The configured issuer is {configured}, but the identity provider calls itself {advertised}. They must be identical, \
                 a final slash included."
            ),
            Self::UnfitUrl(member) => {
                write!(f, "The identity provider's {member} is not an https URL the gateway may use.")
            }
            Self::KeysMalformed => f.write_str("The identity provider's key set cannot be read."),
            Self::CallbackMalformed => f.write_str("The identity provider's answer cannot be read."),
            Self::StateMismatch => {
                f.write_str("This sign-in was not begun in this browser, or began more than ten minutes ago.")
            }
            Self::IssuerMissing => f.write_str("The identity provider's answer does not say who it is from."),
            Self::IssuerMismatch => f.write_str("The answer did not come from the configured identity provider."),
            Self::Refused { error, description: Some(description) } => {
                write!(f, "The identity provider refused the sign-in: {error} ({description}).")
            }
            Self::Refused { error, description: None } => {
                write!(f, "The identity provider refused the sign-in: {error}.")
            }
            Self::CodeMissing => f.write_str("The identity provider's answer carries no code."),
            Self::TokenRefused { status, error: Some(error) } => {
                write!(f, "The identity provider did not accept the gateway's token request: {status} {error}.")
            }
            Self::TokenRefused { status, error: None } => {
                write!(f, "The identity provider did not accept the gateway's token request: {status}.")
            }
            Self::TokenMalformed => f.write_str("The identity provider's token response cannot be read."),
            Self::IdTokenMissing => f.write_str(
                "The identity provider sent no ID token. The openid scope must be allowed for the gateway's client.",
            ),
        }
    }
}
