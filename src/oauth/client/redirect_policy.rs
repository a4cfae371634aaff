//! Which redirect URIs clients that nobody vouches for may register: the operator's patterns.
//!
//! Not here: the rules every redirect URI keeps (`redirect`), which no pattern can relax.

use super::redirect::{RedirectUri, RedirectUriError};
use crate::oauth::uri_text::UriText;

/// Patterns with `*`, such as `https://*.example.com/oauth/*` or `http://localhost:*/callback`; none means every https
/// URI, loopback and the known private-use URIs.
///
/// `*` stays within the part it stands in (host, port, or path with query), so no pattern for one host fits another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RedirectPolicy {
    /// As configured.
    pub patterns: Vec<String>,
}

impl RedirectPolicy {
    /// Reads a URI and lets it in, or says which rule keeps it out.
    pub fn admit(&self, text: &str) -> Result<RedirectUri, RedirectUriError> {
        if self.patterns.is_empty() {
            return RedirectUri::parse(text);
        }
        let uri = RedirectUri::named(text)?;
        if self.patterns.iter().any(|pattern| fits(pattern, text)) {
            Ok(uri)
        } else {
            Err(RedirectUriError::NotAllowed)
        }
    }
}

fn fits(pattern: &str, text: &str) -> bool {
    let (Some(pattern), Some(text)) = (UriText::of(pattern), UriText::of(text)) else { return false };
    pattern.scheme.eq_ignore_ascii_case(text.scheme)
        && pattern.has_authority == text.has_authority
        && glob(&pattern.host.to_ascii_lowercase(), &text.host.to_ascii_lowercase())
        && glob(pattern.port.unwrap_or_default(), text.port.unwrap_or_default())
        && glob(pattern.tail, text.tail)
}

/// `*` stands for any run of characters, also none.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((prefix, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(prefix) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let suffix = pieces.pop().unwrap_or_default();
    for piece in pieces {
        match text.split_once(piece) {
            Some((_, after)) => text = after,
            None => return false,
        }
    }
    text.ends_with(suffix)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn admits(pattern: &str, text: &str) -> bool {
        RedirectPolicy { patterns: vec![pattern.to_owned()] }.admit(text).is_ok()
    }

    #[test]
    fn a_star_stays_within_host_port_or_path() {
        for (pattern, text) in [
            ("https://*.example.com/oauth/*", "https://app.example.com/oauth/callback?x=1"),
            ("https://claude.ai/api/mcp/auth_callback", "https://claude.ai/api/mcp/auth_callback"),
            ("http://localhost:*/callback", "http://localhost:3118/callback"),
            ("http://localhost:*/callback", "http://localhost/callback"),
            ("https://*/*", "https://anything.example/cb"),
            ("https://EXAMPLE.com/*", "https://example.com/cb"),
            ("vscode://publisher.extension/*", "vscode://publisher.extension/cb"),
            ("com.example.app:/*", "com.example.app:/cb"),
        ] {
            assert!(admits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("https://*.example.com/oauth/*", "https://evil.example/x.example.com/oauth/cb"),
            ("https://*.example.com/oauth/*", "https://evil.example?x.example.com/oauth/cb"),
            ("https://*.example.com/*", "https://example.com.evil.example/cb"),
            ("https://*.example.com/*", "https://example.com/cb"),
            ("https://app.example.com/*", "https://app.example.com:8443/cb"),
            ("https://app.example.com/oauth/*", "https://app.example.com/oauth/../cb"),
            ("https://app.example.com/*", "https://app.example.com@evil.example/cb"),
            ("https://app.example.com/*", "http://app.example.com/cb"),
            ("http://*/*", "http://app.example.com/cb"),
            ("*://app.example.com/*", "https://app.example.com/cb"),
            ("javascript:*", "javascript:alert(1)"),
            ("*", "https://app.example.com/cb"),
        ] {
            assert!(!admits(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn patterns_replace_the_default() {
        let policy = RedirectPolicy { patterns: vec!["https://app.example.com/*".to_owned()] };
        assert_eq!(policy.admit("https://other.example/cb"), Err(RedirectUriError::NotAllowed));
        assert_eq!(policy.admit("http://localhost/cb"), Err(RedirectUriError::NotAllowed));
        let open = RedirectPolicy::default();
        assert!(open.admit("https://other.example/cb").is_ok() && open.admit("http://localhost/cb").is_ok());
        assert_eq!(open.admit("vscode://publisher.extension/cb"), Err(RedirectUriError::PrivateScheme));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn a_pattern_for_one_domain_never_admits_another(host in "[a-z.@:%?/#]{0,24}", path in "[a-z./]{0,16}") {
            let text = format!("https://{host}/{path}");
            if admits("https://*.example.com/*", &text) {
                let url = url::Url::parse(&text).unwrap();
                prop_assert!(url.host_str().unwrap().ends_with(".example.com"));
            }
        }

        #[test]
        fn any_pattern_and_text_give_an_answer(pattern in "\\PC{0,30}", text in "\\PC{0,30}") {
            let _ = admits(&pattern, &text);
            prop_assert!(glob("*", &text) && glob(&text.replace('*', ""), &text.replace('*', "")));
        }
    }
}
