//! The gateway as a client at an upstream's issuer: the operator's, its own document, or one registered on the way,
//! once for each issuer (MCP authorization, "Client Registration Approaches").
//!
//! Not here: which of them it is (`oauth_client::registration`), the lease that makes it once (`upstream::issuer`).

use url::{Position, Url};

use crate::config::{ConfiguredClient, Server};
use crate::flow::{RequestContext, secret_missing, sentence};
use crate::oauth::authentication_method::AuthenticationMethod;
use crate::oauth_client::client_auth::GatewayClient;
use crate::oauth_client::registration;
use crate::oauth_client::registration::{IssuedClient, RegistrationWay, UpstreamRegistrationError};
use crate::ports::{Platform, Unavailable};
use crate::time::Millis;
use crate::upstream::issuer::{Command, Outcome};
use crate::upstream::plan::Plan;
use crate::upstream::state::ClientKind;
use crate::vault::Purpose;
use crate::web::failure::{Blame, Failure};
use crate::web::route;
use crate::web::route::Endpoint;

use super::fetch;

/// How long to wait for another request that registers the gateway: the first pause, the longest, and how many.
const FIRST_PAUSE: Millis = Millis(50);
const LONGEST_PAUSE: Millis = Millis(1000);
const MOST_TRIES: u32 = 24;

/// Where the issuer of a plan sends people back to: a place of its own, so that no issuer's answer is taken for
/// another's (RFC 9700 §2.1). Where an operator registered the gateway it is one place for all (P7).
pub fn redirect_uri<P: Platform>(
    context: &RequestContext<'_, P>,
    configured: Option<&ConfiguredClient>,
    plan: &Plan,
) -> String {
    match plan.way {
        RegistrationWay::Document | RegistrationWay::Register(_) => own_redirect_uri(context, &plan.source.issuer),
        RegistrationWay::Configured => {
            let configured = configured.and_then(|client| client.redirect_uri.clone());
            configured.unwrap_or_else(|| context.url(Endpoint::UpstreamCallback.path()))
        }
    }
}

fn own_redirect_uri<P: Platform>(context: &RequestContext<'_, P>, issuer: &str) -> String {
    context.url(&route::issuer_callback_path(route::of_issuer(issuer).as_str()))
}

/// The gateway's client id by a document of its own, for answers that come to this address. Trips begun and connections
/// made before each issuer had one know another.
fn document_id<P: Platform>(context: &RequestContext<'_, P>, issuer: &str, redirect_uri: &str) -> String {
    if redirect_uri == own_redirect_uri(context, issuer) {
        context.url(&route::unnamed_document_path(&route::of_issuer(issuer)))
    } else {
        context.url(Endpoint::ClientMetadata.path())
    }
}

/// The same by the document that names the issuer.
pub fn named_document_id<P: Platform>(context: &RequestContext<'_, P>, issuer: &str) -> String {
    context.url(&route::issuer_document_path(issuer))
}

/// Whether a client id at an issuer is the address of a document of the gateway's own.
pub fn is_document<P: Platform>(context: &RequestContext<'_, P>, issuer: &str, client_id: &str) -> bool {
    let callbacks = [own_redirect_uri(context, issuer), context.url(Endpoint::UpstreamCallback.path())];
    client_id == named_document_id(context, issuer)
        || callbacks.iter().any(|callback| client_id == document_id(context, issuer, callback))
}

/// The gateway's name on the consent pages of others.
pub fn name<P: Platform>(context: &RequestContext<'_, P>) -> String {
    let host = context.origin.as_str().split_once("://").map_or("", |(_, host)| host);
    format!("MCP gateway at {host}")
}

/// Its name in the document for an issuer. A hostile issuer can send people on to an honest one with its own document,
/// and then this is what tells them.
pub fn name_for<P: Platform>(context: &RequestContext<'_, P>, issuer: Option<&Url>) -> String {
    let host = issuer.map_or("a server that is not named here", |url| &url[Position::BeforeHost..Position::AfterPort]);
    format!("{}, for {host}", name(context))
}

/// Whether an authorization server can read the gateway's metadata document.
pub fn has_document<P: Platform>(context: &RequestContext<'_, P>) -> bool {
    context.origin.is_secure() && !context.origin.is_loopback()
}

/// The client a trip is made as.
pub async fn for_plan<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    client: Option<&ConfiguredClient>,
    plan: &Plan,
    redirect_uri: &str,
) -> Result<(GatewayClient, ClientKind), Failure> {
    let kind = match &plan.way {
        RegistrationWay::Configured => ClientKind::Configured(plan.method),
        RegistrationWay::Document => ClientKind::NamedDocument,
        RegistrationWay::Register(endpoint) => return registered(context, server, plan, endpoint, redirect_uri).await,
    };
    Ok((of_kind(context, server, client, &plan.source.issuer, kind, redirect_uri).await?, kind))
}

/// The client a trip was made as, when its answer comes.
pub async fn of_kind<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    client: Option<&ConfiguredClient>,
    issuer: &str,
    kind: ClientKind,
    redirect_uri: &str,
) -> Result<GatewayClient, Failure> {
    match kind {
        ClientKind::Configured(method) => configured(context, client.ok_or_else(|| gone(server))?, method),
        ClientKind::Document => Ok(GatewayClient::public(document_id(context, issuer, redirect_uri))),
        ClientKind::NamedDocument => Ok(GatewayClient::public(named_document_id(context, issuer))),
        ClientKind::Registered(generation) => match ask(context, issuer, Command::Get { generation }).await? {
            Outcome::Registered { sealed, .. } => {
                Ok(open(context, issuer, &sealed).ok_or_else(|| gone(server))?.into_client(generation))
            }
            _ => Err(gone(server)),
        },
    }
}

/// A registration that the issuer does not know any more: the next person's trip registers anew.
pub async fn retire<P: Platform>(
    context: &RequestContext<'_, P>,
    issuer: &str,
    kind: ClientKind,
) -> Result<(), Failure> {
    if let ClientKind::Registered(generation) = kind {
        ask(context, issuer, Command::Retire { generation }).await?;
    }
    Ok(())
}

/// A registration that somebody went off with and came back without an answer: whether another one is to be had for it.
/// Anybody can do that, so it is not believed often, nor of one that has just been good for a token.
pub async fn abandon<P: Platform>(
    context: &RequestContext<'_, P>,
    issuer: &str,
    kind: ClientKind,
) -> Result<bool, Failure> {
    let ClientKind::Registered(generation) = kind else { return Ok(false) };
    Ok(ask(context, issuer, Command::Abandon { generation }).await? == Outcome::Noted)
}

/// A client that a token was issued to just now. Should storage fail, the next one will do.
pub async fn proven<P: Platform>(context: &RequestContext<'_, P>, issuer: &str, client: &GatewayClient) {
    if let Some(generation) = client.registered {
        let _ = ask(context, issuer, Command::Proven { generation }).await;
    }
}

/// A client that its issuer does not know any more, found out when it refreshed: the next person's trip registers anew.
pub async fn forget<P: Platform>(context: &RequestContext<'_, P>, issuer: &str, client: &GatewayClient) {
    let holder = context.id();
    let which = match client.registered {
        Some(generation) => Command::Get { generation },
        // Connected before connections knew it, when there was one callback for all.
        None => Command::Lease { redirect_uri: context.url(Endpoint::UpstreamCallback.path()), holder: holder.clone() },
    };
    // Should storage fail, the trip finds it out.
    match ask(context, issuer, which).await {
        Ok(Outcome::Registered { generation, sealed })
            if open(context, issuer, &sealed).is_some_and(|registered| registered.is(&client.id)) =>
        {
            let _ = ask(context, issuer, Command::Retire { generation }).await;
        }
        Ok(Outcome::Leased) => {
            let _ = ask(context, issuer, Command::Fail { holder }).await;
        }
        _ => {}
    }
}

/// The operator's client, with `method` where they left it open.
pub fn configured<P: Platform>(
    context: &RequestContext<'_, P>,
    client: &ConfiguredClient,
    method: AuthenticationMethod,
) -> Result<GatewayClient, Failure> {
    let secret =
        match &client.client_secret {
            Some(name) => Some(context.platform.secret(name.as_str()).ok_or_else(|| {
                secret_missing("upstream_client_secret_missing", name, "connecting this server needs")
            })?),
            None => None,
        };
    let method = match client.method {
        Some(configured) => configured,
        None if secret.is_none() => AuthenticationMethod::None,
        None => method,
    };
    Ok(GatewayClient::new(client.client_id.as_str(), secret, method))
}

/// The registration at an issuer. The first who asks makes it; whoever asks meanwhile waits for that one.
async fn registered<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    plan: &Plan,
    endpoint: &str,
    redirect_uri: &str,
) -> Result<(GatewayClient, ClientKind), Failure> {
    let issuer = plan.source.issuer.as_str();
    let holder = context.id();
    let mut pause = FIRST_PAUSE;
    for _ in 0..MOST_TRIES {
        let lease = Command::Lease { redirect_uri: redirect_uri.to_owned(), holder: holder.clone() };
        let outcome = match ask(context, issuer, lease).await? {
            Outcome::Leased => register(context, server, plan, endpoint, redirect_uri, &holder).await?,
            other => other,
        };
        let Outcome::Registered { generation, sealed } = outcome else {
            context.platform.pause(pause).await;
            pause = pause.doubled().min(LONGEST_PAUSE);
            continue;
        };
        match open(context, issuer, &sealed) {
            Some(registered) if !registered.has_expired(context.now) => {
                return Ok((registered.into_client(generation), ClientKind::Registered(generation)));
            }
            // Its secret has ended, or its key is gone from the ring.
            _ => drop(ask(context, issuer, Command::Retire { generation }).await?),
        }
    }
    Err(busy(server))
}

async fn register<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    plan: &Plan,
    endpoint: &str,
    redirect_uri: &str,
    holder: &str,
) -> Result<Outcome, Failure> {
    let issuer = plan.source.issuer.as_str();
    match attempt(context, plan, endpoint, redirect_uri).await {
        Ok(registered) => {
            let sealed =
                context.keys.seal_json(Purpose::Registration, &[issuer], context.platform.random(), &registered);
            ask(context, issuer, Command::Finish { redirect_uri: redirect_uri.to_owned(), sealed }).await
        }
        Err(error) => {
            ask(context, issuer, Command::Fail { holder: holder.to_owned() }).await?;
            Err(refused(server, error.as_ref()))
        }
    }
}

/// Registers, and once more where only what an issuer does not know may have been refused. `None` stands for no answer
/// at all.
async fn attempt<P: Platform>(
    context: &RequestContext<'_, P>,
    plan: &Plan,
    endpoint: &str,
    redirect_uri: &str,
) -> Result<IssuedClient, Option<UpstreamRegistrationError>> {
    match once(context, plan, endpoint, redirect_uri, false).await {
        Err(Some(refused)) if refused.may_be_of_unknown_member() => {
            // What was refused first says more than what the poorer request lacks.
            once(context, plan, endpoint, redirect_uri, true).await.map_err(|_| Some(refused))
        }
        answered => answered,
    }
}

async fn once<P: Platform>(
    context: &RequestContext<'_, P>,
    plan: &Plan,
    endpoint: &str,
    redirect_uri: &str,
    is_strict: bool,
) -> Result<IssuedClient, Option<UpstreamRegistrationError>> {
    let request = registration::request(endpoint, plan.method, &name(context), redirect_uri, is_strict)?;
    let (status, headers, body) = fetch::send(context, request, registration::MAX_BYTES).await.map_err(|_| None)?;
    Ok(registration::response(status, &headers, &body, plan.method)?)
}

fn open<P: Platform>(context: &RequestContext<'_, P>, issuer: &str, sealed: &str) -> Option<IssuedClient> {
    context.keys.open_json(Purpose::Registration, &[issuer], sealed).ok()
}

async fn ask<P: Platform>(context: &RequestContext<'_, P>, issuer: &str, command: Command) -> Result<Outcome, Failure> {
    context.platform.issuer(issuer, command).await.map_err(|Unavailable| Failure::storage())
}

fn refused(server: &Server, error: Option<&UpstreamRegistrationError>) -> Failure {
    let Some(error) = error else { return busy(server) };
    let status = if matches!(error, UpstreamRegistrationError::Busy(_)) { 503 } else { 502 };
    Failure::new(Blame::Upstream, status, error.reason(), sentence(error))
        .fix(format!(
            "Try again; if it stays, the operator must register a client there by hand and fill \
             servers.{}.auth.client.",
            server.slug
        ))
        .slug(server.slug.as_str())
}

fn busy(server: &Server) -> Failure {
    let message = "The server's authorization server did not register this gateway in time.";
    Failure::new(Blame::Upstream, 503, "upstream_registration_timeout", message)
        .fix("Try again shortly.")
        .slug(server.slug.as_str())
}

fn gone(server: &Server) -> Failure {
    let message = "The client with which this trip began is not known here any more.";
    Failure::client(400, "upstream_client_gone", message).fix("Start connecting again.").slug(server.slug.as_str())
}
