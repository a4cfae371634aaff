//! Text that somebody else wrote, cut to what a page, a log line or an error may show.
//!
//! Not here: escaping for HTML (`page` does that for everything) or for a header.

/// At most 200 characters of what an OAuth error may hold (RFC 6749 §5.2): printable ASCII without `"` and `\`.
pub fn presentable(text: &str) -> String {
    let shown = |c: char| if matches!(c, ' '..='~') && !matches!(c, '"' | '\\') { c } else { '?' };
    text.chars().take(200).map(shown).collect()
}

/// Controls, bidirectional overrides and invisible characters: escaping lets them through, and they rearrange what a person reads.
pub fn deceives(character: char) -> bool {
    (character.is_control() && !matches!(character, '\n' | '\t'))
        || matches!(character, '\u{061C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}')
        || matches!(character, '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rearranges_text_is_told_from_what_writes_it() {
        for hidden in ['\u{202E}', '\u{2066}', '\u{200B}', '\u{FEFF}', '\u{E0041}', '\0', '\u{85}'] {
            assert!(deceives(hidden), "{hidden:?}");
        }
        for plain in ['a', ' ', '\n', 'é', '日', '\u{200D}', '👍'] {
            assert!(!deceives(plain), "{plain:?}");
        }
    }

    #[test]
    fn foreign_text_is_tamed() {
        assert_eq!(presentable("ok (yes)"), "ok (yes)");
        assert_eq!(presentable("a\r\nb\"\\\u{202e}é"), "a??b????");
        assert_eq!(presentable(&"x".repeat(1000)).len(), 200);
    }
}
