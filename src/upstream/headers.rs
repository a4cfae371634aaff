//! The headers an operator gives a server, API keys mostly, proven sendable before the first request needs them.
//!
//! Not here: where the values come from (`config`, `ports::Secrets`).

use std::fmt;

use crate::headers::{HeaderName, HeaderValue};
use crate::secret::Secret;

/// A header ready to send, its value marked sensitive so that no debug print shows it.
pub fn header(name: &str, value: &Secret) -> Result<(HeaderName, HeaderValue), HeaderError> {
    let proven = HeaderName::parse(name).map_err(|_| HeaderError::IllegalName)?;
    if is_forbidden(&proven) {
        return Err(HeaderError::ForbiddenName);
    }
    let text = value.expose();
    if text.is_empty() {
        return Err(HeaderError::EmptyValue);
    }
    // The runtime drops or refuses header bytes beyond this, and trims the spaces (RFC 9110 §5.5).
    if text.trim() != text || !text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return Err(HeaderError::IllegalValue);
    }
    let mut value = HeaderValue::try_from(text).map_err(|_| HeaderError::IllegalValue)?;
    value.set_sensitive(true);
    Ok((proven, value))
}

/// Names that belong to the connection, to MCP or to the gateway. An operator's value would break or forge what they
/// say.
pub fn is_forbidden(name: &HeaderName) -> bool {
    // Cloudflare's own headers, except those that open a server behind Cloudflare Access.
    let cloudflare = name.as_str().starts_with("cf-") && !name.as_str().starts_with("cf-access-");
    cloudflare
        || FORBIDDEN.contains(&name.as_str())
        || FORBIDDEN_BEGINNINGS.iter().any(|beginning| name.as_str().starts_with(beginning))
}

const FORBIDDEN: [&str; 16] = [
    "accept",
    "accept-encoding",
    "connection",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "last-event-id",
    "origin",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

const FORBIDDEN_BEGINNINGS: [&str; 5] = ["content-", "mcp-", "proxy-", "sec-", "x-forwarded-"];

/// Why a header cannot be sent. Never says the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderError {
    /// Not a header name (RFC 9110 §5.1).
    IllegalName,
    /// A name only the gateway sets.
    ForbiddenName,
    /// Nothing to send.
    EmptyValue,
    /// A character that no header carries, or a space around it.
    IllegalValue,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IllegalName => "is not a header name: use letters, digits and hyphens",
            Self::ForbiddenName => "is a header that only the gateway sets",
            Self::EmptyValue => "has an empty value",
            Self::IllegalValue => {
                "has a value with characters other than visible ASCII, or a space or line break at its ends: set the \
                 secret again without them"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn result(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), HeaderError> {
        header(name, &Secret::new(value))
    }

    #[test]
    fn credentials_may_be_sent() {
        for (name, value) in [
            ("Authorization", "Bearer a b"),
            ("X-Api-Key", "k"),
            ("x-team", "edge"),
            ("DD-API-KEY", "~!"),
            ("CF-Access-Client-Id", "id.access"),
            ("CF-Access-Client-Secret", "s"),
        ] {
            let (sent, text) = result(name, value).unwrap();
            assert_eq!((sent.as_str(), text.as_bytes()), (&*name.to_ascii_lowercase(), value.as_bytes()));
        }
    }

    #[test]
    fn the_value_never_shows() {
        assert_eq!(format!("{:?}", result("x-api-key", "hunter2").unwrap().1), "Sensitive");
    }

    #[test]
    fn what_the_gateway_or_the_connection_says_stays_theirs() {
        for name in [
            "Host",
            "Accept",
            "Cookie",
            "Set-Cookie",
            "Connection",
            "Keep-Alive",
            "TE",
            "Trailer",
            "Transfer-Encoding",
            "Upgrade",
            "Content-Type",
            "Content-Length",
            "Mcp-Session-Id",
            "MCP-Protocol-Version",
            "Mcp-Param-X",
            "Proxy-Authorization",
            "Forwarded",
            "X-Forwarded-For",
            "X-Forwarded-Host",
            "CF-Connecting-IP",
            "Origin",
            "Expect",
            "Last-Event-ID",
            "Accept-Encoding",
            "Via",
            "Sec-Fetch-Site",
        ] {
            assert_eq!(result(name, "x"), Err(HeaderError::ForbiddenName), "{name}");
        }
    }

    #[test]
    fn illegal_names_and_values_are_told_apart() {
        for name in ["", "a b", "a:b", "ä", "a\n"] {
            assert_eq!(result(name, "x"), Err(HeaderError::IllegalName), "{name}");
        }
        assert_eq!(result("x-key", ""), Err(HeaderError::EmptyValue));
        for value in ["key\n", "a\r\nb: c", " key", "key ", "k\u{e4}y", "a\tb", "\0"] {
            assert_eq!(result("x-key", value), Err(HeaderError::IllegalValue), "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_proven_is_ascii(name in "\\PC{0,12}", value in "\\PC{0,24}") {
            if let Ok((_, proven)) = result(&name, &value) {
                prop_assert_eq!(proven.to_str().unwrap(), value);
            }
        }
    }
}
