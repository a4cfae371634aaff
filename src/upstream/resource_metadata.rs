//! Protected resource metadata (RFC 9728): which resource a server says it is, and who may issue tokens for it.
//!
//! Not here: fetching it (`flow`), the issuer's own metadata (`issuer_metadata`).

use serde::Deserialize;
use url::Url;

use crate::json;
use crate::oauth_client::discovery_error::DiscoveryError;
use crate::untrusted::presentable;

/// No metadata document is larger; `flow` reads no further.
pub const MAX_BYTES: usize = 64 * 1024;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
const MOST: usize = 16;

/// What a server says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceMetadata {
    /// Its resource identifier, verbatim: it is sent as `resource` without a character changed (RFC 8707 §2).
    pub resource: String,
    /// Its authorization servers, at least one, as written.
    pub issuers: Vec<String>,
    /// Its scopes, if it lists them.
    pub scopes: Option<Vec<String>>,
}

/// Where a server's metadata is looked for when its challenge does not say (MCP authorization, "Protected Resource
/// Metadata Discovery Requirements"): its own path behind the well-known one, then the root.
pub fn urls(server: &Url) -> Vec<Url> {
    let at = |path: &str, query: Option<&str>| {
        let mut url = server.clone();
        url.set_path(&format!("{WELL_KNOWN}{path}"));
        url.set_query(query);
        url.set_fragment(None);
        url
    };
    let root = at("", None);
    // RFC 9728 §3.1: a slash right after the host is left out.
    match server.path() {
        "/" if server.query().is_none() => vec![root],
        "/" => vec![at("", server.query()), root],
        path => vec![at(path, server.query()), root],
    }
}

/// Reads the document fetched for a server.
///
/// 1. `resource` is the server's URL, or a path of its origin that the URL is under (RFC 9728 §3.3, as deployed clients
///    read it).
/// 2. There is an authorization server (MCP authorization, "Authorization Server Location").
pub fn parse(server: &Url, bytes: &[u8]) -> Result<ResourceMetadata, DiscoveryError> {
    if bytes.len() > MAX_BYTES {
        return Err(DiscoveryError::ResourceMalformed);
    }
    let document: Document = json::read(bytes).map_err(|_| DiscoveryError::ResourceMalformed)?;

    // 1.
    let resource = document.resource.ok_or(DiscoveryError::ResourceMalformed)?;
    if !is_for(&resource, server) {
        return Err(DiscoveryError::OtherResource {
            expected: presentable(server.as_str()),
            advertised: presentable(&resource),
        });
    }

    // 2.
    let mut issuers = document.authorization_servers.unwrap_or_default();
    issuers.truncate(MOST);
    if issuers.is_empty() {
        return Err(DiscoveryError::NoIssuer);
    }
    Ok(ResourceMetadata { resource, issuers, scopes: document.scopes_supported })
}

#[derive(Deserialize)]
struct Document {
    resource: Option<String>,
    authorization_servers: Option<Vec<String>>,
    scopes_supported: Option<Vec<String>>,
}

/// Whether tokens for that resource are for this server: the same origin, and the server's path is the resource's or
/// below it.
fn is_for(resource: &str, server: &Url) -> bool {
    if !resource.bytes().all(|byte| byte.is_ascii_graphic()) {
        return false;
    }
    let Ok(url) = Url::parse(resource) else { return false };
    let plain = url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    let trimmed = |url: &Url| url.path().trim_end_matches('/').to_owned();
    let below =
        trimmed(server).strip_prefix(&trimmed(&url)).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let same_query = url.query().is_none() || url.query() == server.query();
    url.has_host() && plain && url.origin() == server.origin() && below && same_query
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn parsed(server: &str, resource: &str) -> Result<String, DiscoveryError> {
        let document = serde_json::json!({"resource": resource, "authorization_servers": ["https://as.example"]});
        parse(&url(server), document.to_string().as_bytes()).map(|metadata| metadata.resource)
    }

    #[test]
    fn the_path_is_looked_at_before_the_root() {
        let at = |server| urls(&url(server)).iter().map(ToString::to_string).collect::<Vec<_>>();
        let root = "https://up.example/.well-known/oauth-protected-resource";
        assert_eq!(at("https://up.example/a/mcp"), [&format!("{root}/a/mcp"), root]);
        assert_eq!(at("https://up.example/mcp?tenant=x"), [&format!("{root}/mcp?tenant=x"), root]);
        assert_eq!(at("https://up.example/"), [root]);
        assert_eq!(at("https://up.example/mcp/"), [&format!("{root}/mcp/"), root]);
    }

    #[test]
    fn the_resource_is_kept_as_it_is_written() {
        for resource in [
            "https://up.example/v1/mcp",
            "https://up.example/v1/mcp/",
            "https://UP.example:443/v1/mcp",
            "https://up.example/v1",
            "https://up.example/",
            "https://up.example",
        ] {
            assert_eq!(parsed("https://up.example/v1/mcp", resource).as_deref(), Ok(resource));
        }
    }

    #[test]
    fn another_resource_is_refused_with_both_values() {
        for resource in [
            "https://evil.example.com/v1/mcp",
            "http://up.example/v1/mcp",
            "https://up.example:8443/v1/mcp",
            "https://up.example/v1/mcp2",
            "https://up.example/v1/mc",
            "https://up.example/v1/mcp/deeper",
            "https://up.example/V1/mcp",
            "https://user@up.example/v1/mcp",
            "https://up.example/v1/mcp#x",
            "https://up.example/v1/mcp?x=y",
            "https://up.example /v1/mcp",
            "urn:up",
            "",
        ] {
            let expected = DiscoveryError::OtherResource {
                expected: "https://up.example/v1/mcp".to_owned(),
                advertised: presentable(resource),
            };
            assert_eq!(parsed("https://up.example/v1/mcp", resource), Err(expected));
        }
    }

    #[test]
    fn the_rest_of_the_document() {
        let server = url("https://up.example/mcp");
        let document =
            br#"{"resource":"https://up.example/mcp","authorization_servers":["https://a.example","https://b.example"],
            "scopes_supported":["x","y"],"resource_name":"Up","bearer_methods_supported":["header"],"unknown":null}"#;
        let metadata = parse(&server, document).unwrap();
        assert_eq!(metadata.issuers, ["https://a.example", "https://b.example"]);
        assert_eq!(metadata.scopes.unwrap(), ["x", "y"]);
        for (document, error) in [
            (&br#"{"resource":"https://up.example/mcp"}"#[..], DiscoveryError::NoIssuer),
            (br#"{"resource":"https://up.example/mcp","authorization_servers":[]}"#, DiscoveryError::NoIssuer),
            (br#"{"authorization_servers":["https://a.example"]}"#, DiscoveryError::ResourceMalformed),
            (br#"{"resource":7}"#, DiscoveryError::ResourceMalformed),
            (b"<html>", DiscoveryError::ResourceMalformed),
            (b"", DiscoveryError::ResourceMalformed),
        ] {
            assert_eq!(parse(&server, document), Err(error));
        }
        let large = format!(
            r#"{{"resource":"https://up.example/mcp","authorization_servers":["https://a.example"]{}}}"#,
            " ".repeat(MAX_BYTES)
        );
        assert_eq!(parse(&server, large.as_bytes()), Err(DiscoveryError::ResourceMalformed));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn any_document_is_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            prop_assert!(parse(&url("https://up.example/mcp"), &bytes).is_err());
        }

        #[test]
        fn no_resource_of_another_host_is_taken(host in "[a-z]{1,10}\\.[a-z]{2,5}", path in "(/[a-z]{0,5}){0,3}") {
            prop_assume!(host != "up.example");
            let error = parsed("https://up.example/mcp", &format!("https://{host}{path}"));
            prop_assert!(error.is_err());
        }
    }
}
