//! Charts for the gallery, of made-up numbers.
//!
//! Not here: the page that has them (`operating`).

use crate::page::{Chart, ChartKind, Series};

/// Numbers that go up and down, and are the same each time.
fn numbers(steps: usize, highest: u64, from: u64) -> Vec<u64> {
    let next = |number: &u64| Some(number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695));
    std::iter::successors(Some(from), next).take(steps).map(|number| (number >> 33) % (highest + 1)).collect()
}

fn hours() -> Vec<String> {
    (0..24).map(|hour| format!("{hour:02}:00")).collect()
}

pub(super) fn traffic() -> Chart {
    let series = |name: &str, highest, from| Series { name: name.to_owned(), values: numbers(24, highest, from) };
    Chart {
        title: "Calls an hour".to_owned(),
        summary: "Calls an hour since yesterday: answered, refused by the gateway, failed at a server.".to_owned(),
        unit: "calls",
        kind: ChartKind::Bars,
        steps: hours(),
        series: vec![series("Answered", 4_200, 7), series("Refused", 300, 8), series("Failed", 150, 9)],
    }
}

pub(super) fn latency() -> Chart {
    let series = |name: &str, highest, from| Series { name: name.to_owned(), values: numbers(24, highest, from) };
    Chart {
        title: "Time of a call".to_owned(),
        summary: "Half and nineteen of twenty calls took no longer than this.".to_owned(),
        unit: "ms",
        kind: ChartKind::Lines,
        series: vec![series("Half", 90, 3), series("19 of 20", 800, 4)],
        ..traffic()
    }
}

pub(super) fn quiet() -> Chart {
    let series = vec![Series { name: "Sign-ins".to_owned(), values: vec![] }];
    Chart { title: "Sign-ins an hour".to_owned(), summary: "Nobody signed in.".to_owned(), series, ..traffic() }
}
