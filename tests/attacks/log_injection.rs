//! Whoever chooses names tries to write the operator's log: a second line, another field, a colour of the terminal,
//! markup in the console, a sample of their own for Prometheus.
//!
//! Not here: secrets in it (`journeys::operation`), and how often names are counted (`journeys::metrics`).

use mcp_edge_gateway::untrusted::deceives;
use serde_json::{Value, json};

use crate::world::client::Client;
use crate::world::{ADMIN_TOKEN, World};

/// Each would be a line, a field, a colour or markup of its own, if it were believed.
const NAMES: [&str; 7] = [
    "a\r\n{\"event\":\"operator_act\",\"operator\":\"mallory\"}",
    "a\u{2028}{\"reason\":\"forged\"}\u{2029}\u{85}",
    "\u{1b}[2K\u{1b}[1A\u{1b}]8;;https://evil.example\u{7}click\u{9b}31m",
    "\",\"reason\":\"forged\",\"x\":\"",
    "\\\",\\u000a\"",
    "<script>alert(1)</script><img src=x onerror=alert(1)>'\"",
    "a\"} 1\nmcpgateway_requests_total{route=\"forged",
];

fn world() -> World {
    World::configured(|config| {
        config["operators"] = json!({"subjects": ["dev:alice"]});
        config["log"] = json!({"calls": "all", "level": "debug"});
        config["servers"]["demo"]["tools"] = json!({"allow": ["echo"]});
    })
}

/// Every name, wherever somebody may choose one: a client's name, tools, prompts, methods, and the headers that repeat
/// them.
fn chosen_by(world: &World) -> Client {
    let mut caller = world.client("claude").connects("bob").initializes();
    for name in NAMES {
        let registered = json!({"client_name": name, "redirect_uris": ["https://claude.ai/api/mcp/auth_callback"], "token_endpoint_auth_method": "none"});
        world.request("POST", "/oauth/register").json(&registered).send();
        for (method, params) in [
            ("tools/call", json!({"name": name, "arguments": {}})),
            ("prompts/get", json!({"name": name})),
            (name, json!({})),
        ] {
            caller.sends(&json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}));
        }
        let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        world.get(&format!("/oauth/authorize?client_id={encoded}&redirect_uri={encoded}&resource={encoded}"));
        world.get(&format!("/v1/mcp/{encoded}"));
        world.request("POST", "/oauth/token").form(&[("grant_type", name), ("client_id", name)]).send();
        caller.browser.goes_to(&format!("/connect/{encoded}"));
    }
    caller
}

#[test]
fn every_line_is_one_line_and_has_no_field_that_somebody_wrote() {
    let world = world();
    chosen_by(&world);
    let journal = world.platform.journal.borrow();
    assert!(journal.iter().any(|line| line.contains("\\u2028")), "the names are in the log");
    for line in &*journal {
        assert!(!line.contains(|c: char| c.is_control() || deceives(c)), "{line:?}");
        let read: Value = serde_json::from_str(line).unwrap();
        assert!(read["event"] != "operator_act" || read["operator"] == "admin_token", "{line}");
        assert_ne!(read["reason"], "forged", "{line}");
    }
}

#[test]
fn every_entry_that_is_exported_is_one_line() {
    let world = world();
    chosen_by(&world);
    let told = world.request("GET", "/admin/log?format=ndjson").bearer(ADMIN_TOKEN).send().with(200).text();
    let entries: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(entries.iter().filter(|entry| entry["kind"] == "call").count() >= NAMES.len(), "{told}");
    assert_eq!(told.matches('\n').count(), entries.len());
    for entry in &entries {
        assert_ne!(entry["reason"], "forged", "{entry}");
        assert!(entry["actor"].is_null() || entry["actor"] == "admin_token", "{entry}");
    }
    assert!(!told.contains(|c: char| (deceives(c) || c.is_control()) && c != '\n'), "{told:?}");
}

#[test]
fn prometheus_reads_only_samples_of_ours() {
    let world = world();
    chosen_by(&world);
    let told = world.request("GET", "/admin/metrics.prom").bearer(ADMIN_TOKEN).send().with(200).text();
    assert!(!told.contains("forged") && !told.contains("evil.example"), "{told}");
    for line in told.lines().filter(|line| !line.is_empty()) {
        let sample = line.rsplit_once(' ').is_some_and(|(_, value)| value.parse::<f64>().is_ok());
        assert!(line.starts_with("# ") || (line.starts_with("mcpgateway_") && sample), "{line}");
    }
}

#[test]
fn the_console_shows_names_as_text() {
    let world = world();
    chosen_by(&world);
    let mut browser = world.browser();
    browser.goes_to("/admin/log");
    browser.presses("/login/callback", "account", "alice");
    for path in ["/admin/log", "/admin/log?kind=call", "/admin", "/admin/people?subject=dev%3Abob"] {
        let page = browser.goes_to(path).clone().with(200).text();
        assert!(!page.contains("<script>alert") && !page.contains("<img"), "{path}: {page}");
        assert!(
            !page.contains(|c: char| (c.is_control() && !matches!(c, '\n' | '\t' | '\r')) || deceives(c)),
            "{path}"
        );
    }
    let calls = browser.goes_to("/admin/log?kind=call").clone().text();
    assert!(calls.contains("&#60;script&#62;alert(1)"), "{calls}");
}
