//! What JavaScript calls: a request that begins, and what came of the errand of one under way.
//!
//! Not here: routing or errors; the core always has an answer.

use std::rc::Rc;

use js_sys::Function;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;

use super::host::{Workers, timestamp};
use super::host_queue::{Done, JsStream};
use super::{aside, call};
use crate::gateway::{Gateway, Request, StreamStanding, ready};
use crate::mcp::rewrite::Rewriter;
use crate::memory::Memory;
use crate::memory::alarms::AlarmKind;
use crate::ports::ReadError;
use crate::wire;
use crate::wire::RequestHead;

thread_local! {
    static MEMORY: Rc<Memory> = Rc::default();
}

/// Once for each instance. `wake` is told the number of a call that can go on, and `forget` is called when answers that
/// are ready are none any more; `trapped` is when the instance before trapped (milliseconds since the epoch), if there
/// was one. Answers names of headers in three lines: those that decide those answers, those that exclude one, and those
/// that are read of what is fetched.
#[wasm_bindgen]
pub fn start(wake: Function, forget: Function, trapped: Option<f64>) -> String {
    console_error_panic_hook::set_once();
    call::attend(wake);
    let forget = move || drop(forget.call0(&JsValue::UNDEFINED)); // it empties a map
    MEMORY.with(|memory| {
        drop(memory.on_change.set(Box::new(forget)));
        if let Some(at) = trapped {
            memory.alarms.raise(AlarmKind::Isolate, "gateway_panicked", "", timestamp(at));
        }
    });
    [&ready::DECIDING[..], &ready::EXCLUDING, &wire::READ_OF_ANSWERS].map(|names| names.join(" ")).join("\n")
}

/// Answers that were given again without asking: by what stands for them, how many, and when the last one was.
#[wasm_bindgen]
pub fn repeated(counted: usize, times: u32, at: f64, env: Env) {
    let at = timestamp(at);
    let platform = Workers::new(env, at, Rc::default());
    MEMORY.with(|memory| Gateway::new(&platform, memory).repeated(counted, times, at));
}

/// A request that comes at `now` (milliseconds since the epoch), and the number it goes by while it is under way. Every
/// function here answers a reply or what the call waits for, as `wire` writes it.
#[wasm_bindgen]
pub fn begin(call: u32, request: &str, now: f64, env: Env) -> String {
    let memory = MEMORY.with(Rc::clone);
    let Ok(RequestHead { method, url, headers, unread }) = wire::request(request) else {
        wasm_bindgen::throw_str("a request that is none"); // what JavaScript packs always is one
    };
    let now = timestamp(now);
    call::begin(call, now, |queue| {
        let request = Request { method, url, headers, unread, body: JsStream::of_request(Rc::clone(&queue)) };
        let platform = Workers::new(env, now, queue);
        async move {
            let mut reply = Gateway::new(&platform, &memory).handle(request).await;
            if platform.has_analytics() {
                reply = reply.same_for_others(None); // each is a data point, and a request may write only so many
            }
            aside::keep(call, wire::reply(reply, JsStream::number))
        }
    })
}

/// A look at a stream that was handed on, on the terms of its reply.
#[wasm_bindgen]
pub fn look(call: u32, words: String, now: f64, env: Env) -> String {
    let memory = MEMORY.with(Rc::clone);
    let now = timestamp(now);
    call::begin(call, now, |queue| {
        let platform = Workers::new(env, now, queue);
        async move {
            match Gateway::new(&platform, &memory).look(&words).await {
                StreamStanding::GoesOn(after) => wire::goes_on(after),
                StreamStanding::Ends(event) => wire::ends(&event),
            }
        }
    })
}

/// Whether something waits to be written once the reply is on its way.
#[wasm_bindgen]
pub fn unsettled() -> bool {
    MEMORY.with(|memory| memory.is_unsettled())
}

/// What no reply waits for is written, and what a body told of its server is kept, once it is through.
#[wasm_bindgen]
pub fn settle(call: u32, now: f64, env: Env) -> String {
    let memory = MEMORY.with(Rc::clone);
    let now = timestamp(now);
    call::begin(call, now, |queue| {
        let platform = Workers::new(env, now, queue);
        async move {
            Gateway::new(&platform, &memory).settle().await;
            wire::settled()
        }
    })
}

/// An answer to a fetch: its status and headers, or the reason there is none; the first byte of its body where that is
/// known; and the number of the body.
#[wasm_bindgen]
pub fn fetched(call: u32, head: &str, opening: Option<u8>, body: u32) -> String {
    call::resume(call, Some(Done::Fetched(wire::answer(head, opening, body))))
}

/// A body that was read.
#[wasm_bindgen]
pub fn read(call: u32, bytes: Vec<u8>) -> String {
    call::resume(call, Some(Done::Read(Ok(bytes))))
}

/// A body that could not be read.
#[wasm_bindgen]
pub fn unread(call: u32, too_large: bool) -> String {
    let error = if too_large { ReadError::TooLarge } else { ReadError::Broken };
    call::resume(call, Some(Done::Read(Err(error))))
}

/// A body that was let go of.
#[wasm_bindgen]
pub fn discarded(call: u32) -> String {
    call::resume(call, Some(Done::Discarded))
}

/// A call whose promise was settled.
#[wasm_bindgen]
pub fn woken(call: u32) -> String {
    call::resume(call, None)
}

/// The body of what was answered last for a call, where it did not fit in.
#[wasm_bindgen]
pub fn bytes(call: u32) -> Vec<u8> {
    aside::bytes(call)
}

/// What the body of a call's reply goes through, where it is "rewritten".
#[wasm_bindgen]
pub fn rewriting(call: u32) -> Option<Rewriting> {
    aside::rewriter(call).map(Rewriting)
}

/// A body on its way through Rust. JavaScript frees it when it collects the garbage.
#[wasm_bindgen]
pub struct Rewriting(Box<dyn Rewriter>);

#[wasm_bindgen]
impl Rewriting {
    /// The next bytes; what can be handed on by now.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.0.push(bytes)
    }

    /// There is no more; what was held back until now.
    pub fn end(&mut self) -> Vec<u8> {
        self.0.end()
    }

    /// Whether it ended here already, whatever else comes.
    pub fn is_over(&self) -> bool {
        self.0.is_over()
    }
}
