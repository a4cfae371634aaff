//! What arrives at the token endpoint: a grant, and who presents it (OAuth 2.1 §3.2.2, §2.4).
//!
//! Not here: whether client, code and token are good (`client`, `opaque`, `grant`).

mod credentials;
mod error;

use crate::oauth::external::assertion::GRANT_TYPE;
use crate::oauth::resource;
use crate::oauth::scope::{ScopeError, ScopeSet};
use crate::secret::Secret;
use crate::web::form::Form;

pub use credentials::credentials;
pub use error::TokenRequestError;

/// Parameters that may be sent once at most; only `resource` may repeat (RFC 8707 §2).
const SINGLE: [&str; 7] =
    ["code", "redirect_uri", "code_verifier", "refresh_token", "assertion", "scope", "grant_type"];

/// A grant type with its parameters.
#[derive(Debug, Clone)]
pub enum TokenRequest {
    /// `authorization_code` (OAuth 2.1 §4.1.3).
    AuthorizationCode {
        /// The code.
        code: Secret,
        /// Sent by OAuth 2.0 clients.
        redirect_uri: Option<String>,
        /// The PKCE verifier.
        verifier: Option<Secret>,
        /// RFC 8707.
        resource: Option<String>,
    },
    /// `client_credentials` (OAuth 2.1 §4.2).
    ClientCredentials {
        /// Less than the client may have.
        scope: Option<ScopeSet>,
        /// RFC 8707.
        resource: Option<String>,
    },
    /// `refresh_token` (OAuth 2.1 §4.3.1).
    Refresh {
        /// The refresh token.
        token: Secret,
        /// Less than was granted, for this access token.
        scope: Option<ScopeSet>,
        /// RFC 8707.
        resource: Option<String>,
    },
    /// `urn:ietf:params:oauth:grant-type:jwt-bearer` (RFC 7523 §2.1).
    JwtBearer {
        /// The assertion.
        assertion: Secret,
        /// Less than it gives.
        scope: Option<ScopeSet>,
        /// RFC 8707.
        resource: Option<String>,
    },
}

impl TokenRequest {
    /// Reads the form of a token request.
    pub fn parse(form: &Form) -> Result<Self, TokenRequestError> {
        for name in SINGLE {
            form.one(name)?;
        }
        match required(form, "grant_type")? {
            "authorization_code" => Ok(Self::AuthorizationCode {
                code: Secret::new(required(form, "code")?),
                redirect_uri: form.one("redirect_uri")?.map(str::to_owned),
                verifier: form.one("code_verifier")?.map(Secret::new),
                resource: requested_resource(form)?,
            }),
            "refresh_token" => Ok(Self::Refresh {
                token: Secret::new(required(form, "refresh_token")?),
                scope: form.one("scope")?.map(ScopeSet::parse).transpose()?,
                resource: requested_resource(form)?,
            }),
            "client_credentials" => Ok(Self::ClientCredentials {
                scope: form.one("scope")?.map(ScopeSet::parse).transpose()?,
                resource: requested_resource(form)?,
            }),
            GRANT_TYPE => Ok(Self::JwtBearer {
                assertion: Secret::new(required(form, "assertion")?),
                scope: form.one("scope")?.map(ScopeSet::parse).transpose()?,
                resource: requested_resource(form)?,
            }),
            _ => Err(TokenRequestError::GrantType),
        }
    }
}

/// The value of a parameter that must be there.
pub(super) fn required<'form>(form: &'form Form, parameter: &'static str) -> Result<&'form str, TokenRequestError> {
    form.one(parameter)?.ok_or(TokenRequestError::Missing { parameter })
}

impl From<ScopeError> for TokenRequestError {
    fn from(error: ScopeError) -> Self {
        Self::Scope(error)
    }
}

/// RFC 8707 §2.2: the same resource may be named several times, but not several resources.
fn requested_resource(form: &Form) -> Result<Option<String>, TokenRequestError> {
    match form.all("resource").as_slice() {
        [] => Ok(None),
        [first, others @ ..] if others.iter().all(|other| resource::same(first, other)) => {
            Ok(Some((*first).to_owned()))
        }
        _ => Err(TokenRequestError::Resources),
    }
}

#[cfg(test)]
mod tests {
    use crate::oauth::error::ErrorCode;
    use proptest::prelude::*;

    use super::*;
    use crate::web::form;

    fn read(body: &str) -> Result<TokenRequest, TokenRequestError> {
        TokenRequest::parse(&form::parse(body.as_bytes()).unwrap())
    }

    fn refused(body: &str) -> (ErrorCode, String) {
        let error = read(body).unwrap_err();
        (error.code(), error.to_string())
    }

    #[test]
    fn a_code_comes_with_what_was_sent() {
        let body = "grant_type=authorization_code&code=c&code_verifier=v&redirect_uri=https%3A%2F%2Fa%2Fcb&resource=https%3A%2F%2Fgw%2Fdocs";
        let TokenRequest::AuthorizationCode { code, redirect_uri, verifier, resource } = read(body).unwrap() else {
            panic!("not a code")
        };
        assert_eq!((code.expose(), verifier.unwrap().expose()), ("c", "v"));
        assert_eq!((redirect_uri.as_deref(), resource.as_deref()), (Some("https://a/cb"), Some("https://gw/docs")));
        let read = read("grant_type=authorization_code&code=c&redirect_uri=&resource=").unwrap();
        assert!(matches!(
            read,
            TokenRequest::AuthorizationCode { redirect_uri: None, verifier: None, resource: None, .. }
        ));
        assert!(!format!("{read:?}").contains("\"c\""));
    }

    #[test]
    fn a_refresh_may_narrow_its_scope() {
        let TokenRequest::Refresh { token, scope, resource } =
            read("grant_type=refresh_token&refresh_token=t&scope=mcp:tools").unwrap()
        else {
            panic!("not a refresh")
        };
        assert_eq!((token.expose(), scope, resource), ("t", ScopeSet::parse("mcp:tools").ok(), None));
    }

    #[test]
    fn what_is_missing_repeated_or_unknown_is_named() {
        let (code, text) = refused("code=c");
        assert_eq!((code, text.contains("grant_type")), (ErrorCode::InvalidRequest, true));
        let (code, text) = refused("grant_type=authorization_code");
        assert_eq!((code, text.contains("code")), (ErrorCode::InvalidRequest, true));
        let (code, text) = refused("grant_type=refresh_token");
        assert_eq!((code, text.contains("refresh_token")), (ErrorCode::InvalidRequest, true));
        assert_eq!(refused("grant_type=password").0, ErrorCode::UnsupportedGrantType);
        assert_eq!(refused("grant_type=refresh_token&refresh_token=t&scope=%22").0, ErrorCode::InvalidScope);
        for name in SINGLE {
            let body =
                format!("grant_type=authorization_code&code=c&{name}=authorization_code&{name}=authorization_code");
            let (code, text) = refused(&body);
            assert_eq!((code, text.contains(name)), (ErrorCode::InvalidRequest, true), "{name}");
        }
    }

    #[test]
    fn one_resource_may_be_named_twice_and_two_not_once() {
        let code = "grant_type=authorization_code&code=c&resource=https%3A%2F%2Fgw%2Fdocs&resource=https%3A%2F%2Fgw%2F";
        assert!(read(&format!("{code}docs%2F")).is_ok());
        assert_eq!(refused(&format!("{code}mail")).0, ErrorCode::InvalidTarget);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn any_form_is_read_or_refused(body in "(grant_type=(authorization_code|refresh_token)&)?([a-z_]{0,12}=[ -~]{0,8}&){0,6}") {
            if let Ok(form) = form::parse(body.as_bytes()) {
                let _ = TokenRequest::parse(&form);
            }
        }
    }
}
