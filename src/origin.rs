//! Which public origin a request came to: the one rule behind issuer, audience, metadata and every URL the gateway writes.
//!
//! Not here: routing, CORS headers. A host is believed only if the configuration or loopback says so, so that nobody can spoof the
//! issuer with a header.

use http::HeaderMap;
use url::{Host, Url};

use crate::config::{Config, Origin};
use crate::failure::Failure;

/// The public origin of a request: `public_url` first, else the effective host (`X-Forwarded-Host` only when that host is
/// allowed, else `Host`). A host that is neither allowed nor loopback is refused.
pub fn effective(config: &Config, url: &Url, headers: &HeaderMap) -> Result<Origin, Failure> {
    let host = host_of(url);
    let forwarded = headers.get("x-forwarded-host").and_then(|value| value.to_str().ok()).map(str::to_ascii_lowercase);
    let forwarded = forwarded.filter(|forwarded| is_allowed(config, forwarded));
    if forwarded.is_none() && !is_allowed(config, &host) && !is_loopback(url) {
        return Err(refusal(config, &host));
    }
    if let Some(public) = &config.public_url {
        return Ok(public.clone());
    }
    let own = match &forwarded {
        Some(forwarded) => Origin::of_request("https", forwarded),
        None if is_loopback(url) => Origin::of_request(url.scheme(), &host),
        None => Origin::of_request("https", &host),
    };
    own.ok_or_else(|| refusal(config, &host))
}

/// Whether a browser origin may call the API: our own, a configured one, or any loopback one while we are on loopback ourselves.
pub fn may_call(config: &Config, own: &Origin, origin: &str) -> bool {
    origin == own.as_str()
        || config.allowed_origins.iter().any(|allowed| allowed == origin)
        || (own.is_loopback() && Url::parse(origin).is_ok_and(|url| is_loopback(&url)))
}

/// Whether the host the request names differs from the one the configuration calls public, and which host that is.
pub fn differs(config: &Config, url: &Url, headers: &HeaderMap) -> Option<String> {
    let public = config.public_url.as_ref()?;
    let forwarded = headers.get("x-forwarded-host").and_then(|value| value.to_str().ok());
    let host = forwarded.map_or_else(|| host_of(url), str::to_ascii_lowercase);
    (host != public.host_port()).then_some(host)
}

fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
    url.port().map_or(host.clone(), |port| format!("{host}:{port}"))
}

fn is_allowed(config: &Config, host: &str) -> bool {
    let bare = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
        .map_or(host, |(bare, _)| bare);
    config.public_url.as_ref().is_some_and(|public| public.host_port() == host)
        || config.allowed_hosts.iter().any(|allowed| allowed == host || allowed == bare)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn refusal(config: &Config, host: &str) -> Failure {
    let fix = match &config.public_url {
        Some(public) => format!(
            "Connect to {}. If a reverse proxy in front should reach the gateway under another name, let it forward the original Host header or add \
             that name to allowed_hosts.",
            public.as_str()
        ),
        None => "Set public_url in the configuration to the address people use, or list the host in allowed_hosts."
            .to_owned(),
    };
    Failure::client(421, "host_not_allowed", format!("This gateway does not answer for the host {host:?}.")).fix(fix)
}
