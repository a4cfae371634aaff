//! Every reason code is provoked by a journey or an attack, where the world compares it in the answer, in the log and in
//! the counters; or it is left here, with why.
//!
//! Not here: the comparison (`world::one_reason`).

use std::collections::BTreeSet;

use super::{files, none, reasons};

/// Why, and which.
const LEFT: &[(&str, &[&str])] = &[
    (
        "provoked in tests/e2e by what the world does not have",
        &["gateway_panicked", "public_url_mismatch", "upstream_modern_only"],
    ),
    (
        "what `jose::jws` reads is the same for every reader, and its unit tests make it",
        &[
            "assertion_ambiguous_key",
            "assertion_critical_extension",
            "assertion_unsupported_algorithm",
            "client_assertion_ambiguous_key",
            "client_assertion_critical_extension",
            "external_token_ambiguous_key",
            "external_token_critical_extension",
        ],
    ),
    (
        "the world's requests are always whole, readable and answered",
        &["body_incomplete", "header_malformed", "header_repeated", "upstream_client_gone", "url_malformed"],
    ),
    (
        "an upstream's slip that only unit tests beside its rule make",
        &[
            "shared_connection_expired",
            "upstream_answer_malformed",
            "upstream_answer_without_code",
            "upstream_answer_without_state",
            "upstream_credentials_missing",
            "upstream_forbidden",
            "upstream_grant_dead",
            "upstream_header_unfit",
            "upstream_refresh_failing",
            "upstream_registration_busy",
            "upstream_registration_malformed",
            "upstream_registration_method",
            "upstream_registration_refused",
            "upstream_registration_timeout",
            "upstream_scope_invalid",
            "upstream_token_type",
        ],
    ),
    (
        "a slip of a client's that only unit tests beside its rule make",
        &[
            "authorization_not_waiting",
            "authorization_request_too_long",
            "client_auth_malformed",
            "client_auth_method_wrong",
            "client_document_long_id",
            "client_document_not_url",
            "client_mismatch",
            "client_secret_not_set",
            "client_secret_unexpected",
            "configuration_unreadable",
            "connection_outdated",
            "connection_scope_insufficient",
            "connection_unreadable",
            "connection_too_many_accounts",
            "connection_value_unsendable",
            "external_token_wrong_issuer",
            "form_expected",
            "header_mismatch",
            "header_missing",
            "login_callback_malformed",
            "login_state_mismatch",
            "issuer_secret_missing",
            "key_rate_limited",
            "redirect_uri_missing",
            "token_not_yet_issued",
            "token_wrong_signature",
            "token_wrong_type",
        ],
    ),
];

#[test]
fn every_reason_code_is_provoked_or_left_with_why() {
    let told = ["tests/journeys", "tests/attacks", "tests/world"].map(files).into_iter().flatten();
    let told: String = told.map(|file| file.text).collect();
    let left: BTreeSet<&str> = LEFT.iter().flat_map(|(_, reasons)| *reasons).copied().collect();
    let is_provoked = |reason: &str| told.contains(&format!("\"{reason}\""));
    let reasons = reasons();
    let forgotten = reasons.keys().filter(|reason| !is_provoked(reason) && !left.contains(reason.as_str()));
    none(forgotten.cloned(), "a reason is provoked natively, or left with why");
    let stale = left.iter().filter(|reason| is_provoked(reason) || !reasons.contains_key(**reason));
    none(stale.map(|reason| (*reason).to_owned()), "what is left is not provoked");
}
