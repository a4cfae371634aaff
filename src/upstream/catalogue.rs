//! Whose catalogue of which server: the names its parts are kept under, and the places they are sealed to.
//!
//! Not here: what is in it (`mcp::catalogue`), or who may see it.

use super::key::ConnectionKey;
use crate::secret::Digested;

/// The catalogue of a server as one account sees it, for as long as the server is what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueKey {
    account: ConnectionKey,
    binding: Digested,
}

impl CatalogueKey {
    /// Of an account at a server that is bound so.
    pub const fn new(account: ConnectionKey, binding: Digested) -> Self {
        Self { account, binding }
    }

    /// Whose.
    pub const fn account(&self) -> &ConnectionKey {
        &self.account
    }

    /// The key of a part in the directory. It tells nobody whose it is.
    pub fn name(&self, part: &str) -> String {
        let text = format!("{}\n{}\n{part}", self.account.digest(), self.binding.as_str());
        format!("catalogue:{}", Digested::of(&text).as_str())
    }

    /// Where a part opens, and nowhere else.
    pub fn place<'a>(&'a self, part: &'a str) -> [&'a str; 5] {
        let [owner, slug, account] = self.account.place();
        [owner, slug, account, self.binding.as_str(), part]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::upstream::key::Owner;

    fn key(subject: &str, account: &str, binding: &str) -> CatalogueKey {
        let owner = Owner::Subject(subject.to_owned());
        CatalogueKey::new(ConnectionKey::new(owner, "docs", account), Digested::of(binding))
    }

    #[test]
    fn every_account_and_every_server_has_names_of_its_own() {
        let keys = [key("a", "1", "x"), key("b", "1", "x"), key("a", "2", "x"), key("a", "1", "y")];
        let names: BTreeSet<_> = keys.iter().flat_map(|key| [key.name("tools"), key.name("prompts")]).collect();
        assert_eq!(names.len(), 8);
        let places: BTreeSet<_> = keys.iter().map(|key| key.place("tools")).collect();
        assert_eq!(places.len(), 4);
    }

    #[test]
    fn a_name_stays_what_it_was() {
        assert_eq!(key("dev:alice", "1", "x").name("tools"), "catalogue:pd1-q5e3h3Dogx0saDL1TqwWGx9lVIEOFLthxPBWU8E");
    }
}
