//! What a connection holds, complete in itself: with it alone the upstream can be called, and refreshed where it was
//! made, whatever the configuration or the registration has become since.
//!
//! Not here: sealing (`vault`), where it is kept (`connection`), and the requests that refresh it (`token`).

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::oauth_client::client::UpstreamClient;
use crate::secret::{Digested, Secret, sealed};
use crate::time::{Lifetime, Timestamp};
use crate::version::V1;

/// How long before its end a token is refreshed, if it lives long enough for that.
const MARGIN: Lifetime = Lifetime(60);

/// A credential of one account at one server. Sealed as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Credential {
    v: V1,
    /// What of the server's configuration it was made for, as a digest.
    #[serde(rename = "fits")]
    pub binding: Digested,
    /// When the account was connected.
    pub since: Timestamp,
    /// When the server was first seen to take it, where only that can tell: of what a person entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<Timestamp>,
    /// The rest.
    pub kind: CredentialKind,
}

/// By how the gateway authenticates at the server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// A person's tokens, or the operator's for everybody.
    Oauth(Box<Oauth>),
    /// Header values the person entered, by lower-case name.
    Headers(#[serde(with = "by_name")] BTreeMap<String, Secret>),
    /// The gateway's own token.
    ClientCredentials(Token),
}

/// Tokens, and everything that refreshing and revoking them takes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Oauth {
    /// The authorization server that issued them.
    pub issuer: String,
    /// What they are for (RFC 8707), as it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Who they were issued to.
    pub client: UpstreamClient,
    /// Where they are refreshed.
    pub token_endpoint: String,
    /// Where they are revoked (RFC 7009).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<String>,
    /// What refreshes the access token.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "sealed::optional")]
    pub refresh_token: Option<Secret>,
    /// What the upstream is called with.
    #[serde(flatten)]
    pub token: Token,
}

/// An access token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Token {
    /// Its text.
    #[serde(with = "sealed")]
    pub access_token: Secret,
    /// When it ends, where the upstream says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// When the gateway got it.
    pub obtained: Timestamp,
    /// How much it allows, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

impl Credential {
    /// A credential that was made now.
    pub fn new(binding: Digested, since: Timestamp, kind: CredentialKind) -> Self {
        Self { v: V1, binding, since, checked: None, kind }
    }

    /// The same, seen to be taken.
    #[must_use]
    pub fn checked(self, now: Timestamp) -> Self {
        Self { checked: Some(now), ..self }
    }

    /// Whether nobody knows if the server takes it. What an authorization server has issued is good until it ends.
    pub fn is_untried(&self) -> bool {
        matches!(self.kind, CredentialKind::Headers(_)) && self.checked.is_none()
    }

    /// The access token, where the kind has one.
    pub fn token(&self) -> Option<&Token> {
        match &self.kind {
            CredentialKind::Oauth(oauth) => Some(&oauth.token),
            CredentialKind::ClientCredentials(token) => Some(token),
            CredentialKind::Headers(_) => None,
        }
    }

    /// Whether it is time for a new one, although this one still works.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        self.is_renewable() && self.token().is_some_and(|token| token.is_stale(now))
    }

    /// Whether the upstream said that it does not work any more. Without means to renew it only the upstream can tell.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.is_renewable() && self.token().and_then(Token::end).is_some_and(|end| end.reached(now))
    }

    /// Whether a new one can be had without a person.
    pub fn is_renewable(&self) -> bool {
        match &self.kind {
            CredentialKind::Oauth(oauth) => oauth.refresh_token.is_some(),
            CredentialKind::ClientCredentials(_) => true,
            CredentialKind::Headers(_) => false,
        }
    }
}

impl Oauth {
    /// The same connection after a refresh. An upstream that sends no new refresh token or scope means the ones before
    /// (RFC 6749 §5.1 and §6).
    #[must_use]
    pub fn refreshed(mut self, token: Token, refresh_token: Option<Secret>) -> Self {
        let scope = token.scope.clone().or(self.token.scope);
        self.token = Token { scope, ..token };
        self.refresh_token = refresh_token.or(self.refresh_token);
        self
    }
}

impl Token {
    fn is_stale(&self, now: Timestamp) -> bool {
        self.end().is_some_and(|end| {
            let lifetime = end.remaining(self.obtained);
            (end - MARGIN.min(Lifetime(lifetime.0 / 5))).reached(now)
        })
    }

    /// An upstream that says its token ended when it began says nothing: every call would refresh it.
    fn end(&self) -> Option<Timestamp> {
        self.expires.filter(|end| *end > self.obtained)
    }
}

/// Where header values become text: the text is sealed at once.
mod by_name {
    use super::{BTreeMap, Deserialize, Deserializer, Secret, Serializer};

    pub(super) fn serialize<S: Serializer>(secrets: &BTreeMap<String, Secret>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(secrets.iter().map(|(name, secret)| (name, secret.expose())))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, Secret>, D::Error> {
        let texts = BTreeMap::<String, String>::deserialize(from)?;
        let mut secrets = BTreeMap::new(); // to collect would be to sort: for each type code of its own, 3 KB of gzip
        secrets.extend(texts.into_iter().map(|(name, secret)| (name, Secret::new(secret))));
        Ok(secrets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::client::Method;

    const NOW: Timestamp = Timestamp(10_000);

    fn token(expires_in: Option<u64>) -> Token {
        let expires = expires_in.map(|seconds| NOW + Lifetime(seconds));
        Token { access_token: Secret::new("at0"), expires, obtained: NOW, scope: None }
    }

    fn oauth(refresh_token: Option<&str>, token: Token) -> Oauth {
        Oauth {
            issuer: "https://as.example".to_owned(),
            resource: None,
            client: UpstreamClient::public("gw"),
            token_endpoint: "https://as.example/token".to_owned(),
            revocation_endpoint: None,
            refresh_token: refresh_token.map(Secret::new),
            token,
        }
    }

    fn credential(kind: CredentialKind) -> Credential {
        Credential::new(Digested::of("docs"), NOW, kind)
    }

    #[test]
    fn a_token_is_renewed_a_minute_or_a_fifth_of_its_life_early() {
        let at = |expires_in, refresh, after| {
            credential(CredentialKind::Oauth(Box::new(oauth(refresh, token(expires_in)))))
                .is_stale(NOW + Lifetime(after))
        };
        assert!(!at(Some(3600), Some("rt"), 3539) && at(Some(3600), Some("rt"), 3540));
        assert!(!at(Some(10), Some("rt"), 7) && at(Some(10), Some("rt"), 8));
        assert!(!at(None, Some("rt"), 1_000_000), "nobody said when it ends");
        assert!(!at(Some(0), Some("rt"), 5), "it ended when it began");
        assert!(!at(Some(10), None, 20), "without a refresh token only the upstream can tell");
    }

    #[test]
    fn what_an_upstream_does_not_send_again_stays_what_it_was() {
        let scoped = |scope: Option<&str>| Token { scope: scope.map(str::to_owned), ..token(None) };
        let before = oauth(Some("rt0"), scoped(Some("read")));
        let same = before.clone().refreshed(scoped(None), None);
        assert_eq!(same.refresh_token.unwrap().expose(), "rt0");
        assert_eq!(same.token.scope.as_deref(), Some("read"));
        let rotated = before.refreshed(scoped(Some("read write")), Some(Secret::new("rt1")));
        assert_eq!(rotated.refresh_token.unwrap().expose(), "rt1");
        assert_eq!(rotated.token.scope.as_deref(), Some("read write"));
    }

    #[test]
    fn what_is_sealed_keeps_its_form() {
        let full = Oauth {
            resource: Some("https://docs.example/mcp".to_owned()),
            client: UpstreamClient {
                id: "gw".to_owned(),
                secret: Some(Secret::new("cs")),
                method: Method::Basic,
                registered: None,
                header_alone: false,
            },
            revocation_endpoint: Some("https://as.example/revoke".to_owned()),
            token: Token { scope: Some("read".to_owned()), ..token(Some(60)) },
            ..oauth(Some("rt0"), token(None))
        };
        let headers = BTreeMap::from([("x-api-key".to_owned(), Secret::new("k"))]);
        let head = format!(r#"{{"v":1,"fits":"{}","since":10000,"kind":"#, Digested::of("docs").as_str());
        let goldens = [
            (
                CredentialKind::Oauth(Box::new(full)),
                r#"{"oauth":{"issuer":"https://as.example","resource":"https://docs.example/mcp","client":{"id":"gw","secret":"cs","method":"client_secret_basic"},"token_endpoint":"https://as.example/token","revocation_endpoint":"https://as.example/revoke","refresh_token":"rt0","access_token":"at0","expires":10060,"obtained":10000,"scope":"read"}}}"#,
            ),
            (
                CredentialKind::Oauth(Box::new(oauth(None, token(None)))),
                r#"{"oauth":{"issuer":"https://as.example","client":{"id":"gw","method":"none"},"token_endpoint":"https://as.example/token","access_token":"at0","obtained":10000}}}"#,
            ),
            (CredentialKind::Headers(headers), r#"{"headers":{"x-api-key":"k"}}}"#),
            (
                CredentialKind::ClientCredentials(token(Some(60))),
                r#"{"client_credentials":{"access_token":"at0","expires":10060,"obtained":10000}}}"#,
            ),
        ];
        for (kind, golden) in goldens {
            let golden = format!("{head}{golden}");
            let credential = credential(kind);
            assert_eq!(serde_json::to_string(&credential).unwrap(), golden);
            let read: Credential = serde_json::from_str(&golden).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), golden);
            for secret in ["at0", "rt0", "\"cs\"", "\"k\""] {
                assert!(!format!("{read:?}").contains(secret), "{read:?}");
            }
            assert!(serde_json::from_str::<Credential>(&golden.replace("\"v\":1", "\"v\":2")).is_err());
        }
    }

    #[test]
    fn a_value_that_was_tried_says_when_and_one_of_an_older_release_was_not() {
        let entered =
            || credential(CredentialKind::Headers(BTreeMap::from([("x-api-key".to_owned(), Secret::new("k"))])));
        let binding = Digested::of("docs");
        let golden = format!(
            r#"{{"v":1,"fits":"{}","since":10000,"checked":10005,"kind":{{"headers":{{"x-api-key":"k"}}}}}}"#,
            binding.as_str()
        );
        let checked = entered().checked(NOW + Lifetime(5));
        assert_eq!(serde_json::to_string(&checked).unwrap(), golden);
        assert!(!serde_json::from_str::<Credential>(&golden).unwrap().is_untried());
        let old = golden.replace(r#""checked":10005,"#, "");
        assert!(serde_json::from_str::<Credential>(&old).unwrap().is_untried() && entered().is_untried());
        assert!(!credential(CredentialKind::ClientCredentials(token(None))).is_untried());
    }
}
