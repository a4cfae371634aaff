//! A check's last steps: what calls authenticate with, as far as this operator has it, and the server with that, in
//! both eras. No tool is called, and a session that was begun is ended.
//!
//! Not here: whose connection that is, and how it is renewed (`flow::connection`).

use http::Method;

use super::Check;
use super::reached::ProbeReply;
use crate::config::Auth;
use crate::flow::admin::operator::Operator;
use crate::flow::connection;
use crate::flow::connection::CallAuth;
use crate::headers::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use crate::mcp::connect::heard::ProbeAnswer;
use crate::mcp::connect::{initialize, probe};
use crate::mcp::transport::forward;
use crate::mcp::transport::revision::{Era, FIRST_MODERN};
use crate::mcp::transport::session::{Session, UpstreamSession};
use crate::ports::{FetchError, Outgoing, Platform, Stream};
use crate::time::Lifetime;
use crate::upstream::check::StepName;
use crate::upstream::key::ConnectionKey;
use crate::web::failure::Failure;

/// How long the server may take to end the session.
const END_DEADLINE: Lifetime = Lifetime(5);

type Headers = Vec<(HeaderName, HeaderValue)>;

/// What the server speaks.
#[derive(Default)]
struct Spoken {
    /// The revision it answers `initialize` with.
    legacy: Option<String>,
    modern: bool,
    /// Whether it wants other credentials.
    unauthorized: Option<u16>,
    /// What it said instead, in its statuses.
    statuses: Vec<String>,
}

impl<P: Platform> Check<'_, P> {
    pub(super) async fn call(&mut self, operator: &Operator) -> Result<(), Failure> {
        let names = [StepName::Credentials, StepName::Call];
        if !self.goes_on() {
            self.skip(&names);
            return Ok(());
        }
        let key = match (self.server.is_personal(), operator) {
            (true, Operator::ByToken) => {
                let why = "not tried: each person has their own account there; check it in the console, with yours";
                self.report.skip(&names, why);
                return Ok(());
            }
            (true, Operator::Subject(subject)) => Some(connection::personal_key(self.server, subject, None)),
            (false, _) => connection::gateways_key(self.server),
        };
        let Some((headers, renewable)) = self.credentials(key.as_ref()).await else {
            self.report.skip(&[StepName::Call], "not tried");
            return Ok(());
        };
        self.report.begin(StepName::Call);
        let mut spoken = self.speak(&headers).await;
        let mut renewed = false;
        if let (Some(_), Some((key, seen))) = (spoken.unauthorized, renewable)
            && !matches!(self.server.auth, Auth::Headers(_))
        {
            // A call does the same, and only then says that the account is no good.
            if let Ok(CallAuth::Ready { headers, .. }) =
                connection::renew_by(self.context, self.server, key, seen, None).await
            {
                (spoken, renewed) = (self.speak(&headers).await, true);
            }
        }
        self.judge(&spoken, renewed);
        Ok(())
    }

    /// The headers to call with, and which connection they are of, at which generation.
    async fn credentials(&mut self, key: Option<&ConnectionKey>) -> Option<(Headers, Option<(ConnectionKey, u64)>)> {
        self.report.begin(StepName::Credentials);
        let at = self.server.url.to_string();
        match connection::credential_by(self.context, self.server, key.cloned()).await {
            Ok(CallAuth::Ready { headers, seen, .. }) => {
                self.report.say(match &self.server.auth {
                    Auth::None => "none are needed",
                    Auth::Headers(_) if key.is_none() => "the gateway's own headers",
                    Auth::ClientCredentials(_) => "the gateway's own token",
                    Auth::OAuth(oauth) if oauth.shared => "the connection for everybody",
                    Auth::OAuth(_) | Auth::Headers(_) => "your own connection",
                });
                Some((headers, key.cloned().zip(seen)))
            }
            Ok(CallAuth::Needed(need)) => {
                if self.server.is_connected_by_operator() {
                    self.find(need.reason, &at, "no connection");
                } else {
                    self.report.leave("you have no account connected there; connect one, and check again");
                }
                None
            }
            Err(failure) => {
                self.refused(&failure, &at);
                None
            }
        }
    }

    /// Both eras. One that does not answer at all is not asked twice.
    async fn speak(&self, own: &Headers) -> Spoken {
        let mut spoken = Spoken::default();
        let mut headers = probe::discovery_headers();
        headers.extend(own.iter().cloned());
        let modern = self.ask(headers, probe::discovery()).await;
        spoken.modern = spoken.takes(&modern);
        if modern.is_err() || spoken.unauthorized.is_some() {
            return spoken;
        }
        let Some(introduction) = probe::introduction() else { return spoken };
        let introduced = self.ask(legacy(None, own), initialize::request(&introduction)).await;
        spoken.takes(&introduced);
        let Ok(told) = introduced else { return spoken };
        let Some(server_is) = initialize::read(&told.body) else { return spoken };
        spoken.legacy = Some(server_is.revision.clone());
        let begun = Session::opened(None, None);
        let session = begun.reopened(UpstreamSession::of_answer(&told.headers), Some(server_is.revision));
        if session.upstream.is_some() {
            let (url, headers) = (self.server.url.clone(), legacy(Some(&session), own));
            let end = Outgoing { method: Method::DELETE, url, headers, body: Vec::new(), within: END_DEADLINE };
            if let Ok(ended) = self.context.platform.fetch(end).await {
                ended.body.discard().await;
            }
        }
        spoken
    }

    fn judge(&mut self, spoken: &Spoken, renewed: bool) {
        let at = self.server.url.to_string();
        match (&spoken.legacy, spoken.modern, spoken.unauthorized) {
            (Some(revision), true, _) => self.report.say(format!("speaks {} and {FIRST_MODERN}", shown(revision))),
            (Some(revision), false, _) => self.report.say(format!("speaks {}", shown(revision))),
            (None, true, _) => self.report.say(format!("speaks {FIRST_MODERN}")),
            (None, false, Some(status)) => {
                let personal = self.server.is_personal() || self.server.is_connected_by_operator();
                let id = match (renewed, personal) {
                    (true, _) => "upstream_refuses_renewed",
                    (false, true) => "upstream_account_refused",
                    (false, false) => "upstream_unauthorized",
                };
                self.find(id, &at, &status.to_string());
            }
            (None, false, None) => self.find("upstream_not_initialized", &at, &spoken.statuses.join(", ")),
        }
    }
}

impl Spoken {
    /// Whether that is an answer to what was asked.
    fn takes(&mut self, answer: &Result<ProbeReply, FetchError>) -> bool {
        let Ok(told) = answer else {
            self.statuses.push("no answer".to_owned());
            return false;
        };
        self.statuses.push(told.status.as_u16().to_string());
        if told.heard == ProbeAnswer::Unauthorized {
            self.unauthorized = Some(told.status.as_u16());
        }
        told.heard == ProbeAnswer::Answered
    }
}

/// A revision is a date; whatever else a server says is not repeated.
fn shown(revision: &str) -> &str {
    let date = revision.len() == 10 && revision.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if date { revision } else { "a revision of its own" }
}

fn legacy(session: Option<&Session>, own: &Headers) -> HeaderMap {
    let inbound = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    forward::request_headers(&inbound, session, own, Era::Legacy)
}
