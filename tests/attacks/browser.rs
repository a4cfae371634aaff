//! Attacks on the person at the browser: forms of others, sessions planted, sign-ins mixed up, hosts made up.
//!
//! Not here: where the browser may be sent (`authorization`).

use std::collections::BTreeMap;

use crate::world::browser::{Browser, Form};
use crate::world::client::Client;
use crate::world::{World, idp};

fn asked(world: &World) -> Client {
    world.client("claude").registers().authorizes().signs_in("alice")
}

fn approve(browser: &mut Browser, from: &Browser) -> crate::world::answer::Answer {
    let mut form = from.form("/oauth/consent");
    form.fields.insert("decision".to_owned(), "approve".to_owned());
    browser.shows = from.shows.clone();
    browser.at = from.at.clone();
    browser.submits(&form).clone()
}

#[test]
fn a_consent_form_needs_the_cookie_of_the_browser_it_was_shown_to() {
    let world = World::new();
    let alice = asked(&world);
    let mut nobody = world.browser();
    approve(&mut nobody, &alice.browser).refused(400, "no_pending_authorization");
    let mut bob = world.client("other").registers().authorizes().signs_in("bob").browser;
    approve(&mut bob, &alice.browser).refused(400, "no_pending_authorization");
    let mut alice_again = world.client("other").registers().authorizes().signs_in("alice").browser;
    approve(&mut alice_again, &alice.browser).refused(400, "no_pending_authorization");
    alice.consents().redeems();
}

#[test]
fn a_consent_form_cannot_be_forged_or_changed() {
    let world = World::new();
    let alice = asked(&world);
    let real = alice.browser.form("/oauth/consent");
    let ticket = &real.fields["ticket"];
    let mut flipped = ticket.clone().into_bytes();
    flipped[40] = if flipped[40] == b'A' { b'B' } else { b'A' };
    let mut other_record = asked(&world).browser;
    other_record.goes_to("/login");
    let login = other_record.cookies.iter().find(|(name, _)| name.contains("mcp_login")).unwrap().1.0.clone();
    for forged in [String::new(), "AAAA".to_owned(), String::from_utf8(flipped).unwrap(), login] {
        let mut form = real.clone();
        form.fields.insert("ticket".to_owned(), forged);
        form.fields.insert("decision".to_owned(), "approve".to_owned());
        alice.clone().browser.submits(&form).refused(400, "no_pending_authorization");
    }
}

#[test]
fn a_consent_form_is_answered_once() {
    let world = World::new();
    let alice = asked(&world);
    let mut replay = alice.clone();
    let client = alice.consents();
    replay.browser.presses("/oauth/consent", "decision", "approve").refused(400, "no_pending_authorization");
    replay.browser = client.browser.clone();
    client.redeems().calls("echo");
}

#[test]
fn a_consent_form_posted_by_another_site_is_refused() {
    let world = World::new();
    let alice = asked(&world);
    let ticket = alice.browser.form("/oauth/consent").fields["ticket"].clone();
    let post = |name: &str, value: &str| {
        let asking = world.request("POST", "/oauth/consent").cookies(&alice.browser.cookie_header());
        asking.header(name, value).form(&[("ticket", &ticket), ("decision", "approve")]).send()
    };
    post("origin", "https://evil.example").refused(403, "form_from_elsewhere");
    post("origin", "null").refused(403, "form_from_elsewhere");
    post("sec-fetch-site", "cross-site").refused(403, "form_from_elsewhere");
    post("sec-fetch-site", "same-site").refused(403, "form_from_elsewhere");
    alice.consents().redeems();
}

#[test]
fn a_sign_in_form_posted_by_another_site_is_refused() {
    let world = World::new();
    let waiting = world.client("claude").registers().authorizes();
    let state = waiting.browser.form("/login/callback").fields["state"].clone();
    let asking = world.request("POST", "/login/callback").cookies(&waiting.browser.cookie_header());
    let asking = asking.header("origin", "https://evil.example").form(&[("state", &state), ("account", "bob")]);
    asking.send().refused(403, "form_from_elsewhere");
}

#[test]
fn a_policy_of_never_lets_in_no_client_that_nobody_vouches_for() {
    let change = |config: &mut serde_json::Value| {
        config["consent"] = "never".into();
        config["clients"] = serde_json::json!({"preregistered": [{"client_id": "ours", "name": "Ours", "redirect_uris": ["https://ours.example/callback"]}]});
    };
    let world = World::public(change);
    let ours = world.client("ours").with_id("ours").authorizes().signs_in("alice").goes_on().redeems().calls("echo");
    let stranger = world.client("stranger").registers().in_browser(&ours.browser).authorizes();
    assert!(stranger.is_asked());
}

#[test]
fn no_page_can_be_framed() {
    let world = World::new();
    let pages = [asked(&world).browser.shows, world.client("b").registers().authorizes().browser.shows];
    for page in pages.into_iter().chain([world.get("/"), world.get("/logout"), world.get("/oauth/authorize")]) {
        assert_eq!(page.header("x-frame-options"), Some("DENY"));
        assert!(page.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
        assert_eq!(page.header("cross-origin-opener-policy"), Some("unsafe-none"));
        assert_eq!(page.header("cache-control"), Some("no-store"));
    }
}

#[test]
fn a_session_id_planted_before_sign_in_is_worth_nothing_after_it() {
    let world = World::new();
    let mut mallory = world.client("mallory").connects("bob").browser;
    let planted = mallory.cookies["__mcp_session"].clone();
    let mut victim = world.client("claude").registers();
    victim.browser.goes_to("/login");
    victim.browser.cookies.insert("__mcp_session".to_owned(), planted.clone());
    victim.browser.presses("/login/callback", "account", "alice");
    let own = victim.browser.cookies["__mcp_session"].clone();
    assert_ne!(own, planted, "a fresh id at sign-in");
    mallory.goes_to("/");
    assert!(!mallory.shows.text().contains("Alice") && !mallory.shows.text().contains("Bob"), "and the old one ended");

    let mut invented = world.client("cursor").registers();
    invented.browser.cookies.insert("__mcp_session".to_owned(), ("chosen-by-mallory".to_owned(), u64::MAX));
    let invented = invented.authorizes().signs_in("alice");
    assert_ne!(invented.browser.cookies["__mcp_session"].0, "chosen-by-mallory");
}

#[test]
fn a_sign_in_begun_in_one_browser_does_not_end_in_another() {
    let world = World::public(|_| ());
    let mallory = world.client("mallory").registers().authorizes();
    let mallorys_way_back = world.idp.signs_in(&world, &mallory.browser.at, "mallory");
    let mut victim = world.client("claude").registers().authorizes();
    victim.browser.goes_to(mallorys_way_back.as_str()).refused(400, "login_lost");
    assert!(!victim.browser.cookies.contains_key("__mcp_session"));
}

#[test]
fn the_states_of_two_sign_ins_cannot_be_swapped() {
    let world = World::public(|_| ());
    let first = world.client("claude").registers().authorizes();
    let second = world.client("cursor").registers().in_browser(&first.browser).authorizes();
    let (first_url, second_url) = (first.browser.at.clone(), second.browser.at.clone());
    let mut browser = second.browser;

    let way_back = world.idp.signs_in(&world, &first_url, "alice");
    let state = |url: &url::Url| crate::world::answer::parameter(url, "state");
    let swapped = way_back.as_str().replace(&state(&first_url), &state(&second_url));
    assert_ne!(swapped, way_back.as_str());
    browser.goes_to(&swapped).refused(502, "id_token_wrong_nonce");
    assert!(!browser.cookies.contains_key("__mcp_session"));

    let renamed = way_back.as_str().replace(&state(&first_url), &"A".repeat(43));
    browser.goes_to(&renamed).refused(400, "login_lost");
}

#[test]
fn a_sign_in_answer_of_another_provider_is_refused() {
    let world = World::public(|_| ());
    let mut client = world.client("claude").registers().authorizes();
    let way_back = world.idp.signs_in(&world, &client.browser.at, "alice");
    let mixed_up = way_back.as_str().replace("iss=https%3A%2F%2Fid.example", "iss=https%3A%2F%2Fevil.example");
    assert_ne!(mixed_up, way_back.as_str());
    client.browser.goes_to(&mixed_up).refused(400, "login_issuer_mismatch");
    let silent = way_back.as_str().replace("&iss=https%3A%2F%2Fid.example", "");
    client.browser.goes_to(&silent).refused(400, "login_issuer_missing");
}

#[test]
fn a_finished_sign_in_cannot_be_finished_again() {
    let world = World::public(|_| ());
    let mut client = world.client("claude").registers().authorizes();
    let way_back = world.idp.signs_in(&world, &client.browser.at, "alice");
    client.browser.goes_to(way_back.as_str());
    client.browser.goes_to(way_back.as_str()).refused(400, "login_lost");
}

#[test]
fn a_way_back_leads_to_no_other_site() {
    let world = World::new();
    for elsewhere in ["//evil.example/", "/\\evil.example", "https://evil.example/"] {
        let mut browser = world.browser();
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("return_to", elsewhere).finish();
        let answer = browser.goes_to(&format!("/login?{query}")).clone();
        assert_eq!((answer.status, answer.header("location")), (400, None), "{elsewhere}");
        browser.goes_to(&format!("/logout?{query}")).clone().with(200);
        let form = browser.shows.text().split_once("action=\"").unwrap().1.split('"').next().unwrap().to_owned();
        let page = browser.submits(&Form { action: form, fields: BTreeMap::new() }).clone();
        assert!(page.text().contains("Signed out"), "{}", page.shown());
        assert!(!page.text().contains("evil.example"), "{elsewhere}");
    }
}

#[test]
fn the_issuer_cannot_be_spoofed_by_a_host_header() {
    let world = World::public(|_| ());
    let metadata = "/.well-known/oauth-authorization-server";
    world.get(&format!("https://evil.example{metadata}")).refused(421, "host_not_allowed");
    world.get("https://evil.example/oauth/authorize?x=1").refused(421, "host_not_allowed");
    let forwarded = world.request("GET", metadata).header("x-forwarded-host", "evil.example").send().with(200);
    assert_eq!(forwarded.json()["issuer"], "https://mcp.example.com");
    assert!(!forwarded.text().contains("evil.example"));
    let challenge = world.request("POST", "/v1/mcp/demo").header("x-forwarded-host", "evil.example").send().with(401);
    assert!(!format!("{challenge:?}").contains("evil.example"));
    for header in ["forwarded", "x-forwarded-proto", "x-original-host", "x-host"] {
        let answer = world.request("GET", metadata).header(header, "evil.example").send().with(200);
        assert!(!answer.text().contains("evil.example"), "{header}");
    }
}

#[test]
fn without_a_public_url_only_allowed_hosts_are_issuers() {
    let change = |config: &mut serde_json::Value| {
        config.as_object_mut().unwrap().remove("public_url");
        config["allowed_hosts"] = serde_json::json!(["mcp.example.com", "mcp.example.org"]);
    };
    let world = World::public(change);
    let issuer = |host: &str| {
        let metadata = format!("https://{host}/.well-known/oauth-authorization-server");
        world.get(&metadata).with(200).json()["issuer"].clone()
    };
    assert_eq!(issuer("mcp.example.org"), "https://mcp.example.org");
    world.get("https://evil.example/.well-known/oauth-authorization-server").refused(421, "host_not_allowed");
    for own in ["mcp.example.com", "mcp.example.org"] {
        let asking = world.request("GET", &format!("https://{own}/.well-known/oauth-authorization-server"));
        let answer = asking.header("x-forwarded-host", "evil.example").send().with(200);
        assert_eq!(answer.json()["issuer"], format!("https://{own}"));
    }
    let client = world.client("claude").connects("alice").calls("echo");
    let other_host = client.resource().replace("example.com", "example.org");
    let answer = world.request("POST", &other_host).bearer(&client.access).json(&serde_json::json!({})).send();
    answer.refused(401, "token_wrong_issuer");
}

#[test]
fn the_development_sign_in_is_never_served_to_the_internet() {
    let change = |config: &mut serde_json::Value| {
        config["login"] = serde_json::json!({"kind": "dev"});
    };
    let world = World::bare("https://mcp.example.com");
    let config = serde_json::json!({"allowed_hosts": ["mcp.example.com"], "login": {"kind": "dev"}, "servers": {"demo": {"name": "Demo", "url": "https://demo.example/mcp", "auth": {"kind": "none"}}}});
    world.configure(&config).with(200);
    let waiting = world.client("claude").registers().authorizes();
    waiting.browser.shows.refused(403, "login_dev_refused");
    let mut public = serde_json::json!({"public_url": "https://mcp.example.com", "servers": {}});
    change(&mut public);
    world.configure(&public).with(422);
    assert!(!waiting.browser.at.as_str().starts_with(idp::ISSUER));
}

#[test]
fn a_name_cannot_write_into_the_page() {
    let world = World::new();
    let metadata =
        serde_json::json!({"client_name": "<script>alert(1)</script>\"'", "redirect_uris": ["https://x.example/cb"]});
    let answer = world.request("POST", "/oauth/register").json(&metadata).send().with(201).json();
    let client = world.client("x").comes_back_at("https://x.example/cb").with_id(answer["client_id"].as_str().unwrap());
    let page = client.authorizes().signs_in("alice").browser.shows.text();
    assert!(!page.contains("<script>alert") && page.contains("alert(1)"), "{page}");
}
