//! What the authorization server is asked for when a credential is due, and what its answer means for the connection.
//!
//! Not here: whose turn it is to ask (`refresh`), the request and its answer as texts (`oauth_client::token`).

use super::sealed;
use crate::config::{Auth, MachineClient, OAuth, Server};
use crate::flow::upstream::tokens::NoTokens;
use crate::flow::upstream::{client, issuer_named, tokens};
use crate::flow::{RequestContext, secret_missing, sentence};
use crate::oauth::client::Method;
use crate::oauth_client::client::UpstreamClient;
use crate::oauth_client::token::{GrantRequest, TokenAnswer, TokenError};
use crate::ports::Platform;
use crate::upstream::connection::{Death, Reason};
use crate::upstream::credential::{Credential, CredentialKind, Oauth, Token};
use crate::upstream::key::ConnectionKey;
use crate::web::failure::{Blame, Failure};

/// What came of asking.
pub(super) enum Renewal {
    /// A credential.
    Credential(Box<Credential>),
    /// None.
    Failed {
        /// What it means for the connection.
        why: Reason,
        /// What it means for the call, where it is not that a person must connect.
        failure: Option<Failure>,
    },
}

/// Answers of OAuth and `OpenID` Connect that say the person must be asked again (OpenID Connect Core §3.1.2.6).
const ASK_THE_PERSON: &[&str] =
    &["access_denied", "consent_required", "interaction_required", "login_required", "account_selection_required"];

/// A credential in place of the sealed one that was leased.
pub(super) async fn renewed<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    key: &ConnectionKey,
    sealed: Option<&str>,
) -> Renewal {
    let held = sealed.and_then(|sealed| sealed::open(context, key, sealed));
    match (&server.auth, held) {
        (Auth::ClientCredentials(own), held) => of_gateway(context, server, own, held).await,
        (Auth::OAuth(configured), Some(Credential { binding, since, kind: CredentialKind::Oauth(oauth), .. })) => {
            match refreshed(context, server, configured, *oauth).await {
                Ok(oauth) => Renewal::Credential(Box::new(Credential::new(
                    binding,
                    since,
                    CredentialKind::Oauth(Box::new(oauth)),
                ))),
                Err(renewal) => renewal,
            }
        }
        // It cannot be read, or is of a kind that nothing renews.
        _ => died(Death::Expired),
    }
}

async fn refreshed<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    configured: &OAuth,
    oauth: Oauth,
) -> Result<Oauth, Renewal> {
    let Some(refresh_token) = &oauth.refresh_token else { return Err(died(Death::Expired)) };
    let own = configured.client.as_ref().filter(|client| {
        // Who registered the gateway on the way chose its id, and must not be sent the secret of an operator's client
        // of that name.
        oauth.client.registered.is_none()
            && client.client_id == oauth.client.id
            && client.token_endpoint.as_ref().is_none_or(|endpoint| endpoint.as_str() == oauth.token_endpoint)
    });
    let client = match own {
        // The operator's secret of today: the sealed one may have been replaced at the authorization server.
        Some(own) => client::configured(context, own, oauth.client.method).map_err(later)?,
        None => oauth.client.clone(),
    };
    let grant = GrantRequest::Refresh(refresh_token);
    let tokens = tokens::ask(context, &oauth.token_endpoint, &client, &grant, oauth.resource.as_deref(), None).await;
    match tokens {
        Ok((named, TokenAnswer { access_token, expires, refresh_token, scope, .. })) => {
            let token = Token { access_token, expires, obtained: context.now, scope };
            let client = if own.is_some() { oauth.client.clone() } else { named };
            Ok(Oauth { client, ..oauth.refreshed(token, refresh_token) })
        }
        Err(NoTokens::Refused(error @ TokenError::BadClient { .. }))
            if is_registered(context, own.is_some(), &oauth) =>
        {
            if error.is_client_unknown() {
                client::forget(context, &oauth.issuer, &oauth.client).await;
            }
            Err(died(Death::ClientGone))
        }
        Err(asked) => Err(judged(context, server, asked)),
    }
}

async fn of_gateway<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    own: &MachineClient,
    held: Option<Credential>,
) -> Renewal {
    match issued(context, server, own).await {
        Ok(TokenAnswer { access_token, expires, scope, .. }) => {
            let token = Token { access_token, expires, obtained: context.now, scope };
            let since = held.map_or(context.now, |held| held.since);
            Renewal::Credential(Box::new(Credential::new(
                sealed::binding(server),
                since,
                CredentialKind::ClientCredentials(token),
            )))
        }
        // No person can help: whatever it is, it is tried again.
        Err(Renewal::Failed { failure, .. }) => Renewal::Failed { why: Reason::Temporary { retry_at: None }, failure },
        Err(renewal) => renewal,
    }
}

async fn issued<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    own: &MachineClient,
) -> Result<TokenAnswer, Renewal> {
    let missing = || secret_missing("upstream_credentials_missing", &own.client_secret, "this server needs");
    let secret = context.platform.secret(own.client_secret.as_str()).ok_or_else(|| later(missing()))?;
    let (endpoint, methods) = match (&own.token_endpoint, &own.issuer) {
        (Some(endpoint), _) => (endpoint.to_string(), None),
        (None, issuer) => {
            let metadata = issuer_named(context, server, issuer.as_deref().unwrap_or_default()).await.map_err(later)?;
            (metadata.token_endpoint.to_string(), metadata.auth_methods)
        }
    };
    let method = own.method.map_or_else(|| Method::choose(methods.as_deref(), true), client::method);
    let client = UpstreamClient {
        id: own.client_id.clone(),
        secret: Some(secret),
        method,
        registered: None,
        header_alone: false,
    };
    let scope = own.scope.as_deref();
    let grant = GrantRequest::ClientCredentials(scope);
    let tokens = tokens::ask(context, &endpoint, &client, &grant, own.resource.as_deref(), scope).await;
    tokens.map(|(_, tokens)| tokens).map_err(|asked| judged(context, server, asked))
}

fn judged<P: Platform>(context: &RequestContext<'_, P>, server: &Server, asked: NoTokens) -> Renewal {
    let error = match asked {
        NoTokens::Unanswered(_) => return later(unanswered(server)),
        NoTokens::Refused(error) => error,
    };
    let why = match &error {
        TokenError::DeadGrant { .. } => return died(Death::Revoked),
        TokenError::Refused { error, .. } if ASK_THE_PERSON.contains(&error.as_str()) => return died(Death::Revoked),
        TokenError::Temporary(busy) => Reason::Temporary { retry_at: busy.retry_after.map(|wait| context.now + wait) },
        // The operator can correct their client, and then everybody's connection goes on.
        TokenError::BadClient { .. } => Reason::Temporary { retry_at: None },
        TokenError::InvalidScope { .. } | TokenError::Refused { .. } | TokenError::TokenType { .. } => Reason::Refused,
    };
    let blame = if matches!(error, TokenError::BadClient { .. }) { Blame::Operator } else { Blame::Upstream };
    let failure = Failure::new(blame, 503, error.reason(), sentence(&error))
        .fix(format!(
            "The connection is kept. If it stays, the operator must check servers.{}.auth in the configuration.",
            server.slug
        ))
        .slug(server.slug.as_str());
    Renewal::Failed { why, failure: Some(failure) }
}

/// Whether the client was registered on the way: then nobody can bring it back.
fn is_registered<P: Platform>(context: &RequestContext<'_, P>, is_configured: bool, oauth: &Oauth) -> bool {
    let client = &oauth.client;
    !is_configured && (client.registered.is_some() || !client::is_document(context, &oauth.issuer, &client.id))
}

fn later(failure: Failure) -> Renewal {
    Renewal::Failed { why: Reason::Temporary { retry_at: None }, failure: Some(failure) }
}

fn died(death: Death) -> Renewal {
    Renewal::Failed { why: Reason::Dead { death }, failure: None }
}

fn unanswered(server: &Server) -> Failure {
    let message = format!("{}'s authorization server did not answer.", server.name);
    Failure::new(Blame::Upstream, 503, "upstream_refresh_unanswered", message)
        .fix("Try again shortly: the connection is kept.")
        .slug(server.slug.as_str())
}
