//! The absolute end of a refresh family, and how it is written down.
//!
//! Not here: how long a refresh token lives since its last use (`tests`).

use super::tests::{NOW, after, granted, open, redeem, rotated, rotation};
use super::*;
use crate::time::{Lifetime, Timestamp};

const MAX: Lifetime = Lifetime::days(90);

fn rotates(record: Option<Record>, (presented, successor): (&str, &str), at: Timestamp) -> (Option<Record>, Outcome) {
    let expires = at + Lifetime::days(30);
    let rotate = Rotate { refresh_max: Some(MAX), refresh_expires: expires, ..rotation(presented, successor) };
    apply(record, Command::Rotate(rotate), at)
}

fn is_over(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Rejected { why: Rejection::RefreshEnded, revoked_until: None })
}

#[test]
fn a_family_ends_however_often_it_is_used() {
    let signed_in = Granted { signed_in: Some(NOW), ..granted() };
    let mut record = after([open(signed_in), redeem(|redeem| redeem.refresh_max = Some(MAX))]);
    for (n, day) in [20, 40, 60, 80].into_iter().enumerate() {
        let (presented, successor) = (format!("rt{n}"), format!("rt{}", n + 1));
        let outcome;
        (record, outcome) = rotates(record, (&presented, &successor), NOW + Lifetime::days(day));
        assert!(matches!(outcome, Outcome::Rotated { .. }), "{day}: {outcome:?}");
    }
    let last = NOW + Lifetime(MAX.0 - 1);
    assert!(matches!(rotates(record.clone(), ("rt4", "rt5"), last).1, Outcome::Rotated { .. }));
    for presented in ["rt4", "rt3", "rt0", "no token at all"] {
        assert!(is_over(&rotates(record.clone(), (presented, "rt5"), NOW + MAX).1), "{presented}");
    }
}

#[test]
fn a_longer_end_is_in_effect_at_once_and_so_is_a_shorter_one() {
    let signed_in = Granted { signed_in: Some(NOW), ..granted() };
    let record = after([open(signed_in), redeem(|_| ())]);
    let day = NOW + Lifetime::days(1);
    let short = Rotate { refresh_max: Some(Lifetime(60)), ..rotation("rt0", "rt1") };
    assert!(is_over(&apply(record.clone(), Command::Rotate(short), day).1));
    assert!(matches!(rotates(record, ("rt0", "rt1"), day).1, Outcome::Rotated { .. }), "it is not revoked");
}

#[test]
fn a_grant_from_before_its_sign_in_was_written_down_is_counted_from_its_next_refresh() {
    let golden = r#"{"v":1,"state":"live","granted":{"client_id":"claude","subject":"dev:alice","redirect_uri":"https://claude.ai/cb","scope":"mcp:tools offline_access","resource":"https://gw.example/v1/mcp/docs","slug":"docs","challenge":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"},"code":"VpTQii5T_8rgwxA-Wtb2B2q9lg6x-KVldwQLwQKPcCs","refresh":{"current":"er5T5uNMc7VrsWXMXxVcgMNjlnH0wY5c2scUMyY3XOM","expires":2593000,"previous":{"token":"gYr7I6DKq-9ltxHBbgPUfKK8GaAEfBUShcEBb2AbRR8","replaced":1000,"sealed_successor":"sealed rt1"},"began":1000},"access_until":8200}"#;
    let old = after([open(granted()), redeem(|_| ())]);
    let record = rotates(old, ("rt0", "rt1"), NOW).0;
    assert_eq!(serde_json::to_string(&record).unwrap(), golden);
    assert_eq!(serde_json::from_str::<Option<Record>>(golden).unwrap(), record);
    assert!(is_over(&rotates(record, ("rt1", "rt2"), NOW + MAX).1));
    assert!(matches!(rotates(rotated(), ("rt1", "rt2"), NOW + Lifetime(1)).1, Outcome::Rotated { .. }));
}

#[test]
fn the_end_travels_with_the_command() {
    let rotate = Command::Rotate(Rotate { refresh_max: Some(MAX), ..rotation("rt0", "rt1") });
    let text = serde_json::to_string(&rotate).unwrap();
    assert!(text.ends_with(r#""refresh_expires":2679400,"refresh_max":7776000,"access_expires":8200}"#), "{text}");
    assert_eq!(serde_json::to_string(&serde_json::from_str::<Command>(&text).unwrap()).unwrap(), text);
}
