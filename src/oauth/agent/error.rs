//! Why an agent gets no token, or may not call with the one it has.
//!
//! Not here: what an assertion must say (`oauth::client::assertion`, `oauth::external::assertion`).

use crate::oauth::error::ErrorCode;
use crate::reasons::reasons;

/// What keeps an agent out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentError {
    /// Nothing is known of it.
    Unknown,
    /// It was ended, or everything of its sponsor's.
    Ended,
    /// Its time is over.
    Expired,
    /// The assertion is of another workload than it.
    WrongWorkload,
    /// The issuer whose word it comes by is not configured any more as it was.
    IssuerChanged,
    /// A server that takes no agents.
    NotAccepted,
    /// A server that its sponsor did not name, or none.
    WrongServer,
    /// No scope that is asked for is its own.
    ScopeExceeded,
    /// The server wants a person's account, and the sponsor did not lend theirs.
    AccountNotLent,
    /// The sponsor lent an account that is not connected.
    SponsorNotConnected,
}

impl AgentError {
    /// The code to answer a token request with, where the assertion proves the client (RFC 6749 §5.2).
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Unknown | Self::Ended | Self::Expired | Self::WrongWorkload | Self::IssuerChanged => {
                ErrorCode::InvalidClient
            }
            Self::NotAccepted | Self::WrongServer | Self::AccountNotLent | Self::SponsorNotConnected => {
                ErrorCode::InvalidTarget
            }
            Self::ScopeExceeded => ErrorCode::InvalidScope,
        }
    }
}

reasons! { AgentError:
    Unknown => "agent_unknown", "no agent of this id is known here";
    Ended => "agent_ended", "the agent was ended, or everything of its sponsor's";
    Expired => "agent_expired", "the time that its sponsor gave the agent is over";
    WrongWorkload => "agent_wrong_workload", "the assertion is about another workload than the agent";
    IssuerChanged => "agent_issuer_changed", "the issuer whose word the agent comes by is not configured as it was";
    NotAccepted => "agent_not_accepted", "this server takes no agents";
    WrongServer => "agent_wrong_server", "the agent's sponsor did not name this server for it";
    ScopeExceeded => "agent_scope_exceeded", "the agent has none of the scopes that are asked for";
    AccountNotLent => "agent_account_not_lent",
        "this server is called with a person's own account, and the agent's sponsor does not let it use theirs";
    SponsorNotConnected => "agent_sponsor_not_connected",
        "the agent uses its sponsor's account at this server, and that is not connected";
}

impl std::error::Error for AgentError {}
