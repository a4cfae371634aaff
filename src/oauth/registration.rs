//! Dynamic client registration (RFC 7591): a request read, a record to store, an answer that holds the secret once.
//!
//! Not here: whether registration is switched on, or how often one may register.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};

use crate::oauth::client::{Authentication, Client, GrantType, Method, Origin};
use crate::oauth::client_metadata::{ClientMetadata, MetadataError};
use crate::oauth::error::ErrorCode;
use crate::oauth::redirect::RedirectUri;
use crate::oauth::redirect_policy::RedirectPolicy;
use crate::oauth::scope::ScopeSet;
use crate::secret::Secret;
use crate::time::{Lifetime, Timestamp};
use crate::version::V1;

/// The most a registration request may hold.
pub const LIMIT: usize = 16 * 1024;

// Neither begins with `https://`: a registered id cannot be taken for the address of a document (CIMD, "Supporting Both…").
const ID_PREFIX: &str = "mcpg_client_";
const SECRET_PREFIX: &str = "mcpg_secret_";

/// Claude registers anew for each connection, so most registrations are never used or used for one grant.
const UNUSED: Lifetime = Lifetime::days(1);
/// Longer than the longest refresh token may live.
const USED: Lifetime = Lifetime::days(400);
/// A use is noted again only after this long: storage allows one write a second for a key, and reads are cheap.
const NOTE_AGAIN: Lifetime = Lifetime::days(30);

/// Reads a registration request.
pub fn parse(bytes: &[u8], policy: &RedirectPolicy) -> Result<Registration, RegistrationError> {
    if bytes.len() > LIMIT {
        return Err(RegistrationError::TooLarge);
    }
    let metadata = ClientMetadata::parse(bytes)?;
    let redirect_uris = metadata.redirect_uris(policy)?;
    metadata.check_response_types()?;
    let method = match &metadata.token_endpoint_auth_method {
        None => None,
        Some(name) => Some(Method::parse(name).ok_or(MetadataError::Unsupported {
            field: "token_endpoint_auth_method",
            supported: "none, client_secret_basic, client_secret_post",
        })?),
    };
    Ok(Registration {
        name: metadata.name()?,
        redirect_uris,
        grant_types: metadata.grant_types()?,
        scope: metadata.scope(),
        method,
    })
}

/// Whether a client id has the form of a registered one, so that anything else is not looked up.
pub fn is_registered_id(text: &str) -> bool {
    text.strip_prefix(ID_PREFIX)
        .is_some_and(|rest| Base64UrlUnpadded::decode(rest, &mut [0; 16]).is_ok_and(|random| random.len() == 16))
}

/// A registration request that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    name: Option<String>,
    redirect_uris: Vec<RedirectUri>,
    grant_types: Vec<GrantType>,
    scope: Option<ScopeSet>,
    method: Option<Method>,
}

impl Registration {
    /// Makes it a client: what to store, and the body of the 201 answer (RFC 7591 §3.2.1), the only place that holds the
    /// secret. The random bytes become id and secret; a public client gets no secret.
    pub fn register(self, id: [u8; 16], secret: [u8; 32], now: Timestamp) -> (StoredClient, Secret) {
        let id = format!("{ID_PREFIX}{}", Base64UrlUnpadded::encode_string(&id));
        let secret = Secret::new(format!("{SECRET_PREFIX}{}", Base64UrlUnpadded::encode_string(&secret)));
        let authentication = Authentication::new(self.method, &secret);
        let confidential = authentication != Authentication::None;
        let answer = Answer {
            client_id: &id,
            client_id_issued_at: now,
            client_secret: confidential.then(|| secret.expose()),
            client_secret_expires_at: confidential.then_some(0),
            client_name: self.name.as_deref(),
            redirect_uris: &self.redirect_uris,
            grant_types: &self.grant_types,
            scope: self.scope.as_ref(),
            response_types: ["code"],
            token_endpoint_auth_method: authentication.method().as_str(),
        };
        // A struct of strings and numbers always serialises.
        let answer = Secret::new(serde_json::to_string(&answer).unwrap_or_default());
        let stored = StoredClient {
            v: V1,
            id,
            name: self.name,
            redirect_uris: self.redirect_uris,
            authentication,
            grant_types: self.grant_types,
            scope: self.scope,
            created: now,
            used: None,
        };
        (stored, answer)
    }
}

/// A registered client as it is stored, for as long as [`StoredClient::expires`] says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredClient {
    v: V1,
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    redirect_uris: Vec<RedirectUri>,
    authentication: Authentication,
    grant_types: Vec<GrantType>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<ScopeSet>,
    created: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    used: Option<Timestamp>,
}

impl StoredClient {
    /// `client_id`, for its storage key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The client it is.
    pub fn client(self) -> Client {
        Client {
            id: self.id,
            name: self.name,
            redirect_uris: self.redirect_uris,
            authentication: self.authentication,
            origin: Origin::Registered,
            grant_types: self.grant_types,
            scope: self.scope,
        }
    }

    /// Notes that a person let it in or that it got tokens. `None` if the record is fresh enough to be left alone.
    #[must_use]
    pub fn touch(&self, now: Timestamp) -> Option<Self> {
        let due = self.used.is_none_or(|used| (used + NOTE_AGAIN).reached(now));
        due.then(|| Self { used: Some(now), ..self.clone() })
    }

    /// When to forget it: a day after registering, if it was never used (RFC 7591 §5), else long after its last use.
    pub fn expires(&self) -> Timestamp {
        self.used.map_or(self.created + UNUSED, |used| used + USED)
    }
}

/// Why a registration is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistrationError {
    /// More than 16 KiB.
    TooLarge,
    /// Its metadata breaks a rule.
    Metadata(MetadataError),
}

impl RegistrationError {
    /// The stable code of bodies, logs and analytics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge => "registration_too_large",
            Self::Metadata(_) if self.code() == ErrorCode::InvalidRedirectUri => "registration_redirect_uri",
            Self::Metadata(_) => "registration_metadata",
        }
    }

    /// The code of RFC 7591 §3.2.2.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Metadata(MetadataError::RedirectUri { .. } | MetadataError::ManyRedirectUris) => {
                ErrorCode::InvalidRedirectUri
            }
            Self::Metadata(_) | Self::TooLarge => ErrorCode::InvalidClientMetadata,
        }
    }
}

impl From<MetadataError> for RegistrationError {
    fn from(error: MetadataError) -> Self {
        Self::Metadata(error)
    }
}

impl fmt::Display for RegistrationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "the registration is larger than {LIMIT} bytes"),
            Self::Metadata(error) => write!(f, "the registration does not fit: {error}"),
        }
    }
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
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000);

    fn register(request: &Value) -> (StoredClient, Value) {
        let registration = parse(request.to_string().as_bytes(), &RedirectPolicy::default()).unwrap();
        let (stored, answer) = registration.register([7; 16], [9; 32], NOW);
        (stored, serde_json::from_str(answer.expose()).unwrap())
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
                Authentication::new(Method::parse(method), &Secret::new(secret))
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
                json!({"redirect_uris": ["https://a.example/cb"], "token_endpoint_auth_method": "private_key_jwt"}),
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
            let error = parse(request.to_string().as_bytes(), &RedirectPolicy::default()).unwrap_err();
            assert!(error.code() == code && error.to_string().contains(names), "{error}");
        }
        let policy = RedirectPolicy { patterns: vec!["https://app.example.com/*".to_owned()] };
        let error = parse(br#"{"redirect_uris":["https://a.example/cb"]}"#, &policy).unwrap_err();
        assert!(error.code() == ErrorCode::InvalidRedirectUri && error.to_string().contains("patterns"), "{error}");
    }

    #[test]
    fn stored_bytes() {
        let (stored, _) = register(&json!({"client_name": "C", "redirect_uris": ["https://a.example/cb"],
            "token_endpoint_auth_method": "client_secret_post"}));
        let golden = concat!(
            r#"{"v":1,"id":"mcpg_client_BwcHBwcHBwcHBwcHBwcHBw","name":"C","redirect_uris":["https://a.example/cb"],"#,
            r#""authentication":{"method":"client_secret_post","secret":"Tkjo0hBjt9MtmgKzf03qPY_BKl4y4SOlvwtfKKAJAL8"},"#,
            r#""grant_types":["authorization_code","refresh_token"],"created":1800000000}"#,
        );
        assert_eq!(serde_json::to_string(&stored).unwrap(), golden);
        assert_eq!(serde_json::from_str::<StoredClient>(golden).unwrap(), stored);
        assert!(serde_json::from_str::<StoredClient>(&golden.replace("\"v\":1", "\"v\":2")).is_err());
    }

    #[test]
    fn unused_registrations_are_forgotten_and_used_ones_noted_now_and_then() {
        let (stored, _) = register(&json!({"redirect_uris": ["https://a.example/cb"]}));
        assert_eq!(stored.expires(), NOW + Lifetime::days(1));
        let used = stored.touch(NOW).unwrap();
        assert_eq!(used.expires(), NOW + Lifetime::days(400));
        assert_eq!(used.touch(NOW + Lifetime::days(29)), None);
        assert_eq!(used.touch(NOW + Lifetime::days(30)).unwrap().expires(), NOW + Lifetime::days(430));
    }

    #[test]
    fn a_registered_id_is_recognised() {
        assert!(is_registered_id("mcpg_client_BwcHBwcHBwcHBwcHBwcHBw"));
        for text in
            ["", "mcpg_client_", "mcpg_client_BwcHBwcHBwcHBwcHBwcHB", "BwcHBwcHBwcHBwcHBwcHBw", "https://a.example/c"]
        {
            assert!(!is_registered_id(text), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_bytes_register_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes, &RedirectPolicy::default());
        }
    }
}
