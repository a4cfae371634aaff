//! Which public origin a request came to: the one rule behind issuer, audience, metadata and every URL the gateway
//! writes.
//!
//! Not here: routing, CORS headers. A host is believed only if the configuration or loopback says so, so that nobody
//! can spoof the issuer with a header.

use url::{Position, Url};

use super::failure::Failure;
use crate::config::{Config, Origin, Server};
use crate::headers::HeaderMap;
use crate::loopback::{is_loopback, is_named};

/// The public origin of a request: `public_url` first, else the effective host (`X-Forwarded-Host` only when that host
/// is allowed, else `Host`). A host that is neither allowed, nor a server's own, nor this machine's is refused.
pub fn effective(config: &Config, url: &Url, headers: &HeaderMap) -> Result<Origin, Failure> {
    if server_at(config, url).is_some() {
        return config.public_url.clone().ok_or_else(|| refusal(config, host_of(url)));
    }
    let host = host_of(url);
    let forwarded = headers.get("x-forwarded-host").and_then(|value| value.to_str().ok()).map(str::to_ascii_lowercase);
    let forwarded = forwarded.filter(|forwarded| is_allowed(config, forwarded));
    // Loopback is trusted more (sign-in without a password): only the request's own URL can say so, never a header.
    let forwarded = forwarded.filter(|forwarded| is_loopback(url) || !names_loopback(forwarded));
    // A page whose name was rebound to this machine can write that header: where none is public, the Host has to stand
    // alone.
    let vouched = forwarded.is_some() && config.public_url.as_ref().is_some_and(|public| !public.is_loopback());
    if !vouched && !is_allowed(config, host) && !is_local(config, url) {
        return Err(refusal(config, host));
    }
    if let Some(public) = &config.public_url {
        let local = !public.is_loopback() || is_loopback(url);
        return if local { Ok(public.clone()) } else { Err(refusal(config, host)) };
    }
    let own = match &forwarded {
        Some(forwarded) => Origin::of_host(forwarded),
        None if is_loopback(url) => Origin::of_url(url),
        None => Origin::of_host(host),
    };
    own.ok_or_else(|| refusal(config, host))
}

/// The server whose own host a request came to. Only the request's own URL says so: with a header nobody gets to such a
/// host from the gateway's, or away from it.
pub fn server_at<'a>(config: &'a Config, url: &Url) -> Option<&'a Server> {
    let host = host_of(url);
    let is_its = |server: &&Server| server.host.as_ref().is_some_and(|own| own.host_port() == host);
    config.servers.values().find(is_its)
}

/// Whether what carried the request here (Cloudflare, a reverse proxy) says that it began as plain http.
pub fn came_in_the_clear(headers: &HeaderMap) -> bool {
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // Of several proxies the first is the one the client spoke to.
    let forwarded = said("x-forwarded-proto").split(',').next().unwrap_or_default().trim();
    forwarded.eq_ignore_ascii_case("http") || said("cf-visitor").contains("\"http\"")
}

/// Whether a request came over plain http and nothing says how it began: a proxy may have ended TLS.
pub fn may_be_in_the_clear(url: &Url, headers: &HeaderMap) -> bool {
    url.scheme() == "http" && !headers.contains_key("x-forwarded-proto") && !headers.contains_key("cf-visitor")
}

/// Whether an origin is only for requests that nobody can read on the way. Without one, because the host is not
/// believed or nothing is configured yet, the URL decides.
pub fn is_private(own: Option<&Origin>, url: &Url) -> bool {
    own.map_or_else(|| !is_loopback(url), |own| own.is_secure() && !own.is_loopback())
}

/// The origin a request names itself. Nothing confirms it: it is for telling the person at that browser where they are.
pub fn claimed(url: &Url) -> Option<Origin> {
    Origin::of_url(url)
}

/// Whether a browser origin may call the API at a URL: our own, a configured one, or any loopback one while we are on
/// loopback ourselves.
pub fn may_call(config: &Config, own: &Origin, url: &Url, origin: &str) -> bool {
    let host = || server_at(config, url).and_then(|server| server.host.as_ref());
    origin == own.as_str()
        || host().is_some_and(|host| host.as_str() == origin)
        || config.allowed_origins.iter().any(|allowed| allowed == origin)
        || (own.is_loopback() && Url::parse(origin).is_ok_and(|url| is_loopback(&url)))
}

/// Whether the host the request names differs from the one the configuration calls public, and which host that is.
pub fn differs(config: &Config, url: &Url, headers: &HeaderMap) -> Option<String> {
    let public = config.public_url.as_ref()?;
    let forwarded = headers.get("x-forwarded-host").and_then(|value| value.to_str().ok());
    let host = forwarded.map_or_else(|| host_of(url).to_owned(), str::to_ascii_lowercase);
    (host != public.host_port()).then_some(host)
}

/// `host[:port]` in lower case, which is how an http URL is parsed.
fn host_of(url: &Url) -> &str {
    &url[Position::BeforeHost..Position::AfterPort]
}

fn is_allowed(config: &Config, host: &str) -> bool {
    let bare = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
        .map_or(host, |(bare, _)| bare);
    config.public_url.as_ref().is_some_and(|public| public.host_port() == host)
        || config.allowed_hosts.iter().any(|allowed| allowed == host || allowed == bare)
}

/// Whether the host is one of this machine's names, on the port of a public URL that is this machine's too.
fn is_local(config: &Config, url: &Url) -> bool {
    let port = |public: &Origin| Url::parse(public.as_str()).ok()?.port_or_known_default();
    let same_port = |public: &Origin| !public.is_loopback() || port(public) == url.port_or_known_default();
    is_named(url) && config.public_url.as_ref().is_none_or(same_port)
}

fn names_loopback(host: &str) -> bool {
    Url::parse(&format!("https://{host}")).is_ok_and(|url| is_loopback(&url))
}

fn refusal(config: &Config, host: &str) -> Failure {
    let fix = match &config.public_url {
        Some(public) => format!(
            "Connect to {}. If a reverse proxy in front should reach the gateway under another name, let it forward \
             the original Host header or add that name to allowed_hosts.",
            public.as_str()
        ),
        None => "Set public_url in the configuration to the address people use, or list the host in allowed_hosts."
            .to_owned(),
    };
    Failure::client(421, "host_not_allowed", format!("This gateway does not answer for the host {host:?}.")).fix(fix)
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::headers::HeaderValue;

    fn config(public_url: Option<&str>, allowed_hosts: &[&str]) -> Config {
        let mut document = serde_json::json!({
            "login": {"kind": "dev"},
            "allowed_hosts": allowed_hosts,
            "servers": {"demo": {"url": "http://localhost:8788/mcp"}},
        });
        if let Some(public_url) = public_url {
            document["public_url"] = public_url.into();
        }
        if public_url.is_some_and(|public_url| public_url.starts_with("https:")) {
            document["login"] =
                serde_json::json!({"kind": "oidc", "issuer": "https://id.example", "client_id": "gateway"});
        }
        Config::parse(&document.to_string()).unwrap()
    }

    fn origin(config: &Config, url: &str, forwarded: Option<&'static str>) -> Option<String> {
        let forwarded = forwarded.map(|host| ("x-forwarded-host".parse().unwrap(), HeaderValue::from_static(host)));
        let headers = HeaderMap::from_iter(forwarded);
        effective(config, &Url::parse(url).unwrap(), &headers).ok().map(|origin| origin.as_str().to_owned())
    }

    #[test]
    fn a_host_is_believed_only_if_it_is_allowed_or_loopback() {
        let open = config(None, &["gw.example"]);
        assert_eq!(origin(&open, "https://gw.example/", None).as_deref(), Some("https://gw.example"));
        assert_eq!(origin(&open, "http://localhost:8787/", None).as_deref(), Some("http://localhost:8787"));
        assert_eq!(origin(&open, "https://gw.example/", Some("evil.example")).as_deref(), Some("https://gw.example"));
        assert_eq!(origin(&open, "https://evil.example/", None), None);
        assert_eq!(origin(&open, "https://evil.example/", Some("evil.example")), None);
    }

    #[test]
    fn a_proxy_may_name_the_public_host_and_a_rebound_page_no_other() {
        let public = config(Some("https://gw.example"), &[]);
        assert_eq!(origin(&public, "https://inner.test/", Some("gw.example")).as_deref(), Some("https://gw.example"));
        assert_eq!(origin(&public, "http://127.0.0.1:8787/", None).as_deref(), Some("https://gw.example"));
        let local = config(Some("http://localhost:8787"), &["gw.example"]);
        for config in [config(None, &["gw.example", "localhost:8787"]), local] {
            for forwarded in [None, Some("gw.example"), Some("localhost:8787"), Some("evil.example:8787")] {
                assert_eq!(origin(&config, "http://evil.example:8787/", forwarded), None, "{forwarded:?}");
            }
        }
    }

    #[test]
    fn this_machine_answers_to_three_names_on_the_port_that_is_known() {
        let local = config(Some("http://localhost:8787"), &["localhost:3000"]);
        for host in ["localhost:8787", "127.0.0.1:8787", "[::1]:8787", "localhost:3000"] {
            let own = origin(&local, &format!("http://{host}/"), None);
            assert_eq!(own.as_deref(), Some("http://localhost:8787"), "{host}");
        }
        for host in ["localhost", "localhost:8788", "127.0.0.1:80", "127.0.0.2:8787", "gw.localhost:8787"] {
            assert_eq!(origin(&local, &format!("http://{host}/"), None), None, "{host}");
        }
        let open = config(None, &[]);
        for host in ["localhost:1", "127.0.0.1", "[::1]:8787"] {
            assert!(origin(&open, &format!("http://{host}/"), None).is_some(), "{host}");
        }
        assert_eq!(origin(&open, "http://127.0.0.2:8787/", None), None);
    }

    #[test]
    fn how_a_request_began_is_said_by_what_carried_it() {
        let carried = |name: &'static str, value: &'static str| {
            HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_static(value))])
        };
        for (name, value, clear) in [
            ("x-forwarded-proto", "http", true),
            ("x-forwarded-proto", "HTTP, https", true),
            ("x-forwarded-proto", "https", false),
            ("x-forwarded-proto", "https,http", false),
            ("cf-visitor", r#"{"scheme":"http"}"#, true),
            ("cf-visitor", r#"{"scheme": "https"}"#, false),
            ("cf-visitor", "", false),
        ] {
            assert_eq!(came_in_the_clear(&carried(name, value)), clear, "{name}: {value}");
            assert!(!may_be_in_the_clear(&Url::parse("http://gw.example/").unwrap(), &carried(name, value)), "{name}");
        }
        assert!(!came_in_the_clear(&HeaderMap::new()));
        assert!(may_be_in_the_clear(&Url::parse("http://gw.example/").unwrap(), &HeaderMap::new()));
        assert!(!may_be_in_the_clear(&Url::parse("https://gw.example/").unwrap(), &HeaderMap::new()));
    }

    #[test]
    fn what_a_request_calls_itself_is_an_origin_or_nothing() {
        let claimed = |url| claimed(&Url::parse(url).unwrap()).map(|origin| origin.as_str().to_owned());
        assert_eq!(claimed("https://GW.example:443/x?y").as_deref(), Some("https://gw.example"));
        assert_eq!(claimed("http://localhost:8787/").as_deref(), Some("http://localhost:8787"));
        for unfit in ["http://gw.example/", "https://gw.example;id/", "https://$(id).example/", "https://a'b/"] {
            assert_eq!(claimed(unfit), None, "{unfit}");
        }
    }

    #[test]
    fn no_header_makes_a_public_request_local() {
        let allowed = ["gw.example", "localhost:8787", "127.0.0.1", "[::1]:8787"];
        let both = config(None, &allowed);
        for forwarded in ["localhost:8787", "LOCALHOST:8787", "127.0.0.1", "127.0.0.1:1", "[::1]:8787"] {
            assert_eq!(origin(&both, "https://gw.example/", Some(forwarded)).as_deref(), Some("https://gw.example"));
            assert_eq!(origin(&both, "https://elsewhere.example/", Some(forwarded)), None, "{forwarded}");
        }
        // A development configuration that was deployed by mistake: nobody reaches its sign-in from outside.
        let deployed = config(Some("http://localhost:8787"), &[]);
        assert_eq!(origin(&deployed, "https://gw.workers.dev/", Some("localhost:8787")), None);
        assert!(origin(&deployed, "http://localhost:8787/", Some("localhost:8787")).is_some());
        let allowed = config(Some("http://localhost:8787"), &["gw.workers.dev"]);
        assert_eq!(origin(&allowed, "https://gw.workers.dev/", None), None);
    }
}
