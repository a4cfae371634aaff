//! Introspection (RFC 7662): a request about a token, and what is said of one that is good.
//!
//! Not here: whether it is good, and who may hear of it (`flow::introspect`).

use serde::Serialize;

use super::access_token::{BoundKey, Claims};
use super::request::{TokenRequestError, required};
use crate::oauth::api_key::ApiKey;
use crate::oauth::grant::Granted;
use crate::oauth::scope::ScopeSet;
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::web::form::Form;

/// The token that is asked about. Ours tell their kind themselves, so `token_type_hint` is not read.
#[derive(Debug, Clone)]
pub struct IntrospectionRequest {
    /// The token.
    pub token: Secret,
}

impl IntrospectionRequest {
    /// Reads the form of RFC 7662 §2.1.
    pub fn parse(form: &Form) -> Result<Self, TokenRequestError> {
        form.one("token_type_hint")?;
        Ok(Self { token: Secret::new(required(form, "token")?) })
    }
}

/// What is said of a token that is good now (RFC 7662 §2.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActiveToken {
    active: bool,
    /// What it allows.
    pub scope: ScopeSet,
    /// Whom it was issued to; of an API key its id, as in logs.
    pub client_id: String,
    /// Whose it is.
    pub sub: String,
    /// The resources that it is good at.
    pub aud: TokenAudience,
    /// The gateway's issuer identifier.
    pub iss: String,
    /// How it is sent; a refresh token is sent to nobody else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<&'static str>,
    /// When it ends.
    pub exp: Timestamp,
    /// When it was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iat: Option<Timestamp>,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// When the person signed in (RFC 9470 §6.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<Timestamp>,
    /// The key that whoever presents it must prove to have (RFC 9449 §6.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cnf: Option<BoundKey>,
}

/// One resource, or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum TokenAudience {
    /// What a token is for.
    One(String),
    /// What a key is for.
    Several(Vec<String>),
}

impl ActiveToken {
    /// An access token.
    pub fn access(claims: Claims) -> Self {
        Self {
            active: true,
            token_type: Some(claims.token_type()),
            scope: claims.scope,
            client_id: claims.client_id,
            sub: claims.sub,
            aud: TokenAudience::One(claims.aud),
            iss: claims.iss,
            exp: claims.exp,
            iat: Some(claims.iat),
            jti: Some(claims.jti),
            auth_time: claims.auth_time,
            cnf: claims.cnf,
        }
    }

    /// A refresh token.
    pub fn refresh(granted: Granted, until: Timestamp, issuer: &str) -> Self {
        Self {
            active: true,
            scope: granted.scope,
            client_id: granted.client_id,
            sub: granted.subject,
            aud: TokenAudience::One(granted.resource),
            iss: issuer.to_owned(),
            token_type: None,
            exp: until,
            iat: None,
            jti: None,
            auth_time: granted.signed_in,
            cnf: None,
        }
    }

    /// An API key at the servers where it is good.
    pub fn key(key: &ApiKey, resources: Vec<String>, issuer: &str) -> Self {
        Self {
            active: true,
            scope: key.call_scope(),
            client_id: key.id.as_str().to_owned(),
            sub: key.subject.clone(),
            aud: TokenAudience::Several(resources),
            iss: issuer.to_owned(),
            token_type: Some("Bearer"),
            exp: key.expires,
            iat: None,
            jti: None,
            auth_time: None,
            cnf: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::error::ErrorCode;
    use crate::web::form;

    #[test]
    fn a_request_names_one_token() {
        let read = |body: &str| IntrospectionRequest::parse(&form::parse(body.as_bytes()).unwrap());
        assert_eq!(read("token=t&token_type_hint=whatever").unwrap().token.expose(), "t");
        for body in ["", "token=", "token=a&token=b", "token=a&token_type_hint=x&token_type_hint=y"] {
            assert_eq!(read(body).unwrap_err().code(), ErrorCode::InvalidRequest, "{body}");
        }
    }
}
