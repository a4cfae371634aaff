//! The pages people see: one struct per page, one template each, one stylesheet inlined into all of them.
//!
//! No external resource, and no script but [`GUARD`]. Templates escape by default; what a page may load and who may frame it is in [`security`].
//!
//! Not here: statuses, routes, and the wording of errors. A page says what it is given.

mod add;
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
pub mod security;
mod servers;
mod sign_out;
mod status;

use askama::Template;

pub use cancelled::Cancelled;
pub use connect::{Connect, ConnectAccount, ConnectField, Occasion, Way, account_title};
pub use connections::{AllowedClient, ConnectedAccount, ConnectedServer, Connections, Standing, Usage};
pub use consent::{ClientOrigin, Consent, ScopeLine};
pub use dev_login::{DevLogin, DevLoginAccount};
pub use link::Link;
pub use notice::{Notice, Tone};
pub use servers::{ServerCard, Servers};
pub use sign_out::SignOut;
pub use status::{Status, Step};

/// The stylesheet, byte for byte what stands in `<style>`: its hash is in the policy of [`security::csp`].
const STYLE: &str = include_str!("style.css");

/// For pages whose form grants something. The second click of a double click may land on such a page the moment a window in front of it
/// is gone ("double clickjacking", which no framing policy sees), so its buttons rest for half a second after it came to the front.
/// Without scripts the form works all the same. Byte for byte what stands in `<script>`, as the policy has its hash.
const GUARD: &str = include_str!("guard.js");

/// The page as text; every foreign character that could rearrange what a person reads is made visible.
fn html(page: &impl Template) -> String {
    let written = page.render().unwrap_or_else(|_| "This page could not be written. Please try again.".to_owned());
    written.chars().map(|character| if deceives(character) { char::REPLACEMENT_CHARACTER } else { character }).collect()
}

/// Controls, bidirectional overrides and invisible characters: a client name may carry them, escaping lets them through.
fn deceives(character: char) -> bool {
    (character.is_control() && !matches!(character, '\n' | '\t'))
        || matches!(character, '\u{061C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}')
        || matches!(character, '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{E0000}'..='\u{E007F}')
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
    fn what_rearranges_text_is_made_visible_and_what_writes_it_is_kept() {
        for hidden in ['\u{202E}', '\u{2066}', '\u{200B}', '\u{FEFF}', '\u{E0041}', '\0', '\u{85}'] {
            assert!(deceives(hidden), "{hidden:?}");
        }
        for plain in ['a', ' ', '\n', 'é', '日', '\u{200D}', '👍'] {
            assert!(!deceives(plain), "{plain:?}");
        }
    }

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
