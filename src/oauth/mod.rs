//! OAuth 2.1 as types: what the gateway says and accepts as authorization server and protected resource.
//!
//! One file for each RFC or concept. Not here: I/O, the clock, randomness, storage; the state machines [`grant`],
//! [`subject`] and [`once`] are pure functions that the objects run.

pub mod address;
pub mod agent;
pub mod api_key;
pub mod authentication_method;
pub mod authorize;
pub mod challenge;
pub mod client;
pub mod dpop;
pub mod error;
pub mod external;
pub mod grant;
pub mod machine;
pub mod metadata;
pub mod once;
pub mod pkce;
pub mod resource;
pub mod scope;
pub mod subject;
pub mod token;
pub mod uri_text;
