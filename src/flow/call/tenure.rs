//! How long a stream of events goes on: the access, the connection and the server it was opened with are looked at
//! again while it lasts, and when one of them has ended so does the stream.
//!
//! Not here: what its client is told at the end and what time it has beyond its token (`mcp::transport::ending`), the
//! pipe itself (`edge`).

use serde::{Deserialize, Serialize};

use super::context::Call;
use super::refusal;
use crate::caller::By;
use crate::config::Config;
use crate::flow::config;
use crate::flow::connection::{self, sealed};
use crate::flow::revocation::{self, Markers, REMEMBERED};
use crate::flow::{join, sentence};
use crate::json;
use crate::mcp::connect::signal::ConnectState;
use crate::mcp::message::error::Data;
use crate::mcp::transport::ending::Ending;
use crate::memory::Memory;
use crate::oauth::agent::Sponsor;
use crate::oauth::machine::Machine;
use crate::oauth::scope::ScopeSet;
use crate::oauth::token::access_token::AccessTokenError;
use crate::ports::Platform;
use crate::secret::Digested;
use crate::time::{Lifetime, Millis, Timestamp};
use crate::web::failure::{Blame, Failure};
use crate::web::reply::Terms;

/// How often storage is asked that does not answer.
const ATTEMPTS: u32 = 3;
/// The pause before it is asked again.
const PAUSE: Millis = Millis(2000);
/// How long a stream relies on another one to ask, and how often it looks meanwhile.
const ASKING_DEADLINE: Lifetime = Lifetime(5);
const LOOK: Millis = Millis(250);
const LOOKS: u32 = Millis::of(ASKING_DEADLINE).0 / LOOK.0;

/// What its client is told to do. An event stream that is opened again meets the answer that says more.
const AGAIN: &str = "Send the request again: the client refreshes its token, or is told to authorize.";

/// What a stream was opened with. It travels beside the stream, within the isolate.
#[derive(Debug, Serialize, Deserialize)]
pub struct Tenure {
    /// The grant or API key it was opened with; none where it was another issuer's token.
    access: Option<String>,
    subject: String,
    /// When the person proved who they are.
    since: Timestamp,
    /// When the stream ends in any case.
    due: Timestamp,
    ending: Ending,
    slug: String,
    /// What the server was.
    #[serde(rename = "fits")]
    binding: Digested,
    /// What its policy was: what passes is shown by that for as long as the stream lasts.
    policy: u64,
    /// Whether the server took only tokens that are bound to a key.
    bound: bool,
    /// What `accepts` calls that it was opened with.
    way: String,
    /// What it was opened with where no person did: the operator may take that away.
    machine: Option<HeldByMachine>,
    /// Who stands behind the agent that opened it.
    sponsor: Option<Sponsor>,
    /// The marker of the connection it was opened with, and since when it lasts.
    connection: Option<String>,
    began: Timestamp,
    request_id: String,
}

/// A client that is a program, and what its token let it do.
#[derive(Debug, Serialize, Deserialize)]
struct HeldByMachine {
    client: String,
    scope: ScopeSet,
    roles: Vec<String>,
}

/// What becomes of a stream.
#[derive(Debug, PartialEq, Eq)]
pub enum StreamStanding {
    /// It goes on, and is looked at again after so long.
    GoesOn(Lifetime),
    /// It ends with these bytes.
    Ends(Vec<u8>),
}

/// On which terms the answer to a call is handed on as a stream.
pub fn terms<P: Platform>(call: &Call<'_, P>) -> Terms {
    let caller = call.caller;
    let key = connection::key(call.server, caller).filter(|_| call.needs_connection());
    let tenure = Tenure {
        access: caller.by.id().map(str::to_owned),
        subject: caller.subject.clone(),
        since: caller.since,
        due: call.ending.due(caller.until),
        ending: call.ending.clone(),
        slug: call.server.slug.as_str().to_owned(),
        binding: sealed::binding(call.server),
        policy: call.server.policy.fingerprint(),
        bound: call.server.requires_dpop,
        way: caller.by.way().to_owned(),
        machine: match &caller.by {
            By::Machine { client, .. } => {
                let (client, scope, roles) = (client.clone(), caller.scope.clone(), caller.roles.clone());
                Some(HeldByMachine { client, scope, roles })
            }
            By::AccessToken { .. } | By::Agent { .. } | By::External { .. } | By::Key { .. } => None,
        },
        sponsor: caller.sponsor().cloned(),
        connection: key.as_ref().map(revocation::connection_key),
        began: call.context.now,
        request_id: call.context.request_id().to_owned(),
    };
    let after = tenure.due.remaining(call.context.now).min(REMEMBERED);
    // Texts and numbers, so there is no failure to report; words that nobody can read end the stream.
    Terms { words: serde_json::to_string(&tenure).unwrap_or_default(), after }
}

/// Looks at a stream that was handed on. That it is ended is a line in the log.
pub async fn look<P: Platform>(platform: &P, memory: &Memory, words: &str) -> StreamStanding {
    let Ok(tenure) = json::read::<Tenure>(words.as_bytes()) else { return StreamStanding::Ends(Vec::new()) };
    let markers = Markers { platform, memory, now: platform.now() };
    match tenure.stands(&markers).await {
        Ok(after) => StreamStanding::GoesOn(after),
        Err(failure) => {
            let Tenure { slug, request_id, .. } = &tenure;
            let line = Line { event: "stream_ended", request_id, server: slug, reason: failure.reason };
            platform.record(&serde_json::to_string(&line).unwrap_or_default());
            let fix = Some(failure.fix.as_str());
            let data = Data { reason: failure.reason, request_id, slug: Some(slug.as_str()), fix, lacking: None };
            StreamStanding::Ends(tenure.ending.event(&failure.message, data))
        }
    }
}

/// What is logged of an end.
#[derive(Serialize)]
struct Line<'a> {
    event: &'static str,
    request_id: &'a str,
    server: &'a str,
    reason: &'static str,
}

impl Tenure {
    /// How long it stands without another look: until the markers are read anew in any case, as a look before that
    /// tells nothing.
    async fn stands<P: Platform>(&self, markers: &Markers<'_, P>) -> Result<Lifetime, Failure> {
        let now = markers.now;
        if self.due.reached(now) {
            let message = "The access that this stream was opened with has expired.";
            return Err(Failure::client(401, AccessTokenError::Expired.reason(), message).fix(AGAIN));
        }
        if let Some(failure) = self.ended(markers).await? {
            return Err(failure);
        }
        let sponsor = self.sponsor.as_ref().map(|sponsor| sponsor.subject.as_str());
        let known = markers.known_until(self.access.as_deref(), (&self.subject, sponsor), self.connection.as_deref());
        let configured = markers.memory.config.borrow().as_ref().map(|loaded| loaded.fresh_until);
        let next = known.into_iter().chain(configured.filter(|until| !until.reached(now))).min();
        Ok(next.unwrap_or(now + REMEMBERED).min(self.due).remaining(now).max(Lifetime(1)))
    }

    /// Asks storage more than once: work that was begun is worth it.
    async fn ended<P: Platform>(&self, markers: &Markers<'_, P>) -> Result<Option<Failure>, Failure> {
        for _ in 1..ATTEMPTS {
            if let Ok(ended) = self.ask(markers).await {
                return Ok(ended);
            }
            markers.platform.pause(PAUSE).await;
        }
        self.ask(markers).await
    }

    /// Why it ends, if it does.
    async fn ask<P: Platform>(&self, markers: &Markers<'_, P>) -> Result<Option<Failure>, Failure> {
        let loaded = self.alone(markers, "config", config::load(markers.platform, markers.memory)).await?;
        let Some(loaded) = loaded else { return Ok(Some(refusal::no_such_server(&self.slug))) };
        let of_access = async {
            let Some(access) = &self.access else { return Ok(false) };
            self.alone(markers, access, markers.of_access(access, markers.now + REMEMBERED)).await
        };
        let of_access =
            join(of_access, self.alone(markers, &self.subject, markers.of_subject(&self.subject, Some(self.since))));
        let of_sponsor = async {
            let Some(Sponsor { subject, since, .. }) = &self.sponsor else { return Ok(false) };
            self.alone(markers, subject, markers.of_subject(subject, Some(*since))).await
        };
        let of_connection = async {
            let Some(marker) = &self.connection else { return Ok(false) };
            self.alone(markers, marker, markers.of_connection(marker, self.began)).await
        };
        let ((of_access, of_subject), is_dropped) = join(of_access, of_connection).await;
        if of_access? || of_subject? || of_sponsor.await? {
            let message = "The access that this stream was opened with was revoked.";
            return Ok(Some(Failure::client(401, revocation::REASON, message).fix(AGAIN)));
        }
        Ok(self.outlived(&loaded.config, is_dropped?))
    }

    /// What has become of the server and its connection.
    fn outlived(&self, config: &Config, is_dropped: bool) -> Option<Failure> {
        let Some(server) = config.servers.values().find(|server| server.slug.as_str() == self.slug) else {
            return Some(refusal::no_such_server(&self.slug));
        };
        let is_changed = sealed::binding(server) != self.binding || server.policy.fingerprint() != self.policy;
        let wants_more = server.requires_dpop && !self.bound;
        if is_changed || wants_more || !server.takes(&self.way) {
            let message = "The operator has changed this server since the stream was opened.";
            return Some(Failure::new(Blame::Operator, 503, "server_changed", message).fix("Send the request again."));
        }
        if let Some(HeldByMachine { client, scope, roles }) = &self.machine
            && let Err(error) = Machine::admit(config.machine(client), &self.slug, server.is_personal(), scope, roles)
        {
            return Some(Failure::client(401, error.reason(), sentence(&error)).fix(error.fix()));
        }
        let shared = server.is_connected_by_operator();
        let state = if shared { ConnectState::AdminConnectRequired } else { ConnectState::Authenticating };
        let message = "The account that this stream was opened with was disconnected.";
        is_dropped.then(|| Failure::client(401, state.reason(), message).fix("Send the request again to connect it."))
    }

    /// Of all streams of an isolate one asks for a marker; the others wait, and then find what it found.
    async fn alone<P: Platform, T>(&self, markers: &Markers<'_, P>, marker: &str, asked: impl Future<Output = T>) -> T {
        let Markers { platform, memory, now } = markers;
        let is_asked = || memory.asking.get(marker, *now).is_some();
        for _ in 0..LOOKS {
            if !is_asked() {
                break;
            }
            platform.pause(LOOK).await;
        }
        let first = !is_asked();
        memory.asking.put(marker, (), *now + ASKING_DEADLINE, *now);
        let answer = asked.await;
        if first {
            memory.asking.forget(marker);
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::message::envelope::parse;
    use crate::mcp::transport::revision::Era;

    #[test]
    fn words_are_one_line_and_read_as_they_were_written() {
        let request = r#"{"jsonrpc":"2.0","id":"a\nb","method":"subscriptions/listen"}"#;
        let tenure = Tenure {
            access: Some("g\n1".to_owned()),
            subject: "dev:al\nice".to_owned(),
            since: Timestamp(1),
            due: Timestamp(2),
            ending: Ending::of(&parse(request.as_bytes(), 9).unwrap(), Era::Modern),
            slug: "docs".to_owned(),
            binding: Digested::of("docs"),
            policy: u64::MAX,
            bound: true,
            way: "own".to_owned(),
            machine: Some(HeldByMachine {
                client: "c\ni".to_owned(),
                scope: ScopeSet::of(&[ScopeSet::TOOLS]),
                roles: vec!["r".to_owned()],
            }),
            sponsor: Some(Sponsor { subject: "dev:b\nob".to_owned(), since: Timestamp(1), lends: true }),
            connection: Some("disconnected:x".to_owned()),
            began: Timestamp(1),
            request_id: "r1".to_owned(),
        };
        let words = serde_json::to_string(&tenure).unwrap();
        assert!(!words.contains('\n') && !words.contains('\0'), "{words}");
        assert_eq!(format!("{:?}", json::read::<Tenure>(words.as_bytes()).unwrap()), format!("{tenure:?}"));
    }
}
