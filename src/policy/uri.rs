//! URIs that a server may read as others than they are written.
//!
//! Not here: which of them exist, which only the server knows.

use url::Url;

/// Whether a server that resolves or normalizes URIs (RFC 3986 §6.2.2, the WHATWG's parser) may take it for another
/// one: it has dot segments, however they are written, encodes what needs no encoding or what is encoded already, or
/// holds what parsers take out.
pub fn is_ambiguous(uri: &str) -> bool {
    let taken_out = uri.bytes().any(|byte| byte.is_ascii_control() || byte == b'\\');
    taken_out || uri.trim() != uri || encodes_unreserved(uri) || encodes_twice(uri) || has_dot_segments(uri)
}

/// As the WHATWG's parser writes it, where that differs: the official SDKs look resources up by that, so `file:/a` and
/// `file://localhost/a` are `file:///a` to them.
pub(super) fn normalized(uri: &str) -> Option<String> {
    Url::parse(uri).ok().map(String::from).filter(|normalized| normalized != uri)
}

fn encodes_twice(uri: &str) -> bool {
    let digits = |rest: &str| rest.get(..2).is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    uri.split("%25").skip(1).any(digits)
}

fn encodes_unreserved(uri: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte); // RFC 3986 §2.3
    let encoded = uri.split('%').skip(1).filter_map(|rest| u8::from_str_radix(rest.get(..2)?, 16).ok());
    encoded.into_iter().any(unreserved)
}

fn has_dot_segments(uri: &str) -> bool {
    if !uri.contains('.') {
        return false;
    }
    let decoded = uri.to_ascii_lowercase().replace("%2f", "/").replace("%5c", "/");
    // Some servers take what follows a semicolon for parameters of the segment.
    let segments = decoded.split(['/', '?', '#']).map(|segment| segment.split(';').next().unwrap_or_default());
    segments.into_iter().any(|segment| matches!(segment, "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_is_what_parsers_write() {
        for uri in ["file:/a", "file://localhost/a", "FILE:///a"] {
            assert_eq!(normalized(uri).as_deref(), Some("file:///a"), "{uri}");
        }
        for (uri, is) in [
            ("https:host/a", "https://host/a"),
            ("https://@host:443/a", "https://host/a"),
            ("note://@n/x", "note://n/x"),
        ] {
            assert_eq!(normalized(uri).as_deref(), Some(is));
        }
        assert_eq!((normalized("file:///a"), normalized("no uri")), (None, None));
    }

    #[test]
    fn a_uri_that_leads_elsewhere_than_it_reads_is_ambiguous() {
        for uri in [
            "file:///pub/../secret",
            "file:///pub/./x",
            "file:///pub/..",
            "file:///pub/..?x",
            "file:///pub/%2e%2E/secret",
            "file:///pub/..%2Fsecret",
            "file:///pub/..%5csecret",
            "file:///pub\\..\\secret",
            "file:///%73ecret",
            "file:///pub/..;/secret",
            "file:///pub/%252e%252e/secret",
            "file:///se\tcret",
            " file:///secret",
            "file:///secret\u{a0}",
        ] {
            assert!(is_ambiguous(uri), "{uri}");
        }
        for uri in [
            "file:///pub/a.txt",
            "file:///pub/.hidden",
            "file:///pub/a..b/…",
            "linear://issue/ABC-1?v=1.5#top",
            "file:///My%20Docs/100%/%zz",
            "ui://app/view.html",
            "",
        ] {
            assert!(!is_ambiguous(uri), "{uri}");
        }
    }
}
