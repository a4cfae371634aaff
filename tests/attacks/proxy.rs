//! Attacks through the proxy: what must not reach a server, what must not come back from one, and messages that two
//! readers would read differently.
//!
//! Not here: whether the caller may call at all (`tokens`).

use serde_json::json;

use crate::world::client::Client;
use crate::world::{World, upstream};

fn post(client: &Client, body: &str, headers: &[(&str, &str)]) -> crate::world::answer::Answer {
    let request = client.world.request("POST", &client.resource()).bearer(&client.access);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    request.body("application/json", body).send()
}

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}"#;

#[test]
fn no_credential_of_the_client_or_the_browser_reaches_a_server() {
    let world = World::new();
    for server in ["demo", "mail"] {
        let client = world.client(server).at(server).connects("alice").initializes();
        let cookies = client.browser.cookie_header();
        let session = client.session.clone().unwrap();
        world.sent();
        let headers = [
            ("cookie", cookies.as_str()),
            ("mcp-session-id", &session),
            ("proxy-authorization", "Basic eDp5"),
            ("x-forwarded-for", "10.0.0.8"),
            ("cf-connecting-ip", "10.0.0.8"),
            ("x-api-key", "the client's"),
        ];
        post(&client, CALL, &headers).with(200);
        let sent = &world.sent()[0];
        let all = format!("{:?}", sent.headers);
        for secret in [&client.access, &session, client.refresh.as_ref().unwrap(), &cookies] {
            assert!(!all.contains(secret.as_str()), "{all}");
        }
        for name in ["cookie", "proxy-authorization", "x-forwarded-for", "cf-connecting-ip", "x-api-key", "host"] {
            assert!(!sent.headers.contains_key(name), "{name}");
        }
        let own = sent.headers.get("authorization").map(|value| value.to_str().unwrap());
        assert_eq!(own, (server == "mail").then_some("Bearer key of the mail server"));
    }
}

#[test]
fn nothing_of_a_server_reaches_the_browser_or_the_clients_credentials() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    let headers = [
        ("content-type", "application/json"),
        ("set-cookie", "__mcp_session=planted"),
        ("www-authenticate", "Bearer resource_metadata=\"https://evil.example/\""),
        ("access-control-allow-origin", "*"),
        ("location", "https://evil.example/"),
        ("clear-site-data", "*"),
        ("cache-control", "public, max-age=31536000"),
    ];
    world.outside_answers("https://demo.example", 200, &headers, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    let answer = client.call("echo").with(200);
    for name in ["set-cookie", "www-authenticate", "access-control-allow-origin", "location", "clear-site-data"] {
        assert_eq!(answer.header(name), None, "{name}");
    }
    assert_eq!(answer.header("cache-control"), Some("no-store, no-transform"));
}

#[test]
fn no_answer_to_a_program_is_more_than_data_to_a_browser() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    for (sent, written) in [
        ("text/event-stream;, text/html", "text/event-stream"),
        ("application/json;,text/html;charset=utf-7", "application/json"),
    ] {
        world.outside_answers("https://demo.example", 200, &[("content-type", sent)], "{}<script>");
        let answer = client.call("echo").with(200);
        assert_eq!(answer.header("content-type"), Some(written));
        assert_eq!(answer.header("content-security-policy"), Some("sandbox; default-src 'none'"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    for path in ["/v1/mcp/demo", "/.well-known/oauth-authorization-server", "/healthz", "/oauth/token"] {
        assert_eq!(world.get(path).header("content-security-policy"), Some("sandbox; default-src 'none'"), "{path}");
    }
}

#[test]
fn what_a_tool_is_called_with_is_in_no_log() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    for (arguments, reason) in [
        (r#"{"diagnosis_of_bob":1,"diagnosis_of_bob":2}"#, "duplicate_key"),
        (r#"{"diagnosis_of_bob":{"a":1,"a":2}}"#, "duplicate_key"),
    ] {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"echo","arguments":{arguments}}}}}"#
        );
        let answer = post(&client, &body, &[("mcp-param-diagnosis_of_bob", "1")]).with(400);
        assert_eq!(answer.reason(), reason);
    }
    let told = post(&client, r#"{"jsonrpc":"2.0","id":1,"Method":"tools/list","method":"x"}"#, &[]).with(400);
    assert!(told.text().contains(r#"\"Method\""#), "the client is told: {}", told.text());
    let journal = world.platform.journal.borrow().join("\n");
    assert!(journal.contains("duplicate_key") && journal.contains("key_case"), "{journal}");
    assert!(!journal.contains("diagnosis_of_bob") && !journal.contains("\"Method"), "{journal}");
}

#[test]
fn a_session_of_one_person_or_server_is_404_for_another() {
    let world = World::new();
    let alice = world.client("claude").connects("alice").initializes();
    let bob = world.client("other").connects("bob");
    let mail = world.client("mail").at("mail").connects("alice");
    world.sent();
    for thief in [bob, mail] {
        let thief = Client { session: alice.session.clone(), ..thief };
        thief.call("echo").refused(404, "session_not_found");
        let end = world.request("DELETE", &thief.resource()).bearer(&thief.access);
        end.header("mcp-session-id", alice.session.as_ref().unwrap()).send().refused(404, "session_not_found");
    }
    let raw = Client { session: Some(upstream::SESSION.to_owned()), ..alice.clone() };
    raw.call("echo").refused(404, "session_not_found");
    let twice = [("mcp-session-id", alice.session.as_deref().unwrap()); 2];
    post(&alice, CALL, &twice).refused(404, "session_not_found");
    assert!(world.sent().is_empty());
    alice.calls("echo");
}

#[test]
fn a_message_two_readers_would_read_differently_is_refused() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    world.sent();
    for body in [
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call","params":{"name":"echo"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","name":"delete"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","n\u0061me":"delete"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"a":{"b":1,"b":2}}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"Method":"tools/list","method":"tools/call","params":{"name":"echo"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","Name":"delete"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping"} {"jsonrpc":"2.0","id":2,"method":"tools/call"}"#,
        r#"[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}]"#,
        "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}",
    ] {
        let answer = post(&client, body, &[]).with(400);
        let code = answer.json()["error"]["code"].as_i64().unwrap();
        assert!(matches!(code, -32700 | -32600), "{body}: {}", answer.text());
        assert!(!answer.reason().is_empty());
    }
    let invalid_utf8 = [CALL.as_bytes(), b"\xff"].concat();
    let request = world.request("POST", &client.resource()).bearer(&client.access);
    request.body("application/json", invalid_utf8).send().with(400);
    assert!(world.sent().is_empty(), "nothing of it reached the server");
}

#[test]
fn headers_that_say_something_else_than_the_body_are_refused() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}});
    let modern = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo", "_meta": meta}});
    let modern = modern.to_string();
    let (version, method, name) =
        (("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "echo"));
    world.sent();
    for (body, headers, code) in [
        (modern.as_str(), vec![version, ("mcp-method", "tools/list"), name], -32020),
        (&modern, vec![version, method, ("mcp-name", "other")], -32020),
        (&modern, vec![version, method], -32020),
        (&modern, vec![version, method, name, name], -32020),
        (&modern, vec![("mcp-protocol-version", "2025-11-25"), method, name], -32020),
        (CALL, vec![("mcp-method", "tools/list")], -32600),
        (CALL, vec![("mcp-name", "other")], -32600),
    ] {
        let answer = post(&client, body, &headers).with(400);
        assert_eq!(answer.json()["error"]["code"], code, "{headers:?}: {}", answer.text());
    }
    assert!(world.sent().is_empty());
    post(&client, &modern, &[version, method, name]).with(200);
    assert_eq!(world.sent().len(), 1);
}

#[test]
fn a_page_of_another_site_cannot_call() {
    let world = World::public(|config| config["allowed_origins"] = json!(["https://app.example"]));
    let client = world.client("claude").connects("alice");
    world.sent();
    for origin in [
        "https://evil.example",
        "null",
        "https://app.example.evil.example",
        "http://app.example",
        "http://localhost:6274",
    ] {
        let answer = post(&client, CALL, &[("origin", origin)]);
        answer.refused(403, "origin_not_allowed");
        assert_eq!(answer.header("access-control-allow-origin"), None);
        let preflight = world.request("OPTIONS", &client.resource()).header("origin", origin);
        assert_eq!(preflight.send().header("access-control-allow-origin"), None);
    }
    assert!(world.sent().is_empty());
    let answer = post(&client, CALL, &[("origin", "https://app.example")]).with(200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example"));
}

#[test]
fn a_flood_of_registrations_is_slowed_down_before_anything_is_stored() {
    let world = World::new();
    world.platform.registrations_left.set(0);
    let before = world.platform.directory.borrow().len();
    world.client("flood").registration("none").refused(429, "registration_rate_limited");
    assert_eq!(world.platform.directory.borrow().len(), before);
}

#[test]
fn what_is_too_large_is_not_read_to_the_end() {
    let world = World::new();
    let form = "x".repeat(64 * 1024);
    for path in ["/oauth/token", "/oauth/revoke", "/oauth/consent"] {
        let asking = world.request("POST", path).body("application/x-www-form-urlencoded", form.clone());
        asking.send().refused(413, "body_too_large");
    }
    let registration = json!({"redirect_uris": ["https://a.example/cb"], "x": form});
    world.request("POST", "/oauth/register").json(&registration).send().refused(413, "body_too_large");
}
