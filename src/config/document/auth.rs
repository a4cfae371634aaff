//! The shape of a server's `auth`: what the gateway authenticates with there.
//!
//! Not here: what the values must satisfy (`config::auth`).

use std::collections::BTreeMap;

#[cfg(not(target_arch = "wasm32"))]
use schemars::JsonSchema;
use serde::Deserialize;

use super::credentials::SecretDocument;
use crate::oauth::authentication_method::AuthenticationMethod;

/// What the gateway authenticates with at a server.
#[derive(Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema), schemars(tag = "kind"))]
#[serde(rename_all = "snake_case", deny_unknown_fields, expecting = "an object with a \"kind\"")]
pub(in crate::config) enum AuthDocument {
    /// Nothing.
    None {},
    /// Headers: the same for everyone, or with values that each person enters.
    Headers {
        /// Values by header name.
        #[cfg_attr(not(target_arch = "wasm32"), schemars(required))]
        headers: Option<BTreeMap<String, HeaderDocument>>,
    },
    /// An OAuth connection: each person's own, made once in the browser, or one for everybody.
    Oauth(OAuthDocument),
    /// A token of the gateway's own, by the client credentials grant.
    ClientCredentials(ClientCredentialsDocument),
}

impl Default for AuthDocument {
    fn default() -> Self {
        Self::None {}
    }
}

/// The value of a header: literal text, a secret that holds the whole value (`Bearer …` included), or what each person enters.
#[derive(Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(
    untagged,
    expecting = "literal text, {\"secret\": \"NAME\"} for a value that must not be read here, or {\"person\": \
                 \"label\"} for a value that each person enters"
)]
pub(in crate::config) enum HeaderDocument {
    /// Text that anyone may read.
    Literal(String),
    /// A secret of the deployment.
    Secret(SecretDocument),
    /// A value of each person's own.
    Person(PersonDocument),
}

/// A value that each person enters when they connect the server: an API key of their own.
#[derive(Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(deny_unknown_fields, expecting = "an object with a \"person\"")]
pub(in crate::config) struct PersonDocument {
    /// What the field is called on the page, such as `Your API key`.
    pub(in crate::config) person: String,
}

/// An OAuth connection to a server.
#[derive(Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(in crate::config) struct OAuthDocument {
    /// Whether an operator connects the server once for everybody. Otherwise each person connects an account of their own.
    #[serde(default)]
    pub(in crate::config) shared: bool,
    /// When a person is asked to connect. Without it: while their client is authorized.
    pub(in crate::config) connect: Option<ConnectTime>,
    /// The scope to ask for, sent exactly as it stands here. Without it: what the server's challenge or metadata names.
    pub(in crate::config) scope: Option<String>,
    /// The only authorization server to connect at, exactly as its metadata writes its issuer. Without it: the one the server names.
    pub(in crate::config) issuer: Option<String>,
    /// Whether the authorization server is told which server a token is for (RFC 8707). `false` needs `issuer`, or both endpoints.
    pub(in crate::config) send_resource: Option<bool>,
    /// The gateway's client there, registered beforehand. Without it the gateway presents its metadata document or registers itself.
    pub(in crate::config) client: Option<UpstreamClientDocument>,
}

/// When a person is asked to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(rename_all = "snake_case", expecting = "one of the two times")]
pub enum ConnectTime {
    /// While a client is authorized for the server; it can be skipped there.
    #[default]
    Authorization,
    /// At the first call that needs it.
    FirstCall,
}

/// The gateway as a client of an upstream's authorization server, registered there by the operator.
#[derive(Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(deny_unknown_fields, expecting = "an object with a \"client_id\"")]
pub(in crate::config) struct UpstreamClientDocument {
    /// The id the authorization server gave to this gateway.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(required))]
    pub(in crate::config) client_id: Option<String>,
    /// Its secret; none for a public client. A client with a secret needs `issuer`, or both endpoints: the secret is only ever
    /// sent to a place that the operator named.
    pub(in crate::config) client_secret: Option<SecretDocument>,
    /// How the secret is sent. Without it: as the authorization server's metadata says, else by HTTP Basic.
    pub(in crate::config) token_endpoint_auth_method: Option<AuthenticationMethod>,
    /// Where people are sent to. Without it: from the metadata.
    pub(in crate::config) authorization_endpoint: Option<String>,
    /// Where tokens come from. Without it: from the metadata.
    pub(in crate::config) token_endpoint: Option<String>,
    /// Where tokens are revoked when a person disconnects. Without it: from the metadata, if at all.
    pub(in crate::config) revocation_endpoint: Option<String>,
    /// The redirect URI that is registered for the gateway. Without it: `/oauth/upstream-callback` on the gateway's origin.
    pub(in crate::config) redirect_uri: Option<String>,
}

/// The gateway as a client that acts for itself (RFC 6749 section 4.4). It needs `issuer` or `token_endpoint`: the secret is only
/// ever sent to a place that the operator named, never to one that the server names.
#[derive(Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(deny_unknown_fields, expecting = "an object with \"client_id\" and \"client_secret\"")]
pub(in crate::config) struct ClientCredentialsDocument {
    /// The id the authorization server gave to this gateway.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(required))]
    pub(in crate::config) client_id: Option<String>,
    /// Its secret.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(required))]
    pub(in crate::config) client_secret: Option<SecretDocument>,
    /// The authorization server, exactly as its metadata writes its issuer: the token endpoint is looked up there.
    pub(in crate::config) issuer: Option<String>,
    /// Where tokens come from. With it nothing is looked up.
    pub(in crate::config) token_endpoint: Option<String>,
    /// The scope to ask for, sent exactly as it stands here. Without it none is sent.
    pub(in crate::config) scope: Option<String>,
    /// The resource to ask a token for (RFC 8707), sent exactly as it stands here. Without it none is sent.
    pub(in crate::config) resource: Option<String>,
    /// How the secret is sent. Without it: as the authorization server's metadata says, else by HTTP Basic.
    pub(in crate::config) token_endpoint_auth_method: Option<AuthenticationMethod>,
}
