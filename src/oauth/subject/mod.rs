//! A subject's account: what they consented to, which clients they allowed, which accounts at servers they connected. A
//! pure state machine, run by the subject's object, so that a person and the operator find everything without a search.
//!
//! Not here: whether consent is remembered at all (the operator's consent policy), the grants (`grant`), and the
//! connections.

mod command;
mod record;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;

pub use command::{AllowedClient, Command, ConnectedAccount, KeyUse, ListedKey, Outcome, Profile};
pub use record::{MOST_AGENTS, MOST_CONNECTIONS, MOST_KEYS, Record, apply, consent_key};
