//! The browser session behind `__mcp_session`: started at sign-in, read on browser steps only, ended at sign-out.
//!
//! Not here: its shape and its cookie (`login::session`, `login::cookie`).

use super::{Head, Site, subject};
use crate::config::Login;
use crate::failure::Failure;
use crate::login::Identity;
use crate::login::cookie::{self, Jar, SetCookie};
use crate::login::session::{self, BrowserSession};
use crate::ports::{Platform, Unavailable};
use crate::secret::Secret;
use crate::vault::Purpose;

/// A signed-in browser.
pub struct SignedIn {
    /// Who.
    pub session: BrowserSession,
    /// The cookie it was proven with; forms are bound to it.
    pub cookie: Secret,
}

/// The session the browser's cookie proves, if it has not ended.
pub async fn current<P: Platform>(site: &Site<'_, P>, head: &Head) -> Result<Option<SignedIn>, Failure> {
    let Some(cookie) = presented(head) else { return Ok(None) };
    let key = session::key(&cookie);
    let sealed = site.platform.get(&key).await.map_err(|Unavailable| Failure::storage())?;
    let place = place(&site.config.login, &key);
    let session = sealed.and_then(|sealed| site.keys.open_json(Purpose::BrowserSession, &place, &sealed).ok());
    let Some(session) = session.filter(|session: &BrowserSession| !session.expired(site.now)) else { return Ok(None) };
    let revoked = subject::is_revoked(site, &session.identity.subject, Some(session.since)).await?;
    Ok((!revoked).then_some(SignedIn { session, cookie }))
}

/// Starts a session with a fresh id, whatever cookie the browser came with, and ends the one it had: no id from before a sign-in
/// is worth anything after it.
pub async fn start<P: Platform>(site: &Site<'_, P>, head: &Head, identity: Identity) -> Result<SetCookie, Failure> {
    end(site, head).await?;
    let lifetime = site.config.session_ttl;
    let cookie = site.secret();
    let key = session::key(&cookie);
    let session = BrowserSession::new(identity, site.now, lifetime);
    let place = place(&site.config.login, &key);
    let sealed = site.keys.seal_json(Purpose::BrowserSession, &place, site.platform.random(), &session);
    site.platform.put(&key, &sealed, Some(lifetime)).await.map_err(|Unavailable| Failure::storage())?;
    Ok(SetCookie::new(cookie::SESSION, cookie, lifetime, site.origin.is_secure()))
}

/// Ends the browser's session, if it has one.
pub async fn end<P: Platform>(site: &Site<'_, P>, head: &Head) -> Result<(), Failure> {
    match presented(head) {
        Some(cookie) => site.platform.delete(&session::key(&cookie)).await.map_err(|Unavailable| Failure::storage()),
        None => Ok(()),
    }
}

/// Where a session opens: in its cookie's record, while the login that vouched for the person is the configured one.
fn place<'a>(login: &'a Login, key: &'a str) -> [&'a str; 2] {
    match login {
        Login::Dev { .. } => [key, "dev"],
        Login::Oidc(login) => [key, &login.issuer],
    }
}

fn presented(head: &Head) -> Option<Secret> {
    Jar::parse(&head.headers).get(cookie::SESSION).cloned()
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
