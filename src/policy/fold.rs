//! Texts without differences that somebody behind the gateway may not see: of capital and small letters, however they
//! are changed into one another, and of what is percent-encoded.
//!
//! Only what asks for more is compared so: which rules name a capability, and whether a member of the arguments may be
//! taken for another one. What is allowed is compared exactly. Not here: the keys of messages
//! (`mcp::message::strict_json`).

use std::borrow::Cow;

/// The text decoded, and in small letters by way of capital ones: so the long s is an s (Go's `encoding/json`), and the
/// i without a dot and the one with a dot above are an i (`equalsIgnoreCase`, `toUpperCase`).
pub fn folded(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase() && byte != b'%') {
        return Cow::Borrowed(text);
    }
    let dotless = |c| if c == 'İ' { 'I' } else { c };
    let capital = decoded(text).chars().map(dotless).flat_map(char::to_uppercase).collect::<String>();
    Cow::Owned(capital.to_lowercase())
}

/// RFC 3986 §2.1; what is no encoding stays.
fn decoded(text: &str) -> Cow<'_, str> {
    let Some((first, rest)) = text.split_once('%') else { return Cow::Borrowed(text) };
    let mut bytes = first.as_bytes().to_vec();
    for part in rest.split('%') {
        let byte = part.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match byte.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => bytes.push(byte),
            None => bytes.push(b'%'),
        }
        bytes.extend_from_slice(part.get(if byte.is_some() { 2 } else { 0 }..).unwrap_or_default().as_bytes());
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_may_take_for_the_same_is_the_same() {
        for (text, same) in [
            ("Team", "team"),
            ("ſcope", "scope"),
            ("\u{212a}ey", "key"),
            ("ÜBER", "über"),
            ("a_1", "a_1"),
            ("ıßuİ", "issui"),
            ("a%20%C3%AF%zz%", "a ï%zz%"),
        ] {
            assert_eq!(folded(text), same);
        }
        assert!(matches!(folded("create_issue"), Cow::Borrowed(_)));
    }
}
