//! How long a stream of events goes on that was opened with some access, and how often that costs a look into storage.
//!
//! Not here: the pipe (`tests/e2e/streams.test.mjs`).

use mcp_edge_gateway::gateway::StreamStanding;
use mcp_edge_gateway::oauth::subject;
use mcp_edge_gateway::ports::Ledger;
use mcp_edge_gateway::time::{Lifetime, Timestamp};
use mcp_edge_gateway::upstream::key::FIRST_ACCOUNT;
use mcp_edge_gateway::web::reply::Terms;
use serde_json::{Value, json};

use crate::world::browser::Browser;
use crate::world::client::Client;
use crate::world::guarded::shows_links;
use crate::world::{ADMIN_TOKEN, HOUR, MINUTE, World};

/// A client at a server that streams its answers.
fn streaming() -> (World, Client) {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    world.outside_answers("https://demo.example", 200, &[("content-type", "text/event-stream")], "data: {}\n\n");
    (world, client)
}

fn calls(client: &Client) -> Terms {
    client.call("slow").with(200).terms.unwrap()
}

fn listens(client: &Client) -> Terms {
    client.sends_modern("subscriptions/listen", &json!({}), json!({"notifications": {}})).with(200).terms.unwrap()
}

fn look(world: &World, terms: &Terms) -> StreamStanding {
    world.look_at([terms]).remove(0)
}

/// The last event of a stream that ends now.
#[track_caller]
fn ends(world: &World, terms: &Terms) -> Value {
    let event = match look(world, terms) {
        StreamStanding::Ends(event) => String::from_utf8(event).ok(),
        StreamStanding::GoesOn(_) => None,
    };
    let event = event.unwrap();
    let data = event.strip_prefix("\n\nevent: message\ndata: ").unwrap();
    serde_json::from_str(data.strip_suffix("\n\n").unwrap()).unwrap()
}

#[track_caller]
fn goes_on(world: &World, terms: &Terms) -> Lifetime {
    let after = match look(world, terms) {
        StreamStanding::GoesOn(after) => Some(after),
        StreamStanding::Ends(_) => None,
    };
    after.unwrap()
}

fn revoke_subject(world: &World) {
    world.request("DELETE", "/admin/subjects/dev:alice").bearer(ADMIN_TOKEN).send().with(200);
}

#[test]
fn only_streams_of_events_are_on_terms() {
    let world = World::new();
    assert_eq!(world.client("claude").connects("alice").call("echo").with(200).terms, None);
}

#[test]
fn a_subscription_lasts_as_long_as_its_token_and_a_call_ten_minutes_longer() {
    let (world, client) = streaming();
    let (call, listen) = (calls(&client), listens(&client));
    assert_eq!((call.after, listen.after), (Lifetime(30), Lifetime(30)));
    world.passes(HOUR - 1);
    assert_eq!(goes_on(&world, &listen), Lifetime(1), "it is looked at again at that moment");
    assert_eq!(goes_on(&world, &call), Lifetime(30));
    world.passes(1);
    assert_eq!(ends(&world, &listen)["result"]["resultType"], "complete");
    world.passes(10 * MINUTE - 1);
    goes_on(&world, &call);
    world.passes(1);
    let told = ends(&world, &call);
    assert_eq!((&told["id"], &told["error"]["data"]["reason"]), (&json!(1), &json!("token_expired")));
    let journal = world.platform.journal.borrow().last().unwrap().clone();
    assert!(
        journal.contains("stream_ended") && journal.contains("token_expired") && journal.contains("demo"),
        "{journal}"
    );
}

#[test]
fn a_revocation_elsewhere_ends_streams_within_the_promised_minute() {
    let revokes: [fn(&World, &Client); 2] =
        [|_, client| drop(client.revocation(&client.access).with(200)), |world, _| revoke_subject(world)];
    for revoke in revokes {
        let (world, client) = streaming();
        let streams = [calls(&client), listens(&client)];
        let there = world.elsewhere();
        world.passes(30);
        let [after, _] = [goes_on(&world, &streams[0]), goes_on(&world, &streams[1])];
        world.passes(1); // just after it was looked at, which is the worst moment
        revoke(&there, &Client { world: there.clone(), ..client.clone() });
        world.passes(after.0 - 1);
        assert_eq!(ends(&world, &streams[0])["error"]["data"]["reason"], "token_revoked");
        assert_eq!(ends(&world, &streams[1])["result"]["resultType"], "complete");
    }
}

#[test]
fn a_revocation_after_the_token_has_ended_still_reaches_the_call_it_began() {
    let (world, client) = streaming();
    let call = calls(&client);
    world.passes(HOUR + 5 * MINUTE);
    goes_on(&world, &call);
    client.revocation(client.refresh.as_ref().unwrap()).with(200);
    assert_eq!(ends(&world, &call)["error"]["data"]["reason"], "token_revoked");
    world.new_isolate();
    world.passes(4 * MINUTE);
    assert_eq!(ends(&world, &call)["error"]["data"]["reason"], "token_revoked");
}

#[test]
fn of_all_streams_of_an_isolate_one_reads_each_marker() {
    let (world, client) = streaming();
    let streams: Vec<_> = (0..20).map(|_| calls(&client)).collect();
    world.passes(30);
    world.platform.slow_directory.set(400);
    let uses = world.uses_of(|| {
        for standing in world.look_at(&streams) {
            assert!(matches!(standing, StreamStanding::GoesOn(_)), "{standing:?}");
        }
    });
    assert_eq!(uses.directory, 3, "one for the grant, one for the subject and one for the configuration");
    let uses = world.uses_of(|| assert!(goes_on(&world, &streams[0]) > Lifetime(1)));
    assert_eq!(uses.directory, 0, "and what was read is believed for half a minute");
}

#[test]
fn storage_that_is_away_ends_a_stream_after_some_seconds_and_no_sooner() {
    let (world, client) = streaming();
    let call = calls(&client);
    world.passes(30);
    world.platform.directory_down.set(true);
    let began = world.now();
    assert_eq!(ends(&world, &call)["error"]["data"]["reason"], "storage_unavailable");
    assert!((2..10).contains(&(world.now() - began)), "{}", world.now() - began);
    world.platform.directory_down.set(false);
    goes_on(&world, &call);
}

/// A client whose person has connected "docs", where it has a stream open.
fn connected() -> (World, Client, Terms) {
    let (world, _) = World::guarded();
    world.connected("alice", "token");
    let at = Timestamp(world.now());
    let connection = subject::ConnectedAccount {
        slug: "docs".to_owned(),
        account: FIRST_ACCOUNT.to_owned(),
        label: String::new(),
        upstream_name: None,
        at,
    };
    let listed = subject::Command::AddConnection { connection, signed_in: Some(at) };
    assert!(world.platform.together([world.platform.account("dev:alice", listed)]).remove(0).is_ok());
    world.outside_answers("https://docs.example", 200, &[("content-type", "text/event-stream")], "data: {}\n\n");
    let client = world.client("claude").at("docs").connects("alice");
    let stream = client.sends_modern("tools/call", &shows_links(), json!({"name": "slow"})).with(200).terms.unwrap();
    (world, client, stream)
}

#[test]
fn a_disconnected_account_is_left_by_its_streams_within_the_promised_minute() {
    let (world, client, stream) = connected();
    let before = world.now();
    world.passes(30);
    let after = goes_on(&world, &stream);
    let there = world.elsewhere();
    world.passes(1);
    let mut browser = Browser { world: there, ..client.browser.clone() };
    browser.goes_to("/connections");
    browser.presses("/connections", "action", "disconnect");
    world.passes(after.0 - 1);
    assert_eq!(ends(&world, &stream)["error"]["data"]["reason"], "connection_missing");
    // Whoever connects it again opens streams that last.
    world.passes(1);
    world.connected("alice", "another");
    let stream = client.sends_modern("tools/call", &shows_links(), json!({"name": "slow"})).with(200).terms.unwrap();
    goes_on(&world, &stream);
    world.passes(30);
    goes_on(&world, &stream);
    assert!(world.now() > before);
}

#[test]
fn a_call_does_not_ask_whether_its_account_was_disconnected() {
    let (world, client, _) = connected();
    world.passes(31);
    client.call("slow").with(200);
    assert!(world.uses_of(|| drop(client.call("slow").with(200))).directory == 0);
}

#[test]
fn a_server_that_is_removed_or_moved_or_has_another_policy_ends_its_streams() {
    type Change = fn(&mut Value);
    let removed: Change = |config| drop(config["servers"].as_object_mut().unwrap().remove("demo"));
    let moved: Change = |config| config["servers"]["demo"]["url"] = json!("https://elsewhere.example/mcp");
    let filtered: Change = |config| config["servers"]["demo"]["tools"] = json!({"allow": ["slow"]});
    let ruled: Change = |config| config["servers"]["demo"]["require"][0]["when"]["/team"]["equals"] = json!("it");
    let cases = [
        (removed, "no_such_server"),
        (moved, "server_changed"),
        (filtered, "server_changed"),
        (ruled, "server_changed"),
    ];
    for (change, reason) in cases {
        let (world, client) = streaming();
        world.reconfigure(|config| {
            config["servers"]["demo"]["require"] = json!([{"tools": ["other"], "when": {"/team": {"equals": "ops"}}}]);
        });
        let (call, listen) = (calls(&client), listens(&client));
        let there = world.elsewhere();
        world.passes(30);
        let after = goes_on(&world, &call);
        world.passes(1);
        there.reconfigure(|config| {
            config["branding"] = json!({"name": "The same"});
            config["servers"]["another"] = json!({"url": "https://demo.example/mcp", "tools": {"allow": []}});
        });
        world.passes(after.0 - 1);
        goes_on(&world, &call);
        there.reconfigure(change);
        world.passes(30);
        assert_eq!(ends(&world, &call)["error"]["data"]["reason"], reason);
        assert_eq!(ends(&world, &listen)["result"]["resultType"], "complete");
    }
}
