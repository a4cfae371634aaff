//! Client metadata (RFC 7591 §2) as a client sends or publishes it: read once, for registrations and documents alike.
//!
//! What the gateway has no use for (logos, contacts, `application_type`) is accepted and ignored. Not here: what only
//! one of the two demands; that is `registration`'s and `client_document`'s.

use std::fmt;

use serde::Deserialize;
use serde::de::IgnoredAny;
use url::Url;

use super::GrantType;
use super::keys::ClientKeys;
use super::redirect::{RedirectUri, RedirectUriError};
use super::redirect_policy::RedirectPolicy;
use crate::json::{Node, PathStep};
use crate::oauth::scope::ScopeSet;

const LONGEST_NAME: usize = 200;
const MOST_URIS: usize = 20;

/// The fields as sent; `null` counts as absent.
#[derive(Deserialize)]
pub struct ClientMetadata {
    /// Only a document has it.
    pub client_id: Option<String>,
    /// How the client wants to authenticate.
    pub token_endpoint_auth_method: Option<String>,
    /// Whether a document carries a secret, which everybody could read.
    #[serde(default)]
    pub client_secret: Present,
    /// Goes with a secret.
    #[serde(default)]
    pub client_secret_expires_at: Present,
    /// Whether its access tokens shall be bound to a key (RFC 9449 §5.2).
    pub dpop_bound_access_tokens: Option<bool>,
    jwks: Option<serde_json::Value>,
    jwks_uri: Option<String>,
    client_name: Option<String>,
    redirect_uris: Option<Vec<String>>,
    grant_types: Option<Vec<String>>,
    scope: Option<String>,
    response_types: Option<Vec<String>>,
}

/// Whether a field is there, whatever it holds.
#[derive(Default)]
pub struct Present(pub bool);

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self(true))
    }
}

impl ClientMetadata {
    /// Reads a JSON object in which no field we know occurs twice.
    pub fn parse(bytes: &[u8]) -> Result<Self, MetadataError> {
        let node = Node::parse(bytes).map_err(|_| MetadataError::NotAnObject)?;
        node.read().map_err(|error| match error.path().next() {
            Some(PathStep::Member(field)) => MetadataError::WrongType { field: field.chars().take(64).collect() },
            _ => MetadataError::NotAnObject,
        })
    }

    /// The name, if it can be shown to a person without misleading them.
    pub fn name(&self) -> Result<Option<String>, MetadataError> {
        let name = self.client_name.as_deref().unwrap_or_default().trim();
        if name.chars().count() > LONGEST_NAME {
            return Err(MetadataError::LongName);
        }
        if name.chars().any(misleads) {
            return Err(MetadataError::MisleadingName);
        }
        Ok(Some(name.to_owned()).filter(|name| !name.is_empty()))
    }

    /// The keys of a client that signs: one set, here or at an address of its own.
    pub fn keys(&self, is_own: impl Fn(&Url) -> bool, loopback_allowed: bool) -> Result<ClientKeys, MetadataError> {
        let keys = match (&self.jwks, &self.jwks_uri) {
            (Some(set), None) => ClientKeys::inline(set),
            (None, Some(address)) => ClientKeys::fetched(address, is_own, loopback_allowed),
            _ => None,
        };
        keys.ok_or(MetadataError::Keys)
    }

    /// The redirect URIs that may be used. Unfit ones among them are left out, because a client lists those of all its
    /// variants and uses one; if none remains, the error names the first and its rule.
    pub fn redirect_uris(&self, policy: &RedirectPolicy) -> Result<Vec<RedirectUri>, MetadataError> {
        let asked = self.redirect_uris.as_deref().unwrap_or_default();
        let first = asked.first().ok_or(MetadataError::Missing { field: "redirect_uris" })?;
        if asked.len() > MOST_URIS {
            return Err(MetadataError::ManyRedirectUris);
        }
        let mut admitted: Vec<RedirectUri> = Vec::new();
        for uri in asked.iter().filter_map(|text| policy.admit(text).ok()) {
            if !admitted.contains(&uri) {
                admitted.push(uri);
            }
        }
        match policy.admit(first) {
            Err(rule) if admitted.is_empty() => {
                Err(MetadataError::RedirectUri { uri: first.chars().take(200).collect(), rule })
            }
            _ => Ok(admitted),
        }
    }

    /// The grant types it may use. A client that names none gets both: most that leave the field out refresh all the
    /// same (RFC 7591 §2 lets the server decide).
    pub fn grant_types(&self) -> Result<Vec<GrantType>, MetadataError> {
        let Some(asked) = &self.grant_types else {
            return Ok(vec![GrantType::AuthorizationCode, GrantType::RefreshToken]);
        };
        if !asked.iter().any(|name| name == "authorization_code") {
            return Err(MetadataError::Unsupported {
                field: "grant_types",
                supported: "authorization_code, refresh_token",
            });
        }
        let refresh = asked.iter().any(|name| name == "refresh_token").then_some(GrantType::RefreshToken);
        Ok([GrantType::AuthorizationCode].into_iter().chain(refresh).collect())
    }

    /// The scope it registered, if that can be read; what it asks for at the authorization endpoint is judged there.
    pub fn scope(&self) -> Option<ScopeSet> {
        self.scope.as_deref().and_then(|text| ScopeSet::parse(text).ok()).filter(|scope| !scope.is_empty())
    }

    /// `code` has to be among the response types, if any are named.
    pub fn check_response_types(&self) -> Result<(), MetadataError> {
        match &self.response_types {
            Some(asked) if !asked.iter().any(|name| name == "code") => {
                Err(MetadataError::Unsupported { field: "response_types", supported: "code" })
            }
            _ => Ok(()),
        }
    }
}

/// Which rule client metadata breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetadataError {
    /// Not one JSON object with each known field at most once.
    NotAnObject,
    /// A field holds another type than RFC 7591 gives it.
    WrongType {
        /// The field, as sent.
        field: String,
    },
    /// A field that is needed is not there, or empty.
    Missing {
        /// Its name.
        field: &'static str,
    },
    /// A field asks for something the gateway does not have.
    Unsupported {
        /// Its name.
        field: &'static str,
        /// What the gateway has.
        supported: &'static str,
    },
    /// `client_name` has more than 200 characters.
    LongName,
    /// `client_name` has characters that are invisible or change what a person reads around them.
    MisleadingName,
    /// A client that signs has no public keys, or not at an address of its own.
    Keys,
    /// More than 20 redirect URIs.
    ManyRedirectUris,
    /// No redirect URI can be used.
    RedirectUri {
        /// The first of them, cut to 200 characters.
        uri: String,
        /// What is wrong with it.
        rule: RedirectUriError,
    },
}

impl fmt::Display for MetadataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnObject => f.write_str("it is not one JSON object with each field once"),
            Self::WrongType { field } => write!(f, "{field} does not have the type that RFC 7591 section 2 gives it"),
            Self::Missing { field } => write!(f, "{field} is missing"),
            Self::Unsupported { field, supported } => write!(f, "{field} has to be of: {supported}"),
            Self::LongName => write!(f, "client_name is longer than {LONGEST_NAME} characters"),
            Self::MisleadingName => f.write_str("client_name has control or invisible characters"),
            Self::Keys => f.write_str(
                "private_key_jwt needs public keys: jwks, or jwks_uri at the origin of the document or a redirect URI",
            ),
            Self::ManyRedirectUris => write!(f, "redirect_uris has more than {MOST_URIS} entries"),
            Self::RedirectUri { uri, rule } => write!(f, "redirect_uris has no usable entry; {uri}: {rule}"),
        }
    }
}

impl std::error::Error for MetadataError {}

/// Control characters, and the Unicode ones that reorder or hide text (Unicode TR 36 §2).
fn misleads(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(character, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
        || matches!(character, '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn metadata(json: &str) -> ClientMetadata {
        ClientMetadata::parse(json.as_bytes()).unwrap_or_else(|error| panic!("{json}: {error}"))
    }

    #[test]
    fn only_one_object_with_each_field_once() {
        for json in [
            "",
            "[]",
            "[null,null,1,1,null,null,null,null]",
            "{",
            "{} {}",
            "null",
            "{\"client_name\":\"a\",\"client_name\":\"b\"}",
        ] {
            assert_eq!(ClientMetadata::parse(json.as_bytes()).err(), Some(MetadataError::NotAnObject), "{json}");
        }
        let error = ClientMetadata::parse(b"{\"redirect_uris\":[\"a\",1]}").err();
        assert_eq!(error, Some(MetadataError::WrongType { field: "redirect_uris".to_owned() }));
    }

    #[test]
    fn fields_we_do_not_use_are_ignored() {
        let json = r#"{"application_type":"native","contacts":[1],"logo_uri":null,"x":{"y":[]},"client_name":null}"#;
        assert_eq!(metadata(json).name(), Ok(None));
    }

    #[test]
    fn a_name_that_misleads_is_refused() {
        assert_eq!(metadata(r#"{"client_name":" Клод 🤖 "}"#).name(), Ok(Some("Клод 🤖".to_owned())));
        assert_eq!(metadata(r#"{"client_name":"  "}"#).name(), Ok(None));
        for name in ["a\\nb", "a\\u202eb", "a\\u200bb", "a\\u0000"] {
            let json = format!("{{\"client_name\":\"{name}\"}}");
            assert_eq!(metadata(&json).name(), Err(MetadataError::MisleadingName), "{name}");
        }
        let json = format!("{{\"client_name\":\"{}\"}}", "a".repeat(201));
        assert_eq!(metadata(&json).name(), Err(MetadataError::LongName));
    }

    #[test]
    fn an_unfit_redirect_uri_among_others_is_left_out() {
        let open = RedirectPolicy::default();
        let json =
            r#"{"redirect_uris":["foo://x/cb","http://localhost:8787/callback","http://localhost:8787/callback"]}"#;
        let admitted = metadata(json).redirect_uris(&open).unwrap();
        assert_eq!(admitted.iter().map(RedirectUri::as_str).collect::<Vec<_>>(), ["http://localhost:8787/callback"]);
        let error =
            metadata(r#"{"redirect_uris":["http://a.example/cb","foo://x/cb"]}"#).redirect_uris(&open).unwrap_err();
        let uri = "http://a.example/cb".to_owned();
        assert_eq!(error, MetadataError::RedirectUri { uri, rule: RedirectUriError::Insecure });
        for json in ["{}", r#"{"redirect_uris":[]}"#, r#"{"redirect_uris":null}"#] {
            let missing = MetadataError::Missing { field: "redirect_uris" };
            assert_eq!(metadata(json).redirect_uris(&open), Err(missing), "{json}");
        }
        let json = format!("{{\"redirect_uris\":[{}\"\"]}}", "\"https://a.example/\",".repeat(20));
        assert_eq!(metadata(&json).redirect_uris(&open), Err(MetadataError::ManyRedirectUris));
    }

    #[test]
    fn grant_and_response_types_fit_or_are_named() {
        use GrantType::{AuthorizationCode, RefreshToken};
        for (json, grant_types) in [
            ("{}", vec![AuthorizationCode, RefreshToken]),
            (r#"{"grant_types":["authorization_code"]}"#, vec![AuthorizationCode]),
            (r#"{"grant_types":["refresh_token","authorization_code","x"]}"#, vec![AuthorizationCode, RefreshToken]),
        ] {
            assert_eq!(metadata(json).grant_types(), Ok(grant_types), "{json}");
        }
        for json in [r#"{"grant_types":["implicit"]}"#, r#"{"grant_types":[]}"#] {
            let error = metadata(json).grant_types().unwrap_err();
            assert!(matches!(error, MetadataError::Unsupported { field: "grant_types", .. }), "{json}");
        }
        assert!(metadata(r#"{"response_types":["code","token"]}"#).check_response_types().is_ok());
        assert!(metadata(r#"{"response_types":["token"]}"#).check_response_types().is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn any_bytes_read_or_are_refused(
            bytes in prop::collection::vec(any::<u8>(), 0..100),
            value in "\\PC{0,20}|\\[\\]|\\[\"[ -!#-\\[\\]-~]{0,30}\"\\]|null|1",
        ) {
            let _ = ClientMetadata::parse(&bytes);
            for field in ["redirect_uris", "client_name", "grant_types"] {
                if let Ok(read) = ClientMetadata::parse(format!("{{\"{field}\":{value}}}").as_bytes()) {
                    let _ = (read.name(), read.redirect_uris(&RedirectPolicy::default()), read.grant_types());
                }
            }
        }
    }
}
