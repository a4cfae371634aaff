//! The only code that may name the runtime: it translates between Workers and the core, and decides nothing.
//!
//! Not here: unit tests. If something here needs one, it decides something and belongs inward.

mod bindings;
mod call;
mod entry;
mod errand;
mod host;
mod objects;
mod wire;
