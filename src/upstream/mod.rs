//! How the gateway speaks to the servers behind it, and to their authorization servers as an OAuth client (PROTOCOL 4).
//!
//! Not here: I/O, the clock, randomness, and which headers of a client pass ([`crate::mcp::forward`]).

pub mod client;
pub mod headers;
