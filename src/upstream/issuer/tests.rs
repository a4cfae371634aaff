//! Registering once, replacing what the authorization server forgot, and the JSON of it all.
//!
//! Not here: the registration itself.

use super::*;
use crate::time::{Lifetime, Timestamp};
use crate::upstream::lease::LEASE;

const NOW: Timestamp = Timestamp(1_000);
const CALLBACK: &str = "https://gw.example/oauth/upstream-callback";

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
    let record = after((1..=16).map(at).chain([Command::Retire { generation: 5 }, at(17)]));
    let known = |generation| answer(record.clone(), Command::Get { generation }, 0) != Outcome::Unknown;
    assert!(known(1) && !known(5) && known(17));
    let record = apply(record, at(18), NOW).0;
    assert_eq!(answer(record, Command::Get { generation: 1 }, 0), Outcome::Unknown);
}

#[test]
fn it_is_kept_while_it_is_asked_for_and_written_once_a_day() {
    let record = after([lease("one"), finish("a")]);
    let same_day = apply(record.clone(), lease("two"), NOW + Lifetime::hours(23)).0;
    assert_eq!(same_day, record);
    let next_day = apply(record, lease("two"), NOW + Lifetime::days(1)).0.unwrap();
    assert_eq!(next_day.expires(), NOW + Lifetime::days(401));
}

#[test]
fn what_is_at_rest_and_on_the_wire_keeps_its_form() {
    let record = after([lease("one"), finish("a"), Command::Retire { generation: 1 }, lease("two")]).unwrap();
    let golden = r#"{"v":1,"generation":1,"registrations":[{"generation":1,"redirect_uri":"https://gw.example/oauth/upstream-callback","sealed":"a","retired":true}],"leases":[{"redirect_uri":"https://gw.example/oauth/upstream-callback","holder":"two","until":1030}],"used":1000}"#;
    assert_eq!(serde_json::to_string(&record).unwrap(), golden);
    assert_eq!(serde_json::from_str::<Record>(golden).unwrap(), record);
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
