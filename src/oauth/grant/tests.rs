//! The grant's states against every command, and what no order of commands may do.
//!
//! Not here: the JSON of records, commands and outcomes (`golden`).

use proptest::prelude::*;

use super::*;
use crate::oauth::pkce::S256Challenge;
use crate::oauth::scope::ScopeSet;
use crate::secret::Digested;
use crate::time::{Lifetime, Timestamp};

pub(super) const NOW: Timestamp = Timestamp(1_000);
/// RFC 7636 appendix B.
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(super) fn granted() -> Granted {
    Granted {
        client_id: "claude".to_owned(),
        subject: "dev:alice".to_owned(),
        redirect_uri: "https://claude.ai/cb".to_owned(),
        scope: ScopeSet::parse("mcp:tools offline_access").unwrap(),
        resource: "https://gw.example/v1/mcp/docs".to_owned(),
        slug: "docs".to_owned(),
        challenge: S256Challenge::parse(CHALLENGE).unwrap(),
        account: None,
        signed_in: None,
        jkt: None,
        needs_proof: false,
        confidential: false,
    }
}

pub(super) fn online() -> Granted {
    Granted { scope: ScopeSet::parse("mcp:tools").unwrap(), ..granted() }
}

pub(super) fn open(granted: Granted) -> Command {
    Command::Open { granted, code: Digested::of("code"), code_expires: NOW + Lifetime(60) }
}

pub(super) fn hold() -> Command {
    Command::Hold { sealed: "request".to_owned(), subject: "dev:alice".to_owned(), until: NOW + Lifetime(600) }
}

fn redemption() -> Redeem {
    Redeem {
        code: Digested::of("code"),
        client_id: "claude".to_owned(),
        redirect_uri: None,
        verifier: Some(VERIFIER.to_owned()),
        resource: None,
        refresh: Digested::of("rt0"),
        refresh_expires: NOW + Lifetime::days(30),
        refresh_max: None,
        access_expires: NOW + Lifetime::hours(1),
        jkt: None,
        is_public: false,
    }
}

pub(super) fn rotation(presented: &str, successor: &str) -> Rotate {
    Rotate {
        presented: Digested::of(presented),
        client_id: "claude".to_owned(),
        scope: None,
        resource: None,
        successor: Digested::of(successor),
        sealed_successor: format!("sealed {successor}"),
        refresh_expires: NOW + Lifetime::days(31),
        refresh_max: None,
        access_expires: NOW + Lifetime::hours(2),
        jkt: None,
        is_public: false,
    }
}

pub(super) fn redeem(change: impl FnOnce(&mut Redeem)) -> Command {
    let mut redeem = redemption();
    change(&mut redeem);
    Command::Redeem(redeem)
}

fn rotate(presented: &str, change: impl FnOnce(&mut Rotate)) -> Command {
    let mut rotate = rotation(presented, "rt9");
    change(&mut rotate);
    Command::Rotate(rotate)
}

pub(super) fn revoke(client_id: Option<&str>) -> Command {
    Command::Revoke { client_id: client_id.map(str::to_owned), is_public: false }
}

pub(super) fn after(commands: impl IntoIterator<Item = Command>) -> Option<Record> {
    commands.into_iter().fold(None, |record, command| apply(record, command, NOW).0)
}

pub(super) fn live() -> Option<Record> {
    after([open(granted()), redeem(|_| ())])
}

pub(super) fn rotated() -> Option<Record> {
    after([open(granted()), redeem(|_| ()), Command::Rotate(rotation("rt0", "rt1"))])
}

/// One word for an outcome, with `!` where the command killed the family.
fn word(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Rejected { why, revoked_until } => {
            let why = serde_json::to_value(why).unwrap();
            let killed = revoked_until.is_some() && why != "revoked";
            format!("{}{}", why.as_str().unwrap(), if killed { "!" } else { "" })
        }
        outcome => serde_json::to_value(outcome).unwrap()["outcome"].as_str().unwrap().to_owned(),
    }
}

#[test]
fn every_state_meets_every_command() {
    let states = [
        ("nothing", None),
        ("refused", after([Command::Refuse { until: NOW }])),
        ("held", after([hold()])),
        ("open", after([open(granted())])),
        ("spent", after([open(online()), redeem(|_| ())])),
        ("live", live()),
        ("rotated", rotated()),
        ("revoked", after([open(granted()), revoke(None)])),
    ];
    #[rustfmt::skip]
    let table: [(&str, Command, [&str; 8]); 15] = [
        // command nothing refused held open spent live rotated revoked
        ("open", open(granted()),                  ["opened",  "already_used", "opened",       "already_used", "already_used", "already_used",     "already_used",     "already_used"]),
        ("hold", hold(),                           ["held",    "already_used", "already_used", "already_used", "already_used", "already_used",     "already_used",     "already_used"]),
        ("peek", Command::Peek,                    ["unknown", "already_used", "peeked",       "already_used", "already_used", "already_used",     "already_used",     "already_used"]),
        ("refuse", Command::Refuse { until: NOW }, ["refused", "already_used", "refused",      "already_used", "already_used", "already_used",     "already_used",     "already_used"]),
        ("redeem", redeem(|_| ()),                 ["unknown", "unknown",      "unknown",      "redeemed",     "code_used!",   "code_used!",       "code_used!",       "revoked"]),
        ("redeem another code", redeem(|r| r.code = Digested::of("else")),
                                                   ["unknown", "unknown",      "unknown",      "unknown",      "unknown",      "unknown",          "unknown",          "revoked"]),
        ("redeem as another client", redeem(|r| r.client_id = "cursor".to_owned()),
                                                   ["unknown", "unknown",      "unknown",      "wrong_client", "code_used",    "code_used",        "code_used",        "revoked"]),
        ("redeem with a guess", redeem(|r| r.verifier = Some("g".repeat(43))),
                                                   ["unknown", "unknown",      "unknown",      "wrong_verifier", "code_used",  "code_used",        "code_used",        "revoked"]),
        ("rotate the first", rotate("rt0", |_| ()),["unknown", "unknown",      "unknown",      "unknown",      "unknown",      "rotated",          "replayed",         "revoked"]),
        ("rotate the second", rotate("rt1", |_| ()),["unknown","unknown",      "unknown",      "unknown",      "unknown",      "refresh_reused!",  "rotated",          "revoked"]),
        ("rotate any other", rotate("rt7", |_| ()),["unknown", "unknown",      "unknown",      "unknown",      "unknown",      "refresh_reused!",  "refresh_reused!",  "revoked"]),
        ("rotate as another client", rotate("rt0", |r| r.client_id = "cursor".to_owned()),
                                                   ["unknown", "unknown",      "unknown",      "unknown",      "unknown",      "wrong_client",     "wrong_client",     "revoked"]),
        ("revoke as its client", revoke(Some("claude")),
                                                   ["unknown", "unknown",      "unknown",      "revoked",      "revoked",      "revoked",          "revoked",          "revoked"]),
        ("revoke as another client", revoke(Some("cursor")),
                                                   ["unknown", "unknown",      "unknown",      "wrong_client", "wrong_client", "wrong_client",     "wrong_client",     "revoked"]),
        ("revoke", revoke(None),                   ["unknown", "unknown",      "revoked",      "revoked",      "revoked",      "revoked",          "revoked",          "revoked"]),
    ];
    for (name, command, expected) in table {
        for ((state, record), expected) in states.iter().zip(expected) {
            let (after, outcome) = apply(record.clone(), command.clone(), NOW);
            assert_eq!(word(&outcome), expected, "{name} on {state}");
            let changes =
                matches!(word(&outcome).as_str(), "redeemed" | "rotated" | "opened" | "held" | "refused" | "replayed");
            if word(&outcome).ends_with('!') || (matches!(outcome, Outcome::Revoked { .. }) && *state != "revoked") {
                assert_eq!(word(&apply(after, redeem(|_| ()), NOW).1), "revoked", "{name} on {state}");
            } else if !changes {
                assert_eq!(after, *record, "{name} on {state} changes nothing");
            }
        }
    }
}

#[test]
fn a_code_that_does_not_fit_stays_good_for_whom_it_was_made() {
    let record = after([open(granted())]);
    let unfit = [
        ("missing_verifier", redeem(|r| r.verifier = None)),
        ("wrong_verifier", redeem(|r| r.verifier = Some("a".repeat(43)))),
        ("wrong_redirect_uri", redeem(|r| r.redirect_uri = Some("https://claude.ai/cb/".to_owned()))),
        ("wrong_resource", redeem(|r| r.resource = Some("https://gw.example/v1/mcp/mail".to_owned()))),
        ("wrong_client", redeem(|r| r.client_id = "cursor".to_owned())),
    ];
    for (why, command) in unfit {
        let (after, outcome) = apply(record.clone(), command, NOW);
        assert_eq!((word(&outcome).as_str(), &after), (why, &record));
    }
    let fitting = redeem(|r| {
        r.redirect_uri = Some("https://claude.ai/cb".to_owned());
        r.resource = Some("https://gw.example/v1/mcp/docs/".to_owned());
    });
    assert_eq!(apply(record, fitting, NOW).1, Outcome::Redeemed { granted: granted(), refresh: true });
}

#[test]
fn what_is_held_is_opened_once_by_who_consented_and_in_time() {
    let held = after([hold()]);
    let opens = |granted, after| word(&apply(held.clone(), open(granted), NOW + Lifetime(after)).1);
    assert_eq!(opens(granted(), 599), "opened");
    assert_eq!(opens(granted(), 600), "already_used");
    assert_eq!(opens(Granted { subject: "dev:bob".to_owned(), ..granted() }, 0), "already_used");
    assert_eq!(word(&apply(held.clone(), Command::Peek, NOW + Lifetime(600)).1), "already_used");
    assert_eq!(held.unwrap().expires(), NOW + Lifetime(600) + Lifetime::hours(1));
    assert_eq!(word(&apply(after([hold(), open(granted())]), open(granted()), NOW).1), "already_used");
}

#[test]
fn a_code_ends_with_its_minute() {
    let record = after([open(granted())]);
    assert_eq!(word(&apply(record.clone(), redeem(|_| ()), NOW + Lifetime(59)).1), "redeemed");
    assert_eq!(word(&apply(record, redeem(|_| ()), NOW + Lifetime(60)).1), "code_expired");
}

#[test]
fn without_offline_access_no_refresh_token_is_good() {
    let (record, outcome) = apply(after([open(online())]), redeem(|_| ()), NOW);
    assert_eq!(outcome, Outcome::Redeemed { granted: online(), refresh: false });
    assert_eq!(word(&apply(record, rotate("rt0", |_| ()), NOW).1), "unknown");
}

#[test]
fn a_replaced_token_yields_its_unused_successor_for_ten_minutes_and_then_kills_the_family() {
    let replay = |after| apply(rotated(), rotate("rt0", |_| ()), NOW + Lifetime(after));
    for after in [0, 59, 60, 599] {
        let Outcome::Replayed { sealed_successor, .. } = replay(after).1 else { panic!("no replay after {after}") };
        assert_eq!(sealed_successor, "sealed rt1");
    }
    let (record, outcome) = replay(600);
    let until = NOW + Lifetime::hours(2);
    assert_eq!(outcome, Outcome::Rejected { why: Rejection::RefreshReused, revoked_until: Some(until) });
    // Said again to whoever asks next, should storage have failed when it was said first.
    for again in [rotate("rt1", |_| ()), redeem(|_| ())] {
        let (after, outcome) = apply(record.clone(), again, NOW);
        assert_eq!(outcome, Outcome::Rejected { why: Rejection::Revoked, revoked_until: Some(until) });
        assert_eq!(after, record);
    }
}

#[test]
fn a_replaced_token_whose_successor_was_used_kills_the_family() {
    for after in [0, 59, 60, 599] {
        let used = apply(rotated(), Command::Rotate(rotation("rt1", "rt2")), NOW + Lifetime(after)).0;
        assert_eq!(word(&apply(used.clone(), rotate("rt0", |_| ()), NOW + Lifetime(after)).1), "refresh_reused!");
        assert_eq!(word(&apply(used, rotate("rt1", |_| ()), NOW + Lifetime(after + 599)).1), "replayed");
    }
}

#[test]
fn a_refresh_token_lives_from_its_last_use() {
    let late = |days| NOW + Lifetime::days(days);
    assert_eq!(word(&apply(live(), rotate("rt0", |_| ()), late(30)).1), "refresh_expired");
    assert_eq!(word(&apply(rotated(), rotate("rt1", |_| ()), late(30)).1), "rotated");
    assert_eq!(word(&apply(rotated(), rotate("rt1", |_| ()), late(31)).1), "refresh_expired");
}

#[test]
fn a_refresh_asks_for_no_more_than_was_granted_and_narrows_only_this_token() {
    let narrow = ScopeSet::parse("mcp:tools").unwrap();
    let (record, outcome) = apply(live(), rotate("rt0", |r| r.scope = Some(narrow.clone())), NOW);
    assert_eq!(outcome, Outcome::Rotated { granted: granted(), scope: narrow });
    let (_, outcome) = apply(record, rotate("rt9", |_| ()), NOW);
    assert_eq!(outcome, Outcome::Rotated { granted: granted(), scope: granted().scope });
    let refused = [
        ("scope_exceeded", rotate("rt0", |r| r.scope = ScopeSet::parse("mcp:tools admin").ok())),
        ("wrong_resource", rotate("rt0", |r| r.resource = Some("https://gw.example/v1/mcp/mail".to_owned()))),
    ];
    for (why, command) in refused {
        let (after, outcome) = apply(live(), command, NOW);
        assert_eq!((word(&outcome).as_str(), after), (why, live()));
    }
}

#[test]
fn a_revocation_reaches_to_the_end_of_the_last_access_token() {
    let until = |record| apply(record, revoke(None), NOW).1;
    assert_eq!(until(after([open(granted())])), Outcome::Revoked { until: NOW });
    assert_eq!(until(live()), Outcome::Revoked { until: NOW + Lifetime::hours(1) });
    assert_eq!(until(rotated()), Outcome::Revoked { until: NOW + Lifetime::hours(2) });
    let replayed = apply(rotated(), rotate("rt0", |r| r.access_expires = NOW + Lifetime::hours(3)), NOW).0;
    assert_eq!(until(replayed), Outcome::Revoked { until: NOW + Lifetime::hours(3) });
}

#[test]
fn a_record_outlives_its_tokens_and_its_consent_form() {
    let hours = |record: Option<Record>| record.unwrap().expires().remaining(NOW).0 / 3600;
    assert_eq!(hours(after([open(granted())])), 1);
    assert_eq!(hours(after([open(online()), redeem(|_| ())])), 2);
    assert_eq!(hours(live()), 30 * 24 + 1);
    assert_eq!(hours(rotated()), 31 * 24 + 1);
}

#[derive(Debug, Clone)]
enum Step {
    Open,
    Redeem {
        fits: bool,
    },
    /// The current token, the one before it, or an older one.
    Rotate {
        back: usize,
    },
    Revoke {
        owner: bool,
    },
    Wait {
        seconds: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => Just(Step::Open),
        2 => any::<bool>().prop_map(|fits| Step::Redeem { fits }),
        16 => prop_oneof![6 => Just(0), 3 => Just(1), 1 => 2..4usize].prop_map(|back| Step::Rotate { back }),
        1 => any::<bool>().prop_map(|owner| Step::Revoke { owner }),
        2 => (0..40u64).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_order_of_commands_redeems_twice_or_makes_two_successors(steps in prop::collection::vec(step(), 0..24)) {
        let mut record = after([open(granted())]);
        let mut now = NOW;
        let mut redeemed = 0;
        // Which successors each refresh token was answered with, and how many tokens exist so far (rt0, rt1, …).
        let mut successors = std::collections::BTreeMap::<String, std::collections::BTreeSet<String>>::new();
        let mut issued = 1;
        let mut dead = false;
        for step in steps {
            let (command, presented, successor) = match step {
                Step::Wait { seconds } => {
                    now = now + Lifetime(seconds);
                    continue;
                }
                Step::Open => (open(granted()), String::new(), String::new()),
                Step::Redeem { fits } => {
                    let client_id = if fits { "claude" } else { "cursor" }.to_owned();
                    (redeem(|r| r.client_id = client_id), String::new(), String::new())
                }
                Step::Rotate { back } => {
                    let presented = format!("rt{}", (issued - 1usize).saturating_sub(back));
                    let successor = format!("rt{issued}");
                    (Command::Rotate(rotation(&presented, &successor)), presented, successor)
                }
                Step::Revoke { owner } => {
                    (revoke(Some(if owner { "claude" } else { "cursor" })), String::new(), String::new())
                }
            };
            let (after, outcome) = apply(record, command, now);
            record = after;
            let successor = match &outcome {
                Outcome::Redeemed { .. } => {
                    redeemed += 1;
                    None
                }
                Outcome::Rotated { .. } => {
                    issued += 1;
                    Some(successor)
                }
                Outcome::Replayed { sealed_successor, .. } => Some(sealed_successor.replace("sealed ", "")),
                _ => None,
            };
            let good = matches!(outcome, Outcome::Redeemed { .. }) || successor.is_some();
            prop_assert!(!(dead && good), "a dead family answered {:?}", outcome);
            successors.entry(presented).or_default().extend(successor);
            dead |= matches!(outcome, Outcome::Revoked { .. } | Outcome::Rejected { revoked_until: Some(_), .. });
            let current = (0..issued).filter(|n| {
                let probe = rotate(&format!("rt{n}"), |_| ());
                matches!(apply(record.clone(), probe, now).1, Outcome::Rotated { .. })
            });
            prop_assert!(current.count() <= 1);
        }
        prop_assert!(redeemed <= 1);
        prop_assert!(successors.values().all(|successors| successors.len() <= 1), "{:?}", successors);
    }
}
