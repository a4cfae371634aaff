//! How often one address may ask for what nobody has to be known for: the steps of authorizing, signing in and
//! connecting, and tokens.
//!
//! Not here: registrations (`flow::client::register`), wrong operator tokens (`flow::admin::operator`), and calls
//! (`flow::call::rate`).

use super::client::caller;
use super::{Head, RequestContext};
use crate::headers::{HeaderValue, RETRY_AFTER};
use crate::oauth::error::ErrorCode;
use crate::ports::{Limited, Platform, Unavailable};
use crate::time::PerMinute;
use crate::web::failure::Failure;
use crate::web::route::{Endpoint, Route};

/// Refuses a request of an address that has sent too many of its kind. Where the platform tells no address, as in
/// development, nobody can be told apart and nothing is counted.
pub async fn require<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    route: &Route<'_>,
) -> Result<(), Failure> {
    let limits = &context.config.limits;
    let (kind, rate) = match route {
        Route::Endpoint(Endpoint::Token | Endpoint::Revoke) => ("token", limits.token_per_address),
        // Never without a limit: whoever guesses secrets or tokens is told at once whether one is good.
        Route::Endpoint(Endpoint::Introspect) => {
            ("introspection", Some(limits.token_per_address.unwrap_or(PerMinute::MOST)))
        }
        Route::Connect(_)
        | Route::IssuerCallback
        | Route::Endpoint(
            Endpoint::Authorize
            | Endpoint::Consent
            | Endpoint::Login
            | Endpoint::LoginCallback
            | Endpoint::UpstreamCallback,
        ) => ("sign-in", limits.sign_in_per_address),
        _ => return Ok(()),
    };
    let Some((rate, address)) = rate.zip(caller::address(head)) else { return Ok(()) };
    // What guards a sign-in is closed while it does not work.
    let allowed = context.platform.allow(Limited::Configured(rate), &format!("{kind} {address}")).await;
    if allowed.map_err(|Unavailable| Failure::storage())? {
        return Ok(());
    }
    Err(Failure::client(429, "address_rate_limited", "Too many requests of this kind came from this address.")
        .code(ErrorCode::TemporarilyUnavailable)
        .fix("Wait a minute. Where many people share an address, the operator can raise the limit.")
        .header(RETRY_AFTER, HeaderValue::from_static("60")))
}
