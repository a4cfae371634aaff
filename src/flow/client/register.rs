//! Dynamic Client Registration (RFC 7591), and what is stored of a registered client once it is used.
//!
//! Not here: which metadata is acceptable (`oauth::client::registration`), what an id holds
//! (`oauth::client::registered`).

use http::StatusCode;

use super::caller;
use crate::flow::{Answered, Head, RequestContext, read_small, sentence};
use crate::headers::{HeaderValue, RETRY_AFTER};
use crate::json;
use crate::memory::alarms::AlarmKind;
use crate::oauth::client::registered::{RegisteredClient, RegisteredMetadata};
use crate::oauth::client::registration::RegistrationError;
use crate::oauth::client::{id, registration};
use crate::ports::{Limited, Platform, Unavailable};
use crate::secret::Secret;
use crate::web::failure::Failure;
use crate::web::reply::Reply;

/// Who stores a registration, as it is counted: addresses are cheap, and what each of them might store adds up.
const EVERYBODY: &str = "everybody";

/// `POST /oauth/register`. Nothing is stored for whoever asks: the client's id holds what it registered. Only one that
/// is too long for an id is stored, and far fewer of those are taken.
pub async fn register<P: Platform>(context: &RequestContext<'_, P>, head: &Head, body: P::Stream) -> Answered<P> {
    if !context.config.clients.dynamic_registration {
        return Err(Failure::client(
            403,
            "registration_disabled",
            "This gateway does not register clients dynamically.",
        )
        .fix("Use a client metadata document, or ask the operator to set the client up."));
    }
    require_allowance(context, head).await?;
    let body = read_small(body, registration::LIMIT).await?;
    let registered = registration::parse(&body, &context.redirect_policy(), context.origin.is_loopback(), context.now)
        .map_err(|error| refused(&error))?;
    let sealed = RegisteredClient::seal(&registered, &context.keys, context.platform.random());
    let (client, secret) = if let Some(sealed) = sealed { sealed } else { store_new(context, registered).await? };
    let answer = registration::answer(&client, &secret);
    Ok(Reply::bytes(StatusCode::CREATED, "application/json", answer.expose().as_bytes().to_vec()))
}

/// Counts one more client that nobody vouches for against its address.
pub async fn require_allowance<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Result<(), Failure> {
    let address = caller::address(head);
    count(context, Limited::Registration, address.as_deref().unwrap_or("unknown")).await
}

/// A registered client got tokens: unused registrations are forgotten, used ones are kept. Storage that does not take
/// the note costs nothing today, and the next refresh notes it again; refusing here would burn a code that was just
/// redeemed.
pub async fn keep<P: Platform>(context: &RequestContext<'_, P>, client_id: &str) {
    if id::is_registered_id(client_id) {
        let _ = note_use(context, client_id).await;
    }
}

/// The record of a registered client, if it has one.
pub async fn stored<P: Platform>(
    context: &RequestContext<'_, P>,
    client_id: &str,
) -> Result<Option<RegisteredClient>, Unavailable> {
    let record = context.platform.get(&id::storage_key(client_id)).await?;
    let client = record.and_then(|record| json::read::<RegisteredClient>(record.as_bytes()).ok());
    Ok(client.filter(|client| client.id() == client_id))
}

/// The record of the client that a [`id::reference`] stands for.
pub async fn referenced<P: Platform>(
    context: &RequestContext<'_, P>,
    reference: &str,
) -> Result<Option<RegisteredClient>, Unavailable> {
    let Some(key) = id::key_of_reference(reference) else { return Ok(None) };
    let record = context.platform.get(&key).await?;
    let client = record.and_then(|record| json::read::<RegisteredClient>(record.as_bytes()).ok());
    Ok(client.filter(|client| id::reference(client.id()) == reference))
}

/// Forgets the record of a registered client. It is unknown from then on, in isolates that remember it a few minutes
/// later, unless its id is a registration of its own that is good still.
pub async fn forget<P: Platform>(context: &RequestContext<'_, P>, client_id: &str) -> Result<(), Failure> {
    let gone = context.platform.delete(&id::storage_key(client_id)).await;
    gone.map_err(|Unavailable| Failure::storage())?;
    context.memory.clients.forget(client_id);
    Ok(())
}

async fn store_new<P: Platform>(
    context: &RequestContext<'_, P>,
    registered: RegisteredMetadata,
) -> Result<(RegisteredClient, Secret), Failure> {
    count(context, Limited::StoredRegistration, EVERYBODY).await?;
    let (id, secret) = (context.platform.random(), context.platform.random());
    let (client, secret) = registration::to_store(registered, id, secret).map_err(|error| refused(&error))?;
    store(context, &client).await.map_err(|Unavailable| Failure::storage())?;
    Ok((client, secret))
}

async fn count<P: Platform>(context: &RequestContext<'_, P>, what: Limited, caller: &str) -> Result<(), Failure> {
    if context.platform.allow(what, caller).await.map_err(|Unavailable| Failure::storage())? {
        return Ok(());
    }
    let message = match what {
        Limited::StoredRegistration => {
            "Too many new clients came at once whose registration is too long for a client_id."
        }
        _ => "Too many new clients came from this address.",
    };
    let limited = Failure::client(429, "registration_rate_limited", message)
        .fix("Wait a minute. A client should register once and keep its client_id.")
        .header(RETRY_AFTER, HeaderValue::from_static("60"));
    let about = if what == Limited::StoredRegistration { EVERYBODY } else { "one address" };
    context.memory.alarms.raise(AlarmKind::Registrations, limited.reason, about, context.now);
    Err(limited)
}

async fn note_use<P: Platform>(context: &RequestContext<'_, P>, client_id: &str) -> Result<(), Unavailable> {
    // One whose id is not good any more was forgotten, perhaps at an operator's wish: it must not come back.
    let sealed = || RegisteredClient::open(&context.keys, client_id).ok();
    let fresh = || sealed().filter(|sealed| !sealed.expires().reached(context.now));
    let client = stored(context, client_id).await?.or_else(fresh);
    match client.and_then(|client| client.touch(context.now)) {
        Some(used) => store(context, &used).await,
        None => Ok(()),
    }
}

async fn store<P: Platform>(context: &RequestContext<'_, P>, client: &RegisteredClient) -> Result<(), Unavailable> {
    let record = serde_json::to_string(client).map_err(|_| Unavailable)?;
    let key = id::storage_key(client.id());
    context.platform.put(&key, &record, Some(client.expires().remaining(context.now))).await
}

fn refused(error: &RegistrationError) -> Failure {
    Failure::oauth(error.code(), error.reason(), sentence(error)).fix("The client must correct its registration.")
}
