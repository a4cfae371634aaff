//! The `state` of a trip to an authorization server: everything its answer is held to, sealed to the browser that began
//! it.
//!
//! Nothing is stored meanwhile, and nobody but that browser's session can use it. Not here: that it is good once
//! (`connection`), reading the answer (`authorization`).

use serde::{Deserialize, Serialize};
use url::Url;

use super::key::{ConnectionKey, Owner};
use super::plan::TokenSource;
use crate::oauth::authentication_method::AuthenticationMethod;
use crate::oauth::grant::GrantId;
use crate::secret::{Digested, Secret, sealed};
use crate::time::{Lifetime, Timestamp};
use crate::vault::{KeyRing, OpenError, Purpose};
use crate::version::V1;

/// How long a person may take at the authorization server.
pub const LIFETIME: Lifetime = Lifetime::minutes(10);

/// What comes back with the person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    v: V1,
    /// What the person wants.
    #[serde(rename = "errand")]
    pub intent: ConnectIntent,
    /// What of the server's configuration it is for ([`super::credential::Credential::binding`]).
    #[serde(rename = "fits")]
    pub binding: Digested,
    /// Who was asked, and what for.
    pub source: TokenSource,
    /// As which client.
    pub client: ClientKind,
    /// Where the answer was told to come.
    pub redirect_uri: String,
    /// The PKCE verifier.
    #[serde(with = "sealed")]
    pub verifier: Secret,
    /// When they took too long.
    pub expires: Timestamp,
}

/// Which client of the gateway's made the trip. The answer is redeemed by the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// The one an operator registered, authenticating like this unless they say otherwise.
    Configured(AuthenticationMethod),
    /// The gateway's metadata document as it was before its address named the issuer.
    Document,
    /// The gateway's metadata document that is for the issuer.
    NamedDocument,
    /// The registration with this number at the issuer.
    Registered(u64),
}

/// Where a person goes once it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Back {
    /// To the client whose authorization waits.
    Client(GrantId),
    /// To the page of their connections.
    Connections,
    /// Nowhere: a page tells them to return to what they came from.
    Page,
}

/// Which connection is made, and what for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectIntent {
    /// Whose connection it will be.
    pub owner: Owner,
    /// At which server.
    pub slug: String,
    /// As which of the owner's accounts there.
    pub account: String,
    /// What the person calls the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The digest of the operator's link that it is done by. It makes one connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Digested>,
    /// Where the person goes then.
    pub back: Back,
}

impl ConnectIntent {
    /// Where the connection is kept.
    pub fn key(&self) -> ConnectionKey {
        ConnectionKey::new(self.owner.clone(), self.slug.as_str(), self.account.as_str())
    }
}

impl State {
    /// A trip that begins now.
    pub fn new(
        intent: ConnectIntent,
        binding: Digested,
        source: TokenSource,
        client: ClientKind,
        redirect_uri: String,
        verifier: Secret,
        now: Timestamp,
    ) -> Self {
        Self { v: V1, intent, binding, source, client, redirect_uri, verifier, expires: now + LIFETIME }
    }

    /// As it travels. `browser` is the digest of the session's cookie.
    pub fn seal(&self, keys: &KeyRing, browser: &Digested, nonce: [u8; 12]) -> Secret {
        Secret::new(keys.seal_json(Purpose::UpstreamState, &[browser.as_str()], nonce, self))
    }

    /// Whether its answer was told to come to this path.
    pub fn is_answered_at(&self, path: &str) -> bool {
        Url::parse(&self.redirect_uri).is_ok_and(|told| told.path() == path)
    }

    /// A `state` that this browser began, in time.
    pub fn open(keys: &KeyRing, browser: &Digested, sealed: &Secret, now: Timestamp) -> Result<Self, StateError> {
        let state: Self =
            keys.open_json(Purpose::UpstreamState, &[browser.as_str()], sealed.expose()).map_err(StateError::Closed)?;
        if state.expires.reached(now) { Err(StateError::Expired) } else { Ok(state) }
    }
}

/// Why a `state` is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateError {
    /// Made up, changed, or of another browser.
    Closed(OpenError),
    /// It took too long.
    Expired,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1000);

    fn keys() -> KeyRing {
        KeyRing::parse(&Secret::new("1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")).unwrap()
    }

    fn state() -> State {
        let source = TokenSource {
            issuer: "https://as.example".into(),
            iss_parameter: true,
            token_endpoint: "https://as.example/token".into(),
            revocation_endpoint: None,
            resource: Some("https://up.example".into()),
            scope: None,
        };
        let intent = ConnectIntent {
            owner: Owner::Subject("alice".into()),
            slug: "linear".into(),
            account: "1".into(),
            label: None,
            link: None,
            back: Back::Client(GrantId::new([1; 16])),
        };
        let callback = "https://gw.example/oauth/upstream-callback".to_owned();
        let (binding, client) = (Digested::of("f"), ClientKind::Registered(3));
        State::new(intent, binding, source, client, callback, Secret::new("v"), NOW)
    }

    #[test]
    fn it_opens_in_the_browser_that_began_it_and_in_time() {
        let (keys, alice, mallory) = (keys(), Digested::of("alice's cookie"), Digested::of("mallory's"));
        let sealed = state().seal(&keys, &alice, [0; 12]);
        assert_eq!(State::open(&keys, &alice, &sealed, NOW).unwrap().intent.slug, "linear");
        let closed = State::open(&keys, &mallory, &sealed, NOW).unwrap_err();
        assert_eq!(closed, StateError::Closed(OpenError::NotAuthentic));
        let late = NOW + LIFETIME;
        assert_eq!(State::open(&keys, &alice, &sealed, late).unwrap_err(), StateError::Expired);
        let changed = Secret::new(sealed.expose().replace('A', "B"));
        assert!(State::open(&keys, &alice, &changed, NOW).is_err());
    }

    #[test]
    fn its_answer_comes_where_it_was_told_to() {
        assert!(state().is_answered_at("/oauth/upstream-callback"));
        let own = State { redirect_uri: "https://gw.example/oauth/upstream-callback/a".into(), ..state() };
        assert!(own.is_answered_at("/oauth/upstream-callback/a"));
        for path in ["/oauth/upstream-callback", "/oauth/upstream-callback/b", "/oauth/upstream-callback/a/", ""] {
            assert!(!own.is_answered_at(path), "{path}");
        }
    }

    #[test]
    fn another_sealed_record_is_not_a_state() {
        let (keys, alice) = (keys(), Digested::of("alice's cookie"));
        let ticket = keys.seal_json(Purpose::ConsentTicket, &[alice.as_str()], [0; 12], &state());
        assert!(State::open(&keys, &alice, &Secret::new(ticket), NOW).is_err());
    }

    #[test]
    fn its_form_is_pinned_and_it_fits_into_a_url() {
        let golden = r#"{"v":1,"errand":{"owner":{"subject":"alice"},"slug":"linear","account":"1","back":{"client":"AQEBAQEBAQEBAQEBAQEBAQ"}},"fits":"JS8QtO2Vbm-vGX1oPEaTUDSNsEJqD1VFhiPu_uL9OCE","source":{"issuer":"https://as.example","iss_parameter":true,"token_endpoint":"https://as.example/token","resource":"https://up.example"},"client":{"registered":3},"redirect_uri":"https://gw.example/oauth/upstream-callback","verifier":"v","expires":1600}"#;
        let golden = golden.replace("JS8QtO2Vbm-vGX1oPEaTUDSNsEJqD1VFhiPu_uL9OCE", Digested::of("f").as_str());
        assert_eq!(serde_json::to_string(&state()).unwrap(), golden);
        assert!(serde_json::from_str::<State>(&golden).is_ok());
        assert!(serde_json::from_str::<State>(&golden.replace("\"v\":1", "\"v\":2")).is_err());
        assert!(state().seal(&keys(), &Digested::of("c"), [0; 12]).expose().len() < 1000);
        let configured = r#"{"configured":"client_secret_post"}"#;
        for (value, text) in [
            (ClientKind::Configured(AuthenticationMethod::ClientSecretPost), configured),
            (ClientKind::Document, "\"document\""),
            (ClientKind::NamedDocument, "\"named_document\""),
        ] {
            assert_eq!(serde_json::to_string(&value).unwrap(), text);
        }
        let linked = ConnectIntent { link: Some(Digested::of("l")), ..state().intent };
        let linked = serde_json::to_value(linked).unwrap();
        assert_eq!(linked["link"], Digested::of("l").as_str());
        for (value, text) in [(Back::Connections, "\"connections\""), (Back::Page, "\"page\"")] {
            assert_eq!(serde_json::to_string(&value).unwrap(), text);
        }
        assert_eq!(serde_json::to_string(&Owner::Gateway).unwrap(), "\"gateway\"");
    }

    #[test]
    fn the_verifier_is_not_printed() {
        let state = State { verifier: Secret::new("hunter2"), ..state() };
        assert!(!format!("{state:?}").contains("hunter2"));
    }
}
