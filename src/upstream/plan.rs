//! What connecting takes, found out before a person is asked: it is shown to them, and what they were shown is what
//! happens.
//!
//! Not here: finding it out (`flow`), what comes back (`state`).

use serde::{Deserialize, Serialize};

use crate::oauth::authentication_method::AuthenticationMethod;
use crate::oauth_client::client_auth;
use crate::oauth_client::metadata::IssuerMetadata;
use crate::oauth_client::registration::RegistrationWay;

/// Where tokens will come from, and for what. Written down before the redirect, and all that an answer is held to (RFC
/// 9207).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenSource {
    /// The authorization server, as it writes itself.
    pub issuer: String,
    /// Whether its answers carry `iss`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub iss_parameter: bool,
    /// Where the code is redeemed.
    pub token_endpoint: String,
    /// Where tokens are revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<String>,
    /// What the tokens are for (RFC 8707), verbatim; none where an operator said that the issuer must not be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// What is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// One trip to an authorization server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What it is for.
    pub source: TokenSource,
    /// Where the browser is sent.
    pub authorization_endpoint: String,
    /// Who the gateway will be there.
    pub way: RegistrationWay,
    /// How it authenticates there, if it gets a secret.
    pub method: AuthenticationMethod,
}

impl Plan {
    /// At an issuer, for a resource and a scope.
    pub fn new(issuer: &IssuerMetadata, resource: Option<String>, scope: Option<String>, way: RegistrationWay) -> Self {
        let source = TokenSource {
            issuer: issuer.issuer.clone(),
            iss_parameter: issuer.iss_parameter,
            token_endpoint: issuer.token_endpoint.to_string(),
            revocation_endpoint: issuer.revocation_endpoint.as_ref().map(ToString::to_string),
            resource,
            scope,
        };
        let methods = issuer.auth_methods.as_deref();
        let method = match way {
            RegistrationWay::Register(_) => client_auth::method_to_register_with(methods),
            RegistrationWay::Configured | RegistrationWay::Document => client_auth::choose_method(methods, true),
        };
        Self { source, authorization_endpoint: issuer.authorization_endpoint.to_string(), way, method }
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::oauth_client::metadata::fallback;

    #[test]
    fn what_was_found_is_written_down_as_it_was() {
        let issuer = fallback(&Url::parse("https://up.example/mcp").unwrap());
        let way = RegistrationWay::Register("https://up.example/register".into());
        let plan = Plan::new(&issuer, Some("https://up.example".into()), Some("a".into()), way);
        let golden = r#"{"source":{"issuer":"https://up.example","token_endpoint":"https://up.example/token","resource":"https://up.example","scope":"a"},"authorization_endpoint":"https://up.example/authorize","way":{"register":"https://up.example/register"},"method":"client_secret_basic"}"#;
        assert_eq!(serde_json::to_string(&plan).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Plan>(golden).unwrap(), plan);
        let mut untold = plan;
        untold.source.resource = None;
        let golden = golden.replace(r#","resource":"https://up.example""#, "");
        assert_eq!(serde_json::to_string(&untold).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Plan>(&golden).unwrap(), untold);
    }
}
