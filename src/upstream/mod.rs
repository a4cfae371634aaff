//! How the gateway speaks to the servers behind it.
//!
//! Today: the headers an operator gives a server. Each person's tokens at a server will live beside them.
//! Not here: I/O, the clock, randomness, and which headers of a client pass ([`crate::mcp::forward`]).

pub mod headers;
