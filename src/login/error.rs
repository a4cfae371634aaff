//! Every way a login can fail, one variant for each rejected condition.
//!
//! Not here: rendering (`flow` and `page`), the conditions of an ID token (`id_token`).

use crate::oauth_client::authorization::CallbackError;
use crate::reasons::{Noted, reasons};

/// Why a login did not succeed. Its text may be shown: it carries no secret, and foreign text only after
/// `untrusted::presentable`.
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
    /// Claims have to be asked for, and there is no access token to ask with.
    AccessTokenMissing,
    /// The userinfo endpoint refused the access token, or does not do what it is there for.
    UserinfoRefused {
        /// The HTTP status.
        status: u16,
    },
    /// The userinfo endpoint's answer is too large or no JSON object. One that is a JWT is none either.
    UserinfoMalformed,
    /// The userinfo endpoint speaks of somebody else, or does not say of whom (Core §5.3.2).
    UserinfoOtherSubject,
    /// The person is not one of those who may sign in.
    NotAdmitted {
        /// The claim that says so.
        claim: String,
    },
    /// GitHub's API did not say who it is.
    GithubRefused {
        /// Which part of it.
        what: &'static str,
        /// The HTTP status.
        status: u16,
    },
    /// What GitHub's API answered is too large or of the wrong form.
    GithubMalformed {
        /// Which part of it.
        what: &'static str,
    },
}

reasons! { LoginError:
    DiscoveryMalformed => "login_discovery_malformed",
        "The identity provider's discovery document cannot be read.";
    DiscoveryIncomplete(member) => "login_discovery_incomplete",
        "The identity provider's discovery document lacks {member}.";
    DiscoveredIssuer { configured, advertised } => "login_discovered_issuer",
        "The configured issuer is {configured}, but the identity provider calls itself {advertised}. They must be \
         identical, a final slash included.";
    UnfitUrl(member) => "login_unfit_url",
        "The identity provider's {member} is not an https URL the gateway may use.";
    KeysMalformed => "login_keys_malformed", "The identity provider's key set cannot be read.";
    CallbackMalformed => "login_callback_malformed", "The identity provider's answer cannot be read.";
    StateMismatch => "login_state_mismatch",
        "This sign-in was not begun in this browser, or began more than ten minutes ago.";
    IssuerMissing => "login_issuer_missing", "The identity provider's answer does not say who it is from.";
    IssuerMismatch => "login_issuer_mismatch", "The answer did not come from the configured identity provider.";
    Refused { error, description } => "login_refused",
        "The identity provider refused the sign-in: {error}{}.", Noted(description);
    CodeMissing => "login_code_missing", "The identity provider's answer carries no code.";
    TokenRefused { status, error: Some(error) } => "login_token_refused",
        "The identity provider did not accept the gateway's token request: {status} {error}.";
    TokenRefused { status, error: None } => "login_token_refused",
        "The identity provider did not accept the gateway's token request: {status}.";
    TokenMalformed => "login_token_malformed", "The identity provider's token response cannot be read.";
    IdTokenMissing => "login_id_token_missing",
        "The identity provider sent no ID token. The openid scope must be allowed for the gateway's client.";
    AccessTokenMissing => "login_access_token_missing",
        "The identity provider sent no access token, so what roles and claims it gives could not be asked for.";
    UserinfoRefused { status } => "login_userinfo_refused",
        "The identity provider did not say which roles and claims it gives: its userinfo endpoint answered {status}.";
    UserinfoMalformed => "login_userinfo_malformed",
        "What the identity provider's userinfo endpoint answered cannot be read. It must be a JSON object.";
    UserinfoOtherSubject => "login_userinfo_other_subject",
        "The identity provider's userinfo endpoint spoke of somebody else than who signed in.";
    NotAdmitted { claim } => "login_not_admitted",
        "The identity provider knows you, and you are not among those who may sign in here, by {claim}.";
    GithubRefused { what, status } => "login_github_refused", "GitHub did not tell {what}: it answered {status}.";
    GithubMalformed { what } => "login_github_malformed", "What GitHub answered about {what} cannot be read.";
}

impl From<CallbackError> for LoginError {
    fn from(error: CallbackError) -> Self {
        match error {
            CallbackError::Malformed => Self::CallbackMalformed,
            CallbackError::OtherIssuer { .. } => Self::IssuerMismatch,
            CallbackError::IssuerMissing { .. } => Self::IssuerMissing,
            CallbackError::Denied { description } => Self::Refused { error: "access_denied".to_owned(), description },
            CallbackError::ScopeRefused { description } => {
                Self::Refused { error: "invalid_scope".to_owned(), description }
            }
            CallbackError::Refused { error, description } => Self::Refused { error, description },
            CallbackError::CodeMissing => Self::CodeMissing,
        }
    }
}
