//! What waits in Rust until JavaScript takes it: what crosses beside a string, by the number of its call.
//!
//! Not here: what that is (`wire`).

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::mcp::rewrite::Rewriter;
use crate::wire::{Aside, Crossing};

thread_local! {
    /// By call: others go on between an answer and the moment JavaScript takes what belongs to it.
    static ASIDES: RefCell<BTreeMap<u32, Aside>> = RefCell::default();
}

/// Lays down what crosses beside the text of a call, and answers the text.
pub fn keep(call: u32, Crossing { text, aside }: Crossing) -> String {
    if let Some(aside) = aside {
        drop(ASIDES.with_borrow_mut(|asides| asides.insert(call, aside)));
    }
    text
}

/// The body of what was last written as "bytes" for a call.
pub fn bytes(call: u32) -> Vec<u8> {
    match take(call) {
        Some(Aside::Bytes(bytes)) => bytes,
        Some(Aside::Rewriter(_)) | None => Vec::new(),
    }
}

/// What rewrites the body that was last written as "rewritten" for a call.
pub fn rewriter(call: u32) -> Option<Box<dyn Rewriter>> {
    match take(call)? {
        Aside::Rewriter(rewriter) => Some(rewriter),
        Aside::Bytes(_) => None,
    }
}

fn take(call: u32) -> Option<Aside> {
    ASIDES.with_borrow_mut(|asides| asides.remove(&call))
}
