//! Every way a request at the token endpoint fails to be one, with its stable reason code.
//!
//! Not here: whether what it presents is good.

use crate::oauth::error::ErrorCode;
use crate::oauth::scope::ScopeError;
use crate::reasons::reasons;
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
    /// `client_assertion_type` of another kind, or none.
    AssertionType,
}

impl TokenRequestError {
    /// The code to answer with.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Form(_) | Self::Missing { .. } | Self::TwoMethods | Self::TwoClients => ErrorCode::InvalidRequest,
            Self::GrantType => ErrorCode::UnsupportedGrantType,
            Self::Scope(_) => ErrorCode::InvalidScope,
            Self::Resources => ErrorCode::InvalidTarget,
            Self::Authorization | Self::AssertionType => ErrorCode::InvalidClient,
        }
    }
}

reasons! { TokenRequestError:
    Form(error) => "form_malformed", "{error}";
    Missing { parameter } => "parameter_missing", "the parameter {parameter} is missing";
    GrantType => "grant_type_unsupported", "grant_type must be one of grant_types_supported in the metadata";
    Scope(error) => "scope_malformed", "{error}";
    Resources => "resource_ambiguous", "a token is for one resource: send the parameter resource once";
    TwoMethods => "client_auth_twice",
        "authenticate once: by Authorization: Basic, by client_secret or by client_assertion";
    TwoClients => "client_ids_differ", "client_id differs from the client that Authorization: Basic names";
    Authorization => "client_auth_malformed", "the Authorization header must be Basic, with client id and secret";
    AssertionType => "client_assertion_type_unsupported", "client_assertion_type must be {}",
        crate::oauth::client::assertion::TYPE;
}

impl From<FormError> for TokenRequestError {
    fn from(error: FormError) -> Self {
        Self::Form(error)
    }
}

impl std::error::Error for TokenRequestError {}
