//! The configuration, parsed once into types that prove it: `gateway.json` in, [`Config`] or every error out.
//!
//! Not here: I/O, the clock, randomness.
