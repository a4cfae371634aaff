//! Scopes: a set of tokens written as one string (OAuth 2.1 §1.4.1).
//!
//! Not here: which scopes exist or which a call needs.

use std::fmt;

use serde::{Deserialize, Serialize};

const LONGEST: usize = 2048;
const MOST: usize = 64;

/// Scopes without order or repetition, case-sensitive. Stored and sent as one string with single spaces.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ScopeSet(Vec<String>); // in alphabetical order, each once

impl ScopeSet {
    /// The scope that calling a server needs.
    pub const TOOLS: &'static str = "mcp:tools";
    /// The scope that asks for a refresh token (`OpenID` Connect Core §11).
    pub const OFFLINE_ACCESS: &'static str = "offline_access";

    /// Reads a `scope` parameter. Superfluous spaces are forgiven; nothing at all is the empty set.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        if text.len() > LONGEST {
            return Err(ScopeError::TooLong);
        }
        let mut scopes = Self::default();
        for text in text.split(' ').filter(|token| !token.is_empty()) {
            scopes.add(token(text)?);
        }
        if scopes.0.len() > MOST { Err(ScopeError::TooMany) } else { Ok(scopes) }
    }

    /// A set of names of our own.
    pub fn of(scopes: &[&str]) -> Self {
        let mut set = Self::default();
        for &scope in scopes {
            set.add(scope.to_owned());
        }
        set
    }

    /// Whether this exact scope is among them.
    pub fn contains(&self, scope: &str) -> bool {
        self.0.binary_search_by(|held| held.as_str().cmp(scope)).is_ok()
    }

    /// Whether the other set has all of them.
    pub fn is_subset(&self, of: &Self) -> bool {
        self.iter().all(|scope| of.contains(scope))
    }

    /// The scopes that both sets have.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.filter(|scope| other.contains(scope))
    }

    /// The scopes that either set has.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut set = self.clone();
        for scope in &other.0 {
            set.add(scope.clone());
        }
        set
    }

    /// The others, once this one is taken out.
    #[must_use]
    pub fn without(&self, scope: &str) -> Self {
        self.filter(|held| held != scope)
    }

    /// Those of them that are to be kept.
    #[must_use]
    pub fn filter(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|scope| keep(scope)).cloned().collect())
    }

    fn add(&mut self, scope: String) {
        if let Err(place) = self.0.binary_search(&scope) {
            self.0.insert(place, scope);
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each scope, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, scope) in self.iter().enumerate() {
            if position > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope)?;
        }
        Ok(())
    }
}

impl TryFrom<String> for ScopeSet {
    type Error = ScopeError;

    fn try_from(text: String) -> Result<Self, ScopeError> {
        Self::parse(&text)
    }
}

impl From<ScopeSet> for String {
    fn from(scopes: ScopeSet) -> Self {
        scopes.to_string()
    }
}

/// Why a `scope` parameter cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeError {
    /// A character outside `%x21 / %x23-5B / %x5D-7E`.
    Character,
    /// More than 2048 bytes.
    TooLong,
    /// More than 64 scopes.
    TooMany,
}

impl fmt::Display for ScopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Character => "scope has a character that OAuth 2.1 section 1.4.1 does not allow",
            Self::TooLong => "scope is longer than 2048 bytes",
            Self::TooMany => "scope names more than 64 scopes",
        })
    }
}

impl std::error::Error for ScopeError {}

fn token(text: &str) -> Result<String, ScopeError> {
    if text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)) {
        Ok(text.to_owned())
    } else {
        Err(ScopeError::Character)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scopes(text: &str) -> ScopeSet {
        ScopeSet::parse(text).unwrap()
    }

    #[test]
    fn order_repetition_and_spare_spaces_do_not_matter() {
        assert_eq!(scopes(" b  a b "), scopes("a b"));
        assert_eq!(scopes("b a").to_string(), "a b");
        assert!(scopes("").is_empty() && scopes("  ").is_empty());
    }

    #[test]
    fn characters_that_would_break_a_challenge_header_are_refused() {
        for text in ["a\"b", "a\\b", "a\tb", "a\nb", "\u{e9}", "a\u{7f}"] {
            assert_eq!(ScopeSet::parse(text), Err(ScopeError::Character), "{text:?}");
        }
    }

    #[test]
    fn size_is_bounded() {
        assert_eq!(ScopeSet::parse(&"a".repeat(2049)), Err(ScopeError::TooLong));
        let many: Vec<String> = (0..65).map(|number| format!("s{number}")).collect();
        assert_eq!(ScopeSet::parse(&many.join(" ")), Err(ScopeError::TooMany));
    }

    #[test]
    fn sets_compare_as_sets() {
        let both = scopes("mcp:tools offline_access");
        assert!(scopes("mcp:tools").is_subset(&both) && !both.is_subset(&scopes("mcp:tools")));
        assert!(!both.contains("MCP:tools"));
        assert_eq!(both.intersection(&scopes("mcp:tools x")), scopes("mcp:tools"));
        assert_eq!(both.without(ScopeSet::OFFLINE_ACCESS), scopes(ScopeSet::TOOLS));
        assert_eq!(scopes("a").union(&scopes("b")), scopes("a b"));
    }

    #[test]
    fn stored_as_one_string() {
        assert_eq!(serde_json::to_string(&scopes("b a")).unwrap(), "\"a b\"");
        assert!(serde_json::from_str::<ScopeSet>("\"a\\u0022\"").is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn any_text_reads_or_is_refused_and_what_reads_reads_again(text in "\\PC{0,40}|[ -~]{0,40}") {
            if let Ok(read) = ScopeSet::parse(&text) {
                prop_assert_eq!(scopes(&read.to_string()), read);
            }
        }
    }
}
