//! Whoever is no operator asks the operator's endpoints: with nothing, with a token of their own, with a session.
//!
//! Not here: the console's forms (`console`), and guessing the token (`anonymous`).

use serde_json::json;

use crate::world::{ADMIN_TOKEN, World};

/// Every endpoint of an operator's, asked as a program would.
const ENDPOINTS: [(&str, &str); 19] = [
    ("GET", "/admin"),
    ("GET", "/admin/servers"),
    ("POST", "/admin/servers/demo/check"),
    ("GET", "/admin/people?subject=dev%3Abob"),
    ("GET", "/admin/clients"),
    ("GET", "/admin/log"),
    ("GET", "/admin/log?format=ndjson"),
    ("GET", "/admin/bundle?request_id=00000000000000000000000000000000"),
    ("GET", "/admin/metrics"),
    ("GET", "/admin/metrics.prom"),
    ("GET", "/admin/subjects?q=bob%40example.com"),
    ("GET", "/admin/keys"),
    ("POST", "/admin/keys"),
    ("DELETE", "/admin/keys?id=1"),
    ("POST", "/admin/explain"),
    ("GET", "/admin/config"),
    ("PUT", "/admin/config"),
    ("POST", "/admin/config/rollback"),
    ("DELETE", "/admin/subjects/dev%3Abob"),
];

fn world() -> World {
    World::configured(|config| config["operators"] = json!({"subjects": ["dev:alice"]}))
}

#[test]
fn every_endpoint_of_an_operator_wants_the_operator() {
    let world = world();
    let client = world.client("claude").connects("bob");
    for (method, path) in ENDPOINTS {
        // A guess counts against the address it comes from, so each has one of its own.
        let ask = |from: usize| world.request(method, path).header("cf-connecting-ip", &format!("203.0.113.{from}"));
        ask(1).send().refused(401, "operator_token_required");
        world.passes(60);
        for (from, token) in [client.access.as_str(), "x", &format!("{ADMIN_TOKEN}x")].into_iter().enumerate() {
            ask(from + 2).bearer(token).send().refused(401, "operator_token_required");
        }
    }
}

#[test]
fn a_session_of_somebody_else_opens_none_of_them() {
    let world = world();
    let mut browser = world.browser();
    browser.goes_to("/login?return_to=%2Fconnections");
    browser.presses("/login/callback", "account", "bob");
    for (method, path) in ENDPOINTS {
        let ask = || world.request(method, path).cookies(&browser.cookie_header());
        let same_origin = ask().header("sec-fetch-site", "same-origin").send();
        assert!(matches!(same_origin.status, 401 | 403 | 415), "{method} {path}: {}", same_origin.shown());
        for site in ["cross-site", "same-site", "none"] {
            let answer = ask().header("sec-fetch-site", site).send();
            assert!(matches!(answer.status, 401 | 403 | 415), "{method} {path}: {}", answer.shown());
        }
    }
}

#[test]
fn what_an_operators_session_reads_no_other_site_reads() {
    let world = world();
    let mut browser = world.browser();
    browser.goes_to("/login?return_to=%2Fconnections");
    browser.presses("/login/callback", "account", "alice");
    for path in ["/admin/log", "/admin/log?format=ndjson", "/admin/servers"] {
        let ask = |site: &str| {
            world.request("GET", path).cookies(&browser.cookie_header()).header("sec-fetch-site", site).send()
        };
        ask("same-origin").with(200);
        for site in ["cross-site", "same-site"] {
            ask(site).refused(401, "operator_token_required");
        }
    }
}
