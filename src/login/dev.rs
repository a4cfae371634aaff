//! The development login: a person picks one of the configured accounts, no password asked.
//!
//! Not here: whether it may be served at all (`config` and `flow` confine it to a loopback origin), the page.

use super::Identity;

/// An account of the configuration.
#[derive(Debug, Clone, Copy)]
pub struct DevIdentity<'a> {
    /// Its name within the development login, such as `alice`.
    pub subject: &'a str,
    /// What pages call it.
    pub name: Option<&'a str>,
    /// Its address.
    pub email: Option<&'a str>,
}

/// The identity of the account a person chose, if there is one of that subject.
pub fn identity<'a>(accounts: impl IntoIterator<Item = DevIdentity<'a>>, chosen: &str) -> Option<Identity> {
    accounts.into_iter().find(|account| account.subject == chosen).map(|account| Identity {
        subject: format!("dev:{}", account.subject),
        name: account.name.map(str::to_owned),
        email: account.email.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configured_account_is_an_identity() {
        let accounts = ["alice", "bob"].map(|subject| DevIdentity { subject, name: Some("A Person"), email: None });
        let bob = identity(accounts, "bob").unwrap();
        assert_eq!(bob, Identity { subject: "dev:bob".into(), name: Some("A Person".into()), email: None });
        for stranger in ["", "Bob", "dev:bob", "carol"] {
            assert_eq!(identity(accounts, stranger), None, "{stranger}");
        }
    }
}
