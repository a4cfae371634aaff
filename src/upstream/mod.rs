//! How the gateway speaks to the servers behind it.
//!
//! Not here: I/O, the clock, randomness.
