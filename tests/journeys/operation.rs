//! What the operator does and what happens when parts are missing: configuration, keys, storage, the cost of a call.
//!
//! Not here: what a configuration may say (unit tests of `config`).

use serde_json::json;

use crate::world::client::Client;
use crate::world::platform::Uses;
use crate::world::{ADMIN_TOKEN, DAY, KEY_1, KEY_2, World};

#[test]
fn without_a_configuration_the_gateway_says_what_to_do() {
    let world = World::bare("http://localhost:8787");
    world.get("/healthz").with(200);
    let status = world.get("/status").with(503).json();
    assert_eq!((&status["ready"], &status["configuration_version"]), (&json!(false), &json!(null)));
    assert!(status.to_string().contains("not_configured"));
    assert!(world.get("/").with(503).text().contains("curl -X PUT http://localhost:8787/admin/config"));
    world.get("/oauth/authorize").refused(503, "not_configured");
    let nothing = world.request("GET", "/admin/config").bearer(ADMIN_TOKEN).send().with(200).json();
    assert_eq!(nothing["version"], 0);
}

#[test]
fn a_configuration_takes_effect_and_an_invalid_one_changes_nothing() {
    let world = World::new();
    let client = world.client("claude").connects("alice").calls("echo");
    let before = world.configuration();
    assert_eq!(before["version"], 1);

    let mut broken = before["config"].clone();
    broken["consent"] = "sometimes".into();
    broken["servers"]["demo"]["url"] = "ftp://demo.example".into();
    broken["surprise"] = true.into();
    let answer = world.configure(&broken).with(422);
    assert_eq!(answer.reason(), "configuration_invalid");
    let pointers: Vec<_> = answer.json()["errors"].as_array().unwrap().iter().map(|e| e["pointer"].clone()).collect();
    for pointer in ["/consent", "/servers/demo/url", "/surprise"] {
        assert!(pointers.contains(&json!(pointer)), "{pointers:?}");
    }
    let mut secretless = before["config"].clone();
    secretless["servers"]["mail"]["auth"]["headers"]["authorization"]["secret"] = "NO_SUCH_SECRET".into();
    assert!(world.configure(&secretless).with(422).text().contains("NO_SUCH_SECRET"));
    assert_eq!(world.configuration(), before);

    let elsewhere = world.elsewhere();
    elsewhere.get("/healthz").with(200);
    world.reconfigure(|config| config["servers"]["demo"]["url"] = "https://mail.example/other".into());
    assert_eq!(world.configuration()["version"], 2);
    world.sent();
    let client = client.calls("echo");
    assert_eq!(world.sent()[0].url.as_str(), "https://mail.example/other", "at once in the isolate that took it");
    let there = Client { world: elsewhere.clone(), ..client };
    world.passes(30);
    there.calls("echo");
    assert_eq!(world.sent()[0].url.as_str(), "https://mail.example/other", "and elsewhere within half a minute");
}

#[test]
fn the_operators_endpoints_need_the_operators_token() {
    let world = World::new();
    for asking in [world.request("GET", "/admin/config"), world.request("PUT", "/admin/config").json(&json!({}))] {
        asking.clone().send().refused(401, "operator_token_required");
        asking.clone().bearer("guess").send().refused(401, "operator_token_required");
        asking.clone().header("authorization", "bearer guess").send().refused(401, "operator_token_required");
    }
    let read = |scheme: &str| {
        let authorization = format!("{scheme} {ADMIN_TOKEN}");
        world.request("GET", "/admin/config").header("authorization", &authorization).send()
    };
    read("bearer").with(200);
    read("Basic").refused(401, "operator_token_required");
    world.platform.secrets.borrow_mut().remove("ADMIN_TOKEN");
    world.request("GET", "/admin/config").bearer("").send().refused(404, "no_such_endpoint");
    world.set_secret("ADMIN_TOKEN", "");
    world.request("GET", "/admin/config").bearer("").send().refused(404, "no_such_endpoint");
}

#[test]
fn a_key_is_added_and_the_old_one_retired_without_anybody_noticing() {
    let world = World::new();
    let client = world.client("claude").connects("alice").initializes().calls("echo");
    let waiting = world.client("waiting").registers().in_browser(&client.browser).authorizes();
    let code = world.client("code").registers().in_browser(&client.browser).authorizes().consents();
    let agent = world.client("agent").registers_as("client_secret_post");

    world.set_secret("KEY_RING", &format!("{KEY_1},{KEY_2}"));
    world.new_isolate();
    let client = client.calls("echo").refreshes().calls("echo");
    waiting.consents().redeems().calls("echo");
    code.redeems().calls("echo");
    let agent = agent.in_browser(&client.browser).authorizes().consents().redeems().calls("echo");
    let client = client.authorizes();
    assert!(!client.must_sign_in(), "the browser session opens with the old key");
    let client = client.goes_on().redeems();

    world.set_secret("KEY_RING", KEY_2);
    world.new_isolate();
    let client = client.refreshes().calls_without_session("echo");
    client.call("echo").refused(404, "session_not_found");
    let client = client.authorizes();
    assert!(client.must_sign_in(), "sealed with the retired key");
    client.signs_in("alice").goes_on().redeems().initializes().calls("echo");
    agent.refreshes().calls("echo");
}

#[test]
fn a_missing_or_unreadable_key_ring_is_named_and_never_shown() {
    let world = World::new();
    for (ring, reason) in [(None, "keys_missing"), (Some("1:short secret"), "keys_malformed")] {
        world.platform.secrets.borrow_mut().remove("KEY_RING");
        if let Some(ring) = ring {
            world.set_secret("KEY_RING", ring);
        }
        world.new_isolate();
        let answer = world.request("POST", "/v1/mcp/demo").json(&json!({})).send();
        answer.refused(503, reason);
        assert!(!answer.text().contains("short secret"));
        assert!(world.get("/status").with(503).text().contains(reason));
    }
}

#[test]
fn a_warm_call_costs_one_subrequest_and_nothing_else() {
    let world = World::new();
    let client = world.client("claude").connects("alice").initializes().calls("echo");
    let uses = world.uses_of(|| {
        client.clone().calls("echo");
    });
    assert_eq!(uses, Uses { fetches: 1, ..Uses::default() });
}

#[test]
fn access_that_cannot_be_verified_is_not_given() {
    let world = World::new();
    let client = world.client("claude").connects("alice").calls("echo");
    world.passes(30);
    world.platform.directory_down.set(true);
    let answer = client.call("echo");
    answer.refused(503, "storage_unavailable");
    assert!(answer.header("retry-after").is_some());
    world.new_isolate();
    client.call("echo").refused(503, "storage_unavailable");
    assert!(world.get("/status").with(503).text().contains("storage_unavailable"));
    world.platform.directory_down.set(false);
    client.calls("echo");
}

#[test]
fn nothing_is_lost_while_the_ledger_is_away() {
    let world = World::new();
    let asked = world.client("claude").registers().authorizes().signs_in("alice");
    let away = |away| world.platform.ledger_down.set(away);
    away(true);
    asked.clone().browser.presses("/oauth/consent", "decision", "approve").refused(503, "storage_unavailable");
    away(false);
    let client = asked.consents();
    away(true);
    client.redemption(|_| ()).refused(503, "storage_unavailable");
    away(false);
    let client = client.redeems();
    away(true);
    client.refreshing(client.refresh.as_ref().unwrap()).refused(503, "storage_unavailable");
    client.revocation(&client.access).refused(503, "storage_unavailable");
    let client = client.calls("echo");
    away(false);
    client.refreshes().calls("echo");
}

#[test]
fn a_code_that_was_taken_is_answered_even_if_its_use_cannot_be_noted() {
    let world = World::new();
    let client = world.client("claude").registers().authorizes().signs_in("alice").consents();
    world.platform.directory_read_only.set(true);
    let client = client.redeems().calls("echo").refreshes();
    world.platform.directory_read_only.set(false);
    let client = client.refreshes();
    world.passes(8 * DAY);
    world.new_isolate();
    client.refreshes().calls("echo");
}

#[test]
fn a_consent_that_was_given_counts_even_if_it_cannot_be_remembered() {
    let world = World::new();
    let client = world.client("claude").registers().authorizes().signs_in("alice");
    world.platform.accounts_down.set(true);
    let client = client.consents().redeems().calls("echo");
    world.platform.accounts_down.set(false);
    assert!(client.authorizes().is_asked());
}

#[test]
fn registration_can_be_switched_off_and_is_rate_limited() {
    let world = World::new();
    let client = world.client("claude");
    world.platform.registrations_left.set(1);
    let _ = client.clone().registers();
    let limited = client.registration("none");
    limited.refused(429, "registration_rate_limited");
    assert_eq!(limited.header("retry-after"), Some("60"));

    let world = World::configured(|config| config["clients"] = json!({"dynamic_registration": false}));
    let metadata = world.get("/.well-known/oauth-authorization-server").with(200).json();
    assert_eq!(metadata.get("registration_endpoint"), None);
    world.request("POST", "/oauth/register").json(&json!({})).send().refused(403, "registration_disabled");
}

#[test]
fn every_line_of_the_log_is_json_with_the_request_id_of_its_answer() {
    let world = World::new();
    let answer = world.request("POST", "/v1/mcp/demo").json(&json!({})).send().with(401);
    let journal = world.platform.journal.borrow();
    let line: serde_json::Value = serde_json::from_str(journal.last().unwrap()).unwrap();
    assert_eq!(line["request_id"], answer.header("x-request-id").unwrap());
    assert_eq!((&line["reason"], &line["blame"]), (&json!("token_missing"), &json!("client")));
}

#[test]
fn no_line_of_the_log_holds_a_secret() {
    let world = World::public(|_| ());
    let client = world.client("claude").registers_as("client_secret_post").authorizes().signs_in("alice").consents();
    let code = client.code.clone();
    let client = client.redeems().calls("echo");
    client.redemption(|_| ()).with(400);
    client.call("echo").with(401);
    let journal = world.platform.journal.borrow().join("\n");
    let cookies = client.browser.cookies.values().map(|(value, _)| value.clone()).filter(|value| !value.is_empty());
    let secrets = [code, client.access, client.verifier, client.secret.unwrap(), client.refresh.unwrap(), client.state];
    for secret in secrets.into_iter().chain(cookies) {
        assert!(!journal.contains(&secret), "{secret} in {journal}");
    }
}
