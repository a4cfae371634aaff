//! Time as the gateway counts it: seconds, and milliseconds to wait, passed in, never asked for.
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

/// A span of time in milliseconds: a pause, a deadline. At most 49 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(pub u32);

/// A moment in milliseconds since the Unix epoch, only to tell how long something took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tick(pub u64);

/// How often something may happen in a minute, as the platform counts it: one rung of a ladder of fixed limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PerMinute(u16);

impl PerMinute {
    /// Every rung, each of which is a binding of `wrangler.toml`.
    pub const LADDER: [u16; 8] = [10, 30, 60, 120, 300, 600, 1200, 3000];

    /// The highest rung.
    pub const MOST: Self = Self(3000);

    /// The nearest rung at or below a number; none below the lowest.
    pub fn at_most(number: u64) -> Option<Self> {
        Self::LADDER.into_iter().rev().find(|rung| u64::from(*rung) <= number).map(Self)
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

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

impl Millis {
    /// The same span, or the longest that there is.
    #[expect(clippy::cast_possible_truncation, reason = "no more than the longest")]
    pub const fn of(span: Lifetime) -> Self {
        let milliseconds = span.0.saturating_mul(1000);
        Self(if milliseconds > u32::MAX as u64 { u32::MAX } else { milliseconds as u32 })
    }

    /// This span and another.
    #[must_use]
    pub const fn and(self, more: Self) -> Self {
        Self(self.0.saturating_add(more.0))
    }

    /// Twice as long.
    #[must_use]
    pub const fn doubled(self) -> Self {
        self.and(self)
    }
}

impl Tick {
    /// The second that it is in.
    pub const fn second(self) -> Timestamp {
        Timestamp(self.0 / 1000)
    }
}

impl Add<Lifetime> for Timestamp {
    type Output = Self;

    fn add(self, span: Lifetime) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub for Tick {
    type Output = Millis;

    fn sub(self, before: Self) -> Millis {
        Millis(u32::try_from(self.0.saturating_sub(before.0)).unwrap_or(u32::MAX))
    }
}

impl Sub<Lifetime> for Timestamp {
    type Output = Self;

    fn sub(self, span: Lifetime) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}
