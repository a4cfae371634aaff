//! A person's API keys on the connections page, and the form that makes one.
//!
//! Not here: the page around them (`connections`).

use super::day;
use super::text::short;
use crate::time::Timestamp;

/// The keys there are, and what another can be made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeysCard {
    /// Oldest first.
    pub keys: Vec<KeyEntry>,
    /// What another can be made for; none where no server takes any.
    pub offer: Option<KeyOffer>,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEntry {
    /// Its id, posted back as the field `key`.
    pub id: String,
    /// What the person calls it.
    pub name: String,
    /// The names of the servers it is for; without them every one.
    pub servers: Option<Vec<String>>,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was made.
    pub since: Timestamp,
    /// When it ends.
    pub until: Timestamp,
    /// Whether it has ended.
    pub has_expired: bool,
    /// The day of its last use, and the network that came from.
    pub used: Option<(Timestamp, Option<String>)>,
}

/// What a key can be made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyOffer {
    /// The servers that take keys.
    pub servers: Vec<FormChoice>,
    /// The scopes that a key may have beside what every key has.
    pub scopes: Vec<FormChoice>,
    /// How long it may last.
    pub lifetimes: Vec<FormChoice>,
    /// Which of them is chosen unless another is.
    pub suggested: &'static str,
}

/// A server, by slug and name; a scope, by name and what it allows; or a number of days, as people say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormChoice {
    /// Part of the field's name, see [`server_choice`] and [`choice`](super::choice), or the value of the field `days`.
    pub name: String,
    /// What people read.
    pub title: String,
}

/// A key that was just made. No `Debug`: it is shown once, and nowhere else.
pub struct MadeKey {
    /// What the person calls it.
    pub name: String,
    /// The key.
    pub text: String,
}

/// The name of the field that chooses a server.
pub fn server_choice(slug: &str) -> String {
    format!("server:{slug}")
}

impl KeyEntry {
    pub(super) fn places(&self) -> String {
        match &self.servers {
            None => "Every server".to_owned(),
            Some(servers) => servers.iter().map(|name| short(name)).collect::<Vec<_>>().join(", "),
        }
    }

    /// Its days, in one line.
    pub(super) fn days(&self) -> String {
        let ends = if self.has_expired { "expired" } else { "good until" };
        let made = format!("Made {}, {ends} {}", day::of(self.since), day::of(self.until));
        match &self.used {
            None => format!("{made}, never used"),
            Some((at, None)) => format!("{made}, last used {}", day::of(*at)),
            Some((at, Some(from))) => format!("{made}, last used {} from {from}", day::of(*at)),
        }
    }
}
