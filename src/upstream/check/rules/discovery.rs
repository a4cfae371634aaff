//! What can be found in the metadata of the server and of its authorization server.
//!
//! Not here: becoming a client there (`sign_in`).

use crate::upstream::check::rule::{Actor, FindingRule, MCP, fault, warning};

pub(super) const RULES: &[FindingRule] = &[
    fault(
        "upstream_discovery_unavailable",
        Actor::Server,
        [
            "The metadata cannot be asked for",
            "The well-known places answer, with a document or with 404",
            "RFC 9728 §3, RFC 8414 §3",
            "Look at the log of whoever answers there",
        ],
    ),
    fault(
        "upstream_metadata_too_large",
        Actor::Server,
        [
            "A metadata document is larger than any is",
            "A metadata document has at most 64 KB",
            "docs/limits.md",
            "Publish a smaller document",
        ],
    ),
    fault(
        "upstream_url_refused",
        Actor::Server,
        [
            "The metadata names a place that the gateway does not go to",
            "Metadata names public https addresses",
            MCP,
            "Correct the metadata; or name the issuer or its endpoints in servers.{slug}.auth, which allows them",
        ],
    ),
    fault(
        "upstream_resource_metadata_missing",
        Actor::Server,
        [
            "The server names a place for its metadata, and there is none",
            "resource_metadata leads to the document",
            "RFC 9728 §5.1",
            "Correct the server's WWW-Authenticate, or publish the document",
        ],
    ),
    fault(
        "upstream_resource_metadata_malformed",
        Actor::Server,
        [
            "The server's resource metadata cannot be read",
            "It is a JSON object with resource",
            "RFC 9728 §3.2",
            "Correct the document",
        ],
    ),
    fault(
        "upstream_resource_mismatch",
        Actor::Operator,
        [
            "The server's metadata is of another resource",
            "resource is the server's address, or a path above it",
            "RFC 9728 §3.3",
            "Set servers.{slug}.url to the address that the server gives itself, or have its metadata corrected",
        ],
    ),
    fault(
        "upstream_names_no_issuer",
        Actor::Server,
        [
            "The server's metadata names no authorization server",
            "authorization_servers has one at least",
            MCP,
            "Name it there; or the operator fills servers.{slug}.auth.issuer",
        ],
    ),
    warning(
        "upstream_resource_metadata_differs",
        Actor::Server,
        [
            "The server's metadata is not the same at all of its places",
            "Every place has the same resource and authorization servers",
            "RFC 9728 §3.1",
            "Serve one document at both places",
        ],
    ),
    fault(
        "upstream_issuer_changed",
        Actor::Operator,
        [
            "The server names other authorization servers than the configured one",
            "The configured issuer is among authorization_servers",
            MCP,
            "If the server has moved, change servers.{slug}.auth.issuer and register the client there",
        ],
    ),
    fault(
        "upstream_issuer_metadata_missing",
        Actor::Issuer,
        [
            "The authorization server has no metadata where it must have some",
            "It is at a well-known place of the issuer",
            "RFC 8414 §3",
            "Publish it there; or write the endpoints into servers.{slug}.auth.client",
        ],
    ),
    fault(
        "upstream_issuer_metadata_malformed",
        Actor::Issuer,
        [
            "The authorization server's metadata cannot be read",
            "It is a JSON object of the registered members",
            "RFC 8414 §3.2",
            "Correct the document",
        ],
    ),
    fault(
        "upstream_issuer_metadata_incomplete",
        Actor::Issuer,
        [
            "The authorization server's metadata lacks a member",
            "issuer, authorization_endpoint and token_endpoint are there",
            "RFC 8414 §2",
            "Add it; or write the endpoints into servers.{slug}.auth.client",
        ],
    ),
    fault(
        "upstream_issuer_mismatch",
        Actor::Issuer,
        [
            "The metadata is of another issuer",
            "issuer is the one the document was asked for, to the letter",
            "RFC 8414 §3.3",
            "Write the same issuer in both documents; or set servers.{slug}.auth.issuer to the one of the metadata",
        ],
    ),
    fault(
        "upstream_without_pkce",
        Actor::Issuer,
        [
            "The authorization server does not offer PKCE with S256",
            "code_challenge_methods_supported has S256",
            MCP,
            "Name it there; or write the endpoints into servers.{slug}.auth.client, if it takes PKCE without saying so",
        ],
    ),
    fault(
        "upstream_endpoint_of_other_issuer",
        Actor::Issuer,
        [
            "The authorization server sends people to the endpoint of another one",
            "An authorization endpoint belongs to one issuer",
            "RFC 9207 §4",
            "Name that issuer in the server's metadata, or in servers.{slug}.auth.issuer with a client of it",
        ],
    ),
    warning(
        "upstream_issuer_metadata_differs",
        Actor::Issuer,
        [
            "The authorization server's metadata is not the same at all of its places",
            "Every place names the same authorization and token endpoints",
            "RFC 8414 §3",
            "Serve the same endpoints at every well-known place",
        ],
    ),
    warning(
        "upstream_metadata_absent",
        Actor::Server,
        [
            "Nothing says where to authorize, so the endpoints of 2025-03-26 are taken: /authorize, /token, /register",
            "The server has protected resource metadata",
            MCP,
            "Publish it; or fill servers.{slug}.auth.issuer or servers.{slug}.auth.client",
        ],
    ),
];
