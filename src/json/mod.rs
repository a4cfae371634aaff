//! JSON as a tree, and the one way from it into types.
//!
//! The code that reads a type is made once for each kind of text or buffer it is read from. So everything but the
//! messages of MCP is read from this tree, and nothing has to be read from text, from bytes and from serde's own
//! buffers as well.
//!
//! Not here: MCP's messages, whose bytes are kept as they came (`mcp`).

use serde::de::{self, Deserialize, DeserializeOwned, Deserializer};

mod error;
mod node;
mod reading;
mod tag;

pub use error::{Error, Fault, OneOf, PathStep};
pub use node::Node;
pub use tag::Tagged;
pub(crate) use tag::tagged;

/// The type that some text holds.
pub fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, Error> {
    Node::parse(json)?.read()
}

/// Two types from one object, where serde's `flatten` would copy it for one of them.
pub fn both<'de, D: Deserializer<'de>, A: DeserializeOwned, B: DeserializeOwned>(from: D) -> Result<(A, B), D::Error> {
    let node = Node::deserialize(from)?;
    node.read().and_then(|one| Ok((one, node.read()?))).map_err(de::Error::custom)
}

#[cfg(test)]
mod tests;
