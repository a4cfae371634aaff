//! A client that registered itself: sealed into its own id until it first gets a token, and stored from then on. An
//! anonymous caller cannot make the gateway store anything, and most registrations are never used.
//!
//! Not here: the registration request and its answer (`registration`), where records are kept (`flow`).

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};

use super::id::{ID_PREFIX, sealed_part};
use super::keys::ClientKeys;
use super::redirect::RedirectUri;
use super::{Authentication, Client, ClientSource, GrantType};
use crate::oauth::authentication_method::AuthenticationMethod;
use crate::oauth::scope::ScopeSet;
use crate::secret::Secret;
use crate::time::{Lifetime, Timestamp};
use crate::vault::{KeyRing, OpenError, Purpose};
use crate::version::V1;

const SECRET_PREFIX: &str = "mcpg_secret_";

/// Claude registers anew for each connection, so most registrations are never used or used for one grant. A day, and an
/// hour in which who began at its end can sign in, consent and connect.
const UNUSED: Lifetime = Lifetime::hours(24 + 1);
/// Longer than the longest refresh token may live.
const USED: Lifetime = Lifetime::days(400);
/// A use is noted again only after this long: storage allows one write a second for a key, and reads are cheap.
const NOTE_AGAIN: Lifetime = Lifetime::days(30);

/// What a client registered. The names are short where it is sealed, because its id is that long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredMetadata {
    v: V1,
    /// When it registered.
    #[serde(rename = "t")]
    pub at: Timestamp,
    /// What it calls itself.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where codes may be sent.
    #[serde(rename = "r")]
    pub redirect_uris: Vec<RedirectUri>,
    /// How it authenticates, where it said so.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub method: Option<AuthenticationMethod>,
    /// What it may use at the token endpoint.
    #[serde(rename = "g")]
    pub grant_types: Vec<GrantType>,
    /// The scope it registered, if any.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<ScopeSet>,
    /// Whether its access tokens shall be bound to a key.
    #[serde(rename = "d", default, skip_serializing_if = "std::ops::Not::not")]
    pub dpop_bound: bool,
    /// The keys that it signs with.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<ClientKeys>,
}

impl RegisteredMetadata {
    /// A client of this moment with these redirect URIs, and nothing else said.
    pub fn new(redirect_uris: Vec<RedirectUri>, grant_types: Vec<GrantType>, at: Timestamp) -> Self {
        Self {
            v: V1,
            at,
            name: None,
            redirect_uris,
            method: None,
            grant_types,
            scope: None,
            dpop_bound: false,
            keys: None,
        }
    }
}

/// A registered client; at rest for as long as [`RegisteredClient::expires`] says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredClient {
    v: V1,
    pub(super) id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    pub(super) redirect_uris: Vec<RedirectUri>,
    pub(super) authentication: Authentication,
    pub(super) grant_types: Vec<GrantType>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<ScopeSet>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) dpop_bound: bool,
    pub(super) created: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    used: Option<Timestamp>,
}

impl RegisteredClient {
    /// Seals a registration into an id; `None` if that would be too long. The secret is for who registered, and made
    /// from the id.
    pub fn seal(registered: &RegisteredMetadata, ring: &KeyRing, nonce: [u8; 12]) -> Option<(Self, Secret)> {
        let id = format!("{ID_PREFIX}{}", ring.seal_json(Purpose::ClientId, &[], nonce, registered));
        let secret = secret_of(ring, sealed_part(&id)?).ok()?;
        Some((Self::new(registered.clone(), id, &secret), secret))
    }

    /// Opens a sealed id.
    pub fn open(ring: &KeyRing, id: &str) -> Result<Self, OpenError> {
        let sealed = sealed_part(id).ok_or(OpenError::Malformed)?;
        let registered = ring.open_json(Purpose::ClientId, &[], sealed)?;
        Ok(Self::new(registered, id.to_owned(), &secret_of(ring, sealed)?))
    }

    /// A client whose id and secret are random bytes: one that must be stored from the beginning.
    pub fn random(registered: RegisteredMetadata, id: [u8; 16], secret: [u8; 32]) -> (Self, Secret) {
        let id = format!("{ID_PREFIX}{}", Base64UrlUnpadded::encode_string(&id));
        let secret = Secret::new(format!("{SECRET_PREFIX}{}", Base64UrlUnpadded::encode_string(&secret)));
        (Self::new(registered, id, &secret), secret)
    }

    fn new(registered: RegisteredMetadata, id: String, secret: &Secret) -> Self {
        let RegisteredMetadata { v, at, name, redirect_uris, method, grant_types, scope, dpop_bound, keys } =
            registered;
        let authentication = keys.map_or_else(|| Authentication::new(method, secret), Authentication::Assertion);
        Self { v, id, name, redirect_uris, authentication, grant_types, scope, dpop_bound, created: at, used: None }
    }

    /// `client_id`.
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
            source: ClientSource::Registered,
            grant_types: self.grant_types,
            scope: self.scope,
            dpop_bound: self.dpop_bound,
        }
    }

    /// Notes that it got tokens. `None` if the record is fresh enough to be left alone.
    #[must_use]
    pub fn touch(&self, now: Timestamp) -> Option<Self> {
        let due = self.used.is_none_or(|used| (used + NOTE_AGAIN).reached(now));
        due.then(|| Self { used: Some(now), ..self.clone() })
    }

    /// When it registered.
    pub fn registered_at(&self) -> Timestamp {
        self.created
    }

    /// Whether it ever got tokens.
    pub fn is_used(&self) -> bool {
        self.used.is_some()
    }

    /// When to forget it: soon after registering, if it was never used (RFC 7591 §5), else long after its last use.
    pub fn expires(&self) -> Timestamp {
        self.used.map_or(self.created + UNUSED, |used| used + USED)
    }
}

fn secret_of(ring: &KeyRing, sealed: &str) -> Result<Secret, OpenError> {
    let secret = ring.secret_of(Purpose::ClientId, sealed)?;
    Ok(Secret::new(format!("{SECRET_PREFIX}{}", secret.expose())))
}

#[cfg(test)]
mod tests {
    use crate::oauth::client::id::{LONGEST_ID, is_registered_id, reference, storage_key};
    use crate::secret::Digested;
    use proptest::prelude::*;

    use super::*;
    use crate::oauth::authentication_method::AuthenticationMethod as Method;

    const NOW: Timestamp = Timestamp(1_800_000_000);
    const ONE: &str = "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    const TWO: &str = "2:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";
    const GRANTS: [GrantType; 2] = [GrantType::AuthorizationCode, GrantType::RefreshToken];

    fn ring(text: &str) -> KeyRing {
        KeyRing::parse(&Secret::new(text)).unwrap()
    }

    fn registered(method: Option<Method>) -> RegisteredMetadata {
        let uris = vec![RedirectUri::parse("https://a.example/cb").unwrap()];
        RegisteredMetadata { name: Some("C".to_owned()), method, ..RegisteredMetadata::new(uris, GRANTS.to_vec(), NOW) }
    }

    #[test]
    fn keys_and_what_is_bound_to_them_are_written_beside_what_was_there() {
        let keys = ClientKeys::Fetched("https://a.example/jwks".to_owned());
        let signs = RegisteredMetadata {
            dpop_bound: true,
            keys: Some(keys.clone()),
            ..registered(Some(Method::PrivateKeyJwt))
        };
        let golden = concat!(
            r#"{"v":1,"t":1800000000,"n":"C","r":["https://a.example/cb"],"m":"private_key_jwt","#,
            r#""g":["authorization_code","refresh_token"],"d":true,"k":{"jwks_uri":"https://a.example/jwks"}}"#
        );
        assert_eq!(serde_json::to_string(&signs).unwrap(), golden);
        assert_eq!(serde_json::from_str::<RegisteredMetadata>(golden).unwrap(), signs);
        let (client, _) = RegisteredClient::seal(&signs, &ring(ONE), [7; 12]).unwrap();
        assert_eq!(client.authentication, Authentication::Assertion(keys));
        let stored = serde_json::to_string(&RegisteredClient { id: "c".to_owned(), ..client.clone() }).unwrap();
        let golden = concat!(
            r#"{"v":1,"id":"c","name":"C","redirect_uris":["https://a.example/cb"],"#,
            r#""authentication":{"method":"private_key_jwt","secret":{"jwks_uri":"https://a.example/jwks"}},"#,
            r#""grant_types":["authorization_code","refresh_token"],"dpop_bound":true,"created":1800000000}"#
        );
        assert_eq!(stored, golden);
        assert_eq!(serde_json::from_str::<RegisteredClient>(golden).unwrap().authentication, client.authentication);
    }

    fn sealed(method: Option<Method>) -> (RegisteredClient, Secret) {
        RegisteredClient::seal(&registered(method), &ring(ONE), [7; 12]).unwrap()
    }

    #[test]
    fn what_was_sealed_is_what_opens() {
        for method in [None, Some(Method::None), Some(Method::ClientSecretBasic), Some(Method::ClientSecretPost)] {
            let (client, secret) = sealed(method);
            assert!(is_registered_id(client.id()) && client.id().len() <= LONGEST_ID);
            assert!(secret.expose().starts_with(SECRET_PREFIX));
            assert_eq!(client.authentication, Authentication::new(method, &secret));
            assert_eq!(RegisteredClient::open(&ring(ONE), client.id()), Ok(client));
        }
        let scope = ScopeSet::parse("mcp:tools").ok();
        let narrow = RegisteredMetadata { scope, grant_types: vec![GrantType::AuthorizationCode], ..registered(None) };
        let (client, _) = RegisteredClient::seal(&narrow, &ring(ONE), [7; 12]).unwrap();
        assert_eq!(RegisteredClient::open(&ring(ONE), client.id()), Ok(client));
    }

    #[test]
    fn an_id_and_its_secret_outlive_a_rotation_of_keys_and_end_with_their_key() {
        let (client, _) = sealed(None);
        let both = ring(&format!("{ONE},{TWO}"));
        assert_eq!(RegisteredClient::open(&both, client.id()), Ok(client.clone()));
        assert_eq!(RegisteredClient::open(&ring(TWO), client.id()), Err(OpenError::UnknownKey));
        let (newer, _) = RegisteredClient::seal(&registered(None), &both, [7; 12]).unwrap();
        assert_eq!(RegisteredClient::open(&ring(ONE), newer.id()), Err(OpenError::UnknownKey));
        assert_ne!(newer.authentication, client.authentication);
    }

    #[test]
    fn what_is_too_long_for_an_id_is_not_sealed() {
        let named = |length| RegisteredMetadata { name: Some("n".repeat(length)), ..registered(None) };
        let seal = |length| RegisteredClient::seal(&named(length), &ring(ONE), [7; 12]).map(|(client, _)| client);
        let longest = (0..1000).rev().find_map(seal).unwrap();
        assert!((LONGEST_ID - 2..=LONGEST_ID).contains(&longest.id().len()), "{}", longest.id().len());
        let (random, secret) = RegisteredClient::random(named(1000), [7; 16], [9; 32]);
        assert_eq!(random.id(), "mcpg_client_BwcHBwcHBwcHBwcHBwcHBw");
        assert_eq!(random.authentication, Authentication::new(None, &secret));
        assert!(!is_registered_id(&format!("{ID_PREFIX}{}", "A".repeat(LONGEST_ID))));
    }

    #[test]
    fn a_sealed_id_is_stored_and_named_by_its_digest_and_others_by_themselves() {
        let (client, _) = sealed(None);
        let digest = Digested::of(client.id());
        assert_eq!(storage_key(client.id()), format!("client:{}", digest.as_str()));
        assert_eq!(reference(client.id()), format!("mcpg_client_{}", digest.as_str()));
        assert!(!is_registered_id(&reference(client.id())));
        assert_eq!(reference(&reference(client.id())), reference(client.id()));
        let random = "mcpg_client_BwcHBwcHBwcHBwcHBwcHBw";
        assert_eq!((storage_key(random).as_str(), reference(random).as_str()), (&*format!("client:{random}"), random));
        assert_eq!(reference("https://a.example/client.json"), "https://a.example/client.json");
    }

    #[test]
    fn sealed_bytes() {
        let golden = "mcpg_client_AQAAAAEHBwcHBwcHBwcHBwcO2HkO0m_FntTVF9iCtb2APabYtxqEN12NqW5_iH1uVaHxCZiLA0QNqne9_ujGv2rcCuZeM16UGUE7H7v92KdEU2cu60zRJbgmR-1Cdxt-UZ5bPzpRvcCkymSD96J6S_wjeKXo1V361RKYe2bDsDno8XcYgv0vRUQ3VUgSWPOHRIC79DunvvgzEr4R9zuNbw";
        let contents = r#"{"v":1,"t":1800000000,"n":"C","r":["https://a.example/cb"],"m":"client_secret_post","g":["authorization_code","refresh_token"]}"#;
        assert_eq!(serde_json::to_string(&registered(Some(Method::ClientSecretPost))).unwrap(), contents);
        let (client, secret) = sealed(Some(Method::ClientSecretPost));
        assert_eq!((client.id(), secret.expose()), (golden, "mcpg_secret_CEUseFIkOPvq8B7ElijylbFT1RZHxD5yr8Mbar3VAGA"));
    }

    #[test]
    fn stored_bytes() {
        let (stored, _) = RegisteredClient::random(registered(Some(Method::ClientSecretPost)), [7; 16], [9; 32]);
        let golden = concat!(
            r#"{"v":1,"id":"mcpg_client_BwcHBwcHBwcHBwcHBwcHBw","name":"C","redirect_uris":["https://a.example/cb"],"#,
            r#""authentication":{"method":"client_secret_post","secret":"Tkjo0hBjt9MtmgKzf03qPY_BKl4y4SOlvwtfKKAJAL8"},"#,
            r#""grant_types":["authorization_code","refresh_token"],"created":1800000000}"#,
        );
        assert_eq!(serde_json::to_string(&stored).unwrap(), golden);
        assert_eq!(serde_json::from_str::<RegisteredClient>(golden).unwrap(), stored);
        assert!(serde_json::from_str::<RegisteredClient>(&golden.replace("\"v\":1", "\"v\":2")).is_err());
    }

    #[test]
    fn unused_registrations_are_forgotten_and_used_ones_noted_now_and_then() {
        let (client, _) = sealed(None);
        assert_eq!(client.expires(), NOW + Lifetime::hours(25));
        let used = client.touch(NOW).unwrap();
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
        fn what_we_did_not_seal_does_not_open(text in "\\PC{0,60}|mcpg_client_AQAAAAE[A-Za-z0-9_-]{30,300}") {
            prop_assert!(RegisteredClient::open(&ring(ONE), &text).is_err());
        }

        #[test]
        fn one_changed_character_is_noticed(at: proptest::sample::Index, to in "[A-Za-z0-9_-]") {
            let (client, _) = sealed(None);
            let at = at.index(client.id().len());
            let mut changed = client.id().to_owned();
            changed.replace_range(at..=at, &to);
            prop_assert_eq!(RegisteredClient::open(&ring(ONE), &changed).is_ok(), changed == client.id());
        }
    }
}
