//! What the log tells of a request: whose it was, what it was about, what came of it.
//!
//! Not here: the form of a line (`record`), what servers are like (`condition`).

use serde_json::{Value, json};

use crate::world::World;

fn last(world: &World) -> Value {
    serde_json::from_str(world.platform.journal.borrow().last().unwrap()).unwrap()
}

#[test]
fn a_call_that_goes_well_is_told_of() {
    let world = World::new();
    let client = world.client("claude").connects("alice").initializes();
    let line = last(&world);
    assert_eq!((&line["mcp.method.name"], &line["era"]), (&json!("initialize"), &json!("legacy")));
    let answer = client.call("echo").with(200);
    let line = last(&world);
    assert_eq!(line["request_id"], answer.header("x-request-id").unwrap());
    assert_eq!((&line["subject"], &line["by"]), (&json!("dev:alice"), &json!("access_token")));
    assert_eq!(line["client"].as_str(), client.id.get(..128).or(Some(client.id.as_str())));
    assert_eq!((&line["server"], &line["gen_ai.tool.name"]), (&json!("demo"), &json!("echo")));
    assert_eq!((&line["status"], &line["upstream.status"]), (&json!(200), &json!(200)));
    assert!(line["duration_ms"].is_u64() && line["upstream_ms"].is_u64() && line.get("reason").is_none(), "{line}");
}

#[test]
fn a_refused_call_says_whose_it_was_as_soon_as_that_is_known() {
    let world = World::new();
    let client = world.client("claude").connects("alice").initializes();
    world.request("POST", &client.resource()).bearer("made-up").json(&json!({})).send().with(401);
    assert_eq!(last(&world).get("subject"), None);
    world.request("POST", &client.resource()).bearer(&client.access).json(&json!({})).send().with(400);
    assert_eq!(last(&world)["subject"], "dev:alice");
}

#[test]
fn renewed_credentials_are_told_of() {
    let (world, server) = World::guarded();
    let client = world.begins("claude", &json!({}));
    world.connected("alice", "at-1");
    server.wants("at-2");
    world.can_be_renewed("at-2");
    client.call("search").with(200);
    let line = last(&world);
    assert_eq!((&line["renewals"], &line["upstream.status"]), (&json!(1), &json!(200)), "{line}");
}

#[test]
fn tokens_and_pages_say_whose_they_are() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    let line = last(&world);
    assert_eq!(
        (&line["route"], &line["subject"], &line["server"]),
        (&json!("/oauth/token"), &json!("dev:alice"), &json!("demo"))
    );
    client.browser.clone().goes_to("/connections");
    assert_eq!(last(&world)["subject"], "dev:alice");
}

#[test]
fn the_operator_says_which_calls_are_lines() {
    let world = World::configured(|config| config["log"] = json!({"calls": "refusals"}));
    let client = world.client("claude").connects("alice").initializes();
    let lines = || world.platform.journal.borrow().len();
    let before = lines();
    let client = client.calls("echo");
    assert_eq!(lines(), before);
    world.request("POST", &client.resource()).json(&json!({})).send().with(401);
    assert_eq!(lines(), before + 1);
    world.reconfigure(|config| config["log"] = json!({"calls": "none"}));
    world.new_isolate();
    let before = lines();
    world.request("POST", &client.resource()).json(&json!({})).send().with(401);
    assert_eq!(lines(), before);
}
