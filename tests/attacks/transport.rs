//! Who listens on the way, and who has a name that leads to this machine: plain http, and a page that was rebound.
//!
//! Not here: the rule by which a host is believed, which `src/web/origin.rs` tests.

use serde_json::json;

use crate::world::answer::Answer;
use crate::world::browser::ACCEPT;
use crate::world::{ADMIN_TOKEN, World};

const CLEAR: [(&str, &str); 3] =
    [("x-forwarded-proto", "http"), ("x-forwarded-proto", "http, https"), ("cf-visitor", r#"{"scheme":"http"}"#)];

/// A request that its carrier says began in the clear.
fn clear(world: &World, (name, value): (&str, &str), method: &str, path: &str) -> crate::world::Asking {
    world.request(method, &format!("http://mcp.example.com{path}")).header(name, value)
}

fn hsts(answer: &Answer) -> Option<&str> {
    answer.header("strict-transport-security")
}

#[test]
fn a_bearer_in_the_clear_is_told_and_does_nothing() {
    let world = World::public(|_| ());
    let client = world.client("claude").connects("alice").calls("echo");
    for said in CLEAR {
        let answer = clear(&world, said, "POST", "/v1/mcp/demo").bearer(&client.access).json(&json!({})).send();
        answer.refused(403, "https_required");
        assert!(answer.text().contains("https://mcp.example.com"), "{}", answer.text());
        assert_eq!(hsts(&answer), None, "RFC 6797 §7.2");
        for (method, path) in [("POST", "/oauth/token"), ("POST", "/oauth/register"), ("GET", "/status")] {
            clear(&world, said, method, path).send().refused(403, "https_required");
        }
        let config = json!({"login": {"kind": "dev"}, "servers": {}});
        let sent = clear(&world, said, "PUT", "/admin/config").bearer(ADMIN_TOKEN).json(&config).send();
        sent.refused(403, "https_required");
        clear(&world, said, "GET", "/healthz").send().with(200);
    }
    assert_eq!(world.configuration()["version"], 1);
}

#[test]
fn a_person_in_the_clear_is_sent_to_the_same_address_over_https() {
    let world = World::public(|_| ());
    for said in CLEAR {
        for path in ["/", "/oauth/authorize?state=a%20b", "/connections", "/v1/mcp/demo", "/nothing?x=1"] {
            let answer = clear(&world, said, "GET", path).header("accept", ACCEPT).send().with(308);
            assert_eq!(answer.header("location"), Some(format!("https://mcp.example.com{path}").as_str()));
            assert_eq!(hsts(&answer), None);
        }
    }
    let elsewhere = world.request("GET", "http://evil.example/").header("x-forwarded-proto", "http");
    elsewhere.header("accept", ACCEPT).send().refused(403, "https_required");
}

#[test]
fn a_proxy_that_ends_tls_is_served_and_what_says_nothing_is_warned_of() {
    let world = World::public(|_| ());
    let warnings = |proto: Option<&str>| {
        let asking = world.request("GET", "http://mcp.example.com/status");
        let asking = proto.into_iter().fold(asking, |asking, proto| asking.header("x-forwarded-proto", proto));
        let json = asking.send().with(200).json();
        json["warnings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["reason"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let none: Vec<String> = Vec::new();
    assert_eq!(warnings(None), ["plain_http"]);
    assert_eq!(warnings(Some("https")), none);
    let answer = world.request("GET", "http://mcp.example.com/").send().with(200);
    assert!(hsts(&answer).is_some(), "a proxy hands it on");
}

#[test]
fn browsers_remember_https_of_a_public_gateway_and_never_of_this_machine() {
    let public = World::public(|_| ());
    for path in ["/", "/healthz", "/v1/mcp/demo", "/.well-known/oauth-authorization-server", "/nothing"] {
        assert_eq!(hsts(&public.get(path)), Some("max-age=31536000"), "{path}");
    }
    let local = World::new();
    for (name, value) in CLEAR {
        let answer = local.request("GET", "/").header(name, value).send().with(200);
        assert_eq!(hsts(&answer), None);
    }
    assert_eq!(local.get("/status").json()["warnings"], json!([]));
}

#[test]
fn a_gateway_without_configuration_takes_none_in_the_clear() {
    let world = World::bare("https://mcp.example.com");
    let config = json!({"login": {"kind": "dev"}, "servers": {}});
    for said in CLEAR {
        let sent = clear(&world, said, "PUT", "/admin/config").bearer(ADMIN_TOKEN).json(&config).send();
        sent.refused(403, "https_required");
    }
}

#[test]
fn a_rebound_page_reaches_nothing_of_a_gateway_in_development() {
    let world = World::new();
    world.reconfigure(|config| config["allowed_hosts"] = json!(["gateway.test"]));
    for forwarded in ["gateway.test", "localhost:8787", "127.0.0.1:8787"] {
        for path in ["/oauth/authorize", "/login", "/.well-known/oauth-authorization-server", "/v1/mcp/demo", "/"] {
            let url = format!("http://evil.example:8787{path}");
            let asked = world.request("GET", &url).header("origin", "http://evil.example:8787");
            asked.clone().send().refused(421, "host_not_allowed");
            asked.header("x-forwarded-host", forwarded).send().refused(421, "host_not_allowed");
        }
    }
}
