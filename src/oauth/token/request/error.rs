//! Every way a request at the token endpoint fails to be one, with its stable reason code.
//!
//! Not here: whether what it presents is good.

use std::fmt;

use crate::oauth::error::ErrorCode;
use crate::oauth::scope::ScopeError;
use crate::web::form::FormError;

/// Why a token or revocation request cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenRequestError {
    /// The form is unreadable or repeats a parameter.
    Form(FormError),
    /// A parameter is not there.
    Missing {
        /// Which one.
        parameter: &'static str,
    },
    /// A grant type we do not have.
    GrantType,
    /// `scope` is unreadable.
    Scope(ScopeError),
    /// Several resources: a token is for one.
    Resources,
    /// More than one way of client authentication.
    TwoMethods,
    /// `client_id` differs from the Basic user name.
    TwoClients,
    /// `Authorization` of another scheme than Basic, or Basic that cannot be read.
    Authorization,
}

impl TokenRequestError {
    /// The stable code of bodies, logs and analytics.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Form(_) => "form_malformed",
            Self::Missing { .. } => "parameter_missing",
            Self::GrantType => "grant_type_unsupported",
            Self::Scope(_) => "scope_malformed",
            Self::Resources => "resource_ambiguous",
            Self::TwoMethods => "client_auth_twice",
            Self::TwoClients => "client_ids_differ",
            Self::Authorization => "client_auth_malformed",
        }
    }

    /// The code to answer with.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Form(_) | Self::Missing { .. } | Self::TwoMethods | Self::TwoClients => ErrorCode::InvalidRequest,
            Self::GrantType => ErrorCode::UnsupportedGrantType,
            Self::Scope(_) => ErrorCode::InvalidScope,
            Self::Resources => ErrorCode::InvalidTarget,
            Self::Authorization => ErrorCode::InvalidClient,
        }
    }
}

impl fmt::Display for TokenRequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(error) => error.fmt(f),
            Self::Missing { parameter } => write!(f, "the parameter {parameter} is missing"),
            Self::GrantType => f.write_str("grant_type must be authorization_code or refresh_token"),
            Self::Scope(error) => error.fmt(f),
            Self::Resources => f.write_str("a token is for one resource: send the parameter resource once"),
            Self::TwoMethods => f.write_str("authenticate once: by Authorization: Basic or by client_secret"),
            Self::TwoClients => f.write_str("client_id differs from the client that Authorization: Basic names"),
            Self::Authorization => f.write_str("the Authorization header must be Basic, with client id and secret"),
        }
    }
}

impl From<FormError> for TokenRequestError {
    fn from(error: FormError) -> Self {
        Self::Form(error)
    }
}

impl std::error::Error for TokenRequestError {}
