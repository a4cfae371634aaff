//! A subject's API keys, its agents and the issuer that it is of: what is kept of them, for how long, and the bytes of it at rest and
//! on the way.
//!
//! Not here: everything else of an account (`tests`).

use super::record::{MOST_AGENTS, MOST_KEYS, Record};
use super::{Command, KeyUse, ListedKey, Outcome, apply};
use crate::oauth::agent::{AgentId, SponsoredAgent};
use crate::oauth::api_key::KeyId;
use crate::oauth::scope::ScopeSet;
use crate::secret::Digested;
use crate::time::{Lifetime, Timestamp};

const NOW: Timestamp = Timestamp(1000);
const END: Timestamp = Timestamp(2000);

fn key(number: u8) -> ListedKey {
    ListedKey {
        id: KeyId::new([number; 16]),
        digest: Digested::of("a key"),
        name: "CI".to_owned(),
        servers: Some(vec!["docs".to_owned()]),
        scope: ScopeSet::of(&["mcp.invoke"]),
        at: NOW,
        expires: END,
        used: None,
    }
}

fn listing(keys: Vec<ListedKey>, agents: Vec<SponsoredAgent>) -> Outcome {
    let (connections, grants) = (Vec::new(), Vec::new());
    Outcome::Listed { connections, grants, keys, known: true, profile: None, agents }
}

fn agent(number: u8) -> SponsoredAgent {
    SponsoredAgent {
        id: AgentId::new([number; 16]),
        name: "Reporter".to_owned(),
        known_by: "key x".to_owned(),
        servers: vec!["docs".to_owned(), "mail".to_owned()],
        scope: ScopeSet::of(&["tools:read"]),
        accounts: vec!["mail".to_owned()],
        since: NOW,
        at: NOW,
        expires: END,
        used: None,
    }
}

fn agents(record: Option<&Record>) -> Vec<SponsoredAgent> {
    match apply(record.cloned(), Command::List, NOW).1 {
        Outcome::Listed { agents, .. } => agents,
        other => panic!("{other:?}"),
    }
}

fn asked(record: Option<&Record>, number: u8, at: u64) -> (Option<Record>, Option<Box<SponsoredAgent>>) {
    let command = Command::UseAgent { agent: AgentId::new([number; 16]), at: Timestamp(at) };
    match apply(record.cloned(), command, NOW) {
        (record, Outcome::Agent { agent, .. }) => (record, agent),
        other => panic!("{other:?}"),
    }
}

fn add(key: ListedKey) -> Command {
    Command::AddKey { key, signed_in: NOW }
}

fn told(record: Option<Record>, command: Command) -> Option<Record> {
    apply(record, command, NOW).0
}

fn listed(record: Option<Record>) -> Vec<ListedKey> {
    match apply(record, Command::List, NOW).1 {
        Outcome::Listed { keys, .. } => keys,
        other => panic!("{other:?}"),
    }
}

fn used(at: u64, from: &str) -> Command {
    let used = KeyUse { at: Timestamp(at), from: Some(from.to_owned()) };
    Command::KeyUsed { key: KeyId::new([1; 16]), used }
}

#[test]
fn keys_at_rest_stay_readable() {
    let record = told(told(None, add(key(1))), used(1500, "192.0.2.0/24"));
    let golden = r#"{"v":1,"consents":[],"keys":[{"id":"AQEBAQEBAQEBAQEBAQEBAQ","digest":"j6Oqsvqpt54KA5jaW1q9B4AUJEKlvoC5pkYI1xjLH80","name":"CI","servers":["docs"],"scope":"mcp.invoke","at":1000,"expires":2000,"used":{"at":1500,"from":"192.0.2.0/24"}}]}"#;
    assert_eq!(serde_json::to_string(&record).unwrap(), golden);
    assert_eq!(serde_json::from_str::<Option<Record>>(golden).unwrap(), record);
    let bare = ListedKey { servers: None, ..key(2) };
    let golden = r#"{"id":"AgICAgICAgICAgICAgICAg","digest":"j6Oqsvqpt54KA5jaW1q9B4AUJEKlvoC5pkYI1xjLH80","name":"CI","scope":"mcp.invoke","at":1000,"expires":2000}"#;
    assert_eq!(serde_json::to_string(&bare).unwrap(), golden);
    assert_eq!(serde_json::from_str::<ListedKey>(golden).unwrap(), bare);
}

#[test]
fn commands_and_outcomes_keep_their_form_across_deploys() {
    let bare = r#"{"id":"AQEBAQEBAQEBAQEBAQEBAQ","digest":"j6Oqsvqpt54KA5jaW1q9B4AUJEKlvoC5pkYI1xjLH80","name":"CI","servers":["docs"],"scope":"mcp.invoke","at":1000,"expires":2000}"#;
    for (command, golden) in [
        (add(key(1)), format!(r#"{{"command":"add_key","key":{bare},"signed_in":1000}}"#)),
        (
            used(1, "x"),
            r#"{"command":"key_used","key":"AQEBAQEBAQEBAQEBAQEBAQ","used":{"at":1,"from":"x"}}"#.to_owned(),
        ),
        (
            Command::ForgetKey { key: KeyId::new([1; 16]) },
            r#"{"command":"forget_key","key":"AQEBAQEBAQEBAQEBAQEBAQ"}"#.to_owned(),
        ),
    ] {
        assert_eq!(serde_json::to_string(&command).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Command>(&golden).unwrap(), command);
    }
    let outcome = listing(vec![key(1)], Vec::new());
    let golden = format!(r#"{{"outcome":"listed","connections":[],"grants":[],"keys":[{bare}],"known":true}}"#);
    assert_eq!(serde_json::to_string(&outcome).unwrap(), golden);
    assert_eq!(serde_json::from_str::<Outcome>(&golden).unwrap(), outcome);
}

#[test]
fn whose_word_a_subject_is_keeps_its_form_and_is_one_issuers() {
    let bind = |issuer: &str, at: u64| Command::Bind { issuer: issuer.to_owned(), at: Timestamp(at) };
    let (record, outcome) = apply(None, bind("https://as.example", 1000), NOW);
    assert_eq!(outcome, Outcome::Noted);
    let golden = r#"{"v":1,"consents":[],"issuer":{"issuer":"https://as.example","at":1000}}"#;
    assert_eq!(serde_json::to_string(&record).unwrap(), golden);
    assert_eq!(serde_json::from_str::<Option<Record>>(golden).unwrap(), record);
    let golden = r#"{"command":"bind","issuer":"https://as.example","at":1000}"#;
    assert_eq!(serde_json::to_string(&bind("https://as.example", 1000)).unwrap(), golden);
    assert_eq!(serde_json::from_str::<Command>(golden).unwrap(), bind("https://as.example", 1000));
    assert_eq!(serde_json::to_string(&Outcome::OtherIssuer).unwrap(), r#"{"outcome":"other_issuer"}"#);
    assert_eq!(serde_json::from_str::<Outcome>(r#"{"outcome":"other_issuer"}"#).unwrap(), Outcome::OtherIssuer);
    assert_eq!(apply(record.clone(), bind("https://as.example/", 1001), NOW), (record.clone(), Outcome::OtherIssuer));
    assert_eq!(apply(record.clone(), bind("https://as.example", 2000), NOW).0, record, "seen once a day");
    let later = apply(record.clone(), bind("https://as.example", 1000 + 86_400), NOW).0;
    assert_eq!(later.unwrap().expires(), Timestamp(1000 + 86_400) + Lifetime::days(400));
    assert_eq!(told(record, Command::ForgetEverything), None, "nothing is left that could become somebody else's");
}

#[test]
fn a_key_is_listed_until_it_is_revoked_and_outlasts_its_end() {
    let record = told(told(None, add(key(1))), add(key(2)));
    assert_eq!(listed(record.clone()).iter().map(|key| key.id.clone()).collect::<Vec<_>>().len(), 2);
    assert_eq!(record.as_ref().unwrap().expires(), END + Lifetime::days(400));
    let record = told(record, Command::ForgetKey { key: KeyId::new([1; 16]) });
    assert_eq!(listed(record.clone()), [key(2)]);
    assert_eq!(told(record.clone(), Command::ForgetEverything), None);
    assert_eq!(told(record, Command::ForgetKey { key: KeyId::new([2; 16]) }), None);
}

#[test]
fn the_latest_use_counts_and_only_of_a_key_that_is_listed() {
    let record = told(told(told(None, add(key(1))), used(1500, "late")), used(1400, "early"));
    assert_eq!(listed(record)[0].used.as_ref().unwrap().from.as_deref(), Some("late"));
    assert_eq!(told(None, used(1, "x")), None);
}

#[test]
fn who_signed_in_before_everything_was_revoked_makes_no_key() {
    let revoked = told(None, Command::Revoke { at: NOW });
    assert_eq!(apply(revoked.clone(), add(key(1)), NOW).1, Outcome::Revoked);
    let later = Command::AddKey { key: key(1), signed_in: NOW + Lifetime(1) };
    assert_eq!(apply(revoked, later, NOW).1, Outcome::Noted);
}

#[test]
fn a_key_too_many_is_refused_until_others_have_ended() {
    let full = (0..MOST_KEYS).fold(None, |record, n| told(record, add(key(u8::try_from(n).unwrap()))));
    assert_eq!(apply(full.clone(), add(key(200)), NOW), (full.clone(), Outcome::Full));
    let (record, outcome) = apply(full, add(ListedKey { expires: END + Lifetime(9), ..key(200) }), END);
    assert_eq!((listed(record).len(), outcome), (1, Outcome::Noted));
}

#[test]
fn agents_at_rest_and_on_the_way_keep_their_form() {
    let id = "AQEBAQEBAQEBAQEBAQEBAQ";
    let bare = r#"{"id":"AQEBAQEBAQEBAQEBAQEBAQ","name":"Reporter","known_by":"key x","servers":["docs","mail"],"scope":"tools:read","accounts":["mail"],"since":1000,"at":1000,"expires":2000}"#;
    let record = told(None, Command::AddAgent { agent: agent(1) });
    let golden = format!(r#"{{"v":1,"consents":[],"agents":[{bare}]}}"#);
    assert_eq!(serde_json::to_string(&record).unwrap(), golden);
    assert_eq!(serde_json::from_str::<Option<Record>>(&golden).unwrap(), record);
    let agent_id = || AgentId::new([1; 16]);
    for (command, golden) in [
        (Command::AddAgent { agent: agent(1) }, format!(r#"{{"command":"add_agent","agent":{bare}}}"#)),
        (
            Command::Lend { agent: agent_id(), accounts: vec!["docs".to_owned()] },
            format!(r#"{{"command":"lend","agent":"{id}","accounts":["docs"]}}"#),
        ),
        (Command::ForgetAgent { agent: agent_id() }, format!(r#"{{"command":"forget_agent","agent":"{id}"}}"#)),
        (
            Command::UseAgent { agent: agent_id(), at: NOW },
            format!(r#"{{"command":"use_agent","agent":"{id}","at":1000}}"#),
        ),
    ] {
        assert_eq!(serde_json::to_string(&command).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Command>(&golden).unwrap(), command);
    }
    let used = SponsoredAgent { used: Some(Timestamp(0)), ..agent(1) };
    let shown = bare.replace("2000}", r#"2000,"used":0}"#);
    for (outcome, golden) in [
        (
            listing(Vec::new(), vec![agent(1)]),
            format!(r#"{{"outcome":"listed","connections":[],"grants":[],"known":true,"agents":[{bare}]}}"#),
        ),
        (
            Outcome::Agent { agent: Some(Box::new(used)), profile: None },
            format!(r#"{{"outcome":"agent","agent":{shown}}}"#),
        ),
        (Outcome::Agent { agent: None, profile: None }, r#"{"outcome":"agent"}"#.to_owned()),
    ] {
        assert_eq!(serde_json::to_string(&outcome).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Outcome>(&golden).unwrap(), outcome);
    }
}

#[test]
fn an_agent_is_good_as_long_as_it_is_listed_and_uses_what_is_lent() {
    let record = told(told(None, Command::AddAgent { agent: agent(1) }), Command::AddAgent { agent: agent(2) });
    let day = Lifetime::days(1).0;
    let (record, found) = asked(record.as_ref(), 1, day + 7);
    assert_eq!(found.unwrap().used, Some(Timestamp(day)));
    assert_eq!(asked(record.as_ref(), 1, 5).1.unwrap().used, Some(Timestamp(day)), "the later one counts");
    assert_eq!(record.as_ref().unwrap().expires(), END + Lifetime::days(400));
    let lent = |slugs: &[&str]| Command::Lend {
        agent: AgentId::new([1; 16]),
        accounts: slugs.iter().map(|slug| (*slug).to_owned()).collect(),
    };
    let record = told(record, lent(&["docs", "other"]));
    assert_eq!(agents(record.as_ref())[0].accounts, ["docs"], "none where it may not call");
    let record = told(record, Command::ForgetAgent { agent: AgentId::new([1; 16]) });
    assert_eq!((asked(record.as_ref(), 1, 7).1, agents(record.as_ref())), (None, vec![agent(2)]));
    let revoked = told(record.clone(), Command::Revoke { at: NOW });
    assert_eq!(asked(revoked.as_ref(), 2, 7).1, None, "named before everything was revoked");
    assert_eq!(apply(revoked.clone(), Command::AddAgent { agent: agent(3) }, NOW).1, Outcome::Revoked);
    let later = SponsoredAgent { since: NOW + Lifetime(1), ..agent(3) };
    assert_eq!(apply(revoked, Command::AddAgent { agent: later }, NOW).1, Outcome::Noted);
    assert_eq!(told(record, Command::ForgetEverything), None);
    assert_eq!(asked(None, 1, 7), (None, None), "nothing is kept of one that is none");
}

#[test]
fn an_agent_too_many_is_refused_until_others_have_ended() {
    let add = |number: u8, expires| Command::AddAgent { agent: SponsoredAgent { expires, ..agent(number) } };
    let full = (0..MOST_AGENTS).fold(None, |record, n| told(record, add(u8::try_from(n).unwrap(), END)));
    assert_eq!(apply(full.clone(), add(200, END), NOW).1, Outcome::Full);
    let (record, outcome) = apply(full, add(200, END + Lifetime(9)), END);
    assert_eq!((agents(record.as_ref()).len(), outcome), (1, Outcome::Noted));
}
