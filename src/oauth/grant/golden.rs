//! The JSON of a grant at rest and on its way: a change here is a change that deployed code cannot read.
//!
//! Not here: what the records mean (`tests`).

use proptest::prelude::*;

use super::tests::{NOW, VERIFIER, after, granted, hold, live, online, open, redeem, revoke, rotated, rotation};
use super::*;
use crate::secret::Digested;
use crate::time::Lifetime;

const GRANTED: &str = r#"{"client_id":"claude","subject":"dev:alice","redirect_uri":"https://claude.ai/cb","scope":"mcp:tools offline_access","resource":"https://gw.example/v1/mcp/docs","slug":"docs","challenge":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}"#;
const CODE: &str = "VpTQii5T_8rgwxA-Wtb2B2q9lg6x-KVldwQLwQKPcCs";
const RT0: &str = "gYr7I6DKq-9ltxHBbgPUfKK8GaAEfBUShcEBb2AbRR8";
const RT1: &str = "er5T5uNMc7VrsWXMXxVcgMNjlnH0wY5c2scUMyY3XOM";

#[test]
fn records_at_rest_stay_readable() {
    let goldens = [
        (after([Command::Refuse { until: NOW }]), r#"{"v":1,"state":"refused","until":1000}"#.to_owned()),
        (after([hold()]), r#"{"v":1,"state":"held","sealed":"request","subject":"dev:alice","until":1600}"#.to_owned()),
        (
            after([open(Granted { account: Some("2".to_owned()), signed_in: Some(NOW), ..granted() })]),
            format!(
                r#"{{"v":1,"state":"open","granted":{},"code":"{CODE}","code_expires":1060}}"#,
                GRANTED.replace("-cM\"}", r#"-cM","account":"2","signed_in":1000}"#)
            ),
        ),
        (
            after([open(granted())]),
            format!(r#"{{"v":1,"state":"open","granted":{GRANTED},"code":"{CODE}","code_expires":1060}}"#),
        ),
        (
            live(),
            format!(
                r#"{{"v":1,"state":"live","granted":{GRANTED},"code":"{CODE}","refresh":{{"current":"{RT0}","expires":2593000}},"access_until":4600}}"#
            ),
        ),
        (
            rotated(),
            format!(
                r#"{{"v":1,"state":"live","granted":{GRANTED},"code":"{CODE}","refresh":{{"current":"{RT1}","expires":2679400,"previous":{{"token":"{RT0}","replaced":1000,"sealed_successor":"sealed rt1"}}}},"access_until":8200}}"#
            ),
        ),
        (
            after([open(online()), redeem(|_| ())]),
            format!(
                r#"{{"v":1,"state":"spent","granted":{},"code":"{CODE}","access_until":4600}}"#,
                GRANTED.replace(" offline_access", "")
            ),
        ),
        (after([open(granted()), revoke(None)]), r#"{"v":1,"state":"revoked","until":1000}"#.to_owned()),
    ];
    for (record, golden) in goldens {
        let record = record.unwrap();
        assert_eq!(serde_json::to_string(&record).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Record>(&golden).unwrap(), record);
    }
    assert!(serde_json::from_str::<Record>(r#"{"v":2,"state":"revoked","until":1000}"#).is_err());
}

#[test]
fn commands_and_outcomes_keep_their_form_across_deploys() {
    let commands = [
        (open(granted()), format!(r#"{{"command":"open","granted":{GRANTED},"code":"{CODE}","code_expires":1060}}"#)),
        (Command::Refuse { until: NOW }, r#"{"command":"refuse","until":1000}"#.to_owned()),
        (hold(), r#"{"command":"hold","sealed":"request","subject":"dev:alice","until":1600}"#.to_owned()),
        (Command::Peek, r#"{"command":"peek"}"#.to_owned()),
        (Command::Show, r#"{"command":"show"}"#.to_owned()),
        (
            redeem(|_| ()),
            format!(
                r#"{{"command":"redeem","code":"{CODE}","client_id":"claude","redirect_uri":null,"verifier":"{VERIFIER}","resource":null,"refresh":"{RT0}","refresh_expires":2593000,"access_expires":4600}}"#
            ),
        ),
        (
            Command::Rotate(rotation("rt0", "rt1")),
            format!(
                r#"{{"command":"rotate","presented":"{RT0}","client_id":"claude","scope":null,"resource":null,"successor":"{RT1}","sealed_successor":"sealed rt1","refresh_expires":2679400,"access_expires":8200}}"#
            ),
        ),
        (revoke(None), r#"{"command":"revoke","client_id":null}"#.to_owned()),
        (
            Command::Inspect { presented: Digested::of("rt0"), refresh_max: Lifetime(86_400) },
            format!(r#"{{"command":"inspect","presented":"{RT0}","refresh_max":86400}}"#),
        ),
    ];
    for (command, golden) in commands {
        assert_eq!(serde_json::to_string(&command).unwrap(), golden);
        let read = serde_json::from_str::<Command>(&golden).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), golden);
        assert!(!format!("{command:?}").contains(VERIFIER));
    }
    let scope = granted().scope;
    let outcomes = [
        (Outcome::AlreadyUsed, r#"{"outcome":"already_used"}"#.to_owned()),
        (Outcome::Held, r#"{"outcome":"held"}"#.to_owned()),
        (
            Outcome::Shown { scope: granted().scope, subject: None },
            r#"{"outcome":"shown","scope":"mcp:tools offline_access"}"#.to_owned(),
        ),
        (
            Outcome::Shown { scope: granted().scope, subject: Some("dev:alice".to_owned()) },
            r#"{"outcome":"shown","scope":"mcp:tools offline_access","subject":"dev:alice"}"#.to_owned(),
        ),
        (
            Outcome::Inspected { granted: granted(), until: NOW },
            format!(r#"{{"outcome":"inspected","granted":{GRANTED},"until":1000}}"#),
        ),
        (
            Outcome::Peeked { sealed: "r".to_owned(), subject: "dev:alice".to_owned() },
            r#"{"outcome":"peeked","sealed":"r","subject":"dev:alice"}"#.to_owned(),
        ),
        (
            Outcome::Redeemed { granted: granted(), refresh: true },
            format!(r#"{{"outcome":"redeemed","granted":{GRANTED},"refresh":true}}"#),
        ),
        (
            Outcome::Replayed { granted: granted(), scope, sealed_successor: "s".to_owned() },
            format!(
                r#"{{"outcome":"replayed","granted":{GRANTED},"scope":"mcp:tools offline_access","sealed_successor":"s"}}"#
            ),
        ),
        (
            Outcome::Rejected { why: Rejection::CodeUsed, revoked_until: Some(NOW) },
            r#"{"outcome":"rejected","why":"code_used","revoked_until":1000}"#.to_owned(),
        ),
    ];
    for (outcome, golden) in outcomes {
        assert_eq!(serde_json::to_string(&outcome).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Outcome>(&golden).unwrap(), outcome);
    }
}

#[test]
fn what_is_bound_to_a_key_is_written_beside_what_was_there() {
    let bound = Granted { jkt: Some("key".to_owned()), needs_proof: true, confidential: true, ..granted() };
    let golden = GRANTED.replace("-cM\"}", r#"-cM","jkt":"key","needs_proof":true,"confidential":true}"#);
    assert_eq!(serde_json::to_string(&bound).unwrap(), golden);
    assert_eq!(serde_json::from_str::<Granted>(&golden).unwrap(), bound);
    let with_key = |redeem: &mut Redeem| (redeem.jkt, redeem.is_public) = (Some("key".to_owned()), true);
    let written = serde_json::to_string(&redeem(with_key)).unwrap();
    assert!(written.ends_with(r#","access_expires":4600,"jkt":"key","is_public":true}"#), "{written}");
    let written = serde_json::to_string(&Rotate { jkt: Some("key".to_owned()), ..rotation("rt0", "rt1") }).unwrap();
    assert!(written.ends_with(r#","access_expires":8200,"jkt":"key"}"#), "{written}");
    for (why, golden) in [
        (Rejection::MissingProof, r#""missing_proof""#),
        (Rejection::WrongKey, r#""wrong_key""#),
        (Rejection::UnprovenClient, r#""unproven_client""#),
    ] {
        assert_eq!(serde_json::to_string(&why).unwrap(), golden);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_json_is_a_record_or_an_error(text in r#"\PC{0,60}|\{"v":1,"state":"(open|live|revoked|refused)"(,"until":[0-9]{1,25})?\}"#) {
        let _ = serde_json::from_str::<Record>(&text);
    }
}
