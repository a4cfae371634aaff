//! Reading a server's `WWW-Authenticate` (RFC 9110 §11.6.1): what its 401 and 403 say about where and what to
//! authorize.
//!
//! Not here: what follows from it (`resource_metadata`, `scope`). Servers write this header by hand, so reading it
//! never fails: what cannot be understood is skipped.

use crate::headers::{HeaderMap, WWW_AUTHENTICATE};
use crate::oauth_client::scope;
use crate::untrusted::Sent;

/// More than any challenge holds; what lies beyond is not read.
const LONGEST: usize = 8 * 1024;

/// RFC 6750 §3.1.
pub const INVALID_TOKEN: &str = "invalid_token";

/// A `Bearer` challenge (RFC 6750 §3, RFC 9728 §5.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpstreamChallenge {
    /// Where the server's metadata is, as written.
    pub resource_metadata: Option<String>,
    /// Which scopes the operation needs; `None` also where the text is no scope.
    pub scope: Option<String>,
    /// Its error code.
    pub error: Option<String>,
}

impl UpstreamChallenge {
    /// The same without a scope in which something stands that was sent: scopes are shown.
    #[must_use]
    pub fn without(mut self, sent: &Sent) -> Self {
        self.scope = self.scope.filter(|scope| !sent.is_in(scope));
        self
    }

    /// Whether the token is no good (RFC 6750 §3.1), whatever the status says.
    pub fn is_invalid_token(&self) -> bool {
        self.error.as_deref() == Some(INVALID_TOKEN)
    }

    /// Whether the token was fine, but lacks a scope (MCP authorization, "Scope Challenge Handling").
    pub fn is_insufficient_scope(&self) -> bool {
        self.error.as_deref() == Some("insufficient_scope")
    }
}

/// The `Bearer` challenge among an answer's challenges. Of several, the first that names metadata.
pub fn bearer(headers: &HeaderMap) -> Option<UpstreamChallenge> {
    let values = headers.get_all(WWW_AUTHENTICATE).filter_map(|value| value.to_str().ok());
    let mut found: Vec<UpstreamChallenge> = values.flat_map(challenges).collect();
    let named = found.iter().position(|challenge| challenge.resource_metadata.is_some()).unwrap_or(0);
    if found.is_empty() { None } else { Some(found.swap_remove(named)) }
}

/// Every `Bearer` challenge of one header value. A word that `=` does not follow begins the next challenge.
fn challenges(value: &str) -> Vec<UpstreamChallenge> {
    let mut found = Vec::new();
    let mut current: Option<UpstreamChallenge> = None;
    let mut rest = value.get(..LONGEST).unwrap_or(value);
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (word, after) = take_while(rest, |c| !matches!(c, ' ' | '\t' | ',' | '=' | '"'));
        if word.is_empty() {
            // A stray `=` or quoted string: step over it, or the end.
            let Some((_, next)) = value_of(rest.strip_prefix('=').unwrap_or(rest)).filter(|(_, next)| *next != rest)
            else {
                break;
            };
            rest = next;
            continue;
        }
        if let Some(text) = after.trim_start_matches([' ', '\t']).strip_prefix('=') {
            let Some((text, next)) = value_of(text.trim_start_matches([' ', '\t'])) else { break };
            if let Some(challenge) = &mut current {
                challenge.set(word, text);
            }
            rest = next;
        } else {
            found.extend(current.take());
            current = word.eq_ignore_ascii_case("bearer").then(UpstreamChallenge::default);
            rest = after;
        }
    }
    found.extend(current);
    found
}

impl UpstreamChallenge {
    /// A parameter comes once (RFC 9110 §11.2); of a repeated one the first counts.
    fn set(&mut self, name: &str, value: String) {
        if name.eq_ignore_ascii_case("resource_metadata") {
            self.resource_metadata.get_or_insert(value);
        } else if name.eq_ignore_ascii_case("error") {
            self.error.get_or_insert(value);
        } else if name.eq_ignore_ascii_case("scope") && self.scope.is_none() {
            self.scope = scope::proven(&value);
        }
    }
}

/// A quoted string, or whatever is written up to the next comma or space: URLs are often left without quotes. `None`
/// for a quote that never ends.
fn value_of(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (bare, rest) = take_while(text, |c| !matches!(c, ' ' | '\t' | ','));
        return Some((bare.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.chars();
    while let Some(c) = characters.next() {
        match c {
            '"' => return Some((value, characters.as_str())),
            '\\' => value.extend(characters.next()),
            c => value.push(c),
        }
    }
    None
}

fn take_while(text: &str, taken: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !taken(c)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::headers::HeaderValue;

    fn read(values: &[&str]) -> Option<UpstreamChallenge> {
        let headers = values.iter().map(|value| (WWW_AUTHENTICATE, HeaderValue::try_from(*value).unwrap()));
        bearer(&headers.collect())
    }

    fn of(resource_metadata: Option<&str>, scope: Option<&str>, error: Option<&str>) -> UpstreamChallenge {
        let owned = |text: Option<&str>| text.map(ToOwned::to_owned);
        UpstreamChallenge { resource_metadata: owned(resource_metadata), scope: owned(scope), error: owned(error) }
    }

    const PRM: &str = "https://up.example/.well-known/oauth-protected-resource/mcp";

    #[test]
    fn the_usual_spellings() {
        for value in [
            format!("Bearer resource_metadata=\"{PRM}\", scope=\"a b\""),
            format!("bearer RESOURCE_METADATA=\"{PRM}\",Scope=\"a b\""),
            format!("BEARER realm=\"x\", scope = \"a b\" , resource_metadata = \"{PRM}\""),
            format!("Bearer scope=\"a b\" resource_metadata={PRM}"),
            format!("Bearer, scope=\"a b\", resource_metadata={PRM},"),
            format!("  Bearer\tscope=\"a  b\", resource_metadata=\"{}\"", PRM.replace('/', "\\/")),
        ] {
            assert_eq!(read(&[&value]), Some(of(Some(PRM), Some("a b"), None)), "{value}");
        }
    }

    #[test]
    fn a_scope_that_quotes_the_token_is_none() {
        let challenge = read(&["Bearer error=\"insufficient_scope\", scope=\"files:token-of-alice\""]).unwrap();
        let sent = Sent::default().with(&crate::secret::Secret::new("token-of-alice"));
        assert_eq!(challenge.clone().without(&Sent::default()), challenge);
        assert_eq!(challenge.without(&sent), of(None, None, Some("insufficient_scope")));
    }

    #[test]
    fn bearer_is_found_among_other_challenges() {
        let bearer = format!("Bearer error=\"invalid_token\", resource_metadata=\"{PRM}\"");
        let expected = Some(of(Some(PRM), None, Some("invalid_token")));
        for values in [
            &["Basic realm=\"a, Bearer resource_metadata=\\\"https://evil.example/\\\"\"", bearer.as_str()][..],
            &["Negotiate", &bearer],
            &["Negotiate dG9rZW4=", &bearer],
            &[&format!(
                "Basic realm=\"x\", {bearer}, DPoP algs=\"ES256\", resource_metadata=\"https://other.example\""
            )],
            &[&format!("NTLM, Negotiate YWJj==, {bearer}")],
            &["Bearer realm=\"first\"", &bearer],
        ] {
            assert_eq!(read(values), expected, "{values:?}");
        }
    }

    #[test]
    fn what_another_scheme_says_is_not_ours() {
        assert_eq!(read(&["DPoP resource_metadata=\"https://x.example\""]), None);
        assert_eq!(read(&["Bearer, DPoP resource_metadata=\"https://x.example\""]), Some(of(None, None, None)));
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[""]), None);
    }

    #[test]
    fn a_parameter_counts_once_and_a_scope_must_be_one() {
        assert_eq!(read(&["Bearer scope=\"a\", scope=\"b\""]), Some(of(None, Some("a"), None)));
        assert_eq!(read(&["Bearer scope=\"a\\\"b\""]), Some(of(None, None, None)));
        assert_eq!(read(&["Bearer scope=\"\""]), Some(of(None, None, None)));
    }

    #[test]
    fn a_step_up_is_told_from_a_dead_token() {
        assert!(read(&["Bearer error=insufficient_scope, scope=\"x\""]).unwrap().is_insufficient_scope());
        let dead = read(&["Bearer error=\"invalid_token\""]).unwrap();
        assert!(!dead.is_insufficient_scope() && dead.is_invalid_token());
    }

    #[test]
    fn a_quote_without_end_ends_the_reading() {
        assert_eq!(read(&["Bearer error=\"x\", resource_metadata=\"https://"]), Some(of(None, None, Some("x"))));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn any_header_is_read_without_harm(value in "[ -~\t]{0,120}") {
            let _ = read(&[value.as_str()]);
        }

        #[test]
        fn any_punctuation_comes_to_an_end(value in "[=,\" \t\\\\aB]{0,60}") {
            let _ = read(&[&format!("Bearer {value}")]);
        }

        #[test]
        fn a_quoted_value_comes_back_as_it_was(text in "[!#-\\[\\]-~]{1,40}") {
            let challenge = read(&[&format!("Bearer resource_metadata=\"{text}\"")]).unwrap();
            prop_assert_eq!(challenge.resource_metadata, Some(text));
        }
    }
}
