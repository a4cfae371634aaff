//! A link whose target is only followed where that is safe.
//!
//! Not here: building URLs. A target that does not fit is shown as text.

use url::Url;

/// Something to follow, or only to read when its target is not one a page may carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageLink {
    /// What it says.
    pub label: String,
    /// Where it leads: a path of the gateway, or an `https` or loopback `http` URL.
    pub href: String,
}

impl PageLink {
    /// A link with this label and target.
    pub fn new(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self { label: label.into(), href: href.into() }
    }

    /// The target, unless following it could run script or leave the web.
    pub(super) fn target(&self) -> Option<&str> {
        web_target(&self.href)
    }
}

/// The same text if it is a path of our own origin or a web URL, as a browser would read it.
pub(super) fn web_target(href: &str) -> Option<&str> {
    if href.contains(|character: char| character.is_control() || character.is_whitespace() || character == '\\') {
        return None;
    }
    let own_path = href.starts_with('/') && !href.starts_with("//");
    let web = || Url::parse(href).is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
    (own_path || web()).then_some(href)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_and_web_urls_are_followed() {
        for href in ["/", "/login?return_to=%2F", "https://example.com/a?b#c", "http://localhost:8787/"] {
            assert_eq!(web_target(href), Some(href));
        }
    }

    #[test]
    fn anything_else_is_only_text() {
        for href in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            " javascript:alert(1)",
            "java\tscript:alert(1)",
            "/\t/evil.example",
            "data:text/html,<script>alert(1)</script>",
            "vbscript:x",
            "file:///etc/passwd",
            "//evil.example/",
            "/\\evil.example/",
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "login",
            "",
        ] {
            assert_eq!(web_target(href), None, "{href:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn a_followed_target_stays_on_the_web(href in r"[\x00-\x7f]{0,24}|/[/\\\t a-z]{0,6}|(javascript|data|https?):[ -~]{0,16}") {
            let base = Url::parse("https://gateway.example/here").unwrap();
            if let Some(target) = web_target(&href) {
                let reached = base.join(target).unwrap();
                prop_assert!(matches!(reached.scheme(), "http" | "https"));
                if target.starts_with('/') {
                    prop_assert_eq!(reached.origin(), base.origin());
                }
            }
        }
    }
}
