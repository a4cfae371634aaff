//! The trace of a call: the client's goes on to the server through the gateway, whatever the client says it with.
//!
//! Not here: what is a valid `traceparent` (`web::trace`), what else a line tells (`record`).

use serde_json::{Value, json};

use crate::world::World;
use crate::world::client::Client;

const ID: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// What the server heard of the last call, and the line about it.
struct Heard {
    headers: mcp_edge_gateway::headers::HeaderMap,
    body: Vec<u8>,
    line: Value,
}

impl Heard {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The trace that the server was told of, checked to be the line's, in the span that the line names.
    #[track_caller]
    fn trace(&self) -> (String, String) {
        let told: Vec<_> = self.header("traceparent").unwrap().split('-').collect();
        let [version, id, span, flags] = <[&str; 4]>::try_from(told).unwrap();
        assert_eq!((version, id.len(), span.len()), ("00", 32, 16));
        assert_eq!((&self.line["trace_id"], &self.line["upstream.span_id"]), (&json!(id), &json!(span)));
        assert_ne!(self.line["span_id"], self.line["upstream.span_id"]);
        (id.to_owned(), flags.to_owned())
    }
}

fn client(world: &World) -> Client {
    world.client("claude").connects("alice").initializes()
}

fn sends(client: &Client, headers: &[(&str, &str)], message: &Value) -> Heard {
    let world = &client.world;
    let mut request = world.request("POST", &client.resource()).bearer(&client.access).json(message);
    if let Some(session) = client.session.as_deref().filter(|_| headers.iter().all(|(name, _)| *name != "mcp-method")) {
        request = request.header("mcp-session-id", session);
    }
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.send().with(200);
    let line = serde_json::from_str(world.platform.journal.borrow().last().unwrap()).unwrap();
    let sent = world.sent().pop().unwrap();
    Heard { headers: sent.headers, body: sent.body, line }
}

fn call(meta: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo", "arguments": {}, "_meta": meta}})
}

#[test]
fn a_clients_trace_goes_on_in_a_span_of_the_gateways() {
    let client = client(&World::new());
    let headers = [("traceparent", PARENT), ("tracestate", "a=1"), ("tracestate", "b=2"), ("baggage", "k=v")];
    let heard = sends(&client, &headers, &call(&json!({})));
    assert_eq!(heard.trace(), (ID.to_owned(), "01".to_owned()));
    assert_eq!((heard.header("tracestate"), heard.header("baggage")), (Some("a=1,b=2"), Some("k=v")));
    assert_eq!(heard.line["parent_span_id"], "b7ad6b7169203331");
    assert!(!heard.header("traceparent").unwrap().contains("b7ad6b7169203331"), "it is not the client that asks");
}

#[test]
fn the_modern_era_says_it_in_the_message_which_goes_on_as_it_is() {
    let client = client(&World::new());
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {},
        "traceparent": PARENT, "tracestate": "a=1", "baggage": "k=v",
    });
    let modern = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "echo")];
    let heard = sends(&client, &modern, &call(&meta));
    assert_eq!(heard.trace(), (ID.to_owned(), "01".to_owned()));
    assert_eq!((heard.header("tracestate"), heard.header("baggage")), (Some("a=1"), Some("k=v")));
    assert_eq!(heard.body, call(&meta).to_string().into_bytes());
    assert_eq!(
        (&heard.line["parent_span_id"], &heard.line["mcp.protocol.version"]),
        (&json!("b7ad6b7169203331"), &json!("2026-07-28"))
    );
    let header = PARENT.replace("0af7", "1af7");
    let both = [modern.as_slice(), &[("traceparent", &header)]].concat();
    assert!(sends(&client, &both, &call(&meta)).trace().0.starts_with("1af7"), "the header is of this request");
}

#[test]
fn where_there_is_no_trace_one_begins_with_the_request() {
    let client = client(&World::new());
    let heard = sends(&client, &[], &call(&json!({})));
    let (id, flags) = heard.trace();
    assert_eq!((heard.line["request_id"].as_str().unwrap(), flags.as_str()), (id.as_str(), "02"));
    assert_eq!(heard.line.get("parent_span_id"), None);
    assert_ne!(sends(&client, &[], &call(&json!({}))).trace().0, id);
}

#[test]
fn what_is_no_trace_is_replaced_and_nothing_is_refused_for_it() {
    let client = client(&World::new());
    let later = PARENT.replacen("00", "01", 1);
    for (headers, meta, is_kept) in [
        (vec![("traceparent", "00-1-2-01"), ("tracestate", "a=1")], json!({}), false),
        (vec![("traceparent", PARENT), ("traceparent", PARENT)], json!({}), false),
        (vec![("tracestate", "a=1")], json!({}), false),
        (vec![], json!({"traceparent": 5, "tracestate": "a=1", "baggage": {}}), false),
        (vec![("traceparent", "x")], json!({"traceparent": PARENT}), true),
        (vec![("traceparent", later.as_str())], json!({}), true),
    ] {
        let heard = sends(&client, &headers, &call(&meta));
        assert_eq!(heard.trace().0 == ID, is_kept, "{headers:?} {meta}");
        assert_eq!(heard.header("tracestate"), None, "{headers:?} {meta}");
    }
}

#[test]
fn baggage_is_bounded_and_no_more_than_that() {
    let client = client(&World::new());
    let member = format!("k={}", "v".repeat(1022));
    let bags = |count: usize| vec![member.as_str(); count].join(",");
    for (sent, passes) in [(bags(7), bags(7)), (bags(8), bags(7)), (bags(12), bags(7))] {
        let heard = sends(&client, &[("baggage", &sent)], &call(&json!({})));
        assert_eq!(heard.header("baggage"), Some(passes.as_str()), "{}", sent.len());
    }
}

#[test]
fn a_batch_goes_on_with_the_first_trace_it_names() {
    let client = client(&World::new());
    let batch = json!([call(&json!({})), call(&json!({"traceparent": PARENT}))]);
    let batch_revision = [("mcp-protocol-version", "2025-03-26")];
    let answer = json!([{"jsonrpc": "2.0", "id": 1, "result": {}}]).to_string();
    client.world.outside_answers("https://demo.example", 200, &[("content-type", "application/json")], &answer);
    assert_eq!(sends(&client, &batch_revision, &batch).trace().0, ID);
}

#[test]
fn every_try_is_a_span_of_its_own() {
    let (world, server) = World::guarded();
    let client = world.begins("claude", &json!({}));
    world.connected("alice", "at-1");
    server.wants("at-2");
    world.can_be_renewed("at-2");
    client.call("search").with(200);
    let asked: Vec<_> =
        world.sent().into_iter().filter(|request| request.url.as_str().contains("docs.example")).collect();
    let spans: Vec<_> = asked.iter().map(|request| request.headers["traceparent"].clone()).collect();
    let [.., first, second] = &spans[..] else { panic!("{spans:?}") };
    assert_ne!(first, second);
    assert_eq!(first.to_str().unwrap().get(..35), second.to_str().unwrap().get(..35), "one trace");
}

#[test]
fn a_refusal_says_its_kind_and_its_trace_as_well() {
    let world = World::new();
    let client = client(&world);
    world.request("POST", &client.resource()).header("traceparent", PARENT).json(&json!({})).send().with(401);
    let line: Value = serde_json::from_str(world.platform.journal.borrow().last().unwrap()).unwrap();
    assert_eq!((&line["trace_id"], &line["error.type"]), (&json!(ID), &json!("token_missing")));
    assert_eq!(line.get("upstream.span_id"), None);
}
