//! How often, how long and why: what an isolate counts of its requests, what it tells of that, and how many of them
//! together are summed up.
//!
//! Not here: when it is sent and where it lies (`flow::metrics`, `ports::Meter`), and the facts of one request
//! (`record`).

pub mod command;
pub mod counters;
pub mod delta;
pub mod histogram;
pub mod prometheus;
pub mod ranking;
pub mod rows;
pub mod shard;
pub mod summary;
pub mod tally;
pub mod tidying;

use crate::time::{Lifetime, Millis, Timestamp};

/// What is counted of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample<'a> {
    /// The name of its route.
    pub route: &'static str,
    /// The status of the answer.
    pub status: u16,
    /// The reason code of a refusal, or of what was said in a server's stead.
    pub reason: Option<&'a str>,
    /// Who must act.
    pub blame: Option<&'static str>,
    /// Whose it was, where they were authenticated: what anybody else names is counted nowhere, or they would choose
    /// what is kept.
    pub named: Option<SampleNames<'a>>,
    /// From its beginning to its answer.
    pub duration: Millis,
    /// Of that, until the server answered.
    pub upstream: Option<Millis>,
}

/// What an authenticated request names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SampleNames<'a> {
    /// Whose it is.
    pub subject: &'a str,
    /// With which client.
    pub client: Option<&'a str>,
    /// About which server.
    pub server: Option<&'a str>,
    /// Calling which of its tools.
    pub tool: Option<&'a str>,
}

/// What is counted of requests that nobody authenticated and that were all answered alike, at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeated {
    /// The name of their route.
    pub route: &'static str,
    /// The status of the answer.
    pub status: u16,
    /// The reason code of the refusal.
    pub reason: Option<&'static str>,
    /// Who must act.
    pub blame: Option<&'static str>,
}

impl Repeated {
    /// One of them.
    pub const fn sample(self) -> Sample<'static> {
        let Self { route, status, reason, blame } = self;
        Sample { route, status, reason, blame, named: None, duration: Millis(0), upstream: None }
    }
}

impl Sample<'_> {
    /// Whether it came to something else than what was asked for.
    pub const fn failed(&self) -> bool {
        self.blame.is_some() || self.status >= 400
    }

    /// Who must act. Where nobody is named, whoever said no: the server that was asked, or the gateway to who asked.
    pub fn origin(&self) -> Option<&'static str> {
        let unnamed = if self.upstream.is_some() { "upstream" } else { "client" };
        self.blame.or_else(|| self.failed().then_some(unnamed))
    }
}

/// For analytics of the platform's own: columns by place, so they are only ever added at the end.
impl Sample<'_> {
    /// Route, reason, blame, server, tool, client, subject.
    pub fn texts(&self) -> [&str; 7] {
        let SampleNames { subject, client, server, tool } = self.named.unwrap_or_default();
        let or_none = Option::unwrap_or_default;
        let blame: Option<&str> = self.blame;
        [self.route, or_none(self.reason), or_none(blame), or_none(server), or_none(tool), or_none(client), subject]
    }

    /// The status, how long the gateway itself took, and how long the server, both in milliseconds.
    pub fn numbers(&self) -> [u32; 3] {
        let upstream = self.upstream.map_or(0, |took| took.0);
        [self.status.into(), self.duration.0.saturating_sub(upstream), upstream]
    }

    /// What is sampled by: so a server that is seldom called is not lost beside one that is called often.
    pub fn index(&self) -> &str {
        self.named.and_then(|named| named.server).unwrap_or(self.route)
    }
}

/// The beginning of the span that a moment lies in.
pub const fn floor(at: Timestamp, span: Lifetime) -> Timestamp {
    Timestamp(at.0 - at.0 % span.0)
}
