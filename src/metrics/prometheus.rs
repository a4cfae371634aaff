//! The totals as Prometheus reads them: text format 0.0.4.
//!
//! Only labels that are bounded by the gateway or its configuration: neither tools nor clients nor subjects. Nothing
//! ever goes down. Not here: what a window is asked for (`summary`).

use std::fmt::Write;

use super::histogram::Histogram;
use super::ranking::RequestCount;
use super::summary::Summary;

/// The media type.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// What stands for all labels that have no count of their own.
const OTHER: &str = "other";

/// The text.
pub fn text(summary: &Summary, version: &str) -> String {
    let mut text = String::new();
    let tally = &summary.tally;
    head(&mut text, "mcpgateway_info", "gauge", "The version that answers.");
    line(&mut text, "mcpgateway_info", &[("version", version)], 1);
    if let Some(began) = summary.began {
        head(&mut text, "mcpgateway_counting_since_seconds", "gauge", "When the counters began, in Unix time.");
        line(&mut text, "mcpgateway_counting_since_seconds", &[], began.0);
    }

    let name = "mcpgateway_requests_total";
    head(&mut text, name, "counter", "Requests by route and class of the status.");
    for (label, usage) in tally.routes.top() {
        let (route, status) = label.rsplit_once(' ').unwrap_or((label, ""));
        line(&mut text, name, &[("route", route), ("status", status)], usage.requests);
    }
    line(&mut text, name, &[("route", OTHER), ("status", OTHER)], tally.routes.other().requests);

    let name = "mcpgateway_reasons_total";
    head(&mut text, name, "counter", "Answers that had a reason code, and who must act.");
    for (label, usage) in tally.reasons.top() {
        let (reason, blame) = label.split_once(' ').unwrap_or((label, ""));
        line(&mut text, name, &[("reason", reason), ("blame", blame)], usage.requests);
    }
    line(&mut text, name, &[("reason", OTHER), ("blame", OTHER)], tally.reasons.other().requests);

    let name = "mcpgateway_failures_total";
    head(&mut text, name, "counter", "Requests that failed, by who must act.");
    for (origin, usage) in tally.origins.top() {
        line(&mut text, name, &[("origin", origin)], usage.failures);
    }

    let name = "mcpgateway_server_requests_total";
    head(&mut text, name, "counter", "Authenticated requests by server, and whether they failed.");
    let other = (OTHER, tally.servers.other());
    for (server, RequestCount { requests, failures }) in tally.servers.top().into_iter().chain([other]) {
        let went_well = requests.saturating_sub(failures);
        line(&mut text, name, &[("server", server), ("outcome", "ok")], went_well);
        line(&mut text, name, &[("server", server), ("outcome", "failed")], failures);
    }

    histogram(&mut text, "mcpgateway_duration_seconds", "How long the gateway itself took.", &tally.gateway);
    histogram(&mut text, "mcpgateway_upstream_duration_seconds", "How long servers took to answer.", &tally.upstream);
    text
}

fn histogram(text: &mut String, name: &str, help: &str, histogram: &Histogram) {
    head(text, name, "histogram", help);
    for (bound, count) in histogram.cumulated() {
        let bound = bound.map_or_else(|| "+Inf".to_owned(), |milliseconds| seconds(milliseconds.into()));
        line(text, &format!("{name}_bucket"), &[("le", &bound)], count);
    }
    line(text, &format!("{name}_sum"), &[], seconds(histogram.sum()));
    line(text, &format!("{name}_count"), &[], histogram.count());
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(text: &mut String, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
    text.push_str(name);
    for (n, (label, value)) in labels.iter().enumerate() {
        let open = if n == 0 { '{' } else { ',' };
        let _ = write!(text, "{open}{label}=\"{}\"", escaped(value));
    }
    let close = if labels.is_empty() { "" } else { "}" };
    let _ = writeln!(text, "{close} {value}");
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::tally::tests::{CALL, of};
    use crate::metrics::{Sample, SampleNames};
    use crate::time::Timestamp;

    #[test]
    fn it_names_what_is_bounded_and_nobody() {
        let refused = Sample { status: 401, reason: Some("token_missing"), blame: Some("client"), named: None, ..CALL };
        let summary = Summary { tally: of(&[CALL, refused]), began: Some(Timestamp(60)), ..Summary::default() };
        let text = text(&summary, "1.0");
        for line in [
            "mcpgateway_counting_since_seconds 60",
            "mcpgateway_requests_total{route=\"mcp\",status=\"4xx\"} 1",
            "mcpgateway_reasons_total{reason=\"token_missing\",blame=\"client\"} 1",
            "mcpgateway_failures_total{origin=\"client\"} 1",
            "mcpgateway_server_requests_total{server=\"demo\",outcome=\"ok\"} 1",
            "mcpgateway_duration_seconds_bucket{le=\"0.020\"} 2",
            "mcpgateway_upstream_duration_seconds_bucket{le=\"+Inf\"} 2",
            "mcpgateway_upstream_duration_seconds_sum 0.100",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} is not in\n{text}");
        }
        for name in ["alice", "claude", "echo"] {
            assert!(!text.contains(name), "{text}");
        }
    }

    #[test]
    fn a_label_stays_in_its_quotes() {
        let named = SampleNames { subject: "s", client: None, server: Some("a\"} 1\n\\"), tool: None };
        let summary = Summary { tally: of(&[Sample { named: Some(named), ..CALL }]), ..Summary::default() };
        assert!(text(&summary, "1.0").contains("{server=\"a\\\"} 1\\n\\\\\",outcome=\"ok\"} 1\n"));
    }
}
