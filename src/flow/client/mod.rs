//! Finding the client behind a `client_id`: set up by the operator, registered here, or published as a metadata
//! document.
//!
//! Not here: what a client may do (`oauth::client`), what a document must say (`oauth::client::document`).

pub mod assertion;
pub mod caller;
pub mod register;

use std::rc::Rc;

use http::StatusCode;

use super::{Head, RequestContext, secret_missing};
use crate::config::Preregistered;
use crate::oauth::address::NotPublic;
use crate::oauth::client::document::DocumentError;
use crate::oauth::client::redirect::RedirectUri;
use crate::oauth::client::registered::RegisteredClient;
use crate::oauth::client::{Authentication, Client, ClientSource, GrantType, document, id};
use crate::oauth::error::ErrorCode;
use crate::ports::{Answer, Outgoing, Platform, ReadError, Stream, Unavailable};
use crate::time::Lifetime;
use crate::vault::OpenError;
use crate::web::failure::Failure;

/// How long a client's metadata document may take.
const DOCUMENT_DEADLINE: Lifetime = Lifetime(5);
/// How long an isolate remembers a registered client.
const REMEMBERED: Lifetime = Lifetime::minutes(5);

/// The client of an authorization request.
pub async fn find<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    client_id: &str,
) -> Result<Rc<Client>, Failure> {
    context.record.client(client_id);
    if document::is_document_id(client_id) && !is_preregistered(context, client_id) {
        return published(context, head, client_id).await;
    }
    known(context, client_id).await
}

/// The client of a token request. Of one that is known by its document and signs nothing, nothing is fetched: its
/// tokens stay valid while its document's host is down, and what was granted to one that signs is not given to it.
pub async fn find_for_token<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    client_id: &str,
    signs: bool,
) -> Result<Rc<Client>, Failure> {
    context.record.client(client_id);
    if document::is_document_id(client_id) && !is_preregistered(context, client_id) {
        if signs {
            return published(context, head, client_id).await;
        }
        require_documents(context)?;
        let known = context.memory.clients.get(client_id, context.now);
        return Ok(known.unwrap_or_else(|| Rc::new(Client::of_document(client_id))));
    }
    known(context, client_id).await
}

fn is_preregistered<P>(context: &RequestContext<'_, P>, client_id: &str) -> bool {
    context.config.clients.preregistered.iter().any(|client| client.client_id == client_id)
}

async fn known<P: Platform>(context: &RequestContext<'_, P>, client_id: &str) -> Result<Rc<Client>, Failure> {
    if let Some(client) = context.config.clients.preregistered.iter().find(|client| client.client_id == client_id) {
        return preregistered(context, client).map(Rc::new);
    }
    if !id::is_registered_id(client_id) {
        return Err(unknown());
    }
    registered(context, client_id).await
}

/// A client that registered here: as its id says, as long as that is fresh; then as it was stored when it was used. Its
/// record is enough where the key that sealed the id is gone, and is needed where nobody registers any more.
async fn registered<P: Platform>(context: &RequestContext<'_, P>, client_id: &str) -> Result<Rc<Client>, Failure> {
    let open = context.config.clients.dynamic_registration;
    match RegisteredClient::open(&context.keys, client_id) {
        Ok(sealed) if open && !sealed.expires().reached(context.now) => return admitted(context, sealed.client()),
        Err(OpenError::NotAuthentic | OpenError::NotTheRecord) => return Err(unknown()),
        _ => {}
    }
    let remembered = client_id.to_owned();
    if let Some(client) = context.memory.clients.get(&remembered, context.now) {
        return Ok(client);
    }
    let stored = register::stored(context, client_id).await.map_err(|Unavailable| Failure::storage())?;
    let live = |stored: &RegisteredClient| (open || stored.is_used()) && !stored.expires().reached(context.now);
    let stored = stored.filter(live).ok_or_else(unknown)?;
    let client = admitted(context, stored.client())?;
    context.memory.clients.put(remembered, Rc::clone(&client), context.now + REMEMBERED, context.now);
    Ok(client)
}

/// What it claimed once is no right for ever: only those of its redirect URIs that the operator still lets in.
fn admitted<P: Platform>(context: &RequestContext<'_, P>, mut client: Client) -> Result<Rc<Client>, Failure> {
    let policy = context.redirect_policy();
    client.redirect_uris.retain(|uri| policy.admit(uri.as_str()).is_ok());
    if client.redirect_uris.is_empty() { Err(unknown()) } else { Ok(Rc::new(client)) }
}

fn preregistered<P: Platform>(context: &RequestContext<'_, P>, client: &Preregistered) -> Result<Client, Failure> {
    let authentication = match &client.client_secret {
        Some(name) => {
            let secret = context.platform.secret(name.as_str()).ok_or_else(|| {
                secret_missing("client_secret_not_set", name, "this client is set up with")
                    .code(ErrorCode::TemporarilyUnavailable)
            })?;
            Authentication::new(client.token_endpoint_auth_method, &secret)
        }
        None => client.keys.clone().map_or(Authentication::None, Authentication::Assertion),
    };
    Ok(Client {
        id: client.client_id.clone(),
        name: Some(client.name.clone()),
        // What the operator wrote is believed: a scheme of an app's own is fine here.
        redirect_uris: client.redirect_uris.iter().filter_map(|uri| RedirectUri::named(uri).ok()).collect(),
        authentication,
        source: ClientSource::Preregistered,
        grant_types: match client.redirect_uris.as_slice() {
            [] => Vec::new(),
            _ => vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        },
        scope: None,
        dpop_bound: client.dpop_bound,
    })
}

async fn published<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    client_id: &str,
) -> Result<Rc<Client>, Failure> {
    require_documents(context)?;
    let url = document::parse_client_id(client_id, context.origin.is_loopback()).map_err(|error| refused(&error))?;
    let remembered = client_id.to_owned();
    if let Some(client) = context.memory.clients.get(&remembered, context.now) {
        return Ok(client);
    }
    // Anybody can make the gateway fetch a document: as often as anybody may register, and never from itself.
    register::require_allowance(context, head).await?;
    if client_id.strip_prefix(context.origin.as_str()).is_some_and(|path| path.starts_with('/')) {
        return Err(refused(&DocumentError::NotPublic(NotPublic::Name)));
    }
    let request = Outgoing::document(url.clone(), DOCUMENT_DEADLINE);
    let unreachable = |_| refused(&DocumentError::Unreachable);
    let Answer { status, headers, body, .. } = context.platform.fetch(request).await.map_err(unreachable)?;
    let content_type = headers.get(crate::headers::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let read =
        if status == StatusCode::OK { body.read(document::LIMIT, DOCUMENT_DEADLINE).await } else { Ok(Vec::new()) };
    let bytes = read.map_err(|error| match error {
        ReadError::TooLarge => refused(&DocumentError::TooLarge),
        ReadError::Broken => refused(&DocumentError::Unreachable),
    })?;
    let client = document::parse_document(&url, status.as_u16(), content_type, &bytes, &context.redirect_policy());
    let client = Rc::new(client.map_err(|error| refused(&error))?);
    let until = context.now + document::cache_lifetime(&headers);
    context.memory.clients.put(remembered, Rc::clone(&client), until, context.now);
    Ok(client)
}

fn require_documents<P>(context: &RequestContext<'_, P>) -> Result<(), Failure> {
    if context.config.clients.metadata_documents {
        return Ok(());
    }
    let message = "This gateway does not accept client metadata documents.";
    Err(Failure::oauth(ErrorCode::InvalidClient, "client_documents_disabled", message)
        .fix("Let the client register dynamically, or ask the operator to set it up."))
}

fn refused(error: &DocumentError) -> Failure {
    Failure::oauth(
        ErrorCode::InvalidClient,
        error.reason(),
        format!("The client's metadata document was refused: {error}."),
    )
    .fix("The client's publisher must correct the document at the client_id's URL; then connect again.")
}

fn unknown() -> Failure {
    Failure::oauth(
        ErrorCode::InvalidClient,
        "client_unknown",
        "This client_id was not issued by this gateway, has \
                                                                expired, or is no longer admitted.",
    )
    .fix(
        "Clear the client's stored credentials for this server (client_id and client_secret) and connect again: \
              it will register anew.",
    )
}
