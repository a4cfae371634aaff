//! Asking an authorization server's token endpoint, and once more where only the way in which the gateway named itself
//! was refused.
//!
//! Not here: the request and its answer as texts (`oauth_client::token`), what an answer means for whoever asks
//! (`flow::connect::callback`, `flow::connection`).

use super::fetch;
use crate::flow::RequestContext;
use crate::oauth_client::client_auth::GatewayClient;
use crate::oauth_client::token;
use crate::oauth_client::token::{GrantRequest, TokenAnswer, TokenError};
use crate::ports::{FetchError, Platform};
use crate::time::Lifetime;
use crate::upstream::lease::LEASE;

/// A refusal that came so soon leaves time for another request before a lease ends.
const SOON: Lifetime = Lifetime(4);
const _: () = assert!(SOON.0 + fetch::ENDPOINT_DEADLINE.0 < LEASE.0, "a lease would end while its holder still waits");

/// Why there are no tokens.
pub enum NoTokens {
    /// The authorization server says so.
    Refused(TokenError),
    /// It did not answer.
    Unanswered(FetchError),
}

/// Asks for tokens. The client comes back as it was named when it got them, to be named like that the next time.
pub async fn ask<P: Platform>(
    context: &RequestContext<'_, P>,
    endpoint: &str,
    client: &GatewayClient,
    grant: &GrantRequest<'_>,
    resource: Option<&str>,
    scope: Option<&str>,
) -> Result<(GatewayClient, TokenAnswer), NoTokens> {
    let began = context.platform.moment();
    let refused = match once(context, endpoint, client, grant, resource, scope).await {
        Ok(tokens) => return Ok((client.clone(), tokens)),
        Err(refused) => refused,
    };
    let unnamed = match &refused {
        NoTokens::Refused(error) if !(began + SOON).reached(context.platform.moment()) => {
            client.named_once().filter(|_| error.may_be_of_two_names())
        }
        _ => None,
    };
    let Some(client) = unnamed else { return Err(refused) };
    let tokens = once(context, endpoint, &client, grant, resource, scope).await?;
    Ok((client, tokens))
}

async fn once<P: Platform>(
    context: &RequestContext<'_, P>,
    endpoint: &str,
    client: &GatewayClient,
    grant: &GrantRequest<'_>,
    resource: Option<&str>,
    scope: Option<&str>,
) -> Result<TokenAnswer, NoTokens> {
    let request = token::request(endpoint, client, grant, resource);
    let request = request.map_err(|token::Unsendable| NoTokens::Unanswered(FetchError::Unreachable))?;
    let (status, headers, body) =
        fetch::send(context, request, token::MAX_BYTES).await.map_err(NoTokens::Unanswered)?;
    let sent = token::secrets(client, grant);
    token::response(status, &headers, &body, scope, &sent, context.now).map_err(NoTokens::Refused)
}
