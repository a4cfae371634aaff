//! What a client may send and how often, and how much a server is asked at once.
//!
//! Not here: counting (`flow::call::rate`, `flow::call::load`).

use std::collections::BTreeMap;

use crate::policy::{LONGEST_NAME, folded};
use crate::time::PerMinute;

use super::document::{BODY_BYTES, CONCURRENT, DEPTH, LimitsDocument, RATE, ServerLimitsDocument};
use super::report::{Pointer, Report};
use super::text;

/// Bounds on what a client may send, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest request body.
    pub body_bytes: usize,
    /// How deep JSON may be nested.
    pub depth: usize,
    /// How many messages a subject may send.
    pub per_subject: Option<PerMinute>,
    /// How many messages a client may send.
    pub per_client: Option<PerMinute>,
    /// How many messages an API key may send.
    pub per_key: Option<PerMinute>,
    /// How many steps of a sign-in an address may take.
    pub sign_in_per_address: Option<PerMinute>,
    /// How many requests for tokens an address may send.
    pub token_per_address: Option<PerMinute>,
}

/// How often and how many at once a server may be called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerLimits {
    /// How many messages it may get.
    pub per_server: Option<PerMinute>,
    /// How often its tools may be called, by their names without differences of case.
    per_tool: BTreeMap<String, PerMinute>,
    /// How many calls may wait for its answer in an isolate.
    pub concurrent: Option<u16>,
}

impl ServerLimits {
    /// The limit of a tool, with the name that it is counted by. Only names of the configuration are: no caller makes
    /// up one more.
    pub fn of_tool(&self, name: &str) -> Option<(&str, PerMinute)> {
        if self.per_tool.is_empty() || name.len() > LONGEST_NAME {
            return None;
        }
        self.per_tool.get_key_value(&*folded(name)).map(|(name, rate)| (name.as_str(), *rate))
    }
}

pub(super) fn prove(document: &LimitsDocument, at: &Pointer, report: &mut Report) -> Option<Limits> {
    let body_bytes = text::number(&at.child("body_bytes"), document.body_bytes, &BODY_BYTES, report);
    let depth = text::number(&at.child("depth"), document.depth, &DEPTH, report);
    let mut rate = |name: &str, value| rate(&at.child(name), value, report);
    let per_subject = rate("per_subject", document.per_subject);
    let per_client = rate("per_client", document.per_client);
    let per_key = rate("per_key", document.per_key);
    let sign_in_per_address = rate("sign_in_per_address", Some(document.sign_in_per_address));
    let token_per_address = rate("token_per_address", document.token_per_address);
    Some(Limits {
        body_bytes: usize::try_from(body_bytes?).ok()?,
        depth: usize::try_from(depth?).ok()?,
        per_subject,
        per_client,
        per_key,
        sign_in_per_address,
        token_per_address,
    })
}

pub(super) fn prove_server(document: ServerLimitsDocument, at: &Pointer, report: &mut Report) -> ServerLimits {
    let tools = at.child("per_tool");
    let mut per_tool: BTreeMap<String, PerMinute> = BTreeMap::new();
    for (name, value) in document.per_tool {
        let place = tools.child(&name);
        if name.is_empty() || name.len() > LONGEST_NAME {
            report.add(&place, "is no tool's name", format!("write a name of 1 to {LONGEST_NAME} bytes"));
        }
        if let Some(rate) = rate(&place, Some(value), report) {
            // Two spellings of one name are one tool; the lower limit is the one that holds.
            let known = per_tool.entry(folded(&name).into_owned()).or_insert(rate);
            *known = rate.min(*known);
        }
    }
    let concurrent = document.concurrent;
    let concurrent = concurrent.and_then(|most| text::number(&at.child("concurrent"), most, &CONCURRENT, report));
    ServerLimits {
        per_server: rate(&at.child("per_server"), document.per_server, report),
        per_tool,
        concurrent: concurrent.and_then(|most| u16::try_from(most).ok()),
    }
}

fn rate(at: &Pointer, value: Option<u64>, report: &mut Report) -> Option<PerMinute> {
    text::number(at, value?, &RATE, report).and_then(PerMinute::at_most)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Config;
    use crate::config::tests::{complete, refused, refused_at};

    #[test]
    fn a_number_is_counted_by_the_rung_below_it() {
        assert_eq!(RATE, u64::from(PerMinute::LADDER[0])..=u64::from(PerMinute::LADDER[7]));
        for (written, counted) in [(10, 10), (29, 10), (30, 30), (299, 120), (300, 300), (3000, 3000)] {
            assert_eq!(PerMinute::at_most(written).map(PerMinute::get), Some(counted), "{written}");
        }
        for (place, value) in [
            ("/limits/per_subject", json!(9)),
            ("/limits/per_client", json!(3001)),
            ("/limits/sign_in_per_address", json!(0)),
        ] {
            refused(place, value, &["write a number"]);
        }
        for (name, limits) in [
            ("per_server", json!({"per_server": 5})),
            ("per_tool/echo", json!({"per_tool": {"echo": 1}})),
            ("concurrent", json!({"concurrent": 0})),
        ] {
            refused_at(&format!("/servers/docs/limits/{name}"), "/servers/docs/limits", limits, &["write a number"]);
        }
    }

    #[test]
    fn no_spelling_of_a_tool_gets_around_its_limit() {
        let mut document = complete();
        document["servers"]["docs"]["limits"] = json!({"per_tool": {"Create_Issue": 30, "create_issue": 60}});
        let config = Config::parse(&document.to_string()).unwrap();
        let limits = &config.servers["docs"].limits;
        for name in ["create_issue", "CREATE_ISSUE", "Create_Issue", "create%5Fissue"] {
            assert_eq!(
                limits.of_tool(name).map(|(name, rate)| (name, rate.get())),
                Some(("create_issue", 30)),
                "{name}"
            );
        }
        for name in ["create", "create_issue2", ""] {
            assert_eq!(limits.of_tool(name), None, "{name}");
        }
    }
}
