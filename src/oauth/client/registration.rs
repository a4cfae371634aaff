//! Dynamic client registration (RFC 7591): a request read, and an answer that holds the secret once.
//!
//! Not here: the client that comes of it (`registered_client`), whether registration is switched on, or how often one
//! may register.

use serde::Serialize;
use url::Url;

use super::metadata::{ClientMetadata, MetadataError};
use super::redirect::RedirectUri;
use super::redirect_policy::RedirectPolicy;
use super::registered::{RegisteredClient, RegisteredMetadata};
use super::{Authentication, GrantType};
use crate::oauth::authentication_method::AuthenticationMethod;
use crate::oauth::error::ErrorCode;
use crate::oauth::scope::ScopeSet;
use crate::reasons::reasons;
use crate::secret::Secret;
use crate::time::Timestamp;

/// The most a registration request may hold.
pub const LIMIT: usize = 16 * 1024;

/// The most that is stored of a client whose registration does not fit into its id.
const STORED_LIMIT: usize = 4 * 1024;

/// Reads a registration request.
pub fn parse(
    bytes: &[u8],
    policy: &RedirectPolicy,
    loopback_allowed: bool,
    now: Timestamp,
) -> Result<RegisteredMetadata, RegistrationError> {
    if bytes.len() > LIMIT {
        return Err(RegistrationError::TooLarge { limit: LIMIT });
    }
    let metadata = ClientMetadata::parse(bytes)?;
    let redirect_uris = metadata.redirect_uris(policy)?;
    metadata.check_response_types()?;
    let method = match metadata.token_endpoint_auth_method.as_deref() {
        None => None,
        Some("private_key_jwt") => Some(AuthenticationMethod::PrivateKeyJwt),
        Some(name) => Some(Authentication::method_named(name).ok_or(MetadataError::Unsupported {
            field: "token_endpoint_auth_method",
            supported: "none, client_secret_basic, client_secret_post, private_key_jwt",
        })?),
    };
    // Nobody vouches for it, so only a place where it lives in any case is asked for its keys.
    let is_own = |keys: &Url| {
        let mut homes = redirect_uris.iter().filter_map(|uri| Url::parse(uri.as_str()).ok());
        homes.any(|home| home.origin() == keys.origin())
    };
    let signs = method == Some(AuthenticationMethod::PrivateKeyJwt);
    let keys = if signs { Some(metadata.keys(is_own, loopback_allowed)?) } else { None };
    let mut registered = RegisteredMetadata::new(redirect_uris, metadata.grant_types()?, now);
    registered.name = metadata.name()?;
    registered.method = method;
    registered.keys = keys;
    registered.scope = metadata.scope();
    registered.dpop_bound = metadata.dpop_bound_access_tokens.unwrap_or_default();
    Ok(registered)
}

/// The client of a registration that does not fit into an id, to be stored at once, and its secret. The random bytes
/// become both.
pub fn to_store(
    registered: RegisteredMetadata,
    id: [u8; 16],
    secret: [u8; 32],
) -> Result<(RegisteredClient, Secret), RegistrationError> {
    let (client, secret) = RegisteredClient::random(registered, id, secret);
    let bytes = serde_json::to_string(&client).unwrap_or_default().len(); // texts and numbers always serialise
    if bytes > STORED_LIMIT { Err(RegistrationError::TooLarge { limit: STORED_LIMIT }) } else { Ok((client, secret)) }
}

/// The body of the 201 answer (RFC 7591 §3.2.1), which tells a confidential client its secret.
pub fn answer(client: &RegisteredClient, secret: &Secret) -> Secret {
    let confidential = !matches!(client.authentication, Authentication::None | Authentication::Assertion(_));
    let answer = Answer {
        client_id: &client.id,
        client_id_issued_at: client.created,
        client_secret: confidential.then(|| secret.expose()),
        client_secret_expires_at: confidential.then_some(0),
        client_name: client.name.as_deref(),
        redirect_uris: &client.redirect_uris,
        grant_types: &client.grant_types,
        scope: client.scope.as_ref(),
        response_types: ["code"],
        token_endpoint_auth_method: client.authentication.method().as_str(),
        dpop_bound_access_tokens: client.dpop_bound,
    };
    // A struct of strings and numbers always serialises.
    Secret::new(serde_json::to_string(&answer).unwrap_or_default())
}

/// Why a registration is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistrationError {
    /// More than is read, or more than is stored.
    TooLarge {
        /// How many bytes that is.
        limit: usize,
    },
    /// Its metadata breaks a rule.
    Metadata(MetadataError),
}

impl RegistrationError {
    /// The code of RFC 7591 §3.2.2.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Metadata(MetadataError::RedirectUri { .. } | MetadataError::ManyRedirectUris) => {
                ErrorCode::InvalidRedirectUri
            }
            Self::Metadata(_) | Self::TooLarge { .. } => ErrorCode::InvalidClientMetadata,
        }
    }
}

impl From<MetadataError> for RegistrationError {
    fn from(error: MetadataError) -> Self {
        Self::Metadata(error)
    }
}

reasons! { RegistrationError:
    TooLarge { limit } => "registration_too_large", "the registration is larger than {limit} bytes";
    Metadata(error @ (MetadataError::RedirectUri { .. } | MetadataError::ManyRedirectUris))
        => "registration_redirect_uri", "the registration does not fit: {error}";
    Metadata(error) => "registration_metadata", "the registration does not fit: {error}";
}

impl std::error::Error for RegistrationError {}

#[derive(Serialize)]
struct Answer<'client> {
    client_id: &'client str,
    client_id_issued_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'client str>,
    /// Required whenever there is a secret; 0 means never.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_name: Option<&'client str>,
    redirect_uris: &'client [RedirectUri],
    grant_types: &'client [GrantType],
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'client ScopeSet>,
    response_types: [&'static str; 1],
    token_endpoint_auth_method: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dpop_bound_access_tokens: bool,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000);

    fn register(request: &Value) -> (RegisteredClient, Value) {
        let registered = parse(request.to_string().as_bytes(), &RedirectPolicy::default(), true, NOW).unwrap();
        let (client, secret) = to_store(registered, [7; 16], [9; 32]).unwrap();
        let answer = serde_json::from_str(answer(&client, &secret).expose()).unwrap();
        (client, answer)
    }

    #[test]
    fn cursor_registers_as_it_does() {
        let cursor = "cursor://anysphere.cursor-mcp/oauth/callback";
        let (stored, answer) = register(&json!({
            "client_name": "Cursor",
            "redirect_uris": [cursor, "https://www.cursor.com/agents/mcp/oauth/callback", "http://localhost:8787/callback"],
            "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
            "token_endpoint_auth_method": "none", "application_type": "native",
        }));
        assert_eq!(
            answer,
            json!({
                "client_id": "mcpg_client_BwcHBwcHBwcHBwcHBwcHBw",
                "client_id_issued_at": 1_800_000_000,
                "client_name": "Cursor",
                "redirect_uris": [cursor, "https://www.cursor.com/agents/mcp/oauth/callback", "http://localhost:8787/callback"],
                "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"],
                "token_endpoint_auth_method": "none",
            })
        );
        assert_eq!(stored.client().authentication, Authentication::None);
    }

    #[test]
    fn a_confidential_client_learns_its_secret_once_and_only_the_digest_is_kept() {
        for method in ["client_secret_basic", "client_secret_post"] {
            let request = json!({"redirect_uris": ["https://a.example/cb"], "token_endpoint_auth_method": method});
            let (stored, answer) = register(&request);
            let secret = answer["client_secret"].as_str().unwrap();
            assert!(secret.starts_with("mcpg_secret_") && answer["client_secret_expires_at"] == 0);
            assert_eq!(answer["token_endpoint_auth_method"], method);
            assert!(!serde_json::to_string(&stored).unwrap().contains(secret));
            assert_eq!(
                stored.client().authentication,
                Authentication::new(Authentication::method_named(method), &Secret::new(secret))
            );
        }
        let (stored, answer) = register(&json!({"redirect_uris": ["https://a.example/cb"]}));
        assert_eq!(answer["token_endpoint_auth_method"], "client_secret_basic");
        assert!(matches!(stored.client().authentication, Authentication::Secret(_)));
    }

    #[test]
    fn a_refusal_names_the_rule_in_the_right_code() {
        for (request, code, names) in [
            (json!({}), ErrorCode::InvalidClientMetadata, "redirect_uris"),
            (json!({"redirect_uris": ["http://a.example/cb"]}), ErrorCode::InvalidRedirectUri, "plain http"),
            (json!({"redirect_uris": vec!["https://a.example/"; 21]}), ErrorCode::InvalidRedirectUri, "20"),
            (
                json!({"redirect_uris": ["https://a.example/cb"], "token_endpoint_auth_method": "client_secret_jwt"}),
                ErrorCode::InvalidClientMetadata,
                "token_endpoint_auth_method",
            ),
            (
                json!({"redirect_uris": ["https://a.example/cb"], "response_types": ["token"]}),
                ErrorCode::InvalidClientMetadata,
                "response_types",
            ),
            (json!([1]), ErrorCode::InvalidClientMetadata, "JSON object"),
            (json!({"client_name": "a".repeat(LIMIT)}), ErrorCode::InvalidClientMetadata, "16384"),
        ] {
            let error = parse(request.to_string().as_bytes(), &RedirectPolicy::default(), true, NOW).unwrap_err();
            assert!(error.code() == code && error.to_string().contains(names), "{error}");
        }
        let policy = RedirectPolicy { patterns: vec!["https://app.example.com/*".to_owned()] };
        let error = parse(br#"{"redirect_uris":["https://a.example/cb"]}"#, &policy, true, NOW).unwrap_err();
        assert!(error.code() == ErrorCode::InvalidRedirectUri && error.to_string().contains("patterns"), "{error}");
    }

    #[test]
    fn no_more_is_stored_than_a_client_needs() {
        let uris: Vec<_> = (0..20).map(|n| format!("https://a.example/{}/{n}", "p".repeat(200))).collect();
        let registered = |count: usize| {
            let request = json!({"redirect_uris": uris[..count]}).to_string();
            to_store(parse(request.as_bytes(), &RedirectPolicy::default(), true, NOW).unwrap(), [7; 16], [9; 32])
        };
        assert!(registered(15).is_ok());
        let error = registered(20).unwrap_err();
        assert!(error.to_string().contains("4096") && error.reason() == "registration_too_large", "{error}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_bytes_register_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes, &RedirectPolicy::default(), true, NOW);
        }
    }
}
