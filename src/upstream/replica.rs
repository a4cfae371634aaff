//! A connection as the directory has it: near to every isolate, and always a little late.
//!
//! Not here: what it is when it matters (`connection`, in its object). A replica says only what a call can be tried
//! with.

use serde::{Deserialize, Serialize};

use crate::json;
use crate::version::V1;

/// The replica under [`super::key::ConnectionKey::name`]. Of what is dead or disconnected there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replica {
    v: V1,
    /// Which credential it is.
    pub generation: u64,
    /// The credential, sealed to its connection.
    pub sealed: String,
    /// The generation it replaces, where the object could not be told: whoever reads this tells it, and the object
    /// decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
}

impl Replica {
    /// Of what the object has.
    pub fn new(generation: u64, sealed: String) -> Self {
        Self { v: V1, generation, sealed, after: None }
    }

    /// Of what the object should have after `generation`.
    pub fn orphan(after: u64, sealed: String) -> Self {
        Self { v: V1, generation: after.saturating_add(1), sealed, after: Some(after) }
    }

    /// Reads one. What cannot be read is as good as none.
    pub fn parse(text: &str) -> Option<Self> {
        json::read(text.as_bytes()).ok()
    }

    /// As it is stored.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_keeps_its_form() {
        for (replica, golden) in [
            (Replica::new(3, "s".to_owned()), r#"{"v":1,"generation":3,"sealed":"s"}"#),
            (Replica::orphan(3, "s".to_owned()), r#"{"v":1,"generation":4,"sealed":"s","after":3}"#),
        ] {
            assert_eq!(replica.to_json(), golden);
            assert_eq!(Replica::parse(golden), Some(replica));
        }
        assert_eq!(Replica::parse(r#"{"v":2,"generation":3,"sealed":"s"}"#), None);
    }
}
