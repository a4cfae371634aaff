//! `/connections`: a person sees their accounts at the servers and the clients that act for them, and ends either.
//!
//! Not here: connecting (`flow::connect`), what the page says (`page`).

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::session::SignedIn;
use super::{Answered, Head, Site, consent, keep, login, read_small, session, subject};
use crate::config::Server;
use crate::failure::Failure;
use crate::oauth::account::{self, AllowedClient, ConnectedAccount};
use crate::oauth::form;
use crate::oauth::grant::GrantId;
use crate::page::{self, Standing};
use crate::ports::{Platform, Unavailable};
use crate::reply::Reply;
use crate::route::{self, Endpoint};
use crate::time::{Lifetime, Timestamp};
use crate::upstream::connection::{Command, Outcome};
use crate::upstream::credential::Credential;
use crate::upstream::key::{ConnectionKey, Owner};
use crate::vault::Purpose;
use crate::version::V1;

const FORM: usize = 32 * 1024;

/// How long the page's forms are good.
const OPEN: Lifetime = Lifetime::hours(1);

/// What the page's forms carry, sealed to the browser session.
#[derive(Serialize, Deserialize)]
struct Ticket {
    v: V1,
    expires: Timestamp,
}

/// `GET /connections`.
pub async fn show<P: Platform>(site: &Site<'_, P>, head: &Head) -> Answered<P> {
    let Some(signed_in) = session::current(site, head).await? else {
        return login::begin(site, head, &format!("{}?{}", head.url.path(), head.query())).await;
    };
    let subject = &signed_in.session.identity.subject;
    let (connections, grants) = listed(site, subject).await?;
    let mut servers = Vec::new();
    for server in site.config.servers.values().filter(|server| server.is_personal()) {
        let mut accounts = Vec::new();
        for account in connections.iter().filter(|account| account.slug == server.slug.as_str()) {
            accounts.push(shown_account(site, server, subject, account).await?);
        }
        let connect = route::connect_path(server.slug.as_str());
        servers.push(page::ConnectedServer {
            slug: server.slug.to_string(),
            name: server.name.clone(),
            detail: server.description.clone().or_else(|| server.url.host_str().map(ToOwned::to_owned)),
            connect: Some(if accounts.is_empty() { connect } else { format!("{connect}?account=new") }),
            accounts,
        });
    }
    servers.extend(left_behind(site, &connections));
    let clients = grants.iter().rev().map(|grant| shown_client(site, grant, &connections)).collect();
    let page = page::Connections {
        news: news(site, head),
        servers,
        clients,
        form: form_token(site, &signed_in),
        signed_in: signed_in.session.identity.name.unwrap_or(signed_in.session.identity.subject),
        action: Endpoint::Connections.path().to_owned(),
        sign_out: Endpoint::Logout.path().to_owned(),
        index: Endpoint::Index.path().to_owned(),
    };
    Ok(Reply::page(StatusCode::OK, page.render()))
}

/// `POST /connections`: ends one account's connection or one client's access.
pub async fn answer<P: Platform>(site: &Site<'_, P>, head: &Head, body: P::Stream) -> Answered<P> {
    consent::require_own_page(site, head)?;
    let body = read_small(body, FORM).await?;
    let form = form::parse(&body).map_err(|_| form_gone())?;
    let field = |name| form.one(name).ok().flatten();
    let signed_in = session::current(site, head).await?.ok_or_else(form_gone)?;
    let ticket: Ticket = site
        .keys
        .open_json(Purpose::ConnectionsForm, &[signed_in.cookie.digest().as_str()], field("form").unwrap_or_default())
        .map_err(|_| form_gone())?;
    if ticket.expires.reached(site.now) {
        return Err(form_gone());
    }
    let subject = &signed_in.session.identity.subject;
    let news = match field("action") {
        Some("disconnect") => {
            let (slug, account) = (field("slug").unwrap_or_default(), field("account").unwrap_or_default());
            keep::drop(site, &ConnectionKey::new(Owner::Subject(subject.clone()), slug, account)).await?;
            format!("disconnected={slug}")
        }
        Some("revoke") => {
            let grant = field("grant").and_then(GrantId::parse).ok_or_else(form_gone)?;
            revoke(site, subject, &grant).await?;
            "revoked=1".to_owned()
        }
        _ => return Err(form_gone()),
    };
    Ok(Reply::see_other(&format!("{}?{news}", Endpoint::Connections.path())))
}

/// Ends one grant of the person's. Their accounts at the servers stay connected: other clients use them.
async fn revoke<P: Platform>(site: &Site<'_, P>, subject: &str, grant: &GrantId) -> Result<(), Failure> {
    let (_, grants) = listed(site, subject).await?;
    // Somebody else's grant is as unknown as a made-up one.
    if grants.iter().any(|listed| listed.grant == *grant) {
        subject::end(site, grant).await?;
        let forgotten = site.platform.account(subject, account::Command::ForgetGrant { grant: grant.clone() }).await;
        forgotten.map_err(|Unavailable| Failure::storage())?;
    }
    Ok(())
}

async fn listed<P: Platform>(
    site: &Site<'_, P>,
    subject: &str,
) -> Result<(Vec<ConnectedAccount>, Vec<AllowedClient>), Failure> {
    let listed = site.platform.account(subject, account::Command::List).await;
    match listed.map_err(|Unavailable| Failure::storage())? {
        account::Outcome::Listed { connections, grants } => Ok((connections, grants)),
        _ => Err(Failure::storage()),
    }
}

async fn shown_account<P: Platform>(
    site: &Site<'_, P>,
    server: &Server,
    subject: &str,
    account: &ConnectedAccount,
) -> Result<page::ConnectedAccount, Failure> {
    let key = ConnectionKey::new(Owner::Subject(subject.to_owned()), server.slug.as_str(), account.account.as_str());
    let outcome = site.platform.connection(&key, Command::Read).await.map_err(|Unavailable| Failure::storage())?;
    let open = |sealed: &str| keep::open(site, &key, sealed);
    let (credential, standing) = match outcome {
        Outcome::Live { sealed, .. } => match open(&sealed) {
            Some(credential) if keep::suits(server, &credential) => (Some(credential), Standing::Connected),
            Some(credential) => (Some(credential), Standing::Outdated),
            None => (None, Standing::MustBeRenewed),
        },
        Outcome::Dead { sealed, .. } => (sealed.as_deref().and_then(open), Standing::MustBeRenewed),
        _ => (None, Standing::MustBeRenewed),
    };
    Ok(page::ConnectedAccount {
        scopes: credential.as_ref().map(scopes).unwrap_or_default(),
        standing,
        reconnect: Some(format!("{}?account={}", route::connect_path(server.slug.as_str()), account.account)),
        ..plain(account)
    })
}

/// Accounts at servers that are not offered any more: they can only be disconnected.
fn left_behind<P: Platform>(site: &Site<'_, P>, connections: &[ConnectedAccount]) -> Vec<page::ConnectedServer> {
    let mut gone: Vec<page::ConnectedServer> = Vec::new();
    for account in connections {
        let server = site.config.servers.get(account.slug.as_str());
        if server.is_some_and(Server::is_personal) {
            continue;
        }
        match gone.iter_mut().find(|server| server.slug == account.slug) {
            Some(server) => server.accounts.push(plain(account)),
            None => gone.push(page::ConnectedServer {
                slug: account.slug.clone(),
                name: server.map_or_else(|| account.slug.clone(), |server| server.name.clone()),
                detail: None,
                accounts: vec![plain(account)],
                connect: None,
            }),
        }
    }
    gone
}

fn plain(account: &ConnectedAccount) -> page::ConnectedAccount {
    page::ConnectedAccount {
        account: account.account.clone(),
        label: account.label.clone(),
        since: account.at,
        scopes: Vec::new(),
        standing: Standing::ServerGone,
        reconnect: None,
    }
}

fn scopes(credential: &Credential) -> Vec<String> {
    let scope = credential.token().and_then(|token| token.scope.as_deref()).unwrap_or_default();
    scope.split(' ').filter(|scope| !scope.is_empty()).map(ToOwned::to_owned).collect()
}

fn shown_client<P: Platform>(
    site: &Site<'_, P>,
    grant: &AllowedClient,
    connections: &[ConnectedAccount],
) -> page::AllowedClient {
    let name = site.config.servers.get(grant.slug.as_str()).map(|server| server.name.clone());
    let mut there = connections.iter().filter(|account| account.slug == grant.slug);
    let used = there.clone().find(|account| account.account == grant.account);
    let label = used.map(|account| account.label.clone()).filter(|label| !label.is_empty());
    page::AllowedClient {
        grant: grant.grant.to_string(),
        name: grant.client_name.clone(),
        server_name: name.unwrap_or_else(|| grant.slug.clone()),
        account: there.nth(1).map(|_| label.unwrap_or_else(|| format!("Account {}", grant.account))),
        since: grant.at,
    }
}

/// What was just done. Only servers that there are can be named, so that no link puts words on the page.
fn news<P: Platform>(site: &Site<'_, P>, head: &Head) -> Option<String> {
    let query = form::parse(head.query().as_bytes()).ok()?;
    let field = |name| query.one(name).ok().flatten();
    let named = |name| field(name).and_then(|slug| site.config.servers.get(slug)).map(|server| &server.name);
    if let Some(name) = named("connected") {
        return Some(format!("{name} is connected."));
    }
    if let Some(name) = named("disconnected") {
        return Some(format!("{name} is disconnected."));
    }
    field("revoked").map(|_| "The client's access is revoked.".to_owned())
}

fn form_token<P: Platform>(site: &Site<'_, P>, signed_in: &SignedIn) -> String {
    let ticket = Ticket { v: V1, expires: site.now + OPEN };
    let place = signed_in.cookie.digest();
    site.keys.seal_json(Purpose::ConnectionsForm, &[place.as_str()], site.platform.random(), &ticket)
}

fn form_gone() -> Failure {
    Failure::client(
        400,
        "connections_form_gone",
        "This form is older than an hour, or belongs to another browser session, so nothing was changed.",
    )
    .fix("Open the connections page again.")
}
