//! The two forms in which a server is a resource: at its path of the gateway, and at a host of its own.
//!
//! Not here: which form a request came by (`origin`).

use crate::config::{Origin, Server};

/// Where RFC 9728 metadata is.
pub(super) const RESOURCE: &str = "/.well-known/oauth-protected-resource";
/// Where a server is on its own host.
pub(super) const AT_HOST: &str = "/mcp";

/// One of a server's resource URLs. A token is for one of them alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceForm<'a> {
    /// At its path, below the origin of the gateway.
    Path(&'a Origin, &'a Server),
    /// At its own host.
    Host(&'a Origin),
}

impl<'a> ResourceForm<'a> {
    /// Every form of a server, that of its path first.
    pub fn all(origin: &'a Origin, server: &'a Server) -> impl Iterator<Item = Self> {
        [Self::Path(origin, server)].into_iter().chain(server.host.as_ref().map(Self::Host))
    }

    /// The form that people are told: the operator who gave it a host wants it used.
    pub fn shown(origin: &'a Origin, server: &'a Server) -> Self {
        server.host.as_ref().map_or(Self::Path(origin, server), Self::Host)
    }

    /// The resource URL (RFC 8707), which is the `aud` of tokens for it.
    pub fn url(self) -> String {
        let (origin, path) = self.parts();
        format!("{origin}{path}")
    }

    /// The URL of its RFC 9728 metadata: the well-known part inserted before its path.
    pub fn metadata_url(self) -> String {
        let (origin, path) = self.parts();
        format!("{origin}{RESOURCE}{path}")
    }

    fn parts(self) -> (&'a str, &'a str) {
        match self {
            Self::Path(origin, server) => (origin.as_str(), &server.path),
            Self::Host(host) => (host.as_str(), AT_HOST),
        }
    }
}
