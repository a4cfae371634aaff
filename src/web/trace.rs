//! W3C Trace Context (Level 2) and Baggage: which trace a request belongs to, and what a server is told of it.
//!
//! Not here: who reads `_meta` (`mcp::message`), and the line that names the spans (`record`).

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};

use crate::headers::{HeaderMap, HeaderName, HeaderValue};
use crate::mcp::message::TraceMembers;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// Trace Context §3.3.1.1.
const MOST_STATES: usize = 32;
/// Of the 512 that must pass (§3.3.1.5) always more: one member has 513 at most.
const STATE_BYTES: usize = 4096;
/// Baggage §3.3.2.
const BAGGAGE_BYTES: usize = 8192;
/// Of a `traceparent` of version 00; later ones may be longer (§3.2.4).
const PARENT_BYTES: usize = 55;
const SAMPLED: u8 = 1;
const RANDOM: u8 = 2;

/// The trace of a request, and the gateway's span in it.
pub struct Trace {
    id: String,
    span: SpanId,
    parent: Option<SpanId>,
    flags: u8,
    state: Option<HeaderValue>,
    baggage: Option<HeaderValue>,
}

/// The id of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanId(u64);

/// What a `traceparent` says.
#[derive(Debug, PartialEq, Eq)]
struct TraceParent<'a> {
    id: &'a str,
    span: SpanId,
    flags: u8,
}

impl Trace {
    /// The trace that the headers name, or a new one with the request's own id, which is random. Whether that is
    /// recorded is for nobody to decide here, so it is not sampled.
    pub fn of(headers: &HeaderMap, request_id: &str, span: [u8; 8]) -> Self {
        let baggage = joined(headers, BAGGAGE).and_then(|list| bounded(&list, BAGGAGE_BYTES));
        // All zeros is no id.
        let span = SpanId(u64::from_be_bytes(span).max(1));
        let mut trace = Self { id: String::new(), span, parent: None, flags: RANDOM, state: None, baggage };
        if let Some(parent) = joined(headers, TRACEPARENT) {
            trace.join(&parent, joined(headers, TRACESTATE).as_deref());
        }
        if trace.parent.is_none() {
            request_id.clone_into(&mut trace.id);
        }
        trace
    }

    /// Goes by what the message says (SEP-414) where the headers said nothing.
    pub fn or(&mut self, members: &TraceMembers) {
        if let (None, Some(parent)) = (self.parent, &members.traceparent) {
            self.join(parent, members.tracestate.as_deref());
        }
        if self.baggage.is_none() {
            self.baggage = members.baggage.as_deref().and_then(|list| bounded(list, BAGGAGE_BYTES));
        }
    }

    /// Names a call to a server, which is a span of the trace: what the call's headers say of it, unless the operator
    /// has set them.
    pub fn tell(&self, call: SpanId, headers: &mut HeaderMap) {
        // Digits and dashes, so there is no failure to report.
        let parent = HeaderValue::try_from(format!("00-{}-{call}-{:02x}", self.id, self.flags)).ok();
        let said = [(TRACEPARENT, parent), (TRACESTATE, self.state.clone()), (BAGGAGE, self.baggage.clone())];
        for (name, value) in said {
            if let Some(value) = value {
                headers.insert_missing(name, value);
            }
        }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The gateway's span.
    pub fn span(&self) -> SpanId {
        self.span
    }

    /// The span that the request is part of, where it came with one.
    pub fn parent(&self) -> Option<SpanId> {
        self.parent
    }

    fn join(&mut self, parent: &str, state: Option<&str>) {
        if let Some(TraceParent { id, span, flags }) = TraceParent::parse(parent) {
            id.clone_into(&mut self.id);
            (self.parent, self.flags) = (Some(span), flags);
            self.state = state.filter(|state| is_state(state)).and_then(|state| bounded(state, STATE_BYTES));
        }
    }
}

impl SpanId {
    /// The id of another span of the same request.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.wrapping_add(1).max(1))
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}", self.0)
    }
}

impl Serialize for SpanId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'a> TraceParent<'a> {
    /// Of any version: what is known of it stands at the same place in all of them (§3.2.4).
    fn parse(text: &'a str) -> Option<Self> {
        let (known, more) = text.split_at_checked(PARENT_BYTES)?;
        let mut fields = known.split('-');
        let mut field = |digits| fields.next().filter(|field| is_hex(field, digits));
        let (version, id, span, flags) = (field(2)?, field(32)?, field(16)?, field(2)?);
        let is_whole = match version {
            "ff" => false,
            "00" => more.is_empty(),
            _ => more.is_empty() || more.starts_with('-'),
        };
        let span = SpanId(u64::from_str_radix(span, 16).ok()?);
        let flags = u8::from_str_radix(flags, 16).ok()? & (SAMPLED | RANDOM);
        (is_whole && span.0 != 0 && id.bytes().any(|digit| digit != b'0')).then_some(Self { id, span, flags })
    }
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// §3.3.1: one member that is none makes the whole list worthless.
fn is_state(list: &str) -> bool {
    let members = || list.split(',').map(|member| member.trim_matches([' ', '\t'])).filter(|member| !member.is_empty());
    let is_key = |key: &str| {
        let rest = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@');
        key.len() <= 256
            && key.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && key.bytes().all(rest)
    };
    let is_value = |value: &str| {
        (1..=256).contains(&value.len()) && value.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'=')
    };
    let is_member = |member: &str| member.split_once('=').is_some_and(|(key, value)| is_key(key) && is_value(value));
    members().count() <= MOST_STATES && members().all(is_member)
}

/// The values of a header as one.
fn joined(headers: &HeaderMap, name: HeaderName) -> Option<Cow<'_, str>> {
    let mut values = headers.get_all(name).filter_map(|value| value.to_str().ok());
    let first = values.next()?;
    Some(values.fold(Cow::Borrowed(first), |list, more| Cow::Owned(format!("{list},{more}"))))
}

/// The members of a list from its beginning that fit, each whole.
fn bounded(list: &str, limit: usize) -> Option<HeaderValue> {
    let fits = match list.as_bytes().get(..=limit) {
        None => list,
        Some(begun) => list.get(..begun.iter().rposition(|byte| *byte == b',')?)?,
    };
    let is_plain = fits.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
    (is_plain && !fits.trim().is_empty()).then(|| HeaderValue::try_from(fits).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const OWN: &str = "000102030405060708090a0b0c0d0e0f";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::try_from(*value).unwrap()))
            .collect()
    }

    /// What a server hears of a request with these headers.
    fn told(inbound: &HeaderMap, members: &TraceMembers) -> [String; 3] {
        let mut trace = Trace::of(inbound, OWN, [1; 8]);
        trace.or(members);
        let mut outbound = HeaderMap::new();
        trace.tell(trace.span().next(), &mut outbound);
        ["traceparent", "tracestate", "baggage"]
            .map(|name| outbound.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default())
    }

    fn told_of(pairs: &[(&'static str, &str)]) -> [String; 3] {
        told(&headers(pairs), &TraceMembers::default())
    }

    fn members(traceparent: &str, tracestate: &str, baggage: &str) -> TraceMembers {
        let [traceparent, tracestate, baggage] = [traceparent, tracestate, baggage].map(|text| Some(text.to_owned()));
        TraceMembers { traceparent, tracestate, baggage }
    }

    #[test]
    fn a_trace_goes_on_with_a_span_of_the_gateways() {
        let [parent, state, baggage] = told_of(&[("traceparent", PARENT), ("tracestate", "a=1"), ("baggage", "k=v")]);
        assert_eq!(parent, "00-0af7651916cd43dd8448eb211c80319c-0101010101010102-01");
        assert_eq!((state.as_str(), baggage.as_str()), ("a=1", "k=v"));
    }

    #[test]
    fn without_one_a_trace_begins_that_nobody_has_sampled() {
        let [parent, state, baggage] = told_of(&[("tracestate", "a=1"), ("baggage", "k=v")]);
        assert_eq!(parent, format!("00-{OWN}-0101010101010102-02"));
        assert_eq!((state.as_str(), baggage.as_str()), ("", "k=v"), "a state of no trace");
    }

    #[test]
    fn what_is_no_parent_is_replaced() {
        let (id, span) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
        for invalid in [
            String::new(),
            format!("ff-{id}-{span}-01"),
            format!("00-{id}-{span}-01-"),
            format!("00-{id}-{span}-01-more"),
            format!("01-{id}-{span}-01more"),
            format!("00-{id}-{span}-1"),
            format!("00-{}-{span}-01", "0".repeat(32)),
            format!("00-{id}-{}-01", "0".repeat(16)),
            format!("00-{}-{span}-01", id.to_uppercase()),
            format!("00-{id}-{span}-0X"),
            format!("00-{id}-+7ad6b7169203331-01"),
            format!("00_{id}_{span}_01"),
            format!("00-{}-01", "é".repeat(25)),
            format!("{PARENT},{PARENT}"),
        ] {
            assert_eq!(TraceParent::parse(&invalid), None, "{invalid}");
        }
        let twice = headers(&[("traceparent", PARENT), ("traceparent", PARENT)]);
        assert!(told(&twice, &TraceMembers::default())[0].contains(OWN));
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known_and_its_flags_are_not_made_up() {
        let later = format!("01{}", PARENT.strip_prefix("00").unwrap());
        for (came, flags) in
            [(later.clone(), "01"), (format!("{later}-more"), "01"), (PARENT.replace("-01", "-ff"), "03")]
        {
            let [parent, ..] = told_of(&[("traceparent", &came)]);
            assert_eq!(parent, format!("00-0af7651916cd43dd8448eb211c80319c-0101010101010102-{flags}"), "{came}");
        }
    }

    #[test]
    fn the_message_says_it_where_the_headers_do_not() {
        let other = PARENT.replace("0af7", "1af7");
        let said = members(&other, "b=2", "m=n");
        let [parent, state, baggage] = told(&HeaderMap::new(), &said);
        assert!(parent.starts_with("00-1af7"), "{parent}");
        assert_eq!((state.as_str(), baggage.as_str()), ("b=2", "m=n"));
        let both = headers(&[("traceparent", PARENT), ("baggage", "k=v")]);
        let [parent, state, baggage] = told(&both, &said);
        assert!(parent.starts_with("00-0af7"), "{parent}");
        assert_eq!((state.as_str(), baggage.as_str()), ("", "k=v"), "the state belongs to the other trace");
        let no_header = members(&other, "b=2\r\n", "m=ü");
        assert_eq!(told(&HeaderMap::new(), &no_header)[1..], ["", ""]);
    }

    #[test]
    fn a_state_is_whole_or_nothing() {
        let many = |count: usize| vec!["a=1"; count].join(",");
        for (sent, passes) in [
            ("a=1, b@c=2 ,,\t0/*_-=3", true),
            ("a=", false),
            ("=1", false),
            ("A=1", false),
            ("a=1=2", false),
            ("a=1,b", false),
            (&many(32), true),
            (&many(33), false),
            (&format!("{}=1", "a".repeat(257)), false),
            (&format!("a={}", "1".repeat(257)), false),
        ] {
            let [_, state, _] = told_of(&[("traceparent", PARENT), ("tracestate", sent)]);
            assert_eq!(state, if passes { sent } else { "" }, "{sent}");
        }
    }

    #[test]
    fn what_is_too_long_loses_whole_members_from_its_end() {
        let member = format!("k={}", "v".repeat(1022));
        let long = vec![member.as_str(); 20].join(",");
        let [.., baggage] = told_of(&[("baggage", &long)]);
        assert_eq!(baggage, [member.as_str(); 7].join(","));
        let [.., baggage] = told_of(&[("baggage", &"v".repeat(BAGGAGE_BYTES + 1))]);
        assert_eq!(baggage, "");
        let exact = "v".repeat(BAGGAGE_BYTES);
        assert_eq!(told_of(&[("baggage", &exact)])[2], exact);
    }

    #[test]
    fn the_operators_own_headers_stay() {
        let mut outbound = headers(&[("baggage", "operator=1")]);
        Trace::of(&headers(&[("baggage", "k=v")]), OWN, [1; 8]).tell(SpanId(7), &mut outbound);
        assert_eq!(outbound["baggage"], "operator=1");
    }

    proptest! {
        /// Whatever comes, what goes on is a valid parent, and of the client's trace exactly where that was one.
        #[test]
        fn what_is_sent_is_always_valid(came in "(0[0-2]|ff)-[0-9a-fA]{31,33}-[0-9a-f]{16}-[0-9a-f]{2}|\\PC*", span: [u8; 8]) {
            let mut trace = Trace::of(&HeaderMap::new(), OWN, span);
            trace.or(&members(&came, &came, &came));
            let mut sent = HeaderMap::new();
            trace.tell(trace.span().next(), &mut sent);
            let sent = TraceParent::parse(sent["traceparent"].to_str().unwrap()).unwrap();
            prop_assert_eq!(sent.id, TraceParent::parse(&came).map_or(OWN, |parent| parent.id));
            prop_assert_ne!(sent.span, trace.span());
        }
    }
}
