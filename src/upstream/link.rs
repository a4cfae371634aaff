//! The link by which a client, or an operator, sends somebody to connect a server: whose connection it is for, sealed.
//!
//! It carries no right: who follows it must be signed in as the person it names, or it connects nothing. Not here: the
//! page it leads to (`flow::connect`), the words around it (`mcp`).

use serde::{Deserialize, Serialize};

use super::key::Owner;
use crate::time::{Lifetime, Timestamp};
use crate::vault::{KeyRing, Purpose};
use crate::version::V1;

/// How long a link from a call is good.
pub const LIFETIME: Lifetime = Lifetime::hours(1);

/// How long an operator's link is good: whoever has it, and is signed in, makes the connection for everybody, once.
pub const OPERATOR_LIFETIME: Lifetime = Lifetime::minutes(10);

/// What a link asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkToConnect {
    v: V1,
    /// Whose connection it is for.
    pub owner: Owner,
    /// At which server.
    pub slug: String,
    /// As which of the owner's accounts there.
    pub account: String,
    /// What a call was refused for lack of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Why it was made.
    pub need: LinkReason,
    /// When it is not good any more.
    pub expires: Timestamp,
}

/// Why somebody is asked to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkReason {
    /// There is no connection.
    Authenticating,
    /// What there was is not accepted any more, or not enough.
    ReconsentRequired,
}

impl LinkToConnect {
    /// A link that is good until `expires`.
    pub fn new(
        owner: Owner,
        slug: &str,
        account: &str,
        scope: Option<String>,
        need: LinkReason,
        expires: Timestamp,
    ) -> Self {
        Self { v: V1, owner, slug: slug.to_owned(), account: account.to_owned(), scope, need, expires }
    }

    /// Its path and query, to follow the gateway's origin.
    pub fn path(&self, keys: &KeyRing, nonce: [u8; 12]) -> String {
        format!("/connect/{}?s={}", self.slug, keys.seal_json(Purpose::ConnectLink, &[], nonce, self))
    }

    /// Reads what stands behind `s=` in a path to this server. `None` for whatever is not such a link, or not any more.
    pub fn open(keys: &KeyRing, slug: &str, sealed: &str, now: Timestamp) -> Option<Self> {
        let link: Self = keys.open_json(Purpose::ConnectLink, &[], sealed).ok()?;
        (link.slug == slug && !link.expires.reached(now)).then_some(link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn keys() -> KeyRing {
        KeyRing::parse(&Secret::new("1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")).unwrap()
    }

    #[test]
    fn it_leads_to_its_server_for_its_time() {
        let link = LinkToConnect::new(Owner::Gateway, "linear", "1", None, LinkReason::Authenticating, Timestamp(100));
        let path = link.path(&keys(), [0; 12]);
        let sealed = path.strip_prefix("/connect/linear?s=").unwrap();
        assert_eq!(LinkToConnect::open(&keys(), "linear", sealed, Timestamp(99)), Some(link));
        assert_eq!(LinkToConnect::open(&keys(), "linear", sealed, Timestamp(100)), None);
        assert_eq!(LinkToConnect::open(&keys(), "notion", sealed, Timestamp(99)), None);
        assert_eq!(LinkToConnect::open(&keys(), "linear", &sealed.replace('A', "B"), Timestamp(99)), None);
    }

    #[test]
    fn its_form_is_pinned() {
        let link = LinkToConnect {
            scope: Some("a".into()),
            ..LinkToConnect::new(
                Owner::Subject("alice".into()),
                "linear",
                "2",
                None,
                LinkReason::ReconsentRequired,
                Timestamp(100),
            )
        };
        let golden = r#"{"v":1,"owner":{"subject":"alice"},"slug":"linear","account":"2","scope":"a","need":"reconsent_required","expires":100}"#;
        assert_eq!(serde_json::to_string(&link).unwrap(), golden);
        assert_eq!(serde_json::from_str::<LinkToConnect>(golden).unwrap(), link);
        assert!(serde_json::from_str::<LinkToConnect>(&golden.replace("\"v\":1", "\"v\":2")).is_err());
    }
}
