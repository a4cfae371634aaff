//! What a person has connected and whom they allowed, on one page, each with a way to end it.
//!
//! Not here: connecting (`flow::connect`), ending everything of a subject at the operator's wish.

use crate::authorization_log::{AuthorizationStep, EntryKind};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{agents, keys};
use crate::config::Server;
use crate::flow::connection::store;
use crate::flow::holdings::{Holdings, server_name};
use crate::flow::login::session;
use crate::flow::login::session::SignedIn;
use crate::flow::{Answered, Head, LONGEST_NAME, RequestContext, holdings, login, read_small};
use crate::oauth::subject;
use crate::oauth::subject::{ConnectedAccount, Profile};
use crate::page;
use crate::page::AccountStanding;
use crate::ports::{Platform, Unavailable};
use crate::time::{Lifetime, Timestamp};
use crate::upstream::key::{ConnectionKey, Owner};
use crate::vault::Purpose;
use crate::version::V1;
use crate::web::failure::Failure;
use crate::web::form::Form;
use crate::web::reply::Reply;
use crate::web::route::Endpoint;
use crate::web::{csrf, form, route};

/// With public keys, whose characters a form may write as three.
const FORM: usize = 32 * 1024;

/// How long the page may stay open.
const TOKEN: Lifetime = Lifetime::hours(1);

/// What proves that a form is one of this page in this browser session. Sealed, because nothing else of the form is.
#[derive(Serialize, Deserialize)]
struct FormToken {
    v: V1,
    expires: Timestamp,
}

/// `GET /connections`.
pub async fn show<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Answered<P> {
    let Some(signed_in) = session::current(context, head).await? else {
        return login::begin(context, head, Endpoint::Connections.path()).await;
    };
    let news = form::parse(head.query().as_bytes()).ok().and_then(|query| news(context, &query));
    page(context, &signed_in, news, None).await
}

/// The page, with an API key that was just made on the one occasion that it is shown.
async fn page<P: Platform>(
    context: &RequestContext<'_, P>,
    signed_in: &SignedIn,
    news: Option<String>,
    made: Option<page::MadeKey>,
) -> Answered<P> {
    let listed = holdings::of(context, &signed_in.session.identity.subject).await?;
    let servers = servers(context, &signed_in.session.identity.subject, &listed).await?;
    let token = FormToken { v: V1, expires: context.now + TOKEN };
    let place = signed_in.cookie.digest();
    let identity = &signed_in.session.identity;
    let page = page::Connections {
        signed_in: identity.name.clone().unwrap_or_else(|| identity.subject.clone()),
        subject_id: identity.subject.clone(),
        news,
        made,
        servers,
        clients: clients(context, &listed),
        keys: keys::card(context, &listed.keys),
        agents: agents::card(context, &listed.agents),
        roles: roles(context, listed.profile),
        form: context.keys.seal_json(Purpose::ConnectionsForm, &[place.as_str()], context.platform.random(), &token),
        action: Endpoint::Connections.path().to_owned(),
        sign_out: Endpoint::Logout.path().to_owned(),
        index: Endpoint::Index.path().to_owned(),
    };
    Ok(Reply::page(StatusCode::OK, page.render()))
}

/// `POST /connections`: ends or names one connection, ends everything of one client, makes or ends an API key, or
/// names, changes or ends an agent. What is not there any more is as good as ended.
pub async fn answer<P: Platform>(context: &RequestContext<'_, P>, head: &Head, body: P::Stream) -> Answered<P> {
    csrf::require_own_page(context, head)?;
    let body = read_small(body, FORM).await?;
    let form = form::parse_texts(&body).map_err(|_| form_gone())?;
    let field = |name| form.one(name).ok().flatten().filter(|text| !text.contains(char::is_control));
    let signed_in = session::current(context, head).await?.ok_or_else(form_gone)?;
    require_token(context, &signed_in, field("form").unwrap_or_default())?;
    let subject = &signed_in.session.identity.subject;
    let listed = holdings::of(context, subject).await?;
    match (field("action"), field("slug"), field("account"), field("grant")) {
        (Some("disconnect"), Some(slug), Some(account), _) => {
            context.record.kind(EntryKind::Connection);
            context.record.server(slug);
            context.record.step(AuthorizationStep::Connection);
            context.record.outcome("disconnected");
            if listed.accounts.iter().any(|known| known.slug == slug && known.account == account) {
                store::drop(context, &ConnectionKey::new(Owner::Subject(subject.clone()), slug, account)).await?;
            }
            Ok(back("disconnected", slug))
        }
        (Some("rename"), Some(slug), Some(account), _) => {
            let label = field("label").unwrap_or_default().trim().chars().take(LONGEST_NAME).collect();
            name(context, subject, slug, account, label).await?;
            Ok(back("renamed", slug))
        }
        (Some("revoke"), _, _, Some(grant)) => {
            context.record.kind(EntryKind::Revocation);
            context.record.step(AuthorizationStep::Revocation);
            let client = listed.grants.iter().find(|known| known.grant.as_str() == grant);
            if let Some(client) = client {
                context.record.client(&client.client_id);
                holdings::revoke_client(context, subject, &client.client_id, &listed).await?;
            }
            Ok(back("revoked", "client"))
        }
        (Some("make_key"), ..) => {
            let made = keys::make(context, &signed_in, &form).await?;
            page(context, &signed_in, None, Some(made)).await
        }
        (Some("revoke_key"), ..) => {
            keys::revoke(context, subject, &listed.keys, field("key").unwrap_or_default()).await?;
            Ok(back("revoked", "key"))
        }
        (Some("name_agent"), ..) => {
            agents::name(context, &signed_in, &form).await?;
            Ok(back("agent", "named"))
        }
        (Some("lend"), ..) => {
            agents::lend(context, subject, &listed.agents, &form).await?;
            Ok(back("agent", "changed"))
        }
        (Some("end_agent"), ..) => {
            agents::end(context, subject, &listed.agents, &form).await?;
            Ok(back("agent", "ended"))
        }
        _ => Err(form_gone()),
    }
}

/// Gives an account another name. One that is not listed has none to change.
async fn name<P: Platform>(
    context: &RequestContext<'_, P>,
    person: &str,
    slug: &str,
    account: &str,
    label: String,
) -> Result<(), Failure> {
    let (slug, account) = (slug.to_owned(), account.to_owned());
    let named = subject::Command::NameConnection { slug, account, label };
    context.platform.account(person, named).await.map_err(|Unavailable| Failure::storage())?;
    Ok(())
}

fn require_token<P>(context: &RequestContext<'_, P>, signed_in: &SignedIn, sealed: &str) -> Result<(), Failure> {
    let place = signed_in.cookie.digest();
    let token = context.keys.open_json(Purpose::ConnectionsForm, &[place.as_str()], sealed);
    let good = token.is_ok_and(|token: FormToken| !token.expires.reached(context.now));
    if good { Ok(()) } else { Err(form_gone()) }
}

/// The servers that take accounts, and those where the person still has one although they do not any more.
async fn servers<P: Platform>(
    context: &RequestContext<'_, P>,
    subject: &str,
    listed: &Holdings,
) -> Result<Vec<page::ConnectedServer>, Failure> {
    let mut shown = Vec::new();
    for server in context.config.servers.values().filter(|server| server.is_personal()) {
        let slug = server.slug.as_str();
        let path = route::connect_path(slug);
        let mut accounts = Vec::new();
        for known in listed.accounts.iter().filter(|known| known.slug == slug) {
            accounts.push(account(context, server, subject, known).await?);
        }
        shown.push(page::ConnectedServer {
            slug: slug.to_owned(),
            name: server.name.clone(),
            detail: server.description.clone().or_else(|| server.url.host_str().map(ToOwned::to_owned)),
            connect: Some(if accounts.is_empty() { path } else { format!("{path}?account=new") }),
            accounts,
        });
    }
    let taken = |slug: &str| context.config.servers.get(slug).is_some_and(Server::is_personal);
    for known in listed.accounts.iter().filter(|known| !taken(&known.slug)) {
        let name = context.config.servers.get(known.slug.as_str()).map_or(&known.slug, |server| &server.name);
        let orphan = page::ConnectedServer {
            slug: known.slug.clone(),
            name: name.clone(),
            detail: None,
            accounts: vec![shown_account(known, AccountStanding::ServerGone, None, None)],
            connect: None,
        };
        shown.push(orphan);
    }
    Ok(shown)
}

async fn account<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    subject: &str,
    known: &ConnectedAccount,
) -> Result<page::AccountEntry, Failure> {
    let (standing, scope) = holdings::standing(context, subject, known).await?;
    let reconnect = format!("{}?account={}", route::connect_path(server.slug.as_str()), known.account);
    Ok(shown_account(known, standing, scope, Some(reconnect)))
}

fn shown_account(
    known: &ConnectedAccount,
    standing: AccountStanding,
    scope: Option<String>,
    reconnect: Option<String>,
) -> page::AccountEntry {
    let scopes = scope.unwrap_or_default();
    page::AccountEntry {
        account: known.account.clone(),
        label: known.label.clone(),
        upstream_name: known.upstream_name.clone(),
        since: known.at,
        scopes: scopes.split(' ').filter(|scope| !scope.is_empty()).map(ToOwned::to_owned).collect(),
        standing,
        reconnect,
    }
}

/// One line for each client, whatever it was allowed and however often.
fn clients<P>(context: &RequestContext<'_, P>, listed: &Holdings) -> Vec<page::ClientEntry> {
    let mut shown: Vec<(&str, page::ClientEntry)> = Vec::new();
    for known in &listed.grants {
        let usage = page::Usage { server_name: server_name(context, &known.slug), account: listed.account_name(known) };
        match shown.iter_mut().find(|(client_id, _)| *client_id == known.client_id) {
            Some((_, client)) if client.uses.contains(&usage) => {}
            Some((_, client)) => client.uses.push(usage),
            None => shown.push((
                &known.client_id,
                page::ClientEntry {
                    grant: known.grant.to_string(),
                    name: known.client_name.clone(),
                    uses: vec![usage],
                    since: known.at,
                },
            )),
        }
    }
    shown.into_iter().map(|(_, client)| client).collect()
}

/// The roles of the last sign-in that tools ask for; nothing where none asks for any.
fn roles<P>(context: &RequestContext<'_, P>, noted: Option<Profile>) -> Option<page::RolesEntry> {
    let asked_for = context.config.roles_of_rules();
    if asked_for.is_empty() {
        return None;
    }
    let Some(Profile { mut roles, incomplete, at, .. }) = noted else {
        return Some(page::RolesEntry { roles: Vec::new(), incomplete: false, at: None });
    };
    roles.retain(|role| asked_for.contains(role.as_str()));
    Some(page::RolesEntry { roles, incomplete, at: Some(at) })
}

/// What has just been done, as the address says it: nothing but which server comes from there.
fn news<P>(context: &RequestContext<'_, P>, query: &Form) -> Option<String> {
    let field = |name| query.one(name).ok().flatten();
    let server = |slug: &str| context.config.servers.get(slug).map(|server| server.name.clone());
    if let Some(name) = field("connected").and_then(server) {
        return Some(format!("{name} is connected."));
    }
    if let Some(name) = field("kept").and_then(server) {
        return Some(format!("What you entered for {name} is kept. It could not be tried."));
    }
    if let Some(name) = field("renamed").and_then(server) {
        return Some(format!("Your account at {name} has its new name."));
    }
    if let Some(name) = field("disconnected").and_then(server) {
        return Some(format!("{name} is disconnected. Clients lose it within about a minute."));
    }
    let of_agent = field("agent").and_then(|what| match what {
        "named" => Some("The agent is named. Give whoever runs it the id that is shown below."),
        "changed" => Some("The agent uses your accounts as you said. Tokens that it had end within about a minute."),
        "ended" => Some("The agent is ended. What it had stops working within about a minute."),
        _ => None,
    });
    if let Some(told) = of_agent {
        return Some(told.to_owned());
    }
    let ended = match field("revoked")? {
        "key" => "The API key is revoked. It stops working within about a minute.",
        _ => "The client may not act for you any more. It loses its access within about a minute.",
    };
    Some(ended.to_owned())
}

fn back<S>(what: &str, name: &str) -> Reply<S> {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair(what, name).finish();
    Reply::see_other(&format!("{}?{query}", Endpoint::Connections.path()))
}

fn form_gone() -> Failure {
    Failure::client(
        400,
        "connections_form_gone",
        "This page was open for too long, or belongs to another browser session.",
    )
    .fix("Open your connections again.")
    .way_on("Your connections", Endpoint::Connections.path())
}
