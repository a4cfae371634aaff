//! The authorization endpoint (OAuth 2.1 §4.1): from a client's request to the consent page, or straight to a code where consent
//! was given before.
//!
//! Not here: what a valid request is (`oauth::authorization_request`), the consent form's answer (`flow::consent`).

use http::StatusCode;
use http::header::CONTENT_SECURITY_POLICY;
use serde::{Deserialize, Serialize};

use super::session::SignedIn;
use super::{Answered, Head, Site, client, default_scope, hold, login, sentence, session, subject, supported_scope};
use crate::config::ConsentPolicy;
use crate::failure::Failure;
use crate::login::session::BrowserSession;
use crate::oauth::account::{self, consent_key};
use crate::oauth::authorization_error::{LocalError, RedirectError};
use crate::oauth::authorization_request::{AuthorizationRequest, ClientQuery, Redirectable};
use crate::oauth::client::{Client, Origin};
use crate::oauth::grant::{self, GrantId, Granted};
use crate::oauth::opaque::{self, Kind};
use crate::oauth::scope::ScopeSet;
use crate::page::{self, ClientOrigin};
use crate::ports::{Platform, Unavailable};
use crate::reply::Reply;
use crate::route::{self, Endpoint};
use crate::time::{Lifetime, Timestamp};
use crate::upstream::key::FIRST_ACCOUNT;
use crate::vault::Purpose;

/// How long the consent page may stay open.
const TICKET: Lifetime = Lifetime::minutes(10);
/// OAuth 2.1 §4.1.2 allows ten minutes; a client redeems within seconds.
const CODE: Lifetime = Lifetime(60);

/// What the consent form carries, sealed and bound to the browser session: nothing is stored before somebody consents.
#[derive(Serialize, Deserialize)]
pub struct Ticket {
    /// The grant this consent would make; its object lets the form be used once.
    pub grant: GrantId,
    /// What it would allow.
    #[serde(flatten)]
    pub allowed: Allowed,
    /// Under which key consent is remembered.
    pub consent: String,
    /// When the page is too old.
    pub expires: Timestamp,
}

/// A client's request, and the name the person knows the client by.
#[derive(Serialize, Deserialize)]
pub struct Allowed {
    /// The request.
    pub request: AuthorizationRequest,
    /// The name.
    #[serde(default)]
    pub client_name: String,
}

/// `GET /oauth/authorize`.
pub async fn authorize<P: Platform>(site: &Site<'_, P>, head: &Head) -> Answered<P> {
    // 1. Who asks, and where may an answer be sent? Until both are proven, errors are shown here and redirect nowhere.
    let query = ClientQuery::parse(head.query()).map_err(|error| local(&error))?;
    let client = client::find(site, head, &query.client_id).await.map_err(shown)?;
    let redirectable = query.for_client(&client).map_err(|error| local(&error))?;
    // 2. Is the request itself in order?
    let signed_in = session::current(site, head).await?;
    let request = match parse(site, &redirectable) {
        Ok(request) => request,
        Err(error) => return refuse(site, &client, &redirectable, &error, signed_in.is_some()),
    };
    // 3. Who is at the browser?
    let Some(signed_in) = signed_in else {
        return login::begin(site, head, &format!("{}?{}", head.url.path(), head.query())).await;
    };
    // 4. Must they be asked?
    let subject = &signed_in.session.identity.subject;
    let consent = consent_key(
        &request.client_id,
        &request.redirect.without_port(),
        &request.scope,
        &request.resource,
        &client.fingerprint(),
    );
    // In development nobody is at risk.
    let trusted = client.is_preregistered() || site.origin.is_loopback();
    let policy = if trusted { site.config.consent } else { site.config.consent.for_strangers() };
    if !request.prompt_consent && has_consented(site, policy, subject, &consent).await? {
        let grant = GrantId::new(site.platform.random());
        return hold::conclude(site, &grant, Allowed { request, client_name: client.label() }, &signed_in.session)
            .await;
    }
    Ok(ask(site, head, &client, request, consent, &signed_in))
}

/// Makes the grant and sends its code to the client, to use the server with this account of the person's. One winner per grant id:
/// a form used twice gets nothing the second time.
pub async fn issue<P: Platform>(
    site: &Site<'_, P>,
    grant: &GrantId,
    allowed: Allowed,
    session: &BrowserSession,
    account: Option<&str>,
) -> Answered<P> {
    let Allowed { request, client_name } = allowed;
    let person = session.identity.subject.as_str();
    let code = opaque::mint(&site.keys, Kind::Code, grant, site.platform.random());
    let location = request.success_location(site.origin.as_str(), code.expose());
    let listed = account::AllowedClient {
        grant: grant.clone(),
        client_id: request.client_id.clone(),
        client_name,
        slug: request.slug.clone(),
        account: account.unwrap_or(FIRST_ACCOUNT).to_owned(),
        at: site.now,
        until: site.now + site.config.tokens.refresh_ttl,
    };
    let granted = Granted {
        client_id: request.client_id,
        subject: person.to_owned(),
        redirect_uri: request.redirect.as_str().to_owned(),
        scope: request.scope,
        resource: request.resource,
        slug: request.slug,
        challenge: request.challenge,
        account: account.filter(|account| *account != FIRST_ACCOUNT).map(ToOwned::to_owned),
        // Not now: an isolate that has not heard of a revocation yet takes a session from before it, and what comes of that ends too.
        signed_in: Some(session.since),
    };
    let command = grant::Command::Open { granted, code: code.digest(), code_expires: site.now + CODE };
    match site.platform.grant(grant, command).await.map_err(|Unavailable| Failure::storage())? {
        grant::Outcome::Opened => {
            // The consent is used up, so its answer must arrive. Unlisted, the grant still ends with its subject's revocation.
            let added = site.platform.account(person, account::Command::AddGrant { grant: listed }).await;
            if let Ok(account::Outcome::GrantAdded { unlisted }) = added {
                for grant in &unlisted {
                    let _ = subject::end(site, grant).await;
                }
            }
            Ok(Reply::see_other(&location))
        }
        _ => Err(no_pending_authorization()),
    }
}

/// The consent form's authorization is gone: used, expired, or of another browser.
pub fn no_pending_authorization() -> Failure {
    Failure::client(
        400,
        "no_pending_authorization",
        "This consent was already answered, is older than ten minutes, or belongs to another browser session.",
    )
    .fix("Start again from your client: remove nothing, just connect once more.")
}

fn parse<P: Platform>(site: &Site<'_, P>, redirectable: &Redirectable) -> Result<AuthorizationRequest, RedirectError> {
    let origin = site.origin.as_str();
    let servers = site.config.servers.values();
    let urls: Vec<_> = servers.map(|server| (server.slug.as_str(), route::resource_url(origin, server))).collect();
    let resources: Vec<_> = urls.iter().map(|(slug, url)| (*slug, url.as_str())).collect();
    redirectable.parse(origin, &resources, &supported_scope(), &default_scope())
}

/// A registered redirect URI is still only what some client claimed: without a signed-in person an error is sent on automatically
/// only where that cannot be an open redirect (RFC 9700 §4.11.2).
fn refuse<P: Platform>(
    site: &Site<'_, P>,
    client: &Client,
    redirectable: &Redirectable,
    error: &RedirectError,
    signed_in: bool,
) -> Answered<P> {
    let location = redirectable.error_location(site.origin.as_str(), error);
    let trusted = signed_in || redirectable.redirect().is_loopback() || client.is_preregistered();
    if trusted {
        return Ok(Reply::see_other(&location));
    }
    Err(Failure::oauth(
        error.error,
        error.error.as_str(),
        format!("{} sent a request that cannot be granted: {}.", client.label(), error.description()),
    )
    .fix("Tell the client's makers, or start again from the client.")
    .fact("redirect_uri", redirectable.redirect().as_str()))
}

async fn has_consented<P: Platform>(
    site: &Site<'_, P>,
    policy: ConsentPolicy,
    subject: &str,
    consent: &str,
) -> Result<bool, Failure> {
    match policy {
        ConsentPolicy::Never => Ok(true),
        ConsentPolicy::Always => Ok(false),
        ConsentPolicy::Once => {
            let command = account::Command::Recall { consent: consent.to_owned() };
            let outcome = site.platform.account(subject, command).await.map_err(|Unavailable| Failure::storage())?;
            Ok(matches!(outcome, account::Outcome::Recalled { given: true }))
        }
    }
}

fn ask<P: Platform>(
    site: &Site<'_, P>,
    head: &Head,
    client: &Client,
    request: AuthorizationRequest,
    consent: String,
    signed_in: &SignedIn,
) -> Reply<P::Stream> {
    let server = site.config.servers.get(request.slug.as_str());
    let identity = &signed_in.session.identity;
    let way_on = request.redirect.as_str().to_owned();
    let mut page = page::Consent {
        client_name: client.label(),
        client_origin: match &client.origin {
            Origin::Document { host } => ClientOrigin::Document { host: host.clone() },
            Origin::Registered => ClientOrigin::Registered,
            Origin::Preregistered => ClientOrigin::Preregistered,
        },
        redirect_host: request.redirect.host().unwrap_or_else(|| request.redirect.as_str().to_owned()),
        redirect_uri: way_on.clone(),
        loopback: request.redirect.is_loopback(),
        server_name: server.map_or_else(|| request.slug.clone(), |server| server.name.clone()),
        server_url: request.resource.clone(),
        scopes: request
            .scope
            .iter()
            .map(|scope| page::ScopeLine { name: scope.to_owned(), what: describe(scope).to_owned() })
            .collect(),
        subject_name: identity.name.clone().unwrap_or_else(|| identity.subject.clone()),
        subject_email: identity.email.clone(),
        subject_id: identity.subject.clone(),
        ticket: String::new(),
        action: Endpoint::Consent.path().to_owned(),
        sign_out: login::sign_out(&format!("{}?{}", head.url.path(), head.query())),
    };
    let allowed = Allowed { request, client_name: client.label() };
    let ticket = Ticket { grant: GrantId::new(site.platform.random()), allowed, consent, expires: site.now + TICKET };
    let browser = signed_in.cookie.digest();
    page.ticket = site.keys.seal_json(Purpose::ConsentTicket, &[browser.as_str()], site.platform.random(), &ticket);
    Reply::page(StatusCode::OK, page.render()).with(CONTENT_SECURITY_POLICY, &page::security::csp(&[&way_on]))
}

/// `invalid_client` is a 401 for clients that authenticate; a person's browser did nothing of the kind.
fn shown(failure: Failure) -> Failure {
    if failure.status == StatusCode::UNAUTHORIZED { failure.status(400) } else { failure }
}

/// What a scope allows, under "It will be able to".
fn describe(scope: &str) -> &'static str {
    match scope {
        ScopeSet::OFFLINE_ACCESS => "Stay connected while you are away, until you revoke it",
        _ => "List and use the tools, prompts and resources of this server, as you",
    }
}

fn local(error: &LocalError) -> Failure {
    let failure = Failure::oauth(error.code(), error.reason(), sentence(error)).status(400).fix(error.fix());
    match error {
        LocalError::UnregisteredRedirect { requested, registered } => {
            failure.fact("requested", requested.clone()).fact("registered", registered.join("\n"))
        }
        _ => failure,
    }
}
