//! Who is at the browser: identity providers as request and parse pairs, and the browser session.
//!
//! Not here: I/O, the clock, randomness, sealing (`flow` seals a [`session::BrowserSession`] into the directory and a
//! [`transaction::LoginTransaction`] into a cookie).

pub mod dev;
mod error;
pub mod github;
pub mod oidc;
pub mod own_page;
pub mod person;
pub mod session;
pub mod transaction;

use serde::{Deserialize, Serialize};

pub use error::LoginError;

/// A person, as the login vouches for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Unique and stable across providers: what grants and connections belong to.
    pub subject: String,
    /// For pages only; nothing is decided by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// For pages only; a provider may hand the same address to another person tomorrow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}
