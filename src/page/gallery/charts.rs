//! Charts for the gallery, of made-up numbers.
//!
//! Not here: the page that has them (`operating`).

use crate::page::{Chart, ChartKind, RankingRow, RankingTable, Series, Traffic, TrafficWindow};

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

fn latency() -> Chart {
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

fn quiet() -> Chart {
    let series = vec![Series { name: "Sign-ins".to_owned(), values: vec![] }];
    Chart { title: "Sign-ins an hour".to_owned(), summary: "Nobody signed in.".to_owned(), series, ..traffic() }
}

pub(super) fn what_goes_on() -> Traffic {
    let window = |(title, window): (&'static str, &str)| TrafficWindow {
        title,
        link: format!("/admin?window={window}"),
        is_chosen: window == "24h",
    };
    Traffic {
        windows: [("Hour", "1h"), ("Day", "24h"), ("Week", "7d"), ("30 days", "30d")].map(window).into(),
        is_known: true,
        charts: vec![traffic(), latency(), quiet()],
        tables: vec![reasons()],
    }
}

pub(super) fn reasons() -> RankingTable {
    let row = |name: &str, requests, failures| RankingRow { name: name.to_owned(), requests, failures };
    RankingTable {
        title: "Why requests failed or were answered otherwise",
        what: "Reason and who must act",
        rows: vec![row("token_missing client", 1_204, 1_204), row("upstream_timeout upstream", 31, 31)],
        other: Some(row("all others", 12, 11)),
    }
}
