//! What crosses is what was meant, as a decoder written after `edge/call.js` reads it.
//!
//! Not here: `edge/call.js` itself, which the end-to-end tests run.

use http::Method;
use proptest::prelude::*;
use url::Url;

use super::*;
use crate::mcp::rewrite::Unreadable;
use crate::mcp::rewrite::answer::{Edit, Edited, RewrittenAnswer};
use crate::mcp::transport::response::MediaType;
use crate::time::{Tick, Timestamp};

/// An answer that is handed on.
struct AsItIs;

impl Edit for AsItIs {
    fn edit(&self, _: &[u8]) -> Result<Edited, Unreadable> {
        Ok(Edited::Same)
    }
}

type Lines<'a> = Vec<&'a str>;
type Pairs = Vec<(String, Vec<u8>)>;

/// `linesOf`, and what stands behind them.
fn taken_apart(text: &str) -> (Lines<'_>, &str) {
    let (lines, body) = text.split_once('\0').unwrap();
    (lines.strip_suffix('\n').unwrap().split('\n').collect(), body)
}

/// `own`: the body that a source stands for.
fn body_of(source: &str, text: &str, aside: Option<Aside>) -> Vec<u8> {
    match (source, aside) {
        ("none", None) => Vec::new(),
        ("text", None) => taken_apart(text).1.as_bytes().to_vec(),
        ("bytes", Some(Aside::Bytes(bytes))) => bytes,
        (source, aside) => panic!("{source} with {aside:?}"),
    }
}

/// `unpacked`, as pairs.
fn unpacked(lines: &[&str]) -> Pairs {
    assert_eq!(lines.len() % 2, 0, "{lines:?}");
    lines.chunks(2).map(|pair| (pair[0].to_owned(), pair[1].as_bytes().to_vec())).collect()
}

/// `packed`.
fn packed(pairs: &[(String, String)]) -> String {
    pairs.iter().flat_map(|(name, value)| [name, "\n", value, "\n"]).collect()
}

/// What of a map can cross: all but values that are not visible ASCII.
fn visible(headers: &HeaderMap) -> Pairs {
    let seen = headers.iter().filter(|(_, value)| value.to_str().is_ok());
    seen.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
}

/// Any headers that a map can hold: any bytes but control characters.
fn any_headers() -> impl Strategy<Value = HeaderMap> {
    let value = prop_oneof!["[ -~\t]{0,40}".prop_map(String::into_bytes), prop::collection::vec(any::<u8>(), 0..20)];
    prop::collection::vec(("[a-z][a-z0-9-]{0,12}", value), 0..8).prop_map(|pairs| {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            if let Ok(value) = HeaderValue::try_from(String::from_utf8_lossy(&value).into_owned()) {
                headers.append(HeaderName::parse(&name).unwrap(), value);
            }
        }
        headers
    })
}

/// Any body: text of every length around the bound, and bytes that are none.
fn any_body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "(?s).{0,60}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..60),
        (SHORT - 2..SHORT + 3).prop_map(|length| vec![b'a'; length]),
        (SHORT - 3..SHORT + 3).prop_map(|length| [vec![b'a'; length], "ü\0\nreply\n".as_bytes().to_vec()].concat()),
    ]
}

fn rewriter() -> Box<dyn Rewriter> {
    Box::new(RewrittenAnswer::new(MediaType::Json, 1, AsItIs, |_| Vec::new()))
}

proptest! {
    #[test]
    fn a_fetch_arrives_as_it_was_asked(
        headers in any_headers(),
        body in any_body(),
        path in "(?s).{0,30}",
        within in any::<u64>(),
        attended in any::<bool>(),
    ) {
        let mut url = Url::parse("https://up.example/").unwrap();
        url.set_path(&path);
        url.set_query(Some(&path));
        let request = Outgoing {
            method: Method::POST, url: url.clone(), headers: headers.clone(), body: body.clone(), within: Lifetime(within),
        };
        let Crossing { text, aside } = op(HostOp::Fetch { request: Box::new(request), attended });
        let (lines, _) = taken_apart(&text);
        prop_assert_eq!(lines[0], if attended { "fetch" } else { "fetch_unattended" });
        prop_assert_eq!((lines[1], lines[2]), ("POST", url.as_str()));
        let milliseconds: u64 = lines[3].parse().unwrap();
        prop_assert_eq!(milliseconds, within.saturating_mul(1000).min(u32::MAX.into()));
        prop_assert_eq!(unpacked(&lines[5..]), visible(&headers));
        prop_assert_eq!(body_of(lines[4], &text, aside), body);
    }

    #[test]
    fn a_reply_arrives_as_it_was_given(status in 200..600u16, headers in any_headers(), body in any_body()) {
        let mut given = Reply::<u32>::bytes(StatusCode::from_u16(status).unwrap(), "text/plain", body.clone());
        given.headers_mut().extend(headers);
        let expected = visible(given.headers());
        let Crossing { text, aside } = reply(given, |stream| *stream);
        let (lines, _) = taken_apart(&text);
        prop_assert_eq!(lines[..2].join(" "), format!("reply {status}"));
        prop_assert_eq!(unpacked(&lines[3..]), expected);
        prop_assert_eq!(body_of(lines[2], &text, aside), body);
    }

    #[test]
    fn a_stream_says_its_number_and_when_to_look(
        headers in any_headers(), stream in any::<u32>(), after in any::<u64>(), words in "\\PC{0,30}",
        is_rewritten in any::<bool>(),
    ) {
        let mut given = Reply::relay(StatusCode::OK, headers.clone(), stream);
        if is_rewritten {
            given = given.rewritten(rewriter());
        }
        let terms = Terms { words: words.clone(), after: Lifetime(after) };
        let Crossing { text, aside } = reply(given.on(terms), |stream| *stream);
        let (lines, body) = taken_apart(&text);
        prop_assert_eq!((lines[0], lines[2], lines[3], lines[4]), ("stream", words.as_str(), "reply", "200"));
        prop_assert_eq!(lines[1].parse::<u64>().unwrap(), after.saturating_mul(1000).min(u32::MAX.into()));
        prop_assert_eq!(lines[5], if is_rewritten { format!("rewritten {stream}") } else { stream.to_string() });
        prop_assert_eq!(matches!(aside, Some(Aside::Rewriter(_))), is_rewritten);
        prop_assert_eq!((unpacked(&lines[6..]), body), (visible(&headers), ""));
    }

    #[test]
    fn what_is_sent_at_last_is_sent_whole(event in "(?s).{0,60}") {
        let text = ends(event.as_bytes());
        prop_assert_eq!(taken_apart(&text), (vec!["ends"], event.as_str()));
    }

    #[test]
    fn a_request_and_an_answer_are_read_as_they_were_packed(
        pairs in prop::collection::vec(("[a-z][a-z0-9-]{0,12}", "[!-~]([ -~]{0,20}[!-~])?"), 0..8),
        status in 100..1000u16,
        url in "[!-~]{0,30}",
        opening in any::<Option<u8>>(),
    ) {
        let mut expected = HeaderMap::new();
        for (name, value) in &pairs {
            expected.append(HeaderName::parse(name).unwrap(), HeaderValue::try_from(value.as_str()).unwrap());
        }
        let headers = packed(&pairs);
        let read = request(&format!("POST\n{url}\n{headers}"));
        prop_assert_eq!(read, Ok(RequestHead { method: "POST".to_owned(), url, headers: expected.clone(), unread: 0 }));
        let read = answer(&format!("{status}\n{headers}"), opening, 7).unwrap();
        prop_assert_eq!((read.status.as_u16(), read.headers, read.opening, read.body), (status, expected, opening, 7));
    }

    #[test]
    fn an_unfit_header_is_left_out_and_the_rest_stays(name in "[^\n]{0,12}", value in "[^\n]{0,12}") {
        let headers = packed(&[(name, value), ("x-last".to_owned(), "1".to_owned())]);
        prop_assert_eq!(&answer(&format!("200\n{headers}"), None, 0).unwrap().headers["x-last"], "1");
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(?s).{0,60}|([0-9a-z_]{0,9}\n){0,6}") {
        let lines = text.split('\n').count() - 1;
        let whole = text.ends_with('\n') && lines >= 2 && lines.is_multiple_of(2);
        prop_assert_eq!(request(&text).is_ok(), whole, "{:?}", text);
        if let Ok(read) = answer(&text, None, 0) {
            prop_assert!(text.starts_with(read.status.as_str()) && lines % 2 == 1, "{:?}", text);
        }
    }
}

#[test]
fn the_reasons_for_no_answer_are_told_apart() {
    let why = |head| answer(head, None, 0).unwrap_err();
    assert_eq!(why("timed_out"), FetchError::TimedOut);
    assert_eq!(why("client_gone"), FetchError::ClientGone);
    for malformed in
        ["unreachable", "", "200", "ok\n", "20\n", "2000\n", "200\nx-name\n", "200\nx-name\n1", "timed_out\n"]
    {
        assert_eq!(why(malformed), FetchError::Unreachable, "{malformed:?}");
    }
}

#[test]
fn more_headers_than_a_map_holds_are_left_out() {
    let many: String = (0..40_000).flat_map(|n| ["x-".to_owned(), n.to_string(), "\n1\n".to_owned()]).collect();
    assert!((20_000..40_000).contains(&answer(&format!("200\n{many}"), None, 0).unwrap().headers.len()));
}

#[test]
fn what_nobody_reads_is_only_measured() {
    let read = request("GET\nhttp://gw.example/\nhost\ngw.example\naccept\n*/*\nuser-agent\ncurl\n").unwrap();
    assert_eq!((read.headers.len(), read.unread), (1, "host".len() + "gw.example".len() + "user-agent".len() + 4));
    // Of an answer everything is read.
    assert_eq!(answer("200\nhost\n1\n", None, 0).unwrap().headers.len(), 1);
}

#[test]
fn a_reply_with_usual_headers_has_its_id_before_them() {
    let usual = || {
        let id = HeaderName::from_static("x-request-id");
        Reply::<u32>::json(StatusCode::OK, &1).with(crate::headers::VARY, "origin").with(id, "7")
    };
    let headers = "content-type\napplication/json\ncache-control\nno-store\n";
    assert_eq!(reply(usual(), |n| *n).text, format!("usual\n200\ntext\n7\n{headers}vary\norigin\n\01"));
    let cookie = usual().and(crate::headers::SET_COOKIE, HeaderValue::from_static("a=1"));
    assert!(reply(cookie, |n| *n).text.starts_with("reply\n200\ntext\ncontent-type\n"));
    let ready =
        Ready { until: Timestamp(9), id: "7".to_owned(), span: "5".to_owned(), began: Tick(3), line: None, counted: 2 };
    let same = reply(usual().same_for_others(Some(ready)), |n| *n).text;
    assert!(same.starts_with("ready\n9000\n2\n7\n5\n3\n\nusual\n200\n"), "{same}");
}

/// `edge/call.js` reads this very text.
#[test]
fn the_form_stays_as_it_is() {
    let url = Url::parse("https://up.example/mcp").unwrap();
    let headers = HeaderMap::from_iter([(crate::headers::ACCEPT, HeaderValue::from_static("*/*"))]);
    let fetch = |body: &[u8], attended| {
        let (url, headers, body) = (url.clone(), headers.clone(), body.to_vec());
        op(HostOp::Fetch {
            request: Box::new(Outgoing { method: Method::GET, url, headers, body, within: Lifetime(2) }),
            attended,
        })
        .text
    };
    assert_eq!(fetch(b"{}", true), "fetch\nGET\nhttps://up.example/mcp\n2000\ntext\naccept\n*/*\n\0{}");
    assert_eq!(fetch(b"", false), "fetch_unattended\nGET\nhttps://up.example/mcp\n2000\nnone\naccept\n*/*\n\0");
    assert_eq!(fetch(b"\xff", true), "fetch\nGET\nhttps://up.example/mcp\n2000\nbytes\naccept\n*/*\n\0");
    assert_eq!(op(HostOp::Read { body: 3, limit: 10, within: Lifetime(5) }).text, "read\n3\n10\n5000\n\0");
    assert_eq!(op(HostOp::Read { body: 3, limit: usize::MAX, within: Lifetime(0) }).text, "read\n3\n4294967295\n0\n\0");
    assert_eq!(op(HostOp::Discard { body: 1 }).text, "discard\n1\n\0");
    assert_eq!(reply(Reply::<u32>::empty(StatusCode::ACCEPTED), |n| *n).text, "reply\n202\nnone\n\0");
    assert_eq!(goes_on(Lifetime(30)), "goes_on\n30000\n\0");
    assert_eq!((wait(), ends(b"")), ("wait\n\0".to_owned(), "ends\n\0".to_owned()));
}
