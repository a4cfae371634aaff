//! How long one Worker may be at what must not be done twice at once: refreshing a connection, registering at an
//! issuer.
//!
//! Not here: who holds a lease and what its end means (`connection`, `issuer`).

use crate::time::Lifetime;

/// The length of a lease. What the holder asks an upstream must end before it, or two would ask.
pub const LEASE: Lifetime = Lifetime(30);
