//! The shape of `gateway.json`: what may be written where. The JSON Schema is generated from these types.
//!
//! Required fields are options and lists hold options, so that one missing or mistyped value does not hide the errors
//! after it. Not here: what the values must satisfy. A document only has the right types; the files that prove each
//! part say the rest.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::Deserialize;

use crate::oauth::authentication_method::AuthenticationMethod;

#[cfg(not(target_arch = "wasm32"))]
use schemars::JsonSchema;

mod auth;
mod credentials;
mod issuers;
mod limits;
mod log;
mod login;
mod machine;
mod policy;

pub use auth::ConnectTime;
pub(super) use auth::{AuthDocument, ClientCredentialsDocument, HeaderDocument, OAuthDocument, UpstreamClientDocument};
pub(super) use credentials::SecretDocument;
pub(super) use issuers::{
    IntrospectionDocument, IssuerDocument, IssuerKindDocument, IssuerRolesDocument, TokenTypeDocument,
};
pub(super) use limits::{BODY_BYTES, CONCURRENT, DEPTH, LimitsDocument, RATE, ServerLimitsDocument};
pub(super) use log::{LOG_DAYS, LogDocument};
pub use log::{LogLevel, LoggedCalls, LoggedSubjects};
pub use login::BackchannelLogout;
pub(super) use login::{AccountDocument, LoginDocument, RECHECK, SESSION_TTL};
pub(super) use machine::MachineDocument;
pub(super) use policy::{
    ConditionDocument, FilterDocument, RolesDocument, RuleDocument, ScalarDocument, ScopeDocument,
};

pub(super) const ACCESS_TTL: RangeInclusive<u64> = 1..=86_400;
pub(super) const REFRESH_TTL: RangeInclusive<u64> = 1..=31_536_000;
pub(super) const REFRESH_MAX: RangeInclusive<u64> = 1..=315_360_000;
pub(super) const SERVER_TIMEOUT: RangeInclusive<u64> = 1..=600;
pub(super) const LIST_CACHE: RangeInclusive<u64> = 0..=86_400;

/// The configuration of the MCP gateway.
#[derive(Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema), schemars(title = "gateway.json"))]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(super) struct Document {
    /// Where editors find this schema. Ignored by the gateway.
    #[serde(rename = "$schema")]
    _schema: Option<String>,
    /// The origin clients reach the gateway at, such as `https://mcp.example.com`. Issuer and resource URLs are built from it.
    /// Without it the gateway answers under each allowed host.
    pub(super) public_url: Option<String>,
    /// Hosts (`host[:port]`) the gateway answers under, and those a proxy may name in `X-Forwarded-Host`.
    #[serde(default)]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Vec<String>"))]
    pub(super) allowed_hosts: Vec<Option<String>>,
    /// Origins of web pages (`scheme://host[:port]`) that may call the gateway from a browser.
    #[serde(default)]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Vec<String>"))]
    pub(super) allowed_origins: Vec<Option<String>>,
    /// Who people are: the identity provider they sign in with.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(required))]
    pub(super) login: Option<LoginDocument>,
    /// Which MCP clients may register, and how.
    #[serde(default)]
    pub(super) clients: ClientsDocument,
    /// How long the gateway's own tokens live.
    #[serde(default)]
    pub(super) tokens: TokensDocument,
    /// When a person is asked whether a client may act for them.
    #[serde(default)]
    pub(super) consent: ConsentPolicy,
    /// The upstream MCP servers, by slug: lower-case letters, digits, `-` and `_`.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(required))]
    pub(super) servers: Option<BTreeMap<String, ServerDocument>>,
    /// Scopes beside `mcp:tools`, by name: what rules can ask for.
    #[serde(default)]
    pub(super) scopes: BTreeMap<String, ScopeDocument>,
    /// Which bearer tokens servers take: `own`, `keys`, `agents` and aliases of `issuers`. Without it: the gateway's own access tokens alone.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Option<Vec<String>>"))]
    pub(super) accepts: Option<Vec<Option<String>>>,
    /// Other authorization servers, by an alias that their subjects' ids begin with.
    #[serde(default)]
    pub(super) issuers: BTreeMap<String, IssuerDocument>,
    /// Bounds on what a client may send, and how often.
    #[serde(default)]
    pub(super) limits: LimitsDocument,
    /// Whether the page that lists the servers is shown without signing in.
    #[serde(default)]
    pub(super) public_index: bool,
    /// What the gateway's pages are called and coloured.
    #[serde(default)]
    pub(super) branding: BrandingDocument,
    /// What is logged.
    #[serde(default)]
    pub(super) log: LogDocument,
    /// Who may use the console at `/admin`. Without it there is no console.
    pub(super) operators: Option<OperatorsDocument>,
}

/// Who may use the console.
#[derive(Default, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(deny_unknown_fields, default, expecting = "an object")]
pub(super) struct OperatorsDocument {
    /// People by the id that is on their consent and connections pages, such as `dev:alice`.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Vec<String>"))]
    pub(super) subjects: Vec<Option<String>>,
    /// Whoever has one of these roles.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Vec<String>"))]
    pub(super) roles: Vec<Option<String>>,
}

/// Whose gateway it is.
#[derive(Default, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(deny_unknown_fields, default, expecting = "an object")]
pub(super) struct BrandingDocument {
    /// What people call the gateway, in at most 40 characters. Without it: MCP gateway.
    pub(super) name: Option<String>,
    /// The colour of buttons and links, as `#rrggbb` or `#rgb`. Where it could not be read it is made darker or lighter.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(regex(pattern = "^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$")))]
    pub(super) accent: Option<String>,
}

/// How clients become known to the gateway.
#[derive(Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(deny_unknown_fields, default, expecting = "an object")]
pub(super) struct ClientsDocument {
    /// Whether clients may register themselves (RFC 7591).
    pub(super) dynamic_registration: bool,
    /// Whether a client may be the URL of its metadata document.
    pub(super) metadata_documents: bool,
    /// Patterns with `*` that redirect URIs of such clients must match. Empty: any https or loopback URI.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Vec<String>"))]
    pub(super) redirect_patterns: Vec<Option<String>>,
    /// Clients known beforehand.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Vec<PreregisteredDocument>"))]
    pub(super) preregistered: Vec<Option<PreregisteredDocument>>,
}

impl Default for ClientsDocument {
    fn default() -> Self {
        Self { dynamic_registration: true, metadata_documents: true, redirect_patterns: vec![], preregistered: vec![] }
    }
}

/// A client the operator made known.
#[derive(Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(deny_unknown_fields, expecting = "an object with \"client_id\" and \"redirect_uris\" or \"machine\"")]
pub(super) struct PreregisteredDocument {
    /// Its id, chosen by the operator.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(required))]
    pub(super) client_id: Option<String>,
    /// The name people see when they consent. Without it: the id.
    pub(super) name: Option<String>,
    /// Its secret; none for a public client.
    pub(super) client_secret: Option<SecretDocument>,
    /// Where it may be redirected to, exactly. Needed unless it is a machine.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Vec<String>"))]
    pub(super) redirect_uris: Option<Vec<Option<String>>>,
    /// Its public keys, in place of a secret: a JSON Web Key Set.
    pub(super) jwks: Option<serde_json::Value>,
    /// Where its public keys are, in place of a secret.
    pub(super) jwks_uri: Option<String>,
    /// How it sends its secret. Without it: either way where there is a secret.
    pub(super) token_endpoint_auth_method: Option<AuthenticationMethod>,
    /// Whether it gets only access tokens that are bound to a key of its own (RFC 9449).
    #[serde(default)]
    pub(super) dpop_bound_access_tokens: bool,
    /// For a resource server: the slugs of the servers whose tokens it may ask about (RFC 7662).
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Vec<String>"))]
    pub(super) introspects: Option<Vec<Option<String>>>,
    /// For a program that acts for no person: what it may have by `client_credentials`.
    pub(super) machine: Option<MachineDocument>,
}

/// How long tokens live.
#[expect(clippy::struct_field_names, reason = "each says its unit, as it does where it is written")]
#[derive(Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(deny_unknown_fields, default, expecting = "an object")]
pub(super) struct TokensDocument {
    /// An access token, in seconds.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(range(min = *ACCESS_TTL.start(), max = *ACCESS_TTL.end())))]
    pub(super) access_ttl_seconds: u64,
    /// A refresh token, in seconds since it was last used.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(range(min = *REFRESH_TTL.start(), max = *REFRESH_TTL.end())))]
    pub(super) refresh_ttl_seconds: u64,
    /// What a person allowed a client once, in seconds since they signed in for it, however often it is refreshed.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(range(min = *REFRESH_MAX.start(), max = *REFRESH_MAX.end())))]
    pub(super) refresh_max_seconds: u64,
}

impl Default for TokensDocument {
    fn default() -> Self {
        Self { access_ttl_seconds: 3600, refresh_ttl_seconds: 2_592_000, refresh_max_seconds: 31_536_000 }
    }
}

/// When a person is asked whether a client may act for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(rename_all = "snake_case", expecting = "one of the policy names")]
pub enum ConsentPolicy {
    /// At every authorization.
    Always,
    /// Once per client, scope and server.
    #[default]
    Once,
    /// Never for preregistered clients; once for those that nobody vouches for, except in development on loopback.
    Never,
}

/// Whose a server's catalogue is: what it last said it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(rename_all = "snake_case", expecting = "\"person\" or \"server\"")]
pub enum CatalogueOwner {
    /// Each connected account has its own.
    #[default]
    Person,
    /// Everybody's: what the server lists does not depend on the account.
    Server,
}

/// One upstream MCP server.
#[derive(Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(deny_unknown_fields, expecting = "an object with a \"url\"")]
pub(super) struct ServerDocument {
    /// The name people see. Without it: the slug.
    pub(super) name: Option<String>,
    /// What the server is for, in one sentence.
    pub(super) description: Option<String>,
    /// The server's Streamable HTTP endpoint.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(required))]
    pub(super) url: Option<String>,
    /// The path clients reach it at. Without it: `/v1/mcp/` and the slug.
    pub(super) path: Option<String>,
    /// A host that is this server's alone, such as `docs.mcp.example.com`: clients reach it there at `/mcp` as well.
    pub(super) host: Option<String>,
    /// What the gateway authenticates with.
    #[serde(default)]
    pub(super) auth: AuthDocument,
    /// Whether only access tokens are taken that are bound to a key of the client's (RFC 9449).
    #[serde(default)]
    pub(super) dpop_bound_access_tokens_required: bool,
    /// How long the server may take until it answers, in seconds.
    #[serde(default = "fifty_seconds")]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(range(min = *SERVER_TIMEOUT.start(), max = *SERVER_TIMEOUT.end())))]
    pub(super) timeout_seconds: u64,
    /// Whose the last lists that the gateway keeps are.
    #[serde(default)]
    pub(super) catalogue: CatalogueOwner,
    /// How long lists may be answered from memory, in seconds. Without it: as long as the server says.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(range(min = *LIST_CACHE.start(), max = *LIST_CACHE.end())))]
    pub(super) list_cache_seconds: Option<u64>,
    /// Which bearer tokens it takes. Without it: what the top-level `accepts` says.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Option<Vec<String>>"))]
    pub(super) accepts: Option<Vec<Option<String>>>,
    /// Which of its tools there are. Without it: all.
    pub(super) tools: Option<FilterDocument>,
    /// Which of its prompts there are. Without it: all.
    pub(super) prompts: Option<FilterDocument>,
    /// Which of its resources there are, by URI. Without it: all.
    pub(super) resources: Option<FilterDocument>,
    /// Which of its resource templates there are, by URI template. Without it: all. What may be read is said by `resources`.
    pub(super) resource_templates: Option<FilterDocument>,
    /// How often and how many at once it may be called.
    #[serde(default)]
    pub(super) limits: ServerLimitsDocument,
    /// What callers need for some of them.
    #[serde(default)]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Vec<RuleDocument>"))]
    pub(super) require: Vec<Option<RuleDocument>>,
}

fn fifty_seconds() -> u64 {
    50
}
