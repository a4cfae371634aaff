//! A connection: one account's credential at one server, connected once, refreshed by one holder at a time. A pure
//! state machine.
//!
//! ```text
//! nothing ─ Store ──► live ─ Lease ──► live, leased ─ Finish ──► live, next generation
//!                      │                   ├─ Fail temporary ──► live, backing off
//!                      │                   ├─ Fail dead ──► dead ─ Store, or a late Finish ──► live
//!                      │                   └─ its time ends ──► live, to be leased again
//! live, dead ─ Drop ──► nothing
//! ```
//!
//! A refresh is a lease because no object may wait for an upstream: the holder asks the upstream from the Worker and
//! reports. Its request has a deadline shorter than the lease, so that two holders never ask at the same time, and an
//! answer that is reported late is older than that of any holder after it: it counts as long as nobody else has
//! reported a newer credential.
//!
//! Not here: the object that runs it one command at a time, what is sealed (`credential`), and asking the upstream.

mod command;
mod record;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;

pub use command::{Command, Death, Outcome, Reason};
pub use record::{Record, apply};
