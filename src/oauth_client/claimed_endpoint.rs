//! Whether an issuer sends people to the authorization endpoint of another one, to be sent what that one answers (RFC
//! 9700 §4.4.1).
//!
//! Not here: an endpoint of its own that sends them on. The callback of each issuer is for that.

use serde::Deserialize;
use url::{Url, form_urlencoded};

use super::discovery_error::DiscoveryError;
use super::issuer_identifier;
use super::metadata;
use super::metadata::IssuerMetadata;
use crate::json;
use crate::untrusted::presentable;

/// How deep into the path of an authorization endpoint its issuer's metadata is looked for.
const DEEPEST: usize = 3;

/// Where to look for whom an authorization endpoint belongs to, if it is on another origin than its issuer: the places
/// of each issuer that could have it, from the origin itself to the first parts of its path, where one of several
/// tenants has its metadata.
pub fn places(issuer: &IssuerMetadata) -> Vec<Vec<Url>> {
    let endpoint = &issuer.authorization_endpoint;
    if Url::parse(&issuer.issuer).is_ok_and(|own| own.origin() == endpoint.origin()) {
        return Vec::new();
    }
    let parts: Vec<&str> = endpoint.path_segments().into_iter().flatten().collect();
    let at = |depth: usize| {
        let mut place = endpoint.clone();
        place.set_query(None);
        place.set_path(&parts.iter().take(depth).copied().collect::<Vec<_>>().join("/"));
        metadata::urls(&place)
    };
    (0..parts.len()).take(1 + DEEPEST).map(at).collect()
}

/// Judges the metadata found in one of them. The host that it writes does not count: it may be another name of where it
/// was found.
pub fn require_unclaimed(issuer: &IssuerMetadata, found: &[u8]) -> Result<(), DiscoveryError> {
    let Ok(Found { issuer: Some(claimant), authorization_endpoint: Some(claimed) }) = json::read(found) else {
        return Ok(());
    };
    let ours = path_of(&issuer.authorization_endpoint);
    if issuer_identifier::same(&claimant, &issuer.issuer)
        || Url::parse(&claimed).map(|claimed| path_of(&claimed)) != Ok(ours)
    {
        return Ok(());
    }
    let endpoint = presentable(issuer.authorization_endpoint.as_str());
    Err(DiscoveryError::ClaimedEndpoint { endpoint, issuer: presentable(&claimant) })
}

#[derive(Deserialize)]
struct Found {
    issuer: Option<String>,
    authorization_endpoint: Option<String>,
}

/// The path as servers read it: most see no difference where it is written otherwise.
fn path_of(url: &Url) -> Vec<String> {
    let parts = url.path_segments().into_iter().flatten().filter(|part| !part.is_empty());
    parts.map(|part| decoded(part).to_lowercase()).collect()
}

fn decoded(part: &str) -> String {
    let form = part.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(form.as_bytes()).next().map(|(part, _)| part.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sending_to(endpoint: &str) -> IssuerMetadata {
        let issuer = metadata::fallback(&Url::parse("https://evil.example/mcp").unwrap());
        IssuerMetadata { authorization_endpoint: Url::parse(endpoint).unwrap(), ..issuer }
    }

    fn asked(endpoint: &str) -> Vec<String> {
        places(&sending_to(endpoint)).iter().map(|urls| urls.first().unwrap().to_string()).collect()
    }

    fn judged(endpoint: &str, issuer: &str, claimed: &str) -> Result<(), DiscoveryError> {
        let found = serde_json::json!({"issuer": issuer, "authorization_endpoint": claimed}).to_string();
        require_unclaimed(&sending_to(endpoint), found.as_bytes())
    }

    #[test]
    fn nobody_is_asked_about_an_endpoint_of_the_issuers_own_origin() {
        assert_eq!(asked("https://evil.example/authorize"), [""; 0]);
    }

    #[test]
    fn the_origin_is_asked_and_whoever_has_the_beginning_of_the_path() {
        const WELL_KNOWN: &str = "https://as.example/.well-known/oauth-authorization-server";
        assert_eq!(asked("https://as.example/authorize?x=y"), [WELL_KNOWN]);
        let tenants = ["", "/realms", "/realms/one", "/realms/one/protocol"].map(|path| format!("{WELL_KNOWN}{path}"));
        assert_eq!(asked("https://as.example/realms/one/protocol/openid/auth"), tenants);
        assert_eq!(places(&sending_to("https://as.example/a/b")).iter().map(Vec::len).sum::<usize>(), 2 + 3);
    }

    #[test]
    fn the_endpoint_of_another_issuer_is_refused_however_it_is_written() {
        let (honest, theirs) = ("https://as.example", "https://as.example/authorize");
        for endpoint in [
            theirs,
            "https://as.example/authorize?tenant=x",
            "https://as.example//authorize/",
            "https://as.example/%61uthorize",
            "https://as.example/Authorize",
            "https://www.as.example/authorize",
        ] {
            let error = judged(endpoint, honest, theirs).unwrap_err();
            assert_eq!(error.reason(), "upstream_endpoint_of_other_issuer", "{endpoint}");
            assert_eq!(error.facts().last().unwrap().1, honest);
        }
        assert_eq!(judged(theirs, "https://evil.example", theirs), Ok(()), "it is its own");
        assert_eq!(judged(theirs, "https://evil.example/", theirs), Ok(()));
        assert_eq!(judged("https://as.example/for-others", honest, theirs), Ok(()), "they have it for others");
        assert_eq!(require_unclaimed(&sending_to(theirs), b"{}"), Ok(()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn any_document_is_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..100), claimed in "\\PC{0,20}") {
            prop_assert!(require_unclaimed(&sending_to("https://as.example/authorize"), &bytes).is_ok());
            prop_assert!(judged("https://as.example/authorize", "https://as.example", &claimed).is_ok());
        }
    }
}
