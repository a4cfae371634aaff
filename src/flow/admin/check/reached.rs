//! A check's first step: the server itself, asked as somebody with nothing to show.
//!
//! Not here: the server with credentials (`called`).

use http::{Method, StatusCode};

use super::Check;
use crate::config::Auth;
use crate::headers::{HeaderMap, LOCATION};
use crate::mcp::connect::heard::ProbeAnswer;
use crate::mcp::connect::probe;
use crate::ports::{Answer, FetchError, Outgoing, Platform, Stream};
use crate::time::Lifetime;
use crate::untrusted::presentable;
use crate::upstream::challenge;
use crate::upstream::challenge::UpstreamChallenge;
use crate::upstream::check::StepName;

/// How long the server may take for each answer, and then for its end.
const ANSWER_DEADLINE: Lifetime = Lifetime(10);
/// A longer answer is not read to its end to know what it is.
const ANSWER: usize = 256 * 1024;

/// An answer, as far as a check looks at it.
pub(super) struct ProbeReply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) heard: ProbeAnswer,
}

impl<P: Platform> Check<'_, P> {
    /// What the server says to who has nothing to show; its challenge, where it has one.
    pub(super) async fn reach(&mut self) -> UpstreamChallenge {
        self.report.begin(StepName::Reach);
        let at = self.server.url.to_string();
        let told = match self.ask(probe::headers(), probe::request()).await {
            Ok(told) => told,
            Err(error) => {
                let (id, seen) = match error {
                    FetchError::TimedOut => ("upstream_timeout", "no answer within 10 seconds"),
                    FetchError::Unreachable | FetchError::ClientGone => ("upstream_unreachable", "no connection"),
                };
                self.find(id, &at, seen);
                return UpstreamChallenge::default();
            }
        };
        let challenge =
            Some(&told.headers).filter(|_| told.heard == ProbeAnswer::Unauthorized).and_then(challenge::bearer);
        let status = told.status.as_u16().to_string();
        match told.heard {
            ProbeAnswer::Answered => self.report.say("answers without credentials"),
            ProbeAnswer::Declined => self.report.say("is an MCP server"),
            ProbeAnswer::Unauthorized => self.unauthorized(&at, &status, challenge.is_some()),
            ProbeAnswer::Redirected => {
                let to = told.headers.get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("nowhere");
                let to = to.split(['?', '#']).next().unwrap_or_default();
                self.find("upstream_redirected", &at, &format!("{status}, to {}", presentable(to)));
            }
            ProbeAnswer::Blocked => {
                self.find("upstream_blocked", &at, &format!("{status}, a page of something in front"));
            }
            ProbeAnswer::Failing => self.find("upstream_error", &at, &status),
            ProbeAnswer::Garbled => self.find("upstream_garbled", &at, &status),
            ProbeAnswer::NotMcp => self.find("upstream_not_mcp", &at, &status),
        }
        challenge.unwrap_or_default()
    }

    /// Asks the server, whatever it says.
    pub(super) async fn ask(&self, headers: HeaderMap, body: Vec<u8>) -> Result<ProbeReply, FetchError> {
        let url = self.server.url.clone();
        let request = Outgoing { method: Method::POST, url, headers, body, within: ANSWER_DEADLINE };
        let Answer { status, headers, opening, body } = self.context.platform.fetch(request).await?;
        // One that is too long or breaks off is no answer to a question this short.
        let body = body.read(ANSWER, ANSWER_DEADLINE).await.unwrap_or_default();
        let heard = ProbeAnswer::of(status, &headers, opening, &body);
        Ok(ProbeReply { status, headers, body, heard })
    }

    fn unauthorized(&mut self, at: &str, status: &str, challenged: bool) {
        self.report.say(format!("wants credentials ({status})"));
        match &self.server.auth {
            Auth::None => self.find("upstream_wants_credentials", at, status),
            Auth::OAuth(_) if !challenged => {
                self.find("upstream_challenge_missing", at, &format!("{status} without a Bearer challenge"));
            }
            Auth::OAuth(_) | Auth::Headers(_) | Auth::ClientCredentials(_) => {}
        }
    }
}
