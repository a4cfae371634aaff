//! Names of headers: those that are written in the code, and those that come with a message.
//!
//! Not here: their order and values.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::value::Unfit;

/// A field name in lower case (RFC 9110 §5.1).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeaderName(Cow<'static, str>);

macro_rules! known {
    ($($constant:ident $name:literal)*) => {
        $(
            #[doc = concat!("`", $name, "`")]
            pub const $constant: HeaderName = HeaderName::from_static($name);
        )*
        /// Names that are not copied.
        pub(super) const KNOWN: &[&str] = &[$($name),*];
    };
}

known! {
    ACCEPT "accept"
    ACCESS_CONTROL_ALLOW_HEADERS "access-control-allow-headers"
    ACCESS_CONTROL_ALLOW_METHODS "access-control-allow-methods"
    ACCESS_CONTROL_ALLOW_ORIGIN "access-control-allow-origin"
    ACCESS_CONTROL_EXPOSE_HEADERS "access-control-expose-headers"
    ACCESS_CONTROL_MAX_AGE "access-control-max-age"
    AGE "age"
    ALLOW "allow"
    AUTHORIZATION "authorization"
    CACHE_CONTROL "cache-control"
    CONTENT_DISPOSITION "content-disposition"
    CONTENT_LENGTH "content-length"
    CONTENT_SECURITY_POLICY "content-security-policy"
    CONTENT_TYPE "content-type"
    COOKIE "cookie"
    DATE "date"
    LINK "link"
    LOCATION "location"
    MCP_METHOD "mcp-method"
    MCP_NAME "mcp-name"
    MCP_PROTOCOL_VERSION "mcp-protocol-version"
    MCP_SESSION_ID "mcp-session-id"
    ORIGIN "origin"
    REFERRER_POLICY "referrer-policy"
    RETRY_AFTER "retry-after"
    SET_COOKIE "set-cookie"
    STRICT_TRANSPORT_SECURITY "strict-transport-security"
    USER_AGENT "user-agent"
    VARY "vary"
    WWW_AUTHENTICATE "www-authenticate"
    X_CONTENT_TYPE_OPTIONS "x-content-type-options"
    X_FRAME_OPTIONS "x-frame-options"
}

impl HeaderName {
    /// A name that is written in the code, in lower case.
    pub const fn from_static(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// A name that is a token (RFC 9110 §5.6.2), in lower case.
    pub fn parse(name: &str) -> Result<Self, Unfit> {
        if let Some(known) = KNOWN.iter().find(|known| **known == name) {
            return Ok(Self::from_static(known));
        }
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let fits = !name.is_empty() && name.bytes().all(is_token);
        fits.then(|| Self(Cow::Owned(name.to_ascii_lowercase()))).ok_or(Unfit)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.0.len() == name.len() && self.0.eq_ignore_ascii_case(name) // most differ in length
    }
}

impl AsRef<str> for HeaderName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for HeaderName {
    fn from(name: &'static str) -> Self {
        Self::from_static(name)
    }
}

impl FromStr for HeaderName {
    type Err = Unfit;

    fn from_str(name: &str) -> Result<Self, Unfit> {
        Self::parse(name)
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for HeaderName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), formatter)
    }
}

impl PartialEq<str> for HeaderName {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for HeaderName {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}
