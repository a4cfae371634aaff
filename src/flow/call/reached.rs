//! What servers were like when they were last used, as far as this isolate knows: noted by calls, told by `/status` and
//! the log.
//!
//! Not here: asking a server how it is. Nobody's question at `/status` may send requests to others.

use serde::Serialize;
use serde_json::{Value, json};

use crate::config::Server;
use crate::flow::connection::{catalogue, store};
use crate::flow::{RequestContext, boxed};
use crate::mcp::rewrite::list::List;
use crate::memory::LastUse;
use crate::memory::alarms::{Alarm, AlarmKind};
use crate::ports::Platform;
use crate::time::{Lifetime, Timestamp};
use crate::upstream::key::{ConnectionKey, FIRST_ACCOUNT, Owner};
use crate::web::failure::{Blame, Failure};
use crate::web::route;

/// How long a use is worth telling of.
const REMEMBERED: Lifetime = Lifetime::days(1);
/// A use that came to the same as the one before is noted only as often: calls are many.
const NOTED: Lifetime = Lifetime(60);
/// Reasons that say that no answer came.
const NO_ANSWER: &[&str] = &["upstream_unreachable", "upstream_timeout"];
const NOT_CONNECTED: &str = "shared_connection_missing";

/// What `/status` tells of a server.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reachability {
    /// The last use from this isolate, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used: Option<Told>,
    /// When it is tried again, while this isolate leaves it alone because it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_alone_until: Option<Timestamp>,
    /// When a use last came to something. For the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_success: Option<Timestamp>,
    /// How many refreshes of its connections failed in a row, since when, and why. For the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_refreshes: Option<Refreshes>,
    /// Whether an operator has connected it for everybody. Only where one has to, and where it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connected: Option<bool>,
    /// What was found when it was last checked from this isolate. For the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_check: Option<ToldCheck>,
    /// When it was last answered for from what it had listed before, because it could not be asked. For the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list_from_catalogue: Option<Timestamp>,
    /// Entries of its policy that mean nothing in what it listed last, as far as it is known here. For the operator.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policy_entries_dead: Vec<Value>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// A use as it is told.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// When that was, to the minute.
    pub at: Timestamp,
    /// Whether it answered at all; absent where it was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reachable: Option<bool>,
    /// Why the use came to nothing, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

/// A check as it is told.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct ToldCheck {
    /// When that was.
    pub at: Timestamp,
    /// The ids of what was found.
    pub findings: Vec<&'static str>,
}

/// Refreshes that failed, as they are told.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Refreshes {
    /// How many in a row.
    pub times: u32,
    /// Since when.
    pub since: Timestamp,
    /// Why the last of them did.
    pub reason: &'static str,
}

/// Notes what came of a use. Where that is another thing than before, the log has a line of it.
pub fn note<P: Platform>(context: &RequestContext<'_, P>, server: &Server, failure: Option<&Failure>) {
    match failure {
        Some(failure) if failure.reason == "client_gone" => {} // nobody knows what it would have come to
        Some(failure) if failure.blame == Blame::Gateway => {} // nor whether it was asked
        Some(failure) if failure.blame == Blame::Upstream => noted(context, server, Some(failure.reason)),
        _ => noted(context, server, None),
    }
}

/// Notes that a server could not be used because no operator has connected it.
pub fn note_unconnected<P: Platform>(context: &RequestContext<'_, P>, server: &Server) {
    noted(context, server, Some(NOT_CONNECTED));
}

/// Notes that a list was answered from what a server last said, as the use that was noted just now came to nothing.
pub fn note_stand_in<P: Platform>(context: &RequestContext<'_, P>, server: &Server) {
    let (slug, now) = (server.slug.as_str(), context.now);
    if let Some(used) = context.memory.used.get(slug, now) {
        context.memory.used.put(slug, LastUse { stood_in: Some(now), ..used }, now + REMEMBERED, now);
    }
}

fn noted<P: Platform>(context: &RequestContext<'_, P>, server: &Server, trouble: Option<&'static str>) {
    let slug = server.slug.as_str();
    let before = context.memory.used.get(slug, context.now);
    if before.is_some_and(|before| before.trouble == trouble && !(before.at + NOTED).reached(context.now)) {
        return;
    }
    let succeeded = if trouble.is_none() { Some(context.now) } else { before.and_then(|before| before.succeeded) };
    let stood_in = before.and_then(|before| before.stood_in);
    let last = LastUse { at: context.now, trouble, stood_in, succeeded };
    context.memory.used.put(slug, last, context.now + REMEMBERED, context.now);
    if before.and_then(|before| before.trouble) != trouble {
        let line =
            json!({"event": "server_changed", "server": slug, "reachable": answered(trouble), "reason": trouble});
        context.platform.record(&line.to_string());
    }
}

/// What is known of a server. Its connection is looked up for the operator alone: anybody else's question reads no
/// object.
pub async fn condition<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    for_operator: bool,
) -> Reachability {
    let used = context.memory.used.get(server.slug.as_str(), context.now);
    let last_used = used.map(|LastUse { at, trouble, .. }| Told { at, reachable: answered(trouble), reason: trouble });
    let load = context.memory.loads.get(server.url.as_str(), context.now);
    let left_alone_until = load.and_then(|load| load.circuit.borrow().again_at());
    if !for_operator {
        return Reachability { last_used, left_alone_until, ..Reachability::default() };
    }
    let dead = |list| catalogue::dead_entries(context.memory, server, list, context.now);
    boxed(catalogue::learn_names(context.platform, context.memory, &context.keys, server)).await;
    let failing = context.memory.alarms.of(AlarmKind::Refreshes, server.slug.as_str(), context.now);
    let checked = context.memory.checked.get(server.slug.as_str(), context.now);
    let known = Reachability {
        last_used,
        left_alone_until,
        last_success: used.and_then(|used| used.succeeded),
        failing_refreshes: failing.map(|Alarm { times, since, reason, .. }| Refreshes { times, since, reason }),
        last_check: checked.map(|last| ToldCheck { at: last.at, findings: last.found.clone() }),
        list_from_catalogue: used.and_then(|used| used.stood_in),
        policy_entries_dead: List::ALL.into_iter().flat_map(dead).map(|dead| json!(dead)).collect(),
        ..Reachability::default()
    };
    if !server.is_connected_by_operator() {
        return known;
    }
    let key = ConnectionKey::new(Owner::Gateway, server.slug.as_str(), FIRST_ACCOUNT);
    // What storage does not tell is left out.
    let connected = store::read(context, server, &key).await.ok().map(|kept| matches!(kept, store::Kept::Live(_)));
    let fix = connected.filter(|connected| !connected).map(|_| {
        let url = context.url(&route::shared_connection_path(server.slug.as_str()));
        format!("Connect it for everybody: POST {url} with the ADMIN_TOKEN, and open the link of the answer.")
    });
    Reachability { connected, fix, ..known }
}

fn answered(trouble: Option<&'static str>) -> Option<bool> {
    (trouble != Some(NOT_CONNECTED)).then(|| trouble.is_none_or(|reason| !NO_ANSWER.contains(&reason)))
}
