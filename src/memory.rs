//! What one isolate remembers between requests, bounded and with an expiry on every entry.
//!
//! Not here: anything of one request, and anything that decides alone: all of it can be lost at any moment.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use crate::caller::Caller;
use crate::config::Config;
use crate::jose::jwks::Jwks;
use crate::login::oidc::discovery::Provider;
use crate::mcp::transport::session::Session;
use crate::metrics::Repeated;
use crate::metrics::counters::Counters;
use crate::oauth::agent::Agent;
use crate::oauth::api_key::{ApiKey, KeyId};
use crate::oauth::client::Client;
use crate::oauth::subject::KeyUse;
use crate::oauth::token::access_token::Claims;
use crate::oauth_client::trusted_issuer::TrustedMetadata;
use crate::secret::{Digested, Secret};
use crate::time::Timestamp;
use crate::upstream::callers::Callers;
use crate::upstream::circuit::Circuit;
use crate::upstream::credential::Credential;
use crate::vault::KeyRing;
use crate::web::failure::Failure;
use alarms::Alarms;
pub use cache::Cache;
use catalogues::Catalogues;
use unwritten::Unwritten;

pub mod alarms;
mod cache;
pub mod catalogues;
pub mod unwritten;

/// A connection as this isolate knows it.
pub struct Held {
    /// Which credential it is.
    pub generation: u64,
    /// The credential.
    pub credential: Credential,
    /// The generation it replaces, where the connection's object has not heard of it.
    pub after: Option<u64>,
}

/// The memory of one isolate.
#[derive(Default)]
pub struct Memory {
    /// The key ring, once it has been read.
    pub keys: OnceCell<Rc<KeyRing>>,
    /// Whether something waits to be written once a reply is on its way.
    pub unsettled: Cell<bool>,
    /// What was counted of its requests and is not told yet.
    pub counters: Counters,
    /// What is counted of answers that are given again without asking, by the number they go by: a few.
    pub repeated: RefCell<Vec<Repeated>>,
    /// Is called when another configuration takes effect: what was made of the one before is good for nothing.
    pub on_change: OnceCell<Box<dyn Fn()>>,
    /// Entries of the authorization log that are not written yet.
    pub unwritten: Unwritten,
    /// The configuration in effect.
    pub config: RefCell<Option<LoadedConfig>>,
    /// Access tokens that were verified, by [`Verified::ending`], until they expire.
    pub tokens: Cache<Rc<Verified>>,
    /// Access tokens of other issuers that were verified or asked about moments ago, by how they end and the server's
    /// slug.
    pub external_tokens: Cache<Rc<ExternalToken>>,
    /// Other issuers' metadata.
    pub issuers: Cache<Rc<TrustedMetadata>>,
    /// Other issuers' keys.
    pub issuer_keys: Cache<Rc<Jwks>>,
    /// Issuers whose keys were looked for once more moments ago.
    pub rekeyed: Cache<()>,
    /// Why an issuer could not be asked moments ago, by the question.
    pub unusable_issuers: Cache<Failure>,
    /// What issuers said of tokens of theirs, moments ago.
    pub introspected: Cache<Rc<Vec<u8>>>,
    /// What issuers said moments ago is no token.
    pub inactive_tokens: Cache<()>,
    /// How many of those came from an address.
    pub strange_tokens: Cache<u32>,
    /// Subjects of which it is known that they are the issuer's.
    pub bound_subjects: Cache<()>,
    /// Proofs of possession that came with calls moments ago, by their ids.
    pub seen_proofs: Cache<()>,
    /// API keys that were found, by how they end and the server's slug, and what they may do there.
    pub api_keys: Cache<Rc<FoundKey>>,
    /// Digests of what looked like a key moments ago and is none.
    pub unknown_keys: Cache<()>,
    /// Agents that asked for tokens, by their ids.
    pub agents: Cache<Rc<Agent>>,
    /// Ids of which it is known that no agent has them.
    pub unknown_agents: Cache<()>,
    /// Keys whose use today is known, by their ids.
    pub noted_uses: Cache<()>,
    /// What is known of keys that was sealed with an older key of the ring, and is still to be sealed anew.
    pub outdated_keys: RefCell<Vec<(Digested, ApiKey)>>,
    /// Uses of keys that their owners' accounts are still to be told of.
    pub key_uses: RefCell<Vec<KnownUse>>,
    /// Whether a grant or API key was revoked, asked at most this long ago.
    pub revoked: Cache<bool>,
    /// Until when everything of a subject was revoked, if ever, asked at most this long ago.
    pub subjects: Cache<Option<Timestamp>>,
    /// When a connection was last dropped, if it was, asked at most this long ago.
    pub disconnected: Cache<Option<Timestamp>>,
    /// What a request of this isolate asks for now, for others to wait: markers of revocations and the configuration,
    /// by their keys, and other issuers.
    pub asking: Cache<()>,
    /// Grants that moments ago lacked a scope for a call, by their ids.
    pub stepping_up: Cache<()>,
    /// Sessions that replaced one a client still names, by the digest of that client's id.
    pub sessions: Cache<Rc<Session>>,
    /// Clients read from the directory or fetched as metadata documents.
    pub clients: Cache<Rc<Client>>,
    /// Identity providers' metadata, by issuer.
    pub providers: Cache<Rc<Provider>>,
    /// Why an identity provider could not be used moments ago, by issuer.
    pub unusable_providers: Cache<Failure>,
    /// Identity providers' keys, by issuer.
    pub jwks: Cache<Rc<Jwks>>,
    /// Issuers whose keys were read anew moments ago for a token that anybody could have sent.
    pub keys_sought: Cache<()>,
    /// Keys that clients sign assertions with, by where they are.
    pub client_keys: Cache<Rc<Jwks>>,
    /// Which of these were fetched moments ago.
    pub fetched_keys: Cache<()>,
    /// Connections that were used here, by the name of their key.
    pub connections: Cache<Rc<Held>>,
    /// Addresses that have presented too many wrong operator tokens.
    pub guessing: Cache<()>,
    /// Connections that a request of this isolate refreshes now.
    pub refreshing: Cache<()>,
    /// Why no newer credential of a connection could be had moments ago, by the name of its key.
    pub failed_refreshes: Cache<Failure>,
    /// What servers were like when they were last used here, by slug.
    pub used: Cache<LastUse>,
    /// What was found when a server was last checked here, by slug.
    pub checked: Cache<Rc<LastCheck>>,
    /// How much servers are asked now and whether they fail, by their URLs.
    pub loads: Cache<Rc<ServerLoad>>,
    /// What is known to be wrong.
    pub alarms: Alarms,
    /// What servers said of themselves moments ago.
    pub catalogues: Rc<Catalogues>,
    /// The digest of what the directory has of a part of a catalogue, by its key.
    pub kept: Cache<Digested>,
    /// The names in the last list of a kind that was seen here, by slug, binding and kind: whether a policy means any.
    pub listed: Cache<Rc<Vec<String>>>,
}

/// The last check of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastCheck {
    /// When that was.
    pub at: Timestamp,
    /// The ids of what was found.
    pub found: Vec<&'static str>,
}

/// The last use of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastUse {
    /// When that was, to the minute.
    pub at: Timestamp,
    /// The reason code of why it came to nothing, if it did.
    pub trouble: Option<&'static str>,
    /// When the gateway last answered from what it had listed before, because it could not be asked.
    pub stood_in: Option<Timestamp>,
    /// When one last came to something.
    pub succeeded: Option<Timestamp>,
}

/// What an isolate asks of a server now.
#[derive(Debug, Default)]
pub struct ServerLoad {
    /// Whether it is asked at all.
    pub circuit: RefCell<Circuit>,
    /// Who asks it, and has lately.
    pub callers: RefCell<Callers>,
    /// How many calls wait for its answer.
    pub under_way: Cell<u32>,
}

/// An access token whose signature was verified.
///
/// It is found by how its text ends, which is in its signature, and then compared whole and in constant time: to hash
/// it would cost more than a fifth of what Rust does in a call. Who could time the finding would learn 96 of the
/// signature's 256 bits.
pub struct Verified {
    token: Secret,
    /// What it says.
    pub claims: Claims,
    /// Whose it is.
    pub caller: Rc<Caller>,
}

/// An API key that was found at one server. Like a token it is found by its ending and compared whole.
pub struct FoundKey {
    /// Its text.
    pub text: Secret,
    /// What is known of it.
    pub key: ApiKey,
    /// Whose it is.
    pub caller: Rc<Caller>,
}

/// An access token of another issuer, as one server takes it. Like a token of ours it is found by its ending and
/// compared whole.
pub struct ExternalToken {
    /// Its text.
    pub text: Secret,
    /// Whose it is.
    pub caller: Rc<Caller>,
    /// The key that it is bound to, if it is.
    pub jkt: Option<String>,
    /// Whether that is somebody who can sign in here.
    pub signs_in: bool,
}

/// A use of an API key.
pub struct KnownUse {
    /// The subject whose account lists the key.
    pub owner: String,
    /// The key.
    pub key: KeyId,
    /// The use.
    pub used: KeyUse,
}

/// A configuration and when it was read.
#[derive(Clone)]
pub struct LoadedConfig {
    /// The configuration.
    pub config: Rc<Config>,
    /// Its version in storage.
    pub version: u64,
    /// When it was stored: storage may show an older one for a while after a newer one was seen.
    pub at: Timestamp,
    /// Of its text. Two versions made at once can have the same number, and storage may show either.
    pub digest: Digested,
    /// When to look again.
    pub fresh_until: Timestamp,
}

impl Verified {
    /// Only for a token that was verified.
    pub fn new(token: &str, claims: Claims) -> Self {
        let caller = Rc::new(Caller::from(&claims));
        Self { token: Secret::new(token), claims, caller }
    }

    /// How the text of a token ends; `None` for one too short to be signed.
    pub fn ending(token: &str) -> Option<&str> {
        token.get(token.len().checked_sub(16)?..)
    }

    /// Whether it is this very token.
    pub fn is(&self, token: &str) -> bool {
        self.token.matches(token)
    }
}

impl Memory {
    /// Whether anything waits to be written once a reply is on its way, or through.
    pub fn is_unsettled(&self) -> bool {
        self.unsettled.get() || self.catalogues.is_waiting()
    }

    /// Takes a configuration into effect. What was read or judged under another one is forgotten: clients' documents
    /// were admitted by its redirect patterns.
    pub fn remember(&self, loaded: &LoadedConfig) {
        let before = self.config.replace(Some(loaded.clone()));
        if before.is_some_and(|before| before.digest != loaded.digest) {
            if let Some(tell) = self.on_change.get() {
                tell();
            }
            self.clients.clear();
            self.providers.clear();
            self.unusable_providers.clear();
            self.failed_refreshes.clear();
            self.jwks.clear();
            self.used.clear();
            self.checked.clear();
            self.alarms.reconfigured();
            self.catalogues.clear();
            self.api_keys.clear();
            self.external_tokens.clear();
            self.issuers.clear();
            self.issuer_keys.clear();
            self.unusable_issuers.clear();
            self.introspected.clear();
            self.inactive_tokens.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_configuration_forgets_what_was_judged_under_the_last() {
        let memory = Memory::default();
        let text = r#"{"login": {"kind": "dev"}, "servers": {"demo": {"url": "http://localhost:8788/mcp"}}}"#;
        let loaded = |digest| LoadedConfig {
            config: Rc::new(Config::parse(text).unwrap()),
            version: 1,
            at: Timestamp(0),
            digest: Digested::of(digest),
            fresh_until: Timestamp(10),
        };
        let client = Rc::new(Client::of_document("https://a.example/c"));
        let known = |memory: &Memory| memory.clients.get(&client.id, Timestamp(0)).is_some();
        memory.remember(&loaded("one"));
        memory.clients.put(client.id.clone(), Rc::clone(&client), Timestamp(10), Timestamp(0));
        memory.remember(&loaded("one"));
        assert!(known(&memory), "read again, but the same");
        memory.remember(&loaded("another of the same version"));
        assert!(!known(&memory));
    }
}
