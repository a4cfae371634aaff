//! The line of a request, written as it goes to the log: JSON with OpenTelemetry's names where it has one.
//!
//! Every request has one, so it is put together without a serializer, which took 27,000 instructions. Not here: what is
//! in it, which the flows have written down (`record`).

use std::fmt::{Display, Write};

use super::written::written;
use super::{End, RequestRecord, client, clipped};
use crate::config::LoggedCalls;

impl RequestRecord {
    /// The line to log, unless the configuration leaves it out. `subject` is how the log names whose request it is,
    /// `sponsor` who stands behind them.
    pub fn line(
        &self,
        end: &End<'_>,
        logged: LoggedCalls,
        subject: Option<&str>,
        sponsor: Option<&str>,
    ) -> Option<String> {
        let wanted = match logged {
            LoggedCalls::All => true,
            LoggedCalls::Refusals => !end.is_call || end.reason.is_some(),
            LoggedCalls::None => !end.is_call,
        };
        if !wanted {
            return None;
        }
        let facts = self.facts.borrow();
        let trace = self.trace.borrow();
        let mut line = Line(String::with_capacity(1024));
        line.text("request_id", Some(&self.id));
        line.text("trace_id", Some(trace.id()));
        line.quoted("span_id", Some(trace.span()));
        line.quoted("parent_span_id", trace.parent());
        line.text("method", Some(end.method));
        line.text("route", Some(end.route));
        line.number("status", Some(end.status));
        line.text("reason", end.reason);
        line.text("blame", end.blame);
        line.text("message", end.message);
        line.text("error.type", end.reason.filter(|_| end.blame.is_some()));
        line.text("operation", facts.operation.as_deref());
        line.text("subject", subject.map(clipped));
        line.text("sponsor", sponsor.map(clipped));
        line.text("client", client(&facts));
        line.text("by", facts.caller.as_deref().map(|caller| caller.by.as_str()));
        line.text("server", end.server.or(facts.server.as_deref()));
        line.text("mcp.method.name", facts.method.as_deref());
        line.text("gen_ai.tool.name", facts.tool.as_deref());
        line.text("gen_ai.prompt.name", facts.prompt.as_deref());
        line.text("era", Some(facts.era).filter(|era| !era.is_empty()));
        line.text("mcp.protocol.version", facts.revision.as_deref());
        line.number("batch", facts.batch);
        line.text("decision", facts.decision);
        line.number("rule", facts.rule);
        line.number("upstream.status", facts.upstream_status);
        line.number("started_ms", Some(self.began.0));
        line.number("duration_ms", Some((end.at - self.began).0));
        line.quoted("upstream.span_id", facts.upstream_span.map(|(span, _)| span));
        line.number("upstream.started_ms", facts.upstream_span.map(|(_, at)| at.0));
        line.number("upstream_ms", facts.upstream_time.map(|took| took.0));
        line.number("renewals", Some(facts.renewals).filter(|renewals| *renewals > 0));
        Some(line.ended())
    }
}

/// An object being written, member by member. The names are ours and need no escapes.
struct Line(String);

impl Line {
    fn text(&mut self, name: &str, value: Option<&str>) {
        let Some(value) = value else { return };
        self.name(name);
        if value.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\') {
            self.0.push('"');
            self.0.push_str(value);
            self.0.push('"');
        } else {
            // A text always has a JSON form.
            self.0.push_str(&written(&value).unwrap_or_default());
        }
    }

    /// What is written without quotes or escapes in it.
    fn quoted(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.name(name);
            let _ = write!(self.0, "\"{value}\""); // writing to a String cannot fail
        }
    }

    fn number(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.name(name);
            let _ = write!(self.0, "{value}");
        }
    }

    fn name(&mut self, name: &str) {
        self.0.push_str(if self.0.is_empty() { "{\"" } else { ",\"" });
        self.0.push_str(name);
        self.0.push_str("\":");
    }

    fn ended(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    proptest! {
        #[test]
        fn whatever_is_in_a_text_it_is_read_as_it_was(text in any::<String>(), number: u64) {
            let mut line = Line(String::new());
            line.text("text", Some(&text));
            line.text("missing", None);
            line.number("number", Some(number));
            line.quoted("quoted", Some(7));
            let line = line.ended();
            prop_assert!(!line.contains('\n'));
            let read: Value = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(read, json!({"text": text, "number": number, "quoted": "7"}));
        }
    }
}
