//! The one table of endpoints: dispatch, allowed methods, who may call across origins, and the URLs in metadata all
//! come from it.
//!
//! Not here: what an endpoint does (`flow`), whether a host or an origin is believed (`origin`).

mod at_host;
mod issuer;
mod resource;

use crate::config::{Config, Server};
use crate::secret::Digested;
use issuer::{CALLBACK, DOCUMENT, DOCUMENT_END};
pub use issuer::{issuer_callback_path, issuer_document_path, named_issuer, of_issuer, unnamed_document_path};
use resource::RESOURCE;
pub use resource::ResourceForm;

/// The endpoints whose path is fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// The servers and how to add each to a client.
    Index,
    /// Is the Worker up: nothing else.
    Healthz,
    /// Is it ready, and for what.
    Status,
    /// OAuth 2.1 §3.1.
    Authorize,
    /// The consent page's form.
    Consent,
    /// OAuth 2.1 §3.2.
    Token,
    /// RFC 7591.
    Register,
    /// RFC 7009.
    Revoke,
    /// RFC 7662.
    Introspect,
    /// Where the identity provider says that somebody signed out.
    BackchannelLogout,
    /// RFC 8414's `jwks_uri`.
    Jwks,
    /// Where authorization servers send people back to at which an operator registered the gateway: one place for all
    /// (P7).
    UpstreamCallback,
    /// The gateway's own client metadata document as it was before each issuer had one.
    ClientMetadata,
    /// What a person has connected and allowed.
    Connections,
    /// What was written down of a person's own request.
    OwnRequest,
    /// Sign-in at the gateway.
    Login,
    /// Where the identity provider, or the development sign-in, comes back to.
    LoginCallback,
    /// Where the server of a sign-in page says who signed in there.
    LoginComplete,
    /// Sign-out.
    Logout,
    /// The console's first page, for operators.
    Admin,
    /// The servers, for operators.
    AdminServers,
    /// People, for operators.
    AdminPeople,
    /// Clients, for operators.
    AdminClients,
    /// The configuration, for operators.
    AdminConfig,
    /// The configuration before that, for operators.
    AdminRollback,
    /// Which deployment this is, for whoever made it.
    Deployment,
    /// Who has signed in with an address, for the operator.
    AdminSubjects,
    /// Why somebody may use something, for the operator.
    Explain,
    /// The API keys of services and people, for the operator.
    AdminKeys,
    /// How often, how long and why, for the operator.
    Metrics,
    /// The same since the beginning, for what scrapes it.
    MetricsText,
    /// The authorization log, for the operator.
    AdminLog,
    /// What support needs of a request, for the operator.
    SupportBundle,
}

/// Who may call an endpoint from a browser page of another origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cors {
    /// Anybody: public documents.
    Public,
    /// Allowed origins only: endpoints that browser clients call.
    Api,
    /// Nobody: pages and operator endpoints.
    None,
}

struct Row {
    endpoint: Endpoint,
    path: &'static str,
    allow: &'static str,
    cors: Cors,
}

const ROWS: &[Row] = &[
    Row { endpoint: Endpoint::Index, path: "/", allow: "GET", cors: Cors::None },
    Row { endpoint: Endpoint::Healthz, path: "/healthz", allow: "GET", cors: Cors::Public },
    Row { endpoint: Endpoint::Status, path: "/status", allow: "GET", cors: Cors::None },
    Row { endpoint: Endpoint::Authorize, path: "/oauth/authorize", allow: "GET", cors: Cors::None },
    Row { endpoint: Endpoint::Consent, path: "/oauth/consent", allow: "POST", cors: Cors::None },
    Row { endpoint: Endpoint::Token, path: "/oauth/token", allow: "POST", cors: Cors::Api },
    Row { endpoint: Endpoint::Register, path: "/oauth/register", allow: "POST", cors: Cors::Api },
    Row { endpoint: Endpoint::Revoke, path: "/oauth/revoke", allow: "POST", cors: Cors::Api },
    Row { endpoint: Endpoint::Introspect, path: "/oauth/introspect", allow: "POST", cors: Cors::None },
    Row { endpoint: Endpoint::BackchannelLogout, path: "/oauth/backchannel-logout", allow: "POST", cors: Cors::None },
    Row { endpoint: Endpoint::Jwks, path: "/oauth/jwks", allow: "GET", cors: Cors::Public },
    Row { endpoint: Endpoint::UpstreamCallback, path: "/oauth/upstream-callback", allow: "GET", cors: Cors::None },
    Row { endpoint: Endpoint::ClientMetadata, path: "/oauth/client-metadata.json", allow: "GET", cors: Cors::Public },
    Row { endpoint: Endpoint::Connections, path: "/connections", allow: "GET, POST", cors: Cors::None },
    Row { endpoint: Endpoint::OwnRequest, path: "/connections/request", allow: "GET", cors: Cors::None },
    Row { endpoint: Endpoint::Login, path: "/login", allow: "GET", cors: Cors::None },
    Row { endpoint: Endpoint::LoginCallback, path: "/login/callback", allow: "GET, POST", cors: Cors::None },
    Row { endpoint: Endpoint::LoginComplete, path: "/login/complete", allow: "POST", cors: Cors::None },
    Row { endpoint: Endpoint::Logout, path: "/logout", allow: "GET, POST", cors: Cors::None },
    Row { endpoint: Endpoint::Admin, path: "/admin", allow: "GET", cors: Cors::None },
    Row { endpoint: Endpoint::AdminServers, path: "/admin/servers", allow: "GET, POST", cors: Cors::None },
    Row { endpoint: Endpoint::AdminPeople, path: "/admin/people", allow: "GET, POST", cors: Cors::None },
    Row { endpoint: Endpoint::AdminClients, path: "/admin/clients", allow: "GET, POST", cors: Cors::None },
    Row { endpoint: Endpoint::AdminConfig, path: "/admin/config", allow: "GET, PUT, POST", cors: Cors::None },
    Row { endpoint: Endpoint::AdminRollback, path: "/admin/config/rollback", allow: "POST", cors: Cors::None },
    Row { endpoint: Endpoint::Deployment, path: "/admin/deployment", allow: "GET", cors: Cors::None },
    Row { endpoint: Endpoint::AdminSubjects, path: "/admin/subjects", allow: "GET", cors: Cors::None },
    Row { endpoint: Endpoint::SupportBundle, path: "/admin/bundle", allow: "GET", cors: Cors::None },
    Row { endpoint: Endpoint::AdminLog, path: "/admin/log", allow: "GET", cors: Cors::None },
    Row { endpoint: Endpoint::Explain, path: "/admin/explain", allow: "POST", cors: Cors::None },
    Row { endpoint: Endpoint::AdminKeys, path: "/admin/keys", allow: "GET, POST, DELETE", cors: Cors::None },
    Row { endpoint: Endpoint::Metrics, path: "/admin/metrics", allow: "GET", cors: Cors::None },
    Row { endpoint: Endpoint::MetricsText, path: "/admin/metrics.prom", allow: "GET", cors: Cors::None },
];

/// Where servers are that have no path of their own.
pub const SERVERS: &str = "/v1/mcp/";
const CONNECT: &str = "/connect/";
const SUBJECT: &str = "/admin/subjects/";
const SHARED: &str = "/admin/servers/";
const SHARED_END: &str = "/connection";
const CHECK_END: &str = "/check";
const METADATA: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route<'a> {
    /// A fixed endpoint.
    Endpoint(Endpoint),
    /// An MCP server's own path.
    Mcp(&'a Server),
    /// Where people connect what should be a server, by its slug.
    Connect(&'a str),
    /// Where one issuer sends people back to.
    IssuerCallback,
    /// The gateway's client metadata document for one issuer, by the issuer as [`issuer_document_path`] writes it or by
    /// its digest.
    IssuerClientMetadata(&'a str),
    /// The connection that an operator makes for everybody, by the server's slug.
    SharedConnection(&'a str),
    /// Checking a server, by its slug, for the operator.
    ServerCheck(&'a str),
    /// Everything of one subject, percent-encoded, for the operator.
    Subject(&'a str),
    /// A path in the default place of servers that names none of them.
    NoSuchServer(&'a str),
    /// That place itself, without a slug.
    NoSlug,
    /// A path that would be known without the slashes at its end: what is left of it.
    TrailingSlash(&'a str),
    /// RFC 9728 metadata of a server.
    ProtectedResource(&'a Server),
    /// RFC 9728 metadata at the root.
    ProtectedResourceRoot,
    /// RFC 8414 metadata, also at the places where clients look for it by mistake.
    AuthorizationServer,
    /// OpenID Connect discovery, likewise.
    OpenIdConfiguration,
    /// The front page of a server's own host.
    HostFront(&'a Server),
    /// A path that a server's own host does not serve; the gateway itself may.
    NotAtHost(&'a str),
    /// None of ours.
    Unknown,
}

impl<'a> Route<'a> {
    /// Finds the route of a path.
    pub fn find(config: Option<&'a Config>, path: &'a str) -> Self {
        if let Some(row) = ROWS.iter().find(|row| row.path == path) {
            return Self::Endpoint(row.endpoint);
        }
        let slug = |rest: &'a str| Some(rest).filter(|rest| !rest.is_empty() && !rest.contains('/'));
        if let Some(slug) = path.strip_prefix(CONNECT).and_then(slug) {
            return Self::Connect(slug);
        }
        if path.strip_prefix(CALLBACK).is_some_and(Digested::is_one) {
            return Self::IssuerCallback;
        }
        let document = path.strip_prefix(DOCUMENT).and_then(|rest| rest.strip_suffix(DOCUMENT_END));
        if let Some(issuer) = document.filter(|issuer| Digested::is_one(issuer) || named_issuer(issuer).is_some()) {
            return Self::IssuerClientMetadata(issuer);
        }
        if let Some(subject) = path.strip_prefix(SUBJECT).filter(|subject| !subject.is_empty()) {
            return Self::Subject(subject);
        }
        let shared = path.strip_prefix(SHARED).and_then(|rest| rest.strip_suffix(SHARED_END));
        if let Some(slug) = shared.and_then(slug) {
            return Self::SharedConnection(slug);
        }
        let checked = path.strip_prefix(SHARED).and_then(|rest| rest.strip_suffix(CHECK_END));
        if let Some(slug) = checked.and_then(slug) {
            return Self::ServerCheck(slug);
        }
        let Some(config) = config else { return Self::Unknown };
        if let Some(server) = config.server_at(path) {
            return Self::Mcp(server);
        }
        // Clients insert the well-known part before the server's path (RFC 8414 §3.1, RFC 9728 §3.1) or append it
        // after.
        for (document, known) in [(RESOURCE, 0), (METADATA, 1), (OPENID, 2)] {
            let rest = path.strip_prefix(document).or_else(|| path.strip_suffix(document));
            match (rest.map(|rest| rest.strip_suffix('/').unwrap_or(rest)), known) {
                (Some(""), 0) => return Self::ProtectedResourceRoot,
                (Some(rest), 0) => {
                    return config.server_at(rest).map_or(Self::elsewhere(config, rest), Self::ProtectedResource);
                }
                (Some(rest), _) if !rest.is_empty() && config.server_at(rest).is_none() => {
                    return Self::elsewhere(config, rest);
                }
                (Some(_), 1) => return Self::AuthorizationServer,
                (Some(_), _) => return Self::OpenIdConfiguration,
                (None, _) => {}
            }
        }
        Self::elsewhere(config, path)
    }

    /// The methods that work here, as `Allow` lists them.
    pub fn allow(&self) -> &'static str {
        match self {
            Self::Endpoint(endpoint) => endpoint.row().map_or("", |row| row.allow),
            Self::Mcp(_) | Self::SharedConnection(_) => "POST, DELETE",
            Self::Connect(_) => "GET, POST",
            Self::ServerCheck(_) => "POST",
            Self::Subject(_) => "DELETE",
            _ => "GET",
        }
    }

    /// Whether a method works here; HEAD is GET without the body.
    pub fn allows(&self, method: &str) -> bool {
        let method = if method == "HEAD" { "GET" } else { method };
        self.allow().split(", ").any(|allowed| allowed == method)
    }

    /// Who may call it across origins.
    pub fn cors(&self) -> Cors {
        match self {
            Self::Endpoint(endpoint) => endpoint.row().map_or(Cors::None, |row| row.cors),
            Self::Mcp(_) | Self::NoSuchServer(_) | Self::NoSlug | Self::TrailingSlash(_) => Cors::Api,
            Self::Connect(_)
            | Self::IssuerCallback
            | Self::SharedConnection(_)
            | Self::ServerCheck(_)
            | Self::Subject(_)
            | Self::HostFront(_)
            | Self::Unknown => Cors::None,
            _ => Cors::Public,
        }
    }

    /// Its name in logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Endpoint(endpoint) => endpoint.path(),
            Self::Mcp(_) => "mcp",
            Self::Connect(_) => "connect",
            Self::IssuerCallback => Endpoint::UpstreamCallback.path(),
            Self::IssuerClientMetadata(_) => Endpoint::ClientMetadata.path(),
            Self::SharedConnection(_) => "shared-connection",
            Self::ServerCheck(_) => "server-check",
            Self::Subject(_) => "subject",
            Self::NoSuchServer(_) => "no-such-server",
            Self::NoSlug => "no-slug",
            Self::TrailingSlash(_) => "trailing-slash",
            Self::ProtectedResource(_) | Self::ProtectedResourceRoot => RESOURCE,
            Self::AuthorizationServer => METADATA,
            Self::OpenIdConfiguration => OPENID,
            Self::HostFront(_) => "server-front",
            Self::NotAtHost(_) => "not-at-host",
            Self::Unknown => "unknown",
        }
    }

    /// Whether a person's browser is meant to show the answer.
    pub fn is_page(&self) -> bool {
        matches!(
            self,
            Self::Connect(_)
                | Self::IssuerCallback
                | Self::HostFront(_)
                | Self::Endpoint(
                    Endpoint::Index
                        | Endpoint::Authorize
                        | Endpoint::Consent
                        | Endpoint::Connections
                        | Endpoint::OwnRequest
                        | Endpoint::Login
                        | Endpoint::LoginCallback
                        | Endpoint::Logout
                        | Endpoint::UpstreamCallback
                )
        )
    }

    /// What a path that is none of ours looks like.
    fn elsewhere(config: &'a Config, path: &'a str) -> Self {
        let bare = path.trim_end_matches('/');
        let known = || !matches!(Self::find(Some(config), bare), Self::Unknown | Self::NoSuchServer(_) | Self::NoSlug);
        match bare {
            bare if bare.len() < path.len() && !bare.is_empty() && known() => Self::TrailingSlash(bare),
            "/v1/mcp" | "/mcp" => Self::NoSlug,
            _ => Self::no_such_server(path),
        }
    }

    fn no_such_server(path: &'a str) -> Self {
        let slug = path.strip_prefix(SERVERS).or_else(|| path.strip_prefix('/')?.strip_suffix("/mcp"));
        slug.filter(|slug| !slug.is_empty() && !slug.contains('/')).map_or(Self::Unknown, Self::NoSuchServer)
    }
}

impl Endpoint {
    /// Its path.
    pub fn path(self) -> &'static str {
        self.row().map_or("", |row| row.path)
    }

    fn row(self) -> Option<&'static Row> {
        ROWS.iter().find(|row| row.endpoint == self)
    }
}

/// Where people connect a server.
pub fn connect_path(slug: &str) -> String {
    format!("{CONNECT}{slug}")
}

/// Where an operator connects a server for everybody.
pub fn shared_connection_path(slug: &str) -> String {
    format!("{SHARED}{slug}{SHARED_END}")
}
