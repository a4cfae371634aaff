//! The token endpoint's texts (OAuth 2.1 §3.2), and the tokens that it issues.
//!
//! Not here: the rules of a grant (`oauth::grant`), and storing anything.

pub mod access_token;
pub mod introspection;
pub mod opaque;
pub mod request;
pub mod response;
pub mod revocation;
