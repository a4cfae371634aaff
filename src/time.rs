//! Time as the gateway counts it: whole seconds where something is decided, passed in, never asked for.
//!
//! Not here: a clock. `ports::Clock` is read once per request and the value handed down.

use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

/// Seconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

/// A span of time in seconds: a `Max-Age`, an `expires_in`, a KV lifetime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lifetime(pub u64);

/// Milliseconds: a moment since the Unix epoch, or how long something took. Only told, never decided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Millis(pub u64);

impl Timestamp {
    /// What is left until this moment; zero once it has passed.
    pub fn remaining(self, now: Self) -> Lifetime {
        Lifetime(self.0.saturating_sub(now.0))
    }

    /// Whether this moment, an expiry, has been reached.
    pub fn reached(self, now: Self) -> bool {
        self.0 <= now.0
    }
}

impl Lifetime {
    /// This span and another.
    #[must_use]
    pub const fn and(self, more: Self) -> Self {
        Self(self.0.saturating_add(more.0))
    }

    /// So many minutes.
    pub const fn minutes(minutes: u64) -> Self {
        Self(minutes * 60)
    }

    /// So many hours.
    pub const fn hours(hours: u64) -> Self {
        Self::minutes(hours * 60)
    }

    /// So many days.
    pub const fn days(days: u64) -> Self {
        Self::hours(days * 24)
    }
}

impl Add<Lifetime> for Timestamp {
    type Output = Self;

    fn add(self, span: Lifetime) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Add for Millis {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self(self.0.saturating_add(more.0))
    }
}

impl Sub for Millis {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self(self.0.saturating_sub(before.0))
    }
}

impl Sub<Lifetime> for Timestamp {
    type Output = Self;

    fn sub(self, span: Lifetime) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}
