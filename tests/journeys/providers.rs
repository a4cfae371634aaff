//! Identity providers as they are: each one's recorded answers, through the real sign-in.
//!
//! Not here: what no provider does (`attacks::id_tokens`), and the same recordings in the real runtime (`tests/e2e`).

use serde_json::{Value, json};
use url::Url;

use crate::world::answer::parameter;
use crate::world::browser::Browser;
use crate::world::recorded::Recorded;

/// Signs in, and is on the page that says as whom.
fn arrives(recorded: &Recorded) -> Browser {
    let world = recorded.world();
    let mut browser = world.browser();
    browser.goes_to("/connections");
    let back = recorded.signs_in(&browser.at);
    browser.goes_to(back.as_str());
    browser
}

#[track_caller]
fn signs_in_as_recorded(name: &str) {
    let recorded = Recorded::named(name);
    let world = recorded.world();
    let mut browser = world.browser();
    browser.goes_to("/connections");
    for (parameter, value) in recorded.at("/expects/sent").as_object().into_iter().flatten() {
        let sent = browser.at.query_pairs().filter(|(name, _)| name == parameter).map(|(_, value)| value.to_string());
        assert_eq!(sent.collect::<Vec<_>>(), [value.as_str().unwrap()], "{parameter}");
    }
    let back = recorded.signs_in(&browser.at);
    let page = browser.goes_to(back.as_str()).clone().with(200).text();
    let expected = |member: &str| recorded.at(&format!("/expects/{member}"));
    let subject = expected("subject");
    assert!(page.contains(subject.as_str().unwrap()), "{page}");
    let shown = page.split_once("<main").unwrap().1;
    assert_eq!(shown.contains("support"), expected("roles") == json!(["support"]), "{shown}");
    let journal = world.platform.journal.borrow().join("\n");
    assert_eq!(journal.contains("sign_in_claims_incomplete"), expected("incomplete") == true);
    drop(journal);
    let found = world.request("GET", "/admin/subjects?q=mona@example.com").bearer(crate::world::ADMIN_TOKEN).send();
    assert!(found.with(200).text().contains(subject.as_str().unwrap()), "{name}");
}

#[test]
fn auth0_is_asked_for_its_audience() {
    signs_in_as_recorded("auth0");
}

#[test]
fn entra_tells_groups_by_their_ids() {
    signs_in_as_recorded("entra");
}

#[test]
fn entra_has_one_issuer_for_all_tenants_and_people_of_the_named_ones_come_in() {
    signs_in_as_recorded("entra-common");
    let elsewhere = Recorded::named("entra-common");
    let tenant = "11111111-2222-4333-8444-555555555555";
    elsewhere.change("/id_token/tid", tenant.into());
    arrives(&elsewhere).shows.refused(502, "id_token_wrong_issuer");
    elsewhere.change("/id_token/iss", format!("https://login.microsoftonline.com/{tenant}/v2.0").into());
    arrives(&elsewhere).shows.refused(403, "login_not_admitted");
}

#[test]
fn entra_keeps_too_many_groups_elsewhere_and_that_is_said() {
    signs_in_as_recorded("entra-overage");
}

#[test]
fn okta_tells_groups_at_userinfo() {
    signs_in_as_recorded("okta");
}

#[test]
fn google_tells_whose_domain_it_is_and_others_stay_out() {
    signs_in_as_recorded("google");
    for domain in [json!("example.org"), Value::Null] {
        let other = Recorded::named("google");
        other.change("/id_token/hd", domain);
        let browser = arrives(&other);
        browser.shows.refused(403, "login_not_admitted");
        assert!(!browser.cookies.contains_key("__mcp_session"));
    }
}

#[test]
fn google_is_not_asked_for_a_prompt_that_it_refuses() {
    let prompt = |name: &str| {
        let world = Recorded::named(name).world();
        let mut client = world.client("claude").registers();
        client.authorization(|parameters| parameters.push(("prompt", "login".to_owned())));
        parameter(&client.browser.at, "prompt")
    };
    assert_eq!(prompt("google"), "select_account");
    assert_eq!(prompt("entra"), "login");
    assert_eq!(prompt("okta"), "login");
    assert_eq!(prompt("github"), "select_account");
}

#[test]
fn keycloak_tells_roles_within_a_claim() {
    signs_in_as_recorded("keycloak");
}

#[test]
fn cognito_has_its_endpoints_at_another_host() {
    signs_in_as_recorded("cognito");
}

#[test]
fn workos_tells_organization_and_role() {
    signs_in_as_recorded("workos");
}

#[test]
fn github_says_who_somebody_is_by_its_api() {
    signs_in_as_recorded("github");
}

#[test]
fn github_lets_in_whom_the_operator_means() {
    let outside = Recorded::named("github");
    outside.change("/api/~1user~1orgs", json!([{"login": "another"}]));
    arrives(&outside).shows.refused(403, "login_not_admitted");
}

#[test]
fn what_github_refuses_is_said() {
    for (pointer, value, status, reason) in [
        (
            "/token",
            json!({"error": "bad_verification_code", "error_description": "The code passed is incorrect or expired."}),
            502,
            "login_token_refused",
        ),
        ("/token", json!({"token_type": "bearer"}), 502, "login_access_token_missing"),
        ("/api/~1user", Value::Null, 502, "login_github_refused"),
        ("/api/~1user", json!({"login": "octocat"}), 502, "login_github_malformed"),
        ("/api/~1user~1emails", json!({"message": "Not Found"}), 502, "login_github_malformed"),
    ] {
        let bent = Recorded::named("github");
        bent.change(pointer, value);
        let browser = arrives(&bent);
        browser.shows.refused(status, reason);
        assert!(!browser.cookies.contains_key("__mcp_session"), "{reason}");
    }
}

#[test]
fn at_github_an_answer_from_elsewhere_is_a_mix_up() {
    let recorded = Recorded::named("github");
    let world = recorded.world();
    let mut browser = world.browser();
    browser.goes_to("/connections");
    let mut back: Url = recorded.signs_in(&browser.at);
    back.query_pairs_mut().append_pair("iss", "https://evil.example");
    browser.goes_to(back.as_str());
    browser.shows.refused(400, "login_issuer_mismatch");
}
