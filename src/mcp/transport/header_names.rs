//! The names of MCP's own headers, in the case the core compares them in.
//!
//! Not here: whether they agree with the message ([`super::headers`]).

/// The revision a request speaks.
pub const PROTOCOL_VERSION: &str = "mcp-protocol-version";
/// The JSON-RPC method.
pub const METHOD: &str = "mcp-method";
/// The tool, prompt, resource or task a request names.
pub const NAME: &str = "mcp-name";
/// The session of a legacy connection.
pub const SESSION_ID: &str = "mcp-session-id";
/// What headers of mirrored tool arguments begin with.
pub const PARAM_PREFIX: &str = "mcp-param-";
