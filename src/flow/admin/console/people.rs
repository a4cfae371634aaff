//! The console's people, as pages and as JSON: finding one, and what they have here.
//!
//! Not here: ending any of it (`revoking`), and finding people for programs by address alone (`flow::admin::people`).

use http::StatusCode;
use serde_json::{Value, json};

use super::form::address;
use super::frame::{enter, frame};
use crate::flow::admin::{keys, operator};
use crate::flow::holdings::{Holdings, server_name};
use crate::flow::login::person;
use crate::flow::login::session::SignedIn;
use crate::flow::{Answered, Head, RequestContext, holdings, profile};
use crate::login::person::Person;
use crate::oauth::agent::SponsoredAgent;
use crate::oauth::subject::{AllowedClient, ConnectedAccount, ListedKey, Profile};
use crate::page;
use crate::page::{AllowedEntry, ConnectedEntry, FoundPerson, HeldKey, PersonFacts, account_title};
use crate::ports::{Platform, Unavailable};
use crate::web::failure::Failure;
use crate::web::form;
use crate::web::form::Form;
use crate::web::reply::Reply;
use crate::web::route::Endpoint;

/// The longest id of a person that is looked for.
const LONGEST: usize = 2 * 1024;

/// `GET /admin/people` as a page: the search, with `q` what it finds, with `subject` one person.
pub async fn show<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Answered<P> {
    let signed_in = match enter(context, head).await {
        Ok(signed_in) => signed_in,
        Err(elsewhere) => return elsewhere,
    };
    let query = form::parse(head.query().as_bytes()).ok();
    if let Some(subject) = asked(query.as_ref(), "subject") {
        return show_one(context, &signed_in, subject, news(query.as_ref())).await;
    }
    let asked = asked(query.as_ref(), "q");
    let (found, incomplete) = match asked {
        Some(asked) => {
            let (found, incomplete) = find(context, asked).await?;
            (Some(found), incomplete)
        }
        None => (None, false),
    };
    let page = page::PeoplePage {
        frame: frame(context, &signed_in, Endpoint::AdminPeople, None),
        asked: asked.unwrap_or_default().to_owned(),
        found,
        incomplete,
    };
    Ok(Reply::page(StatusCode::OK, page.render()))
}

/// `GET /admin/people?subject=` as JSON: what one person has here.
pub async fn tell<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Answered<P> {
    operator::reads(context, head).await?;
    let query = form::parse(head.query().as_bytes()).ok();
    let subject = asked(query.as_ref(), "subject").ok_or_else(subject_missing)?;
    let holdings = holdings::of(context, subject).await?;
    let mut accounts: Vec<Value> = Vec::new();
    for known in &holdings.accounts {
        let (standing, scope) = holdings::standing(context, subject, known).await?;
        accounts.push(json!({
            "server": known.slug, "account": known.account, "label": known.label, "upstream_name": known.upstream_name,
            "standing": standing.code(), "scope": scope, "at": known.at,
        }));
    }
    let mut clients: Vec<Value> = Vec::new();
    for known in &holdings.grants {
        clients.push(json!({
            "client_id": known.client_id, "client_name": known.client_name, "server": known.slug,
            "account": known.account, "scopes": holdings::scopes(context, known).await, "at": known.at,
            "until": known.until,
        }));
    }
    let told = json!({
        "subject": subject, "known": holdings.known, "profile": holdings.profile,
        "clients": clients, "accounts": accounts, "keys": holdings.keys.iter().map(keys::shown).collect::<Vec<_>>(),
        "agents": holdings.agents.iter().map(agent).collect::<Vec<_>>(),
    });
    Ok(Reply::json(StatusCode::OK, &told))
}

async fn show_one<P: Platform>(
    context: &RequestContext<'_, P>,
    signed_in: &SignedIn,
    subject: &str,
    news: Option<String>,
) -> Answered<P> {
    let holdings = holdings::of(context, subject).await?;
    let mut accounts = Vec::new();
    for known in &holdings.accounts {
        accounts.push(account(context, subject, known).await?);
    }
    let mut clients = Vec::new();
    for known in &holdings.grants {
        clients.push(allowed(context, &holdings, known).await);
    }
    let page = page::PersonPage {
        frame: frame(context, signed_in, Endpoint::AdminPeople, news),
        subject: subject.to_owned(),
        known: holdings.known || holdings.profile.is_some(),
        facts: holdings.profile.as_ref().map(facts),
        clients,
        accounts,
        keys: holdings.keys.iter().map(|key| held(context, key)).collect(),
        agents: holdings.agents.iter().map(|agent| holdings::agent(context, agent)).collect(),
    };
    Ok(Reply::page(StatusCode::OK, page.render()))
}

/// Everybody of an address, and whoever has that very id.
async fn find<P: Platform>(context: &RequestContext<'_, P>, asked: &str) -> Result<(Vec<FoundPerson>, bool), Failure> {
    let by_address = if asked.len() <= person::LONGEST { person::read(context, asked).await } else { Ok(None) };
    let by_address = by_address.map_err(|Unavailable| Failure::storage())?;
    let (known, incomplete) =
        by_address.map(|Person { subjects, dropped, .. }| (subjects, dropped)).unwrap_or_default();
    let link = |subject: &str| address(Endpoint::AdminPeople, &[("subject", subject)]);
    let found = |known: crate::login::person::KnownPerson| FoundPerson {
        link: link(&known.subject),
        subject: known.subject,
        name: known.name,
        at: Some(known.at),
    };
    let mut found: Vec<_> = known.into_iter().map(found).collect();
    let is_new = found.iter().all(|person| person.subject != asked);
    if is_new && (holdings::of(context, asked).await?.known || profile::noted(context, asked).await?.is_some()) {
        found.push(FoundPerson { subject: asked.to_owned(), name: None, at: None, link: link(asked) });
    }
    Ok((found, incomplete))
}

fn facts(profile: &Profile) -> PersonFacts {
    PersonFacts { roles: profile.roles.clone(), incomplete: profile.incomplete, at: profile.at }
}

async fn allowed<P: Platform>(
    context: &RequestContext<'_, P>,
    holdings: &Holdings,
    known: &AllowedClient,
) -> AllowedEntry {
    AllowedEntry {
        name: known.client_name.clone(),
        client: known.client_id.clone(),
        link: address(Endpoint::AdminClients, &[("id", &known.client_id)]),
        server: server_name(context, &known.slug),
        account: holdings.account_name(known),
        scopes: holdings::scopes(context, known).await,
        since: known.at,
        until: known.until,
    }
}

fn held<P: Platform>(context: &RequestContext<'_, P>, key: &ListedKey) -> HeldKey {
    let servers = key.servers.iter().flatten().map(|slug| server_name(context, slug)).collect();
    HeldKey {
        id: key.id.to_string(),
        name: key.name.clone(),
        servers,
        scopes: key.scope.iter().map(ToOwned::to_owned).collect(),
        since: key.at,
        until: key.expires,
        used: key.used.as_ref().map(|used| used.at),
        is_expired: key.expires.reached(context.now),
    }
}

/// An agent as programs are told of it.
fn agent(agent: &SponsoredAgent) -> Value {
    let SponsoredAgent { id, name, known_by, servers, scope, accounts, at, expires, used, .. } = agent;
    json!({
        "subject": id.subject(), "name": name, "known_by": known_by, "servers": servers, "accounts": accounts,
        "scopes": scope.iter().collect::<Vec<_>>(), "at": at, "expires_at": expires, "last_used": used,
    })
}

async fn account<P: Platform>(
    context: &RequestContext<'_, P>,
    subject: &str,
    known: &ConnectedAccount,
) -> Result<ConnectedEntry, Failure> {
    let (standing, scope) = holdings::standing(context, subject, known).await?;
    let scopes = scope.unwrap_or_default();
    Ok(ConnectedEntry {
        slug: known.slug.clone(),
        server: server_name(context, &known.slug),
        account: known.account.clone(),
        title: account_title(&known.account, &known.label, known.upstream_name.as_deref()),
        standing,
        scopes: scopes.split(' ').filter(|scope| !scope.is_empty()).map(ToOwned::to_owned).collect(),
        since: known.at,
    })
}

/// A field of the query that can be looked for.
fn asked<'q>(query: Option<&'q Form>, name: &str) -> Option<&'q str> {
    let text = query?.one(name).ok().flatten()?.trim();
    Some(text).filter(|text| !text.is_empty() && text.len() <= LONGEST)
}

/// What has just been done, as the address says it: nothing of it comes from there.
fn news(query: Option<&Form>) -> Option<String> {
    let done = query?.one("done").ok().flatten()?;
    let told = match done {
        "revoked" => "The client may not act for this person any more. It loses its access within about a minute.",
        "key_revoked" => "The API key is revoked. Whatever calls with it is refused within about a minute.",
        "agent_ended" => "The agent is ended. What it had is refused within about a minute.",
        "disconnected" => "The account is disconnected. Clients lose it within about a minute.",
        "everything" => "Everything of this person has ended, everywhere within about a minute.",
        _ => return None,
    };
    Some(told.to_owned())
}

fn subject_missing() -> Failure {
    Failure::client(400, "subject_missing", "This endpoint tells what one person has here, and the query names none.")
        .fix("Ask for /admin/people?subject= and their id; /admin/subjects?q= finds it by their address.")
}
