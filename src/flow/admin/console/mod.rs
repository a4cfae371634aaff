//! The console: what operators see and do in a browser.
//!
//! Whoever is not signed in is sent to the login and comes back. Whoever is and is no operator is told that, and
//! nothing else. Not here: who is an operator (`flow::admin::operator`), and the same for programs (`flow::admin`).

pub mod clients;
pub mod configuration;
mod form;
mod frame;
pub mod log;
pub mod overview;
pub mod people;
mod question;
pub mod revoking;
pub mod servers;
mod traffic;

use crate::flow::Head;

/// Whether a request wants a page of the console: a browser comes to show it. With a token it is a program's, whatever
/// it says that it accepts.
pub fn is_for(head: &Head) -> bool {
    head.header("authorization").is_none() && (head.wants_page() || form::is_posted(head))
}
