//! What the gateway is registered as at one upstream's authorization server (RFC 7591): once for each place its answers
//! come back to, every registration under a number of its own. A pure state machine.
//!
//! Registering is leased like a refresh, so that a thousand people who connect at once make one registration. A
//! registration that the authorization server does not know any more is retired and replaced; connections made with it
//! carry it in themselves. One that a `state` on its way may name is kept, so that whoever is under way comes through.
//!
//! Not here: the object that runs it, the request itself, and clients that are not registered (`client`).

mod command;
mod record;

#[cfg(test)]
mod tests;

pub use command::{Command, Outcome};
pub use record::{Record, apply};
