//! The browser session: a person has signed in, and need not again for a while.
//!
//! Not here: where it is kept (the directory, sealed by `flow`), how it begins (`oidc`, `dev`).

use serde::{Deserialize, Serialize};

use super::Identity;
use crate::secret::Secret;
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
}

impl BrowserSession {
    /// Begins now.
    pub fn new(identity: Identity, now: Timestamp, lifetime: Lifetime) -> Self {
        Self { v: V1, identity, since: now, expires: now + lifetime }
    }

    /// Whether a new sign-in is due. Checked on every read: a directory forgets late.
    pub fn expired(&self, now: Timestamp) -> bool {
        self.expires.reached(now)
    }
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
    fn the_key_does_not_hold_the_cookie() {
        let key = key(&Secret::new("abc"));
        assert_eq!(key, "session:ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
    }
}
