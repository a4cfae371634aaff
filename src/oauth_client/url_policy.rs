//! Which URLs the metadata of an authorization server may send the gateway, or a person's browser, to.
//!
//! A server and its issuer are strangers that choose URLs for the gateway to fetch: they may name what is on the public
//! internet, or where the operator pointed already ([`Reach`]). The identity provider is the operator's own choice, and
//! may be in a private network ([`TrustedIssuer`]). No redirect is followed to another origin, so none else is reached.
//!
//! Not here: what a name resolves to, which the runtime judges ([`crate::oauth::address`]).

use std::fmt;

use url::{Origin, Url};

use crate::loopback;
use crate::oauth::address;
use crate::oauth::address::NotPublic;

const LONGEST: usize = 2048;

/// What may be reached for one server.
#[derive(Debug, Clone)]
pub struct Reach {
    /// The gateway's own origin.
    own: Option<Origin>,
    /// Whether the gateway itself is on loopback: development, where upstreams are too.
    loopback: bool,
    /// Origins the operator wrote down for this server.
    configured: Vec<Origin>,
}

impl Reach {
    /// From the gateway's public origin and the URLs configured for a server: its own, its issuer's and its endpoints'.
    pub fn new<'u>(own: &str, configured: impl IntoIterator<Item = &'u Url>) -> Self {
        let own = Url::parse(own).ok();
        Self {
            loopback: own.as_ref().is_some_and(loopback::is_loopback),
            own: own.map(|url| url.origin()),
            configured: configured.into_iter().map(Url::origin).collect(),
        }
    }

    /// Reads a URL that metadata names.
    pub fn url(&self, text: &str) -> Result<Url, Unreachable> {
        // A URL parser forgives white space and control characters; metadata has no reason to hold them.
        if text.len() > LONGEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Unreachable::NotUrl);
        }
        let url = Url::parse(text).map_err(|_| Unreachable::NotUrl)?;
        let host = url.host().ok_or(Unreachable::NotUrl)?;
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(Unreachable::NotPlain);
        }
        if !matches!(url.scheme(), "https" | "http") {
            return Err(Unreachable::NotHttps);
        }
        if self.own.as_ref() == Some(&url.origin()) {
            return Err(Unreachable::Gateway);
        }
        if self.configured.contains(&url.origin()) || (self.loopback && loopback::is_loopback(&url)) {
            return Ok(url);
        }
        if url.scheme() != "https" {
            return Err(Unreachable::NotHttps);
        }
        address::check(&host).map_err(Unreachable::NotPublic)?;
        Ok(url)
    }
}

/// The issuer that the operator named for who people are. By https it may name any place, and plain http only from this
/// machine to itself.
#[derive(Debug, Clone)]
pub struct TrustedIssuer(Url);

impl TrustedIssuer {
    /// Reads an issuer; `None` for what cannot be one (OpenID Connect Discovery §3).
    pub fn parse(issuer: &str) -> Option<Self> {
        let url = plain(issuer).filter(|url| url.query().is_none())?;
        let itself = Self(url.clone());
        itself.may_name(&url).then_some(itself)
    }

    /// Reads a URL that its metadata names.
    pub fn url(&self, text: &str) -> Option<Url> {
        plain(text).filter(|url| self.may_name(url))
    }

    fn may_name(&self, url: &Url) -> bool {
        let is_local = loopback::is_loopback(&self.0) && loopback::is_loopback(url);
        url.scheme() == "https" || (url.scheme() == "http" && is_local)
    }
}

/// A URL with a host, and without a user name, a password and a fragment.
fn plain(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|_| text.len() <= LONGEST)?;
    let is_bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (is_bare && url.has_host()).then_some(url)
}

/// Why a URL is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreachable {
    /// Not an absolute URL of visible ASCII, or longer than 2048 bytes.
    NotUrl,
    /// It has a user name, a password or a fragment.
    NotPlain,
    /// It is not https, and not where the operator pointed.
    NotHttps,
    /// It is not on the public internet, and not where the operator pointed.
    NotPublic(NotPublic),
    /// It is the gateway itself.
    Gateway,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotUrl => "it is not a URL",
            Self::NotPlain => "it has a user name, a password or a fragment",
            Self::NotHttps => "it is not https",
            Self::NotPublic(NotPublic::Address) => "its address is private or reserved",
            Self::NotPublic(NotPublic::Name) => "its host name is not public",
            Self::Gateway => "it is this gateway itself",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn public() -> Reach {
        Reach::new("https://gw.example", [&Url::parse("https://mcp.internal:8443/mcp").unwrap()])
    }

    fn judged(reach: &Reach, text: &str) -> Result<(), Unreachable> {
        reach.url(text).map(|_| ())
    }

    #[test]
    fn public_https_is_reached() {
        for text in ["https://as.example/x?y=z", "https://as.example:8443/", "https://1.1.1.1/"] {
            assert_eq!(judged(&public(), text), Ok(()), "{text}");
        }
    }

    #[test]
    fn private_places_are_not() {
        for (text, why) in [
            ("https://127.0.0.1/", Unreachable::NotPublic(NotPublic::Address)),
            ("https://169.254.169.254/latest/meta-data", Unreachable::NotPublic(NotPublic::Address)),
            ("https://0x7f000001/", Unreachable::NotPublic(NotPublic::Address)),
            ("https://[::ffff:10.0.0.1]/", Unreachable::NotPublic(NotPublic::Address)),
            ("https://localhost/", Unreachable::NotPublic(NotPublic::Name)),
            ("https://metadata.google.internal/", Unreachable::NotPublic(NotPublic::Name)),
            ("https://mcp.internal/", Unreachable::NotPublic(NotPublic::Name)),
            ("http://as.example/", Unreachable::NotHttps),
            ("http://localhost:1234/", Unreachable::NotHttps),
            ("file:///etc/passwd", Unreachable::NotUrl),
            ("javascript:alert(1)", Unreachable::NotUrl),
            ("ftp://as.example/", Unreachable::NotHttps),
            ("https://user@as.example/", Unreachable::NotPlain),
            ("https://as.example/#f", Unreachable::NotPlain),
            ("https://as.example/\n", Unreachable::NotUrl),
            ("/relative", Unreachable::NotUrl),
            ("", Unreachable::NotUrl),
            ("https://gw.example/oauth/token", Unreachable::Gateway),
            ("https://GW.example:443/", Unreachable::Gateway),
        ] {
            assert_eq!(judged(&public(), text), Err(why), "{text}");
        }
    }

    #[test]
    fn where_the_operator_pointed_is_reached_to_the_port() {
        assert_eq!(judged(&public(), "https://mcp.internal:8443/other"), Ok(()));
        assert!(judged(&public(), "https://mcp.internal:8444/").is_err());
        assert!(judged(&public(), "http://mcp.internal:8443/").is_err());
    }

    #[test]
    fn loopback_is_reached_only_from_loopback() {
        let local = Reach::new("http://localhost:8787", []);
        for text in ["http://localhost:9000/x", "http://127.0.0.1:9000/", "https://[::1]:9000/", "https://as.example/"]
        {
            assert_eq!(judged(&local, text), Ok(()), "{text}");
        }
        for text in ["http://10.0.0.1/", "http://as.example/", "https://192.168.1.1/", "http://localhost:8787/oauth"] {
            assert!(judged(&local, text).is_err(), "{text}");
        }
    }

    #[test]
    fn whom_the_operator_trusts_may_name_a_private_network_and_strangers_may_not() {
        let trusted = TrustedIssuer::parse("https://id.internal").unwrap();
        for text in ["https://10.0.0.1/token", "https://keys.internal/jwks"] {
            assert!(trusted.url(text).is_some() && public().url(text).is_err(), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn no_text_reaches_plain_http_or_an_address_of_a_private_network(text in "(https?://)?[0-9a-fx.:\\[\\]@/]{0,30}|\\PC{0,40}") {
            if let Ok(url) = public().url(&text) {
                prop_assert_eq!(url.scheme(), "https");
                prop_assert!(address::check(&url.host().unwrap()).is_ok());
            }
        }
    }
}
