//! Who must act.
//!
//! Not here: what has to be done (`failure`).

/// Who must act for it to go away. Also the failure's origin in logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The client or the person at it.
    Client,
    /// The server behind the gateway, or the login.
    Upstream,
    /// Who configures or deploys the gateway.
    Operator,
    /// The gateway itself.
    Gateway,
}

impl Blame {
    /// As it stands in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Upstream => "upstream",
            Self::Operator => "operator",
            Self::Gateway => "gateway",
        }
    }
}
