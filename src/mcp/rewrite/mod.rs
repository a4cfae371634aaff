//! Bodies that are read on their way to the client, because something in them is not for everybody: lists, and the
//! streams they come in.
//!
//! Everything else is handed on unread. What a rewriter lets through unchanged it lets through byte for byte, and what
//! it cannot understand it does not let through at all. Not here: which members of a list somebody may see, and how the
//! bytes get here.

pub mod answer;
mod edits;
pub mod list;
pub mod news;
pub mod result;
pub mod sse;

use std::fmt;

/// Makes one body of another, as its bytes come.
pub trait Rewriter {
    /// The next bytes; what can be handed on by now.
    fn push(&mut self, bytes: &[u8]) -> Vec<u8>;

    /// There is no more; what was held back until now.
    fn end(&mut self) -> Vec<u8>;

    /// Whether the body ended here already, whatever else comes: nobody needs to wait for that.
    fn is_over(&self) -> bool;
}

impl fmt::Debug for dyn Rewriter {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Rewriter")
    }
}

/// Why a body cannot be let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// It, or one event of it, is longer than allowed.
    TooLong {
        /// How many bytes are.
        limit: usize,
    },
    /// Not UTF-8, or not JSON.
    NotJson,
    /// JSON, but no JSON-RPC message and no array of them, or with a list that is no array or has a member without a
    /// name.
    Malformed,
    /// A key twice, or one that a reader ignoring case takes for another: two readers would see two different lists.
    Ambiguous,
}
