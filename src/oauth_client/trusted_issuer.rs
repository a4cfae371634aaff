//! What the metadata of an issuer that the operator named says of its keys, and of where it is asked about tokens.
//!
//! It is the operator's own choice, as an identity provider is, and may be in a private network. Not here: fetching it
//! (`flow::external`), and the keys (`jose::jwks`).

use serde::Deserialize;
use url::Url;

use super::metadata;
use super::url_policy::TrustedIssuer;

/// No metadata document is larger; `flow` reads no further.
pub const MAX_BYTES: usize = 128 * 1024;

/// What an issuer says of itself, every URL found fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedMetadata {
    /// Where its keys are.
    pub jwks_uri: Option<Url>,
    /// Where it is asked about tokens (RFC 7662).
    pub introspection_endpoint: Option<Url>,
}

/// Where its metadata is looked for, in this order; nowhere for what can be no issuer.
pub fn places(issuer: &str) -> Vec<Url> {
    let url = TrustedIssuer::parse(issuer).and_then(|_| Url::parse(issuer).ok());
    url.map(|url| metadata::urls(&url)).unwrap_or_default()
}

/// Reads the document fetched for an issuer; `None` for one that cannot be read, speaks for another issuer (RFC 8414
/// §3.3), or names what may not be fetched.
pub fn parse(issuer: &str, bytes: &[u8]) -> Option<TrustedMetadata> {
    let trusted = TrustedIssuer::parse(issuer)?;
    let (document, beyond) = metadata::read::<Beyond>(bytes, MAX_BYTES)?;
    if document.issuer.as_deref() != Some(issuer) {
        return None;
    }
    let fit = |text: Option<String>| match text {
        Some(text) => trusted.url(&text).map(Some),
        None => Some(None),
    };
    Some(TrustedMetadata {
        jwks_uri: fit(beyond.jwks_uri)?,
        introspection_endpoint: fit(beyond.introspection_endpoint)?,
    })
}

#[derive(Deserialize)]
struct Beyond {
    jwks_uri: Option<String>,
    introspection_endpoint: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_its_issuers_own_and_names_what_may_be_fetched() {
        let read = |issuer: &str, jwks: &str| {
            parse("https://as.example", format!(r#"{{"issuer":"{issuer}","jwks_uri":"{jwks}"}}"#).as_bytes())
        };
        let found = read("https://as.example", "https://keys.example/jwks").unwrap();
        assert_eq!(found.jwks_uri.unwrap().as_str(), "https://keys.example/jwks");
        assert_eq!(found.introspection_endpoint, None);
        assert_eq!(read("https://as.example/", "https://keys.example/jwks"), None);
        for unfit in ["http://keys.example/jwks", "file:///etc/passwd", "https://u:p@keys.example", "jwks"] {
            assert_eq!(read("https://as.example", unfit), None, "{unfit}");
        }
        assert_eq!(parse("https://as.example", b"<html>"), None);
    }

    #[test]
    fn it_is_looked_for_where_clients_look() {
        assert_eq!(places("https://as.example").len(), 2);
        assert_eq!(places("https://as.example/tenant").len(), 3);
        assert!(places("http://as.example").is_empty());
    }
}
