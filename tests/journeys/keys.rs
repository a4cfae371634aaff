//! API keys: made by people and operators, used by programs, and revoked.
//!
//! Not here: who tries to harm (`attacks`).

use mcp_edge_gateway::gateway::StreamStanding;
use mcp_edge_gateway::oauth::api_key::text::is_well_formed;
use serde_json::{Value, json};

use crate::world::answer::Answer;
use crate::world::client::Client;
use crate::world::guarded::Guarded;
use crate::world::{ADMIN_TOKEN, DAY, HOUR, MINUTE, World};

const PAGE: &str = "/connections";

/// A world whose servers take keys.
fn world() -> World {
    World::configured(|config| config["accepts"] = json!(["own", "keys"]))
}

/// A call of a tool with a key in a header.
fn calls(world: &World, header: (&str, &str), server: &str, tool: &str) -> Answer {
    let params = json!({"name": tool, "arguments": {}});
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    let path = format!("/v1/mcp/{server}");
    world.request("POST", &path).header(header.0, header.1).json(&message).send()
}

fn call(world: &World, key: &str) -> Answer {
    calls(world, ("x-api-key", key), "demo", "echo")
}

/// Fills in the form that makes a key, and gets it.
fn make(client: &mut Client, fields: &[(&str, &str)]) -> String {
    client.browser.goes_to(PAGE);
    let forms = client.browser.forms(PAGE);
    let mut form = forms.into_iter().find(|form| form.fields.contains_key("every_server") || is_offer(form)).unwrap();
    for (name, value) in fields {
        form.fields.insert((*name).to_owned(), (*value).to_owned());
    }
    form.fields.insert("action".to_owned(), "make_key".to_owned());
    let page = client.browser.submits(&form).clone().with(200).text();
    let key = page.split("<code>mcpg_key_").nth(1).map(|rest| rest.split('<').next().unwrap());
    key.map(|rest| format!("mcpg_key_{rest}")).unwrap_or_else(|| panic!("{page}"))
}

fn is_offer(form: &crate::world::browser::Form) -> bool {
    form.fields.contains_key("name")
}

fn made_by(world: &World, person: &str, fields: &[(&str, &str)]) -> (Client, String) {
    let mut client = world.client("claude").connects(person);
    let defaults = [("name", "Nightly report"), ("days", "90"), ("server:demo", "on")];
    let key = make(&mut client, &[&defaults[..], fields].concat());
    (client, key)
}

fn operator(world: &World, method: &str, path: &str) -> crate::world::Asking {
    world.request(method, path).bearer(ADMIN_TOKEN)
}

fn service(world: &World, change: impl FnOnce(&mut Value)) -> Value {
    let mut wanted = json!({"name": "CI", "servers": ["demo"], "expires_in_days": 30});
    change(&mut wanted);
    operator(world, "POST", "/admin/keys").json(&wanted).send().with(201).json()
}

fn text(made: &Value) -> &str {
    made["key"].as_str().unwrap()
}

#[test]
fn a_person_makes_a_key_and_a_program_calls_a_tool_with_it() {
    let world = world();
    let (mut client, key) = made_by(&world, "alice", &[]);
    assert!(is_well_formed(&key));
    let bearer = format!("Bearer {key}");
    for header in [("x-api-key", key.as_str()), ("authorization", &bearer), ("Authorization", &format!("bearer {key}"))]
    {
        assert_eq!(calls(&world, header, "demo", "echo").with(200).json()["result"]["content"][0]["text"], "echo");
    }
    let twice = world.request("POST", "/v1/mcp/demo").header("x-api-key", &key).bearer(&key);
    twice.json(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})).send().with(200);
    let page = client.browser.goes_to(PAGE).clone().with(200).text();
    for known in ["Nightly report", "<p>Demo</p>", "<code>mcp.invoke</code>", "last used"] {
        assert!(page.contains(known), "{known}: {page}");
    }
    assert!(!page.contains(&key), "it is shown once");
    assert!(world.sent().iter().all(|sent| !sent.headers.contains_key("x-api-key")), "it goes nowhere");
}
