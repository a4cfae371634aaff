//! What MCP says on the wire: the JSON-RPC envelope, its eras, the headers that repeat it, and what an answer amounts to.
//!
//! The gateway forwards exactly the bytes it checked, and hands on the body of a good answer unread.
//! Not here: I/O, the clock, randomness, and anything about OAuth.

pub mod capabilities;
pub mod connect_signal;
pub mod ending;
pub mod envelope;
mod envelope_error;
pub mod error;
pub mod forward;
pub mod header_names;
pub mod headers;
pub mod initialize;
mod members;
mod message;
pub mod probe;
mod raw_object;
pub mod request_state;
pub mod revision;
pub mod rewrite;
pub mod session;
pub mod standin;
pub mod strict_json;
pub mod verdict;
