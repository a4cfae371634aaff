//! Streamable HTTP: which headers a message travels with, in which revision and session, and what an answer means.
//!
//! Not here: the message itself (`mcp::message`), sending it (`flow::call`).

pub mod ending;
pub mod forward;
pub mod header_names;
pub mod headers;
pub mod response;
pub mod revision;
pub mod session;
