//! The shape of the login: who people are, and what of them ends when they leave.
//!
//! Not here: what the values must satisfy (`config::login`).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

#[cfg(not(target_arch = "wasm32"))]
use schemars::JsonSchema;
use serde::Deserialize;

use super::credentials::SecretDocument;
use super::policy::RolesDocument;

pub(in crate::config) const SESSION_TTL: RangeInclusive<u64> = 1..=2_592_000;
pub(in crate::config) const RECHECK: RangeInclusive<u64> = 1..=2_592_000;

/// The identity provider.
#[derive(Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema), schemars(tag = "kind"))]
#[serde(rename_all = "snake_case", deny_unknown_fields, expecting = "an object with a \"kind\"")]
pub(in crate::config) enum LoginDocument {
    /// Accounts without passwords, for development: only while the gateway's origin is this machine.
    Dev {
        /// The accounts to choose from. Without it: alice and bob.
        #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Option<Vec<AccountDocument>>"))]
        accounts: Option<Vec<Option<AccountDocument>>>,
        /// How long a browser stays signed in.
        #[serde(default = "eight_hours")]
        #[cfg_attr(not(target_arch = "wasm32"), schemars(range(min = *SESSION_TTL.start(), max = *SESSION_TTL.end())))]
        session_ttl_seconds: u64,
    },
    /// An `OpenID` Connect provider.
    Oidc {
        /// Its issuer, exactly as its discovery document writes it, trailing slash included.
        #[cfg_attr(not(target_arch = "wasm32"), schemars(required))]
        issuer: Option<String>,
        /// The gateway's client id there.
        #[cfg_attr(not(target_arch = "wasm32"), schemars(required))]
        client_id: Option<String>,
        /// The gateway's client secret there; none for a public client.
        client_secret: Option<SecretDocument>,
        /// The scopes to ask for. Without it: openid, profile and email.
        #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Option<Vec<String>>"))]
        scopes: Option<Vec<Option<String>>>,
        /// Where people's roles come from. Without it nobody has any.
        roles: Option<RolesDocument>,
        /// What the provider wants to be asked beside the protocol's own parameters, such as `audience` or `hd`.
        #[serde(default)]
        #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "BTreeMap<String, String>"))]
        parameters: BTreeMap<String, Option<String>>,
        /// Who may sign in: claims of the ID token, each with the values of which one is needed. Without it: all.
        #[serde(default)]
        #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "BTreeMap<String, Vec<String>>"))]
        require: BTreeMap<String, Option<Vec<Option<String>>>>,
        /// What ends when the provider says that somebody signed out (`OpenID` Connect Back-Channel Logout).
        #[serde(default)]
        backchannel_logout: BackchannelLogout,
        /// After how long the provider is asked again about somebody whose client or agent asks for tokens. Without it: never.
        #[cfg_attr(not(target_arch = "wasm32"), schemars(range(min = *RECHECK.start(), max = *RECHECK.end())))]
        recheck_seconds: Option<u64>,
        /// How long a browser stays signed in.
        #[serde(default = "eight_hours")]
        #[cfg_attr(not(target_arch = "wasm32"), schemars(range(min = *SESSION_TTL.start(), max = *SESSION_TTL.end())))]
        session_ttl_seconds: u64,
    },
    /// An Auth0 tenant.
    Auth0 {
        /// The tenant's host name alone, such as `my-tenant.us.auth0.com`: no scheme, no path, no port.
        #[cfg_attr(not(target_arch = "wasm32"), schemars(required))]
        auth0_domain: Option<String>,
        /// The gateway's client id there.
        #[cfg_attr(not(target_arch = "wasm32"), schemars(required))]
        client_id: Option<String>,
        /// The gateway's client secret there; none for a public client.
        client_secret: Option<SecretDocument>,
        /// The scopes to ask for. Without it: openid, profile and email.
        #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Option<Vec<String>>"))]
        scopes: Option<Vec<Option<String>>>,
        /// Where people's roles come from. Without it nobody has any.
        roles: Option<RolesDocument>,
        /// What the provider wants to be asked beside the protocol's own parameters, such as `audience` or `hd`.
        #[serde(default)]
        #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "BTreeMap<String, String>"))]
        parameters: BTreeMap<String, Option<String>>,
        /// Who may sign in: claims of the ID token, each with the values of which one is needed. Without it: all.
        #[serde(default)]
        #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "BTreeMap<String, Vec<String>>"))]
        require: BTreeMap<String, Option<Vec<Option<String>>>>,
        /// What ends when the provider says that somebody signed out (`OpenID` Connect Back-Channel Logout).
        #[serde(default)]
        backchannel_logout: BackchannelLogout,
        /// After how long the provider is asked again about somebody whose client or agent asks for tokens. Without it: never.
        #[cfg_attr(not(target_arch = "wasm32"), schemars(range(min = *RECHECK.start(), max = *RECHECK.end())))]
        recheck_seconds: Option<u64>,
        /// How long a browser stays signed in.
        #[serde(default = "eight_hours")]
        #[cfg_attr(not(target_arch = "wasm32"), schemars(range(min = *SESSION_TTL.start(), max = *SESSION_TTL.end())))]
        session_ttl_seconds: u64,
    },
    /// GitHub, which is no `OpenID` provider: who somebody is, its API says.
    Github {
        /// Where an Enterprise Server is, such as `https://github.example.com`. Without it: `https://github.com`.
        url: Option<String>,
        /// The OAuth app's client id.
        #[cfg_attr(not(target_arch = "wasm32"), schemars(required))]
        client_id: Option<String>,
        /// The OAuth app's client secret.
        #[cfg_attr(not(target_arch = "wasm32"), schemars(required))]
        client_secret: Option<SecretDocument>,
        /// Where people's roles come from: `organizations`, or `teams` as `organization/team`.
        roles: Option<RolesDocument>,
        /// Parameters that an authorization request has beside the protocol's.
        #[serde(default)]
        #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "BTreeMap<String, String>"))]
        parameters: BTreeMap<String, Option<String>>,
        /// Who may sign in: `organizations`, `teams` or `login`, with the values of which one is needed.
        #[serde(default)]
        #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "BTreeMap<String, Vec<String>>"))]
        require: BTreeMap<String, Option<Vec<Option<String>>>>,
        /// How long a browser stays signed in.
        #[serde(default = "eight_hours")]
        #[cfg_attr(not(target_arch = "wasm32"), schemars(range(min = *SESSION_TTL.start(), max = *SESSION_TTL.end())))]
        session_ttl_seconds: u64,
    },
    /// A sign-in page of the operator's own, whose server says who signed in.
    Page {
        /// Where people sign in, such as `https://app.example.com/sign-in`.
        #[cfg_attr(not(target_arch = "wasm32"), schemars(required))]
        url: Option<String>,
        /// What the page's server proves itself with at `/login/complete`; 20 characters at least.
        #[cfg_attr(not(target_arch = "wasm32"), schemars(required))]
        secret: Option<SecretDocument>,
        /// What the ids of its people begin with. Without it: `page`.
        alias: Option<String>,
        /// How long a browser stays signed in.
        #[serde(default = "eight_hours")]
        #[cfg_attr(not(target_arch = "wasm32"), schemars(range(min = *SESSION_TTL.start(), max = *SESSION_TTL.end())))]
        session_ttl_seconds: u64,
    },
}

/// An account of the development login.
#[derive(Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(deny_unknown_fields, expecting = "an object with a \"subject\"")]
pub(in crate::config) struct AccountDocument {
    /// What identifies the account, such as `alice`.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(required))]
    pub(in crate::config) subject: Option<String>,
    /// The person's name.
    pub(in crate::config) name: Option<String>,
    /// The person's address.
    pub(in crate::config) email: Option<String>,
    /// The person's roles.
    #[serde(default)]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Vec<String>"))]
    pub(in crate::config) roles: Vec<Option<String>>,
}

/// What ends when the identity provider says that somebody signed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(rename_all = "snake_case", expecting = "\"sessions\" or \"everything\"")]
pub enum BackchannelLogout {
    /// Browser sessions, and what clients may do that was not granted `offline_access`.
    #[default]
    Sessions,
    /// All of that person's: every client, every API key and every account at a server.
    Everything,
}

fn eight_hours() -> u64 {
    8 * 60 * 60
}
