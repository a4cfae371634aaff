//! Cookies (RFC 6265bis): what the browser sent, and what it is asked to keep.
//!
//! Not here: what a cookie's value means (`session`, `transaction`), or which cookie is wanted (`flow`).

use std::collections::BTreeMap;

use crate::headers::{COOKIE, HeaderMap, HeaderValue};
use crate::secret::Secret;
use crate::time::Lifetime;

/// The browser session's cookie. The name is a promise to operators and the same on every origin.
pub const SESSION: &str = "__mcp_session";

/// The base name of what proves that [`SESSION`] was set here. That name has no prefix, so a sibling host, or plain
/// http, can plant one.
pub const TWIN: &str = "mcp_session";

/// Browsers ignore a cookie whose name and value are longer together (RFC 6265bis §5.6).
pub const MAX_COOKIE: usize = 4096;

const MAX_HEADER_BYTES: usize = 32 * 1024;
const MAX_COOKIES: usize = 200;
/// With one more of [`MAX_COOKIE`], and what else a request carries, still a request that is read.
const CROWD: usize = 24 * 1024;

/// The name of a cookie other than [`SESSION`] on this origin. The `__Host-` prefix keeps sibling hosts from planting
/// one; browsers accept it only with `Secure`, which some tools drop on an `http` loopback origin.
pub fn name(base: &str, secure: bool) -> String {
    if secure { format!("__Host-{base}") } else { base.to_owned() }
}

/// The cookies of one request.
#[derive(Debug, Default)]
pub struct Jar(BTreeMap<String, Vec<Secret>>);

impl Jar {
    /// Reads every `Cookie` header (HTTP/2 may split it). Pairs that are not visible ASCII are another application's
    /// and left out. More than a browser would send is read as nothing at all: half a jar could hide a duplicate.
    pub fn parse(headers: &HeaderMap) -> Self {
        let bytes: usize = headers.get_all(COOKIE).map(HeaderValue::len).sum();
        if bytes > MAX_HEADER_BYTES {
            return Self::default();
        }
        let mut cookies: BTreeMap<String, Vec<Secret>> = BTreeMap::new();
        let pairs = headers.get_all(COOKIE).flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
        for (count, pair) in pairs.enumerate() {
            if count >= MAX_COOKIES {
                return Self::default();
            }
            let Some((name, value)) = name_and_value(pair) else { continue };
            cookies.entry(name.to_owned()).or_default().push(Secret::new(value));
        }
        Self(cookies)
    }

    /// The value of a cookie sent exactly once. Of two with one name, somebody else's path or domain set one, and which
    /// is unknown.
    pub fn get(&self, name: &str) -> Option<&Secret> {
        match self.all(name) {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Every value sent under a name, for whoever can tell which is which.
    pub fn all(&self, name: &str) -> &[Secret] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// The names that begin like this, once all of those cookies together are too large for another one beside them.
    pub fn crowded(&self, beginning: &str) -> Vec<&str> {
        let own = || self.0.iter().filter(|(name, _)| name.starts_with(beginning));
        let bytes: usize =
            own().flat_map(|(name, values)| values.iter().map(|value| name.len() + value.expose().len())).sum();
        if bytes > CROWD { own().map(|(name, _)| name.as_str()).collect() } else { Vec::new() }
    }
}

fn name_and_value(pair: &[u8]) -> Option<(&str, &str)> {
    let pair = std::str::from_utf8(pair).ok()?.trim_matches([' ', '\t']);
    let (name, value) = pair.split_once('=')?;
    (!name.is_empty() && is_token(name) && value.bytes().all(is_cookie_octet)).then_some((name, value))
}

/// A cookie for the browser to keep. Always `HttpOnly`, `SameSite=Lax` (the way back from the identity provider is a
/// cross-site navigation) and `Path=/` (`__Host-` demands it).
#[derive(Debug, Clone)]
pub struct SetCookie {
    name: String,
    value: Secret,
    max_age: Lifetime,
    secure: bool,
}

/// The name or value cannot stand in a cookie, or both are too long together. Never says which: the value is a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnfitCookie;

impl SetCookie {
    /// A cookie that lives for a while; `secure` exactly when the public origin is `https`.
    pub fn new(name: impl Into<String>, value: Secret, max_age: Lifetime, secure: bool) -> Self {
        Self { name: name.into(), value, max_age, secure }
    }

    /// Takes a cookie away again.
    pub fn removal(name: impl Into<String>, secure: bool) -> Self {
        Self::new(name, Secret::new(""), Lifetime(0), secure)
    }

    /// The `Set-Cookie` header. Append it to a reply, never set it: two cookies are two headers.
    pub fn to_header(&self) -> Result<HeaderValue, UnfitCookie> {
        let (name, value) = (&self.name, self.value.expose());
        let fit = !name.is_empty()
            && is_token(name)
            && value.bytes().all(is_cookie_octet)
            && name.len() + value.len() <= MAX_COOKIE;
        if !fit {
            return Err(UnfitCookie);
        }
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!("{name}={value}; Max-Age={}; Path=/; HttpOnly; SameSite=Lax{secure}", self.max_age.0);
        let mut header = HeaderValue::try_from(text).map_err(|_| UnfitCookie)?;
        header.set_sensitive(true);
        Ok(header)
    }
}

/// `token` of RFC 9110 §5.6.2.
fn is_token(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// `cookie-octet` of RFC 6265bis §4.1.1, and the double quotes some applications put around a value.
fn is_cookie_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b",;\\".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn jar(headers: &[&[u8]]) -> Jar {
        let mut map = HeaderMap::new();
        for value in headers {
            map.append(COOKIE, HeaderValue::try_from(String::from_utf8_lossy(value).into_owned()).unwrap());
        }
        Jar::parse(&map)
    }

    fn value<'a>(jar: &'a Jar, name: &str) -> Option<&'a str> {
        jar.get(name).map(Secret::expose)
    }

    #[test]
    fn pairs_are_read_across_headers() {
        let jar = jar(&[b"a=1; __mcp_session=x=y", b"b=2"]);
        assert_eq!(value(&jar, "a"), Some("1"));
        assert_eq!(value(&jar, SESSION), Some("x=y"));
        assert_eq!(value(&jar, "b"), Some("2"));
        assert_eq!(value(&jar, "A"), None);
    }

    #[test]
    fn a_name_sent_twice_is_no_cookie() {
        assert_eq!(value(&jar(&[b"s=mine; s=planted"]), "s"), None);
        assert_eq!(value(&jar(&[b"s=mine", b"s=mine"]), "s"), None);
        assert_eq!(value(&jar(&[b"s=1; s=2; s=3"]), "s"), None);
        let all: Vec<_> = jar(&[b"s=1; t=x", b"s=2"]).all("s").iter().map(|value| value.expose().to_owned()).collect();
        assert_eq!(all, ["1", "2"]);
    }

    #[test]
    fn a_foreign_cookie_does_not_hide_ours() {
        let jar = jar(&[b"caf\xc3\xa9=\xff; novalue; =x; k=a b; s=1"]);
        assert_eq!(value(&jar, "s"), Some("1"));
        assert_eq!(value(&jar, "k"), None);
    }

    #[test]
    fn a_flood_is_no_jar() {
        let many = (0..=MAX_COOKIES).map(|n| format!("c{n}=1")).collect::<Vec<_>>().join("; ");
        assert_eq!(value(&jar(&[many.as_bytes()]), "c0"), None);
        let long = format!("s=1; big={}", "x".repeat(MAX_HEADER_BYTES));
        assert_eq!(value(&jar(&[long.as_bytes()]), "s"), None);
    }

    #[test]
    fn the_attributes_are_exact() {
        let cookie = |secure| {
            let cookie = SetCookie::new(SESSION, Secret::new("abc"), Lifetime::hours(8), secure);
            cookie.to_header().unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(cookie(true), "__mcp_session=abc; Max-Age=28800; Path=/; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(cookie(false), "__mcp_session=abc; Max-Age=28800; Path=/; HttpOnly; SameSite=Lax");
        let removal = SetCookie::removal(name("t", true), true).to_header().unwrap();
        assert_eq!(removal, "__Host-t=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure");
        assert!(removal.is_sensitive());
    }

    #[test]
    fn the_host_prefix_comes_with_secure_only() {
        assert_eq!(name("x", true), "__Host-x");
        assert_eq!(name("x", false), "x");
    }

    #[test]
    fn an_attribute_cannot_be_smuggled_in() {
        for (name, value) in [("a", "x; Domain=evil"), ("a;b", "x"), ("a=b", "x"), ("", "x"), ("a", "x\r\ny")] {
            let cookie = SetCookie::new(name, Secret::new(value), Lifetime(1), true);
            assert_eq!(cookie.to_header(), Err(UnfitCookie), "{name}");
        }
        let sized = |length| SetCookie::new("a", Secret::new("x".repeat(length)), Lifetime(1), true).to_header();
        assert!(sized(MAX_COOKIE - 1).is_ok());
        assert_eq!(sized(MAX_COOKIE), Err(UnfitCookie));
    }

    #[test]
    fn debug_shows_no_value() {
        assert!(!format!("{:?}", jar(&[b"s=topsecret"])).contains("topsecret"));
        let cookie = SetCookie::new("s", Secret::new("topsecret"), Lifetime(1), true);
        assert!(!format!("{cookie:?} {:?}", cookie.to_header()).contains("topsecret"));
    }

    #[test]
    fn cookies_of_a_kind_are_named_once_they_crowd_the_request() {
        let jar = |count: usize| {
            let cookies: Vec<_> = (0..count).map(|n| format!("mcp_login_{n}={}", "a".repeat(2989))).collect();
            let header = format!("other={}; {}", "b".repeat(900), cookies.join("; "));
            Jar::parse(&HeaderMap::from_iter([(COOKIE, HeaderValue::try_from(header).unwrap())]))
        };
        assert!(jar(8).crowded("mcp_login_").is_empty());
        let jar = jar(9);
        let names = jar.crowded("mcp_login_");
        assert!(names.len() == 9 && names.iter().all(|name| name.starts_with("mcp_login_")), "{names:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn any_header_is_read_without_harm(bytes in proptest::collection::vec(0x20u8..=0xff, 0..200)) {
            if let Ok(header) = HeaderValue::try_from(String::from_utf8_lossy(&bytes).into_owned()) {
                let mut map = HeaderMap::new();
                map.append(COOKIE, header);
                for (name, values) in Jar::parse(&map).0 {
                    prop_assert!(is_token(&name));
                    prop_assert!(values.iter().all(|value| value.expose().bytes().all(is_cookie_octet)));
                }
            }
        }

        #[test]
        fn what_is_set_comes_back(value in "[A-Za-z0-9_-]{0,200}") {
            let header = SetCookie::new("s", Secret::new(value.clone()), Lifetime(60), true).to_header().unwrap();
            let pair = header.to_str().unwrap().split(';').next().unwrap().to_owned();
            let jar = jar(&[pair.as_bytes()]);
            prop_assert_eq!(jar.get("s").map(Secret::expose), Some(value.as_str()));
        }
    }
}
