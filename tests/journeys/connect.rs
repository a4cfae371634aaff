//! Connecting a server: in the trip that lets a client in, later, by an operator, and what is said when it fails.
//!
//! Not here: calls and refreshes with what was connected (`keeping`), who tries to harm (`attacks`).

use crate::world::answer::parameter;
use crate::world::client::Client;
use crate::world::platform::Scripted;
use crate::world::protected::Protected;
use crate::world::{ADMIN_TOKEN, World};
use mcp_edge_gateway::secret::Digested;
use serde_json::{Value, json};

fn world(auth: &Value) -> (World, Protected) {
    let world = World::new();
    let server = Protected::new(&world, "linear");
    world.reconfigure(|config| config["servers"]["linear"] = server.configured("Linear", auth));
    (world, server)
}

/// Where its authorization server sends people back to.
fn callback_of(server: &Protected) -> String {
    format!("/oauth/upstream-callback/{}", Digested::of(&server.issuer).as_str())
}

/// A client whose person has consented, and was sent on to the connect page.
fn at_connect_page(world: &World) -> Client {
    let client = world.client("claude").at("linear").registers().authorizes().signs_in("alice").approves();
    assert_eq!(client.browser.at.path(), "/connect/linear", "{}", client.browser.shows.shown());
    client
}

fn kept(world: &World) -> Vec<String> {
    world.platform.connections.borrow().keys().cloned().collect()
}

#[test]
fn a_person_connects_in_the_one_trip_that_lets_the_client_in() {
    let (world, server) = world(&json!({}));
    let mut client = at_connect_page(&world);
    let page = client.browser.shows.text();
    assert!(page.contains("Connect Linear") && page.contains("as.linear.example") && page.contains("read"), "{page}");

    client.browser.presses("/connect/linear", "decision", "connect");
    let authorize = client.browser.at.clone();
    assert_eq!(parameter(&authorize, "resource"), "https://linear.example/mcp");
    assert_eq!(parameter(&authorize, "scope"), "read");
    assert_eq!(parameter(&authorize, "client_id"), "client-1");
    assert_eq!(parameter(&authorize, "redirect_uri"), format!("http://localhost:8787{}", callback_of(&server)));

    let client = client.follows(&server.approves(&authorize));
    assert!(!client.code.is_empty(), "back at the client");
    let _ = client.redeems();
    let tokens = server.seen("/token");
    assert_eq!((tokens.len(), tokens[0]["resource"].as_str()), (1, "https://linear.example/mcp"));
    assert_eq!(kept(&world).len(), 1);

    // Once connected nobody is asked again, by no other client either.
    let _ = world.client("cursor").at("linear").registers().authorizes().signs_in("alice").consents().redeems();
}

#[test]
fn the_gateway_registers_once_at_an_issuer() {
    let (world, server) = world(&json!({}));
    for person in ["alice", "bob"] {
        let client = world.client("claude").at("linear").registers().authorizes().signs_in(person).approves();
        let client = client.presses_connect();
        let client = client.clone().follows(&server.approves(&client.browser.at));
        assert!(!client.code.is_empty());
    }
    assert_eq!(server.seen("/register").len(), 1);
    let sent = &server.seen("/register")[0];
    assert_eq!(sent["application_type"], "\"native\"", "on loopback");
    assert_eq!(sent["redirect_uris"], format!("[\"http://localhost:8787{}\"]", callback_of(&server)));
}

#[test]
fn a_registration_that_the_issuer_forgot_is_made_anew_for_who_comes_back_without_an_answer() {
    let (world, server) = world(&json!({}));
    let client = at_connect_page(&world);
    let page = client.browser.at.clone();
    let client = client.presses_connect();
    assert_eq!(parameter(&client.browser.at, "client_id"), "client-1");
    // The issuer showed a page of its own, and the person goes back and tries again.
    let client = client.follows(&page).presses_connect();
    assert_eq!(parameter(&client.browser.at, "client_id"), "client-2");
    let mut client = client.clone();
    let refusal = Protected::back(&client.browser.at, &[("error", "access_denied"), ("iss", &server.issuer)]);
    client.browser.goes_to(refusal.as_str()).clone().with(200);
    // An answer came, so the registration is known there.
    let client = client.follows(&page).presses_connect();
    assert_eq!(parameter(&client.browser.at, "client_id"), "client-2");
    let client = client.clone().follows(&server.approves(&client.browser.at));
    assert!(!client.code.is_empty());
}

#[test]
fn it_can_be_skipped_and_the_client_is_let_in() {
    let (world, _) = world(&json!({}));
    let mut client = at_connect_page(&world);
    client.browser.presses("/connect/linear", "decision", "skip");
    let client = client.arrived();
    assert!(!client.code.is_empty());
    let _ = client.redeems();
    assert!(kept(&world).is_empty());
}

#[test]
fn a_server_that_is_connected_on_the_first_call_asks_nobody_before() {
    let (world, _) = world(&json!({"connect": "first_call"}));
    let client = world.client("claude").at("linear").registers().authorizes().signs_in("alice").consents();
    let _ = client.redeems();
}

#[test]
fn a_link_from_a_call_leads_to_the_same_page_and_says_when_it_is_done() {
    let (world, server) = world(&json!({"connect": "first_call"}));
    let client = world.client("claude").at("linear").connects("alice");
    let answer = client.call("echo").text();
    let link = answer.split("http://localhost:8787/connect/linear?s=").nth(1).unwrap();
    let link = link.split(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c)).next().unwrap();
    let mut client = client;
    client.browser.goes_to(&format!("/connect/linear?s={link}"));
    let mut client = client.presses_connect();
    let back = server.approves(&client.browser.at);
    client.browser.goes_to(back.as_str());
    assert_eq!(client.browser.shows.status, 200);
    assert!(client.browser.shows.text().contains("Linear is connected"), "{}", client.browser.shows.shown());
    assert_eq!(kept(&world).len(), 1);
}

#[test]
fn a_scope_that_is_refused_is_shown_as_it_was_sent() {
    let (world, server) = world(&json!({"scope": "issues:write admin"}));
    let mut client = at_connect_page(&world).presses_connect();
    assert_eq!(parameter(&client.browser.at, "scope"), "issues:write admin");
    let back = Protected::back(&client.browser.at, &[("error", "invalid_scope"), ("iss", &server.issuer)]);
    client.browser.goes_to(back.as_str());
    client.browser.shows.refused(400, "upstream_scope_refused");
    assert!(client.browser.shows.text().contains("issues:write admin"));
    assert!(world.platform.journal.borrow().iter().any(|line| line.contains("issues:write admin")));
}

#[test]
fn an_issuer_without_registration_is_told_to_the_operator_with_the_setting_to_fill() {
    let (world, server) = world(&json!({}));
    server.says.borrow_mut().issuer["registration_endpoint"] = Value::Null;
    let client = at_connect_page_refused(&world, 502, "upstream_without_registration");
    let page = client.browser.shows.text();
    assert!(page.contains("does not support dynamic client registration"), "{page}");
    assert!(page.contains("servers.linear.auth.client"), "{page}");
}

#[test]
fn a_client_registered_by_hand_is_used_where_the_operator_says() {
    let world = World::new();
    let server = Protected::new(&world, "linear");
    server.says.borrow_mut().issuer = Value::Null;
    server.says.borrow_mut().resource = Value::Null;
    server.says.borrow_mut().challenge = "Bearer".to_owned();
    let client = json!({
        "client_id": "by-hand", "client_secret": {"secret": "LINEAR_SECRET"}, "token_endpoint_auth_method": "client_secret_post",
        "authorization_endpoint": format!("{}/authorize", server.issuer), "token_endpoint": format!("{}/token", server.issuer),
    });
    world.set_secret("LINEAR_SECRET", "s3cret");
    let auth = json!({"client": client, "issuer": server.issuer, "scope": "x"});
    world.reconfigure(|config| config["servers"]["linear"] = server.configured("Linear", &auth));
    let client = at_connect_page(&world).presses_connect();
    let authorize = client.browser.at.clone();
    assert_eq!((parameter(&authorize, "client_id"), parameter(&authorize, "scope")), ("by-hand".into(), "x".into()));
    let client = client.follows(&server.approves(&authorize));
    assert!(!client.code.is_empty());
    let sent = &server.seen("/token")[0];
    assert_eq!((sent["client_id"].as_str(), sent["client_secret"].as_str()), ("by-hand", "s3cret"));
    assert_eq!(sent["resource"], "https://linear.example/mcp");
}

#[test]
fn metadata_of_another_resource_is_refused_with_both_values() {
    let (world, server) = world(&json!({}));
    server.says.borrow_mut().resource["resource"] = "https://other.example/mcp".into();
    let client = at_connect_page_refused(&world, 502, "upstream_resource_mismatch");
    let page = client.browser.shows.text();
    assert!(page.contains("https://other.example/mcp") && page.contains("https://linear.example/mcp"), "{page}");
    assert!(server.seen("/register").is_empty());
}

#[test]
fn a_person_enters_a_key_of_their_own() {
    let world = World::new();
    let auth = json!({"kind": "headers", "headers": {"x-api-key": {"person": "Your API key"}}});
    world.reconfigure(|config| {
        config["servers"]["keyed"] = json!({"name": "Keyed", "url": "https://demo.example/mcp", "auth": auth});
    });
    let mut client = world.client("claude").at("keyed").registers().authorizes().signs_in("alice").approves();
    assert!(client.browser.shows.text().contains("Your API key"), "{}", client.browser.shows.shown());
    let mut form = client.browser.form("/connect/keyed");
    form.fields.insert("decision".into(), "connect".into());
    form.fields.insert("header:x-api-key".into(), "two words\u{e9}".into());
    client.browser.submits(&form);
    assert!(client.browser.shows.text().contains("role=\"alert\""), "{}", client.browser.shows.shown());
    let mut form = client.browser.form("/connect/keyed");
    form.fields.insert("decision".into(), "connect".into());
    form.fields.insert("header:x-api-key".into(), "alice's key".into());
    client.browser.submits(&form);
    assert!(!client.arrived().code.is_empty());
    let stored = world.platform.connections.borrow().values().next().unwrap().clone();
    assert!(!stored.contains("alice's key"), "sealed");
}

#[test]
fn an_operator_connects_a_server_for_everybody() {
    let (world, server) = world(&json!({"shared": true}));
    let path = "/admin/servers/linear/connection";
    world.request("POST", path).send().refused(401, "operator_token_required");
    let link = world.request("POST", path).bearer(ADMIN_TOKEN).send().with(200).json();
    let mut operator = world.client("claude").at("linear");
    operator.browser.goes_to(link["url"].as_str().unwrap());
    let operator = operator.signs_in("alice");
    assert!(operator.browser.shows.text().contains("Everybody at this gateway"), "{}", operator.browser.shows.shown());
    let mut operator = operator.presses_connect();
    let back = server.approves(&operator.browser.at);
    operator.browser.goes_to(back.as_str());
    assert!(operator.browser.shows.text().contains("connected for everybody"), "{}", operator.browser.shows.shown());
    // Nobody is asked to connect it, and nobody can connect it as themselves.
    let client = world.client("cursor").at("linear").registers().authorizes().signs_in("bob").consents();
    let mut client = client.redeems();
    client.browser.goes_to("/connect/linear").refused(404, "server_not_personal");
    world.request("DELETE", path).bearer(ADMIN_TOKEN).send().with(200);
    assert_eq!(server.seen("/revoke").len(), 1);
    world.passes(11 * 60);
    let mut late = world.client("late").at("linear");
    late.browser.goes_to(link["url"].as_str().unwrap());
    late.signs_in("alice").browser.shows.refused(400, "connect_link_gone");
}

#[test]
fn a_second_account_can_be_chosen_for_a_client() {
    let (world, server) = world(&json!({}));
    let client = at_connect_page(&world).presses_connect();
    let mut client = client.clone().follows(&server.approves(&client.browser.at));
    client.browser.goes_to("/connect/linear?account=new");
    assert!(client.browser.shows.text().contains("Connect another Linear account"), "{}", client.browser.shows.shown());
    let mut form = client.browser.form("/connect/linear");
    form.fields.insert("label".into(), "Work".into());
    form.fields.insert("decision".into(), "connect".into());
    client.browser.submits(&form);
    let back = server.approves(&client.browser.at);
    client.browser.goes_to(back.as_str());
    assert_eq!(kept(&world).len(), 2);

    let cursor = world.client("cursor").at("linear").in_browser(&client.browser).registers().authorizes().approves();
    let page = cursor.browser.shows.text();
    assert!(page.contains("Account 1") && page.contains("Work"), "{page}");
    let mut cursor = cursor;
    let mut form = cursor.browser.form("/connect/linear");
    form.fields.insert("account".into(), "2".into());
    form.fields.insert("decision".into(), "use".into());
    cursor.browser.submits(&form);
    let cursor = cursor.arrived().redeems();
    let claims = cursor.access.split('.').nth(1).unwrap();
    let claims = <base64ct::Base64UrlUnpadded as base64ct::Encoding>::decode_vec(claims).unwrap();
    assert!(String::from_utf8(claims).unwrap().contains(r#""account":"2""#));
}

#[test]
fn the_gateways_own_document_is_published() {
    let world = World::public(|_| ());
    let issuer = Digested::of("https://as.linear.example:8443/a");
    let (before, callback) = (format!("/{}.json", issuer.as_str()), format!("/{}", issuer.as_str()));
    let own = "/https%3A%2F%2Fas.linear.example%3A8443%2Fa.json";
    // The others are what connections were made with that are still renewed.
    for (document, callback, whose) in [
        (own, callback.as_str(), ", for as.linear.example:8443"),
        (&before, &callback, ", for a server that is not named here"),
        (".json", "", ""),
    ] {
        let id = format!("https://mcp.example.com/oauth/client-metadata{document}");
        let document = world.get(&id).with(200).json();
        assert_eq!(document["client_id"], id);
        assert_eq!(document["client_name"], format!("MCP gateway at mcp.example.com{whose}"));
        let redirect_uris = format!("https://mcp.example.com/oauth/upstream-callback{callback}");
        assert_eq!(document["redirect_uris"], json!([redirect_uris]));
    }
    let long = format!("/https%3A%2F%2Fa.example%2F{}.json", "a".repeat(600));
    // Nobody makes the gateway say other words than the name of a host.
    let words = [
        "/Your+bank.json",
        "/https%3A%2F%2Fyour%20bank.json",
        "/https%3A%2F%2Fyour+bank.example.json",
        "/https%3A%2F%2Fbank.example%40evil.example.json",
        "/https%3A%2F%2Fbank.example%3Fa.json",
        "/https%3a%2f%2fbank.example.json",
        "/https://bank.example.json",
        "/data%3Abank.json",
        &long,
    ];
    for none in ["/x.json", "/.json", &callback, &format!("{callback}/x.json")].into_iter().chain(words) {
        world.get(&format!("/oauth/client-metadata{none}")).refused(404, "no_such_endpoint");
    }
}

#[test]
fn an_issuer_that_takes_documents_gets_the_gateways_own() {
    let world = World::public(|_| ());
    let server = Protected::new(&world, "linear");
    server.says.borrow_mut().issuer["client_id_metadata_document_supported"] = true.into();
    world.reconfigure(|config| config["servers"]["linear"] = server.configured("Linear", &json!({})));
    let client = at_connect_page(&world).presses_connect();
    let id = "https://mcp.example.com/oauth/client-metadata/https%3A%2F%2Fas.linear.example.json";
    assert_eq!(server.issuer, "https://as.linear.example");
    assert_eq!(parameter(&client.browser.at, "client_id"), id);
    let client = client.clone().follows(&server.approves(&client.browser.at));
    assert!(!client.code.is_empty() && server.seen("/register").is_empty());
    assert_eq!(server.seen("/token")[0]["client_id"], id);
}

#[test]
fn a_server_of_the_first_revision_without_any_metadata_is_its_own_issuer() {
    let world = World::new();
    let seen: std::rc::Rc<std::cell::RefCell<Vec<String>>> = std::rc::Rc::default();
    let asked = std::rc::Rc::clone(&seen);
    world.outside(
        "https://old.example",
        std::rc::Rc::new(move |request| {
            asked.borrow_mut().push(request.url.path().to_owned());
            Ok(match request.url.path() {
                "/register" => Scripted::json(&json!({"client_id": "old-1"})),
                "/mcp" => Scripted::new(401, &[("www-authenticate", "Bearer")], ""),
                _ => Scripted::new(404, &[], ""),
            })
        }),
    );
    world.reconfigure(|config| {
        config["servers"]["linear"] =
            json!({"name": "Linear", "url": "https://old.example/mcp", "auth": {"kind": "oauth"}});
    });
    let client = at_connect_page(&world).presses_connect();
    assert!(client.browser.at.as_str().starts_with("https://old.example/authorize?"), "{}", client.browser.at);
    assert_eq!(parameter(&client.browser.at, "resource"), "https://old.example/mcp");
    let order = [
        "/mcp",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/register",
    ];
    assert_eq!(*seen.borrow(), order);
}

/// A person who wants to connect the server, and got a page that says why not. On the way to a client they can skip it.
fn at_connect_page_refused(world: &World, status: u16, reason: &str) -> Client {
    let mut client = at_connect_page(world);
    let page = client.browser.shows.text();
    assert!(page.contains(reason) && page.contains(client.browser.shows.header("x-request-id").unwrap()), "{page}");
    let mut skipping = client.clone();
    skipping.browser.presses("/connect/linear", "decision", "skip");
    assert!(!skipping.arrived().code.is_empty());
    client.browser.presses("/connect/linear", "decision", "connect");
    client.browser.shows.refused(status, reason);
    client
}
