//! Hosts that servers have to themselves: each one server's, and nothing else of the gateway's is there.
//!
//! Not here: how such a host is written (`origin`), and what it serves (`web::route`).

use super::report::{Pointer, Report, shown};
use super::server::Server;

/// That no host is two things at once.
pub(super) fn prove_apart<'a>(
    servers: &(impl Iterator<Item = &'a Server> + Clone),
    allowed_hosts: &[String],
    at: &Pointer,
    report: &mut Report,
) {
    let hosts = servers.clone().filter_map(|server| server.host.as_ref().map(|host| (server, host)));
    for (index, (server, host)) in hosts.clone().enumerate() {
        let place = at.child(&server.slug).child("host");
        if let Some((other, _)) = hosts.clone().take(index).find(|(_, other)| *other == host) {
            let problem = format!("is {}, the host of {} as well", shown(host.host_port()), shown(other.slug.as_str()));
            report.add(&place, problem, "give each server a host of its own");
        }
        if allowed_hosts.iter().any(|allowed| allowed == host.host_port()) {
            let problem = format!("is {}, which allowed_hosts has as well", shown(host.host_port()));
            report.add(&place, problem, "take it out of allowed_hosts: the host is this server's alone");
        }
        for own in servers.clone().filter(|own| own.url.origin().ascii_serialization() == host.as_str()) {
            let problem = format!("is {}, a host of this gateway itself", shown(own.url.as_str()));
            report.add(&at.child(&own.slug).child("url"), problem, "write the URL of the upstream server");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::config::Config;
    use crate::config::tests::{complete, refused};

    const HOST: &str = "docs.mcp.example.com";

    #[test]
    fn a_host_is_one_name_of_dns_and_one_servers() {
        let mut document = complete();
        document["servers"]["docs"]["host"] = json!(HOST);
        let config = Config::parse(&document.to_string()).unwrap();
        assert_eq!(config.servers["docs"].host.as_ref().unwrap().as_str(), "https://docs.mcp.example.com");
        for (host, word) in [
            ("Docs.mcp.example.com", "lower case"),
            ("mcp.example.com", "public_url"),
            ("docs.mcp.example.com:8443", "own host"),
            ("docs.mcp.example.com:443", "own host"),
            ("docs.mcp.example.com.", "own host"),
            ("docs.mcp.example.com/mcp", "own host"),
            ("https://docs.mcp.example.com", "own host"),
            ("me@docs.mcp.example.com", "own host"),
            ("döcs.example.com", "own host"),
            ("*.example.com", "own host"),
            ("192.0.2.1", "own host"),
            ("3221225985", "own host"),
            ("0x7f.1", "own host"),
            ("[2001:db8::1]", "own host"),
            ("localhost", "own host"),
            ("docs.localhost", "own host"),
            ("docs", "own host"),
            ("", "own host"),
        ] {
            refused("/servers/docs/host", json!(host), &[word]);
        }
    }

    #[test]
    fn no_host_is_two_things() {
        let with = |change: fn(&mut serde_json::Value)| {
            let mut document = complete();
            document["servers"]["docs"]["host"] = json!(HOST);
            change(&mut document);
            Config::parse(&document.to_string()).map(drop).map_err(|errors| errors.to_string())
        };
        assert_eq!(with(|_| ()), Ok(()));
        let twice = with(|document| document["servers"]["linear"]["host"] = json!(HOST)).unwrap_err();
        assert!(twice.contains("/servers/linear/host") && twice.contains("docs"), "{twice}");
        let allowed = with(|document| document["allowed_hosts"] = json!([HOST])).unwrap_err();
        assert!(allowed.contains("/servers/docs/host") && allowed.contains("allowed_hosts"), "{allowed}");
        let itself = with(|document| document["servers"]["linear"]["url"] = json!("https://docs.mcp.example.com/mcp"));
        assert!(itself.unwrap_err().contains("/servers/linear/url"));
        let nowhere = with(|document| {
            let members = document.as_object_mut().unwrap();
            members.remove("public_url");
        });
        assert!(nowhere.unwrap_err().contains("needs public_url"));
    }

    #[test]
    fn in_development_it_is_a_name_of_this_machine_at_the_same_port() {
        let parsed = |host: &str| {
            let document = json!({
                "public_url": "http://localhost:8787", "login": {"kind": "dev"},
                "servers": {"docs": {"url": "http://localhost:1/mcp", "host": host}},
            });
            Config::parse(&document.to_string()).ok().and_then(|config| config.servers["docs"].host.clone())
        };
        let own = parsed("docs.localhost:8787").unwrap();
        assert_eq!((own.as_str(), own.is_loopback()), ("http://docs.localhost:8787", true));
        for host in
            ["docs.localhost", "docs.localhost:8788", "docs.mcp.example.com", "localhost:8787", "127.0.0.1:8787"]
        {
            assert_eq!(parsed(host), None, "{host}");
        }
    }
}
