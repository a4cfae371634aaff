//! A grant: what one subject allowed one client, from the consent to the last refresh token. A pure state machine.
//!
//! ```text
//! nothing ─ Open ──► open ─ Redeem ──► live (offline_access) ─ Rotate ──► live …
//!    │                │  └─ Redeem ──► spent (no refresh token)
//!    ├─ Hold ──► held ─ Open ──► open
//!    └─ Refuse ► refused
//! held, open, spent, live ─ Revoke, a code redeemed twice, a refresh token reused ──► revoked
//! ```
//!
//! Not here: the object that runs it one command at a time, token texts (`opaque`, `access_token`), and the consent.

mod command;
mod id;
mod record;

#[cfg(test)]
mod end;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;

pub use command::{Command, Granted, Outcome, Redeem, Rejection, Rotate};
pub use id::GrantId;
pub use record::{Record, apply};
