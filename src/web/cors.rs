//! Calls from browser pages of other origins (Fetch, "CORS protocol"): who may call, and what they may send and read.
//!
//! Not here: which endpoint is for whom (`route`), which origins are allowed (`origin`).

use http::StatusCode;

use super::failure::Failure;
use super::origin;
use super::reply::Reply;
use super::route::{Cors, Route};
use crate::config::Config;
use crate::flow::{Head, RequestContext};
use crate::headers::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, HeaderValue, VARY,
};

/// What a browser client of another origin may send (H2, S8): every header MCP clients use, by name, because `*` leaves
/// out Authorization.
const ALLOWED_HEADERS: &str = "authorization, dpop, x-api-key, content-type, accept, mcp-protocol-version, \
                               mcp-session-id, mcp-method, mcp-name, last-event-id, traceparent, tracestate, baggage";
/// What it may read.
const EXPOSED_HEADERS: &str =
    "www-authenticate, dpop-nonce, mcp-session-id, mcp-protocol-version, x-request-id, retry-after";

/// What `Access-Control-Allow-Origin` says, if anything; a preflight of an origin that may not call is told why.
pub fn allowed_origin(config: Option<&Config>, head: &Head, route: &Route<'_>) -> Result<Option<String>, Failure> {
    let Some(origin) = head.header("origin") else { return Ok(None) };
    match route.cors() {
        Cors::Public => Ok(Some("*".to_owned())),
        Cors::None => Ok(None),
        Cors::Api => {
            let own = config
                .and_then(|config| origin::effective(config, &head.url, &head.headers).ok().map(|own| (config, own)));
            match own {
                Some((config, own)) if origin::may_call(config, &own, &head.url, origin) => Ok(Some(origin.to_owned())),
                Some(_) if head.method == "OPTIONS" => Err(origin_not_allowed(origin)),
                _ => Ok(None),
            }
        }
    }
}

/// Refuses a call from a page that may not make it. Without this only the answer would be kept from the page, and the
/// call be made.
pub fn require_allowed<P>(context: &RequestContext<'_, P>, head: &Head) -> Result<(), Failure> {
    match head.header("origin") {
        Some(origin) if !origin::may_call(&context.config, &context.origin, &head.url, origin) => {
            Err(origin_not_allowed(origin))
        }
        _ => Ok(()),
    }
}

/// The answer to OPTIONS.
pub fn preflight<S>(route: &Route<'_>, head: &Head) -> Reply<S> {
    let allowed = route.allow();
    let reply = Reply::empty(StatusCode::NO_CONTENT).with(ALLOW, allowed);
    if route.cors() == Cors::None || head.header("origin").is_none() {
        return reply;
    }
    // Mcp-Param-* headers have names nobody can list: those asked for are allowed one by one.
    let asked = head.header("access-control-request-headers").unwrap_or_default();
    let parameters: Vec<_> =
        asked.split(',').map(str::trim).filter(|name| name.to_ascii_lowercase().starts_with("mcp-param-")).collect();
    let headers = parameters.iter().fold(ALLOWED_HEADERS.to_owned(), |all, name| format!("{all}, {name}"));
    reply
        .with(ACCESS_CONTROL_ALLOW_METHODS, allowed)
        .with(ACCESS_CONTROL_ALLOW_HEADERS, &headers)
        .with(ACCESS_CONTROL_MAX_AGE, "7200")
}

/// Says to the browser which page may read the answer, and what of it.
pub fn add_headers<S>(reply: &mut Reply<S>, route: &Route<'_>, allowed_origin: Option<&str>) {
    let headers = reply.headers_mut();
    if let Some(origin) = allowed_origin.and_then(|origin| HeaderValue::try_from(origin).ok()) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED_HEADERS));
    }
    if route.cors() == Cors::Api {
        headers.insert(VARY, HeaderValue::from_static("origin"));
    }
}

fn origin_not_allowed(origin: &str) -> Failure {
    Failure::client(403, "origin_not_allowed", format!("Pages of the origin {origin:?} may not call this gateway."))
        .fix("The operator can add the full origin (scheme, host and port) to allowed_origins.")
}
