//! The gateway as an OAuth client: what it asks of somebody else's authorization server, and what it makes of the
//! answers.
//!
//! Not here: whose tokens these are (`upstream`), the login's own way (`login::oidc`), and sending anything (`flow`).

pub mod account_name;
pub mod authorization;
pub mod claimed_endpoint;
pub mod client_auth;
pub mod error;
pub mod metadata;
pub mod registration;
pub mod revocation;
pub mod scope;
pub mod token;
pub mod url_policy;
