//! The consent page of one request, with the request sealed into its form.
//!
//! Not here: whether to ask, and which question (`flow::authorize`), what the page looks like (`page`).

use http::StatusCode;
use http::header::CONTENT_SECURITY_POLICY;

use super::code::{Allowed, ConsentForm};
use crate::config::Question;
use crate::flow::login::session::SignedIn;
use crate::flow::{Head, RequestContext, login};
use crate::oauth::authorize::request::AuthorizationRequest;
use crate::oauth::client::{Client, ClientSource};
use crate::oauth::grant::GrantId;
use crate::oauth::scope::ScopeSet;
use crate::page;
use crate::page::ClientOrigin;
use crate::ports::Platform;
use crate::time::Lifetime;
use crate::vault::Purpose;
use crate::web::reply::Reply;
use crate::web::route::Endpoint;

/// How long the page may stay open.
const TICKET: Lifetime = Lifetime::minutes(10);

/// The page that puts the question.
pub(super) fn page<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    client: &Client,
    request: AuthorizationRequest,
    consent: String,
    signed_in: &SignedIn,
    question: Question,
) -> Reply<P::Stream> {
    let server = context.config.servers.get(request.slug.as_str());
    let identity = &signed_in.session.identity;
    let way_on = request.redirect.as_str().to_owned();
    let mut page = page::Consent {
        brief: question == Question::GoOn,
        client_name: client.label(),
        client_origin: match &client.source {
            ClientSource::Document { host } => ClientOrigin::Document { host: host.clone() },
            ClientSource::Registered => ClientOrigin::Registered,
            ClientSource::Preregistered => ClientOrigin::Preregistered,
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
    let ticket =
        ConsentForm { grant: GrantId::new(context.platform.random()), allowed, consent, expires: context.now + TICKET };
    let browser = signed_in.cookie.digest();
    page.ticket =
        context.keys.seal_json(Purpose::ConsentTicket, &[browser.as_str()], context.platform.random(), &ticket);
    Reply::page(StatusCode::OK, page.render()).with(CONTENT_SECURITY_POLICY, &page::security::csp(&[&way_on]))
}

/// What a scope allows, under "It will be able to".
fn describe(scope: &str) -> &'static str {
    match scope {
        ScopeSet::OFFLINE_ACCESS => "Stay connected while you are away, until you revoke it",
        _ => "List and use the tools, prompts and resources of this server, as you",
    }
}
