//! A connection is kept: refreshed once, by whoever needs it, and lost only when the upstream really ended it.
//!
//! Not here: connecting (`connect`), every interleaving of the lease (`tests/lease_model.rs`).

use mcp_edge_gateway::ports::{FetchError, Ledger};
use mcp_edge_gateway::upstream::connection::{Command, Death, Outcome, Reason};
use mcp_edge_gateway::upstream::key::{ConnectionKey, Owner};
use serde_json::{Value, json};

use crate::world::answer::Answer;
use crate::world::client::Client;
use crate::world::platform::Scripted;
use crate::world::tokens::{Tokens, refuses};
use crate::world::{DAY, HOUR, KEY_1, KEY_2, World};

fn state(answer: &Answer) -> Value {
    let body = answer.clone().with(200).json();
    let data = body.pointer("/error/data").or_else(|| body.pointer("/result/_meta/mcp-edge-gateway~1connect"));
    data.map(|data| data["state"].clone()).unwrap_or_default()
}

fn all_fine(answers: &[Answer]) {
    for answer in answers {
        assert_eq!(answer.clone().with(200).json()["result"]["content"][0]["text"], "search");
    }
}

fn generation(outcome: &Outcome) -> Option<u64> {
    match outcome {
        Outcome::Live { generation, .. } => Some(*generation),
        _ => None,
    }
}

/// So many calls at once, from two isolates.
fn storm(world: &World, client: &Client, calls: usize) -> Vec<Answer> {
    let isolates = [world.elsewhere(), world.elsewhere()];
    let calls = (0..calls).map(|number| client.calling(&isolates[number % 2]));
    world.platform.together(calls)
}

#[test]
fn a_hundred_calls_on_an_ended_token_refresh_it_once() {
    let (world, tokens) = Tokens::in_world();
    let client = tokens.connected(Some(600));
    tokens.takes.set(1500);
    world.passes(700);
    all_fine(&storm(&world, &client, 100));
    assert_eq!(tokens.refreshes(), 1);
    assert_eq!(generation(&tokens.kept()), Some(2));
    let asked = &tokens.asked.borrow()[0];
    assert_eq!((asked["refresh_token"].as_str(), asked["resource"].as_str()), ("rt-0", "https://docs.example/mcp"));
}

#[test]
fn a_hundred_calls_that_the_server_refuses_refresh_once() {
    let (world, tokens) = Tokens::in_world();
    let client = tokens.connected(None);
    tokens.takes.set(1500);
    tokens.ends_access();
    all_fine(&storm(&world, &client, 100));
    assert_eq!(tokens.refreshes(), 1);
}

#[test]
fn a_slow_answer_is_waited_for_and_one_too_slow_is_asked_for_again() {
    let (world, tokens) = Tokens::in_world();
    let client = tokens.connected(Some(600));
    world.passes(700);
    tokens.takes.set(9_000);
    all_fine(&storm(&world, &client, 10));
    assert_eq!(tokens.refreshes(), 1);

    let (world, tokens) = Tokens::in_world();
    let client = tokens.connected(Some(600));
    world.passes(700);
    tokens.rotates.set(false);
    tokens.takes.set(22_000);
    let slow = tokens.clone();
    tokens.bends(move |tokens, fields| {
        let answer = tokens.renews(fields);
        slow.takes.set(0);
        Some(Ok(answer))
    });
    all_fine(&storm(&world, &client, 10));
    assert_eq!(tokens.refreshes(), 2, "and the same refresh token was good for both");
}

#[test]
fn an_answer_that_got_lost_is_asked_for_again_with_the_same_refresh_token() {
    let (world, tokens) = Tokens::in_world();
    let client = tokens.connected(Some(600));
    world.passes(700);
    // The upstream replaces the token, gives its successor again to who comes again, and only the second answer
    // arrives.
    tokens.bends(|tokens, fields| {
        let again = fields["refresh_token"] != tokens.good.borrow().1;
        if again {
            let (access, refresh) = tokens.good.borrow().clone();
            return Some(Ok(Scripted::json(
                &json!({"access_token": access, "token_type": "Bearer", "refresh_token": refresh}),
            )));
        }
        let _ = tokens.renews(fields);
        Some(Err(FetchError::Unreachable))
    });
    all_fine(&storm(&world, &client, 10));
    assert_eq!(tokens.refreshes(), 2);
    let asked: Vec<_> = tokens.asked.borrow().iter().map(|fields| fields["refresh_token"].clone()).collect();
    assert_eq!(asked, ["rt-0", "rt-0"]);
}

#[test]
fn a_holder_that_died_costs_its_time_and_no_connection() {
    let (world, tokens) = Tokens::in_world();
    let client = tokens.connected(Some(600));
    world.passes(700);
    // One that takes the lease and is never heard of again.
    let key = ConnectionKey::new(Owner::Subject("dev:alice".to_owned()), "docs", "1");
    let lease = Command::Lease { seen: 1, holder: "dead".to_owned(), from_nothing: false };
    let leased = world.now_does(world.platform.connection(&key, lease)).unwrap();
    assert!(matches!(leased, Outcome::Leased { generation: 1, .. }));
    let begun = world.now();
    all_fine(&storm(&world, &client, 10));
    assert!((30..40).contains(&(world.now() - begun)), "{}", world.now() - begun);
    assert_eq!(tokens.refreshes(), 1);
}

#[test]
fn a_token_is_refreshed_before_it_ends_and_works_while_that_fails() {
    let (world, tokens) = Tokens::in_world();
    let client = tokens.connected(Some(600));
    let client = client.calls_without_session("one");
    assert_eq!(tokens.refreshes(), 0);
    world.passes(545);
    tokens.bends(|_, _| Some(Ok(Scripted::new(503, &[], ""))));
    let client = client.calls_without_session("two");
    assert_eq!(tokens.refreshes(), 1);
    let client = client.calls_without_session("three");
    assert_eq!(tokens.refreshes(), 1, "the upstream is left alone for a second");
    world.passes(2);
    tokens.behaves();
    client.calls_without_session("four");
    assert_eq!((tokens.refreshes(), generation(&tokens.kept())), (2, Some(2)));
}

#[test]
fn a_failing_upstream_is_not_the_end_of_a_connection() {
    let (world, tokens) = Tokens::in_world();
    let client = tokens.connected(Some(600));
    world.passes(700);
    for fails in [503, 500, 429] {
        tokens.bends(move |_, _| Some(Ok(Scripted::new(fails, &[("retry-after", "7")], "<html>busy</html>"))));
        let answer = client.call("search");
        answer.refused(503, "upstream_token_unavailable");
        assert_eq!(answer.header("retry-after"), None);
        world.passes(61);
    }
    tokens.bends(|_, _| Some(Ok(Scripted::new(200, &[("content-type", "text/html")], "<html>maintenance</html>"))));
    client.call("search").refused(503, "upstream_token_unavailable");
    world.passes(61);
    tokens.bends(|_, _| Some(Err(FetchError::Unreachable)));
    client.call("search").refused(503, "upstream_refresh_unanswered");
    world.passes(61);
    tokens.behaves();
    client.calls_without_session("search");
    assert_eq!(generation(&tokens.kept()), Some(2));
}

#[test]
fn a_dead_grant_asks_for_consent_once_and_never_the_upstream_again() {
    let (world, tokens) = Tokens::in_world();
    let client = tokens.connected(Some(600));
    world.passes(700);
    tokens.bends(|_, _| Some(Ok(refuses("invalid_grant"))));
    let answer = client.call("search");
    assert_eq!(state(&answer), "reconsent_required");
    assert!(answer.text().contains("Docs authorization must be renewed."), "{}", answer.text());
    for world in [&world, &world.elsewhere()] {
        let answer = world.platform.together([client.calling(world)]).remove(0);
        assert_eq!(state(&answer), "reconsent_required");
    }
    assert_eq!(tokens.refreshes(), 1);
    // Connecting anew replaces it.
    tokens.behaves();
    tokens.store("dev:alice", "1", |_| ());
    client.calls_without_session("search");
}

#[test]
fn a_refusal_that_stays_ends_in_consent_and_one_that_passes_does_not() {
    let (world, tokens) = Tokens::in_world();
    let client = tokens.connected(Some(600));
    world.passes(700);
    tokens.bends(|_, _| Some(Ok(refuses("invalid_request"))));
    client.call("search").refused(503, "upstream_token_refused");
    world.passes(61);
    tokens.behaves();
    let client = client.calls_without_session("search");
    world.passes(2 * HOUR);
    let client = client.refreshes();
    tokens.bends(|_, _| Some(Ok(refuses("invalid_request"))));
    let mut last = Value::Null;
    for _ in 0..5 {
        let answer = client.call("search");
        if answer.status == 200 {
            last = state(&answer);
            break;
        }
        world.passes(61);
    }
    assert_eq!(last, "reconsent_required");
}

#[test]
fn without_a_new_refresh_token_the_one_before_stays() {
    let (world, tokens) = Tokens::in_world();
    tokens.rotates.set(false);
    let mut client = tokens.connected(Some(600));
    for _ in 0..3 {
        world.passes(DAY);
        client = client.refreshes();
        client = client.calls_without_session("search");
    }
    assert!(tokens.asked.borrow().iter().all(|fields| fields["refresh_token"] == "rt-0"));
    assert_eq!(tokens.refreshes(), 3);
}

#[test]
fn an_upstream_that_says_nothing_or_nonsense_of_the_end_is_asked_when_the_server_refuses() {
    for says in [Value::Null, json!(0), json!(-1), json!("soon")] {
        let (world, tokens) = Tokens::in_world();
        *tokens.expires_in.borrow_mut() = says;
        let client = tokens.connected(Some(600));
        world.passes(700);
        let client = client.calls_without_session("one").calls_without_session("two");
        assert_eq!(tokens.refreshes(), 1);
        world.passes(60);
        tokens.ends_access();
        client.calls_without_session("three");
        assert_eq!(tokens.refreshes(), 2);
    }
    // One that says too much is no harm either: the server's 401 counts.
    let (_, tokens) = Tokens::in_world();
    let client = tokens.connected(Some(30 * DAY));
    tokens.ends_access();
    client.calls_without_session("search");
    assert_eq!(tokens.refreshes(), 1);
}

#[test]
fn without_a_refresh_token_the_token_is_used_until_the_server_refuses_it() {
    let (world, tokens) = Tokens::in_world();
    let client = tokens.connected(Some(600));
    tokens.store("dev:alice", "1", |oauth| {
        oauth.refresh_token = None;
        oauth.token.expires = Some(mcp_edge_gateway::time::Timestamp(oauth.token.obtained.0 + 60));
    });
    world.passes(120);
    let client = client.calls_without_session("search");
    tokens.ends_access();
    assert_eq!(state(&client.call("search")), "reconsent_required");
    assert_eq!(tokens.refreshes(), 0);
}

#[test]
fn a_refreshed_token_that_is_refused_at_once_is_the_servers_failure_and_no_loop() {
    let (_, tokens) = Tokens::in_world();
    let client = tokens.connected(None);
    tokens.ends_access();
    tokens.bends(|tokens, fields| {
        let answer = tokens.renews(fields);
        tokens.ends_access();
        Some(Ok(answer))
    });
    client.call("search").refused(502, "upstream_refuses_renewed");
    assert_eq!(tokens.refreshes(), 1);
}

#[test]
fn a_warm_call_asks_nobody_but_the_server_and_a_cold_one_the_directory() {
    let (world, tokens) = Tokens::in_world();
    let client = tokens.connected(Some(DAY)).calls_without_session("search");
    let warm = world.uses_of(|| drop(client.call("search")));
    assert_eq!((warm.fetches, warm.directory, warm.ledger), (1, 0, 0));
    world.new_isolate();
    let cold = world.uses_of(|| drop(client.call("search")));
    assert_eq!((cold.fetches, cold.ledger), (1, 0));
}

#[test]
fn keys_rotate_and_the_connection_stays() {
    let (world, tokens) = Tokens::in_world();
    let client = tokens.connected(Some(600)).calls_without_session("search");
    world.set_secret("KEY_RING", &format!("{KEY_1},{KEY_2}"));
    world.new_isolate();
    let client = client.calls_without_session("search");
    world.passes(700);
    let client = client.calls_without_session("search");
    assert_eq!(tokens.refreshes(), 1);
    // It was sealed anew with the newest key, so the old one may go. The client authorizes again.
    drop(client);
    world.set_secret("KEY_RING", KEY_2);
    world.new_isolate();
    world.client("claude").at("docs").connects("alice").calls_without_session("search");
    assert_eq!(tokens.refreshes(), 1);
}

#[test]
fn an_object_that_is_down_when_the_tokens_come_loses_none() {
    let (world, tokens) = Tokens::in_world();
    let client = tokens.connected(Some(600));
    world.passes(700);
    let platform = world.platform.clone();
    tokens.bends(move |tokens, fields| {
        platform.ledger_down.set(true);
        Some(Ok(tokens.renews(fields)))
    });
    let client = client.calls_without_session("search");
    assert_eq!(tokens.refreshes(), 1);
    // Elsewhere, while it is down still and when it is there again.
    let elsewhere = world.elsewhere();
    all_fine(&world.platform.together([client.calling(&elsewhere)]));
    world.platform.ledger_down.set(false);
    tokens.behaves();
    let elsewhere = world.elsewhere();
    all_fine(&world.platform.together([client.calling(&elsewhere)]));
    assert_eq!(generation(&tokens.kept()), Some(2), "whoever found them near by has told the object");
    world.passes(HOUR);
    client.refreshes().calls_without_session("search");
    let asked: Vec<_> = tokens.asked.borrow().iter().map(|fields| fields["refresh_token"].clone()).collect();
    assert_eq!(asked, ["rt-0", "rt-1"]);
}

#[test]
fn tokens_that_the_object_never_heard_of_outlive_what_it_takes_for_death() {
    let (world, tokens) = Tokens::in_world();
    let client = tokens.connected(Some(600)).calls_without_session("search");
    let elsewhere = world.elsewhere();
    all_fine(&world.platform.together([client.calling(&elsewhere)]));
    world.passes(550);
    let platform = world.platform.clone();
    tokens.bends(move |tokens, fields| {
        platform.ledger_down.set(true);
        Some(Ok(tokens.renews(fields)))
    });
    let client = client.calls_without_session("search");
    world.platform.ledger_down.set(false);
    tokens.behaves();
    // Another isolate comes with the refresh token that was replaced, and is told that it is dead.
    let key = ConnectionKey::new(Owner::Subject("dev:alice".to_owned()), "docs", "1");
    let lease = Command::Lease { seen: 1, holder: "other".to_owned(), from_nothing: false };
    world.passes(31);
    world.now_does(world.platform.connection(&key, lease)).unwrap();
    let why = Reason::Dead { death: Death::Revoked };
    let fail = Command::Fail { holder: "other".to_owned(), generation: 1, why };
    assert!(matches!(world.now_does(world.platform.connection(&key, fail)).unwrap(), Outcome::Dead { .. }));
    all_fine(&world.platform.together([client.calling(&elsewhere)]));
    client.calls_without_session("search");
    assert_eq!(generation(&tokens.kept()), Some(2));
}

#[test]
fn what_is_disconnected_is_called_with_no_longer_and_refreshed_never() {
    let (world, tokens) = Tokens::in_world();
    let client = tokens.connected(Some(600)).calls_without_session("search");
    let key = ConnectionKey::new(Owner::Subject("dev:alice".to_owned()), "docs", "1");
    world.now_does(world.platform.connection(&key, Command::Drop)).unwrap();
    world.passes(700); // the directory still shows what was
    assert_eq!(state(&client.call("search")), "authenticating");
    assert_eq!(tokens.refreshes(), 0);
    assert!(!world.platform.directory.borrow().contains_key(key.name()));
}

#[test]
fn a_changed_server_is_connected_anew_and_a_changed_back_one_is_not() {
    let (world, tokens) = Tokens::in_world();
    let client = tokens.connected(None).calls_without_session("search");
    world.reconfigure(|config| config["servers"]["docs"]["url"] = "https://docs.example/other".into());
    let answer = client.call("search");
    assert_eq!(state(&answer), "authenticating");
    assert!(world.sent().iter().all(|sent| sent.url.path() != "/other"), "no token went there");
    world.reconfigure(|config| config["servers"]["docs"]["url"] = "https://docs.example/mcp".into());
    client.calls_without_session("search");
}
