//! Attacks on the `jwt-bearer` grant: assertions of others, for others, from elsewhere, or once more.
//!
//! Not here: what a good assertion gets (`journeys::assertions`), access tokens of other issuers (`attacks::issuers`).

use serde_json::{Value, json};

use crate::world::idp::Key;
use crate::world::issuing::{AS, Issuing, Presents, call};
use crate::world::{ADMIN_TOKEN, World};

/// The client that presents it, what is wrong with it, and the reason.
type Case = (&'static str, fn(&mut Value), &'static str);

fn with(change: impl FnOnce(&World, &mut Value)) -> (u16, String) {
    let (world, issuing) = Issuing::trusted();
    let mut claims = Issuing::job(&world);
    change(&world, &mut claims);
    let answer = Presents::of(&issuing.typed("JWT", &claims)).at(&world);
    assert!(answer.status == 200 || answer.json()["error"] == "invalid_grant", "{}", answer.text());
    (answer.status, answer.reason())
}

#[test]
fn what_the_operator_did_not_configure_gets_nothing() {
    for (member, value, reason) in [
        ("repository", json!("evil/app"), "assertion_requirement_unmet"),
        ("repository", json!("acme/app2"), "assertion_requirement_unmet"),
        ("repository", json!("ACME/APP"), "assertion_requirement_unmet"),
        ("repository", json!(null), "assertion_requirement_unmet"),
        ("repository", json!({"acme/app": true}), "assertion_requirement_unmet"),
        ("iss", json!("https://as.corp.example/"), "assertion_wrong_issuer"),
        ("iss", json!(null), "assertion_malformed"),
        ("aud", json!("https://github.com/acme"), "assertion_wrong_audience"),
        ("aud", json!(["http://localhost:8787", "https://evil.example"]), "assertion_wrong_audience"),
        ("aud", json!([]), "assertion_wrong_audience"),
        ("exp", json!(1_800_000_000), "assertion_expired"),
        ("exp", json!(null), "assertion_expired"),
        ("exp", json!(1e16), "assertion_too_long"),
        ("nbf", json!(2e9), "assertion_not_yet_valid"),
        ("sub", json!(null), "assertion_unfit_subject"),
        ("cnf", json!({"jkt": "x"}), "assertion_bound"),
    ] {
        let refused = with(|_, claims| claims[member] = value.clone());
        assert_eq!(refused, (400, reason.to_owned()), "{member} {value}");
    }
    assert_eq!(with(|_, _| ()).0, 200);
}

#[test]
fn an_assertion_is_good_once_on_earth() {
    let (world, issuing) = Issuing::trusted();
    for id in [json!("job-1"), json!(null)] {
        let mut claims = Issuing::job(&world);
        claims["jti"] = id;
        let assertion = issuing.typed("JWT", &claims);
        let elsewhere = world.elsewhere();
        let at_once = world
            .platform
            .together([&world, &elsewhere].map(|isolate| Presents::of(&assertion).asking(isolate).sending()));
        let mut statuses: Vec<_> = at_once.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400]);
        Presents::of(&assertion).at(&world).refused(400, "assertion_used");
        // The same id in other words of the same issuer.
        if !claims["jti"].is_null() {
            claims["iat"] = json!(world.now() - 20);
            Presents::of(&issuing.typed("JWT", &claims)).at(&world).refused(400, "assertion_used");
        }
    }
}

#[test]
fn a_signature_is_the_issuers() {
    let (world, issuing) = Issuing::trusted();
    let claims = Issuing::job(&world);
    issuing.signs_with.set(Key { secret: 9, ..Key::default() });
    Presents::of(&issuing.typed("JWT", &claims)).at(&world).refused(400, "assertion_wrong_signature");
    issuing.signs_with.set(Key { id: "mine", secret: 9 });
    Presents::of(&issuing.typed("JWT", &claims)).at(&world).refused(400, "assertion_unknown_key");
    for typ in ["at+jwt", "dpop+jwt", "oauth-id-jag+jwt"] {
        Presents::of(&issuing.typed(typ, &claims)).at(&world).refused(400, "assertion_wrong_type");
    }
    for nonsense in ["x", "a.b.c", &"a".repeat(20_000)] {
        Presents::of(nonsense).at(&world).refused(400, "assertion_malformed");
    }
}

#[test]
fn an_assertion_is_no_access_token_and_an_access_token_no_assertion() {
    let (world, issuing) = Issuing::configured(|config| {
        config["issuers"] = json!({"corp": {"issuer": AS, "token_type": "JWT"}});
        config["accepts"] = json!(["own", "corp"]);
    });
    let job = issuing.typed("JWT", &Issuing::job(&world));
    call(&world, "demo", &job).refused(401, "external_token_wrong_audience");
    let token = issuing.anns(&world, |_| ());
    Presents::of(&token).at(&world).refused(400, "assertion_wrong_issuer");
}

#[test]
fn an_assertion_for_a_person_is_for_the_client_that_proves_itself() {
    let (world, issuing) = Issuing::of_people();
    let other = |claims: &mut Value| claims["client_id"] = json!("intruder");
    let cases: [Case; 6] = [
        ("agent", other, "assertion_wrong_client"),
        ("agent", |claims| claims["client_id"] = json!(null), "assertion_wrong_client"),
        ("agent", |claims| claims["jti"] = json!(null), "assertion_id_missing"),
        ("agent", |claims| claims["aud"] = json!("https://mcp.example.com/oauth/token"), "assertion_wrong_audience"),
        (
            "agent",
            |claims| claims["resource"] = json!("https://mcp.example.com/mail/mcp/x"),
            "assertion_wrong_resource",
        ),
        ("agent", |claims| claims["resource"] = json!(null), "assertion_wrong_resource"),
    ];
    for (client, change, reason) in cases {
        let mut claims = Issuing::for_ann(&world);
        change(&mut claims);
        let assertion = issuing.typed("oauth-id-jag+jwt", &claims);
        let answer = Presents::of(&assertion).by(client, "AGENT_SECRET").at(&world);
        assert_eq!((answer.status, answer.reason().as_str()), (400, reason));
    }
    let claims = Issuing::for_ann(&world);
    let assertion = issuing.typed("oauth-id-jag+jwt", &claims);
    Presents::of(&assertion).at(&world).refused(400, "assertion_wrong_client");
    Presents::of(&assertion).by("agent", "wrong").at(&world).refused(401, "client_secret_wrong");
    for typ in ["JWT", "", "at+jwt"] {
        let token = issuing.typed(typ, &claims);
        Presents::of(&token).by("agent", "AGENT_SECRET").at(&world).refused(400, "assertion_wrong_type");
    }
}

#[test]
fn what_was_revoked_stays_so_for_whatever_was_made_before() {
    let (world, issuing) = Issuing::trusted();
    let early = issuing.typed("JWT", &Issuing::job(&world));
    let mut claims = Issuing::job(&world);
    claims["jti"] = json!("job-2");
    let issued = Presents::of(&issuing.typed("JWT", &claims)).at(&world).with(200).json();
    world.passes(5);
    let subject = "/admin/subjects/ci%3Arepo%3Aacme%2Fapp";
    world.request("DELETE", subject).bearer(ADMIN_TOKEN).send().with(200);
    call(&world, "demo", issued["access_token"].as_str().unwrap()).refused(401, "token_revoked");
    Presents::of(&early).at(&world).refused(400, "assertion_subject_revoked");
}
