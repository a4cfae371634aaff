//! The headers every page is sent with: what it may load, where its forms may lead, and that nobody frames it.
//!
//! Not here: `Strict-Transport-Security`, which is about the origin and not about pages.

use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256};
use url::{Host, Url};

use super::assets::{ADDING, GUARD, STYLE};
use crate::headers::{
    CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

/// The headers of every page, its [`csp`] excepted.
pub fn headers() -> [(HeaderName, HeaderValue); 7] {
    let value = HeaderValue::from_static;
    [
        (CONTENT_TYPE, value("text/html; charset=utf-8")),
        (CACHE_CONTROL, value("no-store")),
        // OAuth 2.1 §7, clickjacking; `frame-ancestors` says the same to newer browsers.
        (X_FRAME_OPTIONS, value("DENY")),
        (X_CONTENT_TYPE_OPTIONS, value("nosniff")),
        // Page URLs carry `state`, which no other site may see. Not `no-referrer`: browsers would send `Origin: null`
        // with our own forms.
        (REFERRER_POLICY, value("same-origin")),
        // A client that opened a popup must still see it close: any stricter value cuts the two apart.
        (HeaderName::from_static("cross-origin-opener-policy"), value("unsafe-none")),
        (HeaderName::from_static("x-robots-tag"), value("noindex")),
    ]
}

/// The `Content-Security-Policy` of a page whose forms lead to us and, by redirect, to `form_action`.
///
/// Chromium applies `form-action` to every redirect that follows a form post, so a page whose form can end at a client
/// (consent, sign-in) must name the client's redirect URI here, and one whose form can end at the login provider
/// (sign-out) that one. Whole URIs are accepted and reduced to the source that covers them; what a policy cannot
/// express is left out. `https:` or `http:` alone covers the whole web: an authorization server passes people on to
/// login pages that nobody can name beforehand.
pub fn csp(form_action: &[&str]) -> String {
    let hash = |text: &str| Base64::encode_string(&Sha256::digest(text.as_bytes()));
    let (style, guard, adding) = (hash(STYLE), hash(GUARD), hash(ADDING));
    let mut policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{guard}' 'sha256-{adding}'; img-src data:; \
         base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    );
    for source in form_action.iter().filter_map(|uri| form_source(uri)) {
        policy.push(' ');
        policy.push_str(&source);
    }
    policy
}

/// The narrowest source expression that covers a URI (CSP Level 3 §2.3.1).
fn form_source(uri: &str) -> Option<String> {
    if matches!(uri, "https:" | "http:") {
        return Some(uri.to_owned());
    }
    let url = Url::parse(uri).ok()?;
    let scheme = url.scheme();
    match (scheme, url.host()) {
        // The grammar has no IPv6 literals: only the scheme can be named.
        ("http" | "https", Some(Host::Ipv6(_))) => Some(format!("{scheme}:")),
        ("http" | "https", Some(host)) if nameable(&host) => {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            Some(format!("{scheme}://{host}{port}"))
        }
        ("http" | "https" | "javascript" | "data" | "blob" | "file" | "about", _) => None,
        _ => Some(format!("{scheme}:")),
    }
}

/// A WHATWG host may hold characters that end a directive or widen a source, such as `;`, `,` and `*`.
fn nameable(host: &Host<&str>) -> bool {
    host.to_string().bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn forms(uris: &[&str]) -> String {
        csp(uris).rsplit_once("form-action ").unwrap().1.to_owned()
    }

    #[test]
    fn nothing_is_loaded_framed_or_submitted_elsewhere() {
        let policy = csp(&[]);
        for directive in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"] {
            assert!(policy.split("; ").any(|part| part == directive), "{directive} in {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
    }

    #[test]
    fn a_redirect_uri_becomes_the_source_that_covers_it() {
        assert_eq!(forms(&["https://claude.ai/api/mcp/auth_callback"]), "'self' https://claude.ai");
        assert_eq!(forms(&["http://localhost:6274/oauth/callback?a=1"]), "'self' http://localhost:6274");
        assert_eq!(forms(&["http://127.0.0.1:33418/"]), "'self' http://127.0.0.1:33418");
        assert_eq!(forms(&["http://[::1]:4000/cb"]), "'self' http:");
        assert_eq!(forms(&["cursor://anysphere.cursor-mcp/oauth/callback"]), "'self' cursor:");
        assert_eq!(
            forms(&["https://a.example/cb", "https://id.example"]),
            "'self' https://a.example https://id.example"
        );
    }

    #[test]
    fn what_is_no_form_target_is_left_out() {
        for uri in [
            "javascript:alert(1)",
            "data:text/html,x",
            "/oauth/consent",
            "",
            "https://a;sandbox/",
            "https://*.example/",
            "https://a,b/",
        ] {
            assert_eq!(forms(&[uri]), "'self'", "{uri}");
        }
    }

    #[test]
    fn popups_stay_connected_and_frames_are_refused() {
        let headers = headers();
        let of = |name: &str| headers.iter().find(|(header, _)| header == name).unwrap().1.to_str().unwrap().to_owned();
        assert_eq!(of("cross-origin-opener-policy"), "unsafe-none");
        assert_eq!(of("x-frame-options"), "DENY");
        assert_eq!(of("referrer-policy"), "same-origin");
        assert_eq!(of("x-content-type-options"), "nosniff");
        assert_eq!(of("cache-control"), "no-store");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn a_uri_cannot_add_a_directive(uri in r"(https?|cursor|x):(//)?[ -~]{0,24}") {
            let policy = csp(&[&uri]);
            prop_assert_eq!(policy.matches(';').count(), csp(&[]).matches(';').count());
            prop_assert!(!policy.contains(',') && HeaderValue::try_from(policy).is_ok());
        }
    }
}
