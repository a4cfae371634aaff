//! What is counted, of however many requests.
//!
//! Not here: whose count it is and when it was counted (`delta`, `shard`).

use serde::{Deserialize, Serialize};

use super::Sample;
use super::histogram::Histogram;
use super::ranking::{Ranking, RequestCount};
use crate::time::Millis;

/// Of each kind so many labels are kept.
const ROUTES: usize = 128;
const REASONS: usize = 128;
const ORIGINS: usize = 8;
const SERVERS: usize = 64;
const TOOLS: usize = 64;
const CLIENTS: usize = 32;
const SUBJECTS: usize = 64;

/// Counts and durations of some requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// All of them.
    pub all: RequestCount,
    /// By route and class of the status: `mcp 2xx`.
    pub routes: Ranking,
    /// By reason code and who must act, where somebody must: `token_missing client`.
    pub reasons: Ranking,
    /// Those that failed, by who must act.
    pub origins: Ranking,
    /// By server.
    pub servers: Ranking,
    /// By server and tool: `linear/create_issue`.
    pub tools: Ranking,
    /// By client.
    pub clients: Ranking,
    /// By subject.
    pub subjects: Ranking,
    /// How long the gateway itself took.
    pub gateway: Histogram,
    /// How long servers took, where they were asked.
    pub upstream: Histogram,
}

impl Tally {
    /// One more request. In `scratch` labels of two parts are made: one that is known costs no allocation.
    pub fn add(&mut self, sample: &Sample<'_>, scratch: &mut String) {
        let failed = sample.failed();
        self.all.add(RequestCount { requests: 1, failures: failed.into() });
        self.routes.add(joined(scratch, [sample.route, " ", class(sample.status)]), failed, ROUTES);
        match (sample.reason, sample.blame) {
            (Some(reason), Some(blame)) => self.reasons.add(joined(scratch, [reason, " ", blame]), failed, REASONS),
            (Some(reason), None) => self.reasons.add(reason, failed, REASONS),
            (None, _) => {}
        }
        if let Some(origin) = sample.origin() {
            self.origins.add(origin, failed, ORIGINS);
        }
        if let Some(named) = &sample.named {
            self.subjects.add(named.subject, failed, SUBJECTS);
            if let Some(client) = named.client {
                self.clients.add(client, failed, CLIENTS);
            }
            if let Some(server) = named.server {
                self.servers.add(server, failed, SERVERS);
                if let Some(tool) = named.tool {
                    self.tools.add(joined(scratch, [server, "/", tool]), failed, TOOLS);
                }
            }
        }
        let upstream = sample.upstream.unwrap_or(Millis(0));
        self.gateway.add(Millis(sample.duration.0.saturating_sub(upstream.0)));
        if let Some(took) = sample.upstream {
            self.upstream.add(took);
        }
    }

    /// Those of another as well.
    pub fn merge(&mut self, other: &Self) {
        self.combine(other, Ranking::merge);
        self.tools.merge(&other.tools, TOOLS);
        self.clients.merge(&other.clients, CLIENTS);
        self.subjects.merge(&other.subjects, SUBJECTS);
    }

    /// The same for ever: nothing goes down, and what callers name is left out.
    pub fn accumulate(&mut self, other: &Self) {
        self.combine(other, Ranking::accumulate);
    }

    fn combine(&mut self, other: &Self, rankings: fn(&mut Ranking, &Ranking, usize)) {
        self.all.add(other.all);
        rankings(&mut self.routes, &other.routes, ROUTES);
        rankings(&mut self.reasons, &other.reasons, REASONS);
        rankings(&mut self.origins, &other.origins, ORIGINS);
        rankings(&mut self.servers, &other.servers, SERVERS);
        self.gateway.merge(&other.gateway);
        self.upstream.merge(&other.upstream);
    }
}

/// The class of a status.
const fn class(status: u16) -> &'static str {
    match status {
        ..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    }
}

fn joined<'s>(scratch: &'s mut String, parts: [&str; 3]) -> &'s str {
    scratch.clear();
    scratch.extend(parts);
    scratch
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::metrics::SampleNames;

    pub(in crate::metrics) const CALL: Sample<'_> = Sample {
        route: "mcp",
        status: 200,
        reason: None,
        blame: None,
        named: Some(SampleNames {
            subject: "dev:alice",
            client: Some("claude"),
            server: Some("demo"),
            tool: Some("echo"),
        }),
        duration: Millis(70),
        upstream: Some(Millis(50)),
    };

    pub(in crate::metrics) fn of(samples: &[Sample<'_>]) -> Tally {
        let mut tally = Tally::default();
        for sample in samples {
            tally.add(sample, &mut String::new());
        }
        tally
    }

    #[test]
    fn a_request_is_counted_once_of_each_kind() {
        let refused = Sample {
            status: 401,
            reason: Some("token_missing"),
            blame: Some("client"),
            named: None,
            upstream: None,
            ..CALL
        };
        let theirs = Sample { status: 500, ..CALL };
        let told = Sample { reason: Some("connection_required"), ..CALL };
        let tally = of(&[CALL, refused, theirs, told]);
        assert_eq!(tally.all, RequestCount { requests: 4, failures: 2 });
        let usage = |requests, failures| RequestCount { requests, failures };
        assert_eq!(tally.routes.top(), [("mcp 2xx", usage(2, 0)), ("mcp 4xx", usage(1, 1)), ("mcp 5xx", usage(1, 1))]);
        assert_eq!(tally.reasons.top(), [("connection_required", usage(1, 0)), ("token_missing client", usage(1, 1))]);
        assert_eq!(tally.origins.top(), [("client", usage(1, 1)), ("upstream", usage(1, 1))]);
        assert_eq!(tally.tools.top(), [("demo/echo", usage(3, 1))]);
        assert_eq!(tally.subjects.top(), [("dev:alice", usage(3, 1))]);
        assert_eq!((tally.gateway.sum(), tally.upstream.sum()), (20 * 3 + 70, 150));
    }

    #[test]
    fn what_is_kept_for_ever_names_nobody() {
        let mut total = Tally::default();
        total.accumulate(&of(&[CALL, CALL]));
        assert_eq!((total.all.requests, total.servers.sum().requests, total.upstream.count()), (2, 2, 2));
        for name in ["alice", "claude", "echo"] {
            assert!(!serde_json::to_string(&total).unwrap().contains(name));
        }
    }

    #[test]
    fn what_a_later_release_counts_is_left_out_and_what_an_older_one_did_not_is_nothing() {
        let tally: Tally = serde_json::from_str(r#"{"all":[3,1],"regions":{"rows":{"fra":[3,1]}}}"#).unwrap();
        assert_eq!(tally, Tally { all: RequestCount { requests: 3, failures: 1 }, ..Tally::default() });
    }
}
