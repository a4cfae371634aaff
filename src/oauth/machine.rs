//! Clients that are programs and act for no person: what the operator lets one have by `client_credentials` (RFC 6749
//! §4.4).
//!
//! Not here: its proof (`oauth::client`), and where it is written (`config::machine`).

use super::error::ErrorCode;
use super::scope::ScopeSet;
use crate::reasons::reasons;

/// The subjects of machines.
const MACHINES: &str = "machine:";

/// What a machine may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The slugs of the servers it may call.
    pub servers: Vec<String>,
    /// The most scope its tokens may have.
    pub scope: ScopeSet,
    /// Its roles.
    pub roles: Vec<String>,
}

impl Machine {
    /// Whether what a token says is still what the operator lets its client have; `None` is a client that is none any
    /// more.
    pub fn admit(
        machine: Option<&Self>,
        slug: &str,
        personal: bool,
        scope: &ScopeSet,
        roles: &[String],
    ) -> Result<(), MachineError> {
        let machine = machine.ok_or(MachineError::NotAllowed)?;
        if !roles.iter().all(|role| machine.roles.contains(role)) {
            return Err(MachineError::ScopeExceeded);
        }
        machine.grant(slug, personal, Some(scope)).map(drop)
    }

    /// The scope of a token for a server: what was asked for, or all that it may have.
    pub fn grant(&self, slug: &str, personal: bool, asked: Option<&ScopeSet>) -> Result<ScopeSet, MachineError> {
        if !self.servers.iter().any(|server| server == slug) {
            return Err(MachineError::WrongServer);
        }
        if personal {
            return Err(MachineError::NeedsPerson);
        }
        match asked {
            Some(asked) if !asked.is_subset(&self.scope) => Err(MachineError::ScopeExceeded),
            Some(asked) if !asked.is_empty() => Ok(asked.clone()),
            _ => Ok(self.scope.clone()),
        }
    }
}

/// The subject that a machine acts as: itself (RFC 9068 §2.2).
pub fn subject(client_id: &str) -> String {
    format!("{MACHINES}{client_id}")
}

/// The client whose subject it is, if it is a machine's.
pub fn client_of(subject: &str) -> Option<&str> {
    subject.strip_prefix(MACHINES)
}

/// Why a machine gets no token, or its token is good no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MachineError {
    /// It has what was given to it for a person, when it was another client.
    ActsForNobody,
    /// The operator did not set it up for this grant.
    NotAllowed,
    /// A server that it may not call, or none.
    WrongServer,
    /// The server wants an account of each person's own.
    NeedsPerson,
    /// More than it may have.
    ScopeExceeded,
}

impl MachineError {
    /// The code to answer a token request with.
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::ActsForNobody | Self::NotAllowed => ErrorCode::UnauthorizedClient,
            Self::WrongServer | Self::NeedsPerson => ErrorCode::InvalidTarget,
            Self::ScopeExceeded => ErrorCode::InvalidScope,
        }
    }

    /// What to do about it.
    pub const fn fix(self) -> &'static str {
        match self {
            Self::ActsForNobody => "Ask for tokens with client_credentials.",
            Self::NotAllowed => "The operator sets programs up as clients.preregistered, with \"machine\".",
            Self::WrongServer => "Name one of its servers as the resource, or ask the operator to add this one.",
            Self::NeedsPerson => {
                "Let a person authorize a client for this server. Where everybody may share one account, the operator \
                 can configure the server so."
            }
            Self::ScopeExceeded => "Ask for a new token, with no more than the operator lets the client have.",
        }
    }
}

reasons! { MachineError:
    ActsForNobody => "machine_acts_for_nobody", "this client is a program of its own, and acts for no person any more";
    NotAllowed => "machine_not_allowed", "this client may not use client_credentials";
    WrongServer => "machine_wrong_server", "this client may not call that server without a person";
    NeedsPerson => "machine_needs_person", "this server wants a person's own account, and a machine has none";
    ScopeExceeded => "machine_scope_exceeded", "this client may not have that much scope, or such roles";
}

impl std::error::Error for MachineError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_gets_no_more_than_it_was_given() {
        let machine =
            Machine { servers: vec!["docs".to_owned()], scope: ScopeSet::of(&["mcp:tools", "read"]), roles: vec![] };
        let read = ScopeSet::of(&["read"]);
        assert_eq!(machine.grant("docs", false, None), Ok(machine.scope.clone()));
        assert_eq!(machine.grant("docs", false, Some(&ScopeSet::default())), Ok(machine.scope.clone()));
        assert_eq!(machine.grant("docs", false, Some(&read)), Ok(read));
        let write = ScopeSet::of(&["read", "write"]);
        assert_eq!(machine.grant("docs", false, Some(&write)), Err(MachineError::ScopeExceeded));
        assert_eq!(machine.grant("docs", true, None), Err(MachineError::NeedsPerson));
        assert_eq!(machine.grant("mail", false, None), Err(MachineError::WrongServer));
    }
}
