//! What a deployment does before anything is in effect: the configuration is tried, and the gateway proves whose it is.
//!
//! Not here: the scripts that ask for it (`tests/e2e`).

use serde_json::json;

use crate::world::platform::Uses;
use crate::world::{ADMIN_TOKEN, World};

const NONCE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const KEY: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";

#[test]
fn a_dry_run_says_everything_and_applies_nothing() {
    let world = World::new();
    let before = world.configuration();
    let dry = |query: &str, config: &serde_json::Value| {
        world.request("PUT", &format!("/admin/config{query}")).bearer(ADMIN_TOKEN).json(config).send()
    };
    let mut good = before["config"].clone();
    good["servers"]["third"] = json!({"url": "https://third.example/mcp"});
    for query in ["?dry_run", "?dry_run=", "?dry_run=1", "?dry_run=true"] {
        assert_eq!(dry(query, &good).with(200).json(), json!({"valid": true}));
    }
    let mut broken = good.clone();
    broken["servers"]["third"]["ulr"] = "https://third.example/mcp".into();
    let errors = dry("?dry_run", &broken).with(422).json()["errors"].clone();
    assert_eq!(errors[0]["pointer"], "/servers/third/ulr");
    assert!(errors[0]["fix"].as_str().unwrap().starts_with("did you mean `url`?"), "{errors}");
    // What might have meant it applies nothing either.
    for query in ["?dryrun", "?dry_run=false", "?dry-run", "?dry_run&x"] {
        dry(query, &good).refused(400, "config_query_unknown");
    }
    world.request("PUT", "/admin/config?dry_run").json(&good).send().refused(401, "operator_token_required");
    assert_eq!(world.configuration(), before);
    world.request("POST", "/v1/mcp/third").json(&json!({})).send().refused(404, "no_such_server");

    let uses = world.uses_of(|| assert_eq!(dry("?dry_run", &good).status, 200));
    assert_eq!(uses, Uses::default(), "storage is not asked");
}

#[test]
fn a_missing_secret_is_reported_where_it_is_named_with_the_one_that_was_meant() {
    let world = World::new();
    let mut config = world.configuration()["config"].clone();
    config["servers"]["mail"]["auth"]["headers"]["authorization"]["secret"] = "MALI_KEY".into();
    config["servers"]["demo"]["auth"] =
        json!({"kind": "headers", "headers": {"X-Api-Key": {"secret": "SOMETHING_ELSE"}}});
    let errors = world.configure(&config).with(422).json()["errors"].clone();
    assert_eq!(errors[0]["pointer"], "/servers/demo/auth/headers/X-Api-Key/secret");
    assert!(!errors[0]["fix"].as_str().unwrap().contains("if that is meant"), "{errors}");
    assert_eq!(errors[1]["pointer"], "/servers/mail/auth/headers/authorization/secret");
    assert!(errors[1]["fix"].as_str().unwrap().starts_with("write \"MAIL_KEY\" if that is meant"), "{errors}");
}

#[test]
fn a_gateway_proves_which_deployment_it_is_for_the_origin_it_was_asked_at() {
    let world = World::bare("https://mcp.example.com");
    let asked = |origin: &str, query: &str| world.request("GET", &format!("{origin}/admin/deployment{query}"));
    let nonce = format!("?nonce={NONCE}");
    asked("https://mcp.example.com", &nonce).send().refused(404, "no_such_endpoint");
    world.set_secret("DEPLOYMENT_KEY", KEY);

    let here = asked("https://mcp.example.com", &nonce).send().with(200).json();
    assert_eq!(here["proof"], "ZsocAPiKTL3sPpktVnvOpekSqTeWzGt28TH84Imk6oY");
    // A place that was taken for the gateway passes the question on: no header makes the proof one for that place.
    let relayed = asked("https://worker.example.dev", &nonce)
        .header("x-forwarded-host", "mcp.example.com")
        .header("origin", "https://mcp.example.com");
    assert_ne!(relayed.send().with(200).json()["proof"], here["proof"]);
    for query in ["", "?nonce=", "?nonce=AAEC", "?nonce=hello%20world", "?x=1"] {
        asked("https://mcp.example.com", query).send().refused(400, "deployment_nonce_malformed");
    }
    let uses = world.uses_of(|| assert_eq!(asked("https://mcp.example.com", &nonce).send().status, 200));
    assert_eq!(uses.ledger, 0);
}
