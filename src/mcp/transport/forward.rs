//! Which headers pass the gateway, in each direction. Both are allow-lists: a header nobody thought of stops here, and
//! the client's bearer with it (2026-07-28 security considerations, "Token Passthrough").
//!
//! Not here: the trace, which is told on in the gateway's own headers (`web::trace`), CORS and security headers of our
//! own answers, and how a header becomes a JavaScript value.

use super::header_names::{METHOD, NAME, PARAM_PREFIX, PROTOCOL_VERSION, SESSION_ID};
use super::response::MediaType;
use super::revision::Era;
use super::session::Session;
use crate::headers::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};

/// The headers of the request to the server. `own` are the gateway's for this server (its credentials among them) and
/// win.
pub fn request_headers(
    inbound: &HeaderMap,
    session: Option<&Session>,
    own: &[(HeaderName, HeaderValue)],
    era: Era,
) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(16);
    for (name, value) in inbound {
        if passes_inward(name.as_str(), era) {
            headers.append(name.clone(), value.clone());
        }
    }
    // Servers refuse anything but the two types by name (406), and some clients write `*/*` in one way or another.
    let named = |accept: &str| {
        ["application/json", "text/event-stream"].iter().any(|name| accept.to_ascii_lowercase().contains(name))
    };
    if !headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(named) {
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    }
    // The body was read as UTF-8. A charset of the client's (UTF-7 in some servers) could make another message of the
    // same bytes.
    if headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if let (Era::Legacy, Some(session)) = (era, session) {
        let id = session.upstream.as_ref().and_then(|id| HeaderValue::try_from(id.as_str()).ok());
        let revision = session.revision.as_deref().and_then(|revision| HeaderValue::try_from(revision).ok());
        headers.extend(id.map(|id| (HeaderName::from_static(SESSION_ID), id)));
        if let Some(revision) = revision {
            headers.insert(PROTOCOL_VERSION, revision);
        }
    }
    for (name, value) in own {
        headers.insert(name.clone(), value.clone());
    }
    headers
}

/// The headers of our answer, from the server's. `session_id` is our own sealed one, if this answer opens a session.
pub fn response_headers(upstream: &HeaderMap, session_id: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    let media_type = MediaType::of(upstream);
    // In words of the gateway's: browsers read more into parameters, up to another type after a comma.
    if let Some(media_type) = media_type {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type.as_str()));
    }
    for name in [RETRY_AFTER, HeaderName::from_static(PROTOCOL_VERSION)] {
        if let Some(value) = upstream.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    // What one subject may see is for no shared cache, and a proxy that compresses a stream also buffers it.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    if media_type == Some(MediaType::EventStream) {
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    }
    if let Some(id) = session_id.and_then(|id| HeaderValue::try_from(id).ok()) {
        headers.insert(SESSION_ID, id);
    }
    headers
}

fn passes_inward(name: &str, era: Era) -> bool {
    match name {
        "accept" | "content-type" | PROTOCOL_VERSION | METHOD | NAME => true,
        "last-event-id" => era == Era::Legacy,
        _ => name.starts_with(PARAM_PREFIX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::transport::session::UpstreamSession;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    fn session() -> Session {
        Session::opened(UpstreamSession::try_from("upstream-1".to_owned()).ok(), None)
    }

    #[test]
    fn only_what_a_server_needs_goes_in() {
        let stopped = [
            ("authorization", "Bearer client"),
            ("cookie", "a=b"),
            ("host", "gw.example"),
            ("forwarded", "for=1.2.3.4"),
            ("x-forwarded-for", "1.2.3.4"),
            ("cf-connecting-ip", "1.2.3.4"),
            ("connection", "mcp-name"),
            ("transfer-encoding", "chunked"),
            ("content-length", "9"),
            ("origin", "https://a.example"),
            ("user-agent", "x"),
            ("mcp-session-id", "ours"),
            ("proxy-authorization", "x"),
            ("x-unknown", "x"),
            ("traceparent", "00-1-2-01"),
            ("tracestate", "a=b"),
            ("baggage", "a=b"),
        ];
        for era in [Era::Legacy, Era::Modern] {
            assert_eq!(names(&request_headers(&headers(&stopped), None, &[], era)), ["accept"], "{era:?}");
        }
        let passed = [
            ("accept", "text/event-stream"),
            ("content-type", "application/json"),
            ("mcp-method", "tools/call"),
            ("mcp-name", "add"),
            ("mcp-param-region", "eu"),
            ("mcp-protocol-version", "2026-07-28"),
        ];
        assert_eq!(request_headers(&headers(&passed), None, &[], Era::Modern), headers(&passed), "unchanged");
    }

    #[test]
    fn sessions_and_resumption_are_legacy() {
        let inbound = headers(&[("last-event-id", "7"), ("mcp-session-id", "ours")]);
        let legacy = request_headers(&inbound, Some(&session()), &[], Era::Legacy);
        assert_eq!(legacy["mcp-session-id"], "upstream-1");
        assert_eq!(legacy["last-event-id"], "7");
        assert_eq!(names(&request_headers(&inbound, Some(&session()), &[], Era::Modern)), ["accept"]);
    }

    #[test]
    fn a_server_is_spoken_to_in_the_revision_it_chose() {
        let inbound = headers(&[("mcp-protocol-version", "2025-11-25")]);
        let reopened = session().reopened(None, Some("2025-06-18".to_owned()));
        let sent = request_headers(&inbound, Some(&reopened), &[], Era::Legacy);
        assert_eq!((sent.get("mcp-session-id"), &sent["mcp-protocol-version"]), (None, &"2025-06-18".parse().unwrap()));
    }

    #[test]
    fn accept_names_both_types_unless_the_client_chose() {
        for (sent, forwarded) in [
            (&[][..], "application/json, text/event-stream"),
            (&[("accept", "*/*")], "application/json, text/event-stream"),
            (&[("accept", "text/html, */*;q=0.8")], "application/json, text/event-stream"),
            (&[("accept", "application/json")], "application/json"),
        ] {
            assert_eq!(request_headers(&headers(sent), None, &[], Era::Legacy)["accept"], forwarded);
        }
    }

    #[test]
    fn no_charset_makes_another_message_of_the_body() {
        for sent in ["application/json", "Application/JSON; charset=utf-7", "application/json;charset=utf-16le"] {
            let forwarded = request_headers(&headers(&[("content-type", sent)]), None, &[], Era::Legacy);
            assert_eq!(forwarded["content-type"], "application/json", "{sent}");
        }
    }

    #[test]
    fn the_gateways_own_headers_win() {
        let own = ["authorization", "mcp-param-region"]
            .map(|name| (HeaderName::from_static(name), HeaderValue::from_static("ours")));
        let inbound = headers(&[("authorization", "Bearer client"), ("mcp-param-region", "theirs")]);
        let sent = request_headers(&inbound, None, &own, Era::Modern);
        for (name, _) in &own {
            assert_eq!(sent.get_all(name).collect::<Vec<_>>(), ["ours"], "{name}");
        }
    }

    #[test]
    fn only_what_a_client_needs_comes_out() {
        let upstream = headers(&[
            ("content-type", "application/json"),
            ("retry-after", "3"),
            ("mcp-protocol-version", "2025-11-25"),
            ("set-cookie", "a=b"),
            ("www-authenticate", "Bearer"),
            ("content-length", "9"),
            ("content-encoding", "gzip"),
            ("access-control-allow-origin", "*"),
            ("cache-control", "public, max-age=9"),
            ("mcp-session-id", "upstream-1"),
            ("location", "https://other.example"),
            ("server", "x"),
        ]);
        let out = response_headers(&upstream, None);
        assert_eq!(names(&out), ["cache-control", "content-type", "mcp-protocol-version", "retry-after"]);
        assert_eq!(out["cache-control"], "no-store, no-transform");
        assert_eq!(response_headers(&upstream, Some("sealed"))["mcp-session-id"], "sealed");
    }

    #[test]
    fn streams_ask_not_to_be_buffered() {
        let out = response_headers(&headers(&[("content-type", "Text/Event-Stream; charset=utf-8")]), None);
        assert_eq!(out["x-accel-buffering"], "no");
    }

    #[test]
    fn the_media_type_is_in_our_own_words() {
        for (sent, written) in [
            ("text/event-stream;, text/html", Some("text/event-stream")),
            ("Text/Event-Stream; charset=utf-8", Some("text/event-stream")),
            ("application/json; charset=utf-7", Some("application/json")),
            ("application/json;,text/html", Some("application/json")),
            ("text/html", None),
        ] {
            let out = response_headers(&headers(&[("content-type", sent)]), None);
            assert_eq!(out.get("content-type").map(|value| value.to_str().unwrap()), written, "{sent}");
        }
    }
}
