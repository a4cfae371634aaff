//! `GET /admin/bundle?request_id=`: what support needs of a request, to be sent on.
//!
//! Not here: what is cut (`authorization_log::SupportBundle`).

use http::StatusCode;

use super::operator;
use crate::authorization_log::{BundledServer, LogEntry, LogFilter, LogQuery, SupportBundle, is_request_id};
use crate::config::Auth;
use crate::flow::{Answered, Head, RequestContext, authorization_log};
use crate::headers::CONTENT_DISPOSITION;
use crate::ports::{Platform, Unavailable};
use crate::web::failure::Failure;
use crate::web::form;
use crate::web::reply::Reply;

/// Of one authorization; more requests than it has.
const MOST: u32 = 100;

/// Answers with the bundle as a file.
pub async fn show<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Answered<P> {
    operator::reads(context, head).await?;
    let query = form::parse(head.query().as_bytes()).ok();
    let field = |name| query.as_ref().and_then(|query| query.one(name).ok().flatten());
    let id = field("request_id").filter(|id| is_request_id(id)).ok_or_else(request_id_missing)?;
    let mut entries = found(context, LogFilter { request_id: Some(id.to_owned()), ..LogFilter::default() }).await?;
    let operation = entries.iter().find_map(|entry| entry.operation.clone());
    if operation.is_some() {
        let others = found(context, LogFilter { operation, ..LogFilter::default() }).await?;
        entries.extend(others.into_iter().filter(|entry| entry.request_id != id));
    }
    if entries.is_empty() {
        return Err(no_such_request());
    }
    let slug = entries.iter().find_map(|entry| entry.server.clone());
    let mut bundle = SupportBundle::new(id, context.now, entries, field("names") == Some("true"));
    bundle.configuration_version = context.memory.config.borrow().as_ref().map(|loaded| loaded.version);
    bundle.server = slug.and_then(|slug| server(context, &slug));
    let file = format!("attachment; filename=\"request-{id}.json\"");
    Ok(Reply::json(StatusCode::OK, &bundle).with(CONTENT_DISPOSITION, &file))
}

async fn found<P: Platform>(context: &RequestContext<'_, P>, filter: LogFilter) -> Result<Vec<LogEntry>, Failure> {
    let query = LogQuery { filter, cursor: None, limit: MOST };
    let page = authorization_log::read(context.platform, &context.keys, context.config.log_keep, &query).await;
    page.map(|page| page.entries).map_err(|Unavailable| Failure::storage())
}

fn server<P>(context: &RequestContext<'_, P>, slug: &str) -> Option<BundledServer> {
    let server = context.config.servers.get(slug)?;
    let mut url = server.url.clone();
    // Some servers are told apart by what follows the path, and some have a key there.
    url.set_query(None);
    Some(BundledServer { slug: slug.to_owned(), url: url.to_string(), auth: kind(&server.auth) })
}

const fn kind(auth: &Auth) -> &'static str {
    match auth {
        Auth::None => "none",
        Auth::Headers(_) => "headers",
        Auth::OAuth(_) => "oauth",
        Auth::ClientCredentials(_) => "client_credentials",
    }
}

fn request_id_missing() -> Failure {
    Failure::client(400, "request_id_missing", "This endpoint tells of one request, by its id.")
        .fix("Ask for /admin/bundle?request_id= and the 32 characters that an answer carries in X-Request-Id.")
}

fn no_such_request() -> Failure {
    Failure::client(404, "no_such_request", "The authorization log has no entry of that request.").fix(
        "It keeps what was refused to callers who were signed in, and everything that authorizes, for as long as \
         log.authorization_days says. Look for the id in the log lines as well.",
    )
}
