//! The consent page of one request, with the request sealed into its form.
//!
//! Not here: whether to ask, and which question (`flow::authorize`), what the page looks like (`page`).

use http::StatusCode;

use super::code::{Allowed, ConsentForm, ScopeChoice};
use crate::config::{Config, Question, Server};
use crate::flow::connection::catalogue;
use crate::flow::login::session::SignedIn;
use crate::flow::{Head, RequestContext, login};
use crate::headers::CONTENT_SECURITY_POLICY;
use crate::mcp::rewrite::list::List;
use crate::oauth::authorize::request::AuthorizationRequest;
use crate::oauth::client::{Client, ClientSource};
use crate::oauth::grant::GrantId;
use crate::oauth::scope::ScopeSet;
use crate::page;
use crate::page::ClientOrigin;
use crate::policy::CapabilityKind;
use crate::ports::Platform;
use crate::time::Lifetime;
use crate::vault::Purpose;
use crate::web::reply::Reply;
use crate::web::route::Endpoint;

/// How long the page may stay open.
const TICKET: Lifetime = Lifetime::minutes(10);
/// How many names people are shown of what patterns mean; of more they are shown the patterns alone.
const MOST_NAMES: usize = 40;

/// The page that puts the question.
pub(super) async fn page<P: Platform>(
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
    let optional = match question {
        Question::Allow => context.config.scopes.optional(&request.scope, ScopeSet::TOOLS),
        Question::GoOn | Question::Nothing => ScopeSet::default(),
    };
    let listed = listed(context, server, &request.scope, &identity.subject).await;
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
        scopes: lines(&context.config, server, &request.scope, &optional, &listed),
        subject_name: identity.name.clone().unwrap_or_else(|| identity.subject.clone()),
        subject_email: identity.email.clone(),
        subject_id: identity.subject.clone(),
        ticket: String::new(),
        action: Endpoint::Consent.path().to_owned(),
        sign_out: login::sign_out(&format!("{}?{}", head.url.path(), head.query())),
    };
    let ticket = ConsentForm {
        grant: GrantId::new(context.platform.random()),
        allowed: Allowed { request, client_name: client.label() },
        consent,
        choice: (!optional.is_empty()).then(|| ScopeChoice { optional, fingerprint: client.fingerprint() }),
        expires: context.now + TICKET,
    };
    let browser = signed_in.cookie.digest();
    page.ticket =
        context.keys.seal_json(Purpose::ConsentTicket, &[browser.as_str()], context.platform.random(), &ticket);
    Reply::page(StatusCode::OK, page.render()).with(CONTENT_SECURITY_POLICY, &page::security::csp(&[&way_on]))
}

/// Of each kind what a server last listed, to this person or to everybody. Where no rule asks for a scope, nobody
/// looks.
type Listed = Vec<(CapabilityKind, Vec<String>)>;

async fn listed<P: Platform>(
    context: &RequestContext<'_, P>,
    server: Option<&Server>,
    asked: &ScopeSet,
    subject: &str,
) -> Listed {
    let allowed = context.config.scopes.closure(asked);
    let mut listed = Vec::new();
    for (server, list) in server.into_iter().flat_map(|server| List::ALL.map(|list| (server, list))) {
        let kind = catalogue::kind(list);
        let names = if server.policy.entries_needing(kind, &allowed).is_empty() {
            None
        } else {
            let key = catalogue::key_of(server, Some(subject));
            catalogue::names(context.platform, &context.keys, &key, list).await
        };
        listed.push((kind, names.unwrap_or_default()));
    }
    listed
}

/// What must be allowed comes first, and how long it is for last.
fn lines(
    config: &Config,
    server: Option<&Server>,
    asked: &ScopeSet,
    optional: &ScopeSet,
    listed: &Listed,
) -> Vec<page::ScopeLine> {
    let mut scopes: Vec<_> = asked.iter().collect();
    scopes.sort_by_key(|scope| (optional.contains(scope), *scope == ScopeSet::OFFLINE_ACCESS));
    scopes.into_iter().map(|scope| line(config, server, scope, optional, listed)).collect()
}

/// What a scope allows at a server, and whether it is a choice.
fn line(
    config: &Config,
    server: Option<&Server>,
    scope: &str,
    optional: &ScopeSet,
    listed: &Listed,
) -> page::ScopeLine {
    let policy = server.map(|server| &server.policy);
    let needs_more = policy.is_some_and(|policy| !policy.scopes().is_empty());
    let what = match scope {
        ScopeSet::OFFLINE_ACCESS => "Stay connected while you are away, until you revoke it",
        ScopeSet::TOOLS if needs_more => {
            "List the tools, prompts and resources of this server, and use those that need nothing more, as you"
        }
        ScopeSet::TOOLS => "List and use the tools, prompts and resources of this server, as you",
        own => own,
    };
    let allowed = config.scopes.closure(&ScopeSet::of(&[scope]));
    let uses = listed.iter().filter_map(|(kind, listed)| {
        let mut names = policy.map(|policy| policy.entries_needing(*kind, &allowed)).unwrap_or_default();
        // What a pattern means today follows; it stays, as it means more tomorrow.
        let known = policy.map(|policy| policy.names_needing(*kind, &allowed, listed)).unwrap_or_default();
        let known: Vec<_> = known.into_iter().filter(|name| !names.contains(name)).collect();
        if known.len() <= MOST_NAMES {
            names.extend(known);
        }
        let names: Vec<_> = names.into_iter().map(str::to_owned).collect();
        (!names.is_empty()).then_some(page::ScopeUse { kind: kind.plural(), names })
    });
    page::ScopeLine {
        name: scope.to_owned(),
        what: config.scopes.title(scope).unwrap_or(what).to_owned(),
        uses: uses.collect(),
        optional: optional.contains(scope),
    }
}
