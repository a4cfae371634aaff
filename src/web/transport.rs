//! Plain http to a gateway on the public internet: people are sent to https, clients are told that what they sent could
//! be read, and browsers remember it.
//!
//! Not here: what says how a request began (`origin`). Where nothing does, it is served, and `/status` warns.

use http::StatusCode;
use url::Position;

use super::failure::Failure;
use super::origin;
use super::reply::Reply;
use super::route::{Endpoint, Route};
use crate::config::Origin;
use crate::flow::Head;
use crate::headers::{CACHE_CONTROL, HeaderValue, LOCATION, STRICT_TRANSPORT_SECURITY};

/// A year, as preload lists ask for, without them and without other hosts of the domain: those are not the gateway's to
/// bind.
const REMEMBERED: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Refuses what came in the clear to where only https is spoken, or answers the way there.
pub fn require_private<S>(head: &Head, route: &Route<'_>, own: Option<&Origin>) -> Result<Option<Reply<S>>, Failure> {
    let says_nothing = matches!(route, Route::Endpoint(Endpoint::Healthz));
    if says_nothing || !origin::came_in_the_clear(&head.headers) || !origin::is_private(own, &head.url) {
        return Ok(None);
    }
    let Some(own) = own.filter(|_| route.is_page() || head.wants_page()) else { return Err(https_required(own)) };
    let there = format!("{}{}", own.as_str(), &head.url[Position::BeforePath..Position::AfterQuery]);
    let reply = Reply::empty(StatusCode::PERMANENT_REDIRECT).with(LOCATION, &there);
    Ok(Some(reply.with(CACHE_CONTROL, "no-store").log_reason("https_required")))
}

/// Lets browsers remember that this origin is https only (RFC 6797 §7.2: never said in the clear).
pub fn add_headers<S>(reply: &mut Reply<S>, head: &Head, own: Option<&Origin>) {
    if own.is_some() && origin::is_private(own, &head.url) && !origin::came_in_the_clear(&head.headers) {
        reply.headers_mut().insert(STRICT_TRANSPORT_SECURITY, REMEMBERED);
    }
}

fn https_required(own: Option<&Origin>) -> Failure {
    let address = own.map_or("https://", Origin::as_str);
    Failure::client(
        403,
        "https_required",
        "This request came over plain http, so what it carried could be read on the \
                                            way.",
    )
    .fix(format!(
        "Use {address}. If the request carried a token or a secret, do not use it any more: authorize \
                      again, or replace it."
    ))
}
