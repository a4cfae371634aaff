//! What a grant can be told and what it answers. Both travel as JSON between the Worker and the object, and during a
//! deploy between old and new code: a changed field is a changed interface.
//!
//! Not here: what happens (`record`).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::json::tagged;
use crate::oauth::pkce::S256Challenge;
use crate::oauth::scope::ScopeSet;
use crate::reasons::reasons;
use crate::secret::Digested;
use crate::time::{Lifetime, Timestamp};

/// What the subject allowed, fixed for the life of the grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// Who may use it.
    pub client_id: String,
    /// Who allowed it.
    pub subject: String,
    /// Where the code was sent.
    pub redirect_uri: String,
    /// How much.
    pub scope: ScopeSet,
    /// The canonical resource URL, which becomes `aud`.
    pub resource: String,
    /// The server behind the resource.
    pub slug: String,
    /// What the redeemer must know (RFC 7636).
    pub challenge: S256Challenge,
    /// Which of the subject's accounts at the server; `None` is the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// When the session began in which it was allowed: what ends the session's right ends the grant. Grants made before
    /// this was written down are older than any revocation of their subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_in: Option<Timestamp>,
    /// The key that its code is for (RFC 9449 §10), and then the one that a public client's refresh tokens are for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jkt: Option<String>,
    /// Whether no access token comes of it without a proof of possession.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_proof: bool,
    /// Whether the client had a secret or keys: nobody gets it who only says to be that client.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub confidential: bool,
}

tagged! { "command",
    /// An order to a grant.
    #[derive(Clone)]
    pub enum Command {
        /// The subject consented. One winner for each grant id: a consent form is good for one answer.
        Open {
            /// What was allowed.
            granted: Granted,
            /// The code that was sent to the client.
            code: Digested,
            /// When the code stops being good.
            code_expires: Timestamp,
        },
        /// The subject consented, and connects the server before the client gets its code. Uses the consent form up.
        Hold {
            /// The client's request, sealed: what `Open` will be made of.
            sealed: String,
            /// Who consented.
            subject: String,
            /// When it is too late to open it.
            until: Timestamp,
        },
        /// What is held?
        Peek,
        /// The subject refused, which uses the consent form up as well.
        Refuse {
            /// When the form would have expired.
            until: Timestamp,
        },
        /// What may it do? An operator asks.
        Show,
        /// Would a refresh token be good now? Whoever asks does not use it (RFC 7662).
        Inspect {
            /// The refresh token. Its tag was checked: we issued it.
            presented: Digested,
            /// How long what was granted may be refreshed since its sign-in.
            refresh_max: Lifetime,
        },
        /// `grant_type=authorization_code`.
        Redeem(Redeem),
        /// `grant_type=refresh_token`.
        Rotate(Rotate),
        /// RFC 7009, or a person's or the operator's wish.
        Revoke {
            /// The client that asks, which must own the grant; `None` revokes whoever owns it.
            client_id: Option<String>,
            /// Whether it did not prove that it is itself.
            #[serde(default, skip_serializing_if = "std::ops::Not::not")]
            is_public: bool,
        },
    }
}

/// A code and everything that must fit it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Redeem {
    /// The code.
    pub code: Digested,
    /// The authenticated client.
    pub client_id: String,
    /// Compared only when sent: OAuth 2.1 dropped it, OAuth 2.0 clients send it.
    pub redirect_uri: Option<String>,
    /// The PKCE verifier.
    pub verifier: Option<String>,
    /// RFC 8707 `resource`, when sent.
    pub resource: Option<String>,
    /// The first refresh token, should the grant have one.
    pub refresh: Digested,
    /// When it expires.
    pub refresh_expires: Timestamp,
    /// How long what was granted may be refreshed since its sign-in, whenever it was last used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_max: Option<Lifetime>,
    /// When the access token of this answer expires.
    pub access_expires: Timestamp,
    /// The key that was proven to be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jkt: Option<String>,
    /// Whether the client proves nothing itself, so that its refresh tokens are for that key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_public: bool,
}

/// A refresh token and the successor that replaces it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Rotate {
    /// The refresh token that was presented. Its tag was checked: we issued it.
    pub presented: Digested,
    /// The authenticated client.
    pub client_id: String,
    /// A narrower scope for this access token.
    pub scope: Option<ScopeSet>,
    /// RFC 8707 `resource`, when sent.
    pub resource: Option<String>,
    /// The next refresh token.
    pub successor: Digested,
    /// The same, readable only with the presented one (`vault::seal_successor`).
    pub sealed_successor: String,
    /// When the successor expires.
    pub refresh_expires: Timestamp,
    /// How long what was granted may be refreshed since its sign-in, whenever it was last used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_max: Option<Lifetime>,
    /// When the access token of this answer expires.
    pub access_expires: Timestamp,
    /// The key that was proven to be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jkt: Option<String>,
    /// Whether the client proves nothing itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_public: bool,
}

/// Names the command only: it carries a verifier.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open { .. } => "Open",
            Self::Hold { .. } => "Hold",
            Self::Peek => "Peek",
            Self::Refuse { .. } => "Refuse",
            Self::Redeem(_) => "Redeem",
            Self::Rotate(_) => "Rotate",
            Self::Show => "Show",
            Self::Inspect { .. } => "Inspect",
            Self::Revoke { .. } => "Revoke",
        })
    }
}

tagged! { "outcome",
    /// What a grant answers.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Outcome {
        /// The code is good now.
        Opened,
        /// The request waits for `Open`.
        Held,
        /// What is held.
        Peeked {
            /// The client's request, sealed.
            sealed: String,
            /// Who consented.
            subject: String,
        },
        /// What it may do.
        Shown {
            /// The scope that was granted.
            scope: ScopeSet,
            /// Whose it is. Objects of older releases do not say.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            subject: Option<String>,
        },
        /// The refresh token would be good.
        Inspected {
            /// What it is good for.
            granted: Granted,
            /// Until when.
            until: Timestamp,
        },
        /// The consent form had been answered before, or what was held is gone.
        AlreadyUsed,
        /// The form is used up.
        Refused,
        /// The code was good; it is not any more.
        Redeemed {
            /// What to put into the access token.
            granted: Granted,
            /// Whether `offline_access` was granted, so that the refresh token is good.
            refresh: bool,
        },
        /// The successor is the current refresh token now.
        Rotated {
            /// What to put into the access token.
            granted: Granted,
            /// The scope of this access token.
            scope: ScopeSet,
        },
        /// The presented token was replaced moments ago: hand the same successor out again.
        Replayed {
            /// What to put into the access token.
            granted: Granted,
            /// The scope of this access token.
            scope: ScopeSet,
            /// The successor, to be opened with the presented token.
            sealed_successor: String,
        },
        /// No token of the family is good any more.
        Revoked {
            /// When the last of its access tokens would have expired.
            until: Timestamp,
        },
        /// The command did not fit.
        Rejected {
            /// Why.
            why: Rejection,
            /// Set when the family is dead, by this very command or before: when the last of its access tokens would
            /// have expired. Whoever killed it may have failed to say so everywhere.
            revoked_until: Option<Timestamp>,
        },
    }
}

/// Why a command did not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    /// No such code, refresh token or grant.
    Unknown,
    /// The code was not redeemed in time.
    CodeExpired,
    /// The code was redeemed before (OAuth 2.1 §4.1.3).
    CodeUsed,
    /// Another client's.
    WrongClient,
    /// Not where the code was sent.
    WrongRedirectUri,
    /// Does not hash to the challenge.
    WrongVerifier,
    /// There is a challenge, so there must be a verifier.
    MissingVerifier,
    /// Not the resource that was granted (RFC 8707 §2.2).
    WrongResource,
    /// More than was granted.
    ScopeExceeded,
    /// Not used for too long.
    RefreshExpired,
    /// The sign-in that it began with is too long ago.
    RefreshEnded,
    /// A refresh token that was replaced before (OAuth 2.1 §4.3.1).
    RefreshReused,
    /// The grant is revoked.
    Revoked,
    /// No proof of possession.
    MissingProof,
    /// A proof of another key.
    WrongKey,
    /// The client did not prove that it is itself.
    UnprovenClient,
}

reasons! { Rejection:
    Unknown => "grant_unknown", "the code or refresh token is not one of this gateway's";
    CodeExpired => "code_expired", "the code was not redeemed in time";
    CodeUsed => "code_used", "the code was redeemed before, so everything issued for it was revoked";
    WrongClient => "grant_wrong_client", "the code or refresh token belongs to another client";
    WrongRedirectUri => "code_wrong_redirect_uri", "redirect_uri is not the one the code was sent to";
    WrongVerifier => "code_wrong_verifier", "code_verifier does not fit the code_challenge";
    MissingVerifier => "code_missing_verifier", "code_verifier is missing";
    WrongResource => "grant_wrong_resource", "resource is not the one that was granted";
    ScopeExceeded => "grant_scope_exceeded", "scope is more than was granted";
    RefreshExpired => "refresh_expired", "the refresh token expired";
    RefreshEnded => "refresh_ended",
        "what was granted may not be refreshed any longer, because the person signed in for it too long ago";
    RefreshReused => "refresh_reused", "the refresh token was replaced before, so the whole family was revoked";
    Revoked => "grant_revoked", "the grant was revoked";
    MissingProof => "grant_proof_missing", "the code or refresh token is good only with a DPoP proof";
    WrongKey => "grant_wrong_key", "the code or refresh token is bound to another key than the DPoP proof's";
    UnprovenClient => "grant_client_unproven", "the code or refresh token is for a client that has a secret or keys";
}
