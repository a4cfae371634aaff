//! How the gateway speaks to the servers behind it, to their authorization servers as an OAuth client (MCP
//! authorization, RFC 9728, RFC 8414, RFC 7591), and what each connection holds.
//!
//! Not here: I/O, the clock, randomness, and which headers of a client pass ([`crate::mcp::transport::forward`]).

pub mod callers;
pub mod catalogue;
pub mod challenge;
pub mod check;
pub mod circuit;
pub mod connection;
pub mod credential;
pub mod headers;
pub mod issuer;
pub mod key;
pub mod lease;
pub mod link;
pub mod plan;
pub mod replica;
pub mod resource_metadata;
pub mod state;
