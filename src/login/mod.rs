//! Who is at the browser: identity providers as request and parse pairs, and the browser session.
//!
//! Not here: I/O, the clock, randomness.
