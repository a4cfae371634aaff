//! The name of an agent: 128 random bits. It is no secret: it is shown, logged, the client id that the agent gives, and
//! the subject that it acts as.
//!
//! Not here: the randomness.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};

/// How the ids of agents begin. No login or issuer has it, so nobody else is one.
const AGENTS: &str = "agent:";

/// 16 bytes, as 22 characters of base64url.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AgentId(String);

impl AgentId {
    /// The id made of 16 random bytes.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(Base64UrlUnpadded::encode_string(&bytes))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its subject, which is its client id too.
    pub fn subject(&self) -> String {
        format!("{AGENTS}{}", self.0)
    }

    /// The agent whose subject or client id it is.
    pub fn of(subject: &str) -> Option<Self> {
        Self::try_from(subject.strip_prefix(AGENTS)?.to_owned()).ok()
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for AgentId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut bytes = [0; 16];
        match Base64UrlUnpadded::decode(&text, &mut bytes) {
            Ok(decoded) if decoded.len() == 16 => Ok(Self(text)),
            _ => Err("an agent id is 16 bytes as base64url"),
        }
    }
}

impl From<AgentId> for String {
    fn from(id: AgentId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling_and_is_a_subject() {
        let id = AgentId::new([0; 16]);
        assert_eq!(id.subject(), "agent:AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(AgentId::of(&id.subject()), Some(id));
        for other in ["agent:AAAAAAAAAAAAAAAAAAAAAB", "agent:", "agent:AAAA", "AAAAAAAAAAAAAAAAAAAAAA", "key:x"] {
            assert_eq!(AgentId::of(other), None, "{other}");
        }
    }
}
