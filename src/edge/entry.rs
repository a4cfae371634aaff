//! The fetch handler: one request in, one response out.
//!
//! Not here: routing or errors; the core always has an answer.

use std::rc::Rc;

use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use worker::{Context, Env, event};

use super::host::Workers;
use super::http_glue;
use super::stream::JsStream;
use crate::gateway::{Gateway, Request};
use crate::memory::Memory;
use crate::reply::{Body, Reply};

thread_local! {
    static MEMORY: Rc<Memory> = Rc::default();
}

#[event(start)]
fn start() {
    console_error_panic_hook::set_once();
}

#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, _context: Context) -> worker::Result<web_sys::Response> {
    let memory = MEMORY.with(Rc::clone);
    let platform = Workers::new(env, request.signal());
    let request = Request {
        method: request.method(),
        url: request.url(),
        headers: http_glue::unpack(&http_glue::pack_headers(&request.headers())),
        body: JsStream(request.body()),
    };
    Ok(to_response(Gateway::new(&platform, &memory).handle(request).await))
}

fn to_response(reply: Reply<JsStream>) -> web_sys::Response {
    let (status, headers, body) = reply.into_parts();
    let body = match body {
        Body::Empty => JsValue::UNDEFINED,
        Body::Bytes(bytes) => Uint8Array::from(bytes.as_slice()).into(),
        Body::Relay(stream) => stream.into_js(),
    };
    http_glue::respond(status.as_u16(), &http_glue::pack(&headers), &body)
}
