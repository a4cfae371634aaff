//! Connections moved by somebody who can write to storage: to another person, server, account or purpose. None opens
//! there.
//!
//! Not here: the cryptography itself (unit tests of `vault`), and what people may connect (`connect`).

use mcp_edge_gateway::secret::Secret;
use mcp_edge_gateway::upstream::key::{ConnectionKey, FIRST_ACCOUNT, Owner};
use mcp_edge_gateway::upstream::replica::Replica;
use mcp_edge_gateway::vault::{KeyRing, Purpose};
use serde_json::{Value, json};

use crate::world::client::Client;
use crate::world::tokens::Tokens;
use crate::world::{KEY_1, World};

fn key(subject: &str, slug: &str, account: &str) -> ConnectionKey {
    ConnectionKey::new(Owner::Subject(format!("dev:{subject}")), slug, account)
}

/// A world in which alice is connected, and her sealed credential.
fn connected() -> (World, Tokens, String) {
    let (world, tokens) = Tokens::in_world();
    world.reconfigure(|config| {
        config["servers"]["mirror"] =
            json!({"url": "https://docs.example/mcp", "auth": {"kind": "oauth", "connect": "first_call"}});
    });
    tokens.connected(None).calls_without_session("search");
    let record = world.platform.connections.borrow()[key("alice", "docs", FIRST_ACCOUNT).name()].clone();
    let record: Value = serde_json::from_str(&record).unwrap();
    (world, tokens, record["standing"]["sealed"].as_str().unwrap().to_owned())
}

fn put(world: &World, key: &ConnectionKey, sealed: &str) {
    let record =
        json!({"v": 1, "generation": 1, "standing": {"standing": "live", "sealed": sealed}, "at": world.now()});
    world.platform.connections.borrow_mut().insert(key.name().to_owned(), record.to_string());
    let replica = Replica::new(1, sealed.to_owned()).to_json();
    world.platform.directory.borrow_mut().insert(key.name().to_owned(), (replica, None));
}

#[track_caller]
fn gets_nothing(world: &World, client: &Client) {
    world.new_isolate();
    world.sent();
    let answer = client.call("search").with(200);
    assert!(answer.text().contains("authenticating"), "{}", answer.text());
    assert!(world.sent().is_empty(), "nothing was sent anywhere");
}

#[test]
fn a_connection_moved_to_another_person_does_not_open() {
    let (world, _, sealed) = connected();
    let bob = world.client("claude").at("docs").connects("bob");
    put(&world, &key("bob", "docs", FIRST_ACCOUNT), &sealed);
    gets_nothing(&world, &bob);
}

#[test]
fn a_connection_moved_to_another_server_or_account_does_not_open() {
    let (world, _, sealed) = connected();
    let alice = world.client("claude").at("mirror").connects("alice");
    put(&world, &key("alice", "mirror", FIRST_ACCOUNT), &sealed);
    gets_nothing(&world, &alice);
    let keys = KeyRing::parse(&Secret::new(KEY_1)).unwrap();
    let opens = |key: &ConnectionKey| keys.open(Purpose::Connection, &key.place(), &sealed).is_ok();
    assert!(opens(&key("alice", "docs", FIRST_ACCOUNT)) && !opens(&key("alice", "docs", "2")));
}

#[test]
fn a_record_of_another_purpose_is_no_connection() {
    let (world, _, _) = connected();
    let bob = world.client("claude").at("docs").connects("bob");
    let session =
        world.platform.directory.borrow().iter().find(|(name, _)| name.starts_with("session:")).unwrap().1.0.clone();
    for sealed in [session.as_str(), "", "AQAAAAE", "not sealed at all"] {
        put(&world, &key("bob", "docs", FIRST_ACCOUNT), sealed);
        gets_nothing(&world, &bob);
    }
}

#[test]
fn what_is_kept_shows_no_token_and_nobody() {
    let (world, _, _) = connected();
    let stored = format!("{:?}{:?}", world.platform.directory.borrow(), world.platform.connections.borrow());
    for secret in ["at-0", "rt-0", "alice"] {
        assert!(!stored.contains(secret), "{secret}");
    }
    let journal = world.platform.journal.borrow().join("\n");
    assert!(!journal.contains("at-0") && !journal.contains("rt-0"));
}

#[test]
fn a_token_goes_to_its_own_server_only_and_the_clients_never_leaves_the_gateway() {
    let (world, tokens, _) = connected();
    let alice = world.client("claude").at("docs").connects("alice");
    let mail = world.client("claude").at("demo").connects("alice");
    world.sent();
    alice.call("search").with(200);
    mail.call("echo").with(200);
    tokens.ends_access();
    alice.call("search").with(200);
    for sent in world.sent() {
        let shown = format!("{:?} {}", sent.headers, String::from_utf8_lossy(&sent.body));
        assert!(!shown.contains(&alice.access) && !shown.contains(&mail.access), "the gateway's own token");
        let host = sent.url.host_str().unwrap();
        assert!(host == "docs.example" || !shown.contains("at-"), "{host} got an access token");
        assert!(host == "as.docs.example" || !shown.contains("rt-"), "{host} got a refresh token");
    }
}
