//! The gateway as a client of the servers behind it: the headers an operator gives a server, and each person's connection to it.
//!
//! Not here: I/O, the clock, randomness, and which headers of a client pass ([`crate::mcp::forward`]).

pub mod connection;
pub mod credential;
pub mod headers;
pub mod issuer;
pub mod key;
