//! A URI's text cut into its parts (RFC 3986 §3) without changing a byte, for comparisons that must not normalise.
//!
//! Not here: whether the text is a good URI; whoever cuts it has read it with a URL parser too.

/// The parts as written. Together with `:` and `//` they are the whole text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UriText<'text> {
    /// Before the first colon.
    pub scheme: &'text str,
    /// Whether `//` follows.
    pub has_authority: bool,
    /// The authority without its port, brackets included.
    pub host: &'text str,
    /// After the authority's last colon.
    pub port: Option<&'text str>,
    /// Path and query.
    pub tail: &'text str,
}

impl<'text> UriText<'text> {
    /// Cuts the text; `None` without a scheme.
    pub fn of(text: &'text str) -> Option<Self> {
        let (scheme, rest) = text.split_once(':')?;
        let Some(rest) = rest.strip_prefix("//") else {
            return Some(Self { scheme, has_authority: false, host: "", port: None, tail: rest });
        };
        let (authority, tail) = rest.split_at_checked(rest.find(['/', '?', '#']).unwrap_or(rest.len()))?;
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        Some(Self { scheme, has_authority: true, host, port, tail })
    }

    /// Path alone.
    pub fn path(&self) -> &'text str {
        self.tail.split(['?', '#']).next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cut_where_the_rfc_cuts() {
        let cut = UriText::of("http://[::1]:80/a?b=c:d").unwrap();
        assert_eq!((cut.scheme, cut.host, cut.port, cut.tail), ("http", "[::1]", Some("80"), "/a?b=c:d"));
        assert_eq!(cut.path(), "/a");
        let cut = UriText::of("https://[::1]?x").unwrap();
        assert_eq!((cut.host, cut.port, cut.tail, cut.path()), ("[::1]", None, "?x", ""));
        let cut = UriText::of("app:/cb").unwrap();
        assert_eq!((cut.has_authority, cut.host, cut.tail), (false, "", "/cb"));
        assert_eq!(UriText::of("no-scheme"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn nothing_is_lost(text in "\\PC{0,20}|[a-z]{1,5}:(//)?[a-z:/?#@.\\[\\]]{0,30}") {
            if let Some(cut) = UriText::of(&text) {
                let slashes = if cut.has_authority { "//" } else { "" };
                let port = cut.port.map(|port| format!(":{port}")).unwrap_or_default();
                prop_assert_eq!(format!("{}:{slashes}{}{port}{}", cut.scheme, cut.host, cut.tail), text);
            }
        }
    }
}
