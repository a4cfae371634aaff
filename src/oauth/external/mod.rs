//! What other issuers have signed or said for the gateway: access tokens to call with, and assertions to have one
//! issued for. Judged here; nobody believed any of it before its signature was verified.
//!
//! Not here: signatures (`jose::jws`), asking an issuer (`oauth_client::introspection`), which issuers are taken
//! (`config::issuers`).

pub mod access_token;
pub mod assertion;
pub mod told;
