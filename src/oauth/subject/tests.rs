//! What an account remembers and forgets, and the JSON of it.
//!
//! Not here: the consent page, and who may ask.

use super::record::{KEPT, LONGEST_TEXT, MOST_CONNECTIONS, MOST_GRANTS};
use super::*;
use crate::oauth::grant::GrantId;
use crate::oauth::scope::ScopeSet;
use crate::time::{Lifetime, Timestamp};

const NOW: Timestamp = Timestamp(1_000);
const MOST_CONSENTS: usize = 256;

fn told(record: Option<Record>, command: Command) -> Option<Record> {
    apply(record, command, NOW).0
}

fn remember(record: Option<Record>, consent: &str) -> Option<Record> {
    told(
        record,
        Command::Remember { consent: consent.to_owned(), at: NOW, client_id: Some(format!("client {consent}")) },
    )
}

fn given(record: Option<Record>, consent: &str) -> bool {
    apply(record, Command::Recall { consent: consent.to_owned() }, NOW).1 == Outcome::Recalled { given: true }
}

fn grant(number: u8, client_id: &str, until: Timestamp) -> AllowedClient {
    AllowedClient {
        grant: GrantId::new([number; 16]),
        client_id: client_id.to_owned(),
        client_name: "Claude".to_owned(),
        slug: "docs".to_owned(),
        account: "1".to_owned(),
        at: NOW,
        until,
    }
}

fn connection(account: &str) -> ConnectedAccount {
    ConnectedAccount {
        slug: "docs".to_owned(),
        account: account.to_owned(),
        label: String::new(),
        upstream_name: None,
        at: NOW,
    }
}

fn add(connection: ConnectedAccount) -> Command {
    Command::AddConnection { connection, signed_in: Some(NOW) }
}

fn listed(record: Option<Record>) -> (Vec<ConnectedAccount>, Vec<AllowedClient>) {
    let Outcome::Listed { connections, grants, .. } = apply(record, Command::List, NOW).1 else { panic!("no list") };
    (connections, grants)
}

#[test]
fn a_consent_stands_for_itself_alone() {
    let record = remember(None, "a");
    assert!(given(record.clone(), "a"));
    assert!(!given(record, "b"));
    assert!(!given(None, "a"));
}

#[test]
fn the_oldest_consent_makes_room_and_a_renewed_one_is_not_old() {
    let record = (0..MOST_CONSENTS).fold(None, |record, n| remember(record, &n.to_string()));
    let record = remember(remember(record, "0"), "new");
    assert!(given(record.clone(), "0"));
    assert!(!given(record.clone(), "1"));
    assert!(given(record, "new"));
}

#[test]
fn grants_are_listed_until_their_client_is_forgotten() {
    let later = NOW + Lifetime(1);
    let add = |record, number, client| told(record, Command::AddGrant { grant: grant(number, client, later) });
    let record = add(add(add(remember(None, "a"), 1, "client a"), 2, "client b"), 1, "client a");
    assert_eq!(listed(record.clone()).1.len(), 2, "the same grant is one");
    let record = told(record, Command::ForgetClient { client_id: "client a".to_owned() });
    assert_eq!(listed(record.clone()).1, [grant(2, "client b", later)]);
    assert!(!given(record, "a"), "it is asked about again");
}

#[test]
fn a_consent_that_does_not_say_whose_it_is_goes_with_any_client() {
    let old = serde_json::from_str(r#"{"v":1,"consents":[{"key":"old","at":1000}]}"#).unwrap();
    let record = told(remember(Some(old), "b"), Command::ForgetClient { client_id: "client a".to_owned() });
    assert!(given(record.clone(), "b"));
    assert!(!given(record, "old"));
}

#[test]
fn a_grant_that_is_used_is_listed_for_longer() {
    let record = told(None, Command::AddGrant { grant: grant(1, "c", NOW) });
    let extended = |number, until| {
        let command = Command::Extend { grant: GrantId::new([number; 16]), until };
        listed(told(record.clone(), command)).1[0].until
    };
    assert_eq!(extended(1, NOW + Lifetime(5)), NOW + Lifetime(5));
    assert_eq!(extended(1, Timestamp(1)), NOW);
    assert_eq!(extended(2, NOW + Lifetime(5)), NOW);
}

#[test]
fn a_grant_that_ended_makes_room_before_one_that_lives() {
    let full = (0..MOST_GRANTS).fold(None, |record, n| {
        let until = if n == 1 { NOW } else { NOW + Lifetime(1) };
        told(record, Command::AddGrant { grant: grant(u8::try_from(n).unwrap(), "c", until) })
    });
    let full = told(full, Command::AddGrant { grant: grant(200, "c", NOW) });
    let numbers = |record| listed(record).1.iter().map(|grant| grant.grant.as_bytes()[0]).collect::<Vec<_>>();
    let held = numbers(full.clone());
    assert!(held.contains(&0) && !held.contains(&1) && held.contains(&200) && held.len() == MOST_GRANTS);
    let over = numbers(told(
        told(full, Command::AddGrant { grant: grant(201, "c", NOW + Lifetime(1)) }),
        Command::AddGrant { grant: grant(202, "c", NOW + Lifetime(1)) },
    ));
    assert!(!over.contains(&200) && !over.contains(&0) && over.contains(&2) && over.len() == MOST_GRANTS);
}

#[test]
fn who_asks_for_ever_more_loses_their_own_and_what_is_unlisted_is_named() {
    let add = |number, client| Command::AddGrant { grant: grant(number, client, NOW + Lifetime(1)) };
    let most = u8::try_from(MOST_GRANTS).unwrap();
    let record = told(None, add(0, "a friend"));
    let full = (1..most).fold(record, |record, number| told(record, add(number, "many")));
    let (record, outcome) = apply(full, add(200, "a newcomer"), NOW);
    assert_eq!(outcome, Outcome::GrantAdded { unlisted: vec![GrantId::new([1; 16])] });
    let (record, outcome) = apply(record, add(201, "many"), NOW);
    assert_eq!(outcome, Outcome::GrantAdded { unlisted: vec![GrantId::new([2; 16])] });
    assert_eq!(listed(record).1.len(), MOST_GRANTS);
}

#[test]
fn an_account_connected_again_without_a_name_keeps_its_name() {
    let named = ConnectedAccount { label: "Work".to_owned(), ..connection("1") };
    let record = told(None, add(named.clone()));
    let nameless = ConnectedAccount { label: String::new(), ..named.clone() };
    let record = told(record, add(nameless));
    assert_eq!(listed(record.clone()).0, std::slice::from_ref(&named));
    let renamed = ConnectedAccount { label: "Home".to_owned(), ..named };
    assert_eq!(listed(told(record, add(renamed.clone()))).0, [renamed]);
}

#[test]
fn accounts_at_servers_are_listed_once_until_they_are_disconnected() {
    let add = |record, account: &str| told(record, add(connection(account)));
    let record = add(add(add(None, "1"), "2"), "1");
    assert_eq!(listed(record.clone()).0, [connection("2"), connection("1")]);
    let forget = Command::ForgetConnection { slug: "docs".to_owned(), account: "1".to_owned() };
    assert_eq!(listed(told(record, forget)).0, [connection("2")]);
}

#[test]
fn an_account_too_many_is_refused_and_none_is_unlisted_for_it() {
    let full = (0..MOST_CONNECTIONS).fold(None, |record, n| told(record, add(connection(&n.to_string()))));
    let (record, outcome) = apply(full.clone(), add(connection("new")), NOW);
    assert_eq!((outcome, &record), (Outcome::Full, &full));
    assert_eq!(listed(record.clone()).0[0], connection("0"));
    assert_eq!(apply(record, add(connection("0")), NOW).1, Outcome::Noted, "one that is there is connected again");
}

#[test]
fn who_signed_in_before_everything_was_revoked_connects_nothing() {
    let revoked = told(told(None, add(connection("1"))), Command::Revoke { at: NOW });
    let revoked = told(told(revoked, Command::ForgetEverything), Command::Revoke { at: Timestamp(1) });
    let connects = |signed_in| {
        let command = Command::AddConnection { connection: connection("1"), signed_in };
        apply(revoked.clone(), command, NOW + Lifetime(9)).1
    };
    assert_eq!(connects(Some(NOW)), Outcome::Revoked);
    assert_eq!(connects(None), Outcome::Revoked);
    assert_eq!(connects(Some(NOW + Lifetime(1))), Outcome::Noted);
    assert_eq!(revoked.clone().unwrap().expires(), NOW + Lifetime::days(400));
    assert_eq!(listed(revoked), (Vec::new(), Vec::new()));
}

#[test]
fn nothing_is_left_when_everything_is_forgotten() {
    let record = told(remember(None, "a"), add(connection("1")));
    assert_eq!(told(record, Command::ForgetEverything), None);
    assert_eq!(told(None, Command::List), None);
}

#[test]
fn it_outlasts_what_is_in_it() {
    let days = |record: Option<Record>| record.unwrap().expires().remaining(NOW).0 / 86_400;
    assert_eq!(days(remember(None, "a")), 400);
    assert_eq!(days(told(None, Command::AddGrant { grant: grant(1, "c", NOW + Lifetime::days(30)) })), 430);
    assert_eq!(days(told(remember(None, "a"), add(connection("1")))), 3650);
}

#[test]
fn texts_of_others_are_bounded() {
    let long = "ü".repeat(LONGEST_TEXT + 1);
    let record =
        told(None, Command::AddGrant { grant: AllowedClient { client_name: long.clone(), ..grant(1, "c", NOW) } });
    let record = told(record, add(ConnectedAccount { label: long, ..connection("1") }));
    let (connections, grants) = listed(record);
    assert_eq!(connections[0].label.chars().count(), LONGEST_TEXT);
    assert_eq!(grants[0].client_name.chars().count(), LONGEST_TEXT);
}

#[test]
fn every_part_of_what_was_shown_is_in_the_key() {
    let scope = ScopeSet::parse("mcp:tools").unwrap();
    let wider = ScopeSet::parse("mcp:tools offline_access").unwrap();
    let keys = [
        consent_key("client", "https://a/cb", &scope, "https://gw/docs", "f"),
        consent_key("clien", "thttps://a/cb", &scope, "https://gw/docs", "f"),
        consent_key("client", "https://b/cb", &scope, "https://gw/docs", "f"),
        consent_key("client", "https://a/cb", &wider, "https://gw/docs", "f"),
        consent_key("client", "https://a/cb", &scope, "https://gw/mail", "f"),
        consent_key("client", "https://a/cb", &scope, "https://gw/docs", "g"),
    ];
    assert_eq!(keys.iter().collect::<std::collections::BTreeSet<_>>().len(), keys.len());
    assert_eq!(keys[0], consent_key("client", "https://a/cb", &scope, "https://gw/docs", "f"));
}

#[test]
fn records_at_rest_stay_readable() {
    let old = r#"{"v":1,"consents":[{"key":"a","at":1000}]}"#;
    assert!(given(Some(serde_json::from_str(old).unwrap()), "a"));
    let record = told(remember(None, "a"), Command::AddGrant { grant: grant(1, "claude", NOW) });
    let record = told(record, add(connection("1"))).unwrap();
    let golden = r#"{"v":1,"consents":[{"key":"a","at":1000,"client_id":"client a"}],"grants":[{"grant":"AQEBAQEBAQEBAQEBAQEBAQ","client_id":"claude","client_name":"Claude","slug":"docs","account":"1","at":1000,"until":1000}],"connections":[{"slug":"docs","account":"1","label":"","at":1000}]}"#;
    assert_eq!(serde_json::to_string(&record).unwrap(), golden);
    assert_eq!(serde_json::from_str::<Record>(golden).unwrap(), record);
    assert!(serde_json::from_str::<Record>(r#"{"v":2,"consents":[]}"#).is_err());
    let revoked = told(None, Command::Revoke { at: NOW }).unwrap();
    let golden = r#"{"v":1,"consents":[],"revoked":1000}"#;
    assert_eq!(serde_json::to_string(&revoked).unwrap(), golden);
    assert_eq!(serde_json::from_str::<Record>(golden).unwrap(), revoked);
}

#[test]
fn what_the_login_said_last_is_kept_until_everything_is_forgotten() {
    let profile = |role: &str, at| Profile {
        roles: vec![role.to_owned()],
        claims: [("department".to_owned(), vec!["ops".to_owned()])].into(),
        incomplete: false,
        at: Timestamp(at),
    };
    let said = |record: &Option<Record>| match apply(record.clone(), Command::Profile, NOW).1 {
        Outcome::Profile { profile } => profile,
        other => panic!("{other:?}"),
    };
    assert_eq!(said(&None), None);
    let record = told(None, Command::SignIn { profile: profile("support", 1000) });
    let golden = r#"{"v":1,"consents":[],"profile":{"roles":["support"],"claims":{"department":["ops"]},"at":1000}}"#;
    assert_eq!(serde_json::to_string(&record).unwrap(), golden);
    assert_eq!(serde_json::from_str::<Option<Record>>(golden).unwrap(), record);
    assert_eq!(record.as_ref().unwrap().expires(), Timestamp(1000) + KEPT);
    let record = told(record, Command::SignIn { profile: profile("none", 999) });
    assert_eq!(said(&record), Some(profile("support", 1000)), "the later sign-in counts");
    let record = told(record, Command::SignIn { profile: Profile { roles: Vec::new(), ..profile("", 1001) } });
    assert_eq!(said(&record).unwrap().roles, Vec::<String>::new(), "a role that was taken away is gone");
    assert_eq!(told(record.clone(), Command::ForgetEverything), None);
    let left = told(record.clone(), Command::ForgetProfile { at: Timestamp(1) });
    assert_eq!(left, record, "what a later sign-in said stays");
    assert_eq!(told(record, Command::ForgetProfile { at: Timestamp(9_000) }), None);
    let forget = r#"{"command":"forget_profile","at":1}"#;
    assert_eq!(serde_json::to_string(&Command::ForgetProfile { at: Timestamp(1) }).unwrap(), forget);
}

#[test]
fn that_the_login_did_not_say_everything_is_kept() {
    let profile = Profile { incomplete: true, ..Profile::empty(Timestamp(1000)) };
    let golden = r#"{"v":1,"consents":[],"profile":{"incomplete":true,"at":1000}}"#;
    let record = told(None, Command::SignIn { profile });
    assert_eq!(serde_json::to_string(&record).unwrap(), golden);
    assert_eq!(serde_json::from_str::<Option<Record>>(golden).unwrap(), record);
}

#[test]
fn what_was_there_when_it_was_revoked_is_known_to_have_been() {
    let known = |record| matches!(apply(record, Command::List, NOW).1, Outcome::Listed { known: true, .. });
    assert!(!known(None) && !known(told(None, Command::Revoke { at: NOW })));
    for record in [remember(None, "a"), told(None, add(connection("1")))] {
        assert!(known(record.clone()));
        let revoked = told(told(record, Command::Revoke { at: NOW }), Command::ForgetEverything);
        let golden = r#"{"v":1,"consents":[],"revoked":1000,"known":true}"#;
        assert_eq!(serde_json::to_string(&revoked).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Option<Record>>(golden).unwrap(), revoked);
        assert!(known(revoked.clone()) && known(told(revoked, Command::Revoke { at: NOW })));
    }
}

#[test]
fn an_account_is_named_where_it_is_and_stays_as_old_as_it_was() {
    let record = told(told(None, add(connection("1"))), add(connection("2")));
    let name = |account: &str, label: String| Command::NameConnection {
        slug: "docs".to_owned(),
        account: account.to_owned(),
        label,
    };
    let record = told(told(record, name("1", "x".repeat(300))), name("3", "nobody's".to_owned()));
    let (connections, _) = listed(record);
    let named: Vec<_> = connections.iter().map(|known| (known.account.as_str(), known.label.len(), known.at)).collect();
    assert_eq!(named, [("1", LONGEST_TEXT, NOW), ("2", 0, NOW)]);
}

#[test]
fn commands_and_outcomes_keep_their_form_across_deploys() {
    let remember = |client_id| Command::Remember { consent: "a".to_owned(), at: NOW, client_id };
    let commands = [
        (remember(None), r#"{"command":"remember","consent":"a","at":1000}"#),
        (remember(Some("c".to_owned())), r#"{"command":"remember","consent":"a","at":1000,"client_id":"c"}"#),
        (Command::Recall { consent: "a".to_owned() }, r#"{"command":"recall","consent":"a"}"#),
        (
            Command::AddGrant { grant: grant(1, "claude", NOW) },
            r#"{"command":"add_grant","grant":{"grant":"AQEBAQEBAQEBAQEBAQEBAQ","client_id":"claude","client_name":"Claude","slug":"docs","account":"1","at":1000,"until":1000}}"#,
        ),
        (
            Command::AddConnection { connection: connection("1"), signed_in: None },
            r#"{"command":"add_connection","connection":{"slug":"docs","account":"1","label":"","at":1000}}"#,
        ),
        (
            add(connection("1")),
            r#"{"command":"add_connection","connection":{"slug":"docs","account":"1","label":"","at":1000},"signed_in":1000}"#,
        ),
        (
            add(ConnectedAccount { upstream_name: Some("a@b".to_owned()), ..connection("1") }),
            r#"{"command":"add_connection","connection":{"slug":"docs","account":"1","label":"","upstream_name":"a@b","at":1000},"signed_in":1000}"#,
        ),
        (
            Command::NameConnection { slug: "docs".to_owned(), account: "1".to_owned(), label: "Work".to_owned() },
            r#"{"command":"name_connection","slug":"docs","account":"1","label":"Work"}"#,
        ),
        (Command::Revoke { at: NOW }, r#"{"command":"revoke","at":1000}"#),
        (
            Command::ForgetConnection { slug: "docs".to_owned(), account: "1".to_owned() },
            r#"{"command":"forget_connection","slug":"docs","account":"1"}"#,
        ),
        (Command::ForgetClient { client_id: "c".to_owned() }, r#"{"command":"forget_client","client_id":"c"}"#),
        (
            Command::Extend { grant: GrantId::new([1; 16]), until: NOW },
            r#"{"command":"extend","grant":"AQEBAQEBAQEBAQEBAQEBAQ","until":1000}"#,
        ),
        (Command::ForgetEverything, r#"{"command":"forget_everything"}"#),
        (Command::List, r#"{"command":"list"}"#),
    ];
    for (command, golden) in commands {
        assert_eq!(serde_json::to_string(&command).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Command>(golden).unwrap(), command);
    }
    let outcomes = [
        (Outcome::Remembered, r#"{"outcome":"remembered"}"#),
        (Outcome::Recalled { given: true }, r#"{"outcome":"recalled","given":true}"#),
        (Outcome::Noted, r#"{"outcome":"noted"}"#),
        (Outcome::Revoked, r#"{"outcome":"revoked"}"#),
        (Outcome::Full, r#"{"outcome":"full"}"#),
        (
            Outcome::GrantAdded { unlisted: vec![GrantId::new([1; 16])] },
            r#"{"outcome":"grant_added","unlisted":["AQEBAQEBAQEBAQEBAQEBAQ"]}"#,
        ),
        (
            Outcome::Listed {
                connections: Vec::new(),
                grants: Vec::new(),
                keys: Vec::new(),
                known: false,
                profile: None,
                agents: Vec::new(),
            },
            r#"{"outcome":"listed","connections":[],"grants":[]}"#,
        ),
        (
            Outcome::Listed {
                connections: Vec::new(),
                grants: Vec::new(),
                keys: Vec::new(),
                known: true,
                profile: None,
                agents: Vec::new(),
            },
            r#"{"outcome":"listed","connections":[],"grants":[],"known":true}"#,
        ),
    ];
    for (outcome, golden) in outcomes {
        assert_eq!(serde_json::to_string(&outcome).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Outcome>(golden).unwrap(), outcome);
    }
}
