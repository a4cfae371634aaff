//! Becoming a client at an issuer: dynamic registration (RFC 7591), or the gateway's own metadata document (CIMD).
//!
//! Not here: that it happens once for each issuer (`issuer`), clients an operator registered by hand (`config`).

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::client_auth::{GatewayClient, method_named};
use super::discovery_error::DiscoveryError;
use super::error_response::OauthErrorBody;
use super::metadata::IssuerMetadata;
use super::token::{Busy, busy};
use crate::headers::HeaderMap;
use crate::oauth::authentication_method::AuthenticationMethod;
use crate::reasons::reasons;
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::untrusted::{Sent, presentable};
use crate::version::V1;
use crate::{json, loopback};

#[cfg(test)]
mod tests;

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
    #[serde(skip_serializing_if = "Option::is_none")]
    application_type: Option<&'static str>,
}

impl<'a> Metadata<'a> {
    fn new(
        client_id: Option<&'a str>,
        client_name: &'a str,
        redirect_uri: &'a str,
        method: AuthenticationMethod,
    ) -> Self {
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
            application_type: Some(if is_on_loopback { "native" } else { "web" }),
        }
    }

    fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The gateway's metadata document, to be served at its own `client_id`.
pub fn document(client_id: &str, name: &str, redirect_uri: &str) -> Vec<u8> {
    Metadata::new(Some(client_id), name, redirect_uri, AuthenticationMethod::None).to_json()
}

/// Registers the gateway (RFC 7591 §3.1), to authenticate by this method. `is_strict` leaves out what that RFC does not
/// have, for issuers that refuse what they do not know.
pub fn request(
    endpoint: &str,
    method: AuthenticationMethod,
    name: &str,
    redirect_uri: &str,
    is_strict: bool,
) -> Result<Request<Vec<u8>>, UpstreamRegistrationError> {
    let metadata = Metadata::new(None, name, redirect_uri, method);
    let metadata = if is_strict { Metadata { application_type: None, ..metadata } } else { metadata };
    Request::builder()
        .method(Method::POST)
        .uri(endpoint)
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/json")
        .body(metadata.to_json())
        .map_err(|_| UpstreamRegistrationError::Malformed)
}

/// A registered client. Sealed as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IssuedClient {
    v: V1,
    /// The gateway there. It is sealed before it has its number.
    client: GatewayClient,
    /// When the secret ends; most never do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_expires: Option<Timestamp>,
}

impl IssuedClient {
    /// The client that it is under this number.
    pub fn into_client(self, generation: u64) -> GatewayClient {
        GatewayClient { registered: Some(generation), ..self.client }
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
    asked: AuthenticationMethod,
) -> Result<IssuedClient, UpstreamRegistrationError> {
    if let Some(busy) = busy(status, headers) {
        return Err(UpstreamRegistrationError::Busy(busy));
    }
    if bytes.len() > MAX_BYTES {
        return Err(UpstreamRegistrationError::Malformed);
    }
    if !status.is_success() {
        let refusal = OauthErrorBody::read(bytes);
        let sent = Sent::default();
        return Err(UpstreamRegistrationError::Refused {
            status: status.as_u16(),
            error: refusal.shown_code(&sent),
            description: refusal.description(&sent),
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
        Some(name) => method_named(&name).ok_or(UpstreamRegistrationError::Method { name: presentable(&name) })?,
        None => asked,
    };
    let method = if secret.is_none() { AuthenticationMethod::None } else { method };
    let secret_expires = answer.client_secret_expires_at.as_ref().and_then(seconds).map(Timestamp);
    Ok(IssuedClient { v: V1, client: GatewayClient::new(id, secret, method), secret_expires })
}

#[derive(Deserialize)]
struct Answer {
    client_id: Option<String>,
    client_secret: Option<String>,
    token_endpoint_auth_method: Option<String>,
    client_secret_expires_at: Option<Value>,
}

/// A number of seconds, also written as text; zero stands for never (RFC 7591 §3.2.1).
fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|seconds| *seconds > 0)
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

impl UpstreamRegistrationError {
    /// Whether it may be about a member that the issuer does not know, which it ought to ignore (RFC 7591 §2).
    pub fn may_be_of_unknown_member(&self) -> bool {
        let Self::Refused { status: 400, error, .. } = self else { return false };
        error.as_deref() != Some("invalid_redirect_uri")
    }
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
