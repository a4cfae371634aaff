//! What is known of an API key: whose it is, what it may do, and until when. Sealed at rest under the key's digest.
//!
//! Not here: the key itself, which is known to nobody but its owner.

use serde::{Deserialize, Serialize};

use super::{ApiKeyError, KeyId};
use crate::oauth::scope::ScopeSet;
use crate::time::{Lifetime, Timestamp};
use crate::version::V1;

/// Whose account lists the keys that act for nobody.
pub const SERVICES: &str = "key:";

/// Whom a key acts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// The person who made it.
    User,
    /// Itself: a program that no person stands behind.
    Service,
}

impl KeyKind {
    /// As it stands in logs and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user_key",
            Self::Service => "service_key",
        }
    }
}

/// A key as it was made. It never changes; another one is made in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    v: V1,
    /// Its name.
    pub id: KeyId,
    /// Whom it acts for.
    pub kind: KeyKind,
    /// The subject that it acts for.
    pub subject: String,
    /// The servers it is for, by slug; without them every one, those that come later too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub servers: Option<Vec<String>>,
    /// What it may do at the gateway.
    pub permissions: ScopeSet,
    /// The scopes that the operator defines, as far as it has them.
    pub scope: ScopeSet,
    /// The roles that the operator gave to a service. A person's are those of their sign-in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// When whoever made it proved who they are.
    pub since: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
}

impl ApiKey {
    /// The permission to call servers.
    pub const INVOKE: &'static str = "mcp.invoke";

    /// The longest that a key may live. One that lives for ever is one that leaks some day.
    pub const LONGEST: Lifetime = Lifetime::days(366);

    /// A key with these rights.
    pub fn new(id: KeyId, kind: KeyKind, subject: String, since: Timestamp, expires: Timestamp) -> Self {
        let permissions = ScopeSet::of(&[Self::INVOKE]);
        let (servers, scope, roles) = (None, ScopeSet::default(), Vec::new());
        Self { v: V1, id, kind, subject, servers, permissions, scope, roles, since, expires }
    }

    /// Whether it lets its holder call a server, which may want each person's own account.
    pub fn check(&self, slug: &str, needs_person: bool) -> Result<(), ApiKeyError> {
        if !self.may_invoke() {
            return Err(ApiKeyError::NotPermitted);
        }
        if self.servers.as_ref().is_some_and(|servers| !servers.iter().any(|server| server == slug)) {
            return Err(ApiKeyError::WrongServer);
        }
        if needs_person && self.kind == KeyKind::Service {
            return Err(ApiKeyError::NeedsPerson);
        }
        Ok(())
    }

    fn may_invoke(&self) -> bool {
        self.permissions.contains(Self::INVOKE)
    }

    /// The scope of a call with it: what an access token of the same rights would have.
    pub fn call_scope(&self) -> ScopeSet {
        if self.may_invoke() { self.scope.union(&ScopeSet::of(&[ScopeSet::TOOLS])) } else { ScopeSet::default() }
    }

    /// The subject whose account lists it.
    pub fn owner(&self) -> &str {
        match self.kind {
            KeyKind::User => &self.subject,
            KeyKind::Service => SERVICES,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kind: KeyKind, subject: &str) -> ApiKey {
        ApiKey::new(KeyId::new([1; 16]), kind, subject.to_owned(), Timestamp(1000), Timestamp(2000))
    }

    #[test]
    fn a_record_at_rest_stays_readable() {
        let user = key(KeyKind::User, "dev:alice");
        let service = ApiKey {
            servers: Some(vec!["docs".to_owned()]),
            permissions: ScopeSet::default(),
            scope: ScopeSet::of(&["tools:read"]),
            roles: vec!["deployer".to_owned()],
            ..key(KeyKind::Service, "key:AQEBAQEBAQEBAQEBAQEBAQ")
        };
        for (record, golden) in [
            (
                user,
                r#"{"v":1,"id":"AQEBAQEBAQEBAQEBAQEBAQ","kind":"user","subject":"dev:alice","permissions":"mcp.invoke","scope":"","since":1000,"expires":2000}"#,
            ),
            (
                service,
                r#"{"v":1,"id":"AQEBAQEBAQEBAQEBAQEBAQ","kind":"service","subject":"key:AQEBAQEBAQEBAQEBAQEBAQ","servers":["docs"],"permissions":"","scope":"tools:read","roles":["deployer"],"since":1000,"expires":2000}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&record).unwrap(), golden);
            assert_eq!(serde_json::from_str::<ApiKey>(golden).unwrap(), record);
        }
    }

    #[test]
    fn a_key_is_for_the_servers_it_names_and_does_nothing_without_the_permission() {
        let every = key(KeyKind::User, "dev:alice");
        assert_eq!((every.check("docs", true), every.check("later", false)), (Ok(()), Ok(())));
        let one = ApiKey { servers: Some(vec!["docs".to_owned()]), ..every.clone() };
        assert_eq!(one.check("docs", false), Ok(()));
        for other in ["doc", "docs2", "Docs", ""] {
            assert_eq!(one.check(other, false), Err(ApiKeyError::WrongServer), "{other}");
        }
        let none = ApiKey { servers: Some(Vec::new()), ..every.clone() };
        assert_eq!(none.check("docs", false), Err(ApiKeyError::WrongServer));
        let service = key(KeyKind::Service, "key:x");
        assert_eq!(
            (service.check("docs", false), service.check("docs", true)),
            (Ok(()), Err(ApiKeyError::NeedsPerson))
        );
        let wider = ApiKey { scope: ScopeSet::of(&["write"]), ..every.clone() };
        assert_eq!(wider.call_scope().to_string(), "mcp:tools write");
        let powerless = ApiKey { permissions: ScopeSet::of(&["mcp.invok"]), ..wider };
        assert!(powerless.call_scope().is_empty());
        assert_eq!(powerless.check("docs", false), Err(ApiKeyError::NotPermitted));
        assert_eq!((every.owner(), key(KeyKind::Service, "key:x").owner()), ("dev:alice", "key:"));
    }
}
