//! The answer to "what happened since then": a tally, and a series of points that a chart can be drawn of.
//!
//! Summaries of several shards merge into one. Not here: its form for programs (`flow::admin::metrics`,
//! `prometheus`).

use serde::{Deserialize, Serialize};

use super::floor;
use super::histogram::Histogram;
use super::ranking::RequestCount;
use super::tally::Tally;
use crate::time::{Lifetime, Timestamp};

/// From when on, and how wide a point of the series is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Where it begins: at the beginning of a point.
    pub since: Timestamp,
    /// How wide a point is.
    pub step: Lifetime,
}

/// What happened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// All of it.
    pub tally: Tally,
    /// In the order of time. There is none where nothing happened.
    #[serde(default)]
    pub points: Vec<Point>,
    /// Since when is counted, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<Timestamp>,
}

/// What happened in one part of the window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// When it begins.
    pub at: Timestamp,
    /// How often.
    pub all: RequestCount,
    /// How long the gateway itself took.
    pub gateway: Histogram,
    /// How long servers took.
    pub upstream: Histogram,
}

impl Window {
    /// The longest.
    pub const LONGEST: Lifetime = Lifetime::days(30);
    /// Up to this a point is a minute wide: as long as there are counts by the minute.
    pub const BY_MINUTE: Lifetime = Lifetime::hours(3);
    /// Up to this an hour, and from there on a day.
    pub const BY_HOUR: Lifetime = Lifetime::days(7);

    /// The window that ends now.
    pub fn ending(now: Timestamp, length: Lifetime) -> Self {
        let step = match length {
            length if length <= Self::BY_MINUTE => Lifetime::minutes(1),
            length if length <= Self::BY_HOUR => Lifetime::hours(1),
            _ => Lifetime::days(1),
        };
        Self { since: floor(now - length, step), step }
    }

    /// The length that a text says: minutes, hours or days, as `15m`, `24h`, `30d`.
    pub fn length(text: &str) -> Option<Lifetime> {
        let unit = text.chars().next_back()?;
        let number = text.strip_suffix(unit).filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))?;
        let number: u64 = number.parse().ok().filter(|number| (1..=1_000_000).contains(number))?;
        let length = match unit {
            'm' => Lifetime::minutes(number),
            'h' => Lifetime::hours(number),
            'd' => Lifetime::days(number),
            _ => return None,
        };
        Some(length).filter(|length| *length <= Self::LONGEST)
    }
}

impl Summary {
    /// What was counted from a moment on as well.
    pub fn add(&mut self, window: Window, at: Timestamp, tally: &Tally) {
        self.tally.merge(tally);
        let at = floor(at.max(window.since), window.step);
        self.point(&Point { at, all: tally.all, gateway: tally.gateway.clone(), upstream: tally.upstream.clone() });
    }

    /// What another shard says as well.
    pub fn merge(&mut self, other: &Self) {
        self.tally.merge(&other.tally);
        other.points.iter().for_each(|point| self.point(point));
        self.began = [self.began, other.began].into_iter().flatten().min();
    }

    fn point(&mut self, more: &Point) {
        let place = self.points.partition_point(|point| point.at < more.at);
        match self.points.get_mut(place).filter(|point| point.at == more.at) {
            Some(point) => {
                point.all.add(more.all);
                point.gateway.merge(&more.gateway);
                point.upstream.merge(&more.upstream);
            }
            None => self.points.insert(place, more.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_minutes_to_thirty_days() {
        for (text, seconds) in [("1m", 60), ("15m", 900), ("1h", 3_600), ("24h", 86_400), ("30d", 2_592_000)] {
            assert_eq!(Window::length(text), Some(Lifetime(seconds)), "{text}");
        }
        for text in ["", "m", "0m", "1", "31d", "1s", "-1h", "+1h", "1 h", "1h ", "１h", "99999999999999999999d", "1é"]
        {
            assert_eq!(Window::length(text), None, "{text}");
        }
    }

    #[test]
    fn a_window_begins_where_a_point_does() {
        let now = Timestamp(1_900_000_001);
        for (length, since, step) in [
            (Lifetime::minutes(1), 1_899_999_900, 60),
            (Lifetime::days(1), 1_899_910_800, 3_600),
            (Lifetime::days(30), 1_897_344_000, 86_400),
        ] {
            assert_eq!(Window::ending(now, length), Window { since: Timestamp(since), step: Lifetime(step) });
        }
    }
}
