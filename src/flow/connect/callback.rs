//! Coming back from a server's authorization server: the answer is held to what was written down before the trip, the
//! code is redeemed, and the connection is kept before anything is done with it (MCP authorization, "Authorization
//! Response Validation").
//!
//! Not here: the trip there (`flow::connect`), what an answer must say (`oauth_client::authorization`,
//! `oauth_client::token`).

use crate::authorization_log::{AuthorizationStep, EntryKind};
use url::Url;

use super::outcome::{done, way_on};
use super::{cancelled, redirect};
use crate::config::{Auth, OAuth, Server};
use crate::flow::authorize::pending;
use crate::flow::connection::{sealed, store};
use crate::flow::login::session;
use crate::flow::upstream::tokens::NoTokens;
use crate::flow::upstream::{client, fetch, tokens};
use crate::flow::{Answered, Head, RequestContext, sentence};
use crate::oauth_client::authorization;
use crate::oauth_client::authorization::CallbackError;
use crate::oauth_client::client_auth::GatewayClient;
use crate::oauth_client::token::{GrantRequest, TokenAnswer, TokenError};
use crate::ports::{Platform, Unavailable};
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::upstream::connection::{Command, Outcome};
use crate::upstream::credential::{Credential, CredentialKind, Oauth, Token};
use crate::upstream::key::Owner;
use crate::upstream::state::{State, StateError};
use crate::web::failure::{Blame, Failure};

/// `GET /oauth/upstream-callback`, and the same of one issuer.
///
/// 1. The `state` is one that this browser's session began, not long ago, and the person is still the same.
/// 2. It is used now: whatever this answer says, no other one counts.
/// 3. The answer comes from the issuer that was asked, or nothing of it is looked at.
/// 4. The code is redeemed there, as the client that asked.
/// 5. The connection is kept; then the person goes on.
pub async fn answer<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Answered<P> {
    // 1.
    context.record.kind(EntryKind::Connection);
    context.record.step(AuthorizationStep::SignIn);
    let signed_in = session::current(context, head).await?.ok_or_else(nothing_pending)?;
    context.record.step(AuthorizationStep::State);
    let sealed = authorization::callback_state(head.query()).ok_or_else(|| without_state(head))?;
    let state =
        State::open(&context.keys, &signed_in.cookie.digest(), &sealed, context.now).map_err(|error| match error {
            StateError::Closed(_) => nothing_pending(),
            StateError::Expired => too_late(),
        })?;
    let subject = &signed_in.session.identity.subject;
    if matches!(&state.intent.owner, Owner::Subject(owner) if owner != subject) {
        return Err(pending::for_somebody_else());
    }
    // 2.
    let intent = &state.intent;
    context.record.server(&intent.slug);
    let claim = Command::Claim { attempt: sealed.digest(), until: state.expires };
    match context.platform.connection(&intent.key(), claim).await.map_err(|Unavailable| Failure::storage())? {
        Outcome::Claimed => {}
        _ => return Err(way_on(used_before(), intent)),
    }
    let server = context.config.servers.get(intent.slug.as_str());
    let said = match redeem_and_keep(context, head, &state, signed_in.session.since).await {
        Ok(()) => done(context, intent, &signed_in.session).await,
        Err(NotConnected::Denied(failure)) if let Some(server) = server => {
            cancelled::show(context, server, &signed_in, &state, &failure).await
        }
        Err(NotConnected::Denied(failure) | NotConnected::Failed(failure)) => {
            Err(way_on(failure.slug(intent.slug.as_str()), intent))
        }
    };
    redirect::ended(context, said)
}

/// Why somebody who came back is not connected.
enum NotConnected {
    /// They allowed nothing.
    Denied(Failure),
    /// Something is wrong.
    Failed(Failure),
}

impl From<Failure> for NotConnected {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

async fn redeem_and_keep<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    state: &State,
    signed_in: Timestamp,
) -> Result<(), NotConnected> {
    context.record.step(AuthorizationStep::IssuerAnswer);
    let server = context.config.servers.get(state.intent.slug.as_str()).ok_or_else(changed)?;
    let Auth::OAuth(oauth) = &server.auth else { return Err(changed().into()) };
    if sealed::binding(server) != state.binding {
        return Err(changed().into());
    }
    // 3.
    if !state.is_answered_at(head.url.path()) {
        return Err(refused(server, state, &CallbackError::of_other_issuer(&state.source.issuer)).into());
    }
    let code = authorization::callback(head.query(), &state.source.issuer, state.source.iss_parameter);
    let code = code.map_err(|error| match (&error, refused(server, state, &error)) {
        (CallbackError::Denied { .. }, failure) => NotConnected::Denied(failure),
        (_, failure) => NotConnected::Failed(failure),
    })?;
    // 4.
    let (client, tokens) = redeem(context, server, oauth, state, &code).await?;
    // 5.
    let source = state.source.clone();
    let upstream_name = tokens.account;
    let token = Token {
        access_token: tokens.access_token,
        expires: tokens.expires,
        obtained: context.now,
        scope: tokens.scope.or(source.scope),
    };
    let connected = Oauth {
        issuer: source.issuer,
        resource: source.resource,
        client,
        token_endpoint: source.token_endpoint,
        revocation_endpoint: source.revocation_endpoint,
        refresh_token: tokens.refresh_token,
        token,
    };
    let credential = Credential::new(state.binding.clone(), context.now, CredentialKind::Oauth(Box::new(connected)));
    context.record.step(AuthorizationStep::Kept);
    store::store(context, &state.intent, &credential, upstream_name, signed_in).await?;
    if let CredentialKind::Oauth(connected) = &credential.kind {
        client::proven(context, &connected.issuer, &connected.client).await;
    }
    Ok(())
}

async fn redeem<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    oauth: &OAuth,
    state: &State,
    code: &Secret,
) -> Result<(GatewayClient, TokenAnswer), Failure> {
    let source = &state.source;
    let configured = oauth.client.as_ref();
    let client =
        client::of_kind(context, server, configured, &source.issuer, state.client, &state.redirect_uri).await?;
    let grant = GrantRequest::Code { code, verifier: &state.verifier, redirect_uri: &state.redirect_uri };
    let (endpoint, resource) = (&source.token_endpoint, source.resource.as_deref());
    match tokens::ask(context, endpoint, &client, &grant, resource, source.scope.as_deref()).await {
        Ok(redeemed) => Ok(redeemed),
        Err(NoTokens::Unanswered(error)) => {
            Err(Url::parse(endpoint).map_or_else(|_| changed(), |url| fetch::unreachable(server, &url, error)))
        }
        Err(NoTokens::Refused(error)) => {
            if error.is_client_unknown() {
                client::retire(context, &source.issuer, state.client).await?;
            }
            Err(not_redeemed(server, state, &error))
        }
    }
}

fn refused(server: &Server, state: &State, error: &CallbackError) -> Failure {
    let blame = if matches!(error, CallbackError::Denied { .. }) { Blame::Client } else { Blame::Upstream };
    let scope = state.source.scope.as_deref().unwrap_or("(none)");
    let (message, fix) = match error {
        CallbackError::Denied { .. } => {
            (sentence(error), "Nothing was connected. Connect again if that was not what you wanted.".to_owned())
        }
        CallbackError::ScopeRefused { .. } => (
            format!("{} The scope that was sent: {scope}.", sentence(error)),
            format!("The operator must set servers.{}.auth.scope to what the authorization server has.", server.slug),
        ),
        error if error.is_resource_refused() => (sentence(error), do_not_send_resource(server)),
        CallbackError::OtherIssuer { .. } => (
            sentence(error),
            format!(
                "Nothing was connected. If the server only passes people on to another authorization server, the \
                 operator can register a client there, and write its issuer into servers.{0}.auth.issuer and both \
                 endpoints into servers.{0}.auth.client.",
                server.slug
            ),
        ),
        _ => (sentence(error), "Nothing was connected. Start again; if it stays, tell the operator.".to_owned()),
    };
    let failure = Failure::new(blame, 400, error.reason(), message).fix(fix);
    match error {
        CallbackError::Denied { .. } | CallbackError::ScopeRefused { .. } | CallbackError::Refused { .. } => {
            failure.fact("scope", scope)
        }
        CallbackError::OtherIssuer { expected } | CallbackError::IssuerMissing { expected } => {
            failure.fact("expected", expected.clone())
        }
        CallbackError::Malformed | CallbackError::CodeMissing => failure,
    }
}

fn not_redeemed(server: &Server, state: &State, error: &TokenError) -> Failure {
    let status = if matches!(error, TokenError::Temporary(_)) { 503 } else { 502 };
    let fix = match error {
        TokenError::InvalidScope { .. } => {
            format!("The operator must set servers.{}.auth.scope to what the authorization server has.", server.slug)
        }
        TokenError::BadClient { .. } => {
            format!(
                "Connect again; if it stays, the operator must check servers.{}.auth.client and its secret.",
                server.slug
            )
        }
        error if error.is_resource_refused() => do_not_send_resource(server),
        _ => "Connect again; if it stays, tell the operator.".to_owned(),
    };
    Failure::new(Blame::Upstream, status, error.reason(), sentence(error))
        .fix(fix)
        .fact("scope", state.source.scope.as_deref().unwrap_or("(none)"))
}

fn do_not_send_resource(server: &Server) -> String {
    let slug = &server.slug;
    format!(
        "The operator can set servers.{slug}.auth.send_resource to false, with the authorization server's issuer \
         beside it, if it knows resources by its scopes only."
    )
}

/// Nothing of such an answer is used or shown: anybody can make it up.
fn without_state(head: &Head) -> Failure {
    if !authorization::lacks_state(head.query()) {
        return nothing_pending();
    }
    let message = "The authorization server's answer lacks the state that it was sent, so nobody can tell which \
                   attempt it answers, or whether it is one.";
    Failure::new(Blame::Upstream, 400, "upstream_answer_without_state", message).fix(
        "Nothing was connected. Start again; if it stays, whoever runs the authorization server must send state with \
         every answer, errors included.",
    )
}

fn nothing_pending() -> Failure {
    Failure::client(
        400,
        "no_connection_pending",
        "No connection to a server's own account is being made in this browser, or whoever began it is not signed in \
         any more.",
    )
    .fix("Start again from your client.")
}

fn too_late() -> Failure {
    Failure::client(400, "connection_attempt_expired", "Signing in at the server took longer than ten minutes.")
        .fix("Nothing was connected. Start again from your client, or from your connections.")
}

fn used_before() -> Failure {
    Failure::client(400, "connection_attempt_used", "This answer of the server's authorization server was used before.")
        .fix("If the server is not connected, connect it again.")
}

fn changed() -> Failure {
    Failure::client(400, "connection_server_changed", "The operator changed this server while it was being connected.")
        .fix("Nothing was connected. Start again from your client, or from your connections.")
}
