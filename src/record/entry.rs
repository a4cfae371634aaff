//! What of a request the authorization log keeps: the steps that flows write down, and at its end one entry of them.
//!
//! A request that nobody vouched for, be it well or badly made, has no entry: anybody could fill the log with them.
//!
//! Not here: an entry's form (`authorization_log`), and writing it (`flow::authorization_log`).

use std::borrow::Cow;

use serde::Serialize;

use super::written::written;
use super::{End, Facts, RequestRecord, clipped};
use crate::authorization_log::{AuthorizationStep, EntryKind, LogEntry, LogStep};
use crate::caller::Caller;
use crate::untrusted::deceives;
use crate::version::V1;

/// Steps of one request.
const MOST_STEPS: usize = 32;
/// The token that programs are operators by.
const ADMIN_TOKEN: &str = "admin_token";
/// Invisible as well: they join letters, and make two ids that look alike.
const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];
const OK: &str = "ok";

/// An entry, and whose it is where that is counted.
pub struct NotedEntry {
    /// The entry.
    pub entry: LogEntry,
    /// Whose like ones are counted; `None` where each is kept.
    pub counted_for: Option<String>,
}

/// One line for a step.
#[derive(Serialize)]
struct StepLine<'a> {
    event: &'static str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<&'a str>,
    step: &'a str,
    outcome: &'a str,
}

impl RequestRecord {
    /// What kind of entry the request is.
    pub fn kind(&self, kind: EntryKind) {
        self.facts.borrow_mut().kind = Some(kind);
    }

    /// A step begins. Unless it says otherwise, it went well if the request went on.
    pub fn step(&self, step: AuthorizationStep) {
        let mut facts = self.facts.borrow_mut();
        if facts.steps.len() < MOST_STEPS {
            facts.steps.push((step, None));
        }
    }

    /// What the step under way came to, where that is more than that it went well.
    pub fn outcome(&self, outcome: &'static str) {
        if let Some((_, came_to)) = self.facts.borrow_mut().steps.last_mut() {
            *came_to = Some(outcome);
        }
    }

    /// The step under way was refused, in an answer that is no failure: one that goes to a client.
    pub fn refused(&self, reason: &'static str) {
        self.outcome(reason);
        self.facts.borrow_mut().refused = Some(reason);
    }

    /// The authorization it belongs to.
    pub fn operation(&self, operation: String) {
        self.facts.borrow_mut().operation = Some(operation);
    }

    /// The scopes that are asked for, or granted.
    pub fn scopes(&self, scopes: &str) {
        self.facts.borrow_mut().scopes = Some(Self::cut(scopes));
    }

    /// Who sends it has something that only the gateway gives out.
    pub fn vouched(&self, by: &str) {
        self.facts.borrow_mut().vouched = Some(Self::cut(by));
    }

    /// An operator does something.
    pub fn act(&self, act: &'static str) {
        let mut facts = self.facts.borrow_mut();
        (facts.kind, facts.act) = (Some(EntryKind::Operator), Some(act));
    }

    /// Which operator does it, where it is not whoever has the token.
    pub fn operator(&self, operator: &str) {
        self.facts.borrow_mut().operator = Some(Self::cut(operator));
    }

    /// Whose request it is, where that is known.
    pub fn whose(&self) -> Option<String> {
        let facts = self.facts.borrow();
        facts.caller.as_ref().map(|caller| Self::cut(&caller.subject)).or_else(|| facts.subject.clone())
    }

    /// Who stands behind whose request it is, where that is somebody else.
    pub fn whose_sponsor(&self) -> Option<String> {
        let facts = self.facts.borrow();
        let of_caller = facts.caller.as_ref().and_then(|caller| caller.sponsor());
        of_caller.map(|sponsor| Self::cut(&sponsor.subject)).or_else(|| facts.sponsor.clone())
    }

    /// Whether it will be somebody's entry.
    pub fn is_somebodys_entry(&self) -> bool {
        self.facts.borrow().kind.is_some() && self.whose().is_some()
    }

    /// A line for each step.
    pub fn step_lines(&self, end: &End<'_>) -> Vec<String> {
        let facts = self.facts.borrow();
        let operation = facts.operation.as_deref();
        let line = |LogStep { step, outcome }: &LogStep| {
            let line = StepLine { event: "authorization_step", request_id: &self.id, operation, step, outcome };
            written(&line)
        };
        facts.steps(end).iter().filter_map(line).collect()
    }

    /// The request's entry, if it has one. `subject` is how the log names whose it is, `sponsor` who stands behind
    /// them.
    pub fn entry(&self, end: &End<'_>, subject: Option<String>, sponsor: Option<String>) -> Option<NotedEntry> {
        let facts = self.facts.borrow();
        let refused = end.blame.is_some() || facts.refused.is_some();
        let kind = match facts.kind {
            None if end.is_call && end.blame.is_some() => EntryKind::Call,
            kind => kind?,
        };
        let caller = facts.caller.as_deref();
        let whose = caller.map(|caller| caller.subject.as_str()).or(facts.subject.as_deref());
        let vouched = whose.or(facts.vouched.as_deref());
        if vouched.is_none() && facts.act.is_none() {
            return None;
        }
        // What comes as often as somebody likes.
        let is_frequent = matches!(kind, EntryKind::Authorization | EntryKind::Introspection);
        let is_counted = facts.act.is_none() && (refused || is_frequent);
        let counted_for = vouched.filter(|_| is_counted).map(str::to_owned);
        let text = |text: Option<&str>| text.map(Self::cut);
        let entry = LogEntry {
            v: V1,
            at: end.at.0,
            request_id: self.id.clone(),
            kind,
            operation: facts.operation.clone(),
            actor: facts.act.map(|_| facts.operator.clone().unwrap_or_else(|| ADMIN_TOKEN.to_owned())),
            act: facts.act.map(str::to_owned),
            subject,
            sponsor,
            client: text(caller.map(Caller::client).or(facts.client.as_deref())),
            server: text(end.server.or(facts.server.as_deref())),
            scopes: facts.scopes.clone(),
            mcp_method: text(facts.method.as_deref()),
            tool: text(facts.tool.as_deref()),
            status: end.status,
            reason: facts.refused.or(end.reason).map(str::to_owned),
            blame: end.blame.map(str::to_owned),
            steps: facts.steps(end),
            stands_for: None,
        };
        Some(NotedEntry { entry, counted_for })
    }

    /// A text that somebody chose, as it is kept: short, and without what moves a terminal or breaks a line.
    pub fn cut(text: &str) -> String {
        let breaks = |c: char| c.is_control() || deceives(c) || JOINERS.contains(&c);
        clipped(text).chars().map(|c| if breaks(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
    }
}

impl Facts {
    /// What each step came to. A request that was refused was refused at the last.
    pub(super) fn steps(&self, end: &End<'_>) -> Vec<LogStep> {
        let last = self.steps.len().checked_sub(1);
        let refusal = end.reason.filter(|_| end.blame.is_some());
        let came_to = |(at, (step, outcome)): (usize, &(AuthorizationStep, Option<&'static str>))| {
            let refusal = refusal.filter(|_| Some(at) == last);
            let outcome = refusal.map_or(Cow::Borrowed(outcome.unwrap_or(OK)), |reason| Cow::Owned(reason.to_owned()));
            LogStep { step: Cow::Borrowed(step.as_str()), outcome }
        };
        self.steps.iter().enumerate().map(came_to).collect()
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::headers::HeaderMap;
    use crate::time::Tick;

    const END: End<'_> = End {
        at: Tick(1_700),
        method: "POST",
        route: "token",
        is_call: false,
        status: 200,
        reason: None,
        blame: None,
        message: None,
        server: None,
        called: None,
    };

    fn record() -> RequestRecord {
        RequestRecord::new(([0xaa; 16], [0xbb; 8]), Tick(1_000), &HeaderMap::new())
    }

    #[test]
    fn what_nobody_vouched_for_is_no_entry() {
        let record = record();
        record.kind(EntryKind::Token);
        record.client("claude");
        record.step(AuthorizationStep::ClientAuthentication);
        assert!(record.entry(&END, None, None).is_none());
        record.vouched("grant");
        assert!(record.entry(&END, None, None).is_some());
    }

    #[test]
    fn a_refusal_is_of_the_last_step() {
        let record = record();
        record.kind(EntryKind::Token);
        record.vouched("grant");
        record.step(AuthorizationStep::ClientAuthentication);
        record.step(AuthorizationStep::Code);
        let refused = End { status: 400, reason: Some("code_used"), blame: Some("client"), ..END };
        let NotedEntry { entry, counted_for } = record.entry(&refused, None, None).unwrap();
        assert_eq!(entry.steps, [LogStep::new("client_authentication", "ok"), LogStep::new("code", "code_used")]);
        assert_eq!((entry.reason.as_deref(), counted_for.as_deref()), (Some("code_used"), Some("grant")));
        let lines = record.step_lines(&refused);
        assert!(lines[1].contains(r#""step":"code","outcome":"code_used""#), "{lines:?}");
    }

    #[test]
    fn what_was_chosen_stays_in_its_line_and_is_short() {
        let cut = RequestRecord::cut(&format!("a\n\u{1b}[31m\u{2028}\u{202e}b{}", "x".repeat(900)));
        assert!(cut.starts_with("a\u{fffd}\u{fffd}[31m\u{fffd}\u{fffd}bxx") && cut.chars().count() == 128, "{cut}");
    }
}
