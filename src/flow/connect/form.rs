//! The connect page and what its form carries.
//!
//! Not here: who is here for what (`request`), what becomes of an answer (`flow::connect`), what the page says
//! (`page`).

use std::collections::BTreeMap;

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::request::ConnectRequest;
use crate::config::{Auth, Server, Value};
use crate::flow::authorize::code::Allowed;
use crate::flow::login::session::SignedIn;
use crate::flow::{Head, RequestContext, login};
use crate::headers::CONTENT_SECURITY_POLICY;
use crate::page;
use crate::ports::Platform;
use crate::time::{Lifetime, Timestamp};
use crate::upstream::key::Owner;
use crate::upstream::plan::Plan;
use crate::upstream::state::ConnectIntent;
use crate::vault::Purpose;
use crate::version::V1;
use crate::web::failure::Failure;
use crate::web::reply::Reply;
use crate::web::route;

/// How long the page may stay open.
const TICKET: Lifetime = Lifetime::minutes(30);

/// What the page's form carries, sealed and bound to the browser session.
#[derive(Serialize, Deserialize)]
pub(super) struct ConnectForm {
    v: V1,
    #[serde(rename = "errand")]
    pub(super) intent: ConnectIntent,
    /// The accounts that may be chosen or connected again instead of the errand's, and what the person calls them.
    pub(super) accounts: BTreeMap<String, String>,
    /// What a call was refused for lack of.
    pub(super) wanted: Option<String>,
    /// Where connecting leads, if that was asked for already.
    pub(super) plan: Option<Plan>,
    pub(super) expires: Timestamp,
}

impl ConnectForm {
    /// For one account, with no plan yet.
    pub(super) fn new(intent: ConnectIntent, wanted: Option<String>, now: Timestamp) -> Self {
        Self { v: V1, intent, accounts: BTreeMap::new(), wanted, plan: None, expires: now + TICKET }
    }

    /// As a page carries it, good in this browser's session.
    pub(super) fn seal<P: Platform>(&self, context: &RequestContext<'_, P>, signed_in: &SignedIn) -> String {
        let browser = signed_in.cookie.digest();
        context.keys.seal_json(Purpose::ConnectTicket, &[browser.as_str()], context.platform.random(), self)
    }
}

/// The page for a visit.
pub(super) fn shown<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    server: &Server,
    signed_in: &SignedIn,
    request: &ConnectRequest,
    plan: Option<Plan>,
    problem: Option<String>,
) -> Reply<P::Stream> {
    let identity = &signed_in.session.identity;
    let intent = &request.intent;
    let mut accounts = BTreeMap::new(); // to collect would be to sort: for each type code of its own, 3 KB of gzip
    accounts.extend(request.accounts.iter().map(|account| (account.account.clone(), account.label.clone())));
    let ticket =
        ConnectForm { accounts, plan, ..ConnectForm::new(intent.clone(), request.wanted.clone(), context.now) };
    let page = page::Connect {
        server_name: server.name.clone(),
        server_url: server.url.to_string(),
        occasion: request.occasion,
        way: way(server, ticket.plan.as_ref()),
        shared: intent.owner == Owner::Gateway,
        client_name: request.waiting.as_ref().map(|allowed| allowed.client_name.clone()),
        accounts: request.accounts.clone(),
        account: intent.account.clone(),
        label: request.label.clone(),
        problem,
        subject_name: identity.name.clone().unwrap_or_else(|| identity.subject.clone()),
        subject_email: identity.email.clone(),
        subject_id: identity.subject.clone(),
        ticket: ticket.seal(context, signed_in),
        action: route::connect_path(server.slug.as_str()),
        sign_out: login::sign_out(&format!("{}?{}", head.url.path(), head.query())),
    };
    let policy = leads_to(context, request.waiting.as_ref());
    Reply::page(StatusCode::OK, page.render()).with(CONTENT_SECURITY_POLICY, &policy)
}

/// The policy of a page whose form leads over whatever pages the authorization server signs people in at, and may end
/// at the client.
pub(super) fn leads_to<P: Platform>(context: &RequestContext<'_, P>, waiting: Option<&Allowed>) -> String {
    let mut leads_to = vec!["https:"];
    leads_to.extend(context.origin.is_loopback().then_some("http:"));
    leads_to.extend(waiting.map(|allowed| allowed.request.redirect.as_str()));
    page::security::csp(&leads_to)
}

pub(super) fn way(server: &Server, plan: Option<&Plan>) -> page::ConnectWay {
    let host = server.url.host_str().unwrap_or_default().to_owned();
    if let Auth::Headers(headers) = &server.auth {
        let field = |(name, value): &(String, Value)| match value {
            Value::Person { label } => Some(page::ConnectField { header: name.clone(), label: label.clone() }),
            Value::Literal(_) | Value::Secret(_) => None,
        };
        return page::ConnectWay::Headers { host, fields: headers.iter().filter_map(field).collect() };
    }
    let endpoint = plan.and_then(|plan| url::Url::parse(&plan.authorization_endpoint).ok());
    let scope = plan.and_then(|plan| plan.source.scope.as_deref()).unwrap_or_default();
    page::ConnectWay::OAuth {
        host: endpoint.and_then(|url| url.host_str().map(ToOwned::to_owned)).unwrap_or(host),
        scopes: scope.split(' ').filter(|scope| !scope.is_empty()).map(ToOwned::to_owned).collect(),
    }
}

pub(super) fn form_gone() -> Failure {
    Failure::client(
        400,
        "connect_form_gone",
        "This page was open for too long, or belongs to another browser session, or is not for this server any more.",
    )
    .fix("Open it again: from your client, or from your connections.")
}
