//! The JSON of a connection at rest and on its way: a change here is a change that deployed code cannot read.
//!
//! Not here: what the records mean (`tests`).

use super::tests::{DEAD, NOW, TEMPORARY, after, claim, fail, finish, lease, store};
use super::*;
use crate::secret::Digested;
use crate::time::Lifetime;

#[test]
fn records_at_rest_stay_readable() {
    let attempt = "BDpxh3TFcr2KJa2-sb_NXAJWrhHOz5-cP5JdDlK-r4k";
    let goldens = [
        (after([store("a")]), r#"{"v":1,"generation":1,"standing":{"standing":"live","sealed":"a"},"at":1000}"#.to_owned()),
        (
            after([claim("s", 600)]),
            format!(
                r#"{{"v":1,"generation":0,"standing":{{"standing":"absent"}},"claims":[{{"attempt":"{attempt}","until":1600}}],"at":1000}}"#
            ),
        ),
        (
            after([store("a"), lease(1, "me")]),
            r#"{"v":1,"generation":1,"standing":{"standing":"live","sealed":"a"},"lease":{"holder":"me","until":1030},"at":1000}"#.to_owned(),
        ),
        (
            after([store("a"), lease(1, "me"), fail("me", 1, TEMPORARY)]),
            r#"{"v":1,"generation":1,"standing":{"standing":"live","sealed":"a"},"backoff":{"failures":1,"refusals":0,"retry_at":1001},"at":1000}"#.to_owned(),
        ),
        (
            after([store("a"), lease(1, "me"), fail("me", 1, DEAD)]),
            r#"{"v":1,"generation":1,"standing":{"standing":"dead","sealed":"a","death":"revoked"},"at":1000}"#.to_owned(),
        ),
        (
            after([store("a"), Command::Drop]),
            r#"{"v":1,"generation":2,"standing":{"standing":"absent"},"at":1000}"#.to_owned(),
        ),
    ];
    for (record, golden) in goldens {
        let record = record.unwrap();
        assert_eq!(serde_json::to_string(&record).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Record>(&golden).unwrap(), record);
        assert!(serde_json::from_str::<Record>(&golden.replace("\"v\":1", "\"v\":2")).is_err());
    }
}

#[test]
fn commands_keep_their_form_across_deploys() {
    let until = Reason::Temporary { retry_at: Some(NOW) };
    let commands = [
        (Command::Read, r#"{"command":"read"}"#),
        (
            claim("s", 600),
            r#"{"command":"claim","attempt":"BDpxh3TFcr2KJa2-sb_NXAJWrhHOz5-cP5JdDlK-r4k","until":1600}"#,
        ),
        (
            Command::Recall { attempt: Digested::of("s") },
            r#"{"command":"recall","attempt":"BDpxh3TFcr2KJa2-sb_NXAJWrhHOz5-cP5JdDlK-r4k"}"#,
        ),
        (store("a"), r#"{"command":"store","sealed":"a"}"#),
        (lease(1, "me"), r#"{"command":"lease","seen":1,"holder":"me","from_nothing":false}"#),
        (finish(1, "b"), r#"{"command":"finish","generation":1,"sealed":"b"}"#),
        (
            fail("me", 1, DEAD),
            r#"{"command":"fail","holder":"me","generation":1,"why":{"reason":"dead","death":"revoked"}}"#,
        ),
        (
            fail("me", 1, until),
            r#"{"command":"fail","holder":"me","generation":1,"why":{"reason":"temporary","retry_at":1000}}"#,
        ),
        (
            fail("me", 1, Reason::Refused),
            r#"{"command":"fail","holder":"me","generation":1,"why":{"reason":"refused"}}"#,
        ),
        (Command::Drop, r#"{"command":"drop"}"#),
    ];
    for (command, golden) in commands {
        assert_eq!(serde_json::to_string(&command).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Command>(golden).unwrap(), command);
        assert!(!format!("{command:?}").contains("\"b\""));
    }
}

#[test]
fn outcomes_keep_their_form_across_deploys() {
    let sealed = || "a".to_owned();
    let outcomes = [
        (Outcome::Absent, r#"{"outcome":"absent"}"#),
        (Outcome::Live { generation: 1, sealed: sealed() }, r#"{"outcome":"live","generation":1,"sealed":"a"}"#),
        (
            Outcome::Dead { generation: 1, death: Death::Expired, sealed: Some(sealed()) },
            r#"{"outcome":"dead","generation":1,"death":"expired","sealed":"a"}"#,
        ),
        (
            Outcome::Dead { generation: 1, death: Death::ClientGone, sealed: None },
            r#"{"outcome":"dead","generation":1,"death":"client_gone","sealed":null}"#,
        ),
        (
            Outcome::Leased { generation: 1, sealed: Some(sealed()) },
            r#"{"outcome":"leased","generation":1,"sealed":"a"}"#,
        ),
        (Outcome::Wait { until: NOW + Lifetime(30) }, r#"{"outcome":"wait","until":1030}"#),
        (Outcome::BackingOff { retry_at: NOW }, r#"{"outcome":"backing_off","retry_at":1000}"#),
        (Outcome::Stored { generation: 2 }, r#"{"outcome":"stored","generation":2}"#),
        (Outcome::Claimed, r#"{"outcome":"claimed"}"#),
        (Outcome::AlreadyUsed, r#"{"outcome":"already_used"}"#),
        (Outcome::Unused, r#"{"outcome":"unused"}"#),
        (Outcome::Dropped { sealed: Some(sealed()) }, r#"{"outcome":"dropped","sealed":"a"}"#),
    ];
    for (outcome, golden) in outcomes {
        assert_eq!(serde_json::to_string(&outcome).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Outcome>(golden).unwrap(), outcome);
    }
}
