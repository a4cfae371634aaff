//! Whatever cannot be reached: what needs it is refused with 503, a reason and when to come back, and goes on by itself.
//!
//! Not here: servers that fail (`journeys::load`), and limiters (`limits`).

use mcp_edge_gateway::ports::FetchError;

use crate::world::answer::Answer;
use crate::world::client::Client;
use crate::world::{World, idp};

/// Takes a part away, or brings it back.
type Takes = fn(&World, bool);
/// Asks for something.
type Asks = fn(&Client) -> Answer;

/// What can be away.
const PARTS: [(&str, Takes); 7] = [
    ("directory", |world, away| world.platform.directory_down.set(away)),
    ("writing to the directory", |world, away| world.platform.directory_read_only.set(away)),
    ("every object", |world, away| world.platform.ledger_down.set(away)),
    ("grants", |world, away| world.platform.grants_down.set(away)),
    ("accounts", |world, away| world.platform.accounts_down.set(away)),
    ("the key ring", |world, away| {
        let mut secrets = world.platform.secrets.borrow_mut();
        if away {
            secrets.remove("KEY_RING");
        } else {
            secrets.insert("KEY_RING".to_owned(), crate::world::KEY_1.to_owned());
        }
    }),
    ("the identity provider", |world, away| {
        if away {
            world.outside_fails(idp::ISSUER, FetchError::Unreachable);
        } else {
            world.outside(idp::ISSUER, world.idp.host());
        }
    }),
];

/// What is asked, of an isolate that knows nothing yet.
const ASKED: [(&str, Asks); 5] = [
    ("a call", |client| client.call("echo")),
    ("a refresh", |client| client.refreshing(client.refresh.as_deref().unwrap())),
    ("an authorization, signed in", |client| {
        let mut client = client.clone();
        client.authorization(|_| ())
    }),
    ("an authorization, not signed in", |client| client.world.get(&client.authorization_url())),
    ("a sign-in", |client| client.world.get("/login")),
];

/// Which of them needs which part. What does not need it goes on as if nothing were away.
const NEEDS: [[bool; 5]; 7] = [
    [true, true, true, true, true],
    [false, false, false, false, false],
    [false, true, true, false, false],
    [false, true, false, false, false],
    [false, false, true, false, false],
    [true, true, true, true, true],
    [false, false, false, true, true],
];

#[test]
fn what_cannot_be_verified_is_refused_and_goes_on_without_a_restart() {
    for (part, (away, takes)) in PARTS.iter().enumerate() {
        for (ask, (asked, asks)) in ASKED.iter().enumerate() {
            let world = World::public(|_| ());
            let client = world.client("claude").connects("alice").calls("echo");
            let usual = asks(&client).status;
            world.new_isolate();
            world.sent();
            takes(&world, true);
            let answer = asks(&client);
            let shown = format!("{asked} without {away}: {} {}", answer.status, answer.shown());
            if NEEDS[part][ask] {
                assert_eq!(answer.status, 503, "{shown}");
                assert!(!answer.reason().is_empty(), "{shown}");
                assert!(answer.header("retry-after").is_some_and(|seconds| seconds.parse::<u64>().is_ok()), "{shown}");
                let sent = world.sent();
                assert!(sent.iter().all(|sent| sent.url.host_str() != Some("demo.example")), "{shown}");
            } else {
                assert_eq!(answer.status, usual, "{shown}");
            }
            takes(&world, false);
            world.passes(60);
            let again = asks(&client);
            assert_eq!(again.status, usual, "{asked} once {away} is back: {}", again.shown());
        }
    }
}
