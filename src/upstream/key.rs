//! Whose connection at which server: the name its object and its replica have, and the place its credential is sealed
//! to.
//!
//! Not here: the credential (`credential`), or who may use it.

use serde::{Deserialize, Serialize};

use crate::secret::Digested;

/// The account everybody has first at a server; more of them are "2", "3", …
pub const FIRST_ACCOUNT: &str = "1";

/// Where people sign in, as a server of a connection: no slug has a colon.
const LOGIN: &str = ":login";

/// Whose a connection is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// One person's or machine's.
    Subject(String),
    /// Everybody's: connected once by the operator, or the gateway's own account.
    Gateway,
}

/// One account of one owner at one server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionKey {
    owner: Owner,
    owner_text: String,
    slug: String,
    account: String,
    name: String,
}

impl ConnectionKey {
    /// The key of an account. Slugs and accounts are words of ours, without line breaks.
    pub fn new(owner: Owner, slug: impl Into<String>, account: impl Into<String>) -> Self {
        let (slug, account) = (slug.into(), account.into());
        let owner_text = match &owner {
            Owner::Subject(subject) => format!("subject:{subject}"),
            Owner::Gateway => "gateway".to_owned(),
        };
        let name = format!("connection:{}", Digested::of(&format!("{owner_text}\n{slug}\n{account}")).as_str());
        Self { owner, owner_text, slug, account, name }
    }

    /// The key of what the identity provider gave to be asked again with about somebody.
    pub fn of_login(subject: &str) -> Self {
        Self::new(Owner::Subject(subject.to_owned()), LOGIN, FIRST_ACCOUNT)
    }

    /// The name of its object, and of its replica in the directory. It tells nobody whose it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What of its name tells it from others.
    pub fn digest(&self) -> &str {
        self.name.strip_prefix("connection:").unwrap_or(&self.name)
    }

    /// Where its credential opens, and nowhere else.
    pub fn place(&self) -> [&str; 3] {
        [&self.owner_text, &self.slug, &self.account]
    }

    /// Whose.
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// At which server.
    pub fn slug(&self) -> &str {
        &self.slug
    }

    /// Which account.
    pub fn account(&self) -> &str {
        &self.account
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn subject(subject: &str, slug: &str, account: &str) -> ConnectionKey {
        ConnectionKey::new(Owner::Subject(subject.to_owned()), slug, account)
    }

    #[test]
    fn every_owner_server_and_account_has_a_name_of_its_own() {
        let keys = [
            subject("dev:alice", "docs", "1"),
            subject("dev:bob", "docs", "1"),
            subject("dev:alice", "mail", "1"),
            subject("dev:alice", "docs", "2"),
            subject("dev:alice\ndocs", "1", "1"),
            ConnectionKey::new(Owner::Gateway, "docs", "1"),
            subject("", "docs", "1"),
        ];
        assert_eq!(keys.iter().map(ConnectionKey::name).collect::<BTreeSet<_>>().len(), keys.len());
        assert_eq!(keys.iter().map(ConnectionKey::place).collect::<BTreeSet<_>>().len(), keys.len());
    }

    #[test]
    fn a_name_stays_what_it_was_and_names_nobody() {
        let key = subject("dev:alice", "docs", FIRST_ACCOUNT);
        assert_eq!(key.name(), "connection:K_cEruNkb8bY0XfqNYz_y0z6LFHOt12g9dDd5ZcYhSY");
        assert_eq!(key.place(), ["subject:dev:alice", "docs", "1"]);
        assert_eq!(ConnectionKey::new(Owner::Gateway, "docs", "1").place(), ["gateway", "docs", "1"]);
        assert_eq!(ConnectionKey::of_login("id|7").place(), ["subject:id|7", ":login", "1"]);
    }
}
