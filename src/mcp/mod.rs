//! What MCP says on the wire: the JSON-RPC envelope, its eras, the headers that repeat it, and what an answer amounts
//! to.
//!
//! The gateway forwards exactly the bytes it checked, and hands on the body of a good answer unread.
//! Not here: I/O, the clock, randomness, and anything about OAuth.

pub mod apps;
pub mod catalogue;
pub mod connect;
pub mod message;
pub mod rewrite;
pub mod transport;
