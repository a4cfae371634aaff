//! What MCP says on the wire: the JSON-RPC envelope, revisions, headers and verdicts on answers.
//!
//! Not here: I/O, the clock, randomness.
