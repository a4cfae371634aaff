//! Attacks by way of a server's own host: with its tokens elsewhere, with headers that name it, and at what is not
//! there.
//!
//! Not here: how such a host is written (`config::own_host`).

use serde_json::json;

use crate::world::World;
use crate::world::client::Client;
use crate::world::issuing::{AS, Issuing};

const HOST: &str = "demo.mcp.example.com";

fn world() -> World {
    World::public(|config| config["servers"]["demo"]["host"] = HOST.into())
}

fn at_host(world: &World) -> Client {
    world.client("claude").at_host(HOST)
}

#[test]
fn a_client_of_the_host_is_sent_to_the_gateway_and_calls_at_the_host() {
    let world = world();
    let client = at_host(&world).connects("alice").initializes().calls("echo").refreshes().calls("echo");
    let path = world.client("cursor").connects("alice").calls("echo");
    assert_ne!(client.resource(), path.resource());
    let root = world.get(&format!("https://{HOST}/.well-known/oauth-protected-resource")).with(200).json();
    assert_eq!(root["resource"], client.resource());
    assert_eq!(root["authorization_servers"], json!(["https://mcp.example.com"]));
}

#[test]
fn another_issuers_token_is_for_the_form_it_names_also_once_it_is_known() {
    let world = World::public(|config| {
        config["servers"]["demo"]["host"] = HOST.into();
        config["issuers"] = json!({"corp": {"issuer": AS}});
        config["accepts"] = json!(["own", "corp"]);
    });
    let issuing = Issuing::in_world(&world, AS);
    let forms = ["https://mcp.example.com/v1/mcp/demo".to_owned(), format!("https://{HOST}/mcp")];
    let message =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo", "arguments": {}}});
    let call = |form: &str, token: &str| world.request("POST", form).bearer(token).json(&message).send();
    for (its, other) in [(&forms[0], &forms[1]), (&forms[1], &forms[0])] {
        let token = issuing.anns(&world, |claims| claims["aud"] = its.as_str().into());
        call(its, &token).with(200);
        call(other, &token).refused(401, "external_token_wrong_audience");
        call(its, &token).with(200);
    }
}

#[test]
fn a_token_of_one_form_is_worth_nothing_at_the_other() {
    let world = world();
    let at_host = at_host(&world).connects("alice").calls("echo");
    let at_path = world.client("cursor").connects("alice").calls("echo");
    world.sent();
    for (mut client, other) in [(at_host.clone(), None), (at_path.clone(), Some(HOST.to_owned()))] {
        client.host = other;
        let refused = client.call("echo");
        refused.refused(401, "token_wrong_audience");
        // It is told where to authorize for the form that it used.
        let challenge = refused.header("www-authenticate").unwrap();
        let metadata = challenge.split('"').find(|part| part.starts_with("https://")).unwrap().to_owned();
        assert_eq!(world.get(&metadata).with(200).json()["resource"], client.resource());
        let token = client.refresh.clone().unwrap();
        let form = [("grant_type", "refresh_token"), ("refresh_token", &token), ("client_id", &client.id)];
        let resource = client.resource();
        let form = form.into_iter().chain([("resource", resource.as_str())]).collect::<Vec<_>>();
        world.request("POST", "/oauth/token").form(&form).send().refused(400, "grant_wrong_resource");
    }
    assert!(world.sent().is_empty());
    for client in [at_host, at_path] {
        client.calls("echo");
    }
}

#[test]
fn a_grant_of_a_host_that_is_taken_away_brings_no_tokens() {
    let world = world();
    let client = at_host(&world).connects("alice").calls("echo");
    world.reconfigure(|config| {
        config["servers"]["demo"].as_object_mut().unwrap().remove("host");
        config["servers"]["mail"]["host"] = HOST.into();
    });
    world.sent();
    client.call("echo").refused(401, "token_wrong_audience");
    client.refreshing(client.refresh.as_ref().unwrap()).refused(400, "grant_server_moved");
    assert!(world.sent().is_empty());
}

#[test]
fn nothing_of_the_gateway_is_at_the_host_but_its_server() {
    let world = world();
    for (method, path) in [
        ("GET", "/.well-known/oauth-authorization-server"),
        ("GET", "/.well-known/openid-configuration"),
        ("GET", "/.well-known/oauth-protected-resource/mail/mcp"),
        ("GET", "/oauth/authorize?client_id=x"),
        ("POST", "/oauth/token"),
        ("POST", "/oauth/register"),
        ("POST", "/mail/mcp"),
        ("POST", "/v1/mcp/demo"),
        ("GET", "/login"),
        ("GET", "/connections"),
        ("GET", "/connect/demo"),
        ("GET", "/status"),
        ("GET", "/admin"),
        ("PUT", "/admin/config"),
        ("GET", "/admin/deployment?nonce=x"),
    ] {
        let answer = world.request(method, &format!("https://{HOST}{path}")).bearer(crate::world::ADMIN_TOKEN).send();
        answer.refused(404, "not_at_this_host");
        assert!(answer.text().contains("https://mcp.example.com"), "{path}: {}", answer.text());
    }
    world.get(&format!("https://{HOST}/healthz")).with(200);
}

#[test]
fn no_header_leads_to_a_servers_host_or_away_from_it() {
    let world = world();
    let asks = |host: &str, path: &str, forwarded: &str| {
        world.request("GET", &format!("https://{host}{path}")).header("x-forwarded-host", forwarded).send()
    };
    let metadata = "/.well-known/oauth-authorization-server";
    asks(HOST, metadata, "mcp.example.com").refused(404, "not_at_this_host");
    let issuer = asks("mcp.example.com", metadata, HOST).with(200).json()["issuer"].clone();
    assert_eq!(issuer, "https://mcp.example.com");
    for host in ["demo.mcp.example.com.", "demo.mcp.example.com:8443", "x.demo.mcp.example.com", "demo.mcp.example.org"]
    {
        asks(host, "/mcp", HOST).refused(421, "host_not_allowed");
    }
    let client = at_host(&world).connects("alice");
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    let asked = world.request("POST", "https://mcp.example.com/mcp").header("x-forwarded-host", HOST);
    asked.bearer(&client.access).json(&call).send().with(404);
}

#[test]
fn pages_of_the_host_and_of_nobody_else_may_call_it() {
    let world = world();
    let client = at_host(&world).connects("alice");
    let from = |origin: &str, url: &str| {
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo"}});
        world.request("POST", url).header("origin", origin).bearer(&client.access).json(&call).send()
    };
    let own = format!("https://{HOST}");
    from(&own, &client.resource()).with(200);
    from("https://evil.example", &client.resource()).refused(403, "origin_not_allowed");
    from(&own, "https://mcp.example.com/v1/mcp/demo").refused(403, "origin_not_allowed");
}

#[test]
fn a_browser_at_the_host_is_shown_the_server_and_nothing_that_leads_nowhere() {
    let world = world();
    for path in ["/", "/mcp"] {
        let page =
            world.request("GET", &format!("https://{HOST}{path}")).header("accept", "text/html").send().with(200);
        assert!(page.text().contains(&format!("https://{HOST}/mcp")), "{}", page.shown());
        assert!(page.text().contains("href=\"https://mcp.example.com/\""), "{}", page.shown());
        assert!(page.header("content-security-policy").is_some());
    }
    let plain = world.request("GET", &format!("https://{HOST}/")).header("accept", "text/html");
    let plain = plain.header("x-forwarded-proto", "http").send().with(308);
    assert_eq!(plain.header("location"), Some("https://demo.mcp.example.com/"));
}
