//! Counts by a label, and only so many labels: the rest is counted together, so that the sums stay exact.
//!
//! When there are twice as many labels as are kept, the smallest go into `other`. So a label counts at least what it
//! shows and at most that and `other`; one that makes up most of the traffic is not pushed out by ten thousand that
//! come once. Not here: what a label is (`tally`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Counts by a label.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranking {
    #[serde(default)]
    rows: BTreeMap<String, RequestCount>,
    #[serde(default)]
    other: RequestCount,
}

/// How many requests there were, and how many of them failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "(u64, u64)", from = "(u64, u64)")]
pub struct RequestCount {
    /// All of them.
    pub requests: u64,
    /// Those that failed.
    pub failures: u64,
}

impl Ranking {
    /// One more request under a label. Allocates for a label that is new.
    pub fn add(&mut self, label: &str, failed: bool, kept: usize) {
        let usage = RequestCount { requests: 1, failures: failed.into() };
        if let Some(row) = self.rows.get_mut(label) {
            row.add(usage);
            return;
        }
        self.rows.insert(label.to_owned(), usage);
        self.keep(kept);
    }

    /// Those of another as well.
    pub fn merge(&mut self, other: &Self, kept: usize) {
        self.other.add(other.other);
        for (label, usage) in &other.rows {
            match self.rows.get_mut(label) {
                Some(row) => row.add(*usage),
                None => drop(self.rows.insert(label.clone(), *usage)),
            }
        }
        self.keep(kept);
    }

    /// The same, and no row ever goes down or away: what is new when there are as many as are kept is `other`.
    pub fn accumulate(&mut self, other: &Self, kept: usize) {
        self.other.add(other.other);
        for (label, usage) in &other.rows {
            let is_full = self.rows.len() >= kept;
            match self.rows.get_mut(label) {
                Some(row) => row.add(*usage),
                None if is_full => self.other.add(*usage),
                None => drop(self.rows.insert(label.clone(), *usage)),
            }
        }
    }

    /// The labels and their counts, the largest first.
    pub fn top(&self) -> Vec<(&str, RequestCount)> {
        let mut rows: Vec<_> = self.rows.iter().map(|(label, usage)| (label.as_str(), *usage)).collect();
        rows.sort_by(|(one, a), (another, b)| b.requests.cmp(&a.requests).then_with(|| one.cmp(another)));
        rows
    }

    /// The most frequent, so many of them, and all others together.
    pub fn most(&self, named: usize) -> (Vec<(&str, RequestCount)>, RequestCount) {
        let mut rows = self.top();
        let mut other = self.other;
        for (_, usage) in rows.drain(named.min(rows.len())..) {
            other.add(usage);
        }
        (rows, other)
    }

    /// What has no row of its own.
    pub const fn other(&self) -> RequestCount {
        self.other
    }

    /// All of it together.
    pub fn sum(&self) -> RequestCount {
        let mut sum = self.other;
        self.rows.values().for_each(|usage| sum.add(*usage));
        sum
    }

    fn keep(&mut self, kept: usize) {
        if self.rows.len() <= kept.saturating_mul(2) {
            return;
        }
        let small: Vec<_> = self.top().into_iter().skip(kept).map(|(label, _)| label.to_owned()).collect();
        for label in small {
            if let Some(usage) = self.rows.remove(&label) {
                self.other.add(usage);
            }
        }
    }
}

impl RequestCount {
    /// Those of another as well.
    pub const fn add(&mut self, other: Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.failures = self.failures.saturating_add(other.failures);
    }
}

impl From<(u64, u64)> for RequestCount {
    fn from((requests, failures): (u64, u64)) -> Self {
        Self { requests, failures }
    }
}

impl From<RequestCount> for (u64, u64) {
    fn from(usage: RequestCount) -> Self {
        (usage.requests, usage.failures)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(labels: &[u8], kept: usize) -> Ranking {
        let mut ranking = Ranking::default();
        for label in labels {
            ranking.add(&label.to_string(), label % 2 == 0, kept);
        }
        ranking
    }

    fn merged(one: &Ranking, other: &Ranking, kept: usize) -> Ranking {
        let mut merged = one.clone();
        merged.merge(other, kept);
        merged
    }

    #[test]
    fn ten_thousand_labels_are_some_rows_and_one_sum() {
        let mut ranking = Ranking::default();
        for n in 0..10_000 {
            ranking.add(&format!("made up {n}"), false, 8);
            if n % 10 == 0 {
                ranking.add("echo", true, 8);
            }
        }
        assert!(ranking.rows.len() <= 16, "{}", ranking.rows.len());
        assert_eq!(ranking.sum(), RequestCount { requests: 11_000, failures: 1_000 });
        let (largest, usage) = ranking.top()[0];
        assert_eq!(largest, "echo");
        assert!(usage.requests <= 1_000 && 1_000 <= usage.requests + ranking.other().requests);
    }

    #[test]
    fn rows_that_are_accumulated_never_go_down() {
        let mut totals = Ranking::default();
        totals.accumulate(&of(&[1, 2], 9), 2);
        totals.accumulate(&of(&[3, 3, 3, 1], 9), 2);
        assert_eq!(
            totals.top(),
            [("1", RequestCount { requests: 2, failures: 0 }), ("2", RequestCount { requests: 1, failures: 1 })]
        );
        assert_eq!(totals.other(), RequestCount { requests: 3, failures: 0 });
    }

    proptest! {
        #[test]
        fn sums_are_exact_however_it_is_merged(all in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 3)) {
            let exact = of(&all.concat(), 256).sum();
            let [a, b, c] = [&all[0], &all[1], &all[2]].map(|labels| of(labels, 4));
            for merged in [merged(&merged(&a, &b, 4), &c, 4), merged(&a, &merged(&b, &c, 4), 4), merged(&merged(&c, &a, 4), &b, 4)] {
                prop_assert_eq!(merged.sum(), exact);
                prop_assert!(merged.rows.len() <= 8);
            }
            prop_assert_eq!(merged(&a, &b, 4), merged(&b, &a, 4));
        }

        #[test]
        fn rows_are_exact_as_long_as_they_fit(all in prop::collection::vec(prop::collection::vec(0_u8..16, 0..60), 3)) {
            let [a, b, c] = [&all[0], &all[1], &all[2]].map(|labels| of(labels, 8));
            let exact = of(&all.concat(), 8);
            prop_assert_eq!(merged(&merged(&a, &b, 8), &c, 8), exact.clone());
            prop_assert_eq!(merged(&c, &merged(&b, &a, 8), 8), exact);
        }
    }
}
