//! The browser session: a person has signed in, and need not again for a while.
//!
//! Not here: where it is kept (the directory, sealed by `flow`), how it begins (`oidc`, `dev`).

use serde::{Deserialize, Serialize};

use super::Identity;
use crate::secret::{Digested, Secret};
use crate::time::{Lifetime, Timestamp};
use crate::version::V1;

/// What the gateway remembers about a signed-in browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrowserSession {
    v: V1,
    /// Who signed in.
    pub identity: Identity,
    /// When.
    pub since: Timestamp,
    /// Until when no new sign-in is asked for. Nothing prolongs it.
    pub expires: Timestamp,
    /// The digest of the twin that the browser has to show as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub twin: Option<Digested>,
    /// What stands for the session at the identity provider that it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<Digested>,
}

impl BrowserSession {
    /// Begins now.
    pub fn new(identity: Identity, now: Timestamp, lifetime: Lifetime) -> Self {
        Self { v: V1, identity, since: now, expires: now + lifetime, twin: None, sid: None }
    }

    /// The same for a browser that holds a twin of the cookie as well.
    #[must_use]
    pub fn with_twin(self, twin: &Secret) -> Self {
        Self { twin: Some(twin.digest()), ..self }
    }

    /// The same for a session at the provider that can be left there.
    #[must_use]
    pub fn with_sid(self, sid: &Digested) -> Self {
        Self { sid: Some(sid.clone()), ..self }
    }

    /// Whether the browser that shows this twin is the one that signed in. On https nothing else is believed than a
    /// twin that fits; without https there can be none.
    pub fn fits(&self, twin: Option<&Secret>, secure: bool) -> bool {
        match (&self.twin, twin) {
            (Some(kept), Some(shown)) => *kept == shown.digest(),
            (kept, _) => kept.is_none() && !secure,
        }
    }

    /// Whether a new sign-in is due. Checked on every read: a directory forgets late.
    pub fn expired(&self, now: Timestamp) -> bool {
        self.expires.reached(now)
    }
}

/// How much of a cookie's digest its twin holds. Nobody makes up another cookie with the same 96 bits.
const TELLING: usize = 16;

/// The twin of a cookie: a secret of its own, and by what the cookie is told from others of its name before anything is
/// looked up.
pub fn twin(secret: &Secret, cookie: &Secret) -> Secret {
    Secret::new(format!("{}.{}", secret.expose(), telling(cookie.digest().as_str())))
}

/// Whether a twin was made for this cookie. Those of older releases say nothing of theirs.
pub fn is_twin_of(twin: &Secret, cookie: &Secret) -> bool {
    let made_for = twin.expose().split_once('.').map(|(_, telling)| telling);
    made_for.is_some_and(|made_for| made_for == telling(cookie.digest().as_str()))
}

fn telling(digest: &str) -> &str {
    digest.get(..TELLING).unwrap_or(digest)
}

/// Whose session at the provider it was: what a logout that names nothing else is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderSession {
    v: V1,
    /// The person.
    pub subject: String,
}

impl ProviderSession {
    /// Of this person.
    pub const fn of(subject: String) -> Self {
        Self { v: V1, subject }
    }
}

/// Where it is kept of a session at the provider whose it is.
pub fn sid_key(sid: &Digested) -> String {
    format!("login-sid:{}", sid.as_str())
}

/// Where it is kept since when sessions of a person, or of one session at the provider, have ended.
pub fn logged_out_key(whose: &Digested) -> String {
    format!("logged-out:{}", whose.as_str())
}

/// Where the session of a cookie is kept. The cookie cannot be read back from the key.
pub fn key(cookie: &Secret) -> String {
    format!("session:{}", cookie.digest().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> BrowserSession {
        let identity = Identity {
            subject: "dev:alice".into(),
            name: Some("Alice".into()),
            email: Some("alice@example.com".into()),
        };
        BrowserSession::new(identity, Timestamp(1_000), Lifetime::hours(8))
    }

    #[test]
    fn the_stored_form_is_pinned() {
        let golden = r#"{"v":1,"identity":{"subject":"dev:alice","name":"Alice","email":"alice@example.com"},"since":1000,"expires":29800}"#;
        assert_eq!(serde_json::to_string(&session()).unwrap(), golden);
        assert_eq!(serde_json::from_str::<BrowserSession>(golden).unwrap(), session());
        assert!(serde_json::from_str::<BrowserSession>(&golden.replace("\"v\":1", "\"v\":2")).is_err());
    }

    #[test]
    fn the_stored_form_with_a_twin_is_pinned() {
        let session = session().with_twin(&Secret::new("abc"));
        let golden = r#"{"v":1,"identity":{"subject":"dev:alice","name":"Alice","email":"alice@example.com"},"since":1000,"expires":29800,"twin":"ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"}"#;
        assert_eq!(serde_json::to_string(&session).unwrap(), golden);
        assert_eq!(serde_json::from_str::<BrowserSession>(golden).unwrap(), session);
    }

    #[test]
    fn the_stored_form_of_a_session_at_the_provider_is_pinned() {
        let session = session().with_sid(&Digested::of("abc"));
        let golden = r#"{"v":1,"identity":{"subject":"dev:alice","name":"Alice","email":"alice@example.com"},"since":1000,"expires":29800,"sid":"ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"}"#;
        assert_eq!(serde_json::to_string(&session).unwrap(), golden);
        assert_eq!(serde_json::from_str::<BrowserSession>(golden).unwrap(), session);
        let (whose, golden) = (ProviderSession::of("id|7".to_owned()), r#"{"v":1,"subject":"id|7"}"#);
        assert_eq!(serde_json::to_string(&whose).unwrap(), golden);
        assert_eq!(serde_json::from_str::<ProviderSession>(golden).unwrap(), whose);
        assert_eq!(sid_key(&Digested::of("abc")), "login-sid:ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
        assert_eq!(logged_out_key(&Digested::of("abc")), "logged-out:ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
    }

    #[test]
    fn on_https_a_session_needs_its_twin() {
        let (ours, other) = (Secret::new("abc"), Secret::new("abd"));
        let (alone, pair) = (session(), session().with_twin(&ours));
        for secure in [true, false] {
            assert!(pair.fits(Some(&ours), secure));
            assert!(!pair.fits(Some(&other), secure) && !pair.fits(None, secure));
            assert_eq!(alone.fits(None, secure), !secure, "one from before twins signs in once more");
        }
        assert!(!alone.fits(Some(&ours), true));
    }

    #[test]
    fn a_nameless_person_is_stored_without_nulls() {
        let identity = Identity { subject: "id.example.com|7".into(), name: None, email: None };
        let golden = r#"{"v":1,"identity":{"subject":"id.example.com|7"},"since":5,"expires":65}"#;
        let session = BrowserSession::new(identity, Timestamp(5), Lifetime(60));
        assert_eq!(serde_json::to_string(&session).unwrap(), golden);
        assert_eq!(serde_json::from_str::<BrowserSession>(golden).unwrap(), session);
    }

    #[test]
    fn it_ends_at_its_last_second() {
        assert!(!session().expired(Timestamp(29_799)));
        assert!(session().expired(Timestamp(29_800)));
    }

    #[test]
    fn a_twin_tells_its_cookie() {
        let (cookie, other) = (Secret::new("abc"), Secret::new("abd"));
        let twin = twin(&Secret::new("secret"), &cookie);
        assert_eq!(twin.expose(), "secret.ungWv48Bz-pBQUDe");
        assert!(is_twin_of(&twin, &cookie) && !is_twin_of(&twin, &other));
        for old in ["secret", "secret.", "", ".", "secret.ungWv48Bz-pBQUD", "secret.ungWv48Bz-pBQUDe.x"] {
            assert!(!is_twin_of(&Secret::new(old), &cookie), "{old}");
        }
    }

    #[test]
    fn the_key_does_not_hold_the_cookie() {
        let key = key(&Secret::new("abc"));
        assert_eq!(key, "session:ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
    }
}
