//! The Worker's bindings as JavaScript has them, and of each no more than is used: KV, objects, their storage, the rate
//! limiter, analytics.
//!
//! The runtime crate's go through builders, serde and a `Request` with every option there is: 16 KB of gzip more for
//! the same calls. Not here: what is called for (`host`, `log`, `shard_object`).

use js_sys::{Array, Object, Promise, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::Env;
use worker::wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    pub type Kv;

    #[wasm_bindgen(method, catch)]
    pub fn get(this: &Kv, key: &str, options: &JsValue) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    pub fn put(this: &Kv, key: &str, value: &str, options: &JsValue) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    pub fn delete(this: &Kv, key: &str) -> Result<Promise, JsValue>;

    pub type Objects;

    #[wasm_bindgen(method, catch, js_name = getByName)]
    pub fn get_by_name(this: &Objects, name: &str) -> Result<Stub, JsValue>;

    pub type Stub;

    #[wasm_bindgen(method, catch)]
    pub fn fetch(this: &Stub, url: &str, init: &JsValue) -> Result<Promise, JsValue>;

    pub type ObjectAnswer;

    #[wasm_bindgen(method, getter)]
    pub fn status(this: &ObjectAnswer) -> u16;

    #[wasm_bindgen(method, catch)]
    pub fn text(this: &ObjectAnswer) -> Result<Promise, JsValue>;

    pub type ObjectState;

    #[wasm_bindgen(method, getter)]
    pub fn storage(this: &ObjectState) -> Storage;

    pub type Storage;

    #[wasm_bindgen(method, catch, js_name = get)]
    pub fn get_several(this: &Storage, keys: &Array) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    pub fn list(this: &Storage, options: &JsValue) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch, js_name = put)]
    pub fn put_several(this: &Storage, entries: &JsValue) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch, js_name = delete)]
    pub fn delete_several(this: &Storage, keys: &Array) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch, js_name = getAlarm)]
    pub fn get_alarm(this: &Storage) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch, js_name = deleteAll)]
    pub fn delete_all(this: &Storage) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch, js_name = setAlarm)]
    pub fn set_alarm(this: &Storage, milliseconds: f64) -> Result<Promise, JsValue>;

    pub type Analytics;

    #[wasm_bindgen(method, catch, js_name = writeDataPoint)]
    pub fn write_data_point(this: &Analytics, point: &JsValue) -> Result<(), JsValue>;
    #[wasm_bindgen(method, getter)]
    pub fn sql(this: &Storage) -> Sql;

    pub type Sql;

    #[wasm_bindgen(method, catch, variadic)]
    pub fn exec(this: &Sql, statement: &str, bound: &js_sys::Array) -> Result<SqlCursor, JsValue>;

    pub type SqlCursor;

    #[wasm_bindgen(method, catch)]
    pub fn raw(this: &SqlCursor) -> Result<SqlRows, JsValue>;

    pub type SqlRows;

    #[wasm_bindgen(method, catch, js_name = toArray)]
    pub fn to_array(this: &SqlRows) -> Result<js_sys::Array, JsValue>;

    pub type RateLimiter;

    #[wasm_bindgen(method, catch)]
    pub fn limit(this: &RateLimiter, options: &JsValue) -> Result<Promise, JsValue>;
}

/// A binding by its name. One that is not there fails when it is called.
pub fn binding<T: JsCast>(env: &Env, name: &str) -> Result<T, JsValue> {
    Reflect::get(env, &JsValue::from_str(name)).map(JsCast::unchecked_into)
}

/// An object of options.
pub fn options(members: &[(&str, JsValue)]) -> Result<JsValue, JsValue> {
    let object = Object::new();
    for (name, value) in members {
        Reflect::set(&object, &JsValue::from_str(name), value)?;
    }
    Ok(object.into())
}

/// What a call comes to.
pub async fn settled(call: Result<Promise, JsValue>) -> Result<JsValue, JsValue> {
    JsFuture::from(call?).await
}
