//! Texts without the difference of capital and small letters, where somebody behind the gateway may not see it.
//!
//! Only what asks for more is compared so: which rules name a capability, and whether a member of the arguments may be
//! taken for another one. What is allowed is compared exactly. Not here: the keys of messages
//! (`mcp::message::strict_json`).

use std::borrow::Cow;

/// The text in small letters; the long s too, which Go's `encoding/json` takes for an s.
pub(super) fn folded(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    let small = |c| if c == 'ſ' { 's' } else { c };
    Cow::Owned(text.chars().flat_map(char::to_lowercase).map(small).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_may_take_for_the_same_is_the_same() {
        for (text, same) in
            [("Team", "team"), ("ſcope", "scope"), ("\u{212a}ey", "key"), ("ÜBER", "über"), ("a_1", "a_1")]
        {
            assert_eq!(folded(text), same);
        }
        assert!(matches!(folded("create_issue"), Cow::Borrowed(_)));
    }
}
