//! A body that stays on the JavaScript side until somebody reads it, if anybody does.
//!
//! Not here: rewriting bodies.

use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::http_glue;
use crate::ports::{ReadError, Stream};
use crate::time::Lifetime;

/// The body of a request or a response, if it has one.
#[derive(Debug)]
pub struct JsStream(pub Option<web_sys::ReadableStream>);

impl JsStream {
    /// As the body of a response.
    pub fn into_js(self) -> JsValue {
        self.0.map_or(JsValue::UNDEFINED, JsValue::from)
    }
}

impl Stream for JsStream {
    async fn read(self, limit: usize, within: Lifetime) -> Result<Vec<u8>, ReadError> {
        let Some(stream) = self.0 else { return Ok(Vec::new()) };
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let read = http_glue::read_all(&stream, limit, http_glue::milliseconds(within));
        let read = JsFuture::from(read).await.map_err(|_| ReadError::Broken)?;
        match read.dyn_into::<Uint8Array>() {
            Ok(bytes) => Ok(bytes.to_vec()),
            Err(reason) if reason.as_string().as_deref() == Some("too_large") => Err(ReadError::TooLarge),
            Err(_) => Err(ReadError::Broken),
        }
    }

    async fn discard(self) {
        if let Some(stream) = self.0 {
            // Whether the other end still listens does not matter: the connection is given back either way.
            let _ = JsFuture::from(stream.cancel()).await;
        }
    }
}
