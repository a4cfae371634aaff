//! A client that is a program, as a configuration writes it.
//!
//! Not here: what the values must satisfy (`config::machine`).

#[cfg(not(target_arch = "wasm32"))]
use schemars::JsonSchema;

use serde::Deserialize;

/// What a client may have for itself, without a person (`client_credentials`).
#[derive(Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(deny_unknown_fields, expecting = "an object with \"servers\"")]
pub(in crate::config) struct MachineDocument {
    /// The slugs of the servers it may call.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(required, with = "Vec<String>"))]
    pub(in crate::config) servers: Option<Vec<Option<String>>>,
    /// The scopes it may have beside `mcp:tools`.
    #[serde(default)]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Vec<String>"))]
    pub(in crate::config) scopes: Vec<Option<String>>,
    /// Its roles.
    #[serde(default)]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Vec<String>"))]
    pub(in crate::config) roles: Vec<Option<String>>,
}
