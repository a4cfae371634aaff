//! Text that somebody else wrote, cut to what a page, a log line or an error may show.
//!
//! Not here: escaping for HTML (`page` does that for everything) or for a header.

/// At most 200 characters of what an OAuth error may hold (RFC 6749 §5.2): printable ASCII without `"` and `\`.
pub fn presentable(text: &str) -> String {
    let shown = |c: char| if matches!(c, ' '..='~') && !matches!(c, '"' | '\\') { c } else { '?' };
    text.chars().take(200).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_tamed() {
        assert_eq!(presentable("ok (yes)"), "ok (yes)");
        assert_eq!(presentable("a\r\nb\"\\\u{202e}é"), "a??b????");
        assert_eq!(presentable(&"x".repeat(1000)).len(), 200);
    }
}
