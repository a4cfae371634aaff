//! The pages people see.
//!
//! Not here: I/O, the clock, randomness.
