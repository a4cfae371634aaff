//! What an issuer can be told and what it answers. Both travel as JSON between the Worker and the object, and during a
//! deploy between old and new code: a changed field is a changed interface.
//!
//! Not here: what happens (`record`).

use std::fmt;

use crate::json::tagged;
use crate::time::Timestamp;

tagged! { "command",
    /// An order to an issuer.
    #[derive(Clone, PartialEq, Eq)]
    pub enum Command {
        /// The registration with this number, retired or not: an authorization that began with it ends with it.
        Get {
            /// Its number.
            generation: u64,
        },
        /// The registration for this redirect URI, or leave to register.
        Lease {
            /// Where answers come back to: another public origin needs another registration.
            redirect_uri: String,
            /// A random name of this attempt. Asking again under the same name is the same lease.
            holder: String,
        },
        /// The authorization server registered us.
        Finish {
            /// For which redirect URI.
            redirect_uri: String,
            /// The registration, sealed to the issuer.
            sealed: String,
        },
        /// The authorization server did not.
        Fail {
            /// Who tried.
            holder: String,
        },
        /// The authorization server does not know this registration any more.
        Retire {
            /// Its number.
            generation: u64,
        },
        /// Somebody who was sent off with this registration came back without an answer: perhaps the authorization
        /// server does not know it any more. Anybody can make this up.
        Abandon {
            /// Its number.
            generation: u64,
        },
        /// The authorization server has just issued a token to this registration.
        Proven {
            /// Its number.
            generation: u64,
        },
    }
}

/// Names the command only: what is sealed is long.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Get { .. } => "Get",
            Self::Lease { .. } => "Lease",
            Self::Finish { .. } => "Finish",
            Self::Fail { .. } => "Fail",
            Self::Retire { .. } => "Retire",
            Self::Abandon { .. } => "Abandon",
            Self::Proven { .. } => "Proven",
        })
    }
}

tagged! { "outcome",
    /// What an issuer answers.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Outcome {
        /// The registration.
        Registered {
            /// Its number.
            generation: u64,
            /// The registration, sealed to the issuer.
            sealed: String,
        },
        /// The asker registers now.
        Leased,
        /// Somebody else registers, until this moment at the longest.
        Wait {
            /// When the lease ends.
            until: Timestamp,
        },
        /// No registration has this number.
        Unknown,
        /// Done.
        Noted,
    }
}
