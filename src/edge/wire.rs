//! How requests, replies and errands are written to cross between JavaScript and wasm in one string each.
//!
//! Lines end with `\n` and the last is followed by `\0`, then the body; neither can be in a line, as a header value is
//! visible ASCII. Not here: any policy on headers; what must not pass is decided in `mcp::transport::forward`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::host_op::{HostOp, JsStream};
use crate::gateway::{Request, StreamStanding};
use crate::mcp::rewrite::Rewriter;
use crate::ports::{Answer, FetchError, Outgoing};
use crate::time::Lifetime;
use crate::web::reply::{Body, Reply, Terms};

thread_local! {
    /// By call, like the rewriters: others go on between an answer and the moment JavaScript reads it.
    static BYTES: RefCell<BTreeMap<u32, Vec<u8>>> = RefCell::default();
    static REWRITERS: RefCell<BTreeMap<u32, Box<dyn Rewriter>>> = RefCell::default();
}

/// A body up to this size crosses within the string if it is text, and a longer one as bytes, which are not decoded.
const SHORT: usize = 16 * 1024;

/// The bytes of the body that was last written as "bytes" for a call.
pub fn bytes(call: u32) -> Vec<u8> {
    BYTES.with_borrow_mut(|bytes| bytes.remove(&call)).unwrap_or_default()
}

/// What rewrites the body that was last written as "rewritten" for a call.
pub fn rewriter(call: u32) -> Option<Box<dyn Rewriter>> {
    REWRITERS.with_borrow_mut(|rewriters| rewriters.remove(&call))
}

/// The method, the URL and the headers of a request.
pub fn request<S>(head: &str, body: S) -> Request<S> {
    let (method, rest) = head.split_once('\n').unwrap_or((head, ""));
    let (url, rest) = rest.split_once('\n').unwrap_or((rest, ""));
    Request { method: method.to_owned(), url: url.to_owned(), headers: headers(rest), body }
}

/// The status and the headers of an answer, or the reason there is none.
pub fn answer(head: &str, opening: Option<u8>, body: u32) -> Result<Answer<u32>, FetchError> {
    let (status, rest) = head.split_once('\n').unwrap_or((head, ""));
    match status {
        "timed_out" => Err(FetchError::TimedOut),
        "client_gone" => Err(FetchError::ClientGone),
        status => {
            let status = StatusCode::from_bytes(status.as_bytes()).map_err(|_| FetchError::Unreachable)?;
            Ok(Answer { status, headers: headers(rest), opening, body })
        }
    }
}

/// A reply: its status, where its body is, and its headers. Before it, where it is a stream, when to look at it, and
/// with which words.
pub fn reply(call: u32, reply: Reply<JsStream>) -> String {
    let mut text = String::with_capacity(1024);
    if let Some(Terms { words, after }) = reply.terms() {
        push(&mut text, "stream");
        number(&mut text, milliseconds(*after));
        push(&mut text, words);
    }
    let (status, headers, body) = reply.into_parts();
    push(&mut text, "reply");
    push(&mut text, status.as_str());
    match body {
        Body::Empty => push(&mut text, "none"),
        Body::Bytes(body) => return with_body(call, text, &headers, body),
        Body::Relay(stream) => number(&mut text, stream.number()),
        Body::Rewritten(stream, rewriter) => {
            drop(REWRITERS.with_borrow_mut(|rewriters| rewriters.insert(call, rewriter)));
            text.push_str("rewritten ");
            number(&mut text, stream.number());
        }
    }
    push_headers(&mut text, &headers);
    text.push('\0');
    text
}

/// What becomes of a stream.
pub fn standing(standing: StreamStanding) -> String {
    let mut text = String::new();
    match standing {
        StreamStanding::GoesOn(after) => {
            push(&mut text, "goes_on");
            number(&mut text, milliseconds(after));
            text.push('\0');
        }
        StreamStanding::Ends(event) => {
            push(&mut text, "ends");
            text.push('\0');
            text.push_str(&String::from_utf8_lossy(&event));
        }
    }
    text
}

/// An errand of a call.
pub fn op(call: u32, op: HostOp) -> String {
    let mut text = String::with_capacity(1024);
    match op {
        HostOp::Fetch { request: Outgoing { method, url, headers, body, within }, attended } => {
            push(&mut text, if attended { "fetch" } else { "fetch_unattended" });
            push(&mut text, method.as_str());
            push(&mut text, url.as_str());
            number(&mut text, milliseconds(within));
            return with_body(call, text, &headers, body);
        }
        HostOp::Read { body, limit, within } => {
            push(&mut text, "read");
            number(&mut text, body);
            number(&mut text, u32::try_from(limit).unwrap_or(u32::MAX));
            number(&mut text, milliseconds(within));
        }
        HostOp::Discard { body } => {
            push(&mut text, "discard");
            number(&mut text, body);
        }
    }
    text.push('\0');
    text
}

/// That a call waits for a promise.
pub fn wait() -> String {
    "wait\n\0".to_owned()
}

fn with_body(call: u32, mut text: String, headers: &HeaderMap, body: Vec<u8>) -> String {
    let short = (body.len() <= SHORT).then(|| std::str::from_utf8(&body).ok()).flatten();
    push(&mut text, if body.is_empty() { "none" } else { short.map_or("bytes", |_| "text") });
    push_headers(&mut text, headers);
    text.push('\0');
    match short {
        Some(body) => text.push_str(body),
        None => drop(BYTES.with_borrow_mut(|bytes| bytes.insert(call, body))),
    }
    text
}

/// A value that is not visible ASCII is left out: nothing here may panic on an upstream's bytes.
fn headers(packed: &str) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(16);
    let mut lines = packed.split('\n');
    while let (Some(name), Some(value)) = (lines.next(), lines.next()) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            // A map has room for some 24,000 headers, and panics beyond with `append`.
            if headers.try_append(name, value).is_err() {
                break;
            }
        }
    }
    headers
}

fn push_headers(text: &mut String, headers: &HeaderMap) {
    for (name, value) in headers {
        if let Ok(value) = value.to_str() {
            push(text, name.as_str());
            push(text, value);
        }
    }
}

fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn number(text: &mut String, number: u32) {
    let _ = writeln!(text, "{number}"); // writing to a String cannot fail
}

fn milliseconds(span: Lifetime) -> u32 {
    u32::try_from(span.0.saturating_mul(1000)).unwrap_or(u32::MAX)
}
