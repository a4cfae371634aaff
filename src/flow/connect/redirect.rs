//! The trip to an authorization server: everything its answer will be held to is sealed into the `state`, and the
//! browser is sent.
//!
//! An issuer that forgot the gateway's registration tells only the person, on a page of its own. The gateway sees that
//! they come back without an answer, by a mark in their browser, and registers anew, if that has not just been done.
//! Not here: what connecting takes (`flow::upstream`), the way back (`flow::connect::callback`).

use url::Url;

use super::form::form_gone;
use super::outcome::way_on;
use crate::config::{ConfiguredClient, OAuth, Server};
use crate::flow::client::register;
use crate::flow::connection::sealed;
use crate::flow::login::session::SignedIn;
use crate::flow::upstream::client;
use crate::flow::{Answered, Head, RequestContext};
use crate::headers::SET_COOKIE;
use crate::oauth::pkce::S256Challenge;
use crate::oauth_client::authorization;
use crate::oauth_client::authorization::Ask;
use crate::oauth_client::client_auth::GatewayClient;
use crate::ports::Platform;
use crate::secret::{Digested, Secret};
use crate::upstream::plan::Plan;
use crate::upstream::state::{ClientKind, ConnectIntent, LIFETIME, State};
use crate::web::cookie;
use crate::web::cookie::{Jar, SetCookie};
use crate::web::failure::Failure;
use crate::web::reply::Reply;

/// Holds which registration the browser was last sent off with.
const MARK: &str = "mcp_connect";

/// Sends the browser to the authorization server.
pub async fn begin<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    server: &Server,
    oauth: &OAuth,
    signed_in: &SignedIn,
    intent: ConnectIntent,
    plan: Plan,
) -> Answered<P> {
    let configured = oauth.client.as_ref();
    let redirect_uri = client::redirect_uri(context, configured, &plan);
    let client = known_client(context, head, server, configured, &plan, &redirect_uri).await;
    let (client, kind) = client.map_err(|failure| way_on(failure, &intent))?;
    let endpoint = Url::parse(&plan.authorization_endpoint).map_err(|_| form_gone())?;
    let verifier = context.secret();
    let challenge = S256Challenge::of(verifier.expose());
    let binding = sealed::binding(server);
    let state = State::new(intent, binding, plan.source.clone(), kind, redirect_uri.clone(), verifier, context.now);
    let state = state.seal(&context.keys, &signed_in.cookie.digest(), context.platform.random());
    let ask = Ask {
        client_id: &client.id,
        redirect_uri: &redirect_uri,
        state: &state,
        challenge: &challenge,
        resource: plan.source.resource.as_deref(),
        scope: plan.source.scope.as_deref(),
    };
    let reply = Reply::see_other(authorization::url(&endpoint, &ask).as_str());
    let mark = mark(&plan.source.issuer, kind).map(|mark| Secret::new(mark.as_str()));
    let cookie = mark.map(|mark| SetCookie::new(cookie_name(context), mark, LIFETIME, context.origin.is_secure()));
    let cookie = cookie.and_then(|cookie| cookie.to_header().ok());
    Ok(cookie.into_iter().fold(reply, |reply, cookie| reply.and(SET_COOKIE, cookie)))
}

/// Takes the mark away with whatever is said to an answer.
pub fn ended<P: Platform>(context: &RequestContext<'_, P>, said: Answered<P>) -> Answered<P> {
    let Ok(gone) = SetCookie::removal(cookie_name(context), context.origin.is_secure()).to_header() else {
        return said;
    };
    match said {
        Ok(reply) => Ok(reply.and(SET_COOKIE, gone)),
        Err(failure) => Err(failure.header(SET_COOKIE, gone)),
    }
}

/// The client to go as: another one than the browser went as before without coming back with an answer.
async fn known_client<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    server: &Server,
    configured: Option<&ConfiguredClient>,
    plan: &Plan,
    redirect_uri: &str,
) -> Result<(GatewayClient, ClientKind), Failure> {
    let found = client::for_plan(context, server, configured, plan, redirect_uri).await?;
    let issuer = &plan.source.issuer;
    let jar = Jar::parse(&head.headers);
    let mark = mark(issuer, found.1);
    let went = jar.get(&cookie_name(context)).zip(mark).is_some_and(|(held, mark)| held.matches(mark.as_str()));
    // Whoever closes the page and tries again looks the same, so this is counted as any registration is.
    if !went || register::require_allowance(context, head).await.is_err() {
        return Ok(found);
    }
    if !client::abandon(context, issuer, found.1).await? {
        return Ok(found);
    }
    client::for_plan(context, server, configured, plan, redirect_uri).await
}

/// Of a registration that the issuer could forget.
fn mark(issuer: &str, kind: ClientKind) -> Option<Digested> {
    match kind {
        ClientKind::Registered(generation) => Some(Digested::of(&format!("{generation}\n{issuer}"))),
        ClientKind::Configured(_) | ClientKind::Document | ClientKind::NamedDocument => None,
    }
}

fn cookie_name<P: Platform>(context: &RequestContext<'_, P>) -> String {
    cookie::name(MARK, context.origin.is_secure())
}
