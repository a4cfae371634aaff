//! What a person is given of their own request where it failed, to send to support: as much as is known without asking
//! storage, without secrets and without anybody's name.
//!
//! Not here: how a page shows it (`page`), and what the log has of it (`authorization_log`).

use serde::Serialize;

use super::{RequestRecord, client};
use crate::authorization_log::{LogStep, NEVER_KEPT};
use crate::version::V1;

/// In place of what follows the path of an address.
const CUT: &str = "?(cut)";

/// What the gateway says of a request that failed.
pub struct FailedRequest<'a> {
    /// The same that the log is told.
    pub end: super::End<'a>,
    /// What to do about it.
    pub fix: &'a str,
    /// What was compared.
    pub facts: &'a [(&'static str, String)],
    /// The version of the configuration in effect.
    pub configuration: Option<u64>,
}

#[derive(Serialize)]
struct Copy<'a> {
    v: V1,
    request_id: &'a str,
    trace_id: &'a str,
    at: u64,
    gateway_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration_version: Option<u64>,
    method: &'a str,
    route: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blame: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    fix: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<&'a str>,
    #[serde(rename = "mcp.protocol.version", skip_serializing_if = "Option::is_none")]
    revision: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    steps: Vec<LogStep>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    compared: Vec<Compared>,
    cut: Vec<&'static str>,
}

#[derive(Serialize)]
struct Compared {
    what: &'static str,
    was: Vec<String>,
}

impl RequestRecord {
    /// As JSON, in lines.
    pub fn copy(&self, failed: &FailedRequest<'_>) -> String {
        let FailedRequest { end, fix, facts, configuration } = failed;
        let (known, trace) = (self.facts.borrow(), self.trace.borrow());
        let mut cut = NEVER_KEPT.to_vec();
        cut.extend(["what follows a ? in an address", "the ids and names of persons"]);
        let addresses = |text: &str| text.lines().map(address).map(|line| Self::cut(&line)).collect();
        let copy = Copy {
            v: V1,
            request_id: &self.id,
            trace_id: trace.id(),
            at: end.at.second().0,
            gateway_version: env!("CARGO_PKG_VERSION"),
            configuration_version: *configuration,
            method: end.method,
            route: end.route,
            status: end.status,
            reason: end.reason,
            blame: end.blame,
            message: end.message.map(|message| message.split(' ').map(address).collect::<Vec<_>>().join(" ")),
            fix,
            client: client(&known).map(Self::cut),
            server: end.server.or(known.server.as_deref()).map(Self::cut),
            scopes: known.scopes.as_deref(),
            operation: known.operation.as_deref(),
            revision: known.revision.as_deref(),
            steps: known.steps(end),
            compared: facts.iter().map(|(what, was)| Compared { what, was: addresses(was) }).collect(),
            cut,
        };
        // Texts and numbers, so there is no failure to report.
        serde_json::to_string_pretty(&copy).unwrap_or_default()
    }
}

/// A text without what follows the path, where it is an address: codes and tokens stand there.
fn address(text: &str) -> String {
    let is_address = text.contains(":/");
    let end = text.find(['?', '#']).filter(|_| is_address);
    end.and_then(|end| text.get(..end)).map_or_else(|| text.to_owned(), |bare| format!("{bare}{CUT}"))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::headers::HeaderMap;
    use crate::record::End;
    use crate::time::Tick;

    #[test]
    fn it_says_what_is_known_and_what_was_cut() {
        let record = RequestRecord::new(([0xaa; 16], [0xbb; 8]), Tick(1_000), &HeaderMap::new());
        record.client("claude");
        record.subject("dev:alice");
        let end = End {
            at: Tick(1_700),
            method: "GET",
            route: "/oauth/authorize",
            is_call: false,
            status: 400,
            reason: Some("redirect_uri_unregistered"),
            blame: Some("client"),
            message: Some("It asked for cursor://cb?code=hunter2 and nothing else."),
            server: Some("docs"),
            called: None,
        };
        let facts = [("requested", "https://a.example/cb?code=hunter2\nhttp://localhost/cb#hunter2".to_owned())];
        let failed = FailedRequest { end, fix: "Register it.", facts: &facts, configuration: Some(7) };
        let text = record.copy(&failed);
        let copy: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&copy["client"], &copy["server"]), (&"claude".into(), &"docs".into()), "{text}");
        assert_eq!((&copy["configuration_version"], &copy["at"]), (&7.into(), &1.into()));
        let compared = ["https://a.example/cb?(cut)", "http://localhost/cb?(cut)"];
        assert_eq!(copy["compared"][0]["was"], serde_json::json!(compared));
        assert!(!text.contains("hunter2") && !text.contains("alice"), "{text}");
        assert!(copy["cut"].as_array().unwrap().len() > 3);
    }
}
