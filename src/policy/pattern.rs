//! A pattern: a literal in which `*` stands for any run of characters, also none. Nothing else is special.
//!
//! Not here: patterns for redirect URIs, where `*` stays within a part (`oauth::client::redirect_policy`).

use std::fmt;

/// A pattern with at least one `*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    text: String,
    prefix: String,
    middle: Vec<String>,
    suffix: String,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternError {
    /// It has no `*`.
    NoStar,
    /// It has two `*` next to each other, as where they mean something of their own.
    DoubleStar,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoStar => "has no *",
            Self::DoubleStar => "has two * next to each other, and one means the same",
        })
    }
}

impl std::error::Error for PatternError {}

impl Pattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.contains("**") {
            return Err(PatternError::DoubleStar);
        }
        let (prefix, rest) = text.split_once('*').ok_or(PatternError::NoStar)?;
        let mut middle: Vec<String> = rest.split('*').map(str::to_owned).collect();
        let suffix = middle.pop().unwrap_or_default();
        Ok(Self { text: text.to_owned(), prefix: prefix.to_owned(), middle, suffix })
    }

    /// Whether all of a text fits. Each piece is taken where it comes first, which never misses a fit: so no place is
    /// tried twice, and the time grows with the text and no faster.
    pub fn fits(&self, text: &str) -> bool {
        let Some(mut rest) = text.strip_prefix(self.prefix.as_str()) else { return false };
        for piece in &self.middle {
            let Some((_, after)) = rest.split_once(piece.as_str()) else { return false };
            rest = after;
        }
        rest.ends_with(self.suffix.as_str())
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fits(pattern: &str, text: &str) -> bool {
        Pattern::parse(pattern).unwrap().fits(text)
    }

    /// The definition itself, and exponential.
    fn by_definition(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), _) if by_definition(rest, text) => true,
            (Some(('*', _)), Some((_, after))) => by_definition(pattern, after),
            (Some((expected, rest)), Some((found, after))) => expected == found && by_definition(rest, after),
            _ => false,
        }
    }

    #[test]
    fn a_star_is_any_run_and_everything_else_is_itself() {
        for (pattern, text) in
            [("*", ""), ("*", "a/b"), ("issue_*", "issue_"), ("*_issue", "get_issue"), ("a*b*c", "abbc"), ("*.*", ".")]
        {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("issue_*", "Issue_get"),
            ("issue_*", "get_issue_"),
            ("a*a", "a"),
            ("ab*ba", "aba"),
            ("i?sue*", "issue"),
            ("[a-z]*", "a"),
            (".*", "a"),
            ("a*b*c", "acb"),
        ] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
        assert_eq!(Pattern::parse("issue"), Err(PatternError::NoStar));
        assert_eq!(Pattern::parse("a**"), Err(PatternError::DoubleStar));
    }

    #[test]
    fn many_stars_before_what_is_not_there_are_no_trap() {
        assert!(!fits(&"a*".repeat(1000), &"a".repeat(999)));
        assert!(!fits(&format!("{}b", "*a".repeat(1000)), &"a".repeat(100_000)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        #[test]
        fn fits_what_the_definition_says(pattern in "[ab*é]{0,8}", text in "[abé]{0,10}") {
            if let Ok(parsed) = Pattern::parse(&pattern) {
                let characters = |text: &str| text.chars().collect::<Vec<_>>();
                prop_assert_eq!(parsed.fits(&text), by_definition(&characters(&pattern), &characters(&text)));
            }
        }

        #[test]
        fn any_text_is_a_pattern_or_none(pattern in "\\PC{0,30}", text in "\\PC{0,30}") {
            if let Ok(parsed) = Pattern::parse(&pattern) {
                let _ = parsed.fits(&text);
                prop_assert_eq!(parsed.as_str(), pattern);
            }
        }
    }
}
