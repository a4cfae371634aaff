//! Scopes that the operator defines: where clients read of them, how a person grants them or less, and how a client
//! that lacks one asks for it.
//!
//! Not here: what a form makes of it that no page sent (`attacks::scopes`), stock clients
//! (`tests/e2e/scopes.test.mjs`).

use serde_json::{Value, json};

use crate::world::World;
use crate::world::answer::Answer;
use crate::world::browser::Browser;
use crate::world::client::Client;

const WRITES: &str = "mcp:tools offline_access tools:write";

/// A world in which "write" and "note" need a scope, "admin" stands for all of it, and "mail" asks for nothing.
fn world() -> World {
    World::configured(configure)
}

fn configure(config: &mut Value) {
    config["scopes"] = json!({
        "tools:write": {"title": "Change things"},
        "admin": {"title": "Do everything", "implies": ["tools:write", "mcp:tools"]},
    });
    config["servers"]["demo"]["require"] = json!([
        {"tools": ["write", "create_*"], "scopes": ["tools:write"]},
        {"prompts": ["note"], "scopes": ["tools:write"]},
        {"tools": ["reset"], "scopes": ["admin"]},
    ]);
}

fn challenge(answer: &Answer) -> &str {
    let (_, scope) = answer.header("www-authenticate").unwrap().split_once(" scope=\"").unwrap();
    scope.split('"').next().unwrap()
}

/// What the token endpoint says was granted.
#[track_caller]
fn granted(client: &Client) -> String {
    client.redemption(|_| ()).with(200).json()["scope"].as_str().unwrap().to_owned()
}

#[track_caller]
fn consents_without(mut client: Client, scopes: &[&str]) -> Client {
    let mut form = client.browser.form("/oauth/consent");
    for scope in scopes {
        assert_eq!(form.fields.remove(&format!("scope:{scope}")).as_deref(), Some("on"), "{scope} is a choice");
    }
    form.fields.insert("decision".to_owned(), "approve".to_owned());
    client.browser.submits(&form);
    client.arrived()
}

#[test]
fn metadata_names_the_scopes_there_are_and_those_that_each_server_asks_for() {
    let world = world();
    let scopes = |path: &str| world.get(path).with(200).json()["scopes_supported"].clone();
    let all = json!(["admin", "mcp:tools", "offline_access", "tools:write"]);
    assert_eq!(scopes("/.well-known/oauth-authorization-server"), all);
    assert_eq!(scopes("/.well-known/openid-configuration"), all);
    assert_eq!(
        scopes("/.well-known/oauth-protected-resource/v1/mcp/demo"),
        json!(["mcp:tools", "admin", "tools:write"])
    );
    for path in ["/v1/mcp/mail", ""] {
        assert_eq!(scopes(&format!("/.well-known/oauth-protected-resource{path}")), json!(["mcp:tools"]), "{path}");
    }
    let stranger = world.request("POST", "/v1/mcp/demo").json(&json!({})).send().with(401);
    assert_eq!(challenge(&stranger), "mcp:tools", "no more than is needed");
}

#[test]
fn a_scope_of_the_operators_is_granted_as_asked_and_opens_its_tools() {
    let client = world().client("claude").asks_for(&format!("{WRITES} openid")).registers().authorizes();
    let client = client.signs_in("alice").consents().redeems().calls("write").calls("create_issue").calls("echo");
    assert_eq!(client.granted, WRITES);
    assert_eq!(client.refreshes().calls("write").granted, WRITES);
}

#[test]
fn a_request_without_a_scope_means_what_every_call_needs() {
    let mut client = world().client("claude").registers();
    client.authorization(|parameters| parameters.retain(|(name, _)| *name != "scope"));
    let client = client.signs_in("alice").consents().redeems();
    assert_eq!(client.granted, "mcp:tools");
}

#[test]
fn a_client_steps_up_by_what_the_refusal_tells_it() {
    let world = world();
    let client = world.client("claude").connects("alice").calls("echo");
    let refused = client.call("write").with(403);
    assert_eq!(refused.reason(), "capability_scope_missing");
    let data = &refused.json()["error"]["data"];
    assert_eq!((&data["tool"], &data["required_scope"]), (&json!("write"), &json!("tools:write")));
    assert_eq!(data["granted_scopes"], json!(["mcp:tools", "offline_access"]));
    assert_eq!(challenge(&refused), WRITES, "what it had, and what it lacks");

    let stepping = client.asks_for(challenge(&refused)).authorizes();
    assert!(stepping.is_asked(), "consent to less is none to more");
    let stepped = stepping.consents().redeems().calls("write").calls("echo");
    assert!(stepped.refresh.is_some());
    assert!(stepped.authorizes().is_reminded(), "asked once");
}

#[test]
fn one_grant_is_refreshed_for_less_and_never_for_more() {
    let client = world().client("claude").asks_for("offline_access mcp:tools admin").connects("alice");
    let refresh = |scope: &str| {
        let token = client.refresh.clone().unwrap();
        let form =
            [("grant_type", "refresh_token"), ("refresh_token", &token), ("client_id", &client.id), ("scope", scope)];
        client.world.request("POST", "/oauth/token").form(&form).send()
    };
    refresh("mcp:tools tools:write").refused(400, "grant_scope_exceeded"); // RFC 6749 §6: what was granted, by name
    let narrow = refresh("mcp:tools").with(200).json();
    assert_eq!(narrow["scope"], "mcp:tools");
    let narrow = Client { access: narrow["access_token"].as_str().unwrap().to_owned(), ..client };
    narrow.clone().calls("echo").call("write").refused(403, "capability_scope_missing");
}

#[test]
fn a_scope_that_implies_what_calls_need_is_enough_by_itself() {
    let world = world();
    let client = world.client("claude").asks_for("admin").connects("alice").calls("echo").calls("write");
    assert_eq!(client.granted, "admin", "granted as asked");
    // A scope that does not is kept while the client asks for what it lacks.
    let client = world.client("other").asks_for("tools:write").connects("alice");
    let refused = client.call("write").with(403);
    assert_eq!((refused.reason().as_str(), challenge(&refused)), ("scope_insufficient", "mcp:tools tools:write"));
}

#[test]
fn clients_that_are_set_up_and_clients_that_registered_less_may_ask_for_all() {
    let world = World::public(|config| {
        configure(config);
        config["clients"] = json!({"preregistered": [
            {"client_id": "ours", "name": "Ours", "redirect_uris": ["https://ours.example/callback"]},
        ]});
    });
    let ours = world.client("ours").with_id("ours").asks_for(WRITES).authorizes().signs_in("alice");
    assert_eq!(ours.consents().redeems().calls("write").granted, WRITES);
    // The SDKs register the scope of the first challenge, and ask for more later.
    let metadata = json!({"redirect_uris": ["https://sdk.example/callback"], "scope": "mcp:tools", "token_endpoint_auth_method": "none"});
    let registered = world.request("POST", "/oauth/register").json(&metadata).send().with(201).json();
    assert_eq!(registered["scope"], "mcp:tools");
    let sdk = world.client("sdk").with_id(registered["client_id"].as_str().unwrap()).asks_for("mcp:tools tools:write");
    assert_eq!(sdk.authorizes().signs_in("alice").consents().redeems().calls("write").granted, WRITES);
}

#[test]
fn the_page_says_what_each_scope_allows_and_has_a_choice_where_there_is_one() {
    let client =
        world().client("claude").asks_for(&format!("{WRITES} admin")).registers().authorizes().signs_in("alice");
    let page = client.browser.shows.text();
    for said in [
        "Change things <code>tools:write</code>",
        "Do everything <code>admin</code>",
        "Tools: <code>write</code> <code>create_*</code>",
        "Prompts: <code>note</code>",
        "Stay connected while you are away",
        "use those that need nothing more",
    ] {
        assert!(page.contains(said), "{said} in {}", client.browser.shows.shown());
    }
    assert_eq!(page.matches("Tools: <code>write</code>").count(), 2, "what is implied is told as well");
    let order = ["<code>mcp:tools", "<code>admin", "<code>tools:write", "<code>offline_access"]
        .map(|it| page.find(it).unwrap());
    assert!(order.is_sorted());
    let form = client.browser.form("/oauth/consent");
    let choices: Vec<_> = form.fields.keys().filter(|name| name.starts_with("scope:")).collect();
    assert_eq!(choices, ["scope:admin", "scope:offline_access", "scope:tools:write"]);
    // "admin" alone is what lets this client call at all.
    let client = client.asks_for("admin tools:write").authorizes();
    let form = client.browser.form("/oauth/consent");
    let choices: Vec<_> = form.fields.keys().filter(|name| name.starts_with("scope:")).collect();
    assert_eq!(choices, ["scope:tools:write"]);
}

#[test]
fn the_page_says_which_tools_a_pattern_means_where_the_server_has_listed_them() {
    let world = world();
    let names = ["get_issue", "create_issue", "Create_note", "write"];
    world.has_apps("https://demo.example", &json!(names.map(|name| json!({"name": name}))), &[]);
    let asks = |name: &str| world.client(name).asks_for(WRITES).registers().authorizes().signs_in("alice").browser;
    let tools = |browser: &Browser| {
        let told = browser.shows.text().split_once("Tools: ").unwrap().1.split_once("</p>").unwrap().0.to_owned();
        told.replace("<code>", "").replace("</code>", "").trim().to_owned()
    };
    assert_eq!(tools(&asks("before")), "write create_*");
    world.client("claude").connects("alice").listed("tools/list");
    world.new_isolate();
    assert_eq!(tools(&asks("after")), "write create_* create_issue Create_note");
    world.reconfigure(|config| config["servers"]["demo"]["tools"] = json!({"allow": ["write", "create_issue"]}));
    assert_eq!(tools(&asks("filtered")), "write create_* create_issue", "what is hidden is not told");
}

#[test]
fn a_server_without_rules_is_described_as_ever() {
    let client = world().client("claude").at("mail").asks_for("mcp:tools").registers().authorizes().signs_in("alice");
    let page = client.browser.shows.text();
    assert!(page.contains("List and use the tools, prompts and resources of this server, as you"));
    assert!(!page.contains("name=\"scope:") && !page.contains("Clear what"), "nothing to choose");
}

#[test]
fn the_person_grants_less_and_the_client_is_told_so() {
    let world = world();
    let asking = world.client("claude").asks_for(WRITES).registers().authorizes().signs_in("alice");
    let client = consents_without(asking, &["tools:write"]);
    assert_eq!(granted(&client), "mcp:tools offline_access");
    // Consent is remembered to what was granted: to ask for that is to go on, to ask for more is to ask.
    let client = client.asks_for("mcp:tools offline_access").authorizes();
    let client = client.goes_on().redeems().calls("echo");
    let refused = client.call("write");
    refused.refused(403, "capability_scope_missing");
    let client = client.asks_for(challenge(&refused)).authorizes();
    assert!(client.is_asked(), "asked for all of it again");
    client.consents().redeems().calls("write");
}

#[test]
fn the_person_grants_no_access_while_they_are_away() {
    let asking = world().client("claude").asks_for(WRITES).registers().authorizes().signs_in("alice");
    let client = consents_without(asking, &["offline_access", "tools:write"]).redeems().calls("echo");
    assert_eq!((client.refresh.as_deref(), client.granted.as_str()), (None, "mcp:tools"));
}

#[test]
fn less_is_granted_also_where_an_account_is_connected_in_between() {
    let world = World::configured(|config| {
        configure(config);
        config["servers"]["demo"]["auth"] =
            json!({"kind": "headers", "headers": {"x-api-key": {"person": "Your API key"}}});
    });
    let asking = world.client("claude").asks_for(WRITES).registers().authorizes().signs_in("alice");
    let mut client = consents_without(asking, &["tools:write"]);
    assert_eq!(client.browser.at.path(), "/connect/demo", "{}", client.browser.shows.shown());
    client.browser.presses("/connect/demo", "decision", "skip");
    assert_eq!(granted(&client.arrived()), "mcp:tools offline_access");
}

#[test]
fn a_refresh_that_cannot_help_is_refused_once() {
    let world = world();
    let client = world.client("claude").connects("alice").initializes().calls("echo");
    client.call("write").refused(403, "capability_scope_missing");
    let refreshing = || client.refreshing(client.refresh.as_ref().unwrap());
    let refused = refreshing();
    refused.refused(503, "grant_step_up");
    assert_eq!(refused.json()["error"], "server_error");
    let client = client.clone().refreshes().calls("echo");
    client.call("write").refused(403, "capability_scope_missing");
    world.passes(11);
    client.refreshes().calls("echo");
}
