//! Dynamic Client Registration (RFC 7591).
//!
//! Not here: which metadata is acceptable (`oauth::registration`).

use std::net::Ipv6Addr;

use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};

use super::{Answered, Head, Site, client, read_small, sentence};
use crate::failure::Failure;
use crate::json;
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
    require_allowance(site, head).await?;
    let body = read_small(body, registration::LIMIT).await?;
    let registration = registration::parse(&body, &site.redirect_policy()).map_err(|error| {
        Failure::oauth(error.code(), error.reason(), sentence(&error)).fix("The client must correct its registration.")
    })?;
    let (stored, answer) = registration.register(site.platform.random(), site.platform.random(), site.now);
    store(site, &stored).await.map_err(|Unavailable| Failure::storage())?;
    Ok(Reply::bytes(StatusCode::CREATED, "application/json", answer.expose().as_bytes().to_vec()))
}

/// Counts one more client that nobody vouches for against its address.
pub async fn require_allowance<P: Platform>(site: &Site<'_, P>, head: &Head) -> Result<(), Failure> {
    let caller = caller(head.header("cf-connecting-ip").unwrap_or("unknown"));
    if site.platform.allow_registration(&caller).await.map_err(|Unavailable| Failure::storage())? {
        return Ok(());
    }
    let message = "Too many new clients came from this address.";
    Err(Failure::client(429, "registration_rate_limited", message)
        .fix("Wait a minute. A client should register once and keep its client_id.")
        .header(RETRY_AFTER, HeaderValue::from_static("60")))
}

/// Who is counted: an IPv4 address, or the /64 that one IPv6 customer has to itself, with more addresses than could be counted.
fn caller(address: &str) -> String {
    match address.parse::<Ipv6Addr>() {
        Ok(address) if address.to_ipv4_mapped().is_none() => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        _ => address.to_owned(),
    }
}

/// A registered client got tokens: unused registrations are forgotten, used ones are kept. Storage that does not take the note
/// costs nothing today, and the next refresh notes it again; refusing here would burn a code that was just redeemed.
pub async fn keep<P: Platform>(site: &Site<'_, P>, client_id: &str) {
    if registration::is_registered_id(client_id) {
        let _ = note_use(site, client_id).await;
    }
}

async fn note_use<P: Platform>(site: &Site<'_, P>, client_id: &str) -> Result<(), Unavailable> {
    let record = site.platform.get(&client::key(client_id)).await?;
    let stored = record.and_then(|record| json::read::<StoredClient>(record.as_bytes()).ok());
    match stored.and_then(|stored| stored.touch(site.now)) {
        Some(used) => store(site, &used).await,
        None => Ok(()),
    }
}

async fn store<P: Platform>(site: &Site<'_, P>, client: &StoredClient) -> Result<(), Unavailable> {
    let record = serde_json::to_string(client).map_err(|_| Unavailable)?;
    site.platform.put(&client::key(client.id()), &record, Some(client.expires().remaining(site.now))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_customer_is_one_caller() {
        assert_eq!(caller("2001:db8:1:2:aaaa::1"), caller("2001:0DB8:1:2:ffff:1:2:3"));
        assert_ne!(caller("2001:db8:1:2::1"), caller("2001:db8:1:3::1"));
        for itself in ["192.0.2.1", "unknown", "::ffff:192.0.2.1"] {
            assert_eq!(caller(itself), itself);
        }
    }
}
