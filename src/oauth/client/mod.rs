//! A client: who asks, where it may be sent back to, and how it proves itself at the token endpoint (OAuth 2.1 §2).
//!
//! Not here: where clients come from: `registration` (asked here), `client_document` (published by themselves), or the
//! operator's configuration.

pub mod assertion;
pub mod document;
pub mod id;
pub mod keys;
pub mod metadata;
pub mod redirect;
pub mod redirect_policy;
pub mod registered;
pub mod registration;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::authentication_method::AuthenticationMethod;
use super::scope::ScopeSet;
use crate::reasons::reasons;
use crate::secret::{Digested, Secret};
use keys::ClientKeys;
use redirect::RedirectUri;

/// A client whose metadata is known and fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// What it calls itself; nobody has checked it.
    pub name: Option<String>,
    /// Where codes may be sent; never empty.
    pub redirect_uris: Vec<RedirectUri>,
    /// How it proves itself.
    pub authentication: Authentication,
    /// Who vouches for it.
    pub source: ClientSource,
    /// What it may use at the token endpoint.
    pub grant_types: Vec<GrantType>,
    /// The scope it registered, if any.
    pub scope: Option<ScopeSet>,
    /// Whether it wants no access token that is not bound to a key (RFC 9449 §5.2).
    pub dpop_bound: bool,
}

/// Who vouches for a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientSource {
    /// Nobody: it registered itself (RFC 7591).
    Registered,
    /// Whoever runs this host: the client id is the address of a document there.
    Document {
        /// The host, to be shown on the consent page.
        host: String,
    },
    /// The operator.
    Preregistered,
}

/// What a client may use at the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// OAuth 2.1 §4.1.
    AuthorizationCode,
    /// OAuth 2.1 §4.3.
    RefreshToken,
}

/// How a client gets refresh tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refreshing {
    /// Not at all: it did not register the grant type.
    Never,
    /// By asking for `offline_access`.
    ByScope,
    /// By having registered the grant type. The scope it registered has no `offline_access`, so it will never ask for
    /// that: the TypeScript SDK 1.x takes its scope from the challenge, where `offline_access` must not be.
    ByGrantType,
}

/// How a client proves itself, with the digest of the secret it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", content = "secret")]
pub enum Authentication {
    /// A public client: it proves nothing but possession of codes and verifiers.
    #[serde(rename = "none")]
    None,
    /// Its secret in `Authorization: Basic`.
    #[serde(rename = "client_secret_basic")]
    Basic(Digested),
    /// Its secret in the form.
    #[serde(rename = "client_secret_post")]
    Post(Digested),
    /// Its secret in either place: it never said where.
    #[serde(rename = "client_secret")]
    Secret(Digested),
    /// An assertion that it signs.
    #[serde(rename = "private_key_jwt")]
    Assertion(ClientKeys),
}

impl Authentication {
    /// What the gateway takes of its clients, as the metadata document lists it.
    pub const METHODS: [AuthenticationMethod; 3] =
        [AuthenticationMethod::None, AuthenticationMethod::ClientSecretBasic, AuthenticationMethod::ClientSecretPost];

    /// Reads `token_endpoint_auth_method`.
    pub fn method_named(name: &str) -> Option<AuthenticationMethod> {
        AuthenticationMethod::named(name, &Self::METHODS)
    }

    /// The method a client named, or none, with its secret.
    pub fn new(method: Option<AuthenticationMethod>, secret: &Secret) -> Self {
        match method {
            Some(AuthenticationMethod::None) => Self::None,
            Some(AuthenticationMethod::ClientSecretBasic) => Self::Basic(secret.digest()),
            Some(AuthenticationMethod::ClientSecretPost) => Self::Post(secret.digest()),
            Some(AuthenticationMethod::PrivateKeyJwt) | None => Self::Secret(secret.digest()),
        }
    }

    /// The method to tell the client; Basic where it may use either (RFC 7591 §2).
    pub fn method(&self) -> AuthenticationMethod {
        match self {
            Self::None => AuthenticationMethod::None,
            Self::Basic(_) | Self::Secret(_) => AuthenticationMethod::ClientSecretBasic,
            Self::Post(_) => AuthenticationMethod::ClientSecretPost,
            Self::Assertion(_) => AuthenticationMethod::PrivateKeyJwt,
        }
    }
}

/// What a token request says about its client (OAuth 2.1 §2.4).
#[derive(Debug, Clone)]
pub struct ClientCredentials {
    /// `client_id`, or the user name of `Authorization: Basic`.
    pub id: Option<String>,
    /// `client_secret`, or the password.
    pub secret: Option<Secret>,
    /// Whether they came by `Authorization: Basic`.
    pub basic: bool,
    /// `client_assertion`.
    pub assertion: Option<Secret>,
}

impl Client {
    /// The client behind the URL of a metadata document, where the token endpoint does not read that: one that proves
    /// nothing. What was granted to one that signs is not given to it (`grant`).
    pub fn of_document(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: None,
            redirect_uris: Vec::new(),
            authentication: Authentication::None,
            source: ClientSource::Document { host: String::new() },
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            scope: None,
            dpop_bound: false,
        }
    }

    /// What pages call it: its name, or what stands for its id where it has none.
    pub fn label(&self) -> String {
        self.name.clone().unwrap_or_else(|| id::reference(&self.id))
    }

    /// Whether the operator set it up, and so vouches for it.
    pub fn is_preregistered(&self) -> bool {
        self.source == ClientSource::Preregistered
    }

    /// Whether it proves itself at the token endpoint. One that does not is whoever brings the code and the verifier.
    pub fn authenticates(&self) -> bool {
        self.authentication != Authentication::None
    }

    /// Whether a token request comes from this client (OAuth 2.1 §2.4). Secrets are compared by digest in constant
    /// time. Of one that signs assertions it is only said that there is one: whoever has its keys verifies it.
    pub fn authenticate(&self, presented: &ClientCredentials) -> Result<(), ClientError> {
        if presented.id.as_deref() != Some(self.id.as_str()) {
            return Err(ClientError::WrongClient);
        }
        // An empty password is how Basic says that there is none.
        let secret = presented.secret.as_ref().filter(|secret| !secret.expose().is_empty());
        match (&self.authentication, &presented.assertion) {
            (Authentication::Assertion(_), Some(_)) => return Ok(()),
            (_, Some(_)) => return Err(ClientError::UnexpectedAssertion),
            (_, None) => {}
        }
        let (digest, fits) = match &self.authentication {
            Authentication::Assertion(_) => return Err(ClientError::MissingAssertion),
            Authentication::None if secret.is_some() => return Err(ClientError::UnexpectedSecret),
            Authentication::None => return Ok(()),
            Authentication::Basic(digest) => (digest, presented.basic),
            Authentication::Post(digest) => (digest, !presented.basic),
            Authentication::Secret(digest) => (digest, true),
        };
        let secret = secret.ok_or(ClientError::MissingSecret)?;
        if !fits {
            return Err(ClientError::WrongMethod { registered: self.authentication.method() });
        }
        let same = secret.digest().as_str().as_bytes().ct_eq(digest.as_str().as_bytes());
        if same.into() { Ok(()) } else { Err(ClientError::WrongSecret) }
    }

    /// How it gets refresh tokens.
    pub fn refreshing(&self) -> Refreshing {
        match &self.scope {
            _ if !self.grant_types.contains(&GrantType::RefreshToken) => Refreshing::Never,
            Some(scope) if !scope.contains(ScopeSet::OFFLINE_ACCESS) => Refreshing::ByGrantType,
            _ => Refreshing::ByScope,
        }
    }

    /// Changes whenever the client shows or does something else than what a person consented to.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update(u64::try_from(text.len()).unwrap_or_default().to_be_bytes());
            hash.update(text.as_bytes());
        };
        part(self.name.as_deref().unwrap_or_default());
        part(self.authentication.method().as_str());
        part(match &self.source {
            ClientSource::Registered => "registered",
            ClientSource::Document { host } => host,
            ClientSource::Preregistered => "preregistered",
        });
        let mut uris: Vec<&str> = self.redirect_uris.iter().map(RedirectUri::as_str).collect();
        uris.sort_unstable();
        uris.into_iter().for_each(part);
        Base64UrlUnpadded::encode_string(&hash.finalize())
    }
}

/// Why a client is not believed; each is `invalid_client` on the wire (OAuth 2.1 §3.2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientError {
    /// No `client_id`, or another one.
    WrongClient,
    /// A confidential client without its secret.
    MissingSecret,
    /// A public client with a secret, which then is somebody else's.
    UnexpectedSecret,
    /// The secret came in the other place.
    WrongMethod {
        /// The method it registered.
        registered: AuthenticationMethod,
    },
    /// Not its secret.
    WrongSecret,
    /// A client with keys that signed nothing.
    MissingAssertion,
    /// A client without keys that sends an assertion.
    UnexpectedAssertion,
}

reasons! { ClientError:
    WrongClient => "client_mismatch", "the request does not name this client";
    MissingSecret => "client_secret_missing", "this client has a secret and must send it";
    UnexpectedSecret => "client_secret_unexpected", "this client is registered without a secret but sent one";
    WrongMethod { registered } => "client_auth_method_wrong", "this client is registered for {}", registered.as_str();
    WrongSecret => "client_secret_wrong", "the client secret is wrong";
    MissingAssertion => "client_assertion_missing", "this client has keys and must sign an assertion";
    UnexpectedAssertion => "client_assertion_unexpected", "this client has no keys here and sent an assertion";
}

impl std::error::Error for ClientError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::authentication_method::AuthenticationMethod as Method;

    fn client(authentication: Authentication) -> Client {
        Client {
            id: "mcpg_client_x".to_owned(),
            name: Some("Claude".to_owned()),
            redirect_uris: vec![RedirectUri::parse("https://claude.ai/api/mcp/auth_callback").unwrap()],
            authentication,
            source: ClientSource::Registered,
            grant_types: vec![GrantType::AuthorizationCode],
            scope: None,
            dpop_bound: false,
        }
    }

    fn presents(secret: Option<&str>, basic: bool) -> ClientCredentials {
        ClientCredentials {
            id: Some("mcpg_client_x".to_owned()),
            secret: secret.map(Secret::new),
            basic,
            assertion: None,
        }
    }

    #[test]
    fn refresh_tokens_are_asked_for_by_scope_or_where_that_cannot_be_by_grant_type() {
        let refreshing = |grants: &[GrantType], scope: Option<&[&str]>| {
            let client = client(Authentication::None);
            Client { grant_types: grants.to_vec(), scope: scope.map(ScopeSet::of), ..client }.refreshing()
        };
        let both = [GrantType::AuthorizationCode, GrantType::RefreshToken];
        assert_eq!(refreshing(&both, None), Refreshing::ByScope);
        assert_eq!(refreshing(&both, Some(&["mcp:tools", "offline_access"])), Refreshing::ByScope);
        assert_eq!(refreshing(&both, Some(&["mcp:tools"])), Refreshing::ByGrantType);
        assert_eq!(refreshing(&[GrantType::AuthorizationCode], Some(&["mcp:tools"])), Refreshing::Never);
    }

    #[test]
    fn the_operator_vouches_for_no_client_but_its_own() {
        let of = |source| Client { source, ..client(Authentication::None) }.is_preregistered();
        assert!(of(ClientSource::Preregistered));
        assert!(!of(ClientSource::Registered) && !of(ClientSource::Document { host: "claude.ai".to_owned() }));
    }

    #[test]
    fn every_method_against_every_way_to_present() {
        use ClientError as E;
        let secret = Secret::new("s");
        let wrong = |registered| Err(E::WrongMethod { registered });
        let table = [
            (Some(Method::None), [Ok(()), Ok(()), Err(E::UnexpectedSecret), Err(E::UnexpectedSecret)]),
            (
                Some(Method::ClientSecretBasic),
                [Err(E::MissingSecret), Err(E::MissingSecret), Ok(()), wrong(Method::ClientSecretBasic)],
            ),
            (
                Some(Method::ClientSecretPost),
                [Err(E::MissingSecret), Err(E::MissingSecret), wrong(Method::ClientSecretPost), Ok(())],
            ),
            (None, [Err(E::MissingSecret), Err(E::MissingSecret), Ok(()), Ok(())]),
        ];
        for (method, outcomes) in table {
            let client = client(Authentication::new(method, &secret));
            let ways = [(None, false), (Some(""), true), (Some("s"), true), (Some("s"), false)];
            for ((text, basic), outcome) in ways.into_iter().zip(outcomes) {
                assert_eq!(client.authenticate(&presents(text, basic)), outcome, "{method:?} {text:?} {basic}");
            }
        }
    }

    #[test]
    fn another_secret_or_another_client_is_refused() {
        let client = client(Authentication::new(None, &Secret::new("s")));
        assert_eq!(client.authenticate(&presents(Some("t"), true)), Err(ClientError::WrongSecret));
        for id in [None, Some("mcpg_client_y".to_owned())] {
            let presented = ClientCredentials { id, ..presents(Some("s"), true) };
            assert_eq!(client.authenticate(&presented), Err(ClientError::WrongClient));
        }
    }

    #[test]
    fn the_fingerprint_changes_with_what_a_person_saw_and_with_nothing_else() {
        let known = client(Authentication::None);
        let second = RedirectUri::parse("https://claude.com/api/mcp/auth_callback").unwrap();
        let both = [known.redirect_uris[0].clone(), second];
        let renamed = Client { name: Some("Cursor".to_owned()), ..known.clone() };
        let moved = Client { redirect_uris: both.to_vec(), ..known.clone() };
        let elsewhere = Client { source: ClientSource::Document { host: "claude.ai".to_owned() }, ..known.clone() };
        let confidential = client(Authentication::new(None, &Secret::new("s")));
        for changed in [&renamed, &moved, &elsewhere, &confidential] {
            assert_ne!(changed.fingerprint(), known.fingerprint());
        }
        let turned = Client { redirect_uris: both.into_iter().rev().collect(), ..known };
        assert_eq!(turned.fingerprint(), moved.fingerprint());
    }

    #[test]
    fn no_secret_is_printed() {
        let shown = format!("{:?}", presents(Some("hunter2"), true));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
