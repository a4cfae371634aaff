//! `OpenID` Connect Discovery 1.0: what a provider says about itself.
//!
//! Its document is a metadata document as any authorization server has it, read by the same reader
//! (`oauth_client::metadata`), but dealt with as the operator's own choice: its issuer is compared without forgiving a
//! slash, and its endpoints may be in a private network.
//!
//! Not here: fetching it (`flow`), its keys (`jwks`), the requests made of it (`oidc`).

use serde::{Deserialize, Deserializer};
use url::Url;

use super::quirks;
use crate::json::Node;
use crate::login::LoginError;
use crate::oauth_client::metadata;
use crate::oauth_client::url_policy::TrustedIssuer;
use crate::untrusted::presentable;

/// No discovery document is larger; `flow` reads no further.
pub const MAX_BYTES: usize = 128 * 1024;

/// The scope that a provider gives a refresh token for (Core §11).
pub const OFFLINE_ACCESS: &str = "offline_access";

/// A provider whose every URL has been found fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Exactly as configured.
    pub issuer: String,
    /// As its ID tokens have it: the same, or where many tenants have one issuer, with a placeholder for the tenant.
    pub token_issuer: String,
    /// Where the browser is sent.
    pub authorization_endpoint: Url,
    /// Where the code is redeemed.
    pub token_endpoint: Url,
    /// Where the keys are.
    pub jwks_uri: Url,
    /// Where claims can be asked for (Core §5.3), as advertised: [`Provider::userinfo`] judges it, because most
    /// sign-ins do not need it.
    pub userinfo_endpoint: Option<String>,
    /// How the gateway may authenticate at the token endpoint; `client_secret_basic` where the provider does not say.
    pub token_endpoint_auth_methods: Vec<String>,
    /// Whether its answers always carry `iss` (RFC 9207).
    pub iss_parameter: bool,
    /// Whether it lets people choose an account when asked to; it may as well not know what that is (Core §15.1).
    pub selects_account: bool,
    /// Whether it lets people sign in anew when asked to.
    pub signs_in_anew: bool,
    /// How it is asked for a refresh token.
    pub offline: Offline,
}

/// What makes a provider give a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offline {
    /// The scope `offline_access`.
    Scope,
    /// A parameter of its own, and its value.
    Parameter(&'static str, &'static str),
    /// Nothing that is known: it does as it likes.
    Unasked,
}

impl Offline {
    /// By its issuer, and by the scopes that it says it knows. Who says nothing knows what the specification does.
    fn of(issuer: &str, scopes: Option<&[String]>) -> Self {
        match quirks::offline_parameter(issuer) {
            Some((name, value)) => Self::Parameter(name, value),
            None if scopes.is_none_or(|scopes| scopes.iter().any(|scope| scope == OFFLINE_ACCESS)) => Self::Scope,
            None => Self::Unasked,
        }
    }
}

impl Provider {
    /// Where claims can be asked for, if anywhere.
    pub fn userinfo(&self) -> Result<Option<Url>, LoginError> {
        let Some(text) = &self.userinfo_endpoint else { return Ok(None) };
        let url = TrustedIssuer::parse(&self.issuer).and_then(|trusted| trusted.url(text));
        url.map(Some).ok_or(LoginError::UnfitUrl("userinfo_endpoint"))
    }
}

/// Where an issuer's document is (Discovery §4.1). `None` for an issuer that cannot be one.
pub fn url(issuer: &str) -> Option<Url> {
    TrustedIssuer::parse(issuer)?;
    let base = issuer.strip_suffix('/').unwrap_or(issuer);
    Url::parse(&format!("{base}{}", metadata::OPENID)).ok()
}

/// Reads the document fetched for this issuer with status 200.
///
/// 1. The document's `issuer` is identical to the configured one, character by character (Discovery §4.3), or its
///    provider's template of that.
/// 2. Every endpoint is `https`; `http` only from one loopback address to another.
pub fn parse(issuer: &str, bytes: &[u8]) -> Result<Provider, LoginError> {
    let read = metadata::read::<Beyond>(bytes, MAX_BYTES);
    let (document, beyond) = read.ok_or(LoginError::DiscoveryMalformed)?;

    // 1.
    let advertised = document.issuer.ok_or(LoginError::DiscoveryIncomplete("issuer"))?;
    if advertised != issuer && quirks::template(issuer).as_ref() != Some(&advertised) {
        return Err(LoginError::DiscoveredIssuer {
            configured: issuer.to_owned(),
            advertised: presentable(&advertised),
        });
    }

    // 2.
    let trusted = TrustedIssuer::parse(issuer).ok_or(LoginError::UnfitUrl("issuer"))?;
    let endpoint = |name, text: Option<String>| {
        let text = text.ok_or(LoginError::DiscoveryIncomplete(name))?;
        trusted.url(&text).ok_or(LoginError::UnfitUrl(name))
    };
    let prompts = beyond.prompt_values_supported;
    let known = quirks::prompts(issuer).filter(|_| prompts.is_none());
    let takes = |prompt: &str| match (&prompts, known) {
        (Some(said), _) => Some(said.iter().any(|value| value == prompt)),
        (None, known) => known.map(|known| known.contains(&prompt)),
    };
    Ok(Provider {
        issuer: issuer.to_owned(),
        token_issuer: advertised,
        authorization_endpoint: endpoint("authorization_endpoint", document.authorization_endpoint)?,
        token_endpoint: endpoint("token_endpoint", document.token_endpoint)?,
        jwks_uri: endpoint("jwks_uri", beyond.jwks_uri)?,
        userinfo_endpoint: beyond.userinfo_endpoint,
        token_endpoint_auth_methods: document.auth_methods.unwrap_or_else(|| vec!["client_secret_basic".to_owned()]),
        iss_parameter: document.iss_parameter.unwrap_or(false),
        selects_account: takes("select_account").unwrap_or(false),
        // Core §15.1: whatever a provider says, it has to know `login`.
        signs_in_anew: known.is_none_or(|known| known.contains(&"login")),
        offline: Offline::of(issuer, beyond.scopes_supported.as_deref()),
    })
}

#[derive(Deserialize)]
struct Beyond {
    jwks_uri: Option<String>,
    #[serde(default, deserialize_with = "if_text")]
    userinfo_endpoint: Option<String>,
    prompt_values_supported: Option<Vec<String>>,
    #[serde(default, deserialize_with = "if_texts")]
    scopes_supported: Option<Vec<String>>,
}

/// A member that no sign-in had to read before may be of any type.
fn if_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Node::deserialize(deserializer)? {
        Node::Text(text) => Some(text.into_owned()),
        _ => None,
    })
}

fn if_texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let Node::List(entries) = Node::deserialize(deserializer)? else { return Ok(None) };
    let text = |entry| match entry {
        Node::Text(text) => Some(text.into_owned()),
        _ => None,
    };
    Ok(Some(entries.into_iter().filter_map(text).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loopback::is_loopback;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn document(issuer: &str) -> Value {
        json!({
            "issuer": issuer,
            "authorization_endpoint": "https://id.example.com/authorize?tenant=a",
            "token_endpoint": "https://id.example.com/token",
            "jwks_uri": "https://keys.example.com/jwks",
            "userinfo_endpoint": "https://id.example.com/userinfo",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "authorization_response_iss_parameter_supported": true,
            "end_session_endpoint": "https://id.example.com/logout",
        })
    }

    fn read(issuer: &str, document: &Value) -> Result<Provider, LoginError> {
        parse(issuer, document.to_string().as_bytes())
    }

    #[test]
    fn a_refresh_token_is_asked_for_as_the_provider_takes_it() {
        let issuer = "https://id.example.com";
        let offline = |scopes: Value| {
            let mut document = document(issuer);
            document["scopes_supported"] = scopes;
            read(issuer, &document).unwrap().offline
        };
        assert_eq!(read(issuer, &document(issuer)).unwrap().offline, Offline::Scope);
        assert_eq!(offline(json!(["openid", "offline_access"])), Offline::Scope);
        assert_eq!(offline(json!("openid")), Offline::Scope, "what cannot be read says nothing");
        assert_eq!(offline(json!(["openid", "email", 7])), Offline::Unasked);
        let google = "https://accounts.google.com";
        let offline = Offline::of(google, Some(&["openid".to_owned()]));
        assert_eq!(offline, Offline::Parameter("access_type", "offline"));
    }

    #[test]
    fn the_location_keeps_the_path_and_drops_one_final_slash() {
        let located = |issuer| url(issuer).map(String::from);
        let root = Some("https://id.example.com/.well-known/openid-configuration".to_owned());
        assert_eq!(located("https://id.example.com"), root);
        assert_eq!(located("https://id.example.com/"), root);
        let realm = "https://id.example.com/realms/a/.well-known/openid-configuration";
        assert_eq!(located("https://id.example.com/realms/a").as_deref(), Some(realm));
        assert!(located("http://127.0.0.1:9000").is_some());
        for unfit in [
            "http://id.example.com",
            "id.example.com",
            "https://u:p@id.example.com",
            "https://id.example.com?a",
            "https://id.example.com#a",
            "ftp://localhost",
            "",
        ] {
            assert_eq!(located(unfit), None, "{unfit}");
        }
    }

    #[test]
    fn a_document_is_read() {
        let provider = read("https://id.example.com/", &document("https://id.example.com/")).unwrap();
        assert_eq!(provider.issuer, "https://id.example.com/");
        assert_eq!(provider.authorization_endpoint.as_str(), "https://id.example.com/authorize?tenant=a");
        assert_eq!(provider.token_endpoint.as_str(), "https://id.example.com/token");
        assert_eq!(provider.jwks_uri.as_str(), "https://keys.example.com/jwks");
        assert_eq!(provider.userinfo().unwrap().unwrap().as_str(), "https://id.example.com/userinfo");
        assert_eq!(provider.token_endpoint_auth_methods, ["client_secret_post", "private_key_jwt"]);
        assert!(provider.iss_parameter);
    }

    #[test]
    fn what_is_left_out_has_the_specified_default() {
        let mut document = document("https://id.example.com");
        for member in ["token_endpoint_auth_methods_supported", "authorization_response_iss_parameter_supported"] {
            document.as_object_mut().unwrap().remove(member);
        }
        let provider = read("https://id.example.com", &document).unwrap();
        assert_eq!(provider.token_endpoint_auth_methods, ["client_secret_basic"]);
        assert!(!provider.iss_parameter);
    }

    #[test]
    fn the_issuer_is_identical_to_the_last_character() {
        for configured in ["https://id.example.com", "https://ID.example.com/", "https://other.example.com/"] {
            let refused = read(configured, &document("https://id.example.com/")).unwrap_err();
            assert_eq!(refused.reason(), "login_discovered_issuer", "{configured}");
            assert!(
                refused.to_string().contains(configured) && refused.to_string().contains("https://id.example.com/")
            );
        }
    }

    #[test]
    fn what_a_login_does_not_need_may_be_missing_or_of_any_type() {
        let mut document = document("https://id.example.com");
        for member in ["code_challenge_methods_supported", "scopes_supported", "registration_endpoint"] {
            document[member] = json!(7);
        }
        document["revocation_endpoint"] = json!("http://10.0.0.1/");
        document["userinfo_endpoint"] = json!({});
        assert_eq!(read("https://id.example.com", &document).unwrap().userinfo(), Ok(None));
        document["userinfo_endpoint"] = json!("http://id.example.com/userinfo");
        let unfit = read("https://id.example.com", &document).unwrap().userinfo();
        assert_eq!(unfit, Err(LoginError::UnfitUrl("userinfo_endpoint")), "said when it is needed");
        assert!(read("https://id.example.com", &document).is_ok());
        document["token_endpoint"] = json!("https://10.0.0.1/token");
        assert!(
            read("https://id.example.com", &document).is_ok(),
            "an operator's provider may be in a private network"
        );
    }

    #[test]
    fn a_missing_member_is_named() {
        for member in ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"] {
            let mut document = document("https://id.example.com");
            document.as_object_mut().unwrap().remove(member);
            assert_eq!(read("https://id.example.com", &document), Err(LoginError::DiscoveryIncomplete(member)));
        }
    }

    #[test]
    fn plain_http_stays_between_loopback_addresses() {
        let with = |issuer: &str, endpoint: &str| {
            let mut document = document(issuer);
            document["token_endpoint"] = endpoint.into();
            read(issuer, &document).map(|_| ())
        };
        let unfit = Err(LoginError::UnfitUrl("token_endpoint"));
        assert_eq!(with("http://localhost:9000", "http://127.0.0.1:9000/token"), Ok(()));
        assert_eq!(with("http://[::1]:9000", "https://id.example.com/token"), Ok(()));
        assert_eq!(with("http://localhost:9000", "http://id.example.com/token"), unfit);
        assert_eq!(with("https://id.example.com", "http://id.example.com/token"), unfit);
        assert_eq!(with("https://id.example.com", "http://localhost/token"), unfit);
        assert_eq!(with("https://id.example.com", "https://u:p@id.example.com/token"), unfit);
        assert_eq!(with("https://id.example.com", "https://id.example.com/token#a"), unfit);
        assert_eq!(with("https://id.example.com", "file:///token"), unfit);
        assert_eq!(with("http://id.example.com", "https://id.example.com/token"), Err(LoginError::UnfitUrl("issuer")));
    }

    #[test]
    fn what_is_not_a_document_is_refused() {
        let large = format!("{{\"issuer\":\"{}\"}}", "a".repeat(MAX_BYTES));
        for bytes in ["", "[]", "null", "{\"issuer\":1}", "<html>", &large] {
            assert_eq!(parse("https://id.example.com", bytes.as_bytes()), Err(LoginError::DiscoveryMalformed));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn any_document_is_read_without_harm(issuer in "\\PC{0,40}", endpoint in "\\PC{0,60}") {
            let _ = url(&issuer);
            let _ = parse(&issuer, endpoint.as_bytes());
            let mut document = document("http://localhost");
            document["token_endpoint"] = endpoint.into();
            if let Ok(provider) = read("http://localhost", &document) {
                prop_assert!(provider.token_endpoint.scheme() == "https" || is_loopback(&provider.token_endpoint));
            }
        }
    }
}
