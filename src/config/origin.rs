//! The web addresses an operator writes: an origin, a host, a URL. Plain http stays on this machine.
//!
//! Not here: URLs that clients or upstreams choose; those must be public (`oauth::client::document`).

use url::{Position, Url};

use crate::loopback::is_loopback;

use super::report::{Complaint, shown};

/// `scheme://host[:port]`: https, or http where the host is this machine. Lower case, without a default port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    text: String,
    loopback: bool,
}

impl Origin {
    /// Reads an origin; one trailing slash is forgiven, anything after it is not.
    pub(super) fn parse(text: &str) -> Result<Self, Complaint> {
        let url = web_url(text)?;
        let rest = text.splitn(4, '/').nth(3).unwrap_or_default();
        let origin = Self { text: url.origin().ascii_serialization(), loopback: is_loopback(&url) };
        if !rest.is_empty() || url.path() != "/" || url.query().is_some() {
            let problem = format!("is {}, which is more than an origin", shown(text));
            return Err(Complaint::new(problem, format!("write only scheme, host and port: \"{}\"", origin.text)));
        }
        Ok(origin)
    }

    /// The origin at a host that a request came to.
    pub fn of_host(host_port: &str) -> Option<Self> {
        Self::parse(&format!("https://{host_port}")).ok()
    }

    /// The origin of a URL that was requested: https, or http where the host is this machine.
    pub fn of_url(url: &Url) -> Option<Self> {
        let loopback = is_loopback(url);
        let spoken = url.scheme() == "https" || (url.scheme() == "http" && loopback);
        let fits = spoken && url.host_str().is_some_and(is_host);
        fits.then(|| Self { text: url.origin().ascii_serialization(), loopback })
    }

    /// The origin of a host that one server has to itself: a name of DNS, https at its usual port. In development a
    /// name under `localhost`, which is this machine's, at the port of the public URL.
    pub(super) fn of_own_host(text: &str, public: &Self) -> Result<Self, Complaint> {
        let complaint = |what: &str, fix: &str| Complaint::new(format!("is {}, {what}", shown(text)), fix);
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(complaint("which is not in lower case", "write it in lower case, as browsers send it"));
        }
        if text == public.host_port() {
            return Err(complaint("the host of public_url", "give the server another host, or leave the field out"));
        }
        let scheme = if public.loopback { "http" } else { "https" };
        let url = Url::parse(&format!("{scheme}://{text}")).ok();
        let url = url.filter(|url| &url[Position::BeforeHost..Position::AfterPort] == text && url.domain().is_some());
        let name = url.as_ref().and_then(Url::domain).filter(|name| is_host(name)).unwrap_or_default();
        let fits = match (public.loopback, name.ends_with(".localhost")) {
            (true, is_local) => is_local && url.as_ref().and_then(Url::port) == public.port(),
            (false, is_local) => !is_local && name.contains('.') && text == name,
        };
        if !fits {
            let fix = if public.loopback {
                "write a name under localhost with the port of public_url, such as \"docs.localhost:8787\""
            } else {
                "write one name of DNS without scheme, port or path, such as \"docs.mcp.example.com\""
            };
            return Err(complaint("which cannot be a server's own host", fix));
        }
        Ok(Self { text: format!("{scheme}://{text}"), loopback: public.loopback })
    }

    fn port(&self) -> Option<u16> {
        Url::parse(&self.text).ok()?.port()
    }

    /// As text, without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `host[:port]`, as a `Host` header carries it.
    pub fn host_port(&self) -> &str {
        self.text.split_once("://").map_or(self.text.as_str(), |(_, host)| host)
    }

    /// Whether the host is this machine: `localhost`, 127.0.0.0/8 or `[::1]`.
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// Whether the scheme is https, so that cookies may be `Secure`.
    pub fn is_secure(&self) -> bool {
        self.text.starts_with("https://")
    }
}

/// Reads `host[:port]` into the form [`Origin::host_port`] has.
pub(super) fn host_port(text: &str) -> Result<String, Complaint> {
    let fix = "write a host as the Host header carries it, such as \"mcp.example.com\" or \"localhost:8787\"";
    let complaint = || Complaint::new(format!("is {}, which is not a host", shown(text)), fix);
    if text.contains(['/', '\\', '?', '#', '@']) {
        return Err(complaint());
    }
    // The default port depends on the scheme, and plain http is spoken on loopback only.
    let origin = web_url(&format!("http://{text}")).or_else(|_| web_url(&format!("https://{text}")));
    origin
        .map_err(|_| complaint())
        .and_then(|url| Origin::parse(&url.origin().ascii_serialization()))
        .map(|origin| origin.host_port().to_owned())
}

/// Reads an absolute URL that is https, or http on loopback, without user information and without fragment.
pub(super) fn web_url(text: &str) -> Result<Url, Complaint> {
    let wrong = |what: &str, fix: &str| Complaint::new(format!("is {}, {what}", shown(text)), fix);
    let url = Url::parse(text).map_err(|_| {
        wrong("which is not an absolute URL", "write scheme and host, such as \"https://mcp.example.com\"")
    })?;
    if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') || !text.contains("://") {
        return Err(wrong("which browsers and servers read differently", "write it without spaces, and with // and /"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("which carries a user name or password", "remove everything between // and @"));
    }
    if url.fragment().is_some() {
        return Err(wrong("which has a fragment", "remove the # and what follows it"));
    }
    if !url.host_str().is_some_and(is_host) {
        return Err(wrong(
            "which has no plain host name",
            "write one host name or address; wildcards are not possible here",
        ));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(wrong(
            "which is plain http to another machine",
            "write https://; http is possible only on localhost, 127.0.0.1 and [::1]",
        )),
        _ => Err(wrong("which is neither https nor http", "write an https:// URL")),
    }
}

/// Reads an issuer, kept as it is written: whoever compares it compares bytes.
pub(super) fn issuer(text: String) -> Result<String, Complaint> {
    let url = web_url(&text)?;
    if url.query().is_some() {
        // OpenID Connect Discovery 1.0 §3, RFC 8414 §2.
        return Err(Complaint::new(
            format!("is {}, and an issuer has no query", shown(&text)),
            "remove the ? and what follows",
        ));
    }
    if let Some((issuer, _)) = text.split_once("/.well-known/") {
        let problem = format!("is {}, the discovery document and not the issuer", shown(&text));
        return Err(Complaint::new(problem, format!("write {}", shown(issuer))));
    }
    Ok(text)
}

/// Whether a text is a host name of DNS labels (or an address literal, which the URL parser has already checked).
pub(super) fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    host.starts_with('[') || (host.len() <= 253 && host.split('.').all(label))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_origin_is_normalised() {
        let origin = Origin::parse("HTTPS://MCP.Example.com:443/").unwrap();
        assert_eq!((origin.as_str(), origin.host_port()), ("https://mcp.example.com", "mcp.example.com"));
        assert!(origin.is_secure() && !origin.is_loopback());
        let local = Origin::parse("http://localhost:8787").unwrap();
        assert_eq!(local.host_port(), "localhost:8787");
        assert!(local.is_loopback() && !local.is_secure());
        assert!(Origin::parse("http://[::1]:8787").unwrap().is_loopback());
        assert!(Origin::parse("http://127.0.0.2").unwrap().is_loopback());
    }

    #[test]
    fn what_is_not_an_origin_is_refused_with_the_fix() {
        for (text, word) in [
            ("mcp.example.com", "absolute URL"),
            ("https://mcp.example.com/mcp", "more than an origin"),
            ("https://mcp.example.com//", "more than an origin"),
            ("https://mcp.example.com/.", "more than an origin"),
            ("https://mcp.example.com?x=1", "more than an origin"),
            ("https://mcp.example.com/?", "more than an origin"),
            ("https://mcp.example.com/#x", "fragment"),
            ("https://me:pw@mcp.example.com", "user name"),
            ("http://mcp.example.com", "plain http"),
            ("http://localhost.example.com", "plain http"),
            ("ftp://mcp.example.com", "neither"),
            ("https://*.example.com", "plain host name"),
            ("https://mcp.example.com.", "plain host name"),
            ("https:mcp.example.com", "read differently"),
            (" https://mcp.example.com", "read differently"),
            ("https:\\\\mcp.example.com", "read differently"),
        ] {
            let complaint = Origin::parse(text).expect_err(text);
            assert!(complaint.problem.contains(word), "{text}: {complaint:?}");
            assert!(!complaint.problem.contains("pw"), "{complaint:?}");
        }
        let complaint = Origin::parse("https://mcp.example.com/v1").unwrap_err();
        assert!(complaint.fix.contains("\"https://mcp.example.com\""), "{complaint:?}");
    }

    #[test]
    fn a_host_is_normalised_like_an_origin() {
        assert_eq!(host_port("MCP.example.com:443").unwrap(), "mcp.example.com");
        assert_eq!(host_port("mcp.example.com:8443").unwrap(), "mcp.example.com:8443");
        assert_eq!(host_port("localhost:80").unwrap(), "localhost");
        assert_eq!(host_port("[::1]:8787").unwrap(), "[::1]:8787");
        for text in
            ["", "https://mcp.example.com", "*.example.com", "mcp.example.com/", "a b", "host:x", "me@host", "*"]
        {
            assert!(host_port(text).is_err(), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn any_text_is_an_origin_or_not(text in "(https?://)?[a-zA-Z0-9.:/@?#*\\[\\] \\\\-]{0,24}|\\PC{0,24}") {
            if let Ok(origin) = Origin::parse(&text) {
                prop_assert_eq!(Origin::parse(origin.as_str()), Ok(origin.clone()));
                prop_assert_eq!(host_port(origin.host_port()).is_ok(), true);
                prop_assert!(origin.is_secure() || origin.is_loopback());
            }
            let _ = host_port(&text);
        }
    }
}
