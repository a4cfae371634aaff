//! The authorization endpoint's texts (OAuth 2.1 §4.1): a request read, answered and refused.
//!
//! Not here: clients and their redirect URIs (`oauth::client`), asking the person (`flow::authorize`).

pub mod error;
pub mod prompt;
pub mod request;
pub mod response;
