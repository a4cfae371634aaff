//! From a page to its text, and what templates ask for: names that stay within their line.
//!
//! Not here: escaping, which the templates do by default.

use askama::Template;

use crate::untrusted::deceives;

/// The page as text; every foreign character that could rearrange what a person reads is made visible.
pub(super) fn html(page: &impl Template) -> String {
    let written = page.render().unwrap_or_else(|_| "This page could not be written. Please try again.".to_owned());
    written.chars().map(|character| if deceives(character) { char::REPLACEMENT_CHARACTER } else { character }).collect()
}

/// The letter on the tile that stands for a client, server or person.
pub(super) fn monogram(name: &str) -> String {
    name.chars()
        .find(|character| character.is_alphanumeric())
        .map_or("·".to_owned(), |first| first.to_uppercase().collect())
}

/// A name fit for a heading: what a client calls itself must not push the rest of the page out of sight.
pub fn short(name: &str) -> String {
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
