//! Choices at a server: which account, under which name, to go on without one; and servers that only the operator
//! connects.
//!
//! Not here: how many accounts there may be (`accounts`).

use std::rc::Rc;

use base64ct::{Base64UrlUnpadded, Encoding};
use mcp_edge_gateway::ports::Outgoing;
use serde_json::{Value, json};

use crate::world::answer::parameter;
use crate::world::client::Client;
use crate::world::guarded::shows_links;
use crate::world::platform::Scripted;
use crate::world::protected::Protected;
use crate::world::{ADMIN_TOKEN, World};

fn world(auth: &Value) -> (World, Protected) {
    let world = World::new();
    let server = Protected::new(&world, "linear");
    world.reconfigure(|config| config["servers"]["linear"] = server.configured("Linear", auth));
    (world, server)
}

fn at_connect_page(world: &World) -> Client {
    world.client("claude").at("linear").registers().authorizes().signs_in("alice").approves()
}

/// From now on the authorization server says whose tokens it issues.
fn names(server: &Protected, email: &str) {
    let claims = Base64UrlUnpadded::encode_string(json!({"sub": "7", "email": email}).to_string().as_bytes());
    let answer = json!({"access_token": "at", "token_type": "Bearer", "id_token": format!("e30.{claims}.c2ln")});
    let instead = move |request: &Outgoing| (request.url.path() == "/token").then(|| Scripted::json(&answer));
    server.says.borrow_mut().instead = Some(Rc::new(instead));
}

fn connects(client: &mut Client, server: &Protected) -> String {
    client.browser.presses("/connect/linear", "decision", "connect");
    let back = server.approves(&client.browser.at);
    client.browser.goes_to(back.as_str()).text()
}

fn renames(client: &mut Client, account: &str, label: &str) -> String {
    client.browser.goes_to("/connections");
    let mut form =
        client.browser.forms("/connections").into_iter().find(|form| form.fields["account"] == account).unwrap();
    form.fields.insert("action".into(), "rename".into());
    form.fields.insert("label".into(), label.into());
    client.browser.submits(&form).clone().with(200).text()
}

#[test]
fn who_says_no_at_the_server_chooses_to_go_on_without_or_to_connect_again() {
    let (world, server) = world(&json!({}));
    let client = at_connect_page(&world).presses_connect();
    let back = Protected::back(
        &client.browser.at,
        &[("error", "access_denied"), ("error_description", "not <today>"), ("iss", &server.issuer)],
    );
    let mut client = client.clone();
    let page = client.browser.goes_to(back.as_str()).clone().with(200);
    let shown = page.text();
    for known in ["Linear was not connected", "as.linear.example", "not &#60;today&#62;", "upstream_access_denied"] {
        assert!(shown.contains(known), "{known}: {shown}");
    }
    assert!(shown.contains(page.header("x-request-id").unwrap()) && !shown.contains("sign error"), "{shown}");
    assert!(world.platform.journal.borrow().last().unwrap().contains("upstream_access_denied"));

    let mut again = client.clone();
    again.browser.presses("/connect/linear", "decision", "connect");
    assert_eq!(parameter(&again.browser.at, "scope"), "read", "straight back there, for the same");
    let back = server.approves(&again.browser.at);
    again.browser.goes_to(back.as_str());
    assert!(!again.arrived().code.is_empty());

    let (world, server) = self::world(&json!({}));
    let mut client = at_connect_page(&world).presses_connect();
    let back = Protected::back(&client.browser.at, &[("error", "access_denied"), ("iss", &server.issuer)]);
    client.browser.goes_to(back.as_str());
    client.browser.presses("/connect/linear", "decision", "skip");
    assert!(!client.arrived().code.is_empty());
    assert!(world.platform.connections.borrow().values().all(|record| !record.contains("sealed")));
}

#[test]
fn who_says_no_with_no_client_waiting_is_led_to_their_connections() {
    let (world, server) = world(&json!({}));
    let mut client = at_connect_page(&world);
    client.browser.goes_to("/connect/linear");
    let mut client = client.presses_connect();
    let back = Protected::back(&client.browser.at, &[("error", "access_denied"), ("iss", &server.issuer)]);
    let page = client.browser.goes_to(back.as_str()).clone().with(200).text();
    assert!(page.contains(r#"href="/connections""#) && !page.contains(r#"value="skip""#), "{page}");
    assert!(connects(&mut client, &server).contains("Linear is connected."));
}

#[test]
fn an_account_is_called_what_its_authorization_server_says_until_its_person_names_it() {
    let (world, server) = world(&json!({}));
    let mut client = at_connect_page(&world);
    client.browser.goes_to("/connect/linear");
    names(&server, "alice@wrong.example");
    assert!(connects(&mut client, &server).contains("<bdi>alice@wrong.example</bdi>"));
    // Connected again as another one it is called by that one's name.
    client.browser.goes_to("/connect/linear?account=1");
    names(&server, "alice@right.example");
    let page = connects(&mut client, &server);
    assert!(page.contains("<bdi>alice@right.example</bdi>") && !page.contains("wrong"), "{page}");
    let page = renames(&mut client, "1", "  Work ");
    assert!(page.contains("<bdi>Work</bdi>") && page.contains("<bdi>alice@right.example</bdi>"), "{page}");
    assert!(page.contains("Your account at Linear has its new name."), "{page}");
    client.browser.goes_to("/connect/linear?account=1");
    assert!(connects(&mut client, &server).contains("<bdi>Work</bdi>"), "it keeps the name");
    assert!(!renames(&mut client, "1", "").contains("<bdi>Work</bdi>"));
    let long = "x".repeat(500);
    assert!(!renames(&mut client, "1", &long).contains(&"x".repeat(81)));
}

#[test]
fn nobody_names_what_is_not_theirs_or_without_the_pages_form() {
    let (world, server) = world(&json!({}));
    let mut client = at_connect_page(&world);
    client.browser.goes_to("/connect/linear");
    connects(&mut client, &server);
    let mut form = client.browser.form("/connections");
    for (field, value) in [("action", "rename"), ("label", "Mine"), ("account", "7")] {
        form.fields.insert(field.into(), value.into());
    }
    assert!(!client.browser.submits(&form).text().contains("<bdi>Mine</bdi>"));
    form.fields.insert("account".into(), "1".into());
    form.fields.insert("form".into(), "forged".into());
    client.browser.submits(&form).refused(400, "connections_form_gone");
    assert!(!world.platform.accounts.borrow()["dev:alice"].contains("Mine"));
}

#[test]
fn the_page_asks_which_of_two_accounts_to_use() {
    let (world, server) = world(&json!({}));
    let mut client = at_connect_page(&world);
    client.browser.goes_to("/connect/linear");
    names(&server, "alice@work.example");
    connects(&mut client, &server);
    client.browser.goes_to("/connect/linear?account=new");
    connects(&mut client, &server);
    renames(&mut client, "2", "Home");
    let cursor = world.client("cursor").at("linear").in_browser(&client.browser).registers().authorizes().approves();
    let page = cursor.browser.shows.text();
    for known in [
        "<h1>Which Linear account?</h1>",
        "cursor will use the one you choose.",
        "<bdi>alice@work.example</bdi>",
        "<bdi>Home</bdi>",
        "Or connect another one",
        ">Sign in as somebody else<",
    ] {
        assert!(page.contains(known), "{known}: {page}");
    }
    assert!(!page.contains("Use another account"), "it would mean two things");
}

#[test]
fn of_a_shared_server_that_nobody_connected_the_operator_is_spoken_of() {
    let (world, _) = World::guarded();
    world.reconfigure(|config| config["servers"]["docs"]["auth"] = json!({"kind": "oauth", "shared": true}));
    let client = world.begins("claude", &shows_links());
    let list = client.sends(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})).with(200).json();
    let description = list["result"]["tools"][0]["description"].as_str().unwrap();
    assert!(description.contains("operator") && !description.contains("user's account"), "{description}");
    for tool in ["search", "connect_docs"] {
        let result = client.call(tool).with(200).json()["result"].clone();
        let text = result["content"][0]["text"].as_str().unwrap();
        assert!(text.contains("must be connected by the operator"), "{text}");
        assert_eq!(result["_meta"]["mcp-edge-gateway/connect"]["reason"], "shared_connection_missing");
    }
}

#[test]
fn an_operators_link_that_was_used_shows_no_form() {
    let (world, server) = world(&json!({"shared": true}));
    let made = || {
        let asks = world.request("POST", "/admin/servers/linear/connection").bearer(ADMIN_TOKEN);
        asks.send().with(200).json()["url"].as_str().unwrap().to_owned()
    };
    let (link, other) = (made(), made());
    let mut operator = world.client("claude").at("linear");
    operator.browser.goes_to(&link);
    let mut operator = operator.signs_in("alice");
    for _ in 0..2 {
        operator.browser.goes_to(&link).clone().with(200);
    }
    let operator = &mut operator;
    assert!(connects(operator, &server).contains("connected for everybody"));
    operator.browser.goes_to(&link).refused(400, "connect_link_used");
    assert!(operator.browser.forms("/connect/linear").is_empty());
    operator.browser.goes_to(&other).clone().with(200);
    assert!(!operator.browser.forms("/connect/linear").is_empty(), "the other one is still good");
}
