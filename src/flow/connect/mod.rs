//! The connect page: what a server wants of a person is shown to them, and what they were shown is what happens.
//!
//! Not here: who is here for what (`request`), the way to the authorization server (`trip`) and back
//! (`flow::connect::callback`), what the page says (`page`).

use super::authorize::pending;
use super::call::refusal;
use super::connection::store;
use super::login::session;
use super::upstream::Wanted;
use super::{Answered, Head, LONGEST_NAME, RequestContext, login, read_small, upstream};
use crate::authorization_log::{AuthorizationStep, EntryKind};
use crate::config::{Auth, OAuth, Server};
use crate::ports::Platform;
use crate::upstream::plan::Plan;
use crate::upstream::state::{Back, ConnectIntent};
use crate::vault::Purpose;
use crate::web::failure::{Details, Failure};
use crate::web::{csrf, form as query};
use form::{ConnectForm, form_gone, shown};
use outcome::way_on;
use request::ConnectRequest;

pub mod callback;
pub mod cancelled;
mod entered;
mod form;
pub mod outcome;
pub mod redirect;
mod request;
mod trial;

const FORM: usize = 32 * 1024;

/// `GET /connect/{slug}`. Where nobody can connect now, a person whose client waits is told on the page itself, and may
/// skip it.
pub async fn show<P: Platform>(context: &RequestContext<'_, P>, head: &Head, slug: &str) -> Answered<P> {
    let server = context.config.servers.get(slug).ok_or_else(|| refusal::no_such_server(slug))?;
    let query = query::parse(head.query().as_bytes()).map_err(|_| request::link_gone())?;
    let Some(signed_in) = session::current(context, head).await? else {
        return login::begin(context, head, &format!("{}?{}", head.url.path(), head.query())).await;
    };
    let request = ConnectRequest::of(context, server, &query, &signed_in.session.identity.subject).await;
    let request = request.map_err(|failure| failure.slug(slug))?;
    let Auth::OAuth(oauth) = &server.auth else {
        return Ok(shown(context, head, server, &signed_in, &request, None, None));
    };
    match plan(context, server, oauth, &request.intent, request.wanted.as_deref()).await {
        Ok(plan) => Ok(shown(context, head, server, &signed_in, &request, Some(plan), None)),
        Err(failure) if request.waiting.is_some() => {
            let Details { message, fix, reason, .. } = &*failure;
            let problem = format!("{message} {fix} Reason: {reason}. Request: {}.", context.request_id());
            Ok(shown(context, head, server, &signed_in, &request, None, Some(problem)).log_reason(reason))
        }
        Err(failure) => Err(failure),
    }
}

/// `POST /connect/{slug}`.
pub async fn answer<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    slug: &str,
    body: P::Stream,
) -> Answered<P> {
    context.record.kind(EntryKind::Connection);
    context.record.server(slug);
    context.record.step(AuthorizationStep::Connection);
    csrf::require_own_page(context, head)?;
    let server = context.config.servers.get(slug).ok_or_else(|| refusal::no_such_server(slug))?;
    let body = read_small(body, FORM).await?;
    let form = query::parse(&body).map_err(|_| form_gone())?;
    let field = |name| form.one(name).ok().flatten();
    let signed_in = session::current(context, head).await?.ok_or_else(form_gone)?;
    let subject = &signed_in.session.identity.subject;
    let mut ticket: ConnectForm = context
        .keys
        .open_json(Purpose::ConnectTicket, &[signed_in.cookie.digest().as_str()], field("ticket").unwrap_or_default())
        .map_err(|_| form_gone())?;
    let account = field("account").unwrap_or_default();
    let known = ticket.accounts.get(account);
    if ticket.expires.reached(context.now)
        || ticket.intent.slug != slug
        || (known.is_none() && account != ticket.intent.account)
    {
        return Err(form_gone());
    }
    if let Some(label) = known {
        account.clone_into(&mut ticket.intent.account);
        ticket.intent.label = Some(label.clone()).filter(|label| !label.is_empty());
    }
    if let Some(label) = field("label").map(str::trim).filter(|label| !label.is_empty()) {
        ticket.intent.label = Some(label.chars().take(LONGEST_NAME).collect());
    }
    let answered = match (field("decision"), &ticket.intent.back) {
        (Some("skip"), Back::Client(grant)) => {
            context.record.outcome("skipped");
            pending::release(context, grant, &signed_in.session, None).await
        }
        (Some("use"), Back::Client(grant)) => {
            if !pending::is_live(context, server, subject, account).await? {
                return Err(form_gone());
            }
            pending::release(context, grant, &signed_in.session, Some(account)).await
        }
        (Some("connect"), _) => match &server.auth {
            Auth::OAuth(oauth) => {
                let ConnectForm { intent, wanted, plan: shown, .. } = ticket;
                let plan = match shown {
                    Some(shown) => shown,
                    None => plan(context, server, oauth, &intent, wanted.as_deref()).await?,
                };
                redirect::begin(context, head, server, oauth, &signed_in, intent, plan).await
            }
            Auth::Headers(headers) => entered::answer(context, head, server, &signed_in, headers, ticket, &form).await,
            Auth::None | Auth::ClientCredentials(_) => Err(form_gone()),
        },
        _ => Err(form_gone()),
    };
    answered.map_err(|failure| failure.slug(slug))
}

async fn plan<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    oauth: &OAuth,
    intent: &ConnectIntent,
    wanted: Option<&str>,
) -> Result<Plan, Failure> {
    let held = match wanted {
        Some(_) => store::read(context, server, &intent.key()).await?.into_scope(),
        None => None,
    };
    let wanted = Wanted { scope: wanted, held: held.as_deref() };
    upstream::plan(context, server, oauth, wanted).await.map_err(|failure| way_on(failure, intent))
}
