//! Does one kind of request so many times, for a tool that counts instructions: those of the core, without JavaScript,
//! the runtime and wasm. Counted twice with different numbers, the difference is what one more request costs; it is the
//! same on a busy machine.
//!
//! Not here: times (`scripts/bench`).

#![allow(missing_docs, unreachable_pub, reason = "a program of its own")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a program that cannot go on stops")]

#[path = "../tests/world/mod.rs"]
mod world;

use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use mcp_edge_gateway::gateway::{Gateway, Request};
use mcp_edge_gateway::memory::Memory;
use mcp_edge_gateway::wire;
use mcp_edge_gateway::wire::{HostOp, RequestHead};
use world::World;
use world::platform::{Bytes, Scripted};

const BODY: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"query":"the weather in the capital","limit":10}}}"#;
/// As the runtime adds them, and a usual client sends them.
const HEADERS: &str = "accept\napplication/json, text/event-stream\naccept-encoding\ngzip\ncontent-length\n137\n\
    content-type\napplication/json\nhost\nlocalhost:8787\nmcp-protocol-version\n2025-11-25\nuser-agent\nbench/1\n";
const ANSWER: &str = "200\ncontent-length\n1024\ncontent-type\napplication/json\ndate\nSat, 28 Nov 2026 08:00:00 GMT\n";

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let (kind, times) = (arguments.next(), arguments.next().and_then(|times| times.parse().ok()).unwrap_or(1));
    let world = World::new();
    let client = world.client("bench").connects("alice");
    world.outside(
        "https://demo.example",
        Rc::new(|_| Ok(Scripted::new(200, &[("content-type", "application/json")], "{}"))),
    );
    let authorization = format!("authorization\nBearer {}\n", client.access);
    let call = format!("POST\nhttp://localhost:8787/v1/mcp/demo\n{HEADERS}");
    let (head, body) = match kind.as_deref() {
        Some("call") => (format!("{call}{authorization}"), BODY),
        Some("challenge") => (call, BODY),
        Some("metadata") => {
            ("GET\nhttp://localhost:8787/.well-known/oauth-protected-resource/v1/mcp/demo\n".to_owned(), "")
        }
        _ => panic!("instructions call|challenge|metadata TIMES"),
    };
    let memory = Rc::default();
    for _ in 0..times {
        let crossed = once(&world, &memory, &head, body);
        assert!(crossed.starts_with("usual\n") || crossed.starts_with("ready\n"), "{crossed}");
    }
}

/// A request as the edge has it done: what crosses is read and written here as well.
fn once(world: &World, memory: &Rc<Memory>, head: &str, body: &str) -> String {
    let RequestHead { method, url, headers, unread } = wire::request(head).unwrap();
    let request = Request { method, url, headers, unread, body: Bytes(body.as_bytes().to_vec()) };
    let gateway = Gateway::new(&*world.platform, memory);
    let mut handled = Box::pin(gateway.handle(request));
    let Poll::Ready(reply) = handled.as_mut().poll(&mut Context::from_waker(Waker::noop())) else { panic!("it waits") };
    drop(handled);
    for request in world.sent() {
        drop(wire::op(HostOp::Fetch { request: Box::new(request), attended: true }));
        drop(wire::answer(ANSWER, Some(b'{'), 1));
    }
    world.platform.journal.borrow_mut().clear();
    wire::reply(reply, |_| 1).text
}
