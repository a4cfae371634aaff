//! Every way in which finding a server's authorization server can fail, one variant for each rejected condition.
//!
//! Not here: answers that did not come (`flow`), refusals of the token endpoint (`token`) and of registration
//! (`registration`).

use super::issuer_identifier::same_but_for_slash;
use super::url_policy::Unreachable;
use crate::reasons::reasons;
use crate::untrusted::presentable;

/// Why an upstream's metadata is not used. Foreign text in it is presentable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiscoveryError {
    /// Metadata names a URL that the gateway does not go to.
    Unreachable {
        /// Which member of which document.
        member: &'static str,
        /// What it says.
        url: String,
        /// Why not.
        why: Unreachable,
    },
    /// The resource metadata is too large, not JSON, or lacks `resource`.
    ResourceMalformed,
    /// RFC 9728 §3.3: it is the metadata of another resource.
    OtherResource {
        /// The server's URL.
        expected: String,
        /// What the metadata says.
        advertised: String,
    },
    /// The resource metadata names no authorization server.
    NoIssuer,
    /// The server names other authorization servers than the one that is configured for it.
    UnexpectedIssuer {
        /// As configured.
        expected: String,
        /// What the metadata says.
        advertised: String,
    },
    /// The issuer's metadata is too large or not JSON.
    IssuerMalformed,
    /// The issuer's metadata lacks a member.
    IssuerIncomplete(&'static str),
    /// RFC 8414 §3.3: it is the metadata of another issuer.
    OtherIssuer {
        /// The issuer that was asked for.
        expected: String,
        /// What the metadata says.
        advertised: String,
    },
    /// The issuer does not offer PKCE with S256.
    NoPkce,
    /// The issuer sends people to the authorization endpoint of another one: its answers would be taken for the first
    /// one's.
    ClaimedEndpoint {
        /// The authorization endpoint.
        endpoint: String,
        /// Whose it is.
        issuer: String,
    },
    /// The issuer takes neither metadata documents nor dynamic registration, and no client is configured.
    NoRegistration {
        /// The issuer.
        issuer: String,
    },
}

impl DiscoveryError {
    /// A URL that is not reached.
    pub fn unreachable(member: &'static str, url: &str, why: Unreachable) -> Self {
        Self::Unreachable { member, url: presentable(url), why }
    }

    /// What was expected and what came instead, where there are two values to compare.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::OtherResource { expected, advertised }
            | Self::UnexpectedIssuer { expected, advertised }
            | Self::OtherIssuer { expected, advertised } => {
                vec![("expected", expected.clone()), ("advertised", advertised.clone())]
            }
            Self::ClaimedEndpoint { endpoint, issuer } => {
                vec![("authorization_endpoint", endpoint.clone()), ("issuer", issuer.clone())]
            }
            Self::Unreachable { member, url, .. } => vec![(member, url.clone())],
            _ => Vec::new(),
        }
    }

    /// What to do. `slug` is the server's.
    pub fn fix(&self, slug: &str) -> String {
        match self {
            Self::OtherResource { .. } => format!(
                "The operator must set servers.{slug}.url to the URL the server advertises, or have the server's \
                 metadata corrected."
            ),
            Self::UnexpectedIssuer { .. } => format!(
                "If the server has moved, the operator must change servers.{slug}.auth.issuer and register the client \
                 there."
            ),
            Self::ClaimedEndpoint { .. } => format!(
                "If people are meant to sign in there, the operator must register a client there by hand and write \
                 that issuer into servers.{slug}.auth.issuer; else whoever runs the server must correct its metadata."
            ),
            Self::OtherIssuer { expected, advertised } if same_but_for_slash(expected, advertised) => {
                format!(
                    "Whoever runs the server must write its authorization server as that one does; or the operator \
                     sets servers.{slug}.auth.issuer to {advertised}."
                )
            }
            Self::NoRegistration { .. } => format!(
                "The operator must register a client there by hand, with this gateway's callback URL, and fill \
                 servers.{slug}.auth.client: client_id, client_secret and, beside it, issuer."
            ),
            Self::Unreachable { .. } => format!(
                "If that is right, the operator can allow it by naming the issuer or its endpoints in \
                 servers.{slug}.auth; else the server's metadata must be corrected."
            ),
            _ => format!(
                "Whoever runs the server or its authorization server must correct its metadata; or the operator writes \
                 its endpoints into servers.{slug}.auth.client."
            ),
        }
    }
}

reasons! { DiscoveryError:
    Unreachable { member, why, .. } => "upstream_url_refused",
        "the server's metadata names a {member} that the gateway does not go to, because {why}";
    ResourceMalformed => "upstream_resource_metadata_malformed",
        "the server's resource metadata cannot be read";
    OtherResource { expected, advertised } => "upstream_resource_mismatch",
        "the server's resource metadata is for another resource: expected {expected}, advertised {advertised}";
    NoIssuer => "upstream_names_no_issuer", "the server's resource metadata names no authorization server";
    UnexpectedIssuer { expected, advertised } => "upstream_issuer_changed",
        "the server names another authorization server than the configured one: expected {expected}, advertised \
         {advertised}";
    IssuerMalformed => "upstream_issuer_metadata_malformed",
        "the metadata of the server's authorization server cannot be read";
    IssuerIncomplete(member) => "upstream_issuer_metadata_incomplete",
        "the metadata of the server's authorization server lacks {member}";
    OtherIssuer { expected, advertised } => "upstream_issuer_mismatch",
        "the authorization server's metadata is for another issuer: expected {expected}, advertised {advertised}";
    NoPkce => "upstream_without_pkce", "the server's authorization server does not offer PKCE with S256";
    ClaimedEndpoint { issuer, .. } => "upstream_endpoint_of_other_issuer",
        "the server's authorization server sends people to an authorization endpoint that belongs to another one, \
         {issuer}";
    NoRegistration { issuer } => "upstream_without_registration",
        "the server's authorization server {issuer} does not support dynamic client registration, and no client is \
         configured for it";
}

impl std::error::Error for DiscoveryError {}
