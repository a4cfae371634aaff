//! The gateway as an OAuth client: what it asks of somebody else's authorization server, and what it makes of the
//! answers.
//!
//! Servers and identity providers are both asked with it. Where they are dealt with differently, that is an argument or
//! a type of its own: which URLs they may name (`url_policy`), whether a secret is always sent (`client_auth`).
//!
//! Not here: whose tokens these are (`upstream`), who signs in (`login::oidc`), and sending anything (`flow`).

pub mod account_name;
pub mod authorization;
pub mod claimed_endpoint;
pub mod client_auth;
pub mod discovery_error;
pub mod error_response;
pub mod introspection;
pub mod issuer_identifier;
pub mod metadata;
pub mod registration;
pub mod revocation;
pub mod scope;
pub mod token;
pub mod trusted_issuer;
pub mod url_policy;
