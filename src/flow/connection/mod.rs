//! What a call authenticates with at its server: what the operator wrote down, or the caller's connection, renewed
//! where that is due.
//!
//! Not here: connecting (a browser's business), and what a client is told meanwhile (`mcp::connect::signal`).

use std::rc::Rc;

use super::{RequestContext, boxed, secret_missing};
use crate::caller::Caller;
use crate::config::{Auth, Server, Value};
use crate::headers::{AUTHORIZATION, HeaderName, HeaderValue};
use crate::mcp::connect::signal::ConnectState;
use crate::memory::Held;
use crate::oauth_client::scope;
use crate::ports::Platform;
use crate::secret::Secret;
use crate::upstream;
use crate::upstream::challenge::UpstreamChallenge;
use crate::upstream::credential::{CredentialKind, Token};
use crate::upstream::headers::HeaderError;
use crate::upstream::key::{ConnectionKey, FIRST_ACCOUNT, Owner};
use crate::web::failure::{Blame, Failure};
use cache::Found;
use refresh::Refresh;

mod cache;
pub mod catalogue;
mod refresh;
mod renewal;
pub mod sealed;
pub mod store;

pub use cache::{forget, replicate};

/// The server wants more than the connection was made for.
const MORE_SCOPE: &str = "connection_scope_insufficient";

/// What a call is sent with.
pub enum CallAuth {
    /// These headers.
    Ready {
        /// All that the gateway writes itself.
        headers: Vec<(HeaderName, HeaderValue)>,
        /// Which generation of the connection they are of; `None` where there is nothing to renew.
        seen: Option<u64>,
        /// Whether they were made for this call: a server that refuses them refuses newer ones as well.
        fresh: bool,
        /// What the server made of them before.
        standing: Standing,
    },
    /// Somebody must connect first.
    Needed(Need),
}

/// What is known of what a person entered. Only the server can tell whether it is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The server takes it; and whatever was not entered by anybody.
    Good,
    /// The server has not been seen to take it.
    Untried,
    /// The server refused it last.
    Refused,
}

/// What connecting needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Who must do what.
    pub state: ConnectState,
    /// The stable code of why.
    pub reason: &'static str,
    /// The scope to ask for, where the server or an earlier connection says so.
    pub scope: Option<String>,
}

/// The credential of a caller at a server.
pub async fn credential<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    caller: &Caller,
) -> Result<CallAuth, Failure> {
    credential_by(context, server, key(server, caller)).await
}

/// The credential that lies under a key; without one that of a server that nobody connects.
pub async fn credential_by<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    key: Option<ConnectionKey>,
) -> Result<CallAuth, Failure> {
    let Some(key) = key else { return of_operator(context, server) };
    boxed(connected(context, server, key)).await
}

/// The same as everybody else knows it by now: before a person is told that there is nothing left to do.
pub async fn confirmed<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    caller: &Caller,
) -> Result<CallAuth, Failure> {
    let Some(key) = key(server, caller) else { return of_operator(context, server) };
    // One that its object could not be told of yet is known nowhere but near by.
    if cache::recall(context, server, &key).await.is_none_or(|held| held.after.is_none()) {
        let found = cache::ask(context, server, &key).await?;
        if !matches!(found, Found::Usable(_)) {
            cache::forget(context, &key);
            return answer(context, server, found);
        }
    }
    boxed(connected(context, server, key)).await
}

/// The server took what a person entered.
pub async fn proven<P: Platform>(context: &RequestContext<'_, P>, server: &Server, caller: &Caller, seen: Option<u64>) {
    if let (Some(key), Some(seen)) = (key(server, caller), seen) {
        cache::prove(context, server, &key, seen).await;
    }
}

/// What is to be done about a value that the server refused.
pub fn refused() -> Need {
    let state = ConnectState::ReconsentRequired;
    Need { state, reason: state.reason(), scope: None }
}

async fn connected<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    key: ConnectionKey,
) -> Result<CallAuth, Failure> {
    let mut found = match cache::recall(context, server, &key).await {
        Some(held) => Found::Usable(held),
        None => cache::ask(context, server, &key).await?,
    };
    let refresh = Refresh { context, server, key: &key };
    if let Found::Usable(held) = &found
        && let Some(after) = held.after
    {
        found = refresh.report(Rc::clone(held), after).await;
    }
    let found = match found {
        Found::Usable(held) if held.credential.is_stale(context.now) => {
            let spare = Some(&held).filter(|held| !held.credential.has_expired(context.now)).cloned();
            refresh.run(held.generation, spare).await?
        }
        Found::Absent | Found::Unfit { .. } if matches!(server.auth, Auth::ClientCredentials(_)) => {
            refresh.run(0, None).await?
        }
        found => found,
    };
    answer(context, server, found)
}

/// The credential after the server refused the one of generation `seen`: a newer one, if the challenge can be met by
/// one.
pub async fn renew<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    caller: &Caller,
    seen: u64,
    challenge: Option<&UpstreamChallenge>,
) -> Result<CallAuth, Failure> {
    let Some(key) = key(server, caller) else { return of_operator(context, server) };
    renew_by(context, server, key, seen, challenge).await
}

/// The same for whose key it is.
pub async fn renew_by<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    key: ConnectionKey,
    seen: u64,
    challenge: Option<&UpstreamChallenge>,
) -> Result<CallAuth, Failure> {
    let remembered = cache::remembered(context, &key);
    // Another call of this isolate has got a newer one meanwhile.
    if let Some(held) = remembered.as_ref().filter(|held| held.generation > seen) {
        return answer(context, server, Found::Usable(Rc::clone(held)));
    }
    let held = remembered.filter(|held| held.generation == seen);
    if let Some(challenge) = challenge.filter(|challenge| challenge.is_insufficient_scope()) {
        return step_up(server, held.as_deref(), challenge);
    }
    if let Auth::Headers(_) = server.auth {
        // Only the person knows another value.
        cache::refuse(context, &key, seen).await;
        return answer(context, server, Found::Dead { scope: None });
    }
    let found = Refresh { context, server, key: &key }.run(seen, None).await?;
    answer(context, server, found)
}

/// Whose connection a call uses, where the server has any.
pub fn key(server: &Server, caller: &Caller) -> Option<ConnectionKey> {
    if server.is_personal() {
        return Some(personal_key(server, caller.accounts_of(), caller.account.as_deref()));
    }
    gateways_key(server)
}

/// Of a subject, where each has a connection of their own.
pub fn personal_key(server: &Server, subject: &str, account: Option<&str>) -> ConnectionKey {
    let account = account.unwrap_or(FIRST_ACCOUNT);
    ConnectionKey::new(Owner::Subject(subject.to_owned()), server.slug.as_str(), account)
}

/// Of the gateway, where it has one connection for everybody.
pub fn gateways_key(server: &Server) -> Option<ConnectionKey> {
    let shared = server.is_connected_by_operator() || matches!(server.auth, Auth::ClientCredentials(_));
    shared.then(|| ConnectionKey::new(Owner::Gateway, server.slug.as_str(), FIRST_ACCOUNT))
}

fn answer<P: Platform>(context: &RequestContext<'_, P>, server: &Server, found: Found) -> Result<CallAuth, Failure> {
    let shared = server.is_connected_by_operator();
    let missing = if shared { ConnectState::AdminConnectRequired } else { ConnectState::Authenticating };
    let ended = if shared { ConnectState::AdminRenewalRequired } else { ConnectState::ReconsentRequired };
    let need = |state: ConnectState, reason, scope| Ok(CallAuth::Needed(Need { state, reason, scope }));
    let ready = |held: &Held, fresh, standing| {
        let headers = headers(context, server, &held.credential)?;
        Ok(CallAuth::Ready { headers, seen: Some(held.generation), fresh, standing })
    };
    match found {
        Found::Usable(held) if held.credential.is_untried() => ready(&held, false, Standing::Untried),
        Found::Usable(held) => ready(&held, false, Standing::Good),
        Found::Fresh(held) => ready(&held, true, Standing::Good),
        Found::Refused(held) => ready(&held, false, Standing::Refused),
        Found::Absent => need(missing, missing.reason(), None),
        Found::Unfit { reason } => need(missing, reason, None),
        Found::Dead { scope } => need(ended, ended.reason(), scope),
    }
}

/// A token that allows too little: the person is asked for more, unless the server asks for what it has given already.
fn step_up(server: &Server, held: Option<&Held>, challenge: &UpstreamChallenge) -> Result<CallAuth, Failure> {
    let held = held.and_then(|held| held.credential.token()).and_then(|token| token.scope.as_deref());
    let refused = |message: String, fix: &str| {
        Failure::new(Blame::Upstream, 502, "upstream_scope_unsatisfied", message).fix(fix).slug(server.slug.as_str())
    };
    let Some(wanted) = challenge.scope.as_deref() else {
        let message = format!("{} refused the call for lack of a scope, and does not say which.", server.name);
        return Err(refused(message, "Whoever runs the server must name the scope in its challenge."));
    };
    if scope::covers(held, wanted) {
        let message = format!("{} refused the call for lack of a scope that it has granted, {wanted:?}.", server.name);
        return Err(refused(message, "Tell whoever runs the server, with the request id."));
    }
    if matches!(server.auth, Auth::ClientCredentials(_)) {
        let message = format!("{} wants the scope {wanted:?} for this call.", server.name);
        return Err(refused(message, "The operator must set the scope in the server's auth."));
    }
    let state = if server.is_connected_by_operator() {
        ConnectState::AdminRenewalRequired
    } else {
        ConnectState::ReconsentRequired
    };
    let scope = Some(held.map_or_else(|| wanted.to_owned(), |held| scope::union(held, wanted)));
    Ok(CallAuth::Needed(Need { state, reason: MORE_SCOPE, scope }))
}

/// Of a server that nobody connects.
fn of_operator<P: Platform>(context: &RequestContext<'_, P>, server: &Server) -> Result<CallAuth, Failure> {
    let headers = own_headers(context, server)?;
    Ok(CallAuth::Ready { headers, seen: None, fresh: false, standing: Standing::Good })
}

/// The operator's headers, and those of the connection.
pub fn headers<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    credential: &upstream::credential::Credential,
) -> Result<Vec<(HeaderName, HeaderValue)>, Failure> {
    let mut headers = own_headers(context, server)?;
    match &credential.kind {
        CredentialKind::Oauth(oauth) => headers.push(bearer(&oauth.token)?),
        CredentialKind::ClientCredentials(token) => headers.push(bearer(token)?),
        CredentialKind::Headers(entered) => {
            for (name, value) in entered {
                let header = upstream::headers::header(name, value);
                headers.push(header.map_err(|error| header_unfit(name, error))?);
            }
        }
    }
    Ok(headers)
}

fn bearer(token: &Token) -> Result<(HeaderName, HeaderValue), Failure> {
    let value = Secret::new(format!("Bearer {}", token.access_token.expose()));
    let header = upstream::headers::header(AUTHORIZATION.as_str(), &value);
    header.map_err(|error| header_unfit(AUTHORIZATION.as_str(), error))
}

/// The headers that are the same for everybody.
pub fn own_headers<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
) -> Result<Vec<(HeaderName, HeaderValue)>, Failure> {
    let Auth::Headers(headers) = &server.auth else { return Ok(Vec::new()) };
    let header = |(name, value): &(String, Value)| {
        let value = match value {
            Value::Person { .. } => return Ok(None),
            Value::Literal(text) => Secret::new(text),
            Value::Secret(secret) => context
                .platform
                .secret(secret.as_str())
                .ok_or_else(|| secret_missing("upstream_secret_missing", secret, "this server needs"))?,
        };
        let header = upstream::headers::header(name, &value);
        header.map(Some).map_err(|error| header_unfit(name, error))
    };
    headers.iter().filter_map(|own| header(own).transpose()).collect()
}

/// A header that cannot be sent.
fn header_unfit(name: &str, error: HeaderError) -> Failure {
    Failure::new(
        Blame::Operator,
        503,
        "upstream_header_unfit",
        format!("The header {name} of this server cannot be sent: {error}."),
    )
    .fix("The operator must correct the header or its secret.")
}
