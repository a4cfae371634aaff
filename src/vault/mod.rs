//! Keys and sealed records: one operator secret, a subkey for each purpose, envelopes bound to their place.
//!
//! Not here: I/O, the clock, randomness. Nonces are arguments; which record is sealed to which place is `flow`'s to
//! say.

pub mod deployment;
mod envelope;
mod key_ring;
mod key_ring_error;
mod purpose;
mod subkey;
mod successor;

pub use envelope::OpenError;
pub use key_ring::KeyRing;
pub use key_ring_error::KeyRingError;
pub use purpose::Purpose;
pub use successor::{open_successor, seal_successor};
