//! The connect page: what a server wants of a person is shown to them, and what they were shown is what happens.
//!
//! Not here: who is here for what (`visit`), the way to the authorization server (`trip`) and back (`flow::callback`), what the page
//! says (`page`).

use std::collections::BTreeMap;

use http::StatusCode;
use http::header::CONTENT_SECURITY_POLICY;
use serde::{Deserialize, Serialize};

use super::authorize::Allowed;
use super::connections::LONGEST_NAME;
use super::session::SignedIn;
use super::upstream::{self, Wanted};
use super::{Answered, Head, Site, consent, hold, keep, login, read_small, refusal, session};
use crate::config::{Auth, OAuth, Server, Value};
use crate::failure::{Details, Failure};
use crate::login::session::BrowserSession;
use crate::oauth::form;
use crate::page;
use crate::ports::Platform;
use crate::reply::Reply;
use crate::route::{self, Endpoint};
use crate::time::{Lifetime, Timestamp};
use crate::upstream::key::Owner;
use crate::upstream::plan::Plan;
use crate::upstream::state::{Back, Errand};
use crate::vault::Purpose;
use crate::version::V1;

pub mod cancelled;
mod entered;
mod trial;
pub mod trip;
mod visit;

use visit::Visit;

const FORM: usize = 32 * 1024;

/// How long the page may stay open.
const TICKET: Lifetime = Lifetime::minutes(30);

/// What the page's form carries, sealed and bound to the browser session.
#[derive(Serialize, Deserialize)]
struct Ticket {
    v: V1,
    errand: Errand,
    /// The accounts that may be chosen or connected again instead of the errand's, and what the person calls them.
    accounts: BTreeMap<String, String>,
    /// What a call was refused for lack of.
    wanted: Option<String>,
    /// Where connecting leads, if that was asked for already.
    plan: Option<Plan>,
    expires: Timestamp,
}

impl Ticket {
    /// For one account, with no plan yet.
    fn new(errand: Errand, wanted: Option<String>, now: Timestamp) -> Self {
        Self { v: V1, errand, accounts: BTreeMap::new(), wanted, plan: None, expires: now + TICKET }
    }

    /// As a page carries it, good in this browser's session.
    fn seal<P: Platform>(&self, site: &Site<'_, P>, signed_in: &SignedIn) -> String {
        let browser = signed_in.cookie.digest();
        site.keys.seal_json(Purpose::ConnectTicket, &[browser.as_str()], site.platform.random(), self)
    }
}

/// `GET /connect/{slug}`. Where nobody can connect now, a person whose client waits is told on the page itself, and may skip it.
pub async fn show<P: Platform>(site: &Site<'_, P>, head: &Head, slug: &str) -> Answered<P> {
    let server = site.config.servers.get(slug).ok_or_else(|| refusal::no_such_server(slug))?;
    let query = form::parse(head.query().as_bytes()).map_err(|_| visit::link_gone())?;
    let Some(signed_in) = session::current(site, head).await? else {
        return login::begin(site, head, &format!("{}?{}", head.url.path(), head.query())).await;
    };
    let visit = Visit::of(site, server, &query, &signed_in.session.identity.subject).await;
    let visit = visit.map_err(|failure| failure.slug(slug))?;
    let Auth::OAuth(oauth) = &server.auth else {
        return Ok(page(site, head, server, &signed_in, &visit, None, None));
    };
    match plan(site, server, oauth, &visit.errand, visit.wanted.as_deref()).await {
        Ok(plan) => Ok(page(site, head, server, &signed_in, &visit, Some(plan), None)),
        Err(failure) if visit.waiting.is_some() => {
            let Details { message, fix, reason, .. } = &*failure;
            let problem = format!("{message} {fix} Reason: {reason}. Request: {}.", site.request_id);
            Ok(page(site, head, server, &signed_in, &visit, None, Some(problem)).because(reason))
        }
        Err(failure) => Err(failure),
    }
}

/// `POST /connect/{slug}`.
pub async fn answer<P: Platform>(site: &Site<'_, P>, head: &Head, slug: &str, body: P::Stream) -> Answered<P> {
    consent::require_own_page(site, head)?;
    let server = site.config.servers.get(slug).ok_or_else(|| refusal::no_such_server(slug))?;
    let body = read_small(body, FORM).await?;
    let form = form::parse(&body).map_err(|_| form_gone())?;
    let field = |name| form.one(name).ok().flatten();
    let signed_in = session::current(site, head).await?.ok_or_else(form_gone)?;
    let subject = &signed_in.session.identity.subject;
    let mut ticket: Ticket = site
        .keys
        .open_json(Purpose::ConnectTicket, &[signed_in.cookie.digest().as_str()], field("ticket").unwrap_or_default())
        .map_err(|_| form_gone())?;
    let account = field("account").unwrap_or_default();
    let known = ticket.accounts.get(account);
    if ticket.expires.reached(site.now)
        || ticket.errand.slug != slug
        || (known.is_none() && account != ticket.errand.account)
    {
        return Err(form_gone());
    }
    if let Some(label) = known {
        account.clone_into(&mut ticket.errand.account);
        ticket.errand.label = Some(label.clone()).filter(|label| !label.is_empty());
    }
    if let Some(label) = field("label").map(str::trim).filter(|label| !label.is_empty()) {
        ticket.errand.label = Some(label.chars().take(LONGEST_NAME).collect());
    }
    let answered = match (field("decision"), &ticket.errand.back) {
        (Some("skip"), Back::Client(grant)) => hold::release(site, grant, &signed_in.session, None).await,
        (Some("use"), Back::Client(grant)) => {
            if !hold::is_live(site, server, subject, account).await? {
                return Err(form_gone());
            }
            hold::release(site, grant, &signed_in.session, Some(account)).await
        }
        (Some("connect"), _) => match &server.auth {
            Auth::OAuth(oauth) => {
                let Ticket { errand, wanted, plan: shown, .. } = ticket;
                let plan = match shown {
                    Some(shown) => shown,
                    None => plan(site, server, oauth, &errand, wanted.as_deref()).await?,
                };
                trip::begin(site, head, server, oauth, &signed_in, errand, plan).await
            }
            Auth::Headers(headers) => entered::answer(site, head, server, &signed_in, headers, ticket, &form).await,
            Auth::None | Auth::ClientCredentials(_) => Err(form_gone()),
        },
        _ => Err(form_gone()),
    };
    answered.map_err(|failure| failure.slug(slug))
}

/// Where a person goes once their account is connected.
pub async fn done<P: Platform>(site: &Site<'_, P>, errand: &Errand, session: &BrowserSession) -> Answered<P> {
    kept(site, errand, session, true).await
}

/// Where a person goes once their connection is kept, be it known to work or not.
async fn kept<P: Platform>(site: &Site<'_, P>, errand: &Errand, session: &BrowserSession, works: bool) -> Answered<P> {
    match &errand.back {
        Back::Client(grant) => hold::release(site, grant, session, Some(&errand.account)).await,
        Back::Connections => {
            let news = if works { "connected" } else { "kept" };
            Ok(Reply::see_other(&format!("{}?{news}={}", Endpoint::Connections.path(), errand.slug)))
        }
        Back::Page => Ok(connected(site, errand, works)),
    }
}

/// Offers the person who failed at an errand a way on.
pub fn way_on(failure: Failure, errand: &Errand) -> Failure {
    match (&errand.back, &errand.owner) {
        (Back::Client(grant), _) => failure.way_on("Back to connecting", hold::connect_path(&errand.slug, grant)),
        (_, Owner::Subject(_)) => failure.way_on("Your connections", Endpoint::Connections.path()),
        (_, Owner::Gateway) => failure,
    }
}

async fn plan<P: Platform>(
    site: &Site<'_, P>,
    server: &Server,
    oauth: &OAuth,
    errand: &Errand,
    wanted: Option<&str>,
) -> Result<Plan, Failure> {
    let held = match wanted {
        Some(_) => keep::read(site, server, &errand.key()).await?.into_scope(),
        None => None,
    };
    let wanted = Wanted { scope: wanted, held: held.as_deref() };
    upstream::plan(site, server, oauth, wanted).await.map_err(|failure| way_on(failure, errand))
}

fn page<P: Platform>(
    site: &Site<'_, P>,
    head: &Head,
    server: &Server,
    signed_in: &SignedIn,
    visit: &Visit,
    plan: Option<Plan>,
    problem: Option<String>,
) -> Reply<P::Stream> {
    let identity = &signed_in.session.identity;
    let errand = &visit.errand;
    let mut accounts = BTreeMap::new(); // to collect would be to sort: for each type code of its own, 3 KB of gzip
    accounts.extend(visit.accounts.iter().map(|account| (account.account.clone(), account.label.clone())));
    let ticket = Ticket { accounts, plan, ..Ticket::new(errand.clone(), visit.wanted.clone(), site.now) };
    let page = page::Connect {
        server_name: server.name.clone(),
        server_url: server.url.to_string(),
        occasion: visit.occasion,
        way: way(server, ticket.plan.as_ref()),
        shared: errand.owner == Owner::Gateway,
        client_name: visit.waiting.as_ref().map(|allowed| allowed.client_name.clone()),
        accounts: visit.accounts.clone(),
        account: errand.account.clone(),
        label: visit.label.clone(),
        problem,
        subject_name: identity.name.clone().unwrap_or_else(|| identity.subject.clone()),
        subject_email: identity.email.clone(),
        subject_id: identity.subject.clone(),
        ticket: ticket.seal(site, signed_in),
        action: route::connect_path(server.slug.as_str()),
        sign_out: login::sign_out(&format!("{}?{}", head.url.path(), head.query())),
    };
    let policy = leads_to(site, visit.waiting.as_ref());
    Reply::page(StatusCode::OK, page.render()).with(CONTENT_SECURITY_POLICY, &policy)
}

/// The policy of a page whose form leads over whatever pages the authorization server signs people in at, and may end at the client.
fn leads_to<P: Platform>(site: &Site<'_, P>, waiting: Option<&Allowed>) -> String {
    let mut leads_to = vec!["https:"];
    leads_to.extend(site.origin.is_loopback().then_some("http:"));
    leads_to.extend(waiting.map(|allowed| allowed.request.redirect.as_str()));
    page::security::csp(&leads_to)
}

fn way(server: &Server, plan: Option<&Plan>) -> page::Way {
    let host = server.url.host_str().unwrap_or_default().to_owned();
    if let Auth::Headers(headers) = &server.auth {
        let field = |(name, value): &(String, Value)| match value {
            Value::Person { label } => Some(page::ConnectField { header: name.clone(), label: label.clone() }),
            Value::Literal(_) | Value::Secret(_) => None,
        };
        return page::Way::Headers { host, fields: headers.iter().filter_map(field).collect() };
    }
    let endpoint = plan.and_then(|plan| url::Url::parse(&plan.authorization_endpoint).ok());
    let scope = plan.and_then(|plan| plan.source.scope.as_deref()).unwrap_or_default();
    page::Way::OAuth {
        host: endpoint.and_then(|url| url.host_str().map(ToOwned::to_owned)).unwrap_or(host),
        scopes: scope.split(' ').filter(|scope| !scope.is_empty()).map(ToOwned::to_owned).collect(),
    }
}

fn connected<P: Platform>(site: &Site<'_, P>, errand: &Errand, works: bool) -> Reply<P::Stream> {
    let server = site.config.servers.get(errand.slug.as_str());
    let name = server.map_or(errand.slug.as_str(), |server| server.name.as_str());
    let (happened, todo, link) = match errand.owner {
        Owner::Subject(_) if !works => (
            format!("What you entered is kept. Whether {name} accepts it is not known yet: it could not be tried."),
            "Close this page, go back to your client and repeat what you asked for.",
            Some(page::Link::new("Your connections", Endpoint::Connections.path())),
        ),
        Owner::Subject(_) => (
            format!("{name} is connected with your account."),
            "Close this page, go back to your client and repeat what you asked for.",
            Some(page::Link::new("Your connections", Endpoint::Connections.path())),
        ),
        Owner::Gateway => {
            (format!("{name} is connected for everybody at this gateway."), "You can close this page.", None)
        }
    };
    let notice = page::Notice {
        tone: page::Tone::Success,
        title: if works { format!("{name} is connected") } else { format!("{name} is connected, but not checked") },
        happened,
        todo: todo.to_owned(),
        facts: Vec::new(),
        reason: None,
        slug: Some(errand.slug.clone()),
        request_id: site.request_id.to_owned(),
        link,
    };
    Reply::page(StatusCode::OK, notice.render())
}

fn form_gone() -> Failure {
    Failure::client(
        400,
        "connect_form_gone",
        "This page was open for too long, or belongs to another browser session, or is not for this server any more.",
    )
    .fix("Open it again: from your client, or from your connections.")
}
