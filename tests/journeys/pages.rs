//! What a person gets who opens an address of the gateway in a browser, and what clients get there all the same.
//!
//! Not here: the pages' own form, which `src/page/gallery.rs` tests, and how they look.

use serde_json::json;

use crate::world::World;
use crate::world::answer::Answer;
use crate::world::browser::ACCEPT;

fn opens(world: &World, path: &str) -> Answer {
    world.request("GET", path).header("accept", ACCEPT).send()
}

fn is_page(answer: &Answer) -> bool {
    let policy = answer.header("content-security-policy").unwrap_or_default();
    answer.header("content-type").unwrap().starts_with("text/html")
        && policy.starts_with("default-src 'none'; ")
        && answer.header("x-frame-options") == Some("DENY")
}

#[test]
fn a_browser_gets_a_page_of_every_refusal_and_a_client_its_json() {
    let world = World::new();
    for (path, status, reason, title) in [
        ("/nothing", 404, "no_such_endpoint", "There is no such page"),
        ("/v1/mcp/nothing", 404, "no_such_server", "There is no such server"),
        ("/v1/mcp", 404, "slug_missing", "Which server?"),
        ("/v1/mcp/demo/", 404, "trailing_slash", "One slash too many"),
        ("/oauth/token", 405, "method_not_allowed", "This is not a page"),
        ("/admin/subjects/alice", 405, "method_not_allowed", "This is not a page"),
    ] {
        let page = opens(&world, path);
        page.refused(status, reason);
        assert!(is_page(&page) && page.text().contains(&format!("<h1>{title}</h1>")), "{path}: {}", page.shown());
        assert!(page.text().contains("<a href=\"/connections\">Connections</a>"), "{path}");
        for accept in ["*/*", "application/json, text/event-stream", "text/event-stream", "application/json"] {
            let answer = world.request("GET", path).header("accept", accept).send();
            answer.refused(status, reason);
            assert_eq!(answer.header("content-type"), Some("application/json"), "{path} {accept}");
        }
    }
    opens(&world, "https://evil.example/").refused(421, "host_not_allowed");
    assert!(is_page(&opens(&world, "https://evil.example/v1/mcp/demo")));
    let posted = world.request("POST", "/v1/mcp/demo").header("accept", ACCEPT).json(&json!({})).send();
    assert_eq!((posted.status, posted.header("content-type")), (401, Some("application/json")));
}

#[test]
fn a_servers_address_tells_a_browser_how_to_add_it_and_a_client_to_post() {
    let world = World::public(|config| {
        config["servers"]["demo"]["description"] = "Finds what nobody else finds.".into();
    });
    let uses = world.uses_of(|| {
        let page = opens(&world, "/v1/mcp/demo").with(200);
        assert!(is_page(&page), "{page:?}");
        for known in ["Add Demo to a client", "https://mcp.example.com/v1/mcp/demo", "claude mcp add", "cursor://"] {
            assert!(page.text().contains(known), "{known}");
        }
        assert!(!page.text().contains("Finds what nobody"), "what it is for is for who may see the servers");
    });
    assert_eq!((uses.fetches, uses.ledger), (0, 0));
    assert!(opens(&world, "/mail/mcp").with(200).text().contains("https://mcp.example.com/mail/mcp"));

    let mut browser = world.client("claude").connects("alice").browser;
    let page = browser.goes_to("/v1/mcp/demo");
    assert!(page.text().contains("Finds what nobody else finds."), "{}", page.shown());

    for accept in ["*/*", "text/event-stream", "application/json, text/event-stream", "text/html, text/event-stream"] {
        let answer = world.request("GET", "/v1/mcp/demo").header("accept", accept).send();
        answer.refused(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some("POST, DELETE"), "{accept}");
    }
    let put = world.request("PUT", "/v1/mcp/demo").header("accept", ACCEPT).send();
    put.refused(405, "method_not_allowed");
}

#[test]
fn an_address_that_is_almost_right_says_what_is_meant() {
    let world = World::new();
    for path in ["/v1/mcp/demo/", "/v1/mcp/demo//", "/oauth/token/", "/connections/"] {
        let answer = world.request("POST", path).json(&json!({})).send();
        answer.refused(404, "trailing_slash");
        let meant = format!("Use http://localhost:8787{}.", path.trim_end_matches('/'));
        assert_eq!(answer.json()["fix"], meant.as_str(), "{path}");
    }
    let metadata = "/.well-known/oauth-protected-resource/v1/mcp";
    for path in ["/v1/mcp", "/v1/mcp/", "/mcp", metadata] {
        let answer = world.get(path);
        answer.refused(404, "slug_missing");
        assert!(answer.json()["fix"].as_str().unwrap().contains("http://localhost:8787/v1/mcp/"), "{path}");
    }
    for path in ["/", "/v1/mcp/nothing/", "/nothing/", "//", "/v1"] {
        let answer = world.get(path);
        assert!(!["trailing_slash", "slug_missing"].contains(&answer.reason().as_str()), "{path}");
    }
    world.reconfigure(|config| config["servers"]["demo"]["path"] = "/mcp".into());
    world.request("POST", "/mcp").json(&json!({})).send().refused(401, "token_missing");
    world.request("POST", "/mcp/").json(&json!({})).send().refused(404, "trailing_slash");
}

#[test]
fn status_is_a_page_for_a_person_and_says_the_same() {
    let world = World::new();
    let (page, json) = (opens(&world, "/status").with(200), world.get("/status").with(200).json());
    assert!(is_page(&page) && page.text().contains("The gateway is ready"));
    for server in json["servers"].as_array().unwrap() {
        assert!(page.text().contains(server["url"].as_str().unwrap()));
    }
    let bare = World::bare("http://localhost:8787");
    let page = opens(&bare, "/status").with(503);
    assert!(is_page(&page) && page.text().contains("not_configured"), "{}", page.shown());
}

#[test]
fn pages_have_their_operators_name_and_colour_and_a_policy_that_allows_it() {
    let world = World::new();
    let plain = opens(&world, "/").with(200);
    world.reconfigure(|config| config["branding"] = json!({"name": "Acme tools", "accent": "#0a7"}));
    for path in ["/", "/status", "/nothing", "/v1/mcp/demo", "/logout", "/oauth/authorize", "/connect/nothing"] {
        let page = opens(&world, path);
        if page.status == 303 {
            continue;
        }
        let text = page.text();
        assert!(text.contains(" · Acme tools</title>") && text.contains("</svg>Acme tools</span>"), "{path}");
        assert!(text.contains("<style>:root{--accent:#"), "{path}");
        let styles = |page: &Answer| page.header("content-security-policy").unwrap().matches("'sha256-").count();
        assert_eq!(styles(&page), styles(&plain) + 1, "{path}");
    }
    assert_eq!(world.get("/.well-known/oauth-protected-resource").json()["resource_name"], "Acme tools");
}
