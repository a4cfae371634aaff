//! The states of a grant and the transitions between them.
//!
//! Not here: storage. The record's JSON is at rest in the grant's object, so its form is an interface.

use serde::{Deserialize, Deserializer, Serialize};

use super::command::{Command, Granted, Outcome, Redeem, Rejection, Rotate};
use crate::json;
use crate::json::tagged;
use crate::oauth::resource;
use crate::oauth::scope::ScopeSet;
use crate::secret::Digested;
use crate::time::{Lifetime, Timestamp};
use crate::version::V1;

/// How long a replaced refresh token still yields its successor, while that is not used itself: for a client that lost
/// the answer, or whose processes do not tell each other. Seen in real clients were a few minutes.
const REPLAY_WINDOW: Lifetime = Lifetime::minutes(10);

/// How long a finished grant is remembered: longer than a consent form lives, so that no form opens a grant a second
/// time.
const REMEMBERED: Lifetime = Lifetime::hours(1);

/// What an object knows about its grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Record {
    v: V1,
    #[serde(flatten)]
    state: State,
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Version {
            v: V1,
        }
        let (Version { v }, state) = json::both(deserializer)?;
        Ok(Self { v, state })
    }
}

/// Applies a command. The record that comes back replaces the one that went in.
pub fn apply(record: Option<Record>, command: Command, now: Timestamp) -> (Option<Record>, Outcome) {
    let (state, outcome) = match record {
        None => begin(command),
        Some(record) => {
            let (state, outcome) = record.state.apply(command, now);
            (Some(state), outcome)
        }
    };
    (state.map(|state| Record { v: V1, state }), outcome)
}

impl Record {
    /// When the record may be forgotten.
    pub fn expires(&self) -> Timestamp {
        let end = match &self.state {
            State::Refused { until } | State::Revoked { until } | State::Held { until, .. } => *until,
            State::Open { code_expires, .. } => *code_expires,
            State::Spent { access_until, .. } => *access_until,
            State::Live { refresh, access_until, .. } => refresh.expires.max(*access_until),
        };
        end + REMEMBERED
    }
}

tagged! { "state",
    #[derive(Debug, Clone, PartialEq, Eq)]
    enum State {
        /// Denied on the consent form.
        Refused { until: Timestamp },
        /// Consented to; the server is being connected.
        Held { sealed: String, subject: String, until: Timestamp },
        /// The code was sent and waits.
        Open { granted: Granted, code: Digested, code_expires: Timestamp },
        /// The code was redeemed for an access token alone.
        Spent { granted: Granted, code: Digested, access_until: Timestamp },
        /// The code was redeemed and there is a refresh token.
        Live { granted: Granted, code: Digested, refresh: Refresh, access_until: Timestamp },
        /// Every token of the family is dead.
        Revoked { until: Timestamp },
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Refresh {
    current: Digested,
    expires: Timestamp,
    /// What the current one replaced. Forgotten once the current one is used, so that reuse is noticed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<Previous>,
    /// Since when the grant is counted whose sign-in was not written down yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    began: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Previous {
    token: Digested,
    replaced: Timestamp,
    sealed_successor: String,
}

fn begin(command: Command) -> (Option<State>, Outcome) {
    match command {
        Command::Open { granted, code, code_expires } => {
            (Some(State::Open { granted, code, code_expires }), Outcome::Opened)
        }
        Command::Hold { sealed, subject, until } => (Some(State::Held { sealed, subject, until }), Outcome::Held),
        Command::Refuse { until } => (Some(State::Refused { until }), Outcome::Refused),
        Command::Redeem(_)
        | Command::Rotate(_)
        | Command::Peek
        | Command::Show
        | Command::Inspect { .. }
        | Command::Revoke { .. } => (None, rejected(Rejection::Unknown)),
    }
}

impl State {
    fn apply(self, command: Command, now: Timestamp) -> (Self, Outcome) {
        match command {
            Command::Open { granted, code, code_expires } => self.open_held(granted, code, code_expires, now),
            Command::Peek => self.peek(now),
            Command::Show => self.show(),
            Command::Inspect { presented, refresh_max } => {
                let outcome = self.inspect(&presented, refresh_max, now);
                (self, outcome)
            }
            Command::Refuse { until } if matches!(self, Self::Held { .. }) => {
                (Self::Refused { until }, Outcome::Refused)
            }
            Command::Hold { .. } | Command::Refuse { .. } => (self, Outcome::AlreadyUsed),
            Command::Redeem(redeem) => self.redeem(redeem, now),
            Command::Rotate(rotate) => self.rotate(rotate, now),
            Command::Revoke { client_id, is_public } => self.revoke(client_id.as_deref(), is_public, now),
        }
    }

    /// Only who consented gets what is held, once and in time.
    fn open_held(self, granted: Granted, code: Digested, code_expires: Timestamp, now: Timestamp) -> (Self, Outcome) {
        match &self {
            Self::Held { subject, until, .. } if *subject == granted.subject && !until.reached(now) => {
                (Self::Open { granted, code, code_expires }, Outcome::Opened)
            }
            _ => (self, Outcome::AlreadyUsed),
        }
    }

    fn peek(self, now: Timestamp) -> (Self, Outcome) {
        let outcome = match &self {
            Self::Held { sealed, subject, until } if !until.reached(now) => {
                Outcome::Peeked { sealed: sealed.clone(), subject: subject.clone() }
            }
            _ => Outcome::AlreadyUsed,
        };
        (self, outcome)
    }

    fn show(self) -> (Self, Outcome) {
        let outcome = match &self {
            Self::Open { granted, .. } | Self::Spent { granted, .. } | Self::Live { granted, .. } => {
                Outcome::Shown { scope: granted.scope.clone(), subject: Some(granted.subject.clone()) }
            }
            Self::Held { .. } | Self::Refused { .. } | Self::Revoked { .. } => rejected(Rejection::Unknown),
        };
        (self, outcome)
    }

    fn inspect(&self, presented: &Digested, max: Lifetime, now: Timestamp) -> Outcome {
        let Self::Live { granted, refresh, .. } = self else { return rejected(Rejection::Unknown) };
        let end = granted.signed_in.or(refresh.began).map(|began| began + max);
        let until = end.unwrap_or(refresh.expires).min(refresh.expires);
        if until.reached(now) {
            return rejected(Rejection::RefreshExpired);
        }
        match refresh.find(presented, now) {
            Ok(_) => Outcome::Inspected { granted: granted.clone(), until },
            Err(why) => rejected(why),
        }
    }

    fn redeem(self, redeem: Redeem, now: Timestamp) -> (Self, Outcome) {
        match self {
            Self::Open { granted, code, code_expires } => {
                if let Err(why) = check_redeem(&granted, &code, code_expires, &redeem, now) {
                    // A request that does not fit leaves the code to whoever it was made for.
                    return (Self::Open { granted, code, code_expires }, rejected(why));
                }
                let jkt = redeem.jkt.clone().filter(|_| redeem.is_public);
                let granted = Granted { jkt, ..granted };
                let offline = granted.scope.contains(ScopeSet::OFFLINE_ACCESS);
                let outcome = Outcome::Redeemed { granted: granted.clone(), refresh: offline };
                let access_until = redeem.access_expires;
                let end = redeem.refresh_max.zip(granted.signed_in).map(|(max, began)| began + max);
                let expires = end.unwrap_or(redeem.refresh_expires).min(redeem.refresh_expires);
                let refresh = Refresh { current: redeem.refresh, expires, previous: None, began: None };
                let state = if offline {
                    Self::Live { granted, code, refresh, access_until }
                } else {
                    Self::Spent { granted, code, access_until }
                };
                (state, outcome)
            }
            // OAuth 2.1 §4.1.3: a code used twice is denied, and takes its tokens with it where all else of the request
            // fits. Whoever finds a spent code in a log has no verifier, and must not be able to end somebody's access
            // with it.
            Self::Spent { ref granted, ref code, access_until }
            | Self::Live { ref granted, ref code, access_until, .. }
                if *code == redeem.code =>
            {
                match check_redeem(granted, code, now + Lifetime(1), &redeem, now) {
                    Ok(()) => killed(Rejection::CodeUsed, access_until),
                    Err(_) => (self, rejected(Rejection::CodeUsed)),
                }
            }
            Self::Revoked { until } => killed(Rejection::Revoked, until),
            Self::Refused { .. } | Self::Held { .. } | Self::Spent { .. } | Self::Live { .. } => {
                (self, rejected(Rejection::Unknown))
            }
        }
    }

    fn rotate(self, rotate: Rotate, now: Timestamp) -> (Self, Outcome) {
        match self {
            Self::Live { granted, code, refresh, access_until } => {
                let presented = match refresh.check(&granted, &rotate, now) {
                    Ok(presented) => presented,
                    // OAuth 2.1 §4.3.1: someone else has the token, and which of the two is the thief cannot be told.
                    Err(why @ Rejection::RefreshReused) => return killed(why, access_until),
                    Err(why) => return (Self::Live { granted, code, refresh, access_until }, rejected(why)),
                };
                let access_until = access_until.max(rotate.access_expires);
                let scope = rotate.scope.clone().unwrap_or_else(|| granted.scope.clone());
                let (refresh, outcome) = match presented {
                    Presented::Replaced { sealed_successor } => {
                        (refresh, Outcome::Replayed { granted: granted.clone(), scope, sealed_successor })
                    }
                    Presented::Current => {
                        (refresh.rotated(&granted, rotate, now), Outcome::Rotated { granted: granted.clone(), scope })
                    }
                };
                (Self::Live { granted, code, refresh, access_until }, outcome)
            }
            Self::Revoked { until } => killed(Rejection::Revoked, until),
            Self::Refused { .. } | Self::Held { .. } | Self::Open { .. } | Self::Spent { .. } => {
                (self, rejected(Rejection::Unknown))
            }
        }
    }

    fn revoke(self, client_id: Option<&str>, is_public: bool, now: Timestamp) -> (Self, Outcome) {
        let (granted, until) = match &self {
            Self::Refused { .. } => return (self, rejected(Rejection::Unknown)),
            // No client has anything of it yet; the subject or the operator may end it.
            Self::Held { .. } if client_id.is_some() => return (self, rejected(Rejection::Unknown)),
            Self::Held { .. } => return (Self::Revoked { until: now }, Outcome::Revoked { until: now }),
            Self::Revoked { until } => {
                let until = *until;
                return (self, Outcome::Revoked { until });
            }
            Self::Open { granted, .. } => (granted, now),
            Self::Spent { granted, access_until, .. } | Self::Live { granted, access_until, .. } => {
                (granted, *access_until)
            }
        };
        if client_id.is_some_and(|client_id| client_id != granted.client_id) {
            return (self, rejected(Rejection::WrongClient));
        }
        if let Err(why) = check_client(granted, is_public) {
            return (self, rejected(why));
        }
        (Self::Revoked { until }, Outcome::Revoked { until })
    }
}

/// Which of the family's good refresh tokens was presented.
enum Presented {
    Current,
    Replaced { sealed_successor: String },
}

impl Refresh {
    fn check(&self, granted: &Granted, rotate: &Rotate, now: Timestamp) -> Result<Presented, Rejection> {
        if rotate.client_id != granted.client_id {
            return Err(Rejection::WrongClient);
        }
        // Before anything that ends the family: who has a token without its key cannot end it either.
        check_client(granted, rotate.is_public)?;
        check_key(granted, rotate.jkt.as_deref())?;
        if self.end(granted, rotate, now).is_some_and(|end| end.reached(now)) {
            return Err(Rejection::RefreshEnded);
        }
        if self.expires.reached(now) {
            return Err(Rejection::RefreshExpired);
        }
        let presented = self.find(&rotate.presented, now)?;
        if !same_resource(granted, rotate.resource.as_deref()) {
            return Err(Rejection::WrongResource);
        }
        if rotate.scope.as_ref().is_some_and(|scope| !scope.is_subset(&granted.scope)) {
            return Err(Rejection::ScopeExceeded);
        }
        Ok(presented)
    }

    fn find(&self, presented: &Digested, now: Timestamp) -> Result<Presented, Rejection> {
        if *presented == self.current {
            return Ok(Presented::Current);
        }
        let previous = self.previous.as_ref().filter(|previous| previous.token == *presented);
        match previous {
            Some(previous) if !(previous.replaced + REPLAY_WINDOW).reached(now) => {
                Ok(Presented::Replaced { sealed_successor: previous.sealed_successor.clone() })
            }
            _ => Err(Rejection::RefreshReused),
        }
    }

    /// When the family ends, however it is used. What is not known to have begun begins now.
    fn end(&self, granted: &Granted, rotate: &Rotate, now: Timestamp) -> Option<Timestamp> {
        rotate.refresh_max.map(|max| granted.signed_in.or(self.began).unwrap_or(now) + max)
    }

    fn rotated(self, granted: &Granted, rotate: Rotate, now: Timestamp) -> Self {
        let end = self.end(granted, &rotate, now).unwrap_or(rotate.refresh_expires);
        let previous = Previous { token: self.current, replaced: now, sealed_successor: rotate.sealed_successor };
        let unknown = rotate.refresh_max.is_some() && granted.signed_in.is_none();
        Self {
            current: rotate.successor,
            expires: rotate.refresh_expires.min(end),
            previous: Some(previous),
            began: self.began.or(unknown.then_some(now)),
        }
    }
}

/// OAuth 2.1 §4.1.3, in an order that tells a stranger nothing about a code that is not theirs.
fn check_redeem(
    granted: &Granted,
    code: &Digested,
    code_expires: Timestamp,
    redeem: &Redeem,
    now: Timestamp,
) -> Result<(), Rejection> {
    if redeem.code != *code {
        return Err(Rejection::Unknown);
    }
    if redeem.client_id != granted.client_id {
        return Err(Rejection::WrongClient);
    }
    check_client(granted, redeem.is_public)?;
    if code_expires.reached(now) {
        return Err(Rejection::CodeExpired);
    }
    if redeem.redirect_uri.as_ref().is_some_and(|redirect_uri| *redirect_uri != granted.redirect_uri) {
        return Err(Rejection::WrongRedirectUri);
    }
    let verifier = redeem.verifier.as_deref().ok_or(Rejection::MissingVerifier)?;
    if !granted.challenge.verify(verifier) {
        return Err(Rejection::WrongVerifier);
    }
    if !same_resource(granted, redeem.resource.as_deref()) {
        return Err(Rejection::WrongResource);
    }
    check_key(granted, redeem.jkt.as_deref())
}

fn check_client(granted: &Granted, is_public: bool) -> Result<(), Rejection> {
    if granted.confidential && is_public { Err(Rejection::UnprovenClient) } else { Ok(()) }
}

/// RFC 9449 §5, §10.
fn check_key(granted: &Granted, proven: Option<&str>) -> Result<(), Rejection> {
    match (granted.jkt.as_deref(), proven) {
        (Some(_), None) => Err(Rejection::MissingProof),
        (None, None) if granted.needs_proof => Err(Rejection::MissingProof),
        (Some(bound), Some(proven)) if bound != proven => Err(Rejection::WrongKey),
        _ => Ok(()),
    }
}

fn same_resource(granted: &Granted, requested: Option<&str>) -> bool {
    requested.is_none_or(|requested| resource::same(requested, &granted.resource))
}

fn rejected(why: Rejection) -> Outcome {
    Outcome::Rejected { why, revoked_until: None }
}

fn killed(why: Rejection, until: Timestamp) -> (State, Outcome) {
    (State::Revoked { until }, Outcome::Rejected { why, revoked_until: Some(until) })
}
