//! What goes on, for the console's first page: charts over a window, and what is most frequent in it.
//!
//! Not here: counting (`flow::metrics`), and the same for programs (`flow::admin::counts`).

use crate::flow::{RequestContext, metrics};
use crate::metrics::command::Command;
use crate::metrics::histogram::{Histogram, Percentiles};
use crate::metrics::ranking::{Ranking, RequestCount};
use crate::metrics::summary::{Point, Summary, Window};
use crate::page::{Chart, ChartKind, RankingRow, RankingTable, Series, Traffic, TrafficWindow, step_name};
use crate::ports::{Platform, Unavailable};
use crate::time::{Lifetime, Timestamp};
use crate::web::route::Endpoint;

/// What an operator chooses from: as it is asked for, and as it is said.
const WINDOWS: [(&str, &str); 4] = [("1h", "Hour"), ("24h", "Day"), ("7d", "Week"), ("30d", "30 days")];
const USUAL: &str = "24h";
/// Of each kind so many are named.
const NAMED: usize = 10;

/// What went on in the window that the query asks for.
pub(super) async fn traffic<P: Platform>(context: &RequestContext<'_, P>, query: &str) -> Traffic {
    let asked = query.strip_prefix("window=").unwrap_or_default();
    let chosen = WINDOWS.iter().find(|(window, _)| *window == asked).map_or(USUAL, |(window, _)| window);
    let length = Window::length(chosen).unwrap_or(Lifetime::days(1));
    let window = Window::ending(context.now, length);
    let summary = metrics::sum(context.platform, &Command::Sum(window)).await;
    let path = Endpoint::Admin.path();
    let choice =
        |(window, title)| TrafficWindow { title, link: format!("{path}?window={window}"), is_chosen: window == chosen };
    let (charts, tables) = match &summary {
        Ok(summary) => (charts(summary, window, context.now), tables(summary)),
        Err(Unavailable) => (Vec::new(), Vec::new()),
    };
    Traffic { windows: WINDOWS.map(choice).into(), is_known: summary.is_ok(), charts, tables }
}

fn charts(summary: &Summary, window: Window, now: Timestamp) -> Vec<Chart> {
    let steps = steps(window, now);
    let at = |step: &Timestamp| summary.points.iter().find(|point| point.at == *step);
    let series = |name: &str, value: &dyn Fn(&Point) -> u64| Series {
        name: name.to_owned(),
        values: steps.iter().map(|step| at(step).map_or(0, value)).collect(),
    };
    let percentile = |histogram: &dyn Fn(&Point) -> &Histogram, of: &dyn Fn(Percentiles) -> u32| {
        let of = |point: &Point| histogram(point).percentiles().map_or(0, of).into();
        steps.iter().map(|step| at(step).map_or(0, of)).collect()
    };
    let length = Lifetime(now.0.saturating_sub(window.since.0));
    let names: Vec<String> = steps.iter().map(|step| step_name(*step, window.step, length)).collect();
    let times = |title: &str, summary: String, histogram: &dyn Fn(&Point) -> &Histogram| Chart {
        title: title.to_owned(),
        summary,
        unit: "ms",
        kind: ChartKind::Lines,
        steps: names.clone(),
        series: vec![
            Series { name: "Half".to_owned(), values: percentile(histogram, &|most| most.p50) },
            Series { name: "9 of 10".to_owned(), values: percentile(histogram, &|most| most.p90) },
            Series { name: "99 of 100".to_owned(), values: percentile(histogram, &|most| most.p99) },
        ],
    };
    let RequestCount { requests, failures } = summary.tally.all;
    vec![
        Chart {
            title: "Requests".to_owned(),
            summary: format!("{requests} requests in this time, of which {failures} failed."),
            unit: "requests",
            kind: ChartKind::Bars,
            steps: names.clone(),
            series: vec![
                series("Answered", &|point| point.all.requests.saturating_sub(point.all.failures)),
                series("Failed", &|point| point.all.failures),
            ],
        },
        times("Time in the gateway", told(&summary.tally.gateway, "the gateway itself"), &|point| &point.gateway),
        times("Time at servers", told(&summary.tally.upstream, "servers"), &|point| &point.upstream),
    ]
}

fn told(histogram: &Histogram, who: &str) -> String {
    histogram.percentiles().map_or_else(
        || format!("Nothing took {who} any time."),
        |Percentiles { p50, p99, .. }| {
            format!("Half of the requests took {who} at most {p50} ms, 99 of 100 at most {p99} ms.")
        },
    )
}

/// Every step of a window, also those in which nothing happened.
fn steps(window: Window, now: Timestamp) -> Vec<Timestamp> {
    let width = window.step.0.max(1);
    (window.since.0..=now.0).step_by(usize::try_from(width).unwrap_or(usize::MAX)).map(Timestamp).collect()
}

fn tables(summary: &Summary) -> Vec<RankingTable> {
    let tally = &summary.tally;
    let tables = [
        ("Why requests failed or were answered otherwise", "Reason and who must act", &tally.reasons),
        ("Where failures come from", "Who must act", &tally.origins),
        ("Servers", "Server", &tally.servers),
        ("Tools", "Server and tool", &tally.tools),
        ("Clients", "Client", &tally.clients),
        ("People and services", "Subject", &tally.subjects),
    ];
    tables.into_iter().filter_map(|(title, what, ranking)| table(title, what, ranking)).collect()
}

fn table(title: &'static str, what: &'static str, ranking: &Ranking) -> Option<RankingTable> {
    let (rows, other) = ranking.most(NAMED);
    let row =
        |name: &str, RequestCount { requests, failures }| RankingRow { name: name.to_owned(), requests, failures };
    let rows: Vec<_> = rows.into_iter().map(|(name, usage)| row(name, usage)).collect();
    let other = (other.requests > 0).then(|| row("all others", other));
    (!rows.is_empty() || other.is_some()).then_some(RankingTable { title, what, rows, other })
}
