//! The connection's states against every command, and what each refusal is for. All interleavings of workers are
//! explored in `tests/lease_model.rs`.
//!
//! Not here: the JSON of records, commands and outcomes (`golden`).

use proptest::prelude::*;

use super::*;
use crate::secret::Digested;
use crate::time::{Lifetime, Timestamp};
use crate::upstream::lease::LEASE;

pub(super) const NOW: Timestamp = Timestamp(1_000);

pub(super) fn lease(seen: u64, holder: &str) -> Command {
    Command::Lease { seen, holder: holder.to_owned(), from_nothing: false }
}

pub(super) fn store(sealed: &str) -> Command {
    Command::Store { sealed: sealed.to_owned() }
}

pub(super) fn finish(generation: u64, sealed: &str) -> Command {
    Command::Finish { generation, sealed: sealed.to_owned() }
}

pub(super) fn fail(holder: &str, generation: u64, why: Reason) -> Command {
    Command::Fail { holder: holder.to_owned(), generation, why }
}

pub(super) fn claim(state: &str, after: u64) -> Command {
    Command::Claim { attempt: Digested::of(state), until: NOW + Lifetime(after) }
}

pub(super) fn recall(state: &str) -> Command {
    Command::Recall { attempt: Digested::of(state) }
}

pub(super) const DEAD: Reason = Reason::Dead { death: Death::Revoked };
pub(super) const TEMPORARY: Reason = Reason::Temporary { retry_at: None };

pub(super) fn after(commands: impl IntoIterator<Item = Command>) -> Option<Record> {
    commands.into_iter().fold(None, |record, command| apply(record, command, NOW).0)
}

fn answer(record: Option<Record>, command: Command, seconds: u64) -> Outcome {
    apply(record, command, NOW + Lifetime(seconds)).1
}

/// One word for an outcome, with the generation where there is one.
fn word(outcome: &Outcome) -> String {
    let value = serde_json::to_value(outcome).unwrap();
    let generation = value.get("generation").map(ToString::to_string).unwrap_or_default();
    format!("{}{generation}", value["outcome"].as_str().unwrap())
}

#[test]
fn every_state_meets_every_command() {
    let states = [
        ("nothing", None),
        ("live", after([store("a")])),
        ("leased", after([store("a"), lease(1, "other")])),
        ("backing off", after([store("a"), lease(1, "other"), fail("other", 1, TEMPORARY)])),
        ("dead", after([store("a"), lease(1, "other"), fail("other", 1, DEAD)])),
        ("dropped", after([store("a"), Command::Drop])),
    ];
    let nothing = Command::Lease { seen: 0, holder: "me".to_owned(), from_nothing: true };
    #[rustfmt::skip]
    let table: [(&str, Command, [&str; 6]); 13] = [
        // command                              nothing    live       leased     backing off    dead       dropped
        ("read", Command::Read,                ["absent",  "live1",   "live1",   "live1",       "dead1",   "absent"]),
        ("claim", claim("s", 600),             ["claimed", "claimed", "claimed", "claimed",     "claimed", "claimed"]),
        ("recall", recall("s"),                ["unused",  "unused",  "unused",  "unused",      "unused",  "unused"]),
        ("store", store("b"),                  ["stored1", "stored2", "stored2", "stored2",     "stored2", "stored3"]),
        ("lease", lease(1, "me"),              ["absent",  "leased1", "wait",    "backing_off", "dead1",   "absent"]),
        ("lease again", lease(1, "other"),     ["absent",  "leased1", "leased1", "backing_off", "dead1",   "absent"]),
        ("lease without a look", lease(0, "me"), ["absent", "live1",  "live1",   "live1",       "dead1",   "absent"]),
        ("lease from nothing", nothing,        ["leased0", "live1",   "live1",   "live1",       "dead1",   "leased2"]),
        ("finish", finish(1, "b"),             ["absent",  "stored2", "stored2", "stored2",     "stored2", "absent"]),
        ("finish what was", finish(0, "b"),    ["absent",  "live1",   "live1",   "live1",       "dead1",   "absent"]),
        ("fail", fail("me", 1, DEAD),          ["absent",  "live1",   "wait",    "live1",       "dead1",   "absent"]),
        ("fail as the holder", fail("other", 1, DEAD), ["absent", "live1", "dead1", "live1",    "dead1",   "absent"]),
        ("drop", Command::Drop,                ["dropped", "dropped", "dropped", "dropped",     "dropped", "dropped"]),
    ];
    for (name, command, expected) in table {
        for ((state, record), expected) in states.iter().zip(expected) {
            let (after, outcome) = apply(record.clone(), command.clone(), NOW);
            assert_eq!(word(&outcome), expected, "{name} on {state}");
            let tells = ["absent", "live", "wait", "backing", "unused"].iter().any(|tell| expected.starts_with(tell));
            if tells {
                assert_eq!(after, *record, "{name} on {state} changes nothing");
            }
        }
    }
}

#[test]
fn what_was_used_is_known_to_be_without_using_anything() {
    let record = after([claim("s", 600)]);
    assert_eq!(answer(record.clone(), recall("s"), 0), Outcome::AlreadyUsed);
    assert_eq!(answer(record.clone(), recall("other"), 0), Outcome::Unused);
    assert_eq!(answer(record, claim("other", 600), 0), Outcome::Claimed);
}

#[test]
fn a_lease_ends_by_itself_and_the_next_asker_has_it() {
    let leased = after([store("a"), lease(1, "one")]);
    assert_eq!(answer(leased.clone(), lease(1, "two"), 29), Outcome::Wait { until: NOW + LEASE });
    assert_eq!(word(&answer(leased, lease(1, "two"), 30)), "leased1");
}

#[test]
fn a_rotated_token_counts_whoever_holds_the_lease_by_now() {
    let (record, _) = apply(after([store("a"), lease(1, "one")]), lease(1, "two"), NOW + LEASE);
    let (record, outcome) = apply(record, finish(1, "from one"), NOW + LEASE);
    assert_eq!(outcome, Outcome::Stored { generation: 2 });
    assert_eq!(
        answer(record.clone(), finish(1, "from two"), 31),
        Outcome::Live { generation: 2, sealed: "from one".to_owned() }
    );
    assert_eq!(word(&answer(record.clone(), fail("two", 1, DEAD), 31)), "live2");
    assert_eq!(word(&answer(record, lease(2, "three"), 31)), "leased2", "the other lease is over");
}

#[test]
fn a_rotated_token_brings_back_what_another_holder_found_dead() {
    let (record, _) = apply(after([store("a"), lease(1, "one")]), lease(1, "two"), NOW + LEASE);
    let (record, outcome) = apply(record, fail("two", 1, DEAD), NOW + LEASE);
    assert_eq!(word(&outcome), "dead1");
    assert_eq!(word(&answer(record, finish(1, "from one"), 31)), "stored2");
}

#[test]
fn only_the_holder_says_that_it_is_dead() {
    let (record, _) = apply(after([store("a"), lease(1, "one")]), lease(1, "two"), NOW + LEASE);
    assert_eq!(word(&answer(record.clone(), fail("one", 1, DEAD), 31)), "wait");
    assert_eq!(word(&answer(record, fail("two", 1, DEAD), 31)), "dead1");
}

#[test]
fn a_person_who_disconnects_or_connects_again_is_not_overruled() {
    let leased = || after([store("a"), lease(1, "one")]);
    for command in [Command::Drop, store("b")] {
        let (record, _) = apply(leased(), command, NOW);
        for late in [finish(1, "late"), fail("one", 1, DEAD)] {
            let (after, outcome) = apply(record.clone(), late, NOW);
            assert_eq!(after, record);
            assert_ne!(word(&outcome), "stored2");
        }
    }
    let leave = Command::Lease { seen: 0, holder: "one".to_owned(), from_nothing: true };
    let record = after([leave, Command::Drop]);
    assert_eq!(answer(record, finish(0, "late"), 0), Outcome::Absent);
}

#[test]
fn waiting_grows_from_a_second_to_a_minute_and_ends_with_success() {
    let mut record = after([store("a")]);
    let mut now = NOW;
    for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
        record = apply(record, lease(1, "me"), now).0;
        let (after, outcome) = apply(record, fail("me", 1, TEMPORARY), now);
        assert_eq!(outcome, Outcome::BackingOff { retry_at: now + Lifetime(seconds) });
        assert_eq!(word(&apply(after.clone(), lease(1, "me"), now + Lifetime(seconds - 1)).1), "backing_off");
        (record, now) = (after, now + Lifetime(seconds));
    }
    record = apply(record, lease(1, "me"), now).0;
    record = apply(record, finish(1, "b"), now).0;
    record = apply(record, lease(2, "me"), now).0;
    let (_, outcome) = apply(record, fail("me", 2, TEMPORARY), now);
    assert_eq!(outcome, Outcome::BackingOff { retry_at: now + Lifetime(1) });
}

#[test]
fn refused_again_and_again_it_is_dead_and_an_outage_between_starts_the_count_anew() {
    let mut record = after([store("a")]);
    let mut now = NOW;
    let whys = [
        Reason::Refused,
        Reason::Refused,
        TEMPORARY,
        Reason::Refused,
        Reason::Refused,
        Reason::Refused,
        Reason::Refused,
    ];
    for why in whys {
        record = apply(record, lease(1, "me"), now).0;
        let (after, outcome) = apply(record, fail("me", 1, why), now);
        assert_eq!(word(&outcome), "backing_off");
        (record, now) = (after, now + Lifetime(60));
    }
    record = apply(record, lease(1, "me"), now).0;
    let outcome = apply(record, fail("me", 1, Reason::Refused), now).1;
    assert_eq!(outcome, Outcome::Dead { generation: 1, death: Death::Refused, sealed: Some("a".to_owned()) });
}

#[test]
fn an_upstream_may_ask_for_more_time_but_not_for_more_than_a_minute() {
    let leased = after([store("a"), lease(1, "me")]);
    let wait = |seconds| {
        let why = Reason::Temporary { retry_at: Some(NOW + Lifetime(seconds)) };
        answer(leased.clone(), fail("me", 1, why), 0)
    };
    assert_eq!(wait(0), Outcome::BackingOff { retry_at: NOW + Lifetime(1) });
    assert_eq!(wait(20), Outcome::BackingOff { retry_at: NOW + Lifetime(20) });
    assert_eq!(wait(86_400), Outcome::BackingOff { retry_at: NOW + Lifetime(60) });
}

#[test]
fn a_state_is_good_once_until_it_expires() {
    let record = after([claim("s", 600)]);
    assert_eq!(answer(record.clone(), claim("s", 600), 599), Outcome::AlreadyUsed);
    assert_eq!(answer(record.clone(), claim("t", 600), 0), Outcome::Claimed);
    assert_eq!(answer(after([claim("s", 600), store("a"), Command::Drop]), claim("s", 600), 0), Outcome::AlreadyUsed);
    let full = after((0..32).map(|n| claim(&n.to_string(), 600)));
    assert_eq!(answer(full.clone(), claim("s", 600), 0), Outcome::AlreadyUsed, "none is forgotten early");
    assert_eq!(answer(full, claim("s", 1200), 600), Outcome::Claimed);
    assert!(record.unwrap().expires() >= NOW + Lifetime(600));
}

#[test]
fn what_was_dropped_is_handed_out_once_to_be_revoked() {
    let (record, outcome) = apply(after([store("a")]), Command::Drop, NOW);
    assert_eq!(outcome, Outcome::Dropped { sealed: Some("a".to_owned()) });
    assert_eq!(answer(record, Command::Drop, 0), Outcome::Dropped { sealed: None });
    let dead = after([store("a"), lease(1, "me"), fail("me", 1, DEAD)]);
    assert_eq!(answer(dead, Command::Drop, 0), Outcome::Dropped { sealed: Some("a".to_owned()) });
}

#[test]
fn a_credential_is_kept_for_long_and_the_number_of_one_that_is_gone_for_a_day() {
    let days = |record: Option<Record>| record.unwrap().expires().remaining(NOW).0 / 86_400;
    assert_eq!(days(after([store("a")])), 400);
    assert_eq!(days(after([store("a"), lease(1, "me"), fail("me", 1, DEAD)])), 400);
    assert_eq!(days(after([store("a"), Command::Drop])), 1);
}

fn command() -> impl Strategy<Value = Command> {
    let holder = prop_oneof![Just("one"), Just("two")].prop_map(str::to_owned);
    prop_oneof![
        1 => Just(Command::Read),
        1 => "[a-c]".prop_map(|sealed| Command::Store { sealed }),
        6 => (0..6u64, holder.clone(), any::<bool>())
            .prop_map(|(seen, holder, from_nothing)| Command::Lease { seen, holder, from_nothing }),
        4 => (0..6u64, "[a-c]").prop_map(|(generation, sealed)| Command::Finish { generation, sealed }),
        4 => (0..6u64, holder, prop_oneof![Just(DEAD), Just(TEMPORARY)])
            .prop_map(|(generation, holder, why)| Command::Fail { holder, generation, why }),
        1 => Just(Command::Drop),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn generations_never_go_back_and_two_never_hold_at_once(
        steps in prop::collection::vec((command(), 0..20u64), 0..40),
    ) {
        let mut record = None;
        let mut now = NOW;
        let mut newest = 0;
        let mut held: Option<(String, u64, Timestamp)> = None;
        for (command, seconds) in steps {
            now = now + Lifetime(seconds);
            let asked = match &command {
                Command::Lease { holder, .. } => Some(holder.clone()),
                _ => None,
            };
            let (after, outcome) = apply(record, command, now);
            record = after;
            if let Outcome::Stored { generation } | Outcome::Live { generation, .. } = &outcome {
                prop_assert!(*generation >= newest);
                newest = *generation;
            }
            if let (Some(holder), Outcome::Leased { generation, .. }) = (asked, &outcome) {
                if let Some((other, of, until)) = &held {
                    let at_once = other != &holder && of == generation && !until.reached(now);
                    prop_assert!(!at_once, "{other} and {holder} hold generation {generation}");
                }
                if held.as_ref().is_none_or(|(other, of, until)| other != &holder || of != generation || until.reached(now)) {
                    held = Some((holder, *generation, now + LEASE));
                }
            } else if matches!(outcome, Outcome::BackingOff { .. } | Outcome::Dead { .. } | Outcome::Dropped { .. }) {
                held = None;
            }
        }
    }
}
