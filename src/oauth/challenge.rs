//! `WWW-Authenticate: Bearer`: what a client without a good token is told (RFC 6750 §3, RFC 9728 §5.1).
//!
//! Not here: the status, and which challenge a failure gets. `WWW-Authenticate: Basic` belongs to the token endpoint.

use super::error::ErrorCode;
use crate::headers::HeaderValue;
use crate::jose::algorithm::Algorithm;

/// A challenge. `to_header` keeps it legal whatever its texts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Challenge<'a> {
    /// With what kind of token to come.
    pub scheme: TokenScheme,
    /// Where the protected resource metadata is.
    pub resource_metadata: &'a str,
    /// Every scope the operation needs, in one challenge; left out when empty.
    pub scope: &'a str,
    /// What was wrong, and in words. A request without any credentials gets none (RFC 6750 §3.1).
    pub error: Option<(ErrorCode, &'a str)>,
}

/// How access tokens are presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenScheme {
    /// By whoever has it (RFC 6750).
    Bearer,
    /// With a proof of the key that it is bound to (RFC 9449 §7.1).
    Dpop,
}

impl TokenScheme {
    /// Its name in headers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }
}

impl Challenge<'_> {
    /// The header's value.
    pub fn to_header(&self) -> HeaderValue {
        let mut value = String::with_capacity(256);
        let mut parameter = |name: &str, text: &mut dyn Iterator<Item = char>| {
            if value.is_empty() {
                value.push_str(self.scheme.as_str());
                value.push(' ');
            } else {
                value.push_str(", ");
            }
            value.push_str(name);
            value.push_str("=\"");
            value.extend(text);
            value.push('"');
        };
        if let Some((code, description)) = self.error {
            parameter("error", &mut code.as_str().chars());
            parameter("error_description", &mut description.chars().map(quotable));
        }
        parameter("resource_metadata", &mut self.resource_metadata.chars().filter(|c| is_of_uri(*c)));
        let mut scopes = self.scope.split(' ').filter(|token| is_scope(token));
        if let Some(first) = scopes.next() {
            let others = scopes.flat_map(|token| [" ", token]);
            parameter("scope", &mut [first].into_iter().chain(others).flat_map(str::chars));
        }
        if self.scheme == TokenScheme::Dpop {
            let algorithms = Algorithm::ALL.map(Algorithm::as_str).join(" ");
            parameter("algs", &mut algorithms.chars());
        }
        // Visible ASCII by now; a bare challenge is legal as well.
        HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("Bearer"))
    }
}

/// RFC 6750 §3: `error_description` is %x20-21 / %x23-5B / %x5D-7E.
fn quotable(c: char) -> char {
    match c {
        '"' => '\'',
        '\\' => '/',
        ' '..='~' => c,
        _ => '?',
    }
}

/// RFC 6750 §3: scope tokens are %x21 / %x23-5B / %x5D-7E. A token with anything else could never be asked for: it is
/// left out.
fn is_scope(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
}

/// A URI has neither quotes nor spaces nor anything outside ASCII.
fn is_of_uri(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '"' | '\\')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const METADATA: &str = "https://gw.example/.well-known/oauth-protected-resource/v1/mcp/docs";

    #[test]
    fn without_credentials_there_is_no_error() {
        let challenge =
            Challenge { scheme: TokenScheme::Bearer, resource_metadata: METADATA, scope: "mcp:tools", error: None };
        assert_eq!(
            challenge.to_header(),
            "Bearer resource_metadata=\"https://gw.example/.well-known/oauth-protected-resource/v1/mcp/docs\", scope=\"mcp:tools\""
        );
    }

    #[test]
    fn a_bad_token_and_a_lacking_scope_say_so() {
        let error = Some((ErrorCode::InsufficientScope, "Missing required scope: mcp:tools"));
        let challenge =
            Challenge { scheme: TokenScheme::Bearer, resource_metadata: "https://gw/p", scope: "mcp:tools", error };
        assert_eq!(
            challenge.to_header(),
            "Bearer error=\"insufficient_scope\", error_description=\"Missing required scope: mcp:tools\", resource_metadata=\"https://gw/p\", scope=\"mcp:tools\""
        );
        let error = Some((ErrorCode::InvalidToken, "no \"quotes\" and no Umläute\r\nX: y"));
        let challenge = Challenge { scheme: TokenScheme::Bearer, resource_metadata: "https://gw/p", scope: "", error };
        assert_eq!(
            challenge.to_header(),
            "Bearer error=\"invalid_token\", error_description=\"no 'quotes' and no Uml?ute??X: y\", resource_metadata=\"https://gw/p\""
        );
    }

    /// Takes a challenge apart as RFC 9110 §11.6.1 has it, quoted strings without escapes.
    fn parameters(value: &str) -> Vec<(&str, &str)> {
        let mut found = Vec::new();
        let mut rest = value.strip_prefix("Bearer ");
        while let Some(parameter) = rest {
            let (name, quoted) = parameter.split_once("=\"").unwrap();
            let (text, after) = quoted.split_once('"').unwrap();
            found.push((name, text));
            rest = after.strip_prefix(", ");
            assert!(rest.is_some() || after.is_empty(), "{after}");
        }
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn a_challenge_is_always_legal(metadata in "(?s).{0,60}", scope in "(?s).{0,60}", description in "(?s).{0,60}") {
            let error = Some((ErrorCode::InvalidToken, description.as_str()));
            let challenge = Challenge { scheme: TokenScheme::Bearer, resource_metadata: &metadata, scope: &scope, error };
            let header = challenge.to_header();
            let value = header.to_str().unwrap();
            prop_assert_eq!(value.matches('"').count() % 2, 0);
            prop_assert!(!value.contains('\\'));
            for (name, text) in parameters(value) {
                let spaces_allowed = matches!(name, "scope" | "error_description");
                let legal = |c: char| c.is_ascii_graphic() && c != '"' || c == ' ' && spaces_allowed;
                prop_assert!(text.chars().all(legal), "{}", value);
                prop_assert!(matches!(name, "error" | "error_description" | "resource_metadata" | "scope"));
            }
        }
    }
}
