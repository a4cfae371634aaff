//! Keys and sealed records: one operator secret, a subkey for each purpose, envelopes bound to their place.
//!
//! Not here: I/O, the clock, randomness.
