//! The browser session behind `__mcp_session` and its twin: started at sign-in, read on browser steps only, ended at
//! sign-out.
//!
//! Not here: its shape and its cookie (`login::session`, `web::cookie`).

use crate::config::Login;
use crate::flow::{Head, RequestContext, revocation};
use crate::json;
use crate::login::session::{BrowserSession, ProviderSession};
use crate::login::{Identity, session};
use crate::ports::{Platform, Unavailable};
use crate::secret::{Digested, Secret};
use crate::time::{Lifetime, Timestamp};
use crate::vault::Purpose;
use crate::web::cookie;
use crate::web::cookie::{Jar, SetCookie};
use crate::web::failure::Failure;

/// No session is longer, whatever the configuration said when it began.
const LONGEST: Lifetime = Lifetime::days(30);

/// A signed-in browser.
pub struct SignedIn {
    /// Who.
    pub session: BrowserSession,
    /// The cookie it was proven with; forms are bound to it.
    pub cookie: Secret,
}

/// The session the browser's cookies prove, if it has not ended.
pub async fn current<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Result<Option<SignedIn>, Failure> {
    let Some(signed_in) = opened(context, head).await?.filter(|found| !found.session.expired(context.now)) else {
        return Ok(None);
    };
    let session = &signed_in.session;
    let over = revocation::is_revoked(context, &session.identity.subject, Some(session.since)).await?
        || is_left(context, session).await?;
    Ok((!over).then_some(signed_in))
}

/// Whether the person has signed out at the identity provider since, of this session or of all of theirs.
async fn is_left<P: Platform>(context: &RequestContext<'_, P>, session: &BrowserSession) -> Result<bool, Failure> {
    let whose = Digested::of(&session.identity.subject);
    for whose in [Some(&whose), session.sid.as_ref()].into_iter().flatten() {
        if left(context, whose).await?.is_some_and(|at| session.since <= at) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Ends the sessions of a person, or of one session at the provider, that began by then. Sessions that began later
/// stay, however often it is said.
pub async fn leave<P: Platform>(
    context: &RequestContext<'_, P>,
    whose: &Digested,
    by: Timestamp,
) -> Result<(), Failure> {
    let at = left(context, whose).await?.max(Some(by));
    let text = serde_json::to_string(&at).unwrap_or_default();
    let marked = context.platform.put(&session::logged_out_key(whose), &text, Some(LONGEST)).await;
    marked.map_err(|Unavailable| Failure::storage())
}

async fn left<P: Platform>(context: &RequestContext<'_, P>, whose: &Digested) -> Result<Option<Timestamp>, Failure> {
    let marker =
        context.platform.get(&session::logged_out_key(whose)).await.map_err(|Unavailable| Failure::storage())?;
    // A marker that cannot be read ends whatever began until now.
    Ok(marker.map(|marker| json::read(marker.as_bytes()).unwrap_or(context.now)))
}

/// Whose session at the provider it was, if anybody signed in here in it.
pub async fn of_provider<P: Platform>(
    context: &RequestContext<'_, P>,
    sid: &Digested,
) -> Result<Option<String>, Failure> {
    let key = session::sid_key(sid);
    let sealed = context.platform.get(&key).await.map_err(|Unavailable| Failure::storage())?;
    let known = sealed.and_then(|sealed| context.keys.open_json(Purpose::ProviderSession, &[&key], &sealed).ok());
    Ok(known.map(|known: ProviderSession| known.subject))
}

/// Keeps whose session at the provider it is: a logout may name nothing else.
async fn keep_provider<P: Platform>(
    context: &RequestContext<'_, P>,
    sid: &Digested,
    subject: &str,
) -> Result<(), Failure> {
    let (key, whose) = (session::sid_key(sid), ProviderSession::of(subject.to_owned()));
    let sealed = context.keys.seal_json(Purpose::ProviderSession, &[&key], context.platform.random(), &whose);
    context.platform.put(&key, &sealed, Some(LONGEST)).await.map_err(|Unavailable| Failure::storage())
}

/// Starts a session with a fresh id, whatever cookie the browser came with, and ends the one it had: no id from before
/// a sign-in is worth anything after it. Answers the cookies that prove it.
pub async fn start<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    identity: Identity,
    sid: Option<&Digested>,
) -> Result<Vec<SetCookie>, Failure> {
    end(context, head).await?;
    if let Some(sid) = sid {
        keep_provider(context, sid, &identity.subject).await?;
    }
    let lifetime = context.config.session_ttl;
    let cookie = context.secret();
    let key = session::key(&cookie);
    let secure = context.origin.is_secure();
    let twin = secure.then(|| session::twin(&context.secret(), &cookie));
    let session = BrowserSession::new(identity, context.now, lifetime);
    let session = twin.iter().fold(session, BrowserSession::with_twin);
    let session = sid.into_iter().fold(session, BrowserSession::with_sid);
    let place = place(&context.config.login, &key);
    let sealed = context.keys.seal_json(Purpose::BrowserSession, &place, context.platform.random(), &session);
    context.platform.put(&key, &sealed, Some(lifetime)).await.map_err(|Unavailable| Failure::storage())?;
    let set = |name: String, value| SetCookie::new(name, value, lifetime, secure);
    let twin = twin.map(|twin| set(cookie::name(cookie::TWIN, secure), twin));
    Ok([set(cookie::SESSION.to_owned(), cookie)].into_iter().chain(twin).collect())
}

/// Ends the browser's session, if it has one: a cookie that opens none makes nobody delete anything.
pub async fn end<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Result<(), Failure> {
    match opened(context, head).await? {
        Some(SignedIn { cookie, .. }) => {
            context.platform.delete(&session::key(&cookie)).await.map_err(|Unavailable| Failure::storage())
        }
        None => Ok(()),
    }
}

/// Takes the cookies of a session away.
pub fn removals<P>(context: &RequestContext<'_, P>) -> Vec<SetCookie> {
    let secure = context.origin.is_secure();
    let twin = secure.then(|| SetCookie::removal(cookie::name(cookie::TWIN, secure), secure));
    [SetCookie::removal(cookie::SESSION, secure)].into_iter().chain(twin).collect()
}

/// The session that the browser's cookies open. Of several values of its name, all but one were planted: the twin tells
/// which is ours, so that one is looked up at most.
async fn opened<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Result<Option<SignedIn>, Failure> {
    let jar = Jar::parse(&head.headers);
    let secure = context.origin.is_secure();
    let twin = if secure { jar.get(&cookie::name(cookie::TWIN, secure)) } else { None };
    let ours = match twin {
        Some(twin) => jar.all(cookie::SESSION).iter().find(|cookie| session::is_twin_of(twin, cookie)),
        None if secure => None,
        None => jar.get(cookie::SESSION),
    };
    let Some(cookie) = ours else { return Ok(None) };
    let key = session::key(cookie);
    let sealed = context.platform.get(&key).await.map_err(|Unavailable| Failure::storage())?;
    let place = place(&context.config.login, &key);
    let session = sealed.and_then(|sealed| context.keys.open_json(Purpose::BrowserSession, &place, &sealed).ok());
    let session = session.filter(|session: &BrowserSession| session.fits(twin, secure));
    if let Some(session) = &session {
        context.record.subject(&session.identity.subject);
    }
    Ok(session.map(|session| SignedIn { session, cookie: cookie.clone() }))
}

/// Where a session opens: in its cookie's record, while the login that vouched for the person is the configured one.
fn place<'a>(login: &'a Login, key: &'a str) -> [&'a str; 2] {
    match login {
        Login::Dev { .. } => [key, "dev"],
        Login::Oidc(login) => [key, &login.issuer],
        Login::Github(login) => [key, &login.url],
        Login::Page(page) => [key, &page.alias],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Config;

    #[test]
    fn a_session_ends_with_the_login_that_vouched_for_it() {
        let login = |login| {
            let document = json!({"login": login, "servers": {"demo": {"url": "http://localhost:8788/mcp"}}});
            Config::parse(&document.to_string()).unwrap().login
        };
        let oidc = |issuer| login(json!({"kind": "oidc", "issuer": issuer, "client_id": "gateway"}));
        let one = oidc("https://id.example");
        assert_eq!(place(&one, "k"), place(&oidc("https://id.example"), "k"));
        for (other, key) in
            [(oidc("https://new.example"), "k"), (login(json!({"kind": "dev"})), "k"), (one.clone(), "j")]
        {
            assert_ne!(place(&one, "k"), place(&other, key));
        }
    }
}
