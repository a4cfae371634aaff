//! A person's own pages: the servers there are, and the accounts and clients that are theirs.
//!
//! Not here: connecting an account (`flow::connect`).

mod agents;
pub mod connections;
mod form;
pub mod index;
mod keys;
pub mod own_request;
