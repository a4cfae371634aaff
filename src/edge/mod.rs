//! The only code that may name the runtime: it translates between Workers and the core, and decides nothing.
//!
//! Not here: unit tests. If something here needs one, it decides something and belongs inward.

#![expect(unreachable_pub, reason = "wasm-bindgen exports what is `pub`, and nothing in the crate names the edge")]

mod aside;
mod bindings;
mod call;
mod entry;
mod host;
mod host_queue;
mod log;
mod objects;
mod shard_object;
