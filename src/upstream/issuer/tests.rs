//! Registering once, replacing what the authorization server forgot, and the JSON of it all.
//!
//! Not here: the registration itself.

use super::*;
use crate::time::{Lifetime, Timestamp};
use crate::upstream::lease::LEASE;

const NOW: Timestamp = Timestamp(1_000);
const CALLBACK: &str = "https://gw.example/oauth/upstream-callback";

/// After which nobody is under way any more with what was handed out before.
const IDLE: Lifetime = Lifetime::minutes(11);

fn lease(holder: &str) -> Command {
    Command::Lease { redirect_uri: CALLBACK.to_owned(), holder: holder.to_owned() }
}

fn finish(sealed: &str) -> Command {
    Command::Finish { redirect_uri: CALLBACK.to_owned(), sealed: sealed.to_owned() }
}

fn after(commands: impl IntoIterator<Item = Command>) -> Option<Record> {
    commands.into_iter().fold(None, |record, command| apply(record, command, NOW).0)
}

fn answer(record: Option<Record>, command: Command, seconds: u64) -> Outcome {
    apply(record, command, NOW + Lifetime(seconds)).1
}

fn registered(generation: u64, sealed: &str) -> Outcome {
    Outcome::Registered { generation, sealed: sealed.to_owned() }
}

#[test]
fn one_registers_and_the_others_wait_for_it() {
    let leased = after([lease("one")]);
    assert_eq!(answer(leased.clone(), lease("one"), 0), Outcome::Leased, "the answer was lost");
    assert_eq!(answer(leased.clone(), lease("two"), 29), Outcome::Wait { until: NOW + LEASE });
    assert_eq!(answer(leased.clone(), lease("two"), 30), Outcome::Leased, "its time is over");
    let failed = apply(leased.clone(), Command::Fail { holder: "one".to_owned() }, NOW).0;
    assert_eq!(answer(failed, lease("two"), 0), Outcome::Leased);
    let (record, outcome) = apply(leased, finish("a"), NOW);
    assert_eq!(outcome, registered(1, "a"));
    assert_eq!(answer(record, lease("two"), 0), registered(1, "a"));
}

#[test]
fn the_first_registration_wins() {
    let record = after([lease("one"), finish("a")]);
    let (after, outcome) = apply(record.clone(), finish("late"), NOW);
    assert_eq!((after, outcome), (record, registered(1, "a")));
}

#[test]
fn another_public_origin_is_registered_anew() {
    let record = after([lease("one"), finish("a")]);
    let elsewhere = Command::Lease { redirect_uri: "https://new.example/cb".to_owned(), holder: "two".to_owned() };
    assert_eq!(answer(record.clone(), elsewhere, 0), Outcome::Leased);
    assert_eq!(answer(record, lease("two"), 0), registered(1, "a"));
}

#[test]
fn a_retired_registration_is_replaced_and_stays_readable() {
    let record = after([lease("one"), finish("a"), Command::Retire { generation: 1 }]);
    assert_eq!(answer(record.clone(), lease("two"), 0), Outcome::Leased);
    let (record, outcome) = apply(record, finish("b"), NOW);
    assert_eq!(outcome, registered(2, "b"));
    assert_eq!(answer(record.clone(), Command::Get { generation: 1 }, 0), registered(1, "a"));
    assert_eq!(answer(record.clone(), Command::Retire { generation: 1 }, 0), Outcome::Noted);
    assert_eq!(answer(record.clone(), lease("two"), 0), registered(2, "b"), "retired twice, replaced once");
    assert_eq!(answer(record, Command::Get { generation: 3 }, 0), Outcome::Unknown);
    assert_eq!(apply(None, Command::Retire { generation: 1 }, NOW), (None, Outcome::Unknown));
}

#[test]
fn the_number_of_registrations_is_bounded_and_the_retired_go_first() {
    let at = |n: u64| Command::Finish { redirect_uri: format!("https://{n}.example/cb"), sealed: n.to_string() };
    let record = after((1..=16).map(at).chain([Command::Retire { generation: 5 }]));
    let later = NOW + IDLE;
    let record = apply(record, at(17), later).0;
    let known = |generation| answer(record.clone(), Command::Get { generation }, 0) != Outcome::Unknown;
    assert!(known(1) && !known(5) && known(17));
    let record = apply(record, at(18), later).0;
    assert_eq!(answer(record, Command::Get { generation: 1 }, 0), Outcome::Unknown);
}

#[test]
fn one_that_somebody_is_under_way_with_is_not_forgotten() {
    let at = |n: u64| format!("https://{n}.example/cb");
    let lease = |n| Command::Lease { redirect_uri: at(n), holder: "one".to_owned() };
    let finish = |n| Command::Finish { redirect_uri: at(n), sealed: n.to_string() };
    let full = after((1..=16).map(finish).chain([Command::Retire { generation: 1 }]));
    assert_eq!(answer(full.clone(), lease(17), 659), Outcome::Wait { until: NOW + IDLE });
    assert_eq!(answer(full.clone(), lease(17), 660), Outcome::Leased);
    // Whoever registered all the same displaces nobody.
    let (late, outcome) = apply(full.clone(), finish(17), NOW);
    assert_eq!(outcome, registered(17, "17"));
    assert_eq!(answer(late, Command::Get { generation: 1 }, 0), registered(1, "1"));
    // Handed out since, to the minute: it is the others that go.
    let asked = apply(full, Command::Lease { redirect_uri: at(2), holder: "two".to_owned() }, NOW + Lifetime(600)).0;
    let record = [17, 18].into_iter().fold(asked, |record, n| apply(record, finish(n), NOW + IDLE).0);
    assert_eq!(answer(record.clone(), Command::Get { generation: 1 }, 0), Outcome::Unknown);
    assert_eq!(answer(record.clone(), Command::Get { generation: 2 }, 0), registered(2, "2"));
    assert_eq!(answer(record, Command::Get { generation: 3 }, 0), Outcome::Unknown);
}

#[test]
fn who_comes_back_without_an_answer_has_it_replaced_once_in_ten_minutes() {
    let abandon = |generation| Command::Abandon { generation };
    let record = after([lease("one"), finish("a"), abandon(1)]);
    assert_eq!(answer(record.clone(), abandon(1), 0), Outcome::Noted, "it is retired already");
    let record = apply(record, finish("b"), NOW).0;
    assert_eq!(answer(record.clone(), abandon(2), 599), registered(2, "b"));
    assert_eq!(answer(record.clone(), lease("two"), 599), registered(2, "b"));
    assert_eq!(answer(record.clone(), abandon(2), 600), Outcome::Noted);
    assert_eq!(answer(record.clone(), abandon(3), 600), Outcome::Unknown);
    let refused = apply(record, Command::Retire { generation: 2 }, NOW).0;
    assert_eq!(
        answer(refused, lease("two"), 0),
        Outcome::Leased,
        "the authorization server itself may say so at any time"
    );
}

#[test]
fn one_that_a_token_was_just_issued_to_is_not_replaced_for_that() {
    let record = after([lease("one"), finish("a"), Command::Proven { generation: 1 }]);
    assert_eq!(answer(record.clone(), Command::Abandon { generation: 1 }, 3600), registered(1, "a"));
    assert_eq!(answer(record.clone(), Command::Abandon { generation: 1 }, 3660), Outcome::Noted);
    let again = apply(record.clone(), Command::Proven { generation: 1 }, NOW + Lifetime(59)).0;
    assert_eq!(again, record, "known to the minute");
    assert_eq!(answer(record.clone(), Command::Proven { generation: 2 }, 0), Outcome::Unknown);
    let retired = apply(record, Command::Retire { generation: 1 }, NOW).0;
    assert_eq!(answer(retired, lease("two"), 0), Outcome::Leased);
}

#[test]
fn it_is_kept_while_it_is_asked_for_and_written_once_a_day() {
    let record = after([lease("one"), finish("a")]);
    let get = Command::Get { generation: 1 };
    assert_eq!(apply(record.clone(), get.clone(), NOW + Lifetime::hours(23)).0, record);
    let next_day = apply(record.clone(), get, NOW + Lifetime::days(1)).0.unwrap();
    assert_eq!(next_day.expires(), NOW + Lifetime::days(401));
    assert_eq!(apply(record.clone(), lease("two"), NOW + Lifetime(59)).0, record, "handed out: once a minute");
}

#[test]
fn what_is_at_rest_and_on_the_wire_keeps_its_form() {
    let record = after([lease("one"), finish("a"), Command::Retire { generation: 1 }, lease("two")]).unwrap();
    let golden = r#"{"v":1,"generation":1,"registrations":[{"generation":1,"redirect_uri":"https://gw.example/oauth/upstream-callback","sealed":"a","retired":true,"handed":1000}],"leases":[{"redirect_uri":"https://gw.example/oauth/upstream-callback","holder":"two","until":1030}],"used":1000}"#;
    assert_eq!(serde_json::to_string(&record).unwrap(), golden);
    assert_eq!(serde_json::from_str::<Record>(golden).unwrap(), record);
    let given_up = after([finish("a"), Command::Proven { generation: 1 }, finish("b")]);
    let given_up = apply(given_up, Command::Abandon { generation: 1 }, NOW + Lifetime::hours(2)).0.unwrap();
    let golden = r#"{"v":1,"generation":1,"registrations":[{"generation":1,"redirect_uri":"https://gw.example/oauth/upstream-callback","sealed":"a","retired":true,"handed":1000,"proven":1000}],"abandoned":8200,"used":8200}"#;
    assert_eq!(serde_json::to_string(&given_up).unwrap(), golden);
    assert_eq!(serde_json::from_str::<Record>(golden).unwrap(), given_up);
    // Written before it was known when they were handed out.
    let before = r#"{"v":1,"generation":1,"registrations":[{"generation":1,"redirect_uri":"https://gw.example/oauth/upstream-callback","sealed":"a","retired":true}],"leases":[{"redirect_uri":"https://gw.example/oauth/upstream-callback","holder":"two","until":1030}],"used":1000}"#;
    let read: Record = serde_json::from_str(before).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), before);
    assert_eq!(answer(Some(read), Command::Get { generation: 1 }, 0), registered(1, "a"));
    let commands = [
        (Command::Get { generation: 1 }, r#"{"command":"get","generation":1}"#),
        (
            lease("one"),
            r#"{"command":"lease","redirect_uri":"https://gw.example/oauth/upstream-callback","holder":"one"}"#,
        ),
        (
            finish("a"),
            r#"{"command":"finish","redirect_uri":"https://gw.example/oauth/upstream-callback","sealed":"a"}"#,
        ),
        (Command::Fail { holder: "one".to_owned() }, r#"{"command":"fail","holder":"one"}"#),
        (Command::Retire { generation: 1 }, r#"{"command":"retire","generation":1}"#),
        (Command::Abandon { generation: 1 }, r#"{"command":"abandon","generation":1}"#),
        (Command::Proven { generation: 1 }, r#"{"command":"proven","generation":1}"#),
    ];
    for (command, golden) in commands {
        assert_eq!(serde_json::to_string(&command).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Command>(golden).unwrap(), command);
    }
    let outcomes = [
        (registered(1, "a"), r#"{"outcome":"registered","generation":1,"sealed":"a"}"#),
        (Outcome::Leased, r#"{"outcome":"leased"}"#),
        (Outcome::Wait { until: NOW }, r#"{"outcome":"wait","until":1000}"#),
        (Outcome::Unknown, r#"{"outcome":"unknown"}"#),
        (Outcome::Noted, r#"{"outcome":"noted"}"#),
    ];
    for (outcome, golden) in outcomes {
        assert_eq!(serde_json::to_string(&outcome).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Outcome>(golden).unwrap(), outcome);
    }
}
