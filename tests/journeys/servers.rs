//! The servers behind the gateway: what reaches them, what comes back, and every way they can fail.
//!
//! Not here: both eras in full and streaming, which only the real runtime shows.

use mcp_edge_gateway::ports::FetchError;
use serde_json::json;

use crate::world::{World, upstream};

#[test]
fn a_server_gets_the_message_as_it_was_sent_and_its_own_credentials() {
    let world = World::new();
    let client = world.client("claude").at("mail").connects("alice");
    let message = "{\"jsonrpc\":\"2.0\", \"id\":\"a\\u0062\",  \"method\":\"tools/call\",\"params\":{\"name\":\"echo\",\"n\":1.0e2}}";
    world.sent();
    let path = client.resource();
    world.request("POST", &path).bearer(&client.access).body("application/json", message).send().with(200);
    let sent = world.sent().remove(0);
    assert_eq!(sent.body, message.as_bytes());
    assert_eq!(sent.headers["authorization"], "Bearer key of the mail server");
}

#[test]
fn a_server_has_its_own_path() {
    let client = World::public(|_| ()).client("claude").at("mail").connects("alice").calls("echo");
    assert!(client.resource().ends_with("/mail/mcp"));
}

#[test]
fn a_session_is_sealed_and_ends_at_the_server() {
    let world = World::new();
    let client = world.client("claude").connects("alice").initializes();
    let session = client.session.clone().unwrap();
    assert!(!session.contains(upstream::SESSION));
    world.sent();
    let client = client.calls("echo");
    assert_eq!(world.sent()[0].headers["mcp-session-id"], upstream::SESSION);
    let end = world.request("DELETE", &client.resource()).bearer(&client.access);
    end.clone().send().refused(400, "session_missing");
    end.header("mcp-session-id", &session).send().with(200);
    assert_eq!(world.sent()[0].method, "DELETE");
}

#[test]
fn a_session_the_server_lost_is_404() {
    let world = World::new();
    let client = world.client("claude").connects("alice").initializes();
    world.outside_answers("https://demo.example", 404, &[], "");
    let answer = client.call("echo");
    answer.refused(404, "session_not_found");
    assert_eq!(answer.json()["error"]["code"], -32001);
}

#[test]
fn a_notification_is_accepted() {
    let client = World::new().client("claude").connects("alice");
    let answer = client.sends(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).with(202);
    assert!(answer.body.is_empty());
}

#[test]
fn a_get_is_405_with_what_to_do_instead() {
    let world = World::new();
    let answer = world.get("/v1/mcp/demo");
    answer.refused(405, "method_not_allowed");
    assert!(answer.header("allow").unwrap().contains("POST"));
    assert!(answer.text().contains("Streamable HTTP"));
    assert!(answer.header("www-authenticate").unwrap().contains("resource_metadata="));
}

#[test]
fn every_way_a_server_fails_has_its_reason() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    let html = [("content-type", "text/html")];
    let json = [("content-type", "application/json")];
    let elsewhere = [("location", "https://evil.example/")];
    for (status, headers, body, answered, reason) in [
        (200, &html[..], "<h1>hello</h1>", 502, "upstream_not_mcp"),
        (200, &[], "{}", 502, "upstream_not_mcp"),
        (200, &json, "%PDF-1.7", 502, "upstream_garbled"),
        (200, &json, "", 502, "upstream_garbled"),
        (302, &elsewhere, "", 502, "upstream_redirected"),
        (307, &elsewhere, "", 502, "upstream_redirected"),
        (401, &json, "{}", 502, "upstream_unauthorized"),
        (403, &json, "{}", 502, "upstream_unauthorized"),
        (500, &html, "oops", 502, "upstream_error"),
        (500, &json, "{}", 502, "upstream_error"),
        (503, &[], "", 502, "upstream_error"),
    ] {
        world.outside_answers("https://demo.example", status, headers, body);
        let answer = client.call("echo");
        answer.refused(answered, reason);
        assert_eq!(answer.json()["id"], 1, "{reason}");
        assert_eq!(answer.json()["error"]["data"]["slug"], "demo", "{reason}");
    }
    for (error, status, reason) in
        [(FetchError::Unreachable, 502, "upstream_unreachable"), (FetchError::TimedOut, 504, "upstream_timeout")]
    {
        world.outside_fails("https://demo.example", error);
        client.call("echo").refused(status, reason);
    }
}

#[test]
fn a_servers_own_error_reaches_the_client_unchanged() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"n must be positive","data":{"n":-1}}}"#;
    for status in [200, 400] {
        world.outside_answers("https://demo.example", status, &[("content-type", "application/json")], error);
        assert_eq!(client.call("echo").with(status).text(), error);
    }
}

#[test]
fn a_server_that_is_not_configured_is_404() {
    let world = World::new();
    world.request("POST", "/v1/mcp/nowhere").json(&json!({})).send().refused(404, "no_such_server");
    world.request("POST", "/nowhere").json(&json!({})).send().refused(404, "no_such_endpoint");
}

#[test]
fn each_bound_of_a_message_has_its_reason() {
    let world = World::configured(|config| config["limits"] = json!({"body_bytes": 2048, "depth": 8}));
    let client = world.client("claude").connects("alice");
    let post = || world.request("POST", "/v1/mcp/demo").bearer(&client.access);
    world.sent();
    post().body("application/json", " ".repeat(2049)).send().refused(413, "body_too_large");
    post().body("text/plain", "{}").send().refused(415, "content_type_unsupported");
    let deep = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{}1{}}}"#, "[".repeat(9), "]".repeat(9));
    assert_eq!(post().body("application/json", deep).send().with(400).json()["error"]["code"], -32600);
    assert_eq!(post().body("application/json", "{").send().with(400).json()["error"]["code"], -32700);
    let headers = (0..40).fold(post(), |asking, n| asking.header(&format!("x-{n}"), &"x".repeat(1000)));
    headers.json(&json!({})).send().refused(431, "headers_too_large");
    assert!(world.sent().is_empty(), "nothing of it reached the server");
}

#[test]
fn a_server_that_is_not_at_its_url_is_told_from_one_that_fails() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    for (status, reason) in [(404, "upstream_not_found"), (410, "upstream_error"), (500, "upstream_error")] {
        world.outside_answers("https://demo.example", status, &[("content-type", "text/html")], "<h1>Not Found</h1>");
        let answer = client.call("echo");
        answer.refused(502, reason);
        assert_eq!(answer.json()["error"]["data"]["fix"].as_str().unwrap().contains("path"), status == 404);
    }
    let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no such method"}}"#;
    world.outside_answers("https://demo.example", 404, &[("content-type", "application/json")], error);
    assert_eq!(client.call("echo").with(404).text(), error, "what MCP says is the client's to read");
}
