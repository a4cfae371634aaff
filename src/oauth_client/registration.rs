//! Becoming a client at an issuer: dynamic registration (RFC 7591), or the gateway's own metadata document (CIMD).
//!
//! Not here: that it happens once for each issuer (`issuer`), clients an operator registered by hand (`config`).

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, Method as HttpMethod, Request, StatusCode};
use serde::{Deserialize, Serialize};
use url::Url;

use super::client::UpstreamClient;
use super::error::DiscoveryError;
use super::metadata::IssuerMetadata;
use super::token::{Busy, busy};
use crate::oauth::client::Method;
use crate::reasons::reasons;
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::untrusted::presentable;
use crate::version::V1;
use crate::{json, loopback};

/// No registration answer is larger; `flow` reads no further.
pub const MAX_BYTES: usize = 64 * 1024;

const LONGEST: usize = 2048;

/// How the gateway comes by a client at an issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationWay {
    /// An operator registered one.
    Configured,
    /// It names its own metadata document.
    Document,
    /// It registers at this endpoint.
    Register(String),
}

/// The way for an issuer (MCP authorization, "Client Registration Approaches"). The gateway has a document only where
/// its origin is https.
pub fn way(
    issuer: &IssuerMetadata,
    is_configured: bool,
    has_document: bool,
) -> Result<RegistrationWay, DiscoveryError> {
    match &issuer.registration_endpoint {
        _ if is_configured => Ok(RegistrationWay::Configured),
        _ if has_document && issuer.client_documents => Ok(RegistrationWay::Document),
        Some(endpoint) => Ok(RegistrationWay::Register(endpoint.to_string())),
        None => Err(DiscoveryError::NoRegistration { issuer: presentable(&issuer.issuer) }),
    }
}

/// What both a document and a registration say.
#[derive(Serialize)]
struct Metadata<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    client_name: &'a str,
    redirect_uris: [&'a str; 1],
    grant_types: [&'static str; 2],
    response_types: [&'static str; 1],
    token_endpoint_auth_method: &'static str,
    application_type: &'static str,
}

impl<'a> Metadata<'a> {
    fn new(client_id: Option<&'a str>, client_name: &'a str, redirect_uri: &'a str, method: Method) -> Self {
        let is_on_loopback = Url::parse(redirect_uri).is_ok_and(|uri| loopback::is_loopback(&uri));
        Self {
            client_id,
            client_name,
            redirect_uris: [redirect_uri],
            grant_types: ["authorization_code", "refresh_token"],
            response_types: ["code"],
            token_endpoint_auth_method: method.as_str(),
            // MCP authorization, "Application Type". A gateway is a web application; on loopback it is one that such
            // may not be (OpenID Connect Registration §2), and FastMCP's proxy refuses it.
            application_type: if is_on_loopback { "native" } else { "web" },
        }
    }

    fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The gateway's metadata document, to be served at its own `client_id`.
pub fn document(client_id: &str, name: &str, redirect_uri: &str) -> Vec<u8> {
    Metadata::new(Some(client_id), name, redirect_uri, Method::None).to_json()
}

/// Registers the gateway (RFC 7591 §3.1), to authenticate by this method.
pub fn request(
    endpoint: &str,
    method: Method,
    name: &str,
    redirect_uri: &str,
) -> Result<Request<Vec<u8>>, UpstreamRegistrationError> {
    Request::builder()
        .method(HttpMethod::POST)
        .uri(endpoint)
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/json")
        .body(Metadata::new(None, name, redirect_uri, method).to_json())
        .map_err(|_| UpstreamRegistrationError::Malformed)
}

/// A registered client. Sealed as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IssuedClient {
    v: V1,
    /// The gateway there. It is sealed before it has its number.
    client: UpstreamClient,
    /// When the secret ends; most never do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_expires: Option<Timestamp>,
}

impl IssuedClient {
    /// The client that it is under this number.
    pub fn into_client(self, generation: u64) -> UpstreamClient {
        UpstreamClient { registered: Some(generation), ..self.client }
    }

    /// Whether it is the client of that id.
    pub fn is(&self, client_id: &str) -> bool {
        self.client.id == client_id
    }

    /// Whether its secret has ended, so that the gateway has to register again.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.secret_expires.is_some_and(|expires| expires.reached(now))
    }
}

/// Reads the answer to [`request`]. The authentication method is what the issuer says it registered (RFC 7591 §3.2.1),
/// else what was asked for.
pub fn response(
    status: StatusCode,
    headers: &HeaderMap,
    bytes: &[u8],
    asked: Method,
) -> Result<IssuedClient, UpstreamRegistrationError> {
    if let Some(busy) = busy(status, headers) {
        return Err(UpstreamRegistrationError::Busy(busy));
    }
    if bytes.len() > MAX_BYTES {
        return Err(UpstreamRegistrationError::Malformed);
    }
    if !status.is_success() {
        let refusal: Refusal = json::read(bytes).unwrap_or_default();
        return Err(UpstreamRegistrationError::Refused {
            status: status.as_u16(),
            error: refusal.error.as_deref().map(presentable),
            description: refusal.error_description.as_deref().map(presentable),
        });
    }
    let answer: Answer = json::read(bytes).map_err(|_| UpstreamRegistrationError::Malformed)?;
    let fits = |text: &String| {
        !text.is_empty() && text.len() <= LONGEST && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
    };
    let id = answer.client_id.filter(fits).ok_or(UpstreamRegistrationError::Malformed)?;
    let secret = match answer.client_secret.filter(|secret| !secret.is_empty()) {
        Some(secret) => Some(Secret::new(Some(secret).filter(fits).ok_or(UpstreamRegistrationError::Malformed)?)),
        None => None,
    };
    let method = match answer.token_endpoint_auth_method {
        Some(name) => Method::parse(&name).ok_or(UpstreamRegistrationError::Method { name: presentable(&name) })?,
        None => asked,
    };
    let method = if secret.is_none() { Method::None } else { method };
    let secret_expires = answer.client_secret_expires_at.filter(|at| *at > 0).map(Timestamp);
    Ok(IssuedClient {
        v: V1,
        client: UpstreamClient { id, secret, method, registered: None, header_alone: false },
        secret_expires,
    })
}

#[derive(Deserialize)]
struct Answer {
    client_id: Option<String>,
    client_secret: Option<String>,
    token_endpoint_auth_method: Option<String>,
    client_secret_expires_at: Option<u64>,
}

#[derive(Deserialize, Default)]
struct Refusal {
    error: Option<String>,
    error_description: Option<String>,
}

/// Why the gateway could not register. Foreign text in it is presentable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpstreamRegistrationError {
    /// Try again later.
    Busy(Busy),
    /// The issuer refused.
    Refused {
        /// The HTTP status.
        status: u16,
        /// Its code.
        error: Option<String>,
        /// Its description.
        description: Option<String>,
    },
    /// The answer is too large, not JSON, or has no usable client id.
    Malformed,
    /// The issuer registered a way to authenticate that the gateway does not have.
    Method {
        /// Its name.
        name: String,
    },
}

reasons! { UpstreamRegistrationError:
    Busy(busy) => "upstream_registration_busy",
        "the server's authorization server cannot register clients now: {busy}";
    Refused { status, error, description } => "upstream_registration_refused",
        "the server's authorization server refused to register this gateway: {status}{}{}",
        said(error.as_deref()), said(description.as_deref());
    Malformed => "upstream_registration_malformed",
        "the answer of the server's authorization server to the registration cannot be read";
    Method { name } => "upstream_registration_method",
        "the server's authorization server wants clients to authenticate by {name}, which the gateway cannot";
}

fn said(text: Option<&str>) -> String {
    text.map(|text| format!(" {text}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::oauth_client::metadata::fallback;

    const CALLBACK: &str = "https://gw.example/oauth/upstream-callback";
    const DOCUMENT: &str = "https://gw.example/oauth/client-metadata.json";

    fn read(status: u16, body: &str) -> Result<IssuedClient, UpstreamRegistrationError> {
        response(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.as_bytes(), Method::Basic)
    }

    fn method_of(body: &str, asked: Method) -> Method {
        response(StatusCode::CREATED, &HeaderMap::new(), body.as_bytes(), asked).unwrap().client.method
    }

    #[test]
    fn a_document_goes_before_registration_and_that_before_asking_the_operator() {
        let mut issuer = fallback(&Url::parse("https://up.example/mcp").unwrap());
        let register = RegistrationWay::Register("https://up.example/register".to_owned());
        issuer.client_documents = true;
        assert_eq!(way(&issuer, true, true), Ok(RegistrationWay::Configured));
        assert_eq!(way(&issuer, false, true), Ok(RegistrationWay::Document));
        assert_eq!(way(&issuer, false, false), Ok(register.clone()), "a gateway on plain http has no document");
        issuer.client_documents = false;
        assert_eq!(way(&issuer, false, true), Ok(register));
        issuer.registration_endpoint = None;
        assert_eq!(way(&issuer, true, true), Ok(RegistrationWay::Configured));
        let error = way(&issuer, false, true).unwrap_err();
        assert!(error.to_string().contains("does not support dynamic client registration"), "{error}");
        assert!(error.fix("linear").contains("servers.linear.auth.client"));
    }

    #[test]
    fn the_document_names_its_own_url() {
        let document: Value =
            serde_json::from_slice(&document(DOCUMENT, "MCP gateway at gw.example", CALLBACK)).unwrap();
        let expected = json!({
            "client_id": DOCUMENT,
            "client_name": "MCP gateway at gw.example",
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "application_type": "web",
        });
        assert_eq!(document, expected);
    }

    #[test]
    fn the_registration_says_what_a_gateway_is() {
        for method in [Method::Basic, Method::Post, Method::None] {
            let request = request("https://as.example/register", method, "Gateway", CALLBACK).unwrap();
            assert_eq!((request.method(), request.uri().path()), (&HttpMethod::POST, "/register"));
            let body: Value = serde_json::from_slice(request.body()).unwrap();
            assert_eq!(body["token_endpoint_auth_method"], method.as_str());
            assert_eq!(body["application_type"], "web");
            assert_eq!(body["grant_types"], json!(["authorization_code", "refresh_token"]));
            assert_eq!(body["redirect_uris"], json!([CALLBACK]));
            assert!(body.get("client_id").is_none());
        }
        let local =
            request("https://as.example/register", Method::Basic, "Gateway", "http://localhost:8787/cb").unwrap();
        let local: Value = serde_json::from_slice(local.body()).unwrap();
        assert_eq!(local["application_type"], "native");
    }

    #[test]
    fn a_client_is_read() {
        let body = r#"{"client_id":"c","client_secret":"s","client_secret_expires_at":0,"token_endpoint_auth_method":"client_secret_post"}"#;
        let registered = read(201, body).unwrap();
        assert_eq!((registered.client.id.as_str(), registered.client.method), ("c", Method::Post));
        assert!(registered.client.secret.unwrap().matches("s"));
        assert_eq!(registered.secret_expires, None);
        let expiring = read(200, r#"{"client_id":"c","client_secret":"s","client_secret_expires_at":99}"#).unwrap();
        assert_eq!(expiring.secret_expires, Some(Timestamp(99)));
    }

    #[test]
    fn the_method_is_the_registered_one_else_the_one_asked_for() {
        let secret = r#"{"client_id":"c","client_secret":"s"}"#;
        assert_eq!(method_of(secret, Method::Basic), Method::Basic);
        assert_eq!(method_of(secret, Method::Post), Method::Post);
        let none = r#"{"client_id":"c","client_secret":"s","token_endpoint_auth_method":"none"}"#;
        assert_eq!(method_of(none, Method::Post), Method::None);
        assert_eq!(method_of(r#"{"client_id":"c"}"#, Method::Basic), Method::None);
        let without = r#"{"client_id":"c","client_secret":"","token_endpoint_auth_method":"client_secret_basic"}"#;
        assert_eq!(method_of(without, Method::Basic), Method::None);
    }

    #[test]
    fn the_stored_form_is_pinned() {
        let body = r#"{"client_id":"c","client_secret":"s","client_secret_expires_at":99}"#;
        let registered = read(201, body).unwrap();
        let golden = r#"{"v":1,"client":{"id":"c","secret":"s","method":"client_secret_basic"},"secret_expires":99}"#;
        assert_eq!(serde_json::to_string(&registered).unwrap(), golden);
        let read: IssuedClient = serde_json::from_str(golden).unwrap();
        assert!(read.has_expired(Timestamp(99)) && !read.has_expired(Timestamp(98)));
        assert!(read.is("c") && !read.is("d"));
        assert_eq!(read.into_client(7).registered, Some(7));
        assert!(serde_json::from_str::<IssuedClient>(&golden.replace("\"v\":1", "\"v\":2")).is_err());
    }

    #[test]
    fn a_refusal_says_why() {
        let refused = read(400, r#"{"error":"invalid_redirect_uri","error_description":"not \"https\""}"#).unwrap_err();
        assert!(refused.to_string().ends_with("400 invalid_redirect_uri not ?https?"), "{refused}");
        assert_eq!(
            read(403, "<html>").unwrap_err(),
            UpstreamRegistrationError::Refused { status: 403, error: None, description: None }
        );
        assert!(matches!(
            read(302, ""),
            Err(UpstreamRegistrationError::Busy(_) | UpstreamRegistrationError::Refused { .. })
        ));
        for status in [429, 500, 503] {
            assert!(matches!(read(status, "{}"), Err(UpstreamRegistrationError::Busy(_))), "{status}");
        }
    }

    #[test]
    fn an_unusable_client_is_refused() {
        for body in [
            "",
            "[]",
            "{}",
            r#"{"client_id":""}"#,
            r#"{"client_id":"a\nb"}"#,
            r#"{"client_id":"c","client_secret":"é"}"#,
        ] {
            assert_eq!(read(201, body).unwrap_err(), UpstreamRegistrationError::Malformed, "{body}");
        }
        let method = r#"{"client_id":"c","token_endpoint_auth_method":"private_key_jwt"}"#;
        assert_eq!(
            read(201, method).unwrap_err(),
            UpstreamRegistrationError::Method { name: "private_key_jwt".into() }
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn any_answer_is_read_without_harm(status in 200u16..600, bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            prop_assert!(response(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), &bytes, Method::Basic).is_err());
        }
    }
}
