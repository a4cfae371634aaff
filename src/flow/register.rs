//! Dynamic Client Registration (RFC 7591).
//!
//! Not here: which metadata is acceptable (`oauth::registration`).

use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};

use super::{Answered, Head, Site, client, read_small, sentence};
use crate::failure::Failure;
use crate::oauth::redirect_policy::RedirectPolicy;
use crate::oauth::registration::{self, StoredClient};
use crate::ports::{Platform, Unavailable};
use crate::reply::Reply;

/// `POST /oauth/register`.
pub async fn register<P: Platform>(site: &Site<'_, P>, head: &Head, body: P::Stream) -> Answered<P> {
    if !site.config.clients.dynamic_registration {
        return Err(Failure::client(
            403,
            "registration_disabled",
            "This gateway does not register clients dynamically.",
        )
        .fix("Use a client metadata document, or ask the operator to set the client up."));
    }
    let address = head.header("cf-connecting-ip").unwrap_or("unknown");
    if !site.platform.allow_registration(address).await.map_err(|Unavailable| Failure::storage())? {
        return Err(Failure::client(
            429,
            "registration_rate_limited",
            "Too many registrations came from this address.",
        )
        .fix("Wait a minute. A client should register once and keep its client_id.")
        .header(RETRY_AFTER, HeaderValue::from_static("60")));
    }
    let body = read_small(body, registration::LIMIT).await?;
    let policy = RedirectPolicy { patterns: site.config.clients.redirect_patterns.clone() };
    let registration = registration::parse(&body, &policy).map_err(|error| {
        Failure::oauth(error.code(), error.reason(), sentence(&error)).fix("The client must correct its registration.")
    })?;
    let (stored, answer) = registration.register(site.platform.random(), site.platform.random(), site.now);
    store(site, &stored).await.map_err(|Unavailable| Failure::storage())?;
    Ok(Reply::bytes(StatusCode::CREATED, "application/json", answer.expose().as_bytes().to_vec()))
}

/// A registered client got tokens: unused registrations are forgotten, used ones are kept.
pub async fn keep<P: Platform>(site: &Site<'_, P>, client_id: &str) -> Result<(), Unavailable> {
    if !registration::is_registered_id(client_id) {
        return Ok(());
    }
    let record = site.platform.get(&client::key(client_id)).await?;
    let stored = record.and_then(|record| serde_json::from_str::<StoredClient>(&record).ok());
    match stored.and_then(|stored| stored.touch(site.now)) {
        Some(used) => store(site, &used).await,
        None => Ok(()),
    }
}

async fn store<P: Platform>(site: &Site<'_, P>, client: &StoredClient) -> Result<(), Unavailable> {
    let record = serde_json::to_string(client).map_err(|_| Unavailable)?;
    site.platform.put(&client::key(client.id()), &record, Some(client.expires().remaining(site.now))).await
}
