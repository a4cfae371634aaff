//! How requests, replies and errands are written to cross between JavaScript and wasm, in one string each.
//!
//! Lines end with `\n` and the last is followed by `\0`, then the body; neither can be in a line, as a header value is
//! visible ASCII. `edge/call.js` reads and writes the other side of it. Not here: where what does not fit into a string
//! waits (`edge`), and any policy on headers; what must not pass is decided in `mcp::transport::forward`.

use std::fmt::{Display, Write};

use http::StatusCode;

use crate::headers::{HeaderMap, HeaderName, HeaderValue};
use crate::mcp::rewrite::Rewriter;
use crate::ports::{Answer, FetchError, Outgoing};
use crate::time::{Lifetime, Millis};
use crate::web::reply::{Body, Ready, Reply, Terms};

/// A body up to this size crosses within the string if it is text, and a longer one as bytes, which are not decoded.
const SHORT: usize = 16 * 1024;

/// Headers of one message; no runtime delivers as many.
const MOST_HEADERS: usize = 24_000;

const REQUEST_ID: &str = "x-request-id";

/// The headers of answers that anything here reads. JavaScript asks for these: to walk through all took as long as to
/// make a response.
pub const READ_OF_ANSWERS: [&str; 9] = [
    "age",
    "cache-control",
    "cf-mitigated",
    "content-type",
    "location",
    "mcp-protocol-version",
    "mcp-session-id",
    "retry-after",
    "www-authenticate",
];

/// What is handed to JavaScript.
#[derive(Debug)]
pub struct Crossing {
    /// What it reads at once.
    pub text: String,
    /// What it takes after it has read that.
    pub aside: Option<Aside>,
}

/// What does not fit into a string.
#[derive(Debug)]
pub enum Aside {
    /// The body, where the text says "bytes".
    Bytes(Vec<u8>),
    /// What rewrites the body, where the text says "rewritten".
    Rewriter(Box<dyn Rewriter>),
}

/// Something for JavaScript to do for a flow.
#[derive(Debug)]
pub enum HostOp {
    /// Sends a request; one that is attended is given up when its client leaves.
    Fetch {
        /// What to send.
        request: Box<Outgoing>,
        /// Whether its client has to stay.
        attended: bool,
    },
    /// Reads a body to its end.
    Read {
        /// Its number.
        body: u32,
        /// How many bytes it may have.
        limit: usize,
        /// How long that may take.
        within: Lifetime,
    },
    /// Lets go of a body.
    Discard {
        /// Its number.
        body: u32,
    },
}

/// A request as it comes, without its body.
#[derive(Debug, PartialEq, Eq)]
pub struct RequestHead {
    /// The method, in capitals as it came.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// The headers that anything here reads; values that are not visible ASCII are left out.
    pub headers: HeaderMap,
    /// How many bytes the others have.
    pub unread: usize,
}

/// What JavaScript said is cut off or not in this form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// The method, the URL and the headers of a request.
pub fn request(head: &str) -> Result<RequestHead, Malformed> {
    let (method, rest) = line(head)?;
    let (url, rest) = line(rest)?;
    let (headers, unread) = headers(rest, is_unread)?;
    Ok(RequestHead { method: method.to_owned(), url: url.to_owned(), headers, unread })
}

/// The status and the headers of an answer, or the reason there is none. What is malformed is no answer.
pub fn answer(head: &str, opening: Option<u8>, body: u32) -> Result<Answer<u32>, FetchError> {
    match head {
        "timed_out" => Err(FetchError::TimedOut),
        "client_gone" => Err(FetchError::ClientGone),
        head => {
            let (status, rest) = head.split_once('\n').ok_or(FetchError::Unreachable)?;
            let status = StatusCode::from_bytes(status.as_bytes()).map_err(|_| FetchError::Unreachable)?;
            let (headers, _) = headers(rest, |_| false).map_err(|Malformed| FetchError::Unreachable)?;
            Ok(Answer { status, headers, opening, body })
        }
    }
}

/// A reply: its status, where its body is, and its headers. Where it has none but usual ones it is "usual", and the
/// request id stands before them: what follows is the same in many replies, and JavaScript makes headers of it once.
/// Before it, where it is a stream, when to look at it, and with which words; and where it is the same for others, what
/// [`Ready`] says. `number` is what JavaScript calls a stream by.
pub fn reply<S>(reply: Reply<S>, number: impl Fn(&S) -> u32) -> Crossing {
    let mut text = String::with_capacity(1536);
    if let Some(Ready { until, counted, id, span, began, line }) = reply.ready() {
        push(&mut text, "ready");
        push_number(&mut text, until.0.saturating_mul(1000));
        push_number(&mut text, counted);
        push(&mut text, id);
        push(&mut text, span);
        push_number(&mut text, began.0);
        push(&mut text, line.as_deref().unwrap_or_default());
    }
    if let Some(Terms { words, after }) = reply.terms() {
        push(&mut text, "stream");
        push_number(&mut text, Millis::of(*after).0);
        push(&mut text, words);
    }
    let (status, headers, body) = reply.into_parts();
    let id = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(|_| headers.keys().all(is_usual));
    push(&mut text, if id.is_some() { "usual" } else { "reply" });
    push(&mut text, status.as_str());
    let mut aside = None;
    match body {
        Body::Empty => push(&mut text, "none"),
        Body::Bytes(body) => return with_body(text, id, &headers, body),
        Body::Relay(stream) => push_number(&mut text, number(&stream)),
        Body::Rewritten(stream, rewriter) => {
            text.push_str("rewritten ");
            push_number(&mut text, number(&stream));
            aside = Some(Aside::Rewriter(rewriter));
        }
    }
    push_headers(&mut text, id, &headers);
    text.push('\0');
    Crossing { text, aside }
}

/// That a stream goes on, and after how long to look at it again.
pub fn goes_on(after: Lifetime) -> String {
    let mut text = String::new();
    push(&mut text, "goes_on");
    push_number(&mut text, Millis::of(after).0);
    text.push('\0');
    text
}

/// That a stream ends, and what is sent at last.
pub fn ends(event: &[u8]) -> String {
    let mut text = String::new();
    push(&mut text, "ends");
    text.push('\0');
    text.push_str(&String::from_utf8_lossy(event));
    text
}

/// That there is nothing left to keep.
pub fn settled() -> String {
    "settled\n\0".to_owned()
}

/// An errand of a call.
pub fn op(op: HostOp) -> Crossing {
    let mut text = String::with_capacity(1024);
    match op {
        HostOp::Fetch { request, attended } => {
            let Outgoing { method, url, headers, body, within } = *request;
            push(&mut text, if attended { "fetch" } else { "fetch_unattended" });
            push(&mut text, method.as_str());
            push(&mut text, url.as_str());
            push_number(&mut text, Millis::of(within).0);
            return with_body(text, None, &headers, body);
        }
        HostOp::Read { body, limit, within } => {
            push(&mut text, "read");
            push_number(&mut text, body);
            push_number(&mut text, u32::try_from(limit).unwrap_or(u32::MAX));
            push_number(&mut text, Millis::of(within).0);
        }
        HostOp::Discard { body } => {
            push(&mut text, "discard");
            push_number(&mut text, body);
        }
    }
    text.push('\0');
    Crossing { text, aside: None }
}

/// That a call waits for a promise.
pub fn wait() -> String {
    "wait\n\0".to_owned()
}

fn with_body(mut text: String, id: Option<&str>, headers: &HeaderMap, body: Vec<u8>) -> Crossing {
    let short = (body.len() <= SHORT).then(|| std::str::from_utf8(&body).ok()).flatten();
    push(&mut text, if body.is_empty() { "none" } else { short.map_or("bytes", |_| "text") });
    push_headers(&mut text, id, headers);
    text.push('\0');
    match short {
        Some(body) => {
            text.push_str(body);
            Crossing { text, aside: None }
        }
        None => Crossing { text, aside: Some(Aside::Bytes(body)) },
    }
}

/// What browsers, clients and the platform add to every request, and nothing here reads: to make a header of each took
/// a tenth of what Rust does in a call.
fn is_unread(name: &str) -> bool {
    matches!(
        name,
        "accept-encoding"
            | "accept-language"
            | "cache-control"
            | "cdn-loop"
            | "cf-ew-via"
            | "cf-ipcountry"
            | "cf-ray"
            | "connection"
            | "content-length"
            | "host"
            | "pragma"
            | "priority"
            | "sec-ch-ua"
            | "sec-ch-ua-mobile"
            | "sec-ch-ua-platform"
            | "sec-fetch-dest"
            | "sec-fetch-mode"
            | "user-agent"
            | "x-forwarded-for"
            | "x-real-ip"
    )
}

/// A value that is not visible ASCII is left out: nothing here may panic on an upstream's bytes.
fn headers(mut packed: &str, is_unread: fn(&str) -> bool) -> Result<(HeaderMap, usize), Malformed> {
    let mut headers = HeaderMap::with_capacity(16);
    let mut unread = 0;
    while !packed.is_empty() {
        let (name, rest) = line(packed)?;
        let (value, rest) = line(rest)?;
        if is_unread(name) {
            unread += name.len() + value.len();
        } else if headers.len() == MOST_HEADERS {
            break;
        } else if let (Ok(name), Ok(value)) = (HeaderName::parse(name), HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
        packed = rest;
    }
    Ok((headers, unread))
}

/// The first line, and what stands behind it.
fn line(text: &str) -> Result<(&str, &str), Malformed> {
    let end = memchr::memchr(b'\n', text.as_bytes()).ok_or(Malformed)?;
    let (line, rest) = text.split_at_checked(end).ok_or(Malformed)?;
    Ok((line, rest.get(1..).unwrap_or_default()))
}

/// What is in most replies, and no secret. Their values are few: they come from the configuration.
fn is_usual(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "access-control-allow-headers"
            | "access-control-allow-methods"
            | "access-control-allow-origin"
            | "access-control-expose-headers"
            | "access-control-max-age"
            | "allow"
            | "cache-control"
            | "content-security-policy"
            | "content-type"
            | "strict-transport-security"
            | "vary"
            | "www-authenticate"
            | "x-accel-buffering"
            | "x-content-type-options"
            | REQUEST_ID
    )
}

/// `id` is that of the request, where it stands by itself.
fn push_headers(text: &mut String, id: Option<&str>, headers: &HeaderMap) {
    if let Some(id) = id {
        push(text, id);
    }
    for (name, value) in headers {
        if let Ok(value) = value.to_str()
            && !(id.is_some() && name == REQUEST_ID)
        {
            push(text, name.as_str());
            push(text, value);
        }
    }
}

fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn push_number(text: &mut String, number: impl Display) {
    let _ = writeln!(text, "{number}"); // writing to a String cannot fail
}

#[cfg(test)]
mod tests;
