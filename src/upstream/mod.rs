//! How the gateway speaks to the servers behind it, to their authorization servers as an OAuth client (PROTOCOL 4), and what each
//! connection holds.
//!
//! Not here: I/O, the clock, randomness, and which headers of a client pass ([`crate::mcp::forward`]).

pub mod client;
pub mod connection;
pub mod credential;
pub mod headers;
pub mod issuer;
pub mod key;
