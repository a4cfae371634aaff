//! What an operator would be woken for, as states: in `/status`, in the console and as lines when they begin and end.
//!
//! Not here: how long each is told of (`memory::alarms`), and an isolate that trapped (tests/e2e/trap.test.mjs).

use mcp_edge_gateway::ports::FetchError;
use serde_json::{Value, json};

use crate::world::idp::ISSUER;
use crate::world::platform::Scripted;
use crate::world::tokens::Tokens;
use crate::world::{ADMIN_TOKEN, KEY_1, KEY_2, World};

fn alarms(world: &World) -> Vec<Value> {
    let status = world.request("GET", "/status").bearer(ADMIN_TOKEN).send().json();
    status["alarms"].as_array().unwrap().clone()
}

/// The lines of states that began or ended.
fn told(world: &World) -> Vec<(String, String, String)> {
    let journal = world.platform.journal.borrow();
    let lines = journal.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    lines
        .filter(|line| line["event"].as_str().is_some_and(|event| event.starts_with("alarm_")))
        .map(|line| (text(&line["event"]), text(&line["alarm"]), text(&line["about"])))
        .collect()
}

fn change(event: &str, alarm: &str, about: &str) -> (String, String, String) {
    (event.to_owned(), alarm.to_owned(), about.to_owned())
}

#[test]
fn an_identity_provider_that_cannot_be_used_is_an_alarm_until_it_can() {
    let world = World::public(|_| ());
    assert!(alarms(&world).is_empty());
    world.new_isolate();
    world.outside_fails(ISSUER, FetchError::Unreachable);
    let began = world.now();
    world.get("/login").with(503);
    world.passes(60);
    let shown = alarms(&world);
    assert_eq!(shown.len(), 1, "{shown:?}");
    let alarm = &shown[0];
    assert_eq!((&alarm["alarm"], &alarm["about"]), (&json!("identity_provider"), &json!(ISSUER)));
    assert_eq!((&alarm["reason"], &alarm["since"]), (&json!("login_unavailable"), &json!(began)));
    assert_eq!((&alarm["last"], &alarm["times"]), (&json!(began + 60), &json!(2)));
    world.outside(ISSUER, world.idp.host());
    world.passes(10);
    assert!(alarms(&world).is_empty());
    let changes = ["alarm_raised", "alarm_cleared"].map(|event| change(event, "identity_provider", ISSUER));
    assert_eq!(told(&world), changes);
}

#[test]
fn a_provider_whose_tokens_cannot_be_had_is_one_although_its_metadata_is_remembered() {
    let world = World::public(|_| ());
    let signing_in = world.client("claude").registers().authorizes();
    let idp = world.idp.host();
    world.outside(
        ISSUER,
        std::rc::Rc::new(
            move |request| {
                if request.url.path().contains("token") { Err(FetchError::TimedOut) } else { idp(request) }
            },
        ),
    );
    let mut browser = signing_in.browser;
    let back = world.idp.signs_in(&world, &browser.at, "alice");
    browser.goes_to(back.as_str()).refused(503, "login_unavailable");
    assert_eq!(alarms(&world)[0]["alarm"], "identity_provider");
}

#[test]
fn something_stored_under_a_key_that_is_gone_is_an_alarm_and_what_clients_present_is_none() {
    let world = World::new();
    let client = world.client("claude").connects("alice").initializes().calls("echo");
    world.set_secret("KEY_RING", KEY_2);
    world.new_isolate();
    client.call("echo").refused(401, "token_unknown_key");
    assert!(alarms(&world).is_empty(), "anybody can present a number that is not there");
    client.clone().authorizes();
    let shown = alarms(&world);
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert_eq!((&shown[0]["alarm"], &shown[0]["about"]), (&json!("key_ring"), &json!("1")));
    assert_eq!(shown[0]["reason"], "ring_key_missing");
    assert_eq!(told(&world), [change("alarm_raised", "key_ring", "1")]);
    world.set_secret("KEY_RING", &format!("{KEY_1},{KEY_2}"));
    world.new_isolate();
    world.client("again").registers().in_browser(&client.browser).authorizes();
    assert!(alarms(&world).is_empty());
}

#[test]
fn registrations_at_their_limit_are_an_alarm_for_a_while() {
    let world = World::new();
    world.platform.registrations_left.set(0);
    let register =
        || world.request("POST", "/oauth/register").json(&json!({"redirect_uris": ["https://a.example/cb"]}));
    for _ in 0..3 {
        register().send().refused(429, "registration_rate_limited");
    }
    let shown = alarms(&world);
    assert_eq!((&shown[0]["alarm"], &shown[0]["times"]), (&json!("registrations"), &json!(3)));
    assert_eq!(told(&world).len(), 1, "it is told once");
    world.passes(600);
    assert!(alarms(&world).is_empty());
}

#[test]
fn refreshes_that_fail_are_an_alarm_and_the_console_shows_it() {
    let (world, tokens) = Tokens::in_world();
    world.reconfigure(|config| config["operators"] = json!({"subjects": ["dev:alice"]}));
    let client = tokens.connected(Some(600));
    world.passes(700);
    tokens.bends(|_, _| Some(Ok(Scripted::new(503, &[], ""))));
    client.call("search").refused(503, "upstream_token_unavailable");
    assert_eq!((&alarms(&world)[0]["alarm"], &alarms(&world)[0]["about"]), (&json!("refreshes"), &json!("docs")));
    let mut browser = world.browser();
    browser.goes_to("/admin");
    browser.presses("/login/callback", "account", "alice");
    let page = browser.shows.text().clone();
    assert!(page.contains("could not be refreshed") && page.contains("upstream_token_unavailable"), "{page}");
    tokens.behaves();
    world.passes(61);
    client.calls_without_session("search");
    assert!(alarms(&world).is_empty());
    let changes = ["alarm_raised", "alarm_cleared"].map(|event| change(event, "refreshes", "docs"));
    assert_eq!(told(&world), changes);
}

#[test]
fn nobody_but_an_operator_is_told() {
    let world = World::new();
    world.platform.registrations_left.set(0);
    let odd = json!({"redirect_uris": ["https://a.example/cb"]});
    world.request("POST", "/oauth/register").json(&odd).send().refused(429, "registration_rate_limited");
    let status = world.get("/status");
    assert!(!status.text().contains("alarms") && !status.text().contains("registration"), "{}", status.shown());
}
