//! The answer to the consent page: a form used once, by the browser session it was shown to.
//!
//! Not here: what the page says (`page`), making the grant (`flow::authorize`).

use super::code::{ConsentForm, no_pending_authorization};
use super::pending;
use crate::authorization_log::{AuthorizationStep, EntryKind, operation};
use crate::config::ConsentPolicy;
use crate::flow::login::session;
use crate::flow::{Answered, Head, RequestContext, read_small};
use crate::oauth::authorize::error::RedirectError;
use crate::oauth::error::ErrorCode;
use crate::oauth::{grant, subject};
use crate::page;
use crate::ports::{Platform, Unavailable};
use crate::vault::Purpose;
use crate::web::failure::Failure;
use crate::web::reply::Reply;
use crate::web::{csrf, form};

const FORM: usize = 32 * 1024;

/// `POST /oauth/consent`.
pub async fn answer<P: Platform>(context: &RequestContext<'_, P>, head: &Head, body: P::Stream) -> Answered<P> {
    context.record.kind(EntryKind::Consent);
    context.record.step(AuthorizationStep::Request);
    csrf::require_own_page(context, head)?;
    let body = read_small(body, FORM).await?;
    let form = form::parse(&body).map_err(|_| no_pending_authorization())?;
    let field = |name: &str| form.one(name).ok().flatten();
    context.record.step(AuthorizationStep::SignIn);
    let signed_in = session::current(context, head).await?.ok_or_else(no_pending_authorization)?;
    context.record.step(AuthorizationStep::Consent);
    let sealed = field("ticket").ok_or_else(no_pending_authorization)?;
    let browser = signed_in.cookie.digest();
    let mut ticket: ConsentForm = context
        .keys
        .open_json(Purpose::ConsentTicket, &[browser.as_str()], sealed)
        .map_err(|_| no_pending_authorization())?;
    if ticket.expires.reached(context.now) {
        return Err(no_pending_authorization());
    }
    let request = &ticket.allowed.request;
    context.record.client(&request.client_id);
    context.record.server(&request.slug);
    context.record.operation(operation(&request.client_id, request.challenge.as_str()));
    context.record.scopes(&request.scope.to_string());
    let subject = &signed_in.session.identity.subject;
    if field("decision") != Some("approve") {
        return deny(context, ticket).await;
    }
    ticket.narrow(|scope| field(&page::choice(scope)).is_some());
    context.record.outcome("given");
    context.record.scopes(&ticket.allowed.request.scope.to_string());
    let remembered = subject::Command::Remember {
        consent: ticket.consent.clone(),
        at: context.now,
        client_id: Some(ticket.allowed.request.client_id.clone()),
    };
    let reply = pending::conclude(context, &ticket.grant, ticket.allowed, &signed_in.session).await?;
    if context.config.consent != ConsentPolicy::Always {
        // The form is used up, so its answer must arrive; a consent that could not be remembered is asked for again.
        let _ = context.platform.account(subject, remembered).await;
    }
    Ok(reply)
}

async fn deny<P: Platform>(context: &RequestContext<'_, P>, ticket: ConsentForm) -> Answered<P> {
    let command = grant::Command::Refuse { until: ticket.expires };
    match context.platform.grant(&ticket.grant, command).await.map_err(|Unavailable| Failure::storage())? {
        grant::Outcome::Refused => {
            context.record.refused(ErrorCode::AccessDenied.as_str());
            let error = RedirectError::new(ErrorCode::AccessDenied, "The person at the browser refused access.");
            Ok(Reply::see_other(&ticket.allowed.request.error_location(context.origin.as_str(), &error)))
        }
        _ => Err(no_pending_authorization()),
    }
}
