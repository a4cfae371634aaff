//! The pages people see: one struct per page, one template each, one stylesheet inlined into all of them.
//!
//! No external resource, and no script that a page needs. Templates escape by default; what a page may load and who may frame it is in [`security`].
//!
//! Not here: statuses, routes, and the wording of errors. A page says what it is given.

mod add;
mod brand;
mod cancelled;
mod connect;
mod connections;
mod consent;
mod day;
mod dev_login;
#[cfg(test)]
mod gallery;
mod link;
mod notice;
mod readiness;
pub mod security;
mod server;
mod servers;
mod sign_out;
mod status;

use askama::Template;

use crate::foreign::deceives;

pub use brand::{Brand, Colour};
pub use cancelled::Cancelled;
pub use connect::{Connect, ConnectAccount, ConnectField, Occasion, Way, account_title};
pub use connections::{AllowedClient, ConnectedAccount, ConnectedServer, Connections, Standing, Usage};
pub use consent::{ClientOrigin, Consent, ScopeLine};
pub use dev_login::{DevLogin, DevLoginAccount};
pub use link::Link;
pub use notice::{Notice, Tone};
pub use readiness::{Finding, Readiness};
pub use server::{Server, ServerCard};
pub use servers::Servers;
pub use sign_out::SignOut;
pub use status::{Status, Step};

/// What the gateway is called where its operator gave it no name.
const NAME: &str = "MCP gateway";

/// The stylesheet, byte for byte what stands in `<style>`: its hash is in the policy of [`security::csp`].
const STYLE: &str = include_str!("style.css");

/// For pages whose form grants something. The second click of a double click may land on such a page the moment a window in front of it
/// is gone ("double clickjacking", which no framing policy sees), so its buttons rest for half a second after it came to the front.
/// Without scripts the form works all the same. Byte for byte what stands in `<script>`, as the policy has its hash.
const GUARD: &str = include_str!("guard.js");
/// For pages with something to copy or many servers: what it shows is hidden until it runs, and nothing else depends on it. Byte for
/// byte what stands in `<script>`, as the policy has its hash.
const ADDING: &str = include_str!("adding.js");

/// The page as text; every foreign character that could rearrange what a person reads is made visible.
fn html(page: &impl Template) -> String {
    let written = page.render().unwrap_or_else(|_| "This page could not be written. Please try again.".to_owned());
    written.chars().map(|character| if deceives(character) { char::REPLACEMENT_CHARACTER } else { character }).collect()
}

/// The letter on the tile that stands for a client, server or person.
fn monogram(name: &str) -> String {
    name.chars()
        .find(|character| character.is_alphanumeric())
        .map_or("·".to_owned(), |first| first.to_uppercase().collect())
}

/// A name fit for a heading: what a client calls itself must not push the rest of the page out of sight.
fn short(name: &str) -> String {
    const LONGEST: usize = 60;
    let shown: String = name.chars().take(LONGEST).collect();
    if shown.len() < name.len() { shown + "…" } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_where_it_is_a_heading() {
        assert_eq!(short("Claude Code"), "Claude Code");
        assert_eq!(short(&"é".repeat(61)), "é".repeat(60) + "…");
    }

    #[test]
    fn a_monogram_is_the_first_letter_or_digit() {
        assert_eq!(monogram("  linear"), "L");
        assert_eq!(monogram("<3 cats"), "3");
        assert_eq!(monogram("ßeta"), "SS");
        assert_eq!(monogram("!?"), "·");
    }
}
