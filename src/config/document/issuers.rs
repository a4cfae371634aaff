//! The shape of `issuers`: other authorization servers, and what the gateway takes of them.
//!
//! Not here: what the values must satisfy (`config::issuers`).

use std::collections::BTreeMap;

#[cfg(not(target_arch = "wasm32"))]
use schemars::JsonSchema;
use serde::Deserialize;

use super::credentials::SecretDocument;
use super::policy::RolesDocument;
use crate::oauth::authentication_method::AuthenticationMethod;

/// An issuer beside the gateway.
#[derive(Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(deny_unknown_fields, expecting = "an object with an \"issuer\"")]
pub(in crate::config) struct IssuerDocument {
    /// What the gateway takes of it. Without it: access tokens.
    #[serde(default)]
    pub(in crate::config) kind: IssuerKindDocument,
    /// The issuer, exactly as its tokens and its metadata write it.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(required))]
    pub(in crate::config) issuer: Option<String>,
    /// Where its keys are. Without it: as its metadata says.
    pub(in crate::config) jwks_uri: Option<String>,
    /// The audience its tokens must name. Without it, or as `resource`: the URL of the server that is called, and of a workload the gateway.
    pub(in crate::config) audience: Option<String>,
    /// The `typ` its access tokens have. Without it: `at+jwt`.
    #[serde(default)]
    pub(in crate::config) token_type: TokenTypeDocument,
    /// The gateway's scopes, one space between them, by the scope that an access token has. Without it they are called the same.
    pub(in crate::config) scopes: Option<BTreeMap<String, String>>,
    /// Of access tokens the claim that says roles; of a workload the roles it has.
    pub(in crate::config) roles: Option<IssuerRolesDocument>,
    /// Where access tokens that are no JWTs are asked for (RFC 7662). Without it none are taken.
    pub(in crate::config) introspection: Option<IntrospectionDocument>,
    /// The claims of a workload, by name or JSON pointer, each with the values of which it must have one.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Option<BTreeMap<String, Vec<String>>>"))]
    pub(in crate::config) require: Option<BTreeMap<String, Vec<Option<String>>>>,
    /// What a workload may do, scopes with one space between them. Without it: `mcp:tools`.
    pub(in crate::config) scope: Option<String>,
    /// The clients that may present assertions of people's, by their ids.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Option<Vec<String>>"))]
    pub(in crate::config) clients: Option<Vec<Option<String>>>,
}

/// What the gateway takes of an issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(rename_all = "snake_case", expecting = "\"access_tokens\", \"workload\" or \"id_jag\"")]
pub(in crate::config) enum IssuerKindDocument {
    /// Its access tokens, where a server's `accepts` names it.
    #[default]
    AccessTokens,
    /// Tokens that say which job or pod somebody is, for an access token of the gateway (RFC 7523).
    Workload,
    /// Assertions that let a client act for a person, for an access token of the gateway (enterprise-managed authorization).
    IdJag,
}

/// The `typ` that access tokens have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(expecting = "\"at+jwt\" or \"JWT\"")]
pub(in crate::config) enum TokenTypeDocument {
    /// RFC 9068: no ID token is taken for one.
    #[default]
    #[serde(rename = "at+jwt")]
    AccessToken,
    /// `JWT`, or none: for issuers older than RFC 9068.
    #[serde(rename = "JWT")]
    Jwt,
}

/// A claim that says roles, or the roles.
#[derive(Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(untagged, expecting = "an object with a \"claim\", or a list of roles")]
pub(in crate::config) enum IssuerRolesDocument {
    /// The claim.
    Claim(RolesDocument),
    /// The roles.
    Given(Vec<String>),
}

/// Asking the issuer about its tokens.
#[derive(Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(deny_unknown_fields, expecting = "an object with \"client_id\" and \"client_secret\"")]
pub(in crate::config) struct IntrospectionDocument {
    /// Where it is asked. Without it: as its metadata says.
    pub(in crate::config) endpoint: Option<String>,
    /// The id the issuer gave to this gateway.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(required))]
    pub(in crate::config) client_id: Option<String>,
    /// Its secret.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(required))]
    pub(in crate::config) client_secret: Option<SecretDocument>,
    /// How the secret is sent. Without it: by HTTP Basic.
    pub(in crate::config) token_endpoint_auth_method: Option<AuthenticationMethod>,
    /// Whether the issuer is asked about its JWTs too: one that it has revoked is then refused within a minute.
    #[serde(default)]
    pub(in crate::config) jwts: bool,
}
