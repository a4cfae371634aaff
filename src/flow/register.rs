//! Dynamic Client Registration (RFC 7591).
//!
//! Not here: which metadata is acceptable (`oauth::registration`).

use http::StatusCode;
use http::header::RETRY_AFTER;

use super::{Answered, Head, Site, client, read_small};
use crate::failure::Failure;
use crate::oauth::redirect::RedirectPolicy;
use crate::oauth::registration;
use crate::ports::{Platform, Unavailable};
use crate::reply::Reply;
use crate::time::Lifetime;

/// A registration nobody has used by then is forgotten.
const UNUSED: Lifetime = Lifetime::days(1);

/// `POST /oauth/register`.
pub async fn register<P: Platform>(site: &Site<'_, P>, head: &Head, body: P::Stream) -> Answered<P> {
    if !site.config.clients.dynamic_registration {
        return Err(Failure::client(403, "registration_disabled", "This gateway does not register clients dynamically.")
            .fix("Use a client metadata document, or ask the operator to set the client up."));
    }
    let address = head.header("cf-connecting-ip").unwrap_or("unknown");
    if !site.platform.allow_registration(address).await.map_err(|Unavailable| Failure::storage())? {
        return Err(Failure::client(429, "registration_rate_limited", "Too many registrations came from this address.")
            .fix("Wait a minute. A client should register once and keep its client_id.")
            .header(RETRY_AFTER, "60"));
    }
    let body = read_small(body, registration::LIMIT).await?;
    let policy = RedirectPolicy { patterns: site.config.clients.redirect_patterns.clone() };
    let registration = registration::parse(&body, &policy)
        .map_err(|error| Failure::oauth(error.code(), error.reason(), error.to_string()).fix(error.fix()))?;
    let (stored, answer) = registration.register(site.platform.random(), site.platform.random(), site.now);
    let record = serde_json::to_string(&stored).map_err(|_| Failure::storage())?;
    site.platform.put(&client::key(stored.id()), &record, Some(UNUSED)).await.map_err(|Unavailable| Failure::storage())?;
    Ok(Reply::bytes(StatusCode::CREATED, "application/json", answer))
}

/// A registered client got tokens: it lives at least as long as they can be refreshed.
pub async fn keep<P: Platform>(site: &Site<'_, P>, client_id: &str) -> Result<(), Unavailable> {
    if !registration::is_ours(client_id) {
        return Ok(());
    }
    let key = client::key(client_id);
    match site.platform.get(&key).await? {
        Some(record) => site.platform.put(&key, &record, Some(site.config.tokens.refresh_ttl.max(UNUSED).and(Lifetime::days(90)))).await,
        None => Ok(()),
    }
}
