//! Attacks on what a person chooses on the consent page: forms that no page sent.
//!
//! Not here: tickets of other browsers, old ones and used ones (`browser`).

use serde_json::json;

use crate::world::World;
use crate::world::client::Client;

fn world() -> World {
    World::configured(|config| {
        config["scopes"] = json!({"tools:write": {"title": "Change things"}, "tools:read": {"title": "Read things"}});
        config["servers"]["demo"]["require"] = json!([{"tools": ["write"], "scopes": ["tools:write"]}]);
    })
}

fn asking(world: &World, scope: &str) -> Client {
    world.client("claude").asks_for(scope).registers().authorizes().signs_in("alice")
}

/// Posts the page's form with other fields beside its ticket and decision.
fn posts(client: Client, fields: &[(&str, &str)]) -> Client {
    let form = client.browser.form("/oauth/consent");
    let ticket = form.fields["ticket"].clone();
    let fields =
        [("ticket", ticket.as_str()), ("decision", "approve")].iter().chain(fields).copied().collect::<Vec<_>>();
    let answer = client.world.request("POST", "/oauth/consent").cookies(&client.browser.cookie_header());
    let origin = client.world.origin();
    let answer =
        answer.header("origin", &origin).header("sec-fetch-site", "same-origin").form(&fields).send().with(303);
    client.follows(&answer.location().unwrap())
}

fn granted(client: &Client) -> String {
    client.redemption(|_| ()).with(200).json()["scope"].as_str().unwrap().to_owned()
}

#[test]
fn a_form_grants_nothing_that_was_not_asked_for() {
    let world = world();
    for (fields, grants) in [
        (&[("scope:tools:write", "on"), ("scope:tools:read", "on")] as &[_], "mcp:tools"),
        (&[("scope:nothing", "on"), ("scope:", "on"), ("scope", "mcp:tools tools:write")], "mcp:tools"),
        (&[("scope:offline_access", "on"), ("scope:OFFLINE_ACCESS", "on")], "mcp:tools"),
        (&[("scope:mcp:tools", "")], "mcp:tools"),
    ] {
        assert_eq!(granted(&posts(asking(&world, "mcp:tools"), fields)), grants, "{fields:?}");
    }
}

#[test]
fn a_choice_that_is_not_clear_is_not_granted() {
    let world = world();
    for fields in [
        &[("scope:tools:write", "on"), ("scope:tools:write", "on")] as &[_],
        &[("scope:tools:write", "")],
        &[("scope:Tools:write", "on")],
        &[("scope:tools:write ", "on")],
        &[],
    ] {
        let client = posts(asking(&world, "mcp:tools tools:write"), fields);
        assert_eq!(granted(&client), "mcp:tools", "{fields:?}");
    }
}

#[test]
fn what_every_call_needs_cannot_be_taken_out() {
    let client = posts(asking(&world(), "mcp:tools offline_access"), &[]);
    assert_eq!(granted(&client), "mcp:tools");
}

#[test]
fn a_ticket_is_for_its_own_request_whatever_the_form_says() {
    let world = world();
    let narrow = asking(&world, "mcp:tools");
    let wide = world.client("claude").with_id(&narrow.id).asks_for("mcp:tools tools:write");
    let wide = wide.in_browser(&narrow.browser).authorizes();
    let [small, large] = [&narrow, &wide].map(|client| client.browser.form("/oauth/consent").fields["ticket"].clone());
    // The middle of one, the rest of the other.
    let cut = small.len() / 2;
    let forged = format!("{}{}", small.split_at(cut).0, large.split_at(cut).1);
    let mut form = wide.browser.form("/oauth/consent");
    form.fields.insert("ticket".to_owned(), forged);
    form.fields.insert("decision".to_owned(), "approve".to_owned());
    wide.browser.clone().submits(&form).refused(400, "no_pending_authorization");
    assert_eq!(granted(&posts(narrow, &[("scope:tools:write", "on")])), "mcp:tools");
}

#[test]
fn where_only_a_click_is_left_nothing_can_be_changed() {
    let world = world();
    let client = asking(&world, "mcp:tools tools:write").consents();
    let client = client.authorizes();
    assert!(client.is_reminded());
    assert_eq!(granted(&posts(client, &[("scope:tools:read", "on")])), "mcp:tools tools:write");
}
