//! What a person has connected and allowed: seen on one page, and ended there.
//!
//! Not here: connecting (`connect`), who tries to harm (`attacks`).

use std::rc::Rc;

use mcp_edge_gateway::ports::Outgoing;
use serde_json::json;

use crate::world::World;
use crate::world::client::Client;
use crate::world::platform::Scripted;
use crate::world::protected::Protected;

const PAGE: &str = "/connections";

/// A person with one account at a server, connected on the way to a client.
fn connected() -> (World, Protected, Client) {
    let world = World::new();
    let server = Protected::new(&world, "linear");
    world.reconfigure(|config| config["servers"]["linear"] = server.configured("Linear", &json!({})));
    let client = world.client("claude").at("linear").registers().authorizes().signs_in("alice").approves();
    let client = client.presses_connect();
    let client = client.clone().follows(&server.approves(&client.browser.at)).redeems();
    (world, server, client)
}

fn shown(client: &mut Client) -> String {
    client.browser.goes_to(PAGE).clone().with(200).text()
}

#[test]
fn a_person_sees_their_accounts_and_the_clients_that_use_them() {
    let (_, _, mut client) = connected();
    let page = shown(&mut client);
    for known in ["Linear", ">Connected<", "<code>read</code>", "claude", "Uses Linear"] {
        assert!(page.contains(known), "{known}: {page}");
    }
    client.browser.goes_to("/");
    assert!(client.browser.shows.text().contains(r#"href="/connections""#));
}

#[test]
fn who_is_not_signed_in_signs_in_first() {
    let (world, _, _) = connected();
    let mut client = world.client("later").at("linear");
    client.browser.goes_to(PAGE);
    let client = client.signs_in("bob");
    let page = client.browser.shows.text();
    assert!(page.contains("Not connected") && page.contains("You have not allowed any client."), "{page}");
}

#[test]
fn a_disconnected_account_is_forgotten_and_revoked_and_can_be_connected_again() {
    let (world, server, mut client) = connected();
    shown(&mut client);
    client.browser.presses(PAGE, "action", "disconnect");
    let page = client.browser.shows.text();
    assert!(page.contains("Linear is disconnected.") && page.contains("Not connected"), "{page}");
    assert_eq!(server.seen("/revoke").len(), 1);
    assert!(world.platform.connections.borrow().values().all(|stored| !stored.contains("sealed")));

    client.browser.goes_to("/connect/linear");
    let mut client = client.presses_connect();
    let back = server.approves(&client.browser.at);
    client.browser.goes_to(back.as_str());
    let page = client.browser.shows.text();
    assert!(page.contains("Linear is connected.") && page.contains(">Connected<"), "{page}");
}

#[test]
fn a_client_whose_access_is_taken_away_has_none_and_the_person_is_asked_again() {
    let (world, _, mut client) = connected();
    let first = client.clone();
    shown(&mut client);
    let mut form = client.browser.forms(PAGE).pop().unwrap();
    form.fields.insert("action".to_owned(), "revoke".to_owned());
    client.browser.submits(&form);
    let page = client.browser.shows.text();
    assert!(
        page.contains("may not act for you any more") && page.contains("You have not allowed any client."),
        "{page}"
    );
    first.refreshing(first.refresh.as_deref().unwrap()).refused(400, "grant_revoked");
    world.new_isolate();
    world.passes(61);
    first.call("echo").refused(401, "token_revoked");
    assert!(client.authorizes().is_asked(), "the consent is forgotten as well");
}

/// Where the answer to a call sends the person.
fn link_in(answer: &str) -> String {
    let link = answer.split("http://localhost:8787/connect/linear?s=").nth(1).unwrap();
    let sealed = link.split(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c)).next().unwrap();
    format!("/connect/linear?s={sealed}")
}

#[test]
fn the_page_says_whether_the_access_ended_or_more_is_wanted() {
    let (world, server, mut client) = connected();
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"write\"";
    let wants_more = move || Scripted::new(403, &[("www-authenticate", challenge)], "");
    let more = move |request: &Outgoing| (request.url.path() == "/mcp").then(wants_more);
    server.says.borrow_mut().instead = Some(Rc::new(more));
    let link = link_in(&client.call("echo").text());
    server.says.borrow_mut().instead = None;
    let page = client.browser.goes_to(&link).clone().with(200).text();
    assert!(page.contains("Allow more at Linear") && page.contains("<code>write</code>"), "{page}");

    server.revokes_everything();
    world.passes(60);
    let link = link_in(&client.call("echo").text());
    let page = client.browser.goes_to(&link).clone().with(200).text();
    assert!(page.contains("Connect Linear again") && page.contains("Linear authorization must be renewed."), "{page}");
    let page = shown(&mut client);
    assert!(page.contains("Must be renewed") && page.contains("Linear authorization must be renewed."), "{page}");
}

#[test]
fn a_server_that_changed_or_went_asks_for_nothing_it_cannot_use() {
    let (world, server, mut client) = connected();
    world.reconfigure(|config| config["servers"]["linear"]["url"] = json!("https://linear.example/moved"));
    let page = shown(&mut client);
    assert!(page.contains("The operator changed Linear since.") && page.contains("Reconnect"), "{page}");
    world.reconfigure(|config| config["servers"] = json!({}));
    let page = shown(&mut client);
    assert!(page.contains("not there any more") && !page.contains("Reconnect"), "{page}");
    client.browser.presses(PAGE, "action", "disconnect");
    assert!(client.browser.shows.text().contains("No server here needs an account of yours."));
    assert_eq!(server.seen("/revoke").len(), 1, "what it holds is revoked all the same");
}
