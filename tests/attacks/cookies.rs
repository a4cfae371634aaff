//! Attacks on the session cookie: planted from a sibling host or plain http, doubled to lock somebody out, made up to
//! cost something. And signing a person out from elsewhere.
//!
//! Not here: ids from before a sign-in (`browser`).

use std::collections::BTreeMap;

use crate::world::World;
use crate::world::answer::Answer;
use crate::world::browser::{Browser, Form};

const SESSION: &str = "__mcp_session";
const TWIN: &str = "__Host-mcp_session";

fn signed_in(world: &World, person: &str) -> Browser {
    world.client("claude").connects(person).browser
}

fn value<'a>(browser: &'a Browser, name: &str) -> &'a str {
    &browser.cookies[name].0
}

fn shown(world: &World, cookies: &str) -> Answer {
    world.request("GET", "/").cookies(cookies).send().with(200)
}

#[test]
fn a_session_is_two_cookies_of_which_a_sibling_host_can_plant_one() {
    let world = World::public(|_| ());
    let (alice, mallory) = (signed_in(&world, "alice"), signed_in(&world, "mallory"));
    let (hers, twin) = (value(&alice, SESSION), value(&alice, TWIN));
    assert_ne!(hers, twin);
    assert!(shown(&world, &format!("{SESSION}={hers}; {TWIN}={twin}")).text().contains("alice"));

    let planted = value(&mallory, SESSION);
    for cookies in [
        format!("{SESSION}={planted}"),
        format!("{SESSION}={planted}; {TWIN}={twin}"),
        format!("{SESSION}={hers}"),
        format!("{SESSION}={hers}; {TWIN}={hers}"),
        format!("{SESSION}={hers}; {TWIN}={twin}; {TWIN}={twin}"),
        format!("{TWIN}={twin}"),
    ] {
        let page = shown(&world, &cookies).text();
        assert!(!page.contains("mallory") && !page.contains("alice"), "{cookies}");
    }
}

#[test]
fn of_several_cookies_of_the_name_the_one_whose_twin_fits_is_taken() {
    let world = World::public(|_| ());
    let (alice, mallory) = (signed_in(&world, "alice"), signed_in(&world, "mallory"));
    let own = format!("{SESSION}={}; {TWIN}={}", value(&alice, SESSION), value(&alice, TWIN));
    let planted = format!("{SESSION}={}", value(&mallory, SESSION));
    for cookies in [format!("{planted}; {own}"), format!("{own}; {planted}"), format!("{SESSION}=x; {planted}; {own}")]
    {
        assert!(shown(&world, &cookies).text().contains("alice"), "{cookies}");
    }
    let alone = world.uses_of(|| {
        shown(&world, &own);
    });
    let many = format!("{SESSION}=planted; ").repeat(100);
    let uses = world.uses_of(|| {
        assert!(shown(&world, &format!("{many}{planted}; {own}")).text().contains("alice"), "nobody is locked out");
    });
    assert_eq!(uses.directory, alone.directory, "none of them is looked up");
    let forged = format!("{TWIN}={}", value(&mallory, TWIN));
    let uses = world.uses_of(|| {
        assert!(!shown(&world, &format!("{many}{forged}")).text().contains("alice"));
    });
    assert_eq!(uses.directory, 0, "nor where a twin is made up");
}

#[test]
fn a_session_from_before_twins_signs_in_once_more() {
    let world = World::public(|config| {
        config.as_object_mut().unwrap().remove("public_url");
        config["allowed_hosts"] = serde_json::json!(["mcp.example.com"]);
    });
    let mut alice = signed_in(&world, "alice");
    alice.cookies.remove(TWIN);
    assert!(!shown(&world, &alice.cookie_header()).text().contains("alice"));
    let client = world.client("other").registers().in_browser(&alice).authorizes();
    assert!(client.must_sign_in());
    client.signs_in("alice").consents().redeems().calls("echo");
}

#[test]
fn without_https_there_is_one_cookie_and_two_of_it_are_none() {
    let world = World::new();
    let alice = signed_in(&world, "alice");
    assert!(!alice.cookies.contains_key(TWIN) && !alice.cookies.contains_key("mcp_session"));
    let own = alice.cookie_header();
    assert!(shown(&world, &own).text().contains("Alice"));
    assert!(!shown(&world, &format!("{own}; {SESSION}=x")).text().contains("Alice"));
}

/// `POST /logout` with these headers.
fn signing_out(world: &World, cookies: &str, headers: &[(&str, &str)]) -> Answer {
    let asking = world.request("POST", "/logout").cookies(cookies);
    headers.iter().fold(asking, |asking, (name, value)| asking.header(name, value)).send()
}

#[test]
fn no_other_site_signs_a_person_out() {
    for world in [World::new(), World::public(|_| ())] {
        let mut alice = signed_in(&world, "alice");
        let cookies = alice.cookie_header();
        let answer = alice.goes_to("/logout").clone().with(200);
        assert_eq!(answer.header("set-cookie"), None);
        for header in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
            let answer = signing_out(&world, &cookies, &[header]);
            answer.refused(403, "form_from_elsewhere");
            assert_eq!(answer.header("set-cookie"), None);
        }
        let name = |page: Answer| page.text().to_lowercase().contains("alice");
        assert!(name(shown(&world, &cookies)), "still signed in");
        alice.submits(&Form { action: "/logout".to_owned(), fields: BTreeMap::new() }).clone().with(200);
        assert!(!name(shown(&world, &cookies)), "the session is gone, not only its cookies");
        assert!(!name(shown(&world, &alice.cookie_header())));
        assert!(alice.cookie_header().is_empty(), "{}", alice.cookie_header());
    }
}

#[test]
fn a_made_up_cookie_makes_nobody_delete_or_write_anything() {
    for world in [World::new(), World::public(|_| ())] {
        let origin = world.origin();
        world.get("/login").with(303);
        world.platform.directory_read_only.set(true);
        for cookies in [format!("{SESSION}=made-up"), format!("{SESSION}=made-up; {TWIN}=made-up"), String::new()] {
            let uses = world.uses_of(|| {
                signing_out(&world, &cookies, &[("origin", &origin)]).with(200);
            });
            assert!(uses.directory <= 1 && uses.ledger == 0, "one look at most: {}", uses.directory);
            let uses = world.uses_of(|| {
                world.request("GET", "/logout").cookies(&cookies).send().with(200);
                world.request("GET", "/login").cookies(&cookies).send().with(303);
            });
            assert_eq!((uses.directory, uses.ledger), (0, 0));
        }
    }
}
