//! The connect page: what a server wants of a person is shown to them, and what they were shown is what happens.
//!
//! Not here: who is here for what (`visit`), the way to the authorization server (`trip`) and back
//! (`flow::connect::callback`), what the page says (`page`).

use super::account::connections::LONGEST_NAME;
use super::authorize::pending;
use super::call::refusal;
use super::connection::store;
use super::login::session;
use super::upstream::Wanted;
use super::{Answered, Head, Site, login, read_small, upstream};
use crate::config::{Auth, OAuth, Server};
use crate::ports::Platform;
use crate::upstream::plan::Plan;
use crate::upstream::state::{Back, Errand};
use crate::vault::Purpose;
use crate::web::failure::{Details, Failure};
use crate::web::{csrf, form as query};
use form::{Ticket, form_gone, shown};
use outcome::way_on;
use visit::Visit;

pub mod callback;
pub mod cancelled;
mod entered;
mod form;
pub mod outcome;
pub mod redirect;
mod trial;
mod visit;

const FORM: usize = 32 * 1024;

/// `GET /connect/{slug}`. Where nobody can connect now, a person whose client waits is told on the page itself, and may
/// skip it.
pub async fn show<P: Platform>(site: &Site<'_, P>, head: &Head, slug: &str) -> Answered<P> {
    let server = site.config.servers.get(slug).ok_or_else(|| refusal::no_such_server(slug))?;
    let query = query::parse(head.query().as_bytes()).map_err(|_| visit::link_gone())?;
    let Some(signed_in) = session::current(site, head).await? else {
        return login::begin(site, head, &format!("{}?{}", head.url.path(), head.query())).await;
    };
    let visit = Visit::of(site, server, &query, &signed_in.session.identity.subject).await;
    let visit = visit.map_err(|failure| failure.slug(slug))?;
    let Auth::OAuth(oauth) = &server.auth else {
        return Ok(shown(site, head, server, &signed_in, &visit, None, None));
    };
    match plan(site, server, oauth, &visit.errand, visit.wanted.as_deref()).await {
        Ok(plan) => Ok(shown(site, head, server, &signed_in, &visit, Some(plan), None)),
        Err(failure) if visit.waiting.is_some() => {
            let Details { message, fix, reason, .. } = &*failure;
            let problem = format!("{message} {fix} Reason: {reason}. Request: {}.", site.request_id);
            Ok(shown(site, head, server, &signed_in, &visit, None, Some(problem)).because(reason))
        }
        Err(failure) => Err(failure),
    }
}

/// `POST /connect/{slug}`.
pub async fn answer<P: Platform>(site: &Site<'_, P>, head: &Head, slug: &str, body: P::Stream) -> Answered<P> {
    csrf::require_own_page(site, head)?;
    let server = site.config.servers.get(slug).ok_or_else(|| refusal::no_such_server(slug))?;
    let body = read_small(body, FORM).await?;
    let form = query::parse(&body).map_err(|_| form_gone())?;
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
        (Some("skip"), Back::Client(grant)) => pending::release(site, grant, &signed_in.session, None).await,
        (Some("use"), Back::Client(grant)) => {
            if !pending::is_live(site, server, subject, account).await? {
                return Err(form_gone());
            }
            pending::release(site, grant, &signed_in.session, Some(account)).await
        }
        (Some("connect"), _) => match &server.auth {
            Auth::OAuth(oauth) => {
                let Ticket { errand, wanted, plan: shown, .. } = ticket;
                let plan = match shown {
                    Some(shown) => shown,
                    None => plan(site, server, oauth, &errand, wanted.as_deref()).await?,
                };
                redirect::begin(site, head, server, oauth, &signed_in, errand, plan).await
            }
            Auth::Headers(headers) => entered::answer(site, head, server, &signed_in, headers, ticket, &form).await,
            Auth::None | Auth::ClientCredentials(_) => Err(form_gone()),
        },
        _ => Err(form_gone()),
    };
    answered.map_err(|failure| failure.slug(slug))
}

async fn plan<P: Platform>(
    site: &Site<'_, P>,
    server: &Server,
    oauth: &OAuth,
    errand: &Errand,
    wanted: Option<&str>,
) -> Result<Plan, Failure> {
    let held = match wanted {
        Some(_) => store::read(site, server, &errand.key()).await?.into_scope(),
        None => None,
    };
    let wanted = Wanted { scope: wanted, held: held.as_deref() };
    upstream::plan(site, server, oauth, wanted).await.map_err(|failure| way_on(failure, errand))
}
