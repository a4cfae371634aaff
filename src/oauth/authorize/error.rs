//! How an authorization request fails: shown here, or sent back to the client. The two never turn into each other.
//!
//! Not here: pages and statuses.

use url::Url;

use crate::oauth::error::ErrorCode;
use crate::reasons::reasons;
use crate::web::form::FormError;

const LONGEST_DESCRIPTION: usize = 600;

/// A failure before client and redirect URI are proven: a person sees it, and no one is redirected (OAuth 2.1
/// §4.1.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalError {
    /// The query has more than 8192 bytes.
    TooLong,
    /// The query cannot be read, or has client or redirect URI twice.
    Malformed(FormError),
    /// No `client_id`.
    MissingClientId,
    /// A `client_id` that was never issued here, or is forgotten.
    UnknownClient,
    /// No `redirect_uri`, and the client has several.
    MissingRedirect,
    /// A `redirect_uri` that is not the client's.
    UnregisteredRedirect {
        /// As sent.
        requested: String,
        /// Those it has, unless they are the operator's to know.
        registered: Option<Vec<String>>,
    },
}

impl LocalError {
    /// The code for logs and for the page.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::UnknownClient => ErrorCode::InvalidClient,
            _ => ErrorCode::InvalidRequest,
        }
    }

    /// What whoever reads the page can do.
    pub fn fix(&self) -> &'static str {
        match self {
            Self::TooLong | Self::Malformed(_) | Self::MissingClientId => {
                "Start again from the client. If it happens again, the client sends a wrong request: report it to its \
                 makers."
            }
            Self::UnknownClient => {
                "Clear the stale credentials of this server in the client (remove the server, or empty client id and \
                 secret) and connect again, so that the client registers again."
            }
            Self::MissingRedirect => "The client has to say which of its redirect URIs it wants.",
            Self::UnregisteredRedirect { registered: None, .. } => {
                "Ask the operator of this gateway to compare it with the redirect_uris that this client is set up with \
                 in the configuration: they have to be the same, character by character."
            }
            Self::UnregisteredRedirect { registered: Some(_), .. } => {
                "The two have to be the same, character by character. The client may have kept an old registration: \
                 remove the server from the client and add it again, so that it registers the redirect URI it uses now."
            }
        }
    }
}

reasons! { LocalError:
    TooLong => "authorization_request_too_long", "the authorization request is longer than 8192 bytes";
    Malformed(error) => "authorization_request_malformed", "the authorization request cannot be read: {error}";
    MissingClientId => "client_missing", "the authorization request has no client_id";
    UnknownClient => "client_unknown", "this client_id was never issued here, or has been forgotten";
    MissingRedirect => "redirect_uri_missing",
        "the authorization request has no redirect_uri, and the client registered several";
    UnregisteredRedirect { .. } => "redirect_uri_unregistered",
        "the redirect_uri is not one that the client registered";
}

impl std::error::Error for LocalError {}

/// A failure that the client is told by redirect (OAuth 2.1 §4.1.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectError {
    /// Which.
    pub error: ErrorCode,
    description: String,
}

impl RedirectError {
    /// A failure with text for the client's developer or user. What `error_description` may not carry is replaced.
    pub fn new(error: ErrorCode, description: &str) -> Self {
        let allowed = |character| matches!(character, ' ' | '!' | '#'..='[' | ']'..='~');
        let legal = |character| match character {
            '"' => '\'',
            character if allowed(character) => character,
            _ => '?',
        };
        Self { error, description: description.chars().take(LONGEST_DESCRIPTION).map(legal).collect() }
    }

    /// `error_description`.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// `invalid_request`.
    pub(super) fn request(description: &str) -> Self {
        Self::new(ErrorCode::InvalidRequest, description)
    }

    /// No `resource`, and no single server that could be meant.
    pub(super) fn ambiguous_target(shown: Option<&[(&str, &str)]>) -> Self {
        let description = format!("resource is missing{}", choices(shown));
        Self::new(ErrorCode::InvalidTarget, &description)
    }

    /// A `resource` that is none of ours. At another origin it is what a client kept from before a move.
    pub(super) fn unknown_target(asked: &str, issuer: &str, shown: Option<&[(&str, &str)]>) -> Self {
        let asked: String = asked.chars().take(200).collect();
        let origin = |text: &str| Url::parse(text).ok().map(|url| url.origin());
        let description = match (origin(&asked), origin(issuer)) {
            (Some(old), Some(new)) if old != new => format!(
                "resource {asked} is not at this gateway, which is at {issuer}. The client has kept an old URL: remove \
                 the server from the client and add it again{}",
                choices(shown)
            ),
            _ => format!("resource {asked} is no server here{}", choices(shown)),
        };
        Self::new(ErrorCode::InvalidTarget, &description)
    }
}

/// What there is, to follow a refusal.
fn choices(shown: Option<&[(&str, &str)]>) -> String {
    match shown {
        None => ": it has to be the full address of one of the servers".to_owned(),
        Some([]) => "; no server is configured".to_owned(),
        Some(known) => {
            let known: Vec<&str> = known.iter().map(|(_, resource)| *resource).collect();
            format!("; there are: {}", known.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_unknown_client_is_told_to_clear_what_is_stale() {
        let error = LocalError::UnknownClient;
        assert_eq!(error.code(), ErrorCode::InvalidClient);
        assert!(error.fix().contains("Clear the stale credentials") && error.fix().contains("registers again"));
    }

    #[test]
    fn a_resource_of_an_old_origin_says_what_to_clear() {
        let issuer = "https://new.example";
        let servers = [("docs", "https://new.example/v1/mcp/docs")];
        let moved = RedirectError::unknown_target("https://old.example/v1/mcp/docs", issuer, Some(&servers));
        assert!(moved.description().contains("remove the server from the client and add it again"), "{moved:?}");
        assert!(moved.description().contains("https://new.example/v1/mcp/docs"), "{moved:?}");
        let unknown = RedirectError::unknown_target("https://new.example/v1/mcp/x", issuer, Some(&servers));
        assert!(
            !unknown.description().contains("remove") && unknown.description().contains("no server here"),
            "{unknown:?}"
        );
    }

    #[test]
    fn servers_are_named_only_to_who_may_see_them() {
        let servers = [("docs", "https://gw.example/v1/mcp/docs")];
        let (issuer, asked) = ("https://gw.example", "https://old.example/x");
        for (shown, named) in [(Some(&servers[..]), true), (None, false)] {
            for error in [RedirectError::ambiguous_target(shown), RedirectError::unknown_target(asked, issuer, shown)] {
                assert_eq!(error.description().contains("/v1/mcp/docs"), named, "{error:?}");
            }
        }
    }

    #[test]
    fn the_redirect_uris_an_operator_wrote_are_not_compared_on_the_page() {
        let of = |registered| LocalError::UnregisteredRedirect { requested: "https://a.example/".into(), registered };
        assert!(of(None).fix().contains("Ask the operator"));
        assert!(of(Some(vec!["https://b.example/".into()])).fix().contains("The two"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn a_description_is_always_legal_and_bounded(text in "\\PC{0,800}|[\\x00-\\x7f]{0,40}") {
            let error = RedirectError::new(ErrorCode::InvalidRequest, &text);
            prop_assert!(error.description().len() <= LONGEST_DESCRIPTION);
            prop_assert!(error.description().bytes().all(|byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)));
        }
    }
}
