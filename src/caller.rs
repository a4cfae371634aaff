//! Who calls a server, however they proved it: what everything below the ways in knows of them.
//!
//! Not here: proving it (`flow::call::bearer`), and what they may do (`policy`).

use crate::oauth::agent::Sponsor;
use crate::oauth::api_key::{ApiKey, KeyId, KeyKind};
use crate::oauth::grant::GrantId;
use crate::oauth::scope::ScopeSet;
use crate::oauth::token::access_token::Claims;
use crate::policy::{ClaimValues, Rights};
use crate::time::Timestamp;

/// A caller that was authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The subject that is called for.
    pub subject: String,
    /// Which of the subject's accounts at the server is meant; `None` is the first.
    pub account: Option<String>,
    /// What the call may do.
    pub scope: ScopeSet,
    /// The roles that the subject had when they signed in.
    pub roles: Vec<String>,
    /// The claims of that sign-in that rules ask for.
    pub claims: ClaimValues,
    /// How the caller proved it.
    pub by: By,
    /// When the person proved who they are.
    pub since: Timestamp,
    /// When what the caller presented stops being good.
    pub until: Timestamp,
}

/// What a caller presented. A way in is one of these, and the file that makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// An access token of ours.
    AccessToken {
        /// The grant it belongs to.
        grant: GrantId,
        /// The client it was issued to.
        client: String,
    },
    /// An access token of ours that a client got for itself.
    Machine {
        /// What its revocation names.
        grant: GrantId,
        /// The client.
        client: String,
    },
    /// An access token of ours that an agent got.
    Agent {
        /// What its revocation names.
        grant: GrantId,
        /// The agent's id, which is its subject too.
        client: String,
        /// Who stands behind it.
        sponsor: Sponsor,
    },
    /// An access token of another issuer.
    External {
        /// The issuer's alias.
        issuer: String,
        /// The client it was issued to, where the issuer says that.
        client: Option<String>,
    },
    /// An API key.
    Key {
        /// Its id.
        id: KeyId,
        /// Whom it acts for.
        kind: KeyKind,
    },
}

impl Caller {
    /// Whoever presents an API key, with the roles and claims of whom it acts for.
    pub fn with_key(key: &ApiKey, roles: Vec<String>, claims: ClaimValues) -> Self {
        Self {
            subject: key.subject.clone(),
            account: None,
            scope: key.call_scope(),
            roles,
            claims,
            by: By::Key { id: key.id.clone(), kind: key.kind },
            since: key.since,
            until: key.expires,
        }
    }

    /// What policy decides by.
    pub const fn rights(&self) -> Rights<'_> {
        Rights { scopes: &self.scope, roles: self.roles.as_slice(), claims: &self.claims }
    }

    /// The client that calls, or the key that stands for one.
    pub fn client(&self) -> &str {
        match &self.by {
            By::AccessToken { client, .. } | By::Machine { client, .. } | By::Agent { client, .. } => client,
            By::External { issuer, client } => client.as_deref().unwrap_or(issuer),
            By::Key { id, .. } => id.as_str(),
        }
    }

    /// Who stands behind the call, where that is somebody else than who calls.
    pub const fn sponsor(&self) -> Option<&Sponsor> {
        match &self.by {
            By::Agent { sponsor, .. } => Some(sponsor),
            By::AccessToken { .. } | By::Machine { .. } | By::External { .. } | By::Key { .. } => None,
        }
    }

    /// Who answers for the call: all that acts for one person is counted as theirs.
    pub fn responsible(&self) -> &str {
        self.sponsor().map_or(&self.subject, |sponsor| &sponsor.subject)
    }

    /// Whose accounts at servers the call uses.
    pub fn accounts_of(&self) -> &str {
        self.sponsor().filter(|sponsor| sponsor.lends).map_or(&self.subject, |sponsor| &sponsor.subject)
    }
}

impl By {
    /// The way in, as logs name it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::AccessToken { .. } => "access_token",
            Self::Machine { .. } => "machine",
            Self::Agent { .. } => "agent",
            Self::External { .. } => "external_token",
            Self::Key { kind, .. } => kind.as_str(),
        }
    }

    /// What its revocation names: the grant or the key. What another issuer gave out is revoked by that one.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::AccessToken { grant, .. } | Self::Machine { grant, .. } | Self::Agent { grant, .. } => {
                Some(grant.as_str())
            }
            Self::External { .. } => None,
            Self::Key { id, .. } => Some(id.as_str()),
        }
    }

    /// What a server's `accepts` calls it.
    pub fn way(&self) -> &str {
        match self {
            Self::AccessToken { .. } | Self::Machine { .. } => "own",
            Self::Agent { .. } => "agents",
            Self::Key { .. } => "keys",
            Self::External { issuer, .. } => issuer,
        }
    }

    /// The alias of the issuer, where it is another one.
    pub fn issuer(&self) -> Option<&str> {
        match self {
            Self::External { issuer, .. } => Some(issuer),
            Self::AccessToken { .. } | Self::Machine { .. } | Self::Agent { .. } | Self::Key { .. } => None,
        }
    }
}

impl From<&Claims> for Caller {
    fn from(claims: &Claims) -> Self {
        let (grant, client) = (claims.grant.clone(), claims.client_id.clone());
        let by = match claims.sponsor.clone() {
            Some(sponsor) => By::Agent { grant, client, sponsor },
            None if claims.is_machine() => By::Machine { grant, client },
            None => By::AccessToken { grant, client },
        };
        Self {
            subject: claims.sub.clone(),
            account: claims.account.clone(),
            scope: claims.scope.clone(),
            roles: claims.roles.clone(),
            claims: claims.claims.clone().into(),
            by,
            since: claims.authenticated(),
            until: claims.exp,
        }
    }
}
