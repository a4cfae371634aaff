//! Resource identifiers (RFC 8707 §2): one spelling for each, whatever a client sends.
//!
//! Clients differ in a trailing slash and in the case of scheme and host (MCP authorization, "Canonical Server URI"),
//! so they are compared in one form and only that form is ever emitted. Not here: which resources the gateway has.

use url::Url;

const LONGEST: usize = 2048;

/// Whether two spellings name the same resource. What is not a resource at all is not the same as anything.
pub fn same(one: &str, other: &str) -> bool {
    canonical(one).is_some_and(|one| canonical(other).is_some_and(|other| one == other))
}

/// The one spelling: scheme and host in lower case, no default port, no trailing slash. `None` if the text is not an
/// absolute http(s) URL without fragment and userinfo.
fn canonical(text: &str) -> Option<String> {
    // A URL parser forgives white space and backslashes; a resource that needs forgiving is somebody else's.
    if text.len() > LONGEST || !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
        return None;
    }
    let (_, rest) = text.split_once("://")?;
    if rest.starts_with('/') {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let web = matches!(url.scheme(), "https" | "http");
    let plain = url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    if !web || !plain {
        return None;
    }
    let spelled = String::from(url);
    match spelled.strip_suffix('/') {
        Some(shorter) if !spelled.contains('?') => Some(shorter.to_owned()),
        _ => Some(spelled),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_that_clients_send_are_one() {
        for text in [
            "https://gw.example/v1/mcp/docs",
            "https://gw.example/v1/mcp/docs/",
            "HTTPS://GW.Example/v1/mcp/docs",
            "https://gw.example:443/v1/mcp/docs",
        ] {
            assert_eq!(canonical(text).as_deref(), Some("https://gw.example/v1/mcp/docs"), "{text}");
        }
        assert_eq!(canonical("https://gw.example/").as_deref(), Some("https://gw.example"));
        assert_eq!(canonical("https://gw.example").as_deref(), Some("https://gw.example"));
        assert_eq!(canonical("http://localhost:8787/mcp").as_deref(), Some("http://localhost:8787/mcp"));
    }

    #[test]
    fn spellings_that_differ_stay_different() {
        let docs = "https://gw.example/v1/mcp/docs";
        for other in [
            "https://gw.example/v1/mcp/Docs",
            "https://gw.example/v1/mcp/docs//",
            "https://gw.example/v1/mcp/docs?x=/",
            "http://gw.example/v1/mcp/docs",
            "https://gw.example:8443/v1/mcp/docs",
            "https://gw.example.evil.example/v1/mcp/docs",
        ] {
            assert!(!same(docs, other), "{other}");
        }
        let query = "https://gw.example/v1/mcp/docs?x=/";
        assert_eq!(canonical(query).as_deref(), Some(query));
        assert!(same(docs, "https://GW.example/v1/mcp/docs/"));
    }

    #[test]
    fn what_is_no_resource_is_the_same_as_nothing() {
        for text in [
            "",
            "docs",
            "/v1/mcp/docs",
            "//gw.example/v1/mcp/docs",
            "https:gw.example/v1",
            "https:///gw.example/v1",
            "https://gw.example/v1#",
            "https://gw.example/v1#a",
            "https://a@gw.example/v1",
            "https://a:b@gw.example/v1",
            "https:\\\\gw.example\\v1",
            "https://gw.example\\v1",
            "https://gw.exa\nmple/v1",
            " https://gw.example/v1",
            "ftp://gw.example/v1",
            "urn:gw:v1",
        ] {
            assert_eq!(canonical(text), None, "{text:?}");
            assert!(!same(text, text), "{text:?}");
        }
        assert_eq!(canonical(&format!("https://gw.example/{}", "a".repeat(2048))), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn any_text_has_a_canonical_form_or_none(text in "\\PC{0,60}|https?://[ -~]{0,40}") {
            if let Some(form) = canonical(&text) {
                prop_assert!(form.starts_with("http") && form.is_ascii() && !form.contains('#'));
                prop_assert!(canonical(&form).is_some());
            }
        }
    }
}
