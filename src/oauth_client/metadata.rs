//! An authorization server's metadata (RFC 8414, `OpenID` Connect Discovery): where its endpoints are, and what it can
//! do. An upstream's is judged here.
//!
//! Not here: fetching it (`flow`), choosing a client there (`registration`), what an identity provider needs beyond
//! (`login::oidc::discovery`).

use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::discovery_error::DiscoveryError;
use super::issuer_identifier;
use super::url_policy::Reach;
use crate::json::Node;
use crate::untrusted::presentable;

/// No metadata document is larger; `flow` reads no further.
pub const MAX_BYTES: usize = 64 * 1024;

const OAUTH: &str = "/.well-known/oauth-authorization-server";
/// Where OpenID Connect Discovery §4 puts it, behind the issuer.
pub const OPENID: &str = "/.well-known/openid-configuration";

/// An issuer whose every URL has been found fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerMetadata {
    /// Its identifier as it writes it itself: what `iss` is compared with.
    pub issuer: String,
    /// Where the browser is sent.
    pub authorization_endpoint: Url,
    /// Where codes are redeemed and tokens refreshed.
    pub token_endpoint: Url,
    /// RFC 7591.
    pub registration_endpoint: Option<Url>,
    /// RFC 7009.
    pub revocation_endpoint: Option<Url>,
    /// How clients may authenticate; `None` where it does not say.
    pub auth_methods: Option<Vec<String>>,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// Whether its answers always carry `iss` (RFC 9207).
    pub iss_parameter: bool,
    /// Whether a client id may be the URL of a metadata document.
    pub client_documents: bool,
}

/// What everybody reads of a metadata document, unproven.
#[derive(Deserialize)]
pub struct MetadataDocument {
    /// Who it says that it is of.
    pub issuer: Option<String>,
    /// Where the browser is sent.
    pub authorization_endpoint: Option<String>,
    /// Where codes are redeemed.
    pub token_endpoint: Option<String>,
    /// How clients may authenticate.
    #[serde(rename = "token_endpoint_auth_methods_supported")]
    pub auth_methods: Option<Vec<String>>,
    /// Whether its answers always carry `iss` (RFC 9207).
    #[serde(rename = "authorization_response_iss_parameter_supported")]
    pub iss_parameter: Option<bool>,
}

/// Reads it, with what a reader of its own wants beyond. What nobody asks for may be of any type.
pub fn read<Beyond: DeserializeOwned>(bytes: &[u8], limit: usize) -> Option<(MetadataDocument, Beyond)> {
    let document = Node::parse(Some(bytes).filter(|bytes| bytes.len() <= limit)?).ok()?;
    Some((document.read().ok()?, document.read().ok()?))
}

/// Where an issuer's metadata is looked for, in this order (MCP authorization, "Authorization Server Metadata
/// Discovery"). For an issuer with a path the root is not asked: that is another issuer.
pub fn urls(issuer: &Url) -> Vec<Url> {
    let at = |path: &str| {
        let mut url = issuer.clone();
        url.set_path(path);
        url
    };
    match issuer.path().trim_end_matches('/') {
        "" => vec![at(OAUTH), at(OPENID)],
        path => vec![at(&format!("{OAUTH}{path}")), at(&format!("{OPENID}{path}")), at(&format!("{path}{OPENID}"))],
    }
}

/// Reads the document fetched for an issuer.
///
/// 1. Its `issuer` is identical (RFC 8414 §3.3), or nothing of it is used. The one difference forgiven is the slash
///    that URL libraries put behind a bare origin: RFC 3986 §6.2.3 reads both as the same URL.
/// 2. It offers PKCE with S256 (MCP authorization, "Authorization Code Protection").
/// 3. Every endpoint may be reached.
pub fn parse(issuer: &str, bytes: &[u8], reach: &Reach) -> Result<IssuerMetadata, DiscoveryError> {
    let (document, beyond) = read::<Beyond>(bytes, MAX_BYTES).ok_or(DiscoveryError::IssuerMalformed)?;

    // 1.
    let advertised = document.issuer.ok_or(DiscoveryError::IssuerIncomplete("issuer"))?;
    if advertised != issuer && !issuer_identifier::same_bare_origin(&advertised, issuer) {
        return Err(DiscoveryError::OtherIssuer {
            expected: presentable(issuer),
            advertised: presentable(&advertised),
        });
    }

    // 2.
    if !beyond.code_challenge_methods_supported.iter().flatten().any(|method| method == "S256") {
        return Err(DiscoveryError::NoPkce);
    }

    // 3.
    let optional = |name, text: Option<String>| match text {
        Some(text) => reach.url(&text).map(Some).map_err(|why| DiscoveryError::unreachable(name, &text, why)),
        None => Ok(None),
    };
    let needed = |name, text| optional(name, text)?.ok_or(DiscoveryError::IssuerIncomplete(name));
    Ok(IssuerMetadata {
        issuer: advertised,
        authorization_endpoint: needed("authorization_endpoint", document.authorization_endpoint)?,
        token_endpoint: needed("token_endpoint", document.token_endpoint)?,
        registration_endpoint: optional("registration_endpoint", beyond.registration_endpoint)?,
        revocation_endpoint: optional("revocation_endpoint", beyond.revocation_endpoint)?,
        auth_methods: document.auth_methods,
        scopes: beyond.scopes_supported.unwrap_or_default(),
        iss_parameter: document.iss_parameter.unwrap_or(false),
        client_documents: beyond.client_id_metadata_document_supported.unwrap_or(false),
    })
}

/// What a server of 2025-03-26 without any metadata is taken to have: endpoints in the usual places of its own origin.
pub fn fallback(server: &Url) -> IssuerMetadata {
    let at = |path: &str| {
        let mut url = server.clone();
        url.set_path(path);
        url.set_query(None);
        url
    };
    IssuerMetadata {
        issuer: server.origin().ascii_serialization(),
        authorization_endpoint: at("/authorize"),
        token_endpoint: at("/token"),
        registration_endpoint: Some(at("/register")),
        revocation_endpoint: None,
        auth_methods: None,
        scopes: Vec::new(),
        iss_parameter: false,
        client_documents: false,
    }
}

#[derive(Deserialize)]
struct Beyond {
    registration_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    code_challenge_methods_supported: Option<Vec<String>>,
    scopes_supported: Option<Vec<String>>,
    client_id_metadata_document_supported: Option<bool>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::oauth_client::url_policy::Unreachable;

    const ISSUER: &str = "https://as.example/tenant1";

    fn document(with: &Value) -> Value {
        let mut document = json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://as.example/authorize",
            "token_endpoint": "https://tokens.example/token",
            "code_challenge_methods_supported": ["plain", "S256"],
        });
        for (name, value) in with.as_object().unwrap() {
            document[name] = value.clone();
        }
        document
    }

    fn read(issuer: &str, with: &Value) -> Result<IssuerMetadata, DiscoveryError> {
        parse(issuer, document(with).to_string().as_bytes(), &Reach::new("https://gw.example", []))
    }

    #[test]
    fn an_issuer_with_a_path_is_asked_in_three_places_and_never_at_the_root() {
        let at = |issuer| urls(&Url::parse(issuer).unwrap()).iter().map(ToString::to_string).collect::<Vec<_>>();
        let expected = [
            "https://as.example/.well-known/oauth-authorization-server/tenant1",
            "https://as.example/.well-known/openid-configuration/tenant1",
            "https://as.example/tenant1/.well-known/openid-configuration",
        ];
        assert_eq!(at(ISSUER), expected);
        assert_eq!(at("https://as.example/tenant1/"), expected);
        let root = [
            "https://as.example/.well-known/oauth-authorization-server",
            "https://as.example/.well-known/openid-configuration",
        ];
        assert_eq!(at("https://as.example"), root);
        assert_eq!(at("https://as.example/"), root);
    }

    #[test]
    fn everything_is_read() {
        let metadata = read(
            ISSUER,
            &json!({
                "registration_endpoint": "https://as.example/register",
                "revocation_endpoint": "https://as.example/revoke",
                "token_endpoint_auth_methods_supported": ["none"],
                "scopes_supported": ["a", "offline_access"],
                "authorization_response_iss_parameter_supported": true,
                "client_id_metadata_document_supported": true,
            }),
        )
        .unwrap();
        assert_eq!(metadata.token_endpoint.as_str(), "https://tokens.example/token");
        assert_eq!(metadata.registration_endpoint.unwrap().as_str(), "https://as.example/register");
        assert_eq!(metadata.revocation_endpoint.unwrap().as_str(), "https://as.example/revoke");
        assert_eq!(metadata.auth_methods.unwrap(), ["none"]);
        assert_eq!(metadata.scopes, ["a", "offline_access"]);
        assert!(metadata.iss_parameter && metadata.client_documents);
        let bare = read(ISSUER, &json!({})).unwrap();
        assert!(!bare.iss_parameter && !bare.client_documents && bare.auth_methods.is_none());
    }

    #[test]
    fn what_only_others_read_may_be_of_any_type() {
        assert!(read(ISSUER, &json!({"jwks_uri": 7, "prompt_values_supported": "login"})).is_ok());
    }

    #[test]
    fn another_issuer_is_refused() {
        for advertised in [
            "https://evil.example/tenant1",
            "https://as.example",
            "https://as.example/tenant1/",
            "HTTPS://as.example/tenant1",
        ] {
            let expected =
                DiscoveryError::OtherIssuer { expected: ISSUER.to_owned(), advertised: advertised.to_owned() };
            assert_eq!(read(ISSUER, &json!({"issuer": advertised})), Err(expected));
        }
        assert_eq!(read(ISSUER, &json!({"issuer": null})), Err(DiscoveryError::IssuerIncomplete("issuer")));
    }

    #[test]
    fn a_bare_origin_may_differ_by_its_slash() {
        for (expected, advertised) in
            [("https://as.example/", "https://as.example"), ("https://as.example", "https://as.example/")]
        {
            assert_eq!(read(expected, &json!({"issuer": advertised})).unwrap().issuer, advertised);
        }
        assert!(read("https://as.example", &json!({"issuer": "https://as.example.evil.example"})).is_err());
        assert!(read("https://as.example", &json!({"issuer": "https://as.example//"})).is_err());
    }

    #[test]
    fn a_path_may_not_and_the_operator_is_told_how_to_write_it() {
        let error = read(ISSUER, &json!({"issuer": format!("{ISSUER}/")})).unwrap_err();
        assert!(error.fix("docs").contains("servers.docs.auth.issuer to https://as.example/tenant1/."));
        let same = issuer_identifier::same;
        assert!(same(ISSUER, &format!("{ISSUER}/")) && !same(ISSUER, &format!("{ISSUER}//")));
        let other = read(ISSUER, &json!({"issuer": "https://evil.example"})).unwrap_err();
        assert!(!other.fix("docs").contains("auth.issuer"));
    }

    #[test]
    fn no_s256_no_authorization() {
        for methods in [json!(null), json!([]), json!(["plain"]), json!(["s256"])] {
            assert_eq!(
                read(ISSUER, &json!({"code_challenge_methods_supported": methods})),
                Err(DiscoveryError::NoPkce)
            );
        }
    }

    #[test]
    fn every_endpoint_must_be_reachable() {
        for name in ["authorization_endpoint", "token_endpoint", "registration_endpoint", "revocation_endpoint"] {
            for url in
                ["http://as.example/x", "https://10.0.0.1/x", "javascript:alert(1)", "https://gw.example/oauth/token"]
            {
                let error = read(ISSUER, &json!({name: url})).unwrap_err();
                assert!(matches!(error, DiscoveryError::Unreachable { member, .. } if member == name), "{name} {url}");
            }
        }
        let refused = read(ISSUER, &json!({"token_endpoint": "http://as.example/x"})).unwrap_err();
        assert!(matches!(refused, DiscoveryError::Unreachable { why: Unreachable::NotHttps, .. }));
        for name in ["authorization_endpoint", "token_endpoint"] {
            assert_eq!(read(ISSUER, &json!({name: null})), Err(DiscoveryError::IssuerIncomplete(name)));
        }
    }

    #[test]
    fn a_server_without_metadata_has_its_endpoints_at_its_origin() {
        let metadata = fallback(&Url::parse("https://up.example/v1/mcp?x=y").unwrap());
        assert_eq!(metadata.issuer, "https://up.example");
        assert_eq!(metadata.authorization_endpoint.as_str(), "https://up.example/authorize");
        assert_eq!(metadata.token_endpoint.as_str(), "https://up.example/token");
        assert_eq!(metadata.registration_endpoint.unwrap().as_str(), "https://up.example/register");
    }

    #[test]
    fn a_document_too_large_or_of_wrong_types_is_refused() {
        let large = format!("{}{}", document(&json!({})), " ".repeat(MAX_BYTES));
        let reach = Reach::new("https://gw.example", []);
        assert_eq!(parse(ISSUER, large.as_bytes(), &reach), Err(DiscoveryError::IssuerMalformed));
        assert_eq!(read(ISSUER, &json!({"scopes_supported": "a"})), Err(DiscoveryError::IssuerMalformed));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn any_document_is_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..100), issuer in "\\PC{0,20}") {
            prop_assert!(parse(ISSUER, &bytes, &Reach::new("https://gw.example", [])).is_err());
            prop_assert_eq!(read(ISSUER, &json!({"issuer": issuer})).is_ok(), issuer == ISSUER);
        }
    }
}
