//! What a person can send to support of a request that failed: from its page without asking anything, and, signed in,
//! with what was written down of them.
//!
//! Not here: the same for operators (`story`), and a real browser (tests/e2e/support-copy.test.mjs).

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};

use crate::world::World;
use crate::world::answer::Answer;
use crate::world::browser::Browser;
use crate::world::platform::Uses;

/// The file that a page offers.
fn file(page: &Answer) -> Value {
    let data = page.text().split("data:application/json;base64,").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let data = data.replace("&#43;", "+").replace("&#47;", "/").replace("&#61;", "=");
    serde_json::from_slice(&Base64::decode_vec(&data).unwrap()).unwrap()
}

fn somebody(world: &World, name: &str) -> Browser {
    let mut browser = world.browser();
    browser.goes_to("/connections");
    browser.presses("/login/callback", "account", name);
    browser
}

#[test]
fn a_stranger_keeps_what_the_page_knows_and_nothing_is_asked_for() {
    let world = World::new();
    let mut client = world.client("claude").registers();
    let uses = world.uses_of(|| {
        let page = client.authorization(|parameters| {
            for (name, value) in parameters {
                if *name == "redirect_uri" {
                    *value = "https://elsewhere.example/cb?code=hunter2".to_owned();
                }
            }
        });
        let copy = file(&page.clone().with(400));
        assert_eq!(copy["reason"], "redirect_uri_unregistered", "{copy:#}");
        assert_eq!(copy["request_id"], page.header("x-request-id").unwrap());
        assert_eq!((&copy["status"], &copy["at"]), (&json!(400), &json!(world.now())));
        assert_eq!((&copy["configuration_version"], &copy["v"]), (&json!(1), &json!(1)));
        assert_eq!(copy["gateway_version"], env!("CARGO_PKG_VERSION"));
        assert!(copy["client"].is_string(), "{copy:#}");
        assert!(!copy.to_string().contains("hunter2"), "{copy:#}");
        assert!(copy["cut"].as_array().unwrap().iter().any(|cut| cut == "the ids and names of persons"));
        assert!(!page.text().contains("/connections/request?"), "who is not signed in has nothing written down");
    });
    assert_eq!(uses, Uses::default());
}

#[test]
fn where_storage_does_not_answer_the_page_still_says_all_it_knows() {
    let world = World::new();
    world.get("/healthz");
    world.platform.directory_down.set(true);
    world.platform.ledger_down.set(true);
    let mut browser = world.browser();
    let page = browser.goes_to("/nothing").clone();
    assert_eq!(file(&page)["reason"], "no_such_endpoint");
}

#[test]
fn who_is_signed_in_gets_their_own_entries_and_nobody_elses() {
    let world = World::new();
    let mut alice = somebody(&world, "alice");
    let asking = world.client("cursor").registers().in_browser(&alice).authorizes();
    let mut form = asking.browser.form("/oauth/consent");
    form.fields.insert("ticket".to_owned(), "forged".to_owned());
    alice = asking.browser;
    let page = alice.submits(&form).clone();
    let id = page.header("x-request-id").unwrap().to_owned();
    assert_eq!(file(&page)["request_id"], id);
    assert!(page.text().contains(&format!("/connections/request?request_id={id}")), "{}", page.shown());
    let own = alice.goes_to(&format!("/connections/request?request_id={id}")).clone().with(200).json();
    let entry = &own["entries"][0];
    assert_eq!(
        (&entry["subject"], &entry["reason"]),
        (&json!("dev:alice"), &json!("no_pending_authorization")),
        "{own:#}"
    );

    let client = world.client("claude").connects("bob");
    let entries = world.request("GET", "/admin/log?kind=token").bearer(crate::world::ADMIN_TOKEN).send().json();
    let bobs = entries["entries"][0]["request_id"].as_str().unwrap().to_owned();
    let path = format!("/connections/request?request_id={bobs}");
    let mut bob = client.browser;
    let own = bob.goes_to(&path).clone().with(200);
    assert_eq!(own.header("content-disposition"), Some(&*format!("attachment; filename=\"request-{bobs}.json\"")));
    let kinds: Vec<_> = own.json()["entries"].as_array().unwrap().iter().map(|entry| entry["kind"].clone()).collect();
    assert!(kinds.contains(&json!("token")) && kinds.contains(&json!("consent")), "{kinds:?}");
    assert_eq!(own.json()["entries"][0]["subject"], "dev:bob");
    alice.goes_to(&path).refused(404, "no_own_request");
    alice.goes_to(&format!("/connections/request?request_id={}", "0".repeat(32))).refused(404, "no_own_request");
    for wrong in ["", "?request_id=%27%20OR%201", "?request_id=a&request_id=b"] {
        alice.goes_to(&format!("/connections/request{wrong}")).refused(404, "no_own_request");
    }
    let mut nobody = world.browser();
    nobody.goes_to(&path);
    assert!(nobody.shows.text().contains("/login/callback"), "asked to sign in: {}", nobody.shows.shown());
}
