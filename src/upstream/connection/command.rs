//! What a connection can be told and what it answers. Both travel as JSON between the Worker and the object, and during
//! a deploy between old and new code: a changed field is a changed interface.
//!
//! Not here: what happens (`record`).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::json::tagged;
use crate::secret::Digested;
use crate::time::Timestamp;

tagged! { "command",
    /// An order to a connection.
    #[derive(Clone, PartialEq, Eq)]
    pub enum Command {
        /// What is there?
        Read,
        /// The callback of an authorization: its `state` is good once.
        Claim {
            /// The digest of the `state`.
            attempt: Digested,
            /// When the `state` expires.
            until: Timestamp,
        },
        /// Was this `state`, or this link, used already?
        Recall {
            /// Its digest.
            attempt: Digested,
        },
        /// A person connected. Whatever was there, and whoever refreshes it, is out of date.
        Store {
            /// The credential, sealed to this connection.
            sealed: String,
        },
        /// May I refresh?
        Lease {
            /// The generation that is no longer good; 0 where the asker knows of none.
            seen: u64,
            /// A random name of this attempt. Asking again under the same name is the same lease.
            holder: String,
            /// Whether there need be no credential to begin with: the gateway's own account at a server.
            from_nothing: bool,
        },
        /// The holder has a new credential.
        Finish {
            /// The generation that was leased.
            generation: u64,
            /// The credential, sealed to this connection.
            sealed: String,
        },
        /// The holder has none.
        Fail {
            /// Who.
            holder: String,
            /// The generation that was leased.
            generation: u64,
            /// Why.
            why: Reason,
        },
        /// The person disconnects.
        Drop,
    }
}

tagged! { "reason",
    /// Why a refresh brought no credential.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Reason {
        /// The upstream will never refresh this again.
        Dead {
            /// How it is known.
            death: Death,
        },
        /// The upstream refused for a reason that may pass, or may not. Refused several times running, it is dead.
        Refused,
        /// It may work later.
        Temporary {
            /// Not before this moment, where the upstream said so.
            retry_at: Option<Timestamp>,
        },
    }
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Death {
    /// The upstream says that the grant is not good any more (RFC 6749 §5.2, `invalid_grant`).
    Revoked,
    /// The access token ended, and there never was a refresh token.
    Expired,
    /// The upstream kept refusing.
    Refused,
    /// The upstream does not know the client any more that the grant was made for.
    ClientGone,
}

/// Names the command only: what is sealed is long, and whose it is stands beside it in no log.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "Read",
            Self::Claim { .. } => "Claim",
            Self::Recall { .. } => "Recall",
            Self::Store { .. } => "Store",
            Self::Lease { .. } => "Lease",
            Self::Finish { .. } => "Finish",
            Self::Fail { .. } => "Fail",
            Self::Drop => "Drop",
        })
    }
}

tagged! { "outcome",
    /// What a connection answers.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Outcome {
        /// There is no credential.
        Absent,
        /// This is the credential; to who asked for a lease: another one than they had seen.
        Live {
            /// Which.
            generation: u64,
            /// The credential.
            sealed: String,
        },
        /// The upstream ended it, and a person must connect again.
        Dead {
            /// Which.
            generation: u64,
            /// How.
            death: Death,
            /// The credential that is dead. Of use is only what had been asked for.
            sealed: Option<String>,
        },
        /// The asker refreshes now.
        Leased {
            /// What is refreshed, to be named when it is done.
            generation: u64,
            /// The credential, unless there is none yet.
            sealed: Option<String>,
        },
        /// Somebody else refreshes, until this moment at the longest.
        Wait {
            /// When the lease ends.
            until: Timestamp,
        },
        /// The upstream failed a moment ago and is left alone for now.
        BackingOff {
            /// When to ask again.
            retry_at: Timestamp,
        },
        /// The credential is stored.
        Stored {
            /// As which.
            generation: u64,
        },
        /// The `state` is used now.
        Claimed,
        /// The `state` was used before.
        AlreadyUsed,
        /// The `state` was not used yet.
        Unused,
        /// Nothing is left.
        Dropped {
            /// What was, so that the upstream can be told.
            sealed: Option<String>,
        },
    }
}
