//! Client ID Metadata Documents: the client id is a URL, and the document there is the client
//! (draft-ietf-oauth-client-id-metadata-document).
//!
//! Anybody chooses that URL, so it is judged before it is fetched, and of what the document names
//! nothing is fetched but its keys, at its own origin.
//!
//! Not here: the fetch. It asks for [`LIMIT`] bytes at most, follows no redirect, and may keep the bytes of a document
//! that fitted for [`cache_lifetime`]; read again, they go through [`parse_document`] again.

use url::Url;

use super::metadata::{ClientMetadata, MetadataError};
use super::redirect_policy::RedirectPolicy;
use super::{Authentication, Client, ClientSource};
use crate::headers::{AGE, CACHE_CONTROL, HeaderMap};
use crate::loopback;
use crate::oauth::address;
use crate::oauth::address::NotPublic;
use crate::reasons::reasons;
use crate::time::Lifetime;

#[cfg(test)]
mod tests;

/// The most a document may hold (CIMD §8.7).
pub const LIMIT: usize = 5 * 1024;

const LONGEST_ID: usize = 2048;
const SHORTEST: Lifetime = Lifetime::minutes(5);
const LONGEST: Lifetime = Lifetime::hours(24);

/// Whether a client id is meant as the address of a document, rightly or wrongly.
pub fn is_document_id(text: &str) -> bool {
    ["https:", "http:"]
        .iter()
        .any(|scheme| text.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme)))
}

/// Reads a client id as the address of its document (CIMD §3). Loopback is for development: it is allowed only where
/// the gateway itself is on loopback.
pub fn parse_client_id(text: &str, loopback_allowed: bool) -> Result<Url, DocumentError> {
    if text.len() > LONGEST_ID {
        return Err(DocumentError::LongId);
    }
    let url = Url::parse(text).map_err(|_| DocumentError::NotUrl)?;
    let host = url.host().ok_or(DocumentError::NotUrl)?;
    let loopback = loopback_allowed && loopback::is_named(&url);
    if url.scheme() != "https" && !(loopback && url.scheme() == "http") {
        return Err(DocumentError::NotHttps);
    }
    if url.fragment().is_some() {
        return Err(DocumentError::Fragment);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(DocumentError::UserInfo);
    }
    if url.path() == "/" {
        return Err(DocumentError::NoPath);
    }
    // The id is compared as text, also by the client; so the text has to be what is fetched. This refuses dot segments
    // too.
    if url.as_str() != text {
        return Err(DocumentError::NotCanonical);
    }
    if !loopback {
        address::check(&host).map_err(DocumentError::NotPublic)?;
    }
    Ok(url)
}

/// Reads the answer to fetching a client id (CIMD §5).
pub fn parse_document(
    url: &Url,
    status: u16,
    content_type: Option<&str>,
    bytes: &[u8],
    policy: &RedirectPolicy,
) -> Result<Client, DocumentError> {
    match status {
        200 => {}
        300..=399 => return Err(DocumentError::Redirected),
        _ => return Err(DocumentError::Status { status }),
    }
    if !is_json(content_type.unwrap_or_default()) {
        return Err(DocumentError::NotJson);
    }
    if bytes.len() > LIMIT {
        return Err(DocumentError::TooLarge);
    }
    let metadata = ClientMetadata::parse(bytes)?;
    match metadata.client_id.as_deref() {
        None => return Err(MetadataError::Missing { field: "client_id" }.into()),
        Some(id) if id != url.as_str() => return Err(DocumentError::OtherClientId),
        Some(_) => {}
    }
    if metadata.client_secret.0 || metadata.client_secret_expires_at.0 {
        return Err(DocumentError::Secret);
    }
    // Without the field: it can have no secret, so the default of RFC 7591 cannot be meant.
    let authentication = match metadata.token_endpoint_auth_method.as_deref() {
        None | Some("none") => Authentication::None,
        Some("private_key_jwt") => {
            let is_own = |keys: &Url| keys.origin() == url.origin();
            Authentication::Assertion(metadata.keys(is_own, loopback::is_named(url))?)
        }
        Some(_) => return Err(DocumentError::Authentication),
    };
    metadata.check_response_types()?;
    Ok(Client {
        id: url.as_str().to_owned(),
        name: Some(metadata.name()?.ok_or(MetadataError::Missing { field: "client_name" })?),
        redirect_uris: metadata.redirect_uris(policy)?,
        authentication,
        source: ClientSource::Document { host: url.host_str().unwrap_or_default().to_owned() },
        grant_types: metadata.grant_types()?,
        scope: metadata.scope(),
        dpop_bound: metadata.dpop_bound_access_tokens.unwrap_or_default(),
    })
}

/// How long a fetched document that fits may be used: what its server says, but 5 minutes at least and 24 hours at most
/// (CIMD §5.2). Without a word about it, 5 minutes. Failures are not kept.
pub fn cache_lifetime(headers: &HeaderMap) -> Lifetime {
    let directives: Vec<String> = headers
        .get_all(CACHE_CONTROL)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|directive| directive.trim().to_ascii_lowercase())
        .collect();
    if directives.iter().any(|directive| ["no-store", "no-cache", "private"].contains(&directive.as_str())) {
        return SHORTEST;
    }
    // The gateway is a shared cache, for which s-maxage goes before max-age (RFC 9111 §5.2.2.10).
    let seconds = |name: &str| {
        let mut values = directives.iter().filter_map(|directive| directive.strip_prefix(name)?.strip_prefix('='));
        values.next().map(|value| value.trim_matches('"').parse::<u64>().unwrap_or_default())
    };
    let age = headers.get(AGE).and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or_default();
    let fresh = seconds("s-maxage").or_else(|| seconds("max-age")).unwrap_or_default().saturating_sub(age);
    Lifetime(fresh).clamp(SHORTEST, LONGEST)
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || essence.starts_with("application/") && essence.ends_with("+json")
}

/// Which rule a client id or its document breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentError {
    /// The client id has more than 2048 bytes.
    LongId,
    /// The client id cannot be read as a URL.
    NotUrl,
    /// CIMD §3: the scheme is https.
    NotHttps,
    /// CIMD §3: no fragment.
    Fragment,
    /// CIMD §3: no user name or password.
    UserInfo,
    /// CIMD §3: there is a path.
    NoPath,
    /// CIMD §3: no dot segments; and written exactly as a URL parser writes it, because it is compared as text.
    NotCanonical,
    /// CIMD §8.6: not a host of the public internet.
    NotPublic(NotPublic),
    /// The host did not answer in time, or cut the answer.
    Unreachable,
    /// CIMD §5: redirects are not followed.
    Redirected,
    /// CIMD §5: only 200 is a document.
    Status {
        /// What came instead.
        status: u16,
    },
    /// CIMD §5: `application/json` or a type ending in `+json`.
    NotJson,
    /// CIMD §8.7: more than 5 KiB.
    TooLarge,
    /// CIMD §5: `client_id` in the document is its URL, character by character.
    OtherClientId,
    /// CIMD §5: a document that everybody can read holds no secret.
    Secret,
    /// CIMD §5: no method with a shared secret.
    Authentication,
    /// A rule of client metadata in general.
    Metadata(MetadataError),
}

impl From<MetadataError> for DocumentError {
    fn from(error: MetadataError) -> Self {
        Self::Metadata(error)
    }
}

reasons! { DocumentError:
    LongId => "client_document_long_id", "the client_id is longer than 2048 bytes";
    NotUrl => "client_document_not_url", "the client_id is not a URL";
    NotHttps => "client_document_not_https", "the client_id URL is not https";
    Fragment => "client_document_fragment", "the client_id URL has a fragment";
    UserInfo => "client_document_user_info", "the client_id URL has a user name or password";
    NoPath => "client_document_no_path", "the client_id URL has no path";
    NotCanonical => "client_document_not_canonical",
        "the client_id URL has dot segments, a default port, upper case in its host or characters to be escaped";
    NotPublic(NotPublic::Address) => "client_document_not_public",
        "the client_id URL has a private or reserved address";
    NotPublic(NotPublic::Name) => "client_document_not_public",
        "the client_id URL has a host name that is not public";
    Unreachable => "client_document_unreachable", "the client metadata document could not be fetched";
    Redirected => "client_document_redirected",
        "the client metadata document is redirected, and redirects are not followed";
    Status { status } => "client_document_status",
        "fetching the client metadata document gave status {status} instead of 200";
    NotJson => "client_document_not_json", "the client metadata document is not served as application/json";
    TooLarge => "client_document_too_large", "the client metadata document is larger than 5 KiB";
    OtherClientId => "client_document_other_client_id",
        "client_id in the client metadata document is not the URL it was fetched from";
    Secret => "client_document_secret",
        "the client metadata document has client_secret or client_secret_expires_at";
    Authentication => "client_document_authentication",
        "token_endpoint_auth_method in the client metadata document has to be none or private_key_jwt";
    Metadata(error) => "client_document_metadata", "the client metadata document does not fit: {error}";
}

impl std::error::Error for DocumentError {}
