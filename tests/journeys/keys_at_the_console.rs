//! API keys as an operator sees them in the console, and what a key may do, explained.
//!
//! Not here: making and using keys (`keys`).

use serde_json::{Value, json};

use crate::world::browser::Browser;
use crate::world::{ADMIN_TOKEN, World};

const CONSOLE: &str = "/admin/people";

fn world() -> World {
    World::configured(|config| {
        config["accepts"] = json!(["own", "keys"]);
        config["login"]["accounts"] =
            json!([{"subject": "alice"}, {"subject": "bob"}, {"subject": "carol", "roles": ["support"]}]);
        config["operators"] = json!({"subjects": ["dev:alice"]});
        config["servers"]["demo"]["require"] = json!([{"tools": ["help"], "roles": ["support"]}]);
    })
}

/// Bob's key, and its text.
fn bobs_key(world: &World) -> String {
    let mut client = world.client("claude").connects("bob");
    client.browser.goes_to("/connections");
    let forms = client.browser.forms("/connections");
    let mut form = forms.into_iter().find(|form| form.fields.contains_key("name")).unwrap();
    for (name, value) in [("name", "Nightly <b>"), ("days", "90"), ("server:demo", "on"), ("action", "make_key")] {
        form.fields.insert(name.to_owned(), value.to_owned());
    }
    let page = client.browser.submits(&form).clone().with(200).text();
    format!("mcpg_key_{}", page.split("<code>mcpg_key_").nth(1).unwrap().split('<').next().unwrap())
}

fn operator(world: &World) -> Browser {
    let mut browser = world.browser();
    browser.goes_to("/admin/people?subject=dev%3Abob");
    browser.presses("/login/callback", "account", "alice");
    browser
}

fn call(world: &World, key: &str) -> u16 {
    let message =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo", "arguments": {}}});
    world.request("POST", "/v1/mcp/demo").header("x-api-key", key).json(&message).send().status
}

#[test]
fn x38_a_persons_key_is_seen_and_revoked_once_it_was_asked_about() {
    let world = world();
    let key = bobs_key(&world);
    assert_eq!(call(&world, &key), 200);
    let mut browser = operator(&world);
    let page = browser.shows.text().clone();
    assert!(page.contains("Nightly &#60;b&#62;") && page.contains("Last used on"), "{page}");
    assert!(!page.contains(&key), "nobody sees its text again");
    let mut form = browser.forms(CONSOLE).into_iter().find(|form| form.fields.contains_key("key")).unwrap();
    form.fields.insert("act".to_owned(), "revoke_key".to_owned());
    let question = browser.submits(&form).clone().with(200).text();
    assert!(question.contains("Revoke the API key Nightly"), "{question}");
    assert_eq!(call(&world, &key), 200, "nothing is done by asking");
    let done = browser.presses(CONSOLE, "decision", "yes").clone().with(200).text();
    assert!(done.contains("The API key is revoked.") && !done.contains("Nightly"), "{done}");
    assert_eq!(call(&world, &key), 401);
    let acts = world.request("GET", "/admin/log?kind=operator").bearer(ADMIN_TOKEN).send().json();
    assert_eq!((&acts["entries"][0]["act"], &acts["entries"][0]["actor"]), (&json!("revoke_key"), &json!("dev:alice")));
    form.fields.insert("form".to_owned(), browser.form(CONSOLE).fields["form"].clone());
    browser.submits(&form).refused(400, "console_form_gone");
}

#[test]
fn a_program_is_told_of_them() {
    let world = world();
    let key = bobs_key(&world);
    let told = world.request("GET", "/admin/people?subject=dev%3Abob").bearer(ADMIN_TOKEN).send().with(200);
    assert_eq!(told.json()["keys"][0]["name"], "Nightly <b>");
    assert!(!told.text().contains(&key) && !told.text().contains("digest"), "{}", told.text());
}

#[test]
fn what_a_key_may_do_is_explained_by_its_id() {
    let world = world();
    let make = |roles: Value| {
        let wanted = json!({"name": "CI", "expires_in_days": 30, "roles": roles});
        world.request("POST", "/admin/keys").bearer(ADMIN_TOKEN).json(&wanted).send().with(201).json()
    };
    let ask = |more: Value| {
        let mut question = json!({"server": "demo", "tool": "help"});
        question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.request("POST", "/admin/explain").bearer(ADMIN_TOKEN).json(&question).send()
    };
    let (support, nobody) = (make(json!(["support"])), make(json!([])));
    let told = ask(json!({"key": support["id"]})).with(200).json();
    assert_eq!((&told["decision"], &told["roles"]), (&json!("allow"), &json!(["support"])), "{told}");
    assert_eq!(ask(json!({"subject": support["subject"]})).with(200).json()["decision"], "allow");
    assert_eq!(ask(json!({"key": nobody["id"]})).with(200).json()["decision"], "deny");
    ask(json!({"key": "AAAAAAAAAAAAAAAAAAAAAA"})).refused(404, "no_such_key");
    ask(json!({"key": support["id"], "subject": "dev:bob"})).refused(404, "no_such_key");
}
