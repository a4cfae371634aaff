//! Checking a server: the gateway goes its own way to it, step by step, and says what is wrong on it.
//!
//! Nothing is connected and nobody is registered by it. It asks where connecting and calling ask, with the same guards
//! and deadlines, and shows nothing that was sent. Not here: what each answer means (`upstream::check`,
//! `mcp::connect::heard`), and the way of clients to this gateway (`scripts/doctor`, from outside).

use std::rc::Rc;

use http::StatusCode;
use serde::Serialize;
use serde_json::json;

use super::operator::Operator;
use super::{acts, operator};
use crate::config::{Auth, Server};
use crate::flow::call::refusal;
use crate::flow::{Answered, Head, RequestContext};
use crate::headers::{HeaderValue, RETRY_AFTER};
use crate::memory::LastCheck;
use crate::ports::{Limited, Platform, Unavailable};
use crate::time::{Lifetime, Timestamp};
use crate::upstream::check::{CheckReport, Facts, StepName, UpstreamFinding, UpstreamStep};
use crate::web::failure::Failure;
use crate::web::reply::Reply;

mod authorization;
mod called;
mod reached;

/// How long a check goes on to another step: somebody waits for it.
const ENOUGH: Lifetime = Lifetime(40);
/// How long it is told what was found.
const REMEMBERED: Lifetime = Lifetime::days(1);

/// What a check came to, for programs. Its members are kept.
#[derive(Serialize)]
pub struct Checked {
    v: u8,
    server: String,
    url: String,
    at: Timestamp,
    /// The way, as far as it was gone.
    pub steps: Vec<UpstreamStep>,
    /// What is wrong on it.
    pub findings: Vec<UpstreamFinding>,
}

/// One check under way.
struct Check<'c, P> {
    context: &'c RequestContext<'c, P>,
    server: &'c Server,
    report: CheckReport,
    began: Timestamp,
}

/// `POST /admin/servers/{slug}/check`.
pub async fn answer<P: Platform>(context: &RequestContext<'_, P>, head: &Head, slug: &str) -> Answered<P> {
    let operator = operator::authorize(context.platform, context.memory, head).await?;
    Ok(Reply::json(StatusCode::OK, &of(context, &operator, slug).await?))
}

/// Checks a server as this operator: a person with their own connection, where they have one.
pub async fn of<P: Platform>(
    context: &RequestContext<'_, P>,
    operator: &Operator,
    slug: &str,
) -> Result<Checked, Failure> {
    let server = context.config.servers.get(slug).ok_or_else(|| refusal::no_such_server(slug))?;
    let counted = context.platform.allow(Limited::ServerCheck, slug).await;
    if !counted.map_err(|Unavailable| Failure::storage())? {
        return Err(too_many(server));
    }
    acts::note(context.platform, context.record, operator, "check_server", json!({"server": slug}));
    let began = context.platform.moment();
    let mut check = Check { context, server, report: CheckReport::default(), began };
    check.run(operator).await?;
    let CheckReport { steps, findings } = check.report;
    let found = findings.iter().map(|finding| finding.id).collect();
    let last = Rc::new(LastCheck { at: context.now, found });
    context.memory.checked.put(slug, last, context.now + REMEMBERED, context.now);
    Ok(Checked { v: 1, server: slug.to_owned(), url: server.url.to_string(), at: context.now, steps, findings })
}

impl<P: Platform> Check<'_, P> {
    /// 1. The server itself, with nothing to show.
    /// 2. Where people connect an account: what connecting would take.
    /// 3. What calls authenticate with, as far as this operator has it, and the server with that.
    async fn run(&mut self, operator: &Operator) -> Result<(), Failure> {
        // 1.
        let challenge = self.reach().await;
        // 2.
        if let Auth::OAuth(oauth) = &self.server.auth {
            self.authorize(oauth, challenge).await;
        }
        // 3.
        self.call(operator).await
    }

    /// Whether another step is worth going.
    fn goes_on(&self) -> bool {
        self.report.goes_on() && !self.is_late()
    }

    fn is_late(&self) -> bool {
        (self.began + ENOUGH).reached(self.context.platform.moment())
    }

    /// Why a step is left out.
    fn why_left(&self) -> &'static str {
        if self.report.goes_on() { "not tried: the steps before took too long" } else { "not tried" }
    }

    fn find(&mut self, id: &'static str, at: &str, seen: &str) {
        self.find_other(id, at, "", seen);
    }

    fn find_other(&mut self, id: &'static str, at: &str, expected: &str, seen: &str) {
        let facts = Facts { at: at.to_owned(), expected: expected.to_owned(), seen: seen.to_owned() };
        self.report.find(id, self.server.slug.as_str(), &facts);
    }

    /// What the gateway refuses in its own words. `at` is where that was, as far as the failure does not say.
    fn refused(&mut self, failure: &Failure, at: &str) {
        let fact = |label| failure.facts.iter().find(|(known, _)| *known == label).map(|(_, value)| value.as_str());
        let (expected, advertised) = (fact("expected").unwrap_or_default(), fact("advertised"));
        let other = failure.facts.iter().find(|(label, _)| !matches!(*label, "expected" | "advertised"));
        let at = fact("asked").or_else(|| fact("issuer")).unwrap_or(at);
        let seen = advertised.or_else(|| other.map(|(_, value)| value.as_str())).unwrap_or(&failure.message);
        let facts = Facts { at: at.to_owned(), expected: expected.to_owned(), seen: seen.to_owned() };
        self.report.find_refused(failure.reason, &failure.message, &failure.fix, &facts);
    }

    fn skip(&mut self, names: &[StepName]) {
        let why = self.why_left();
        self.report.skip(names, why);
    }
}

fn too_many(server: &Server) -> Failure {
    let message = format!("{} was checked ten times within a minute.", server.name);
    Failure::client(429, "server_check_rate_limited", message)
        .fix("Wait a minute, then check it again.")
        .header(RETRY_AFTER, HeaderValue::from_static("60"))
        .slug(server.slug.as_str())
}
