//! `GET /connections/request?request_id=`: what was written down of one's own request, to send to support.
//!
//! Not here: the same for operators (`flow::admin::bundle`), and what a page tells without storage (`record`).

use http::StatusCode;

use crate::authorization_log::{LogFilter, LogQuery, SupportBundle, is_request_id};
use crate::flow::login::session;
use crate::flow::{Answered, Head, RequestContext, authorization_log, login};
use crate::headers::CONTENT_DISPOSITION;
use crate::ports::{Platform, Unavailable};
use crate::web::failure::Failure;
use crate::web::form;
use crate::web::reply::Reply;
use crate::web::route::Endpoint;

/// Of one request, and of the same authorization; more than there are.
const MOST: u32 = 100;

/// Answers with a file. Whatever id is asked for, only what is of whoever is signed in is looked at.
pub async fn show<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Answered<P> {
    let query = form::parse(head.query().as_bytes()).ok();
    let asked = query.as_ref().and_then(|query| query.one("request_id").ok().flatten());
    let id = asked.filter(|id| is_request_id(id)).ok_or_else(nothing_of_yours)?;
    let Some(signed_in) = session::current(context, head).await? else {
        return login::begin(context, head, &path(id)).await;
    };
    let subject = Some(signed_in.session.identity.subject.clone());
    let read = async |filter| {
        let query = LogQuery { filter, cursor: None, limit: MOST };
        let page = authorization_log::read(context.platform, &context.keys, context.config.log_keep, &query).await;
        page.map(|page| page.entries).map_err(|Unavailable| Failure::storage())
    };
    let request = LogFilter { request_id: Some(id.to_owned()), subject: subject.clone(), ..LogFilter::default() };
    let mut entries = read(request).await?;
    if let Some(operation) = entries.iter().find_map(|entry| entry.operation.clone()) {
        let others = read(LogFilter { operation: Some(operation), subject, ..LogFilter::default() }).await?;
        entries.extend(others.into_iter().filter(|entry| entry.request_id != id));
    }
    if entries.is_empty() {
        return Err(nothing_of_yours());
    }
    let mut bundle = SupportBundle::own(id, context.now, entries);
    bundle.configuration_version = context.memory.config.borrow().as_ref().map(|loaded| loaded.version);
    let file = format!("attachment; filename=\"request-{id}.json\"");
    Ok(Reply::json(StatusCode::OK, &bundle).with(CONTENT_DISPOSITION, &file))
}

/// Where that is of one request.
pub fn path(request_id: &str) -> String {
    format!("{}?request_id={request_id}", Endpoint::OwnRequest.path())
}

/// The same for a request of somebody else's and one that never was.
fn nothing_of_yours() -> Failure {
    Failure::client(404, "no_own_request", "The authorization log has nothing of yours under that request.").fix(
        "Entries are there moments after the request, for as long as the operator keeps them. Signed in as somebody \
         else, sign out first. The operator finds every request by its id.",
    )
}
