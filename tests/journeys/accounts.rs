//! Several accounts of one person at one server, on the page that asks which of them a client shall use.
//!
//! Not here: making the first (`connect`), and seeing and ending them (`connections`).

use mcp_edge_gateway::oauth::subject::{Command, ConnectedAccount, MOST_CONNECTIONS};
use mcp_edge_gateway::ports::Ledger;
use mcp_edge_gateway::time::Timestamp;
use serde_json::json;

use crate::world::World;
use crate::world::protected::Protected;

#[test]
fn a_key_among_several_that_is_not_for_the_server_any_more_is_entered_again() {
    let world = World::new();
    let auth = json!({"kind": "headers", "headers": {"x-api-key": {"person": "Your API key"}}});
    world.reconfigure(|config| {
        config["servers"]["keyed"] = json!({"name": "Keyed", "url": "https://demo.example/mcp", "auth": auth});
    });
    let mut client = world.client("claude").at("keyed").registers().authorizes().signs_in("alice").approves();
    for (name, key) in [("", "one"), ("Work", "two")] {
        let mut form = client.browser.form("/connect/keyed");
        for (field, value) in [("decision", "connect"), ("label", name), ("header:x-api-key", key)] {
            form.fields.insert(field.into(), value.into());
        }
        client.browser.submits(&form);
        client.browser.goes_to("/connect/keyed?account=new");
    }
    world.reconfigure(|config| config["servers"]["keyed"]["url"] = "https://mail.example/mcp".into());
    let cursor = world.client("cursor").at("keyed").in_browser(&client.browser).registers().authorizes();
    let mut cursor = cursor.approves();
    let mut work = cursor.browser.forms("/connect/keyed").remove(1);
    assert_eq!(work.fields["account"], "2");
    work.fields.insert("decision".into(), "connect".into());
    cursor.browser.submits(&work);
    let page = cursor.browser.shows.text();
    assert!(!page.contains("role=\"alert\"") && page.contains("must be renewed"), "{page}");
    let mut form = cursor.browser.form("/connect/keyed");
    assert_eq!(form.fields["account"], "2");
    form.fields.insert("decision".into(), "connect".into());
    form.fields.insert("header:x-api-key".into(), "two anew".into());
    cursor.browser.submits(&form);
    cursor.arrived().redeems().call("echo").with(200);
    let sent = world.sent().pop().unwrap();
    assert_eq!(
        (sent.url.as_str(), sent.headers["x-api-key"].to_str().unwrap()),
        ("https://mail.example/mcp", "two anew")
    );
    client.browser.goes_to("/connections");
    assert!(client.browser.shows.text().contains("Work"), "it keeps its name");
    // And one without a name does not get for one what the page called it.
    let zed = world.client("zed").at("keyed").in_browser(&client.browser).registers().authorizes();
    let mut zed = zed.approves();
    let mut unnamed = zed.browser.form("/connect/keyed");
    unnamed.fields.insert("decision".into(), "connect".into());
    zed.browser.submits(&unnamed);
    let mut form = zed.browser.form("/connect/keyed");
    assert_eq!(form.fields["account"], "1");
    form.fields.insert("decision".into(), "connect".into());
    form.fields.insert("header:x-api-key".into(), "one anew".into());
    zed.browser.submits(&form);
    assert!(!zed.arrived().code.is_empty());
    assert!(!world.platform.accounts.borrow()["dev:alice"].contains("Account 1"));
}

#[test]
fn who_has_as_many_accounts_as_there_may_be_still_chooses_one() {
    let world = World::new();
    let server = Protected::new(&world, "linear");
    world.reconfigure(|config| config["servers"]["linear"] = server.configured("Linear", &json!({})));
    let client = world.client("claude").at("linear").registers().authorizes().signs_in("alice").approves();
    let client = client.presses_connect();
    let client = client.clone().follows(&server.approves(&client.browser.at));
    for account in 2..=16 {
        let connection = ConnectedAccount {
            slug: "linear".to_owned(),
            account: account.to_string(),
            label: String::new(),
            upstream_name: None,
            at: Timestamp(world.now()),
        };
        let listed = world.platform.account("dev:alice", Command::AddConnection { connection, signed_in: None });
        world.now_does(listed).unwrap();
    }
    let cursor = world.client("cursor").at("linear").in_browser(&client.browser).registers().authorizes();
    let mut cursor = cursor.approves();
    cursor.browser.shows.clone().with(200);
    let mut first = cursor.browser.forms("/connect/linear").remove(0);
    first.fields.insert("decision".into(), "use".into());
    cursor.browser.submits(&first);
    assert!(!cursor.arrived().code.is_empty());
}

#[test]
fn an_account_that_could_not_be_listed_is_not_connected() {
    let world = World::new();
    let server = Protected::new(&world, "linear");
    world.reconfigure(|config| config["servers"]["linear"] = server.configured("Linear", &json!({})));
    let client = world.client("claude").at("linear").registers().authorizes().signs_in("alice").approves();
    for account in 1..=MOST_CONNECTIONS {
        let connection = ConnectedAccount {
            slug: "others".to_owned(),
            account: account.to_string(),
            label: String::new(),
            upstream_name: None,
            at: Timestamp(world.now()),
        };
        let listed = world.platform.account("dev:alice", Command::AddConnection { connection, signed_in: None });
        world.now_does(listed).unwrap();
    }
    let mut client = client.presses_connect();
    let back = server.approves(&client.browser.at);
    client.browser.goes_to(back.as_str()).refused(400, "connection_list_full");
    assert!(world.platform.connections.borrow().values().all(|record| !record.contains("\"sealed\"")));
}
