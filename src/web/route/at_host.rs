//! What is at a server's own host.
//!
//! Not here: which requests came to it (`web::origin`).

use super::resource::{AT_HOST, RESOURCE};
use super::{Endpoint, Route};
use crate::config::Server;

impl<'a> Route<'a> {
    /// Finds the route of a path at a server's own host: the server, its metadata, and that the Worker is up.
    pub fn find_at_host(server: &'a Server, path: &'a str) -> Self {
        if path == Endpoint::Healthz.path() {
            return Self::Endpoint(Endpoint::Healthz);
        }
        let rest = path.strip_prefix(RESOURCE).or_else(|| path.strip_suffix(RESOURCE));
        match (path, rest.map(|rest| rest.strip_suffix('/').unwrap_or(rest))) {
            ("/", _) => Self::HostFront(server),
            (AT_HOST, _) => Self::Mcp(server),
            (_, Some("" | AT_HOST)) => Self::ProtectedResource(server),
            _ if path.trim_end_matches('/') == AT_HOST => Self::TrailingSlash(AT_HOST),
            _ => Self::NotAtHost(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Config;
    use crate::web::route::ResourceForm;

    #[test]
    fn a_host_serves_its_server_and_nothing_else() {
        let document = json!({
            "public_url": "https://mcp.example.com",
            "login": {"kind": "oidc", "issuer": "https://id.example.com", "client_id": "gateway"},
            "servers": {
                "docs": {"url": "https://up.example/mcp", "host": "docs.mcp.example.com"},
                "mcp": {"url": "https://other.example/mcp", "path": "/mail/mcp"},
            },
        });
        let config = Config::parse(&document.to_string()).unwrap();
        let (docs, origin) = (&config.servers["docs"], config.public_url.as_ref().unwrap());
        let found = |path| Route::find_at_host(docs, path);
        assert_eq!(found("/mcp"), Route::Mcp(docs));
        for path in [RESOURCE.to_owned(), format!("{RESOURCE}/"), format!("{RESOURCE}/mcp"), format!("/mcp{RESOURCE}")]
        {
            assert_eq!(Route::find_at_host(docs, &path), Route::ProtectedResource(docs), "{path}");
        }
        assert_eq!((found("/"), found("/mcp/")), (Route::HostFront(docs), Route::TrailingSlash("/mcp")));
        assert_eq!(found("/healthz").name(), "/healthz");
        for path in [
            "/oauth/token",
            "/oauth/authorize",
            "/.well-known/oauth-authorization-server",
            "/.well-known/openid-configuration",
            "/.well-known/oauth-protected-resource/mail/mcp",
            "/v1/mcp/docs",
            "/mail/mcp",
            "/connect/docs",
            "/connections",
            "/login",
            "/admin/config",
            "/status",
            "/MCP",
            "//mcp",
            "/mcp/x",
        ] {
            assert_eq!(found(path), Route::NotAtHost(path), "{path}");
        }
        let urls: Vec<_> = ResourceForm::all(origin, docs).map(ResourceForm::url).collect();
        assert_eq!(urls, ["https://mcp.example.com/v1/mcp/docs", "https://docs.mcp.example.com/mcp"]);
        let metadata = "https://docs.mcp.example.com/.well-known/oauth-protected-resource/mcp";
        assert_eq!(ResourceForm::shown(origin, docs).metadata_url(), metadata);
    }
}
