//! OAuth 2.1 as types: what the gateway says and accepts as authorization server and protected resource.
//!
//! One file for each RFC or concept. Not here: I/O, the clock, randomness, storage; the state machines [`grant`] and [`account`] are
//! pure functions that the objects run.

pub mod access_token;
pub mod account;
pub mod address;
pub mod authorization_error;
pub mod authorization_request;
pub mod authorization_response;
pub mod challenge;
pub mod client;
pub mod client_document;
pub mod client_id;
pub mod client_metadata;
pub mod error;
pub mod form;
pub mod grant;
pub mod metadata;
pub mod opaque;
pub mod pkce;
pub mod prompt;
pub mod redirect;
pub mod redirect_policy;
pub mod registered_client;
pub mod registration;
pub mod resource;
pub mod revocation;
pub mod scope;
pub mod token_request;
pub mod token_response;
pub mod uri_text;
