//! What the gateway answers, built so that it cannot be malformed: a body only where the status allows one.
//!
//! Not here: which answer to give (`flow`), the words of failures (`failure`), turning it into the runtime's response
//! (`edge`).

use http::StatusCode;
use serde::Serialize;

use crate::headers::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use crate::mcp::rewrite::Rewriter;
use crate::time::{Lifetime, Tick, Timestamp};

/// An answer. `S` is an unread stream from an upstream.
#[derive(Debug)]
pub struct Reply<S> {
    status: StatusCode,
    headers: HeaderMap,
    body: Body<S>,
    reason: Option<&'static str>,
    blame: Option<&'static str>,
    terms: Option<Terms>,
    ready: Option<Box<Ready>>,
}

/// On which terms a stream is handed on: whether it may go on is asked again, with these words, as long as it lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// What is to be asked: one line of JSON.
    pub words: String,
    /// When it is asked first.
    pub after: Lifetime,
}

/// What it takes to give the same answer to others who ask the same, without asking the gateway: what in it is this
/// request's own, and how long it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// When the configuration that it comes from is looked at again.
    pub until: Timestamp,
    /// The request's id, wherever it stands in the answer and in the line.
    pub id: String,
    /// Its span, in the line.
    pub span: String,
    /// When it began, in the line.
    pub began: Tick,
    /// What was logged of it, if anything.
    pub line: Option<String>,
    /// What stands for what was counted of it.
    pub counted: usize,
}

/// The body of a [`Reply`].
#[derive(Debug)]
pub enum Body<S> {
    /// None at all.
    Empty,
    /// Bytes of our own.
    Bytes(Vec<u8>),
    /// An upstream's body, handed on untouched and uncopied.
    Relay(S),
    /// An upstream's body that is read on its way, because something in it is not for everybody.
    Rewritten(S, Box<dyn Rewriter>),
}

impl<S> Reply<S> {
    /// A status without a body: 202, 204 or a redirect.
    pub fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Body::Empty,
            reason: None,
            blame: None,
            terms: None,
            ready: None,
        }
    }

    /// JSON that no cache keeps.
    pub fn json(status: StatusCode, value: &impl Serialize) -> Self {
        // Only types of ours with string keys come here, so there is no failure to report.
        Self::bytes(status, "application/json", serde_json::to_vec(value).unwrap_or_default())
    }

    /// A page.
    pub fn page(status: StatusCode, html: String) -> Self {
        Self::bytes(status, "text/html; charset=utf-8", html.into_bytes())
    }

    /// Bytes of a content type that no cache keeps.
    pub fn bytes(status: StatusCode, content_type: &'static str, bytes: Vec<u8>) -> Self {
        let (headers, body) = (HeaderMap::new(), Body::Bytes(bytes));
        let mut reply = Self { status, headers, body, reason: None, blame: None, terms: None, ready: None };
        reply.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        reply.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        reply
    }

    /// 303, so that a posted form is never posted again at the target (OAuth 2.1 §7, "HTTP 307 Redirect").
    pub fn see_other(location: &str) -> Self {
        Self::empty(StatusCode::SEE_OTHER).with(LOCATION, location).with(CACHE_CONTROL, "no-store")
    }

    /// An upstream's answer with its body untouched; statuses that carry no body get none.
    pub fn relay(status: StatusCode, headers: HeaderMap, stream: S) -> Self {
        let bodiless = matches!(status.as_u16(), 204 | 205 | 304) || status.is_informational();
        let body = if bodiless { Body::Empty } else { Body::Relay(stream) };
        Self { status, headers, body, reason: None, blame: None, terms: None, ready: None }
    }

    /// The same answer with what it relays rewritten on its way.
    #[must_use]
    pub fn rewritten(mut self, rewriter: Box<dyn Rewriter>) -> Self {
        self.body = match self.body {
            Body::Relay(stream) => Body::Rewritten(stream, rewriter),
            other => other,
        };
        self
    }

    /// Sets a header; a value that is not legal in a header is left out.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::try_from(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Adds one more header of a name: cookies.
    #[must_use]
    pub fn and(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Says in logs why it is not what was asked for, although it is no failure.
    #[must_use]
    pub fn log_reason(self, reason: &'static str) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// Says in logs that it refuses, why, and who must act.
    #[must_use]
    pub fn log_refusal(self, reason: &'static str, blame: &'static str) -> Self {
        Self { reason: Some(reason), blame: Some(blame), ..self }
    }

    /// Hands its stream on for as long as it may last.
    #[must_use]
    pub fn on(self, terms: Terms) -> Self {
        Self { terms: Some(terms), ..self }
    }

    /// Says that it is the same for others, where it is.
    #[must_use]
    pub fn same_for_others(self, ready: Option<Ready>) -> Self {
        Self { ready: ready.map(Box::new), ..self }
    }

    /// What it takes to give it to others.
    pub fn ready(&self) -> Option<&Ready> {
        self.ready.as_deref()
    }

    /// How long its stream may last.
    pub fn terms(&self) -> Option<&Terms> {
        self.terms.as_ref()
    }

    /// What logs say of it.
    pub fn reason(&self) -> Option<&'static str> {
        self.reason
    }

    /// Who must act, where it refuses.
    pub fn blame(&self) -> Option<&'static str> {
        self.blame
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Whether it is a page of ours. What an upstream answers never is one.
    pub fn is_page(&self) -> bool {
        let html = |value: &HeaderValue| value.as_bytes().starts_with(b"text/html");
        matches!(self.body, Body::Bytes(_)) && self.headers.get(CONTENT_TYPE).is_some_and(html)
    }

    /// The same with its page written over.
    #[must_use]
    pub fn with_page(self, write: impl FnOnce(&str) -> String) -> Self {
        match self.body {
            Body::Bytes(page) => {
                let body = Body::Bytes(write(&String::from_utf8_lossy(&page)).into_bytes());
                Self { body, ..self }
            }
            body => Self { body, ..self },
        }
    }

    /// Its headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Its headers, to add what every answer carries.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }

    /// Takes it apart for sending.
    pub fn into_parts(self) -> (StatusCode, HeaderMap, Body<S>) {
        (self.status, self.headers, self.body)
    }

    /// The same answer without its body: HEAD.
    #[must_use]
    pub fn without_body(self) -> Self {
        Self { body: Body::Empty, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::rewrite::Unreadable;
    use crate::mcp::rewrite::answer::{Edit, Edited, RewrittenAnswer};
    use crate::mcp::transport::response::MediaType;

    struct AsItIs;

    impl Edit for AsItIs {
        fn edit(&self, _: &[u8]) -> Result<Edited, Unreadable> {
            Ok(Edited::Same)
        }
    }

    #[test]
    fn only_what_is_relayed_is_rewritten() {
        let rewriter = || Box::new(RewrittenAnswer::new(MediaType::Json, 1, AsItIs, |_| Vec::new()));
        let body = |reply: Reply<u8>| reply.rewritten(rewriter()).into_parts().2;
        assert!(matches!(body(Reply::relay(StatusCode::OK, HeaderMap::new(), 7)), Body::Rewritten(7, _)));
        assert!(matches!(body(Reply::relay(StatusCode::NO_CONTENT, HeaderMap::new(), 7)), Body::Empty));
        assert!(matches!(body(Reply::json(StatusCode::OK, &1)), Body::Bytes(bytes) if bytes == b"1"));
    }
}
