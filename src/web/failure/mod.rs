//! Every refusal and failure: who must act, a stable reason code, what happened and what to do, rendered once for each
//! wire format.
//!
//! Not here: when something fails. Pure layers return their own small enums; `flow` lifts them into a [`Failure`].

mod blame;
mod family;

use std::ops::Deref;

use http::StatusCode;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::reply::Reply;
use crate::headers::{ALLOW, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use crate::mcp::message::envelope::RequestId;
use crate::mcp::message::error::{Code, Data, ErrorResponse, Lacking};
use crate::oauth::error::ErrorCode;
use crate::page;

pub use blame::Blame;

/// When to come back where nothing says more, in seconds.
const RETRY: &str = "30";

/// One failure, ready to be rendered. A pointer: it is handed up through every step of a flow, and each of them would
/// copy the details.
#[derive(Debug, Clone)]
pub struct Failure(Box<Details>);

/// What there is to say of a failure.
#[derive(Debug, Clone)]
pub struct Details {
    /// Who must act.
    pub blame: Blame,
    /// The HTTP status.
    pub status: StatusCode,
    /// The stable reason code: the same in bodies, logs and documentation.
    pub reason: &'static str,
    /// What happened, in one sentence. Never holds a secret.
    pub message: String,
    /// What logs say instead, where the sentence repeats words of a client's message: its arguments are not the
    /// operator's business.
    pub logged: Option<&'static str>,
    /// What to do about it.
    pub fix: String,
    /// The OAuth error code, where the wire has room for one.
    pub code: Option<ErrorCode>,
    /// The JSON-RPC error code, where the wire has room for one.
    pub rpc: Code,
    /// The server it is about.
    pub slug: Option<String>,
    /// Facts a person compares: the requested and the registered redirect URI.
    pub facts: Vec<(&'static str, String)>,
    /// Where a person at a browser may go from here: a label and a path of the gateway.
    pub way_on: Option<Box<(&'static str, String)>>,
    /// What a caller lacks, where it is known by name.
    pub lacking: Option<Box<Lacking>>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Failure {
    /// A failure with the JSON-RPC code its blame suggests.
    pub fn new(blame: Blame, status: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Details {
            blame,
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            reason,
            message: message.into(),
            logged: None,
            fix: String::new(),
            code: None,
            rpc: if blame == Blame::Client { Code::InvalidRequest } else { Code::Internal },
            slug: None,
            facts: Vec::new(),
            way_on: None,
            lacking: None,
            headers: Vec::new(),
        }))
    }

    /// The client's to mend.
    pub fn client(status: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Blame::Client, status, reason, message)
    }

    /// An OAuth error of the client's: 400 with a code.
    pub fn oauth(code: ErrorCode, reason: &'static str, message: impl Into<String>) -> Self {
        let status = if code == ErrorCode::InvalidClient { 401 } else { 400 };
        Self::client(status, reason, message).code(code)
    }

    /// Storage did not answer: the request fails closed and may be repeated.
    pub fn storage() -> Self {
        Self::new(
            Blame::Gateway,
            503,
            "storage_unavailable",
            "The gateway's storage did not answer, so access could not be verified.",
        )
        .fix("Try again in a few seconds; nothing was lost.")
        .code(ErrorCode::TemporarilyUnavailable)
        .header(RETRY_AFTER, HeaderValue::from_static("5"))
    }

    /// Another status than its kind suggests.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.0.status = StatusCode::from_u16(status).unwrap_or(self.0.status);
        self
    }

    /// Keeps the sentence out of logs.
    #[must_use]
    pub fn logged(mut self, instead: &'static str) -> Self {
        self.0.logged = Some(instead);
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.0.fix = fix.into();
        self
    }

    /// Names the OAuth error code.
    #[must_use]
    pub fn code(mut self, code: ErrorCode) -> Self {
        self.0.code = Some(code);
        self
    }

    /// Names the JSON-RPC error code.
    #[must_use]
    pub fn rpc(mut self, code: Code) -> Self {
        self.0.rpc = code;
        self
    }

    /// Names the server.
    #[must_use]
    pub fn slug(mut self, slug: impl Into<String>) -> Self {
        self.0.slug = Some(slug.into());
        self
    }

    /// Adds a fact to compare.
    #[must_use]
    pub fn fact(mut self, label: &'static str, value: impl Into<String>) -> Self {
        self.0.facts.push((label, value.into()));
        self
    }

    /// Says what the caller lacks.
    #[must_use]
    pub fn lacking(mut self, lacking: Lacking) -> Self {
        self.0.lacking = Some(Box::new(lacking));
        self
    }

    /// Offers a person a way on.
    #[must_use]
    pub fn way_on(mut self, label: &'static str, path: impl Into<String>) -> Self {
        self.0.way_on = Some(Box::new((label, path.into())));
        self
    }

    /// Adds a header every rendering carries.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Adds the challenge of RFC 6750 §3.
    #[must_use]
    pub fn challenge(mut self, value: HeaderValue) -> Self {
        self.0.headers.push((WWW_AUTHENTICATE, value));
        self
    }

    /// 405 with the methods that work.
    pub fn method_not_allowed(allow: &'static str, message: impl Into<String>) -> Self {
        Self::client(405, "method_not_allowed", message).header(ALLOW, HeaderValue::from_static(allow))
    }

    /// As an OAuth error (OAuth 2.1 §3.2.4), which is also the form of every plain JSON refusal.
    pub fn as_json<S>(&self, request_id: &str) -> Reply<S> {
        self.add_headers(Reply::json(self.status, &Explained { failure: self, request_id }))
    }

    /// As a JSON-RPC error response to a request, or without an id where none was readable.
    pub fn as_rpc<S>(&self, id: Option<&RequestId>, request_id: &str) -> Reply<S> {
        self.add_headers(Reply::bytes(self.status, "application/json", self.rpc_response(id, request_id)))
    }

    /// The bytes of that response.
    pub fn rpc_response(&self, id: Option<&RequestId>, request_id: &str) -> Vec<u8> {
        let fix = Some(self.fix.as_str()).filter(|fix| !fix.is_empty());
        let lacking = self.lacking.as_deref();
        let data = Data { reason: self.reason, request_id, slug: self.slug.as_deref(), fix, lacking };
        ErrorResponse { id, code: self.rpc, message: &self.message, data }.to_bytes()
    }

    /// As a page for the person at the browser, with what they can send to support.
    pub fn as_page<S>(&self, request_id: &str, support: Option<page::SupportCopy>) -> Reply<S> {
        let family = family::of(self.reason, self.blame);
        let own = self.way_on.as_ref().map(|way_on| (way_on.0, way_on.1.as_str()));
        let notice = page::Notice {
            tone: page::Tone::Error,
            title: family.title.to_owned(),
            happened: self.message.clone(),
            todo: self.fix.clone(),
            reason: Some(self.reason),
            request_id: request_id.to_owned(),
            slug: self.slug.clone(),
            facts: self.facts.iter().map(|(label, value)| ((*label).to_owned(), value.clone())).collect(),
            link: own.or(family.way_on).map(|(label, target)| page::PageLink::new(label, target)),
            support,
        };
        self.add_headers(Reply::page(self.status, notice.render()))
    }

    /// Whoever is told that something of the gateway is unavailable is told when to come back. Of a server's own
    /// trouble only what is known is said.
    fn add_headers<S>(&self, reply: Reply<S>) -> Reply<S> {
        let is_ours = self.status == StatusCode::SERVICE_UNAVAILABLE && self.blame != Blame::Upstream;
        let is_timed = self.headers.iter().any(|(name, _)| *name == RETRY_AFTER);
        let reply = if is_ours && !is_timed { reply.with(RETRY_AFTER, RETRY) } else { reply };
        self.headers.iter().fold(reply, |reply, (name, value)| reply.and(name.clone(), value.clone()))
    }
}

impl Deref for Failure {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

/// The plain JSON form.
struct Explained<'a> {
    failure: &'a Failure,
    request_id: &'a str,
}

impl Serialize for Explained<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Details { code, reason, message, fix, slug, facts, .. } = &**self.failure;
        let mut body = serializer.serialize_map(None)?;
        body.serialize_entry("error", code.map_or(*reason, ErrorCode::as_str))?;
        body.serialize_entry("error_description", message)?;
        body.serialize_entry("reason", reason)?;
        if !fix.is_empty() {
            body.serialize_entry("fix", fix)?;
        }
        if let Some(slug) = slug {
            body.serialize_entry("slug", slug)?;
        }
        for (label, value) in facts {
            body.serialize_entry(label, value)?;
        }
        body.serialize_entry("request_id", self.request_id)?;
        body.end()
    }
}
