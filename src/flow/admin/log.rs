//! `GET /admin/log`: the authorization log, in pages of JSON, or as lines to keep elsewhere.
//!
//! Not here: what a query may say (`authorization_log`), reading (`flow::authorization_log`).

use http::StatusCode;
use serde_json::json;

use super::operator;
use crate::authorization_log::{LogCursor, LogQuery, QueryError};
use crate::flow::{Answered, Head, RequestContext, authorization_log, sentence};
use crate::headers::LINK;
use crate::ports::{Platform, Unavailable};
use crate::web::failure::Failure;
use crate::web::form;
use crate::web::reply::Reply;

/// Entries on a page of JSON.
const PAGE: u32 = 500;
/// Lines of one export.
const EXPORT: u32 = 2_000;
const NDJSON: &str = "application/x-ndjson";

/// Answers with a page of the log.
pub async fn show<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Answered<P> {
    operator::reads(context, head).await?;
    let form = form::parse(head.query().as_bytes()).map_err(|error| malformed(&QueryError::Form(error)))?;
    let format = form.one("format").map_err(|error| malformed(&QueryError::Form(error)))?;
    let is_export = match format {
        Some("ndjson") => true,
        Some("json") => false,
        Some(_) => return Err(malformed(&QueryError::Value { name: "format", wanted: "is json or ndjson" })),
        None => head.header("accept").is_some_and(|accept| accept.contains(NDJSON)),
    };
    let most = if is_export { EXPORT } else { PAGE };
    let query = LogQuery::parse(&form, most).map_err(|error| malformed(&error))?;
    if is_export {
        context.record.act("export_log");
    }
    let page = authorization_log::read(context.platform, &context.keys, context.config.log_keep, &query).await;
    let page = page.map_err(|Unavailable| Failure::storage())?;
    let next = page.next.as_ref().map(LogCursor::to_text);
    let link = next.as_deref().map(|cursor| following(context, head, cursor));
    let reply = if is_export {
        let lines = page.entries.iter().filter_map(|entry| serde_json::to_string(entry).ok());
        Reply::bytes(StatusCode::OK, NDJSON, lines.flat_map(|line| [line, "\n".to_owned()]).collect::<String>().into())
    } else {
        let mut body = json!({"entries": page.entries, "next": next});
        if page.unreadable > 0
            && let Some(members) = body.as_object_mut()
        {
            members.insert("unreadable".to_owned(), page.unreadable.into());
        }
        Reply::json(StatusCode::OK, &body)
    };
    Ok(match link {
        Some(link) => reply.with(LINK, &format!("<{link}>; rel=\"next\"")),
        None => reply,
    })
}

/// Whether lines are asked for.
pub fn is_export(head: &Head) -> bool {
    url::form_urlencoded::parse(head.query().as_bytes()).any(|(name, _)| name == "format")
}

/// The same question from where the page ends (RFC 8288).
fn following<P: Platform>(context: &RequestContext<'_, P>, head: &Head, cursor: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let same = url::form_urlencoded::parse(head.query().as_bytes()).filter(|(name, _)| name != "cursor");
    query.extend_pairs(same).append_pair("cursor", cursor);
    format!("{}?{}", context.url(head.url.path()), query.finish())
}

fn malformed(error: &QueryError) -> Failure {
    Failure::client(400, error.reason(), sentence(error)).fix(
        "Filter by subject, client, server, reason, kind, request_id, operation, from and until (seconds since the \
         epoch), each once; limit says how many, cursor is what the last page gave out.",
    )
}
