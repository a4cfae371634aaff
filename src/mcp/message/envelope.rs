//! Reading what a client posts: what kind of message it is, and the few members that headers must repeat.
//!
//! Not here: whether a batch is allowed ([`crate::mcp::transport::revision`]), whether the headers agree
//! ([`crate::mcp::transport::headers`]), and the sense of `params`, which is the server's business.

use serde::de::{MapAccess, SeqAccess};

use super::members::Envelope;
use super::strict_json;
use super::strict_json::{Reader, Shape, Walk, walk};

pub use super::envelope_error::{EnvelopeError, EnvelopeFault};
pub use super::{MAX_BATCH, Message, MessageKind, Payload, RequestId, name_member};

/// Reads the body of a POST, allowing `depth` objects and arrays inside each other.
pub fn parse(bytes: &[u8], depth: usize) -> Result<Payload, EnvelopeError> {
    let mut body = Body::default();
    let (shape, fault) = walk(bytes, depth, &mut body);
    if let Some(fault) = fault {
        // JSON-RPC 2.0 §5: the id of what is not JSON counts as unreadable.
        let readable = !matches!(fault, strict_json::SyntaxFault::NotJson { .. });
        return Err(EnvelopeError {
            id: readable.then(|| body.one.answerable_id()).flatten(),
            fault: EnvelopeFault::Json(fault),
        });
    }
    match shape {
        Shape::Object => body.one.message().map(Payload::One),
        Shape::Array => body.messages().map(Payload::Batch),
        _ => Err(EnvelopeError { id: None, fault: EnvelopeFault::NotAnObject }),
    }
}

/// The whole text: one envelope, or an array of them.
#[derive(Default)]
struct Body<'de> {
    one: Envelope<'de>,
    many: Vec<(Envelope<'de>, Shape<'de>)>,
}

impl Body<'_> {
    /// Errors of a batch carry no id: they are about the array.
    fn messages(self) -> Result<Vec<Message>, EnvelopeError> {
        if self.many.is_empty() || self.many.len() > MAX_BATCH {
            return Err(EnvelopeError { id: None, fault: EnvelopeFault::BatchSize });
        }
        self.many
            .into_iter()
            .map(|(envelope, shape)| match shape {
                Shape::Object => envelope.message().map_err(|error| error.fault),
                _ => Err(EnvelopeFault::NotAnObject),
            })
            .map(|message| {
                message.and_then(|message| match message.method() {
                    Some("initialize") => Err(EnvelopeFault::BatchInitialize),
                    _ => Ok(message),
                })
            })
            .collect::<Result<_, _>>()
            .map_err(|fault| EnvelopeError { id: None, fault })
    }
}

impl<'de> Reader<'de> for Body<'de> {
    const KNOWN: &'static [&'static str] = Envelope::KNOWN;

    fn member<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A, walk: &mut Walk<'de>) -> Result<(), A::Error> {
        self.one.member(key, map, walk)
    }

    fn element<A: SeqAccess<'de>>(&mut self, seq: &mut A, walk: &mut Walk<'de>) -> Result<Option<()>, A::Error> {
        let mut envelope = Envelope::default();
        let shape = walk.enter_element(seq, &mut envelope)?;
        Ok(shape.map(|shape| {
            if self.many.len() <= MAX_BATCH {
                self.many.push((envelope, shape));
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(json: &str) -> Message {
        match parse(json.as_bytes(), 16).unwrap() {
            Payload::One(message) => message,
            Payload::Batch(_) => panic!("{json} is a batch"),
        }
    }

    fn reason(json: &str) -> &'static str {
        parse(json.as_bytes(), 16).unwrap_err().reason()
    }

    #[test]
    fn a_modern_call_shows_what_its_headers_repeat() {
        let call = one(
            r#"{"method":"tools/call","params":{"name":"get_weather","arguments":{"name":"x","_meta":{"a":[1.5,null,true]}},
                "_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}},
                "jsonrpc":"2.0","id":7}"#,
        );
        assert_eq!(call.kind, MessageKind::Request { id: RequestId::Integer(7.into()), method: "tools/call".into() });
        assert_eq!(call.name.as_deref(), Some("get_weather"));
        assert_eq!(call.revision.as_deref(), Some("2026-07-28"));
    }

    #[test]
    fn only_a_state_of_the_gateways_is_kept() {
        let kept = |state: &str| {
            one(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"requestState":{state}}}}}"#))
                .request_state
        };
        assert_eq!(kept(r#""https://a.example/mcp#connect:x""#).as_deref(), Some("https://a.example/mcp#connect:x"));
        assert_eq!(kept(r#""a server's""#), None);
        assert_eq!(kept("5"), None);
    }

    #[test]
    fn the_name_is_the_member_the_method_says() {
        let message = |method: &str| {
            let params = r#"{"name":"n","uri":"u","taskId":"t"}"#;
            one(&format!(r#"{{"jsonrpc":"2.0","id":"a","method":"{method}","params":{params}}}"#)).name
        };
        for (method, name) in [
            ("tools/call", Some("n")),
            ("prompts/get", Some("n")),
            ("resources/read", Some("u")),
            ("tasks/get", Some("t")),
            ("tasks/update", Some("t")),
            ("tasks/cancel", Some("t")),
            ("tools/list", None),
        ] {
            assert_eq!(message(method).as_deref(), name, "{method}");
        }
        assert_eq!(one(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":5}}"#).name, None);
        assert_eq!(
            one(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\u0061"}}"#).name.as_deref(),
            Some("a")
        );
    }

    #[test]
    fn kinds_are_told_apart() {
        assert!(one(r#"{"jsonrpc":"2.0","id":-3,"method":"ping","params":null}"#).id().is_some());
        assert_eq!(
            one(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).kind,
            MessageKind::Notification { method: "notifications/initialized".into() }
        );
        let response = |id| MessageKind::Response { id };
        assert_eq!(one(r#"{"jsonrpc":"2.0","id":"r","result":{}}"#).kind, response(Some(RequestId::Text("r".into()))));
        assert_eq!(one(r#"{"jsonrpc":"2.0","id":null,"error":{}}"#).kind, response(None));
        assert_eq!(one(r#"{"jsonrpc":"2.0","error":{}}"#).kind, response(None));
    }

    #[test]
    fn what_is_no_message_is_refused_by_its_rule() {
        for (json, expected) in [
            ("{", "not_json"),
            ("5", "not_an_object"),
            ("{}", "jsonrpc_version"),
            (r#"{"jsonrpc":"1.0","id":1,"method":"a"}"#, "jsonrpc_version"),
            (r#"{"jsonrpc":2.0,"id":1,"method":"a"}"#, "jsonrpc_version"),
            (r#"{"jsonrpc":"2.0","id":null,"method":"a"}"#, "invalid_id"),
            (r#"{"jsonrpc":"2.0","id":1.0,"method":"a"}"#, "invalid_id"),
            (r#"{"jsonrpc":"2.0","id":1e2,"method":"a"}"#, "invalid_id"),
            (r#"{"jsonrpc":"2.0","id":99999999999999999999,"method":"a"}"#, "invalid_id"),
            (r#"{"jsonrpc":"2.0","id":[1],"method":"a"}"#, "invalid_id"),
            (r#"{"jsonrpc":"2.0","id":null,"result":{}}"#, "invalid_id"),
            (r#"{"jsonrpc":"2.0","id":1,"method":5}"#, "invalid_method"),
            (r#"{"jsonrpc":"2.0","id":1,"method":"a","params":[]}"#, "invalid_params"),
            (r#"{"jsonrpc":"2.0","id":1}"#, "shapeless_message"),
            (r#"{"jsonrpc":"2.0","result":{}}"#, "shapeless_message"),
            (r#"{"jsonrpc":"2.0","id":1,"method":"a","result":{}}"#, "shapeless_message"),
            (r#"{"jsonrpc":"2.0","id":1,"method":"a","error":{}}"#, "shapeless_message"),
            (r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#, "shapeless_message"),
        ] {
            assert_eq!(reason(json), expected, "{json}");
        }
    }

    #[test]
    fn two_readings_are_refused_with_the_id_wherever_it_stands() {
        for (json, expected, says) in [
            (r#"{"jsonrpc":"2.0","method":"a","method":"b","id":9}"#, "duplicate_key", "\"method\""),
            (
                r#"{"jsonrpc":"2.0","method":"a","params":{"arguments":{"x":{"y":1,"y":2}}},"id":9}"#,
                "duplicate_key",
                "\"y\"",
            ),
            (
                r#"{"jsonrpc":"2.0","method":"a","Method":"b","id":9}"#,
                "key_case",
                "\"Method\" must be written \"method\"",
            ),
            (r#"{"jsonrpc":"2.0","method":"a","ID":8,"id":9}"#, "key_case", "\"ID\""),
            (
                r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"a","Name":"b"},"id":9}"#,
                "key_case",
                "\"Name\"",
            ),
            (r#"{"jsonrpc":"2.0","method":"a","params":{"_META":{}},"id":9}"#, "key_case", "\"_META\""),
            (
                r#"{"jsonrpc":"2.0","method":"a","params":{"_meta":{"io.modelcontextprotocol/protocolversion":"b"}},"id":9}"#,
                "key_case",
                "protocolversion",
            ),
        ] {
            let error = parse(json.as_bytes(), 16).unwrap_err();
            assert_eq!(error.reason(), expected, "{json}");
            assert!(error.to_string().contains(says), "{error}");
            assert_eq!(error.id, Some(RequestId::Integer(9.into())), "{json}");
        }
        let spoofed = br#"{"jsonrpc":"2.0","id":9,"result":{"a":1,"a":2}}"#;
        assert_eq!(parse(spoofed, 16).unwrap_err().id, None, "the id of a response belongs to the server");
        assert_eq!(parse(br#"{"jsonrpc":"2.0","id":9,"method":"a""#, 16).unwrap_err().id, None);
    }

    #[test]
    fn tool_arguments_may_have_any_keys() {
        one(
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"Name":1,"name":2,"ID":3}}}"#,
        );
    }

    #[test]
    fn depth_counts_from_the_envelope() {
        let call = br#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"b":[]}}"#;
        assert!(parse(call, 3).is_ok());
        let error = parse(call, 2).unwrap_err();
        assert_eq!((error.reason(), error.id.is_some()), ("too_deep", true));
    }

    #[test]
    fn batches_are_bounded_and_flat() {
        let batch = |count: usize| format!("[{}]", vec![r#"{"jsonrpc":"2.0","id":1,"method":"a"}"#; count].join(","));
        assert!(
            matches!(parse(batch(MAX_BATCH).as_bytes(), 16), Ok(Payload::Batch(messages)) if messages.len() == MAX_BATCH)
        );
        assert_eq!(reason(&batch(MAX_BATCH + 1)), "batch_size");
        assert_eq!(reason("[]"), "batch_size");
        assert_eq!(reason(&format!("[{}]", batch(1))), "not_an_object");
        assert_eq!(reason(r#"[{"jsonrpc":"2.0","id":1,"method":"initialize"}]"#), "batch_initialize");
        assert_eq!(reason(r#"[{"jsonrpc":"2.0","id":1,"METHOD":"a"}]"#), "key_case");
        let quiet = parse(br#"[{"jsonrpc":"2.0","method":"a"}]"#, 16).unwrap();
        assert!(!quiet.expects_reply());
        assert!(parse(batch(1).as_bytes(), 16).unwrap().expects_reply());
    }

    proptest! {
        #[test]
        fn never_panics(bytes: Vec<u8>) {
            drop(parse(&bytes, 16));
        }

        /// Whatever the order and spelling of members, a message with one of them twice is refused.
        #[test]
        fn no_order_hides_a_second_member(
            members in Just(vec![r#""jsonrpc":"2.0""#, r#""id":1"#, r#""method":"a""#, r#""params":{}"#]).prop_shuffle(),
            again in 0..4_usize,
            place in 0..5_usize,
        ) {
            let accepted = format!("{{{}}}", members.join(","));
            prop_assert!(parse(accepted.as_bytes(), 16).is_ok());
            let mut twice = members.clone();
            twice.insert(place, members[again]);
            let refused = format!("{{{}}}", twice.join(","));
            prop_assert!(parse(refused.as_bytes(), 16).is_err());
        }
    }
}
