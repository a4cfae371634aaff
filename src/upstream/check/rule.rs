//! What a finding is made of: how bad it is, who must act, by which rule, and what to do.
//!
//! Not here: the table of them (`rules`).

use serde::Serialize;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// Connecting, or a call, fails.
    Fault,
    /// It works, and may not for long, or not for everything.
    Warning,
}

/// Who must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The operator of this gateway.
    Operator,
    /// Whoever runs the server behind it.
    Server,
    /// Whoever runs that server's authorization server.
    Issuer,
    /// Whoever connected the account.
    Person,
}

impl Actor {
    /// In words.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Operator => "this gateway's operator",
            Self::Server => "whoever runs the server",
            Self::Issuer => "whoever runs its authorization server",
            Self::Person => "whoever connected the account",
        }
    }
}

/// One kind of finding.
#[derive(Debug)]
pub struct FindingRule {
    /// Its stable id.
    pub id: &'static str,
    /// How bad it is.
    pub weight: Weight,
    /// What is wrong.
    pub says: &'static str,
    /// What has to be so.
    pub rule: &'static str,
    /// Where that is written.
    pub source: &'static str,
    /// Who must act.
    pub who: Actor,
    /// What to do; `{slug}` is the server's.
    pub fix: &'static str,
}

pub(super) const fn fault(id: &'static str, who: Actor, texts: [&'static str; 4]) -> FindingRule {
    let [says, rule, source, fix] = texts;
    FindingRule { id, weight: Weight::Fault, says, rule, source, who, fix }
}

pub(super) const fn warning(id: &'static str, who: Actor, texts: [&'static str; 4]) -> FindingRule {
    FindingRule { weight: Weight::Warning, ..fault(id, who, texts) }
}

pub(super) const MCP: &str = "MCP 2025-11-25, authorization";
pub(super) const TRANSPORT: &str = "MCP 2025-11-25, transports";
