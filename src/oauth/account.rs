//! A subject's account: which clients the person consented to before. A pure state machine, run by the subject's object.
//!
//! Not here: whether consent is remembered at all (the operator's consent policy), and the grants themselves (`grant`).

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::oauth::scope::ScopeSet;
use crate::time::{Lifetime, Timestamp};
use crate::version::V1;

/// How long consents are kept after the last one was given.
const KEPT: Lifetime = Lifetime::days(400);

/// How many consents are remembered for one subject; the oldest makes room.
const MOST_CONSENTS: usize = 256;

/// An order to an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// The subject consented.
    Remember {
        /// What to ([`consent_key`]).
        consent: String,
        /// When.
        at: Timestamp,
    },
    /// Has the subject consented to this before?
    Recall {
        /// What to ([`consent_key`]).
        consent: String,
    },
}

/// What an account answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The consent stands.
    Remembered,
    /// Whether it had been given.
    Recalled {
        /// It had.
        given: bool,
    },
}

/// What an object knows about its subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    v: V1,
    /// Oldest first.
    consents: Vec<Consent>,
}

impl Record {
    /// When to forget it: long after the last consent.
    pub fn expires(&self) -> Timestamp {
        let last = self.consents.iter().map(|consent| consent.at).max();
        last.unwrap_or(Timestamp(0)) + KEPT
    }
}

/// Applies a command. The record that comes back replaces the one that went in; `None` leaves nothing to keep.
pub fn apply(record: Option<Record>, command: Command, _now: Timestamp) -> (Option<Record>, Outcome) {
    let mut consents = record.map(|record| record.consents).unwrap_or_default();
    let outcome = match command {
        Command::Remember { consent, at } => {
            consents.retain(|other| other.key != consent);
            consents.push(Consent { key: consent, at });
            let surplus = consents.len().saturating_sub(MOST_CONSENTS);
            consents.drain(..surplus);
            Outcome::Remembered
        }
        Command::Recall { consent } => Outcome::Recalled { given: consents.iter().any(|other| other.key == consent) },
    };
    ((!consents.is_empty()).then_some(Record { v: V1, consents }), outcome)
}

/// The name of a consent. Whatever the person saw on the consent page is in it, so that a change of any of it asks again.
pub fn consent_key(
    client_id: &str,
    redirect_uri: &str,
    scope: &ScopeSet,
    resource: &str,
    client_fingerprint: &str,
) -> String {
    let mut hash = Sha256::new();
    for part in [client_id, redirect_uri, &scope.to_string(), resource, client_fingerprint] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    Base64UrlUnpadded::encode_string(&hash.finalize())
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Consent {
    key: String,
    at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000);

    fn remember(record: Option<Record>, consent: &str) -> Option<Record> {
        apply(record, Command::Remember { consent: consent.to_owned(), at: NOW }, NOW).0
    }

    fn given(record: Option<Record>, consent: &str) -> bool {
        apply(record, Command::Recall { consent: consent.to_owned() }, NOW).1 == Outcome::Recalled { given: true }
    }

    #[test]
    fn a_consent_stands_for_itself_alone() {
        let record = remember(None, "a");
        assert!(given(record.clone(), "a"));
        assert!(!given(record, "b"));
        assert!(!given(None, "a"));
    }

    #[test]
    fn the_oldest_consent_makes_room_and_a_renewed_one_is_not_old() {
        let record = (0..MOST_CONSENTS).fold(None, |record, n| remember(record, &n.to_string()));
        let record = remember(remember(record, "0"), "new");
        assert!(given(record.clone(), "0"));
        assert!(!given(record.clone(), "1"));
        assert!(given(record.clone(), "new"));
        assert_eq!(record.unwrap().consents.len(), MOST_CONSENTS);
    }

    #[test]
    fn every_part_of_what_was_shown_is_in_the_key() {
        let scope = ScopeSet::parse("mcp:tools").unwrap();
        let wider = ScopeSet::parse("mcp:tools offline_access").unwrap();
        let keys = [
            consent_key("client", "https://a/cb", &scope, "https://gw/docs", "f"),
            consent_key("clien", "thttps://a/cb", &scope, "https://gw/docs", "f"),
            consent_key("client", "https://b/cb", &scope, "https://gw/docs", "f"),
            consent_key("client", "https://a/cb", &wider, "https://gw/docs", "f"),
            consent_key("client", "https://a/cb", &scope, "https://gw/mail", "f"),
            consent_key("client", "https://a/cb", &scope, "https://gw/docs", "g"),
        ];
        assert_eq!(keys.iter().collect::<std::collections::BTreeSet<_>>().len(), keys.len());
        assert_eq!(keys[0], consent_key("client", "https://a/cb", &scope, "https://gw/docs", "f"));
    }

    #[test]
    fn what_is_at_rest_and_on_the_wire_keeps_its_form() {
        let golden = r#"{"v":1,"consents":[{"key":"a","at":1000}]}"#;
        let record = remember(None, "a").unwrap();
        assert_eq!(serde_json::to_string(&record).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Record>(golden).unwrap(), record);
        assert!(serde_json::from_str::<Record>(r#"{"v":2,"consents":[]}"#).is_err());
        let commands = [
            (
                Command::Remember { consent: "a".to_owned(), at: NOW },
                r#"{"command":"remember","consent":"a","at":1000}"#,
            ),
            (Command::Recall { consent: "a".to_owned() }, r#"{"command":"recall","consent":"a"}"#),
        ];
        for (command, golden) in commands {
            assert_eq!(serde_json::to_string(&command).unwrap(), golden);
            assert_eq!(serde_json::from_str::<Command>(golden).unwrap(), command);
        }
        let outcome = serde_json::to_string(&Outcome::Recalled { given: true }).unwrap();
        assert_eq!(outcome, r#"{"outcome":"recalled","given":true}"#);
    }
}
