//! Signed tokens and keys of others (RFC 7515, 7517, 7518), read before anybody believes them: what ID tokens, access
//! tokens of other issuers and assertions have in common.
//!
//! Not here: what a token must claim (`login::oidc::id_token`, `oauth::external`), the arithmetic of signatures, which
//! the platform does, and the gateway's own tokens (`oauth::token::access_token`).

pub mod algorithm;
pub mod jwks;
pub mod jws;
pub mod public_keys;
#[cfg(test)]
pub(crate) mod test_keys;
