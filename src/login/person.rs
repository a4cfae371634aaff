//! Who has signed in with an address: what an operator, who knows people by theirs, finds the subject by.
//!
//! Nothing is decided by it: an address may be handed to another person, and the login provider may never have verified
//! it. So an address can lead to several subjects, and none of them is taken for the other. Not here: where it is kept
//! (`flow::login::person`).

use serde::{Deserialize, Serialize};

use crate::secret::Digested;
use crate::time::{Lifetime, Timestamp};
use crate::version::V1;

/// How long it is kept after the last sign-in that was noted.
pub const KEPT: Lifetime = Lifetime::days(400);

/// How exactly the last sign-in is known: storage is not written for each.
const NOTED: Lifetime = Lifetime::days(30);

/// So many subjects of one address are remembered; the one that signed in least recently makes room.
const MOST_SUBJECTS: usize = 32;

/// Everybody of one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    v: V1,
    /// Those who signed in with it, the latest last.
    pub subjects: Vec<KnownPerson>,
    /// Whether there were more of them than are remembered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dropped: bool,
}

/// Somebody who signed in with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownPerson {
    /// Their id: what grants and connections belong to.
    pub subject: String,
    /// What the login called them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When they last signed in, give or take a month.
    pub at: Timestamp,
}

impl Person {
    /// Notes a sign-in, where storage does not know of it yet.
    pub fn noted(before: Option<Self>, subject: &str, name: Option<&str>, now: Timestamp) -> Option<Self> {
        let (mut subjects, dropped) = before.map(|before| (before.subjects, before.dropped)).unwrap_or_default();
        let same = |known: &&KnownPerson| known.subject == subject && known.name.as_deref() == name;
        if subjects.iter().find(same).is_some_and(|known| !(known.at + NOTED).reached(now)) {
            return None;
        }
        subjects.retain(|known| known.subject != subject);
        subjects.push(KnownPerson { subject: subject.to_owned(), name: name.map(ToOwned::to_owned), at: now });
        let surplus = subjects.len().saturating_sub(MOST_SUBJECTS);
        subjects.drain(..surplus);
        Some(Self { v: V1, subjects, dropped: dropped || surplus > 0 })
    }
}

/// An address as it is looked up: without spaces around it, and in small letters. Whoever runs a mailbox may tell them
/// apart by case, but hardly anybody does (RFC 5321 §2.4), and to show an operator one subject too many is better than
/// to hide one.
pub fn normal(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Where everybody of an address is kept. The address cannot be read from it.
pub fn key(email: &str) -> String {
    format!("person:{}", Digested::of(&normal(email)).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000);

    fn noted(before: Option<&Person>, subject: &str, name: &str, now: Timestamp) -> Option<Person> {
        Person::noted(before.cloned(), subject, Some(name), now)
    }

    #[test]
    fn the_stored_form_is_pinned() {
        let golden =
            r#"{"v":1,"subjects":[{"subject":"dev:alice","name":"Alice","at":1000},{"subject":"id|7","at":1000}]}"#;
        let person = noted(None, "dev:alice", "Alice", NOW);
        let person = Person::noted(person, "id|7", None, NOW).unwrap();
        assert_eq!(serde_json::to_string(&person).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Person>(golden).unwrap(), person);
        assert!(serde_json::from_str::<Person>(&golden.replace("\"v\":1", "\"v\":2")).is_err());
        assert_eq!(key("alice@example.com"), "person:_42YGfwOEr8NJIkuRZh-JJoo3Og2qFytYOKOqqjG2XY");
    }

    #[test]
    fn only_what_is_new_is_noted() {
        let first = noted(None, "dev:alice", "Alice", NOW).unwrap();
        assert_eq!(noted(Some(&first), "dev:alice", "Alice", NOW + Lifetime::days(29)), None);
        let later = noted(Some(&first), "dev:alice", "Alice", NOW + NOTED).unwrap();
        assert_eq!(later.subjects.len(), 1);
        let renamed = noted(Some(&first), "dev:alice", "Alice B.", NOW).unwrap();
        assert_eq!(renamed.subjects[0].name.as_deref(), Some("Alice B."));
    }

    #[test]
    fn an_address_may_have_been_several_peoples() {
        let both = noted(noted(None, "id|1", "Alice", NOW).as_ref(), "id|2", "Alice", NOW).unwrap();
        assert_eq!(both.subjects.len(), 2);
        let many = (0..100).fold(None, |person, n| noted(person.as_ref(), &format!("id|{n}"), "A", NOW));
        assert_eq!(many.unwrap().subjects.last().unwrap().subject, "id|99");
    }

    #[test]
    fn that_somebody_had_to_make_room_is_remembered() {
        let of = |count: u32| (0..count).fold(None, |person, n| noted(person.as_ref(), &format!("id|{n}"), "A", NOW));
        assert!(!of(32).unwrap().dropped);
        let more = of(33).unwrap();
        assert!(more.dropped && more.subjects.len() == 32 && more.subjects.iter().all(|known| known.subject != "id|0"));
        assert!(noted(Some(&more), "id|32", "B", NOW).unwrap().dropped, "and not forgotten");
        let golden = r#"{"v":1,"subjects":[{"subject":"id|7","at":1000}],"dropped":true}"#;
        let short = Person { subjects: Person::noted(None, "id|7", None, NOW).unwrap().subjects, ..more };
        assert_eq!(serde_json::to_string(&short).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Person>(golden).unwrap(), short);
    }

    #[test]
    fn an_address_is_found_however_it_is_written() {
        assert_eq!(key(" Alice@Example.COM "), key("alice@example.com"));
        assert_ne!(key("alice+work@example.com"), key("alice@example.com"));
        assert!(!key("alice@example.com").contains("alice"));
    }
}
