//! The keys that a client signs its assertions with, where they are.
//!
//! Not here: fetching them (`flow::client::assertion`), and reading an assertion (`assertion`).

use serde::{Deserialize, Serialize};
use url::Url;

use crate::jose::jwks;
use crate::loopback;
use crate::oauth::address;

/// Where a client's public keys are. Its JSON is at rest in what a client registered, so its form is an interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientKeys {
    /// Here, as JSON.
    #[serde(rename = "jwks")]
    Inline(String),
    /// At this address.
    #[serde(rename = "jwks_uri")]
    Fetched(String),
}

impl ClientKeys {
    /// A key set. `None` for one that tells what only the owner of a key may know, or holds no key to sign with.
    pub fn inline(set: &serde_json::Value) -> Option<Self> {
        let text = set.to_string();
        let keys = jwks::parse(text.as_bytes()).filter(|keys| !keys.is_empty());
        keys.filter(|_| !is_private(set)).map(|_| Self::Inline(text))
    }

    /// An address that a client says itself: one of the public internet, at an origin that is its own. Whoever could
    /// name any place could make the gateway ask there.
    pub fn fetched(address: &str, is_own: impl Fn(&Url) -> bool, loopback_allowed: bool) -> Option<Self> {
        let url = Url::parse(address).ok()?;
        let loopback = loopback_allowed && loopback::is_named(&url);
        let is_public = loopback || url.scheme() == "https" && address::check(&url.host()?).is_ok();
        let is_bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        (is_public && is_bare && is_own(&url)).then(|| Self::Fetched(url.into()))
    }
}

/// Whether a key set holds a private key.
pub fn is_private(set: &serde_json::Value) -> bool {
    let mut listed = set.get("keys").and_then(serde_json::Value::as_array).into_iter().flatten();
    listed.any(|key| jwks::is_private(|member| key.get(member).is_some()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::test_keys::ec_jwk;

    #[test]
    fn a_key_set_is_public_and_not_empty() {
        assert!(ClientKeys::inline(&json!({"keys": [ec_jwk()]})).is_some());
        let mut private = ec_jwk();
        private["d"] = json!("AAAA");
        for set in [json!({"keys": [ec_jwk(), private]}), json!({"keys": []}), json!({}), json!([]), json!("x")] {
            assert_eq!(ClientKeys::inline(&set), None, "{set}");
        }
    }

    #[test]
    fn an_address_is_public_and_the_clients_own() {
        let own = |url: &Url| url.host_str() == Some("app.example") || loopback::is_named(url);
        let fits = |address: &str, loopback| ClientKeys::fetched(address, own, loopback).is_some();
        assert!(fits("https://app.example/jwks", false) && fits("http://localhost:1/jwks", true));
        for address in [
            "http://app.example/jwks",
            "https://other.example/jwks",
            "https://me@app.example/jwks",
            "https://app.example/jwks#x",
            "http://localhost:1/jwks",
            "https://127.0.0.1/jwks",
            "/jwks",
            "",
        ] {
            assert!(!fits(address, false), "{address}");
        }
        assert_eq!(ClientKeys::fetched("https://10.0.0.1/jwks", |_| true, false), None);
    }

    #[test]
    fn what_is_at_rest_keeps_its_form() {
        let golden = r#"{"jwks_uri":"https://app.example/jwks"}"#;
        let keys = ClientKeys::Fetched("https://app.example/jwks".to_owned());
        assert_eq!(serde_json::to_string(&keys).unwrap(), golden);
        assert_eq!(serde_json::from_str::<ClientKeys>(golden).unwrap(), keys);
        let inline = serde_json::to_string(&ClientKeys::Inline("{}".to_owned())).unwrap();
        assert_eq!(inline, r#"{"jwks":"{}"}"#);
    }
}
