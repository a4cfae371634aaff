//! What every endpoint shares of HTTP: where a request belongs, which origin it came to, who may ask, how it is
//! answered and refused.
//!
//! Not here: what an endpoint does (`flow`), and anything of OAuth or MCP but the form of a refusal.

pub mod cookie;
pub mod cors;
pub mod csrf;
pub mod failure;
pub mod form;
pub mod origin;
pub mod reply;
pub mod route;
pub mod trace;
pub mod transport;
