//! The client of a request at the token, revocation and introspection endpoints, proven (OAuth 2.1 §2.4).
//!
//! Not here: finding it (`flow::client`), and what it may ask for.

use crate::authorization_log::AuthorizationStep;
use crate::flow::{Head, RequestContext, client, sentence};
use crate::headers::HeaderValue;
use crate::oauth::client::ClientCredentials;
use crate::oauth::error::ErrorCode;
use crate::ports::Platform;
use crate::web::failure::Failure;

/// Proves the client at the token and revocation endpoints.
pub async fn authenticate<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    credentials: &ClientCredentials,
) -> Result<String, Failure> {
    identify(context, head, credentials).await.map(|(id, _)| id)
}

/// The client, and whether it has a secret or key and proved that it is itself.
pub(super) async fn identify<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    credentials: &ClientCredentials,
) -> Result<(String, bool), Failure> {
    context.record.step(AuthorizationStep::ClientAuthentication);
    let challenge = |failure: Failure| {
        if credentials.basic { failure.challenge(basic()) } else { failure }
    };
    let id = credentials.id.as_deref().ok_or_else(|| {
        challenge(
            Failure::oauth(ErrorCode::InvalidClient, "client_missing", "The request names no client.")
                .fix("Send client_id."),
        )
    })?;
    let client = client::find_for_token(context, head, id, credentials.assertion.is_some()).await.map_err(challenge)?;
    client.authenticate(credentials).map_err(|error| {
        challenge(
            Failure::oauth(ErrorCode::InvalidClient, error.reason(), sentence(&error))
                .fix("Clear the client's stored credentials for this server and connect again."),
        )
    })?;
    if let Some(assertion) = &credentials.assertion {
        client::assertion::verify(context, head, &client, assertion).await?;
    }
    if client.authenticates() {
        context.record.vouched(id);
    }
    Ok((id.to_owned(), client.authenticates()))
}

/// The challenge for clients that authenticate by header (OAuth 2.1 §3.2.4).
pub(super) fn basic() -> HeaderValue {
    HeaderValue::from_static("Basic realm=\"clients\"")
}
