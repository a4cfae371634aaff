//! Who takes over what another person was asked: request states and sessions that are moved, changed or kept too long.
//!
//! Not here: links opened by somebody else, which is the browser's part.

use serde_json::{Value, json};

use crate::world::World;
use crate::world::client::Client;
use crate::world::guarded::shows_links;

fn asked(client: &Client, params: &Value) -> Value {
    let answer = client.sends_modern("tools/call", &shows_links(), params.clone()).with(200).json();
    assert_eq!(answer["result"]["resultType"], "input_required");
    answer["result"]["requestState"].clone()
}

fn retry(client: &Client, method: &str, params: &Value, state: &Value) -> crate::world::answer::Answer {
    let mut params = params.clone();
    params["requestState"] = state.clone();
    params["inputResponses"] = json!({"connect": {"action": "accept"}});
    client.sends_modern(method, &shows_links(), params)
}

#[test]
fn a_request_state_is_for_one_person_one_server_and_one_request() {
    let (world, server) = World::guarded();
    world.reconfigure(|config| {
        let docs = config["servers"]["docs"].clone();
        config["servers"]["wiki"] = docs;
    });
    let params = json!({"name": "search", "arguments": {"q": "mine"}});
    let alice = world.client("claude").at("docs").connects("alice");
    let state = asked(&alice, &params);

    let bob = world.client("other").at("docs").connects("bob");
    let wiki = world.client("wiki").at("wiki").connects("alice");
    let moved = state.as_str().unwrap().replace("/docs#", "/wiki#");
    let other = json!({"name": "search", "arguments": {"q": "another"}});
    let named = json!({"name": "delete", "arguments": {"q": "mine"}});
    let cut = Value::from(state.as_str().unwrap().split_at(state.as_str().unwrap().len() - 1).0);
    for (client, method, params, state) in [
        (&bob, "tools/call", &params, &state),
        (&wiki, "tools/call", &params, &Value::from(moved)),
        (&alice, "tools/call", &other, &state),
        (&alice, "tools/call", &named, &state),
        (&alice, "prompts/get", &params, &state),
        (&alice, "tools/call", &params, &cut),
    ] {
        let answer = retry(client, method, params, state);
        answer.refused(400, "request_state_unfit");
        assert_eq!((&answer.json()["error"]["code"], &answer.json()["id"]), (&json!(-32602), &json!(5)));
    }
    retry(&alice, "tools/call", &params, &state).with(200);
    world.passes(11 * 60);
    retry(&alice, "tools/call", &params, &state).refused(400, "request_state_unfit");
    assert!(server.was_asked().is_empty());
}

#[test]
fn a_session_that_waits_is_nobody_elses() {
    let (world, _) = World::guarded();
    let alice = world.begins("claude", &shows_links());
    let bob = world.client("other").at("docs").connects("bob");
    let thief = Client { session: alice.session.clone(), ..bob };
    thief.call("search").refused(404, "session_not_found");
    let elsewhere = world.client("claude").connects("alice");
    Client { session: alice.session.clone(), ..elsewhere }.call("search").refused(404, "session_not_found");
    assert_eq!(alice.call("search").with(200).json()["error"]["code"], -32042);
}

#[test]
fn what_a_client_says_of_itself_cannot_become_another_message() {
    let (world, _) = World::guarded();
    let client = world.client("claude").at("docs").connects("alice");
    for params in [json!([]), json!("x"), json!({"a": "x".repeat(4000)})] {
        let message = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
        let answer = client.sends(&message);
        if params.is_object() {
            let session = answer.with(200).header("mcp-session-id").unwrap().len();
            assert!(session < 200, "what is too long is left out");
        } else {
            answer.refused(400, "invalid_params");
        }
    }
}
