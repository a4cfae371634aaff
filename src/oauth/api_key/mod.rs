//! API keys: bearer tokens that people and operators make by hand, for programs that cannot open a browser. What one
//! looks like, and what the gateway knows of it.
//!
//! Not here: where that is kept (`flow::api_keys`), and the list of a person's keys (`subject`).

mod error;
mod id;
mod record;
pub mod text;

pub use error::ApiKeyError;
pub use id::KeyId;
pub use record::{ApiKey, KeyKind, SERVICES};
