//! What is known of an agent. Whose it is and how it proves itself never change, and are read anywhere; what it may do
//! its sponsor can narrow, so that is asked of one place.
//!
//! Not here: verifying what it proves itself with.

use serde::{Deserialize, Serialize};

use super::{AgentError, AgentId};
use crate::json::tagged;
use crate::oauth::scope::ScopeSet;
use crate::time::Timestamp;
use crate::version::V1;

/// An agent as it is found by its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    v: V1,
    /// Its name.
    pub id: AgentId,
    /// The person who named it, and answers for it.
    pub sponsor: String,
    /// How it proves itself.
    pub proof: AgentProof,
    /// When it ends.
    pub expires: Timestamp,
}

tagged! { "proof",
    /// What proves an agent.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum AgentProof {
        /// An assertion that it signs itself.
        Keys {
            /// Its public keys, as a key set.
            jwks: String,
        },
        /// The word of an issuer of workloads.
        Workload {
            /// The issuer's alias.
            alias: String,
            /// What that alias stood for.
            issuer: String,
            /// Which workload of the issuer's it is.
            subject: String,
        },
    }
}

/// What a sponsor lets an agent do, as their account lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SponsoredAgent {
    /// Its id.
    pub id: AgentId,
    /// What its sponsor calls it.
    pub name: String,
    /// What it is known by, for people: a thumbprint of its key, or which workload it is.
    pub known_by: String,
    /// The servers it may call, by slug.
    pub servers: Vec<String>,
    /// The scopes that the operator defines, as far as it has them.
    pub scope: ScopeSet,
    /// The servers where it uses its sponsor's account.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<String>,
    /// When its sponsor had proved who they are.
    pub since: Timestamp,
    /// When it was named.
    pub at: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// The day of its last token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Timestamp>,
}

/// Who stands behind an agent's token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sponsor {
    /// The person.
    #[serde(rename = "sub")]
    pub subject: String,
    /// When they had proved who they are.
    #[serde(rename = "auth_time")]
    pub since: Timestamp,
    /// Whether their account at the server of the token is used.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lends: bool,
}

impl Agent {
    /// An agent of a person's.
    pub const fn new(id: AgentId, sponsor: String, proof: AgentProof, expires: Timestamp) -> Self {
        Self { v: V1, id, sponsor, proof, expires }
    }
}

impl Sponsor {
    /// Whether a token that they stand behind is good at a server, by whether it takes agents and is personal: an
    /// account of each person's own is used only where they lend it.
    pub const fn admit(&self, takes_agents: bool, is_personal: bool) -> Result<(), AgentError> {
        match () {
            () if !takes_agents => Err(AgentError::NotAccepted),
            () if is_personal && !self.lends => Err(AgentError::AccountNotLent),
            () => Ok(()),
        }
    }
}

impl SponsoredAgent {
    /// The scope of a token for a server: what is asked for and it has, and without a wish all that it has. `own` is
    /// what every agent has, `is_known` whether a scope still is one.
    pub fn grant(
        &self,
        slug: &str,
        is_personal: bool,
        asked: Option<&ScopeSet>,
        own: &ScopeSet,
        is_known: impl Fn(&str) -> bool,
    ) -> Result<ScopeSet, AgentError> {
        if !self.servers.iter().any(|server| server == slug) {
            return Err(AgentError::WrongServer);
        }
        if is_personal && !self.lends(slug) {
            return Err(AgentError::AccountNotLent);
        }
        let most = self.scope.filter(is_known).union(own);
        match asked.filter(|asked| !asked.is_empty()) {
            None => Ok(most),
            Some(asked) => {
                Some(most.intersection(asked)).filter(|scope| !scope.is_empty()).ok_or(AgentError::ScopeExceeded)
            }
        }
    }

    /// Whether it uses its sponsor's account at a server.
    pub fn lends(&self, slug: &str) -> bool {
        self.accounts.iter().any(|server| server == slug)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent() -> SponsoredAgent {
        SponsoredAgent {
            id: AgentId::new([1; 16]),
            name: "Reporter".to_owned(),
            known_by: "key x".to_owned(),
            servers: vec!["docs".to_owned(), "mail".to_owned()],
            scope: ScopeSet::of(&["read", "gone"]),
            accounts: vec!["mail".to_owned()],
            since: Timestamp(900),
            at: Timestamp(1000),
            expires: Timestamp(2000),
            used: None,
        }
    }

    #[test]
    fn what_is_found_stays_readable() {
        let keys = AgentProof::Keys { jwks: r#"{"keys":[]}"#.to_owned() };
        let workload = AgentProof::Workload {
            alias: "ci".to_owned(),
            issuer: "https://ci.example".to_owned(),
            subject: "repo:acme/app".to_owned(),
        };
        for (proof, golden) in [
            (
                keys,
                r#"{"v":1,"id":"AQEBAQEBAQEBAQEBAQEBAQ","sponsor":"dev:alice","proof":{"proof":"keys","jwks":"{\"keys\":[]}"},"expires":2000}"#,
            ),
            (
                workload,
                r#"{"v":1,"id":"AQEBAQEBAQEBAQEBAQEBAQ","sponsor":"dev:alice","proof":{"proof":"workload","alias":"ci","issuer":"https://ci.example","subject":"repo:acme/app"},"expires":2000}"#,
            ),
        ] {
            let record = Agent::new(AgentId::new([1; 16]), "dev:alice".to_owned(), proof, Timestamp(2000));
            assert_eq!(serde_json::to_string(&record).unwrap(), golden);
            assert_eq!(serde_json::from_str::<Agent>(golden).unwrap(), record);
        }
    }

    #[test]
    fn an_agent_gets_no_more_than_its_sponsor_gave_it() {
        let own = ScopeSet::of(&[ScopeSet::TOOLS]);
        let grant = |slug, is_personal, asked: Option<&str>| {
            let asked = asked.map(|asked| ScopeSet::parse(asked).unwrap());
            let scope = agent().grant(slug, is_personal, asked.as_ref(), &own, |scope| scope != "gone");
            scope.map(|scope| scope.to_string())
        };
        assert_eq!(grant("docs", false, None), Ok("mcp:tools read".to_owned()));
        assert_eq!(grant("docs", false, Some("mcp:tools write")), Ok("mcp:tools".to_owned()));
        assert_eq!(grant("docs", false, Some("write gone")), Err(AgentError::ScopeExceeded));
        assert_eq!(grant("docs", true, None), Err(AgentError::AccountNotLent));
        assert_eq!(grant("mail", true, Some("read")), Ok("read".to_owned()));
        assert_eq!(grant("other", false, None), Err(AgentError::WrongServer));
    }
}
