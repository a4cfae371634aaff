//! HTTP as the runtime has it, in as few crossings as possible: the bindings of `http_glue.js` and the packing of headers.
//!
//! Not here: any policy on headers; what must not pass is decided in `mcp::forward`.

use http::{HeaderMap, HeaderName, HeaderValue};
use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::time::Lifetime;

#[wasm_bindgen(module = "/src/edge/http_glue.js")]
extern "C" {
    #[wasm_bindgen(js_name = packHeaders)]
    pub fn pack_headers(headers: &web_sys::Headers) -> String;

    pub fn respond(status: u16, headers: &str, body: &JsValue) -> web_sys::Response;

    pub fn send(
        method: &str,
        url: &str,
        headers: &str,
        body: &JsValue,
        milliseconds: f64,
        client: &web_sys::AbortSignal,
    ) -> Promise;

    pub fn opening(response: &web_sys::Response) -> Option<u8>;

    #[wasm_bindgen(js_name = readAll)]
    pub fn read_all(body: &web_sys::ReadableStream, limit: u32, milliseconds: f64) -> Promise;
}

/// A span as timers take it.
pub fn milliseconds(span: Lifetime) -> f64 {
    f64::from(u32::try_from(span.0).unwrap_or(u32::MAX)) * 1000.0
}

/// Reads packed headers. A value that is not visible ASCII is left out: nothing here may panic on an upstream's bytes.
pub fn unpack(packed: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
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

/// Packs headers for the other side.
pub fn pack(headers: &HeaderMap) -> String {
    let mut packed = String::with_capacity(headers.len() * 48);
    for (name, value) in headers {
        if let Ok(value) = value.to_str() {
            packed.push_str(name.as_str());
            packed.push('\n');
            packed.push_str(value);
            packed.push('\n');
        }
    }
    packed
}
