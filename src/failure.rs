//! Every refusal and failure: who must act, a stable reason code, what happened and what to do, rendered once for each wire
//! format.
//!
//! Not here: when something fails. Pure layers return their own small enums; `flow` lifts them into a [`Failure`].

use http::header::{ALLOW, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::mcp::envelope::RequestId;
use crate::oauth::error::ErrorCode;
use crate::page;
use crate::reply::Reply;

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

/// One failure, ready to be rendered.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Who must act.
    pub blame: Blame,
    /// The HTTP status.
    pub status: StatusCode,
    /// The stable reason code: the same in bodies, logs and documentation.
    pub reason: &'static str,
    /// What happened, in one sentence. Never holds a secret.
    pub message: String,
    /// What to do about it.
    pub fix: String,
    /// The OAuth error code, where the wire has room for one.
    pub code: Option<ErrorCode>,
    /// The JSON-RPC error code, where the wire has room for one.
    pub rpc: i64,
    /// The server it is about.
    pub slug: Option<String>,
    /// Facts a person compares: the requested and the registered redirect URI.
    pub facts: Vec<(&'static str, String)>,
    headers: Vec<(HeaderName, String)>,
}

impl Failure {
    /// A failure with its default JSON-RPC code, -32603 or -32600 by blame.
    pub fn new(blame: Blame, status: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            blame,
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            reason,
            message: message.into(),
            fix: String::new(),
            code: None,
            rpc: if blame == Blame::Client { -32600 } else { -32603 },
            slug: None,
            facts: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// The client's to mend.
    pub fn client(status: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Blame::Client, status, reason, message)
    }

    /// An OAuth error of the client's: 400 with a code.
    pub fn oauth(code: ErrorCode, reason: &'static str, message: impl Into<String>) -> Self {
        let status = if code == ErrorCode::InvalidClient { 401 } else { 400 };
        Self { code: Some(code), ..Self::client(status, reason, message) }
    }

    /// Storage did not answer: the request fails closed and may be repeated.
    pub fn storage() -> Self {
        Self::new(Blame::Gateway, 503, "storage_unavailable", "The gateway's storage did not answer, so access could not be verified.")
            .fix("Try again in a few seconds; nothing was lost.")
            .code(ErrorCode::TemporarilyUnavailable)
            .header(RETRY_AFTER, "5")
    }

    /// Says what to do.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = fix.into();
        self
    }

    /// Names the OAuth error code.
    #[must_use]
    pub fn code(mut self, code: ErrorCode) -> Self {
        self.code = Some(code);
        self
    }

    /// Names the server.
    #[must_use]
    pub fn slug(mut self, slug: impl Into<String>) -> Self {
        self.slug = Some(slug.into());
        self
    }

    /// Adds a fact to compare.
    #[must_use]
    pub fn fact(mut self, label: &'static str, value: impl Into<String>) -> Self {
        self.facts.push((label, value.into()));
        self
    }

    /// Adds a header every rendering carries.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds the challenge of RFC 6750 §3.
    #[must_use]
    pub fn challenge(self, value: String) -> Self {
        self.header(WWW_AUTHENTICATE, value)
    }

    /// 405 with the methods that work.
    pub fn method_not_allowed(allow: &str, message: impl Into<String>) -> Self {
        Self::client(405, "method_not_allowed", message).header(ALLOW, allow)
    }

    /// As an OAuth error (OAuth 2.1 §3.2.4), which is also the form of every plain JSON refusal.
    pub fn as_json<S>(&self, request_id: &str) -> Reply<S> {
        let error = self.code.map_or(self.reason, ErrorCode::as_str);
        let mut body = Map::new();
        body.insert("error".into(), error.into());
        body.insert("error_description".into(), self.message.clone().into());
        self.explain(&mut body, request_id);
        self.dress(Reply::json(self.status, &body))
    }

    /// As a JSON-RPC error response to a request, or without an id where none was readable.
    pub fn as_rpc<S>(&self, id: Option<&RequestId>, request_id: &str) -> Reply<S> {
        let mut data = Map::new();
        self.explain(&mut data, request_id);
        let mut body = json!({"jsonrpc": "2.0", "error": {"code": self.rpc, "message": self.message, "data": data}});
        if let (Some(body), Some(id)) = (body.as_object_mut(), id) {
            body.insert("id".into(), id.to_value());
        }
        self.dress(Reply::json(self.status, &body))
    }

    /// As a page for the person at the browser.
    pub fn as_page<S>(&self, request_id: &str) -> Reply<S> {
        let notice = page::Notice {
            tone: page::Tone::Error,
            title: page::title(self.reason).to_owned(),
            happened: self.message.clone(),
            todo: self.fix.clone(),
            reason: Some(self.reason.to_owned()),
            request_id: request_id.to_owned(),
            slug: self.slug.clone(),
            facts: self.facts.iter().map(|(label, value)| ((*label).to_owned(), value.clone())).collect(),
            link: None,
        };
        self.dress(Reply::page(self.status, notice.render()))
    }

    fn explain(&self, body: &mut Map<String, Value>, request_id: &str) {
        body.insert("reason".into(), self.reason.into());
        if !self.fix.is_empty() {
            body.insert("fix".into(), self.fix.clone().into());
        }
        if let Some(slug) = &self.slug {
            body.insert("slug".into(), slug.clone().into());
        }
        for (label, value) in &self.facts {
            body.insert((*label).into(), value.clone().into());
        }
        body.insert("request_id".into(), request_id.into());
    }

    fn dress<S>(&self, reply: Reply<S>) -> Reply<S> {
        self.headers.iter().fold(reply, |reply, (name, value)| reply.with(name.clone(), value))
    }
}
