//! What a client proves itself with, as a configuration writes it: the name of its secret.
//!
//! Not here: what the values must satisfy (`config::secret_name`, `config::clients`), the methods
//! (`oauth::authentication_method`).

#[cfg(not(target_arch = "wasm32"))]
use schemars::JsonSchema;

use serde::Deserialize;

/// The name of a secret of the deployment. The value itself is stored with `wrangler secret put NAME`, never here.
#[derive(Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(
    deny_unknown_fields,
    expecting = "{\"secret\": \"NAME\"} and store the value with `wrangler secret put NAME`, never in this file"
)]
pub(in crate::config) struct SecretDocument {
    /// Its name: capital letters, digits and `_`.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(regex(pattern = "^[A-Z][A-Z0-9_]*$")))]
    pub(in crate::config) secret: String,
}
