//! Demonstrating proof of possession (RFC 9449): a token is good only with a proof that whoever sends it has a key.
//!
//! Not here: verifying signatures and burning ids (`flow::dpop`).

pub mod nonce;
pub mod proof;
