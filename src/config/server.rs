//! The upstream servers: each a slug, an address, a path of its own.
//!
//! Not here: talking to them.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;

use url::Url;

use crate::time::Lifetime;

use super::accepts::Accepts;
use super::auth::{Auth, Value};
use super::document::{CatalogueOwner, LIST_CACHE, SERVER_TIMEOUT, ServerDocument};
use super::limits::ServerLimits;
use super::origin::{Origin, web_url};
use super::policy::Known;
use super::report::{Complaint, Pointer, Report, shown};
use super::{accepts, auth, limits, policy, text};
use crate::policy::{PerKind, Policy};

/// First segments of the gateway's own routes.
const OWN: &[&str] =
    &[".well-known", "admin", "connect", "connections", "healthz", "login", "logout", "oauth", "status"];

/// A server's name in paths, records and logs: lower-case letters, digits, `-` and `_`, 64 at most.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slug(String);

impl Slug {
    fn parse(text: &str) -> Result<Self, Complaint> {
        let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let legal = |byte: u8| word(byte) || b"-_".contains(&byte);
        if text.len() <= 64 && text.bytes().next().is_some_and(word) && text.bytes().all(legal) {
            return Ok(Self(text.to_owned()));
        }
        let problem = format!("{} is not a slug", shown(text));
        Err(Complaint::new(problem, "write lower-case letters, digits, - and _, 64 at most, a letter or digit first"))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Lets a map of servers be asked with the text of a request.
impl Borrow<str> for Slug {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// One upstream MCP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its slug.
    pub slug: Slug,
    /// The name people see.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Its Streamable HTTP endpoint.
    pub url: Url,
    /// The path clients reach it at; no other server has it.
    pub path: String,
    /// The origin of the host that is this server's alone.
    pub host: Option<Origin>,
    /// What the gateway authenticates with there.
    pub auth: Auth,
    /// How long it may take until it answers.
    pub timeout: Lifetime,
    /// Whose the last lists that the gateway keeps of it are.
    pub catalogue: CatalogueOwner,
    /// How long its lists may be answered from memory, where the operator says so.
    pub list_cache: Option<Lifetime>,
    /// Which bearer tokens are taken for it.
    pub accepts: Accepts,
    /// Whether it takes no access token that is not bound to a key.
    pub requires_dpop: bool,
    /// How often and how many at once it may be called.
    pub limits: ServerLimits,
    /// Who may see and use what of it.
    pub policy: Policy,
}

impl Server {
    /// Whether each person connects this server with something of their own: an account there, or a value they enter.
    pub fn is_personal(&self) -> bool {
        match &self.auth {
            Auth::OAuth(oauth) => !oauth.shared,
            Auth::Headers(headers) => headers.iter().any(|(_, value)| matches!(value, Value::Person { .. })),
            Auth::None | Auth::ClientCredentials(_) => false,
        }
    }

    /// Whether an operator connects this server once for everybody.
    pub fn is_connected_by_operator(&self) -> bool {
        matches!(&self.auth, Auth::OAuth(oauth) if oauth.shared)
    }

    /// Whether it takes bearer tokens that `accepts` calls so.
    pub fn takes(&self, way: &str) -> bool {
        match way {
            "own" => self.accepts.own,
            "keys" => self.accepts.keys,
            "agents" if self.accepts.agents => true,
            alias => self.accepts.issuers.iter().any(|known| known == alias),
        }
    }

    /// What a stored connection has to agree with, one item per line: once it reads differently, the connection is
    /// another server's or of another kind. Never a secret. A client's id is left out: a connection carries the client
    /// it was made with, so a changed registration strands nobody. Nor is the issuer here, see
    /// [`super::OAuth::admits_issuer`].
    pub fn binding(&self) -> String {
        let mut lines = vec![self.url.as_str()];
        lines.extend(self.auth.binding());
        lines.join("\n")
    }
}

/// Proves every server, and that no two can be mistaken for each other.
pub(super) fn prove(
    documents: BTreeMap<String, ServerDocument>,
    public_url: Option<&Origin>,
    known: Known<'_>,
    accepts: &Accepts,
    at: &Pointer,
    report: &mut Report,
) -> BTreeMap<Slug, Server> {
    let mut servers: BTreeMap<Slug, Server> = BTreeMap::new();
    for (slug, document) in documents {
        let at = at.child(&slug);
        let slug = report.check(&at, Slug::parse(&slug));
        let host = document.host.as_deref().and_then(|host| own_host(host, public_url, &at.child("host"), report));
        let Some(server) = prove_server(slug, document, known, accepts, &at, report) else { continue };
        let server = Server { host, ..server };
        if let Some(other) = servers.values().find(|other| other.path == server.path) {
            let problem = format!("is {:?}, the path of {:?} as well", server.path, other.slug.as_str());
            report.add(&at.child("path"), problem, "give each server a path of its own");
        }
        servers.insert(server.slug.clone(), server);
    }
    for server in servers.values() {
        let own = public_url.is_some_and(|origin| server.url.origin().ascii_serialization() == origin.as_str());
        if own && servers.values().any(|other| other.path == server.url.path()) {
            let problem = format!("is {}, this gateway itself", shown(server.url.as_str()));
            report.add(&at.child(&server.slug).child("url"), problem, "write the URL of the upstream server");
        }
    }
    servers
}

fn prove_server(
    slug: Option<Slug>,
    document: ServerDocument,
    known: Known<'_>,
    accepts: &Accepts,
    at: &Pointer,
    report: &mut Report,
) -> Option<Server> {
    let place = at.child("url");
    let url =
        report.require(&place, document.url, "write the server's endpoint, such as \"https://docs.example.com/mcp\"");
    let url = url.and_then(|text| report.check(&place, web_url(&text)));
    let name = document.name.and_then(|name| report.check(&at.child("name"), text::label(name, 80)));
    let description = document.description;
    let description = description.and_then(|text| report.check(&at.child("description"), text::label(text, 500)));
    let path = document.path.and_then(|path| report.check(&at.child("path"), own_path(path)));
    let auth = auth::prove(document.auth, &at.child("auth"), report);
    let timeout = text::seconds(&at.child("timeout_seconds"), document.timeout_seconds, &SERVER_TIMEOUT, report);
    let list_cache = match document.list_cache_seconds {
        Some(seconds) => text::seconds(&at.child("list_cache_seconds"), seconds, &LIST_CACHE, report).map(Some),
        None => Some(None),
    };
    let catalogue = document.catalogue;
    let own_accepts = accepts::prove(document.accepts, known.issuers, &at.child("accepts"), report);
    let accepts = own_accepts.as_ref().unwrap_or(accepts);
    let ServerDocument { tools, prompts, resources, resource_templates, require, limits, .. } = document;
    let limits = limits::prove_server(limits, &at.child("limits"), report);
    let filters = PerKind { tools, prompts, resources, resource_templates };
    let policy = policy::prove(filters, require, known, at, report);
    let slug = slug?;
    Some(Server {
        name: name.unwrap_or_else(|| slug.to_string()),
        description,
        url: url?,
        path: path.unwrap_or_else(|| format!("/v1/mcp/{slug}")),
        host: None,
        auth: auth?,
        timeout: timeout?,
        catalogue,
        list_cache: list_cache?,
        accepts: accepts.clone(),
        requires_dpop: document.dpop_bound_access_tokens_required,
        limits,
        policy: policy?,
        slug,
    })
}

/// The origin of a server's own host.
fn own_host(host: &str, public_url: Option<&Origin>, at: &Pointer, report: &mut Report) -> Option<Origin> {
    let Some(public_url) = public_url else {
        let problem = "needs public_url, which says where clients of that host authorize";
        report.add(at, problem, "set public_url to the origin of the gateway itself");
        return None;
    };
    report.check(at, Origin::of_own_host(host, public_url))
}

/// A path that is written in one way only, so that comparing bytes is comparing paths.
fn own_path(path: String) -> Result<String, Complaint> {
    let complaint = |what: &str, fix: &str| Complaint::new(format!("is {}, {what}", shown(&path)), fix);
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte); // RFC 3986 §2.3, unreserved
    let segment = |text: &str| !text.is_empty() && text != "." && text != ".." && text.bytes().all(legal);
    let Some(rest) = path.strip_prefix('/') else {
        return Err(complaint("which does not begin with /", "write a path such as \"/docs/mcp\""));
    };
    if OWN.contains(&rest.split('/').next().unwrap_or_default()) || rest.is_empty() || rest.contains(".well-known") {
        let fix = format!("choose another; / and everything under /{} are taken", OWN.join(", /"));
        return Err(complaint("which is a route of the gateway", &fix));
    }
    if path.len() > 256 || !rest.split('/').all(segment) {
        let fix =
            "write segments of letters, digits, - . _ ~ between single slashes, none at the end, no . or .. alone";
        return Err(complaint("which is not a plain path", fix));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::config::Config;
    use crate::config::tests::{complete, refused, refused_at};

    #[test]
    fn a_path_can_be_written_in_one_way_and_is_no_route_of_the_gateway() {
        for path in [
            "/",
            "/oauth",
            "/oauth/token",
            "/.well-known/x",
            "/login",
            "/logout",
            "/connect",
            "/connections/x",
            "/healthz",
            "/status",
            "/admin/config",
            "/docs/.well-known/oauth-protected-resource",
        ] {
            refused("/servers/docs/path", json!(path), &["route of the gateway", path]);
        }
        for path in [
            "/docs/",
            "/docs//mcp",
            "/docs/../mcp",
            "/./mcp",
            "/docs%2Fmcp",
            "/docs?x",
            "/docs#x",
            "/döcs",
            "/a b",
            "/a\\b",
        ] {
            refused("/servers/docs/path", json!(path), &["plain path"]);
        }
        refused("/servers/docs/path", json!("docs/mcp"), &["does not begin with /"]);
        refused("/servers/docs/path", json!(format!("/{}", "a".repeat(256))), &["plain path"]);
        refused_at(
            "/servers/linear/path",
            "/servers/docs/path",
            json!("/v1/mcp/linear"),
            &["\"docs\"", "/v1/mcp/linear"],
        );
        for path in ["/linear/mcp", "/loginx", "/v1/mcp/other", "/a.b_c~d"] {
            let mut document = complete();
            document["servers"]["docs"]["path"] = json!(path);
            assert!(Config::parse(&document.to_string()).is_ok(), "{path}");
        }
    }

    #[test]
    fn whose_a_connection_is_and_what_it_fits_follow_from_the_server() {
        let server = |server: serde_json::Value| {
            let mut document = complete();
            document["servers"]["docs"] = server;
            Config::parse(&document.to_string()).unwrap().servers.remove("docs").unwrap()
        };
        let url = "https://docs.example.com/mcp";
        let oauth = |auth: serde_json::Value| server(json!({"url": url, "auth": auth}));
        let own = oauth(json!({"kind": "oauth"}));
        assert!(own.is_personal() && !own.is_connected_by_operator());
        let shared = oauth(json!({"kind": "oauth", "shared": true}));
        assert!(!shared.is_personal() && shared.is_connected_by_operator());
        let registered =
            oauth(json!({"kind": "oauth", "issuer": "https://id.example.com", "client": {"client_id": "x"}}));
        assert_eq!(
            (own.binding().as_str(), own.binding()),
            ("https://docs.example.com/mcp\noauth", registered.binding())
        );
        let moved = server(json!({"url": "https://docs.example.com/mcp/", "auth": {"kind": "oauth"}}));
        assert_ne!(own.binding(), moved.binding());
        let client = |scope: &str| {
            json!({"kind": "client_credentials", "client_id": "x", "client_secret": {"secret": "DOCS_CLIENT_SECRET"},
                "issuer": "https://id.example.com", "scope": scope})
        };
        let machine = oauth(client("a"));
        assert!(!machine.is_personal() && !machine.is_connected_by_operator());
        assert_ne!(machine.binding(), oauth(client("b")).binding());
        assert!(!machine.binding().contains("DOCS_CLIENT_SECRET"));
        let key =
            |name: &str| oauth(json!({"kind": "headers", "headers": {name: {"person": "Key"}, "x-team": "edge"}}));
        assert_eq!(key("X-Key").binding(), key("x-key").binding());
        assert_ne!(key("X-Key").binding(), key("X-Other").binding());
        assert!(!oauth(json!({"kind": "headers", "headers": {"x-team": "edge"}})).is_personal());
    }

    #[test]
    fn a_server_is_reachable_and_is_not_the_gateway() {
        for (url, word) in [
            ("docs.example.com/mcp", "absolute URL"),
            ("http://10.0.0.7/mcp", "plain http"),
            ("https://docs.example.com/mcp#x", "fragment"),
            ("ws://docs.example.com/mcp", "neither"),
            ("https://mcp.example.com/docs/mcp", "this gateway itself"),
        ] {
            refused("/servers/docs/url", json!(url), &[word]);
        }
        for slug in ["Docs", "-docs", "a/b", "", "döcs", &"a".repeat(65)] {
            let at = format!("/servers/{}", slug.replace('/', "~1"));
            refused(&at, json!({"url": "https://docs.example.com/mcp"}), &["slug"]);
        }
    }
}
