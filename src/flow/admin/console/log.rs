//! The console's authorization log: the same filters as programs have, and the story of one request.
//!
//! Not here: what a query may say (`authorization_log`), reading (`flow::authorization_log`).

use http::StatusCode;
use url::form_urlencoded::Serializer;

use super::form::address;
use super::frame::{enter, frame};
use crate::authorization_log::{LogCursor, LogEntry, LogPage, LogQuery};
use crate::flow::{Answered, Head, RequestContext, authorization_log, sentence};
use crate::page;
use crate::page::{ConsoleLogPage, FilterField, LogRow};
use crate::ports::{Platform, Unavailable};
use crate::time::Timestamp;
use crate::web::form;
use crate::web::reply::Reply;
use crate::web::route::Endpoint;

/// Entries on a page.
const SHOWN: u32 = 50;
/// What can be looked for: its name in the query, and how it is called.
const FILTERS: [(&str, &str); 9] = [
    ("subject", "Subject"),
    ("client", "Client"),
    ("server", "Server"),
    ("reason", "Reason"),
    ("kind", "Kind"),
    ("request_id", "Request"),
    ("operation", "Authorization"),
    ("from", "From, seconds since 1970"),
    ("until", "Until, seconds since 1970"),
];

/// `GET /admin/log` as a page.
pub async fn show<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Answered<P> {
    let signed_in = match enter(context, head).await {
        Ok(signed_in) => signed_in,
        Err(elsewhere) => return elsewhere,
    };
    // A form sends its empty fields as well.
    let asked: Vec<(String, String)> = url::form_urlencoded::parse(head.query().as_bytes())
        .filter(|(_, value)| !value.trim().is_empty())
        .map(|(name, value)| (name.into_owned(), value.trim().to_owned()))
        .collect();
    let query = Serializer::new(String::new()).extend_pairs(&asked).finish();
    let query = form::parse(query.as_bytes()).map_err(|error| sentence(&error));
    let query = query.and_then(|form| LogQuery::parse(&form, SHOWN).map_err(|error| sentence(&error)));
    let (found, problem) = match query {
        Ok(query) => {
            let query = LogQuery { limit: SHOWN, ..query };
            let page = authorization_log::read(context.platform, &context.keys, context.config.log_keep, &query).await;
            match page {
                Ok(page) => (Some(page), None),
                Err(Unavailable) => (None, None),
            }
        }
        Err(problem) => (None, Some(problem)),
    };
    let value = |name: &str| asked.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let field = |(name, label): (&'static str, &'static str)| FilterField {
        name,
        label,
        value: value(name).unwrap_or_default(),
    };
    let with = |name: &str, value: &str| {
        let mut query: Vec<(&str, &str)> = Vec::new();
        query.extend(
            asked.iter().filter(|(known, _)| known != name).map(|(name, value)| (name.as_str(), value.as_str())),
        );
        query.push((name, value));
        address(Endpoint::AdminLog, &query)
    };
    let (found, next) = found.map_or((None, None), |LogPage { entries, next, .. }| (Some(entries), next));
    let bundle = value("request_id").filter(|_| found.as_ref().is_some_and(|entries| !entries.is_empty()));
    let page = ConsoleLogPage {
        frame: frame(context, &signed_in, Endpoint::AdminLog, None),
        filters: FILTERS.map(field).into(),
        export: with("format", "ndjson"),
        found: found.map(|entries| entries.iter().map(row).collect()),
        older: next.as_ref().map(LogCursor::to_text).map(|cursor| with("cursor", &cursor)),
        problem,
        bundle: bundle.map(|id| address(Endpoint::SupportBundle, &[("request_id", &id)])),
    };
    Ok(Reply::page(StatusCode::OK, page.render()))
}

fn row(entry: &LogEntry) -> LogRow {
    let LogEntry {
        at, request_id, kind, operation, actor, act, subject, client, server, scopes, status, reason, ..
    } = entry;
    let facts = [
        ("Subject", subject.clone()),
        ("Client", client.clone()),
        ("Server", server.clone()),
        ("Operator", actor.clone()),
        ("Act", act.clone()),
        ("Scopes", scopes.clone()),
        ("Method", entry.mcp_method.clone()),
        ("Tool", entry.tool.clone()),
        ("Who must act", entry.blame.clone()),
        ("Stands for", entry.stands_for.map(|number| format!("{number} like it"))),
        ("Request", Some(request_id.clone())),
    ];
    LogRow {
        at: Timestamp(at / 1000),
        kind: page::entry_kind(kind.as_str()),
        link: address(Endpoint::AdminLog, &[("request_id", request_id)]),
        operation: operation.as_ref().map(|operation| address(Endpoint::AdminLog, &[("operation", operation)])),
        status: *status,
        reason: reason.clone(),
        facts: facts.into_iter().filter_map(|(label, value)| Some((label, value?))).collect(),
        steps: entry.steps.iter().map(|step| (step.step.to_string(), step.outcome.to_string())).collect(),
    }
}
