//! What every answer carries, whichever flow it comes from: the request id, security headers, its operator's name.
//!
//! Not here: CORS and transport security (`web`), and the content of pages (`page`).

use crate::config::Branding;
use crate::headers::{CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use crate::page;
use crate::web::reply::Reply;
use crate::web::route::Route;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Of an answer to a program: should a browser ever show it, nothing in it runs, whatever a server put there.
const NOTHING_RUNS: &str = "sandbox; default-src 'none'";

/// Adds the request id, and what keeps a browser from running what is none of ours.
pub(super) fn add_headers<S>(reply: &mut Reply<S>, route: &Route<'_>, request_id: &str) {
    let is_page = route.is_page() || reply.is_page();
    let headers = reply.headers_mut();
    if let Ok(request_id) = HeaderValue::try_from(request_id) {
        headers.insert(REQUEST_ID, request_id);
    }
    if !is_page {
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert_missing(CONTENT_SECURITY_POLICY, HeaderValue::from_static(NOTHING_RUNS));
        return;
    }
    for (name, value) in page::security::headers() {
        headers.insert_missing(name, value);
    }
    if let Ok(policy) = HeaderValue::try_from(page::security::csp(&[])) {
        headers.insert_missing(CONTENT_SECURITY_POLICY, policy);
    }
}

/// A page in its operator's name and colour, whichever flow it comes from.
pub(super) fn branded<S>(reply: Reply<S>, branding: &Branding) -> Reply<S> {
    let brand = page::Brand { name: branding.name.as_deref(), accent: branding.accent };
    let policy = reply.headers().get(CONTENT_SECURITY_POLICY).and_then(|policy| policy.to_str().ok());
    let policy = policy.map(|policy| brand.allow_in(policy)).unwrap_or_default();
    reply.with_page(|page| brand.put_on(page)).with(CONTENT_SECURITY_POLICY, &policy)
}
