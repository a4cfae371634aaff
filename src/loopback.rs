//! Which hosts are this machine: where plain http is spoken, and where a development sign-in may be trusted.
//!
//! Not here: what is allowed there. Two answers, because two kinds of text are asked about: URLs that are resolved,
//! where every loopback address counts, and those of clients, which are compared as text.

use url::{Host, Url};

/// The hosts by which clients name this machine (OAuth 2.1 §8.4.2).
pub const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Whether a URL leads to this machine: `localhost`, 127.0.0.0/8 or `[::1]`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether a client's URL leads to this machine by one of its [`NAMES`].
pub fn is_named(url: &Url) -> bool {
    url.host_str().is_some_and(|host| NAMES.contains(&host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_every_address_and_three_names() {
        for (host, loopback, named) in [
            ("localhost", true, true),
            ("LOCALHOST:8787", true, true),
            ("127.0.0.1", true, true),
            ("[::1]:8787", true, true),
            ("127.0.0.2", true, false),
            ("a.localhost", false, false),
            ("localhost.example", false, false),
            ("localhost.", false, false),
            ("127.0.0.1.example", false, false),
            ("[::ffff:127.0.0.1]", false, false),
            ("0.0.0.0", false, false),
        ] {
            let url = Url::parse(&format!("http://{host}/")).unwrap();
            assert_eq!((is_loopback(&url), is_named(&url)), (loopback, named), "{host}");
        }
        assert!(!is_loopback(&Url::parse("data:localhost").unwrap()));
    }
}
