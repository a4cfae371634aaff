//! Redirect URIs: which may be registered, and which request fits a registered one (OAuth 2.1 §2.3, §4.1.1, §8.4.2).
//!
//! The text is kept as the client wrote it, because clients compare it byte for byte. Text that a browser would read as
//! something else than it says is refused, so comparing text is comparing what is opened. Not here: whose URI it is
//! (`client`).

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::loopback;
use crate::oauth::uri_text::UriText;
use crate::web::form;

const LONGEST: usize = 2048;

/// Private-use schemes cannot be tied to an owner, so each is admitted by name only. Cursor's, although OAuth 2.1
/// §2.3.1 discourages a scheme without a dot: it registers no other URI that its desktop application listens on.
const PRIVATE_USE: [&str; 1] = ["cursor://anysphere.cursor-mcp/oauth/callback"];

/// Schemes that run, read or show something in the browser instead of handing a code to an application.
const NEVER: &str = "about blob data file filesystem ftp intent jar javascript mailto tel vbscript view-source ws wss";

/// The parameters of an authorization response. A redirect URI that brings its own would have two of them.
const RESPONSE: [&str; 7] = ["code", "state", "iss", "error", "error_description", "error_uri", "response"];

/// Whether no redirect URI may have this scheme, whoever names it.
pub fn is_dangerous(scheme: &str) -> bool {
    NEVER.split(' ').any(|never| never.eq_ignore_ascii_case(scheme))
}

/// A redirect URI that may be used, exactly as written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RedirectUri(String);

impl RedirectUri {
    /// Reads a URI that anybody may ask for: https, http on this machine, or one of the known private-use URIs.
    pub fn parse(text: &str) -> Result<Self, RedirectUriError> {
        let uri = Self::named(text)?;
        if uri.is_web() || PRIVATE_USE.contains(&text) { Ok(uri) } else { Err(RedirectUriError::PrivateScheme) }
    }

    /// Reads a URI that the operator, or a record already admitted, names in full: any scheme that is not dangerous.
    pub fn named(text: &str) -> Result<Self, RedirectUriError> {
        if text.len() > LONGEST {
            return Err(RedirectUriError::TooLong);
        }
        if !text.bytes().all(is_uri_character) {
            return Err(RedirectUriError::Character);
        }
        let parts = UriText::of(text).ok_or(RedirectUriError::NotAbsolute)?;
        let url = Url::parse(text).map_err(|_| RedirectUriError::NotAbsolute)?;
        if url.fragment().is_some() {
            return Err(RedirectUriError::Fragment);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(RedirectUriError::UserInfo);
        }
        if is_dangerous(url.scheme()) {
            return Err(RedirectUriError::Dangerous);
        }
        if is_web(&url) && !is_written_as_read(&parts, &url) {
            return Err(RedirectUriError::Ambiguous);
        }
        if url.scheme() == "http" && !loopback::is_named(&url) {
            return Err(RedirectUriError::Insecure);
        }
        let query = form::parse(url.query().unwrap_or_default().as_bytes()).map_err(|_| RedirectUriError::Character)?;
        if let Some(parameter) = RESPONSE.into_iter().find(|name| query.has(name)) {
            return Err(RedirectUriError::Reserved { parameter });
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether a request's `redirect_uri` fits this registered one: the same text, but on http loopback with any port,
    /// because a native application listens on whichever is free. `localhost`, `127.0.0.1` and `[::1]` do not stand for
    /// each other.
    pub fn accepts(&self, requested: &str) -> bool {
        if self.0 == requested {
            return true;
        }
        let registered = loopback_parts(&self.0);
        registered.is_some() && registered == loopback_parts(requested) && Self::named(requested).is_ok()
    }

    /// The same without its port where that is loopback: a program on the person's machine listens on another one each
    /// time.
    pub fn without_port(&self) -> String {
        let url = Url::parse(&self.0).ok().filter(|_| self.is_loopback());
        let portless = url.and_then(|mut url| url.set_port(None).ok().map(|()| String::from(url)));
        portless.unwrap_or_else(|| self.0.clone())
    }

    /// As the client wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host a person is shown. A private-use URI has none: what stands there belongs to no one.
    pub fn host(&self) -> Option<String> {
        self.url().filter(is_web)?.host_str().map(str::to_owned)
    }

    /// Whether the code would go to whatever listens on the person's own machine.
    pub fn is_loopback(&self) -> bool {
        self.url().is_some_and(|url| is_web(&url) && loopback::is_named(&url))
    }

    /// The source that a Content-Security-Policy must allow for a form whose answer redirects here.
    pub fn origin(&self) -> String {
        match self.url() {
            Some(url) if is_web(&url) => url.origin().ascii_serialization(),
            Some(url) => format!("{}:", url.scheme()),
            None => String::new(),
        }
    }

    /// The URI with response parameters added to its query (OAuth 2.1 §4.1.2); what it had stays untouched.
    pub fn with_query(&self, parameters: &[(&str, &str)]) -> String {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let joint = match self.0.split_once('?') {
            None => "?",
            Some((_, held)) if held.is_empty() || held.ends_with('&') => "",
            Some(_) => "&",
        };
        format!("{}{joint}{query}", self.0)
    }

    fn is_web(&self) -> bool {
        self.url().is_some_and(|url| is_web(&url))
    }

    fn url(&self) -> Option<Url> {
        Url::parse(&self.0).ok()
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for RedirectUri {
    type Error = RedirectUriError;

    fn try_from(text: String) -> Result<Self, RedirectUriError> {
        Self::named(&text)
    }
}

impl From<RedirectUri> for String {
    fn from(uri: RedirectUri) -> Self {
        uri.0
    }
}

/// Which rule a redirect URI breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectUriError {
    /// More than 2048 bytes.
    TooLong,
    /// A character that RFC 3986 does not allow in a URI, or a broken escape.
    Character,
    /// No scheme, or nothing a URL parser can read (OAuth 2.1 §2.3).
    NotAbsolute,
    /// It has a fragment (OAuth 2.1 §2.3).
    Fragment,
    /// It has a user name or password, which reads like a host.
    UserInfo,
    /// A scheme that would act inside the browser.
    Dangerous,
    /// A browser would open another address than the text says: dot segments, numeric hosts, escapes in the host.
    Ambiguous,
    /// Plain http to another machine (MCP authorization, "Communication Security").
    Insecure,
    /// It already has a parameter of the authorization response.
    Reserved {
        /// Which one.
        parameter: &'static str,
    },
    /// A private-use scheme that is not on the list.
    PrivateScheme,
    /// No pattern of the operator fits it.
    NotAllowed,
}

impl fmt::Display for RedirectUriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "it is longer than 2048 bytes",
            Self::Character => "it has a character that a URI may not have",
            Self::NotAbsolute => "it is not an absolute URI",
            Self::Fragment => "it has a fragment",
            Self::UserInfo => "it has a user name or password",
            Self::Dangerous => "its scheme is not allowed",
            Self::Ambiguous => "a browser would read its host, port or path differently from how it is written",
            Self::Insecure => "plain http is allowed only on localhost, 127.0.0.1 and [::1]",
            Self::Reserved { parameter } => {
                return write!(f, "its query has {parameter}, a parameter of the authorization response");
            }
            Self::PrivateScheme => "its private-use scheme is not on this gateway's list",
            Self::NotAllowed => "it fits none of this gateway's allowed redirect patterns",
        })
    }
}

impl std::error::Error for RedirectUriError {}

fn is_uri_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte)
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "https" | "http")
}

/// Whether the text names host, port and path as the URL parser, and so a browser, understood them.
fn is_written_as_read(text: &UriText, url: &Url) -> bool {
    let host = url.host_str().is_some_and(|read| read.eq_ignore_ascii_case(text.host));
    let port = text.port.is_none_or(|port| port.parse() == Ok(url.port_or_known_default().unwrap_or_default()));
    let path = text.path().is_empty() || text.path() == url.path();
    host && port && path
}

/// Host and everything after the port, if this is http on loopback.
fn loopback_parts(text: &str) -> Option<(&str, &str)> {
    let parts = UriText::of(text)?;
    let loopback = loopback::NAMES.contains(&parts.host);
    (parts.scheme == "http" && loopback).then_some((parts.host, parts.tail))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn uri(text: &str) -> RedirectUri {
        RedirectUri::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn what_known_clients_register_is_allowed() {
        for text in [
            "https://claude.ai/api/mcp/auth_callback",
            "http://localhost/callback",
            "http://127.0.0.1/",
            "http://127.0.0.1:33418",
            "http://[::1]:6274/oauth/callback",
            "https://insiders.vscode.dev/redirect",
            "https://chatgpt.com/connector/oauth/aB3-_",
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "https://app.example:8443/cb?tenant=a%20b",
        ] {
            assert_eq!(uri(text).as_str(), text);
        }
    }

    #[test]
    fn each_rule_has_its_error() {
        use RedirectUriError as E;
        let long = format!("https://a.example/{}", "a".repeat(2048));
        for (text, error) in [
            (long.as_str(), E::TooLong),
            ("https://a.example/\u{e9}", E::Character),
            ("https://a.example\\@evil.example/", E::Character),
            ("https://a.example/ cb", E::Character),
            ("https://a.example/cb?x=%zz", E::Character),
            ("", E::NotAbsolute),
            ("/callback", E::NotAbsolute),
            ("//a.example/cb", E::NotAbsolute),
            ("https://a.example/cb#", E::Fragment),
            ("https://a.example/cb#x", E::Fragment),
            ("https://good.example@evil.example/cb", E::UserInfo),
            ("https://:p@evil.example/cb", E::UserInfo),
            ("javascript:alert(1)", E::Dangerous),
            ("JavaScript://a.example/%0aalert(1)", E::Dangerous),
            ("data:text/html,x", E::Dangerous),
            ("file:///etc/passwd", E::Dangerous),
            ("wss://a.example/", E::Dangerous),
            ("https:a.example/cb", E::Ambiguous),
            ("https:///a.example/cb", E::Ambiguous),
            ("https://a.example/x/../cb", E::Ambiguous),
            ("https://a.example/x/%2e%2e/cb", E::Ambiguous),
            ("http://0x7f.1/cb", E::Ambiguous),
            ("http://2130706433/cb", E::Ambiguous),
            ("https://a%2eexample/cb", E::Ambiguous),
            ("http://localhost:/cb", E::Ambiguous),
            ("http://a.example/cb", E::Insecure),
            ("http://localhost.evil.example/cb", E::Insecure),
            ("http://127.0.0.2/cb", E::Insecure),
            ("https://a.example/cb?code=x", E::Reserved { parameter: "code" }),
            ("https://a.example/cb?a=b&st%61te", E::Reserved { parameter: "state" }),
            ("cursor://anysphere.cursor-mcp/oauth/callback2", E::PrivateScheme),
            ("com.example.app:/cb", E::PrivateScheme),
        ] {
            assert_eq!(RedirectUri::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn the_operator_may_name_a_private_scheme_but_no_dangerous_one() {
        assert!(RedirectUri::named("com.example.app:/cb").is_ok());
        assert_eq!(RedirectUri::named("javascript:x"), Err(RedirectUriError::Dangerous));
    }

    #[test]
    fn only_the_port_is_free_and_only_on_http_loopback() {
        for (registered, requested) in [
            ("http://localhost/callback", "http://localhost:3118/callback"),
            ("http://localhost:1/callback", "http://localhost/callback"),
            ("http://127.0.0.1:33418/", "http://127.0.0.1:50000/"),
            ("http://[::1]/cb?x=1", "http://[::1]:8080/cb?x=1"),
            ("https://a.example/cb", "https://a.example/cb"),
        ] {
            assert!(uri(registered).accepts(requested), "{registered} {requested}");
        }
        for (registered, requested) in [
            ("http://localhost/callback", "http://127.0.0.1/callback"),
            ("http://127.0.0.1/callback", "http://[::1]/callback"),
            ("http://localhost/callback", "http://localhost:3118/callback/"),
            ("http://localhost/callback", "http://localhost:3118/callback?x=1"),
            ("http://localhost/callback", "http://localhost:3118/Callback"),
            ("http://localhost/callback", "https://localhost:3118/callback"),
            ("http://localhost/callback", "http://localhost:99999/callback"),
            ("http://localhost/callback", "http://localhost:1@evil.example/callback"),
            ("http://localhost/callback", "http://localhost:3118/callback#x"),
            ("https://localhost/callback", "https://localhost:3118/callback"),
            ("https://a.example/cb", "https://a.example:8443/cb"),
            ("https://a.example/cb", "https://A.example/cb"),
            ("https://a.example/cb", "https://a.example/cb/"),
            ("https://a.example/cb", "https://a.example/cb?x=1"),
            ("https://a.example/cb", "https://a.example/c"),
        ] {
            assert!(!uri(registered).accepts(requested), "{registered} {requested}");
        }
    }

    #[test]
    fn response_parameters_join_the_query() {
        let added = [("code", "a b&c"), ("iss", "https://gw.example")];
        for (text, whole) in [
            ("https://a.example/cb", "https://a.example/cb?code=a+b%26c&iss=https%3A%2F%2Fgw.example"),
            ("https://a.example/cb?x=1", "https://a.example/cb?x=1&code=a+b%26c&iss=https%3A%2F%2Fgw.example"),
            ("https://a.example/cb?", "https://a.example/cb?code=a+b%26c&iss=https%3A%2F%2Fgw.example"),
        ] {
            assert_eq!(uri(text).with_query(&added), whole);
        }
    }

    #[test]
    fn a_person_is_shown_where_the_code_goes() {
        let web = uri("https://App.example:8443/cb");
        assert_eq!((web.host().as_deref(), web.is_loopback()), (Some("app.example"), false));
        assert_eq!(web.origin(), "https://app.example:8443");
        let local = uri("http://[::1]:6274/cb");
        assert_eq!((local.host().as_deref(), local.is_loopback()), (Some("[::1]"), true));
        let private = uri(PRIVATE_USE[0]);
        assert_eq!((private.host(), private.is_loopback(), private.origin()), (None, false, "cursor:".to_owned()));
    }

    #[test]
    fn stored_as_a_string_and_checked_when_read() {
        assert_eq!(serde_json::to_string(&uri("http://localhost/cb")).unwrap(), "\"http://localhost/cb\"");
        assert!(serde_json::from_str::<RedirectUri>("\"javascript:x\"").is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn any_text_reads_or_is_refused(text in "\\PC{0,60}|(https?|cursor):[ -~]{0,40}") {
            if let Ok(uri) = RedirectUri::named(&text) {
                prop_assert!(uri.accepts(&text) && uri.with_query(&[("code", "x")]).starts_with(&text));
            }
        }

        #[test]
        fn what_is_accepted_goes_to_the_registered_host(requested in "http://(localhost|127.0.0.1)[:@/.a-z0-9?#]{0,20}/callback") {
            if uri("http://localhost/callback").accepts(&requested) {
                let url = Url::parse(&requested).unwrap();
                prop_assert_eq!((url.host_str(), url.path()), (Some("localhost"), "/callback"));
            }
        }
    }
}
