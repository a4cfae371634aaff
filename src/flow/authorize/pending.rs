//! Between consent and code: a server that the person has to connect first, in the same trip. The client's request
//! waits in its grant; connecting, choosing an account or skipping lets it go on.
//!
//! Not here: connecting (`flow::connect`), making the code (`flow::authorize`).

use serde::{Deserialize, Serialize};

use super::code::{Allowed, issue, no_pending_authorization};
use crate::authorization_log::AuthorizationStep;
use crate::config::{Auth, ConnectTime, Server};
use crate::flow::connection::store;
use crate::flow::connection::store::Kept;
use crate::flow::{Answered, RequestContext};
use crate::login::session::BrowserSession;
use crate::oauth::grant::GrantId;
use crate::oauth::subject::ConnectedAccount;
use crate::oauth::{grant, subject};
use crate::ports::{Platform, Unavailable};
use crate::time::Lifetime;
use crate::upstream::key::{ConnectionKey, Owner};
use crate::vault::Purpose;
use crate::version::V1;
use crate::web::failure::Failure;
use crate::web::reply::Reply;
use crate::web::route;

/// How long a client's request waits: long enough to make an account at the server first.
const HELD: Lifetime = Lifetime::minutes(30);

/// What waits, sealed to its grant and its person.
#[derive(Serialize, Deserialize)]
struct Waiting {
    v: V1,
    allowed: Allowed,
}

/// Goes on after consent: to the client, or to the server's connect page if that is due first.
pub async fn conclude<P: Platform>(
    context: &RequestContext<'_, P>,
    grant: &GrantId,
    allowed: Allowed,
    session: &BrowserSession,
) -> Answered<P> {
    match next(context, &allowed.request.slug, session).await? {
        Next::Issue { account } => issue(context, grant, allowed, session, account.as_deref()).await,
        Next::Connect => hold(context, grant, allowed, &session.identity.subject).await,
    }
}

/// Whether the person has something to do at the server's connect page before the client gets its code.
pub async fn is_due<P: Platform>(
    context: &RequestContext<'_, P>,
    slug: &str,
    session: &BrowserSession,
) -> Result<bool, Failure> {
    Ok(matches!(next(context, slug, session).await?, Next::Connect))
}

/// The client's request that waits, for the person it waits for.
pub async fn waiting<P: Platform>(
    context: &RequestContext<'_, P>,
    grant: &GrantId,
    subject: &str,
) -> Result<Allowed, Failure> {
    let peeked = context.platform.grant(grant, grant::Command::Peek).await.map_err(|Unavailable| Failure::storage())?;
    let grant::Outcome::Peeked { sealed, subject: owner } = peeked else { return Err(gone()) };
    if owner != subject {
        return Err(for_somebody_else());
    }
    let waiting = context.keys.open_json(Purpose::ConsentTicket, &[grant.as_str(), subject], &sealed);
    waiting.map(|waiting: Waiting| waiting.allowed).map_err(|_| gone())
}

/// Lets the client's request go on, with this account of the person's at the server.
pub async fn release<P: Platform>(
    context: &RequestContext<'_, P>,
    grant: &GrantId,
    session: &BrowserSession,
    account: Option<&str>,
) -> Answered<P> {
    let allowed = waiting(context, grant, &session.identity.subject).await?;
    issue(context, grant, allowed, session, account).await
}

/// A person's accounts at a server, oldest first.
pub async fn accounts<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    subject: &str,
) -> Result<Vec<ConnectedAccount>, Failure> {
    let listed = context.platform.account(subject, subject::Command::List).await;
    match listed.map_err(|Unavailable| Failure::storage())? {
        subject::Outcome::Listed { connections, .. } => {
            Ok(connections.into_iter().filter(|account| account.slug == server.slug.as_str()).collect())
        }
        _ => Err(Failure::storage()),
    }
}

/// Whether one of a person's accounts at a server works, as far as is known.
pub async fn is_live<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    subject: &str,
    account: &str,
) -> Result<bool, Failure> {
    let key = ConnectionKey::new(Owner::Subject(subject.to_owned()), server.slug.as_str(), account);
    Ok(matches!(store::read(context, server, &key).await?, Kept::Live(_)))
}

/// A page that is for another person than the one at this browser.
pub fn for_somebody_else() -> Failure {
    Failure::client(
        403,
        "connection_for_somebody_else",
        "This page is for somebody else than the person who is signed in here, so nothing was connected.",
    )
    .fix(
        "If it came from somebody else, ignore it. If you are that person, sign out here, and open it again as \
          yourself.",
    )
}

enum Next {
    /// The code, to use the server with this account of the person's.
    Issue { account: Option<String> },
    /// The connect page.
    Connect,
}

async fn next<P: Platform>(
    context: &RequestContext<'_, P>,
    slug: &str,
    session: &BrowserSession,
) -> Result<Next, Failure> {
    let subject = session.identity.subject.as_str();
    let server = context.config.servers.get(slug).filter(|server| server.is_personal());
    let Some(server) = server else { return Ok(Next::Issue { account: None }) };
    let accounts = accounts(context, server, subject).await?;
    Ok(match accounts.as_slice() {
        [] if connects_later(server) => Next::Issue { account: None },
        [only] if connects_later(server) || is_live(context, server, subject, &only.account).await? => {
            Next::Issue { account: Some(only.account.clone()) }
        }
        _ => Next::Connect,
    })
}

async fn hold<P: Platform>(
    context: &RequestContext<'_, P>,
    grant: &GrantId,
    allowed: Allowed,
    subject: &str,
) -> Answered<P> {
    context.record.step(AuthorizationStep::Connection);
    context.record.outcome("asked");
    let slug = allowed.request.slug.clone();
    let place = [grant.as_str(), subject];
    let waiting = Waiting { v: V1, allowed };
    let sealed = context.keys.seal_json(Purpose::ConsentTicket, &place, context.platform.random(), &waiting);
    let command = grant::Command::Hold { sealed, subject: subject.to_owned(), until: context.now + HELD };
    match context.platform.grant(grant, command).await.map_err(|Unavailable| Failure::storage())? {
        grant::Outcome::Held => Ok(Reply::see_other(&connect_path(&slug, grant))),
        _ => Err(no_pending_authorization()),
    }
}

/// Where the person connects a server before the client gets its code.
pub fn connect_path(slug: &str, grant: &GrantId) -> String {
    format!("{}?grant={grant}", route::connect_path(slug))
}

fn connects_later(server: &Server) -> bool {
    matches!(&server.auth, Auth::OAuth(oauth) if oauth.connect == ConnectTime::FirstCall)
}

fn gone() -> Failure {
    Failure::client(
        400,
        "authorization_not_waiting",
        "The client's authorization does not wait any more: it went on already, or more than half an hour has passed.",
    )
    .fix("Go back to your client. If it is not connected, start again there.")
}
