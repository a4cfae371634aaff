//! How long things took, so that many of them can be added up: counts between fixed bounds.
//!
//! Not here: single durations, which are forgotten at once.

use serde::{Deserialize, Serialize};

use crate::time::Millis;

/// Up to and with so many milliseconds: ten a decade, so what is read from them is at most 26 % too long. Stored counts
/// go by their place in this list, so it only ever grows at its end.
pub const BOUNDS: [u32; 48] = [
    1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 32, 40, 50, 63, 79, 100, 126, 158, 200, 251, 316, 398, 501, 631, 794,
    1_000, 1_259, 1_585, 1_995, 2_512, 3_162, 3_981, 5_012, 6_310, 7_943, 10_000, 12_589, 15_849, 19_953, 25_119,
    31_623, 39_811, 50_119, 63_096, 79_433, 100_000,
];
const BUCKETS: usize = BOUNDS.len() + 1;

/// Durations between bounds. The last count is of what took longer than all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Stored", from = "Stored")]
pub struct Histogram {
    counts: [u64; BUCKETS],
    sum: u64,
}

/// As it is stored: the sum, and the counts that are not zero with their places.
#[derive(Serialize, Deserialize)]
struct Stored(u64, Vec<(usize, u64)>);

/// What most took at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Percentiles {
    /// Half of them.
    pub p50: u32,
    /// Nine of ten.
    pub p90: u32,
    /// All but one of a hundred.
    pub p99: u32,
    /// On average.
    pub mean: u64,
    /// How many there are.
    pub count: u64,
}

impl Histogram {
    /// One more.
    pub fn add(&mut self, took: Millis) {
        let place = BOUNDS.partition_point(|bound| *bound < took.0);
        if let Some(count) = self.counts.get_mut(place) {
            *count = count.saturating_add(1);
        }
        self.sum = self.sum.saturating_add(took.0.into());
    }

    /// Those of another as well.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count = count.saturating_add(more);
        }
        self.sum = self.sum.saturating_add(other.sum);
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |all, count| all.saturating_add(*count))
    }

    /// All of them together, in milliseconds.
    pub const fn sum(&self) -> u64 {
        self.sum
    }

    /// How many took up to each bound, and all of them for what has none.
    pub fn cumulated(&self) -> impl Iterator<Item = (Option<u32>, u64)> {
        let bounds = BOUNDS.into_iter().map(Some).chain([None]);
        let mut all = 0_u64;
        bounds.zip(self.counts).map(move |(bound, count)| {
            all = all.saturating_add(count);
            (bound, all)
        })
    }

    /// What most took at most; none where there are none. What took longer than every bound counts as the last.
    pub fn percentiles(&self) -> Option<Percentiles> {
        let count = self.count();
        let mean = self.sum.checked_div(count)?;
        let at_most = |percent: u64| {
            let rank = count.saturating_mul(percent).div_ceil(100);
            let bound = self.cumulated().find(|(_, all)| *all >= rank).and_then(|(bound, _)| bound);
            bound.or(BOUNDS.last().copied()).unwrap_or_default()
        };
        Some(Percentiles { p50: at_most(50), p90: at_most(90), p99: at_most(99), mean, count })
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: [0; BUCKETS], sum: 0 }
    }
}

impl From<Histogram> for Stored {
    fn from(histogram: Histogram) -> Self {
        Self(histogram.sum, histogram.counts.into_iter().enumerate().filter(|(_, count)| *count > 0).collect())
    }
}

impl From<Stored> for Histogram {
    /// A place that this release does not know is beyond its last bound.
    fn from(Stored(sum, stored): Stored) -> Self {
        let mut histogram = Self { sum, ..Self::default() };
        for (place, more) in stored {
            if let Some(count) = histogram.counts.get_mut(place.min(BUCKETS - 1)) {
                *count = count.saturating_add(more);
            }
        }
        histogram
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(durations: &[u32]) -> Histogram {
        let mut histogram = Histogram::default();
        for took in durations {
            histogram.add(Millis(*took));
        }
        histogram
    }

    #[test]
    fn it_is_stored_without_what_is_zero() {
        let golden = "[100211,[[0,2],[17,1],[18,1],[48,1]]]";
        assert_eq!(serde_json::to_string(&of(&[0, 1, 100, 109, 100_001])).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Histogram>(golden).unwrap(), of(&[0, 1, 100, 109, 100_001]));
    }

    #[test]
    fn bounds_that_a_later_release_adds_are_beyond_the_last() {
        let later: Histogram = serde_json::from_str("[9,[[0,1],[60,2]]]").unwrap();
        assert_eq!(later.cumulated().last(), Some((None, 3)));
    }

    #[test]
    fn nothing_has_no_percentiles() {
        assert_eq!(of(&[]).percentiles(), None);
    }

    #[test]
    fn all_that_took_too_long_is_told_as_the_last_bound() {
        assert_eq!(of(&[u32::MAX; 3]).percentiles().map(|told| (told.p50, told.count)), Some((100_000, 3)));
    }

    proptest! {
        #[test]
        fn percentiles_are_at_most_a_quarter_too_long(mut durations in prop::collection::vec(1_u32..100_000, 1..200)) {
            let told = of(&durations).percentiles().unwrap();
            durations.sort_unstable();
            for (percent, told) in [(50, told.p50), (90, told.p90), (99, told.p99)] {
                let exact = durations[(durations.len() * percent).div_ceil(100) - 1];
                prop_assert!(exact <= told && u64::from(told) <= u64::from(exact) * 13 / 10 + 1, "{exact} {told}");
            }
        }

        #[test]
        fn merging_is_counting_together(one in prop::collection::vec(0_u32..200_000, 0..50), other in prop::collection::vec(0_u32..200_000, 0..50)) {
            let mut merged = of(&one);
            merged.merge(&of(&other));
            prop_assert_eq!(&merged, &of(&[one.clone(), other.clone()].concat()));
            prop_assert_eq!(merged, of(&[other, one].concat()));
        }
    }
}
