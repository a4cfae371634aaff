//! What a list of headers holds, and what it takes.
//!
//! Not here: what is made of them.

use proptest::prelude::*;

use super::name::KNOWN;
use super::*;

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
}

#[test]
fn a_header_is_set_once_and_added_as_often_as_it_is() {
    let mut set = headers(&[("a", "1"), ("b", "2"), ("a", "3")]);
    assert_eq!(set.get_all("A").collect::<Vec<_>>(), ["1", "3"]);
    set.insert("a", HeaderValue::from(4));
    set.insert_missing(ACCEPT, HeaderValue::from_static("*/*"));
    set.insert_missing(ACCEPT, HeaderValue::from_static("text/html"));
    assert_eq!(set, headers(&[("a", "4"), ("b", "2"), ("accept", "*/*")]));
    set.extend(headers(&[("b", "5"), ("c", "6"), ("c", "7")]));
    assert_eq!(set, headers(&[("a", "4"), ("b", "5"), ("accept", "*/*"), ("c", "7")]));
    set.append(ACCEPT, HeaderValue::from_static("text/html"));
    set.remove("Accept");
    assert_eq!((set.len(), set.contains_key(ACCEPT), &set["none"]), (3, false, &HeaderValue::from_static("")));
}

#[test]
fn names_are_tokens_in_lower_case() {
    assert_eq!(HeaderName::parse("Mcp-Param-X").unwrap(), "mcp-param-x");
    assert_eq!(KNOWN.iter().map(|known| HeaderName::parse(known).unwrap()).collect::<Vec<_>>(), KNOWN);
    for unfit in ["", "a b", "a\n", "a:", "ä", "\0"] {
        assert_eq!(HeaderName::parse(unfit), Err(Unfit), "{unfit:?}");
    }
}

#[test]
fn a_credential_is_not_shown() {
    let mut value = HeaderValue::from_static("hunter2");
    value.set_sensitive(true);
    assert!(!format!("{:?}", HeaderMap::from_iter([(AUTHORIZATION, value)])).contains("hunter2"));
}

proptest! {
    /// The same names and values as `http`, whose map the runtime's crate and requests of the OAuth client use.
    #[test]
    fn what_is_legal_is_what_is_legal_elsewhere(text in any::<String>(), plain in "[ -~\t\n\r]{0,8}") {
        for text in [text, plain] {
            let (ours, theirs) = (HeaderValue::try_from(text.as_str()), http::HeaderValue::from_str(&text));
            prop_assert_eq!(ours.is_ok(), theirs.is_ok());
            if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
                prop_assert_eq!(ours.to_str().ok(), theirs.to_str().ok());
                prop_assert_eq!(ours.as_bytes(), theirs.as_bytes());
            }
            let (ours, theirs) = (HeaderName::parse(&text), http::HeaderName::from_bytes(text.as_bytes()));
            prop_assert_eq!(ours.map(|name| name.to_string()).ok(), theirs.map(|name| name.to_string()).ok());
        }
    }
}
