//! What is known of one request by its end. Flows write facts down while they run; the gateway writes one line of them.
//!
//! Not here: where the line goes (`ports::Journal`), and arguments, results, addresses of resources, tokens and
//! secrets: no field holds any.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use crate::authorization_log::{AuthorizationStep, EntryKind};
use crate::caller::Caller;
use crate::headers::HeaderMap;
use crate::mcp::message::TraceMembers;
use crate::time::{Millis, Tick};
use crate::web::trace::{SpanId, Trace};

pub mod copy;
mod entry;
mod line;
mod sample;
mod written;

/// Of a text that a client chose, in characters: what tools and clients are really called is shorter.
const LONGEST: usize = 128;

/// The facts of one request.
pub struct RequestRecord {
    id: String,
    began: Tick,
    trace: RefCell<Trace>,
    facts: RefCell<Facts>,
}

/// What a client's message is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said<'a> {
    /// Its method. Of a batch those of all, with commas.
    pub method: Option<Cow<'a, str>>,
    /// The tool it calls.
    pub tool: Option<Cow<'a, str>>,
    /// The prompt it gets.
    pub prompt: Option<Cow<'a, str>>,
    /// Its era.
    pub era: &'static str,
    /// The revision that its headers name.
    pub revision: Option<Cow<'a, str>>,
    /// How many messages there are, where it is a batch.
    pub batch: Option<usize>,
}

#[derive(Default)]
struct Facts {
    caller: Option<Rc<Caller>>,
    subject: Option<String>,
    sponsor: Option<String>,
    client: Option<String>,
    server: Option<String>,
    method: Option<String>,
    tool: Option<String>,
    prompt: Option<String>,
    era: &'static str,
    revision: Option<String>,
    batch: Option<usize>,
    decision: Option<&'static str>,
    rule: Option<usize>,
    upstream_span: Option<(SpanId, Tick)>,
    upstream_status: Option<u16>,
    upstream_time: Option<Millis>,
    renewals: u8,
    kind: Option<EntryKind>,
    steps: Vec<(AuthorizationStep, Option<&'static str>)>,
    operation: Option<String>,
    scopes: Option<String>,
    act: Option<&'static str>,
    operator: Option<String>,
    vouched: Option<String>,
    refused: Option<&'static str>,
}

/// What the gateway knows of a request's end.
pub struct End<'a> {
    /// When that was.
    pub at: Tick,
    /// The request's method.
    pub method: &'a str,
    /// The name of its route.
    pub route: &'static str,
    /// Whether it was a call to a server.
    pub is_call: bool,
    /// The status of the answer.
    pub status: u16,
    /// The reason code of a refusal, or of what was said in a server's stead.
    pub reason: Option<&'a str>,
    /// Who must act.
    pub blame: Option<&'static str>,
    /// What happened.
    pub message: Option<&'a str>,
    /// The server it is about, where the route does not name it.
    pub server: Option<&'a str>,
    /// The server that was called: one that there is.
    pub called: Option<&'a str>,
}

impl RequestRecord {
    /// Of a request that began just now. What is random names it and its span.
    pub fn new((id, span): ([u8; 16], [u8; 8]), began: Tick, headers: &HeaderMap) -> Self {
        let id = format!("{:032x}", u128::from_be_bytes(id));
        let trace = RefCell::new(Trace::of(headers, &id, span));
        Self { id, began, trace, facts: RefCell::default() }
    }

    /// The id that the answer and the log line carry.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When it began.
    pub fn began(&self) -> Tick {
        self.began
    }

    /// The gateway's span.
    pub fn span(&self) -> SpanId {
        self.trace.borrow().span()
    }

    /// Who calls.
    pub fn caller(&self, caller: &Rc<Caller>) {
        self.facts.borrow_mut().caller = Some(Rc::clone(caller));
    }

    /// Whose request it is, where nobody calls.
    pub fn subject(&self, subject: &str) {
        self.facts.borrow_mut().subject = Some(clipped(subject).to_owned());
    }

    /// Who stands behind an agent whose request it is.
    pub fn sponsor(&self, sponsor: &str) {
        self.facts.borrow_mut().sponsor = Some(clipped(sponsor).to_owned());
    }

    /// Which client it is about.
    pub fn client(&self, client: &str) {
        self.facts.borrow_mut().client = Some(clipped(client).to_owned());
    }

    /// Which server it is about.
    pub fn server(&self, slug: &str) {
        self.facts.borrow_mut().server = Some(clipped(slug).to_owned());
    }

    /// What the client said.
    pub fn said(&self, said: Said<'_>) {
        let mut facts = self.facts.borrow_mut();
        (facts.era, facts.batch) = (said.era, said.batch);
        let owned = |text: Option<Cow<'_, str>>| text.map(|text| clipped(&text).to_owned());
        (facts.method, facts.tool, facts.prompt) = (owned(said.method), owned(said.tool), owned(said.prompt));
        facts.revision = owned(said.revision);
    }

    /// What the message says of the trace.
    pub fn traced(&self, members: Option<&TraceMembers>) {
        if let Some(members) = members {
            self.trace.borrow_mut().or(members);
        }
    }

    /// A server is asked, which is a span of its own and the next in these headers; of several the last counts.
    pub fn asks(&self, at: Tick, headers: &mut HeaderMap) {
        let (trace, mut facts) = (self.trace.borrow(), self.facts.borrow_mut());
        let span = facts.upstream_span.map_or(trace.span(), |(before, _)| before).next();
        facts.upstream_span = Some((span, at));
        trace.tell(span, headers);
    }

    /// What policy decided, and by which rule. Of several the first that is not to allow counts.
    pub fn decided(&self, decision: &'static str, rule: Option<usize>) {
        let mut facts = self.facts.borrow_mut();
        if facts.decision.is_none_or(|before| before == "allow") {
            (facts.decision, facts.rule) = (Some(decision), rule);
        }
    }

    /// The server answered, or did not; the last of several counts, and the time of all.
    pub fn upstream(&self, status: Option<u16>, took: Millis) {
        let mut facts = self.facts.borrow_mut();
        facts.upstream_status = status;
        let before = facts.upstream_time.map_or(0, |before| before.0);
        facts.upstream_time = Some(Millis(before.saturating_add(took.0)));
    }

    /// How the server answered last, if it did.
    pub fn upstream_status(&self) -> Option<u16> {
        self.facts.borrow().upstream_status
    }

    /// Other credentials were got, because the server refused those there were.
    pub fn renewed(&self) {
        let mut facts = self.facts.borrow_mut();
        facts.renewals = facts.renewals.saturating_add(1);
    }
}

/// The client that it is about, as every reader of it is told.
fn client(facts: &Facts) -> Option<&str> {
    facts.caller.as_deref().map(|caller| clipped(caller.client())).or(facts.client.as_deref())
}

/// The beginning of a text that is longer than any that is meant.
fn clipped(text: &str) -> &str {
    if text.len() <= LONGEST {
        return text; // no character is shorter than a byte
    }
    match text.get(..LONGEST) {
        Some(begun) if begun.is_ascii() => begun,
        _ => text.char_indices().nth(LONGEST).and_then(|(end, _)| text.get(..end)).unwrap_or(text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::config::LoggedCalls;

    const CALL: End<'_> = End {
        at: Tick(1_700),
        method: "POST",
        route: "mcp",
        is_call: true,
        status: 200,
        reason: None,
        blame: None,
        message: None,
        server: Some("demo"),
        called: Some("demo"),
    };

    fn record() -> RequestRecord {
        RequestRecord::new(([7; 16], [1; 8]), Tick(1_000), &HeaderMap::new())
    }

    fn read(line: Option<String>) -> Value {
        serde_json::from_str(&line.expect("a line")).unwrap()
    }

    #[test]
    fn a_call_is_one_line_of_what_was_written_down() {
        let record = record();
        record.said(Said { method: Some("tools/call".into()), tool: Some("echo".into()), ..Said::default() });
        record.upstream(Some(401), Millis(100));
        record.renewed();
        record.upstream(Some(200), Millis(50));
        let line = read(record.line(&CALL, LoggedCalls::All, None, None));
        assert_eq!(line["gen_ai.tool.name"], "echo");
        assert_eq!((&line["upstream.status"], &line["upstream_ms"]), (&200.into(), &150.into()));
        assert_eq!((&line["duration_ms"], &line["renewals"]), (&700.into(), &1.into()));
        assert!(line.get("reason").is_none() && line.get("subject").is_none());
    }

    #[test]
    fn the_configuration_says_which_calls_are_lines() {
        let refused = End { status: 401, reason: Some("token_missing"), ..CALL };
        let page = End { is_call: false, ..CALL };
        for (logged, lines) in [
            (LoggedCalls::All, [true, true, true]),
            (LoggedCalls::Refusals, [false, true, true]),
            (LoggedCalls::None, [false, false, true]),
        ] {
            let told = [&CALL, &refused, &page].map(|end| record().line(end, logged, None, None).is_some());
            assert_eq!(told, lines, "{logged:?}");
        }
    }

    #[test]
    fn what_a_client_chose_is_bounded_and_stays_in_its_line() {
        let record = record();
        let long = "ä".repeat(5_000);
        record.said(Said {
            method: Some(long.into()),
            tool: Some("a\n{\"reason\":\"x\"}\u{2028}\u{7f}\u{e0041}".into()),
            ..Said::default()
        });
        let line = record.line(&CALL, LoggedCalls::All, None, None).unwrap();
        assert!(line.len() < 1_000 && !line.contains(['\n', '\u{2028}', '\u{7f}', '\u{e0041}']), "{line}");
        let read = read(Some(line));
        assert!(read.get("reason").is_none());
        assert_eq!(read["gen_ai.tool.name"], "a\n{\"reason\":\"x\"}\u{2028}\u{7f}\u{e0041}", "as it was");
    }
}
