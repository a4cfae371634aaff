//! How the gateway speaks to the servers behind it, and to their authorization servers as an OAuth client (PROTOCOL 4).
//!
//! Not here: I/O, the clock, randomness, and which headers of a client pass ([`crate::mcp::forward`]).

pub mod authorization;
pub mod challenge;
pub mod client;
pub mod error;
pub mod headers;
pub mod issuer_metadata;
pub mod reach;
pub mod registration;
pub mod resource_metadata;
pub mod revocation;
pub mod scope;
pub mod token;
