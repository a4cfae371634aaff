//! One trip to the identity provider: what must come back with the browser, and where it was going.
//!
//! Not here: the sealing into a cookie (`flow`), the provider's URLs (`oidc`).

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};

use crate::secret::{Digested, Secret, sealed};
use crate::time::{Lifetime, Timestamp};
use crate::version::V1;

/// How long a person may take at the provider.
pub const LIFETIME: Lifetime = Lifetime::minutes(10);

/// What the base names of all transactions' cookies begin with.
pub const COOKIE: &str = "mcp_login_";

const RANDOM_TEXT: usize = 43;

/// Kept in a sealed cookie of its own, so that two tabs can sign in side by side.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LoginTransaction {
    v: V1,
    /// Comes back in the callback's query: proof that this browser began the login.
    #[serde(with = "sealed")]
    pub state: Secret,
    /// Comes back in the ID token: proof that it was issued for this login.
    #[serde(with = "sealed")]
    pub nonce: Secret,
    /// The PKCE verifier (RFC 7636): proof to the token endpoint that the code was issued for this login.
    #[serde(with = "sealed")]
    pub verifier: Secret,
    /// Where the person was going.
    pub return_to: ReturnTo,
    /// When the trip has taken too long.
    pub expires: Timestamp,
    /// The person must not have signed in at the provider before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
}

impl LoginTransaction {
    /// Begins now, from fresh randomness.
    pub fn new(state: [u8; 32], nonce: [u8; 32], verifier: [u8; 32], return_to: ReturnTo, now: Timestamp) -> Self {
        let text = |bytes: &[u8; 32]| Secret::new(Base64UrlUnpadded::encode_string(bytes));
        Self {
            v: V1,
            state: text(&state),
            nonce: text(&nonce),
            verifier: text(&verifier),
            return_to,
            expires: now + LIFETIME,
            not_before: None,
        }
    }

    /// The same for a person who has to sign in at the provider now, whether or not they did before.
    #[must_use]
    pub fn anew(self, now: Timestamp) -> Self {
        Self { not_before: Some(now), ..self }
    }

    /// The S256 code challenge of the verifier (RFC 7636 §4.2).
    pub fn challenge(&self) -> Digested {
        self.verifier.digest()
    }

    /// Whether the trip has taken too long.
    pub fn expired(&self, now: Timestamp) -> bool {
        self.expires.reached(now)
    }
}

/// The base name of a transaction's cookie, for [`crate::web::cookie::name`]. `None` for a state the gateway never
/// makes.
pub fn cookie_base(state: &Secret) -> Option<String> {
    let state = state.expose();
    let ours =
        state.len() == RANDOM_TEXT && state.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    ours.then(|| format!("{COOKIE}{state}"))
}

/// A path with its query on the gateway's own origin; safe in a `Location` header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ReturnTo(String);

impl ReturnTo {
    /// What still fits into a cookie once sealed.
    pub const MAX: usize = 2600;

    /// Refuses whatever a browser could read as another origin: `//host`, `/\host`, and the tabs and line breaks it
    /// would drop.
    pub fn parse(text: &str) -> Option<Self> {
        let local = text.starts_with('/') && !text.starts_with("//");
        let clean = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\\"<>#".contains(&byte));
        (local && clean && text.len() <= Self::MAX).then(|| Self(text.to_owned()))
    }

    /// The gateway's front page.
    pub fn home() -> Self {
        Self("/".to_owned())
    }

    /// For a `Location` header or a hidden form field.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<ReturnTo> for String {
    fn from(ReturnTo(text): ReturnTo) -> Self {
        text
    }
}

impl TryFrom<String> for ReturnTo {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a path of this origin")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::cookie;
    use proptest::prelude::*;

    fn transaction(return_to: &str) -> LoginTransaction {
        let return_to = ReturnTo::parse(return_to).unwrap();
        LoginTransaction::new([0; 32], [1; 32], [2; 32], return_to, Timestamp(1_000))
    }

    #[test]
    fn the_stored_form_is_pinned() {
        let golden = concat!(
            r#"{"v":1,"state":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","#,
            r#""nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE","#,
            r#""verifier":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI","#,
            r#""return_to":"/oauth/authorize?a=b","expires":1600}"#
        );
        assert_eq!(serde_json::to_string(&transaction("/oauth/authorize?a=b")).unwrap(), golden);
        let read: LoginTransaction = serde_json::from_str(golden).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), golden);
        assert!(serde_json::from_str::<LoginTransaction>(&golden.replace("\"/oauth", "\"//oauth")).is_err());
    }

    #[test]
    fn the_sealed_form_of_a_fresh_sign_in_is_pinned() {
        let anew = transaction("/").anew(Timestamp(1_000));
        let golden = serde_json::to_string(&anew).unwrap();
        assert!(golden.ends_with(r#""return_to":"/","expires":1600,"not_before":1000}"#), "{golden}");
        assert_eq!(serde_json::from_str::<LoginTransaction>(&golden).unwrap().not_before, Some(Timestamp(1_000)));
    }

    #[test]
    fn it_ends_after_ten_minutes() {
        assert!(!transaction("/").expired(Timestamp(1_599)));
        assert!(transaction("/").expired(Timestamp(1_600)));
    }

    #[test]
    fn the_challenge_is_s256() {
        // RFC 7636 appendix B.
        let mut transaction = transaction("/");
        transaction.verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(transaction.challenge().as_str(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", transaction("/"));
        for secret in ["AAAAA", "AQEB", "AgIC"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn a_state_names_a_cookie_only_if_we_made_it() {
        let state = transaction("/").state;
        assert_eq!(cookie_base(&state), Some(format!("mcp_login_{}", "A".repeat(43))));
        for foreign in ["", "a", &"A".repeat(44), &";".repeat(43), &"=".repeat(43)] {
            assert_eq!(cookie_base(&Secret::new(foreign)), None, "{foreign}");
        }
    }

    #[test]
    fn the_longest_way_back_fits_a_cookie() {
        let transaction = transaction(&format!("/{}", "a".repeat(ReturnTo::MAX - 1)));
        let envelope = serde_json::to_vec(&transaction).unwrap().len() + 64; // versions, nonce, tag
        let base = cookie_base(&transaction.state).unwrap();
        assert!(cookie::name(&base, true).len() + envelope.div_ceil(3) * 4 <= cookie::MAX_COOKIE);
    }

    #[test]
    fn only_our_own_paths_are_returned_to() {
        for path in ["/", "/oauth/authorize?client_id=a&redirect_uri=http%3A%2F%2Fx", "/a//b?u=//c"] {
            assert_eq!(ReturnTo::parse(path).unwrap().as_str(), path);
        }
        for elsewhere in [
            "",
            "a",
            "//evil.test",
            "///evil.test",
            "/\\evil.test",
            "\\\\evil.test",
            "/a\\b",
            "https://evil.test/",
            "/\t/evil.test",
            "/\n/evil.test",
            "/\r\nSet-Cookie: a",
            " /",
            "javascript:alert(1)",
            "/a b",
            "/é",
            "/a#b",
            "/\"",
        ] {
            assert_eq!(ReturnTo::parse(elsewhere), None, "{elsewhere:?}");
        }
        assert!(ReturnTo::parse(&"/".repeat(2)).is_none());
        assert!(ReturnTo::parse(&format!("/{}", "a".repeat(ReturnTo::MAX))).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn a_browser_stays_on_our_origin(text in "[/\\\\a.:?@\\t\\n#%2fF]{0,12}") {
            if let Some(path) = ReturnTo::parse(&text) {
                let base = url::Url::parse("https://gateway.test/login/callback").unwrap();
                prop_assert_eq!(base.join(path.as_str()).unwrap().origin(), base.origin());
            }
        }
    }
}
