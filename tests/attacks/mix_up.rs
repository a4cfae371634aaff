//! A mix-up of two authorization servers of which neither says who it is in its answers (RFC 9700 §4.4): a configured
//! server that is hostile sends people on to an honest one, to get the code that they come back with.
//!
//! Not here: issuers that name themselves (`connect`).

use mcp_edge_gateway::secret::{Digested, Secret};
use mcp_edge_gateway::time::Timestamp;
use mcp_edge_gateway::upstream::state::{ClientKind, State};
use mcp_edge_gateway::vault::KeyRing;
use serde_json::{Value, json};
use url::Url;

use crate::world::answer::parameter;
use crate::world::client::Client;
use crate::world::protected::Protected;
use crate::world::{KEY_1, World};

/// Two servers whose issuers do not name themselves.
fn unnamed(documents: bool) -> (World, Protected, Protected) {
    let world = World::public(|_| ());
    let both = ["honest", "evil"].map(|name| {
        let server = Protected::new(&world, name);
        let mut says = server.says.borrow_mut();
        says.issuer["authorization_response_iss_parameter_supported"] = Value::Null;
        says.issuer["client_id_metadata_document_supported"] = documents.into();
        drop(says);
        server
    });
    let [honest, evil] = both;
    world.reconfigure(|config| {
        config["servers"]["honest"] = honest.configured("Honest", &json!({}));
        config["servers"]["evil"] = evil.configured("Evil", &json!({}));
    });
    (world, honest, evil)
}

fn sent_off(world: &World, server: &str) -> Client {
    world.client("claude").at(server).registers().authorizes().signs_in("alice").approves().presses_connect()
}

/// What comes back of a page of the honest issuer that somebody was led to: its code, and nothing that says whose it
/// is.
fn answered(honest: &Protected, page: &Url) -> Url {
    let back = honest.approves(page);
    Protected::back(page, &[("code", &parameter(&back, "code"))])
}

/// The page of the honest issuer, as it is for the gateway's client there, with the state and the challenge of another
/// trip.
fn led_to(honest: &Url, evil: &Url) -> Url {
    let of_evil = ["state", "code_challenge"].map(|name| (name, parameter(evil, name)));
    with(honest, &of_evil.each_ref().map(|(name, value)| (*name, value.as_str())))
}

/// The same page with other parameters.
fn with(page: &Url, changes: &[(&str, &str)]) -> Url {
    let mut led = page.clone();
    let pairs = page.query_pairs().map(|(name, value)| {
        let value =
            changes.iter().find(|change| change.0 == name).map_or(value.into_owned(), |change| change.1.to_owned());
        (name.into_owned(), value)
    });
    led.query_pairs_mut().clear().extend_pairs(pairs);
    led
}

#[test]
fn a_code_that_comes_to_the_callback_of_another_issuer_is_sent_nowhere() {
    for documents in [false, true] {
        let (world, honest, evil) = unnamed(documents);
        let page = sent_off(&world, "honest").browser.at.clone();
        let mut client = sent_off(&world, "evil");
        let stolen = answered(&honest, &led_to(&page, &client.browser.at));
        client.browser.goes_to(stolen.as_str()).refused(400, "upstream_answer_of_other_issuer");
        assert!(evil.seen("/token").is_empty() && honest.seen("/token").is_empty(), "documents: {documents}");
    }
}

#[test]
fn each_issuer_knows_another_client_with_another_callback() {
    for documents in [false, true] {
        let (world, _, _) = unnamed(documents);
        let trips = ["honest", "evil"].map(|server| sent_off(&world, server).browser.at.clone());
        let both = |name: &str| trips.clone().map(|trip| parameter(&trip, name));
        let [honest, evil] = both("redirect_uri");
        assert_ne!(honest, evil);
        let [honest, evil] = both("client_id");
        assert!(!documents || honest != evil);
    }
}

#[test]
fn nor_to_the_one_callback_of_clients_that_were_registered_by_hand() {
    let (world, honest, evil) = unnamed(false);
    let client = json!({"client_id": "by-hand"});
    world.reconfigure(|config| {
        config["servers"]["honest"] = honest.configured("Honest", &json!({"client": client, "issuer": honest.issuer}));
    });
    let page = sent_off(&world, "honest").browser.at.clone();
    assert_eq!(parameter(&page, "redirect_uri"), "https://mcp.example.com/oauth/upstream-callback");
    let mut client = sent_off(&world, "evil");
    let stolen = answered(&honest, &led_to(&page, &client.browser.at));
    client.browser.goes_to(stolen.as_str()).refused(400, "upstream_answer_of_other_issuer");
    assert!(evil.seen("/token").is_empty() && honest.seen("/token").is_empty());
}

#[test]
fn an_issuer_that_sends_people_to_the_endpoint_of_another_is_refused() {
    let (world, honest, evil) = unnamed(true);
    for endpoint in ["/authorize", "/authorize?tenant=x", "//Authorize/"] {
        evil.says.borrow_mut().issuer["authorization_endpoint"] = format!("{}{endpoint}", honest.issuer).into();
        let client = world.client("claude").at("evil").registers().authorizes().signs_in("alice").approves();
        let page = client.browser.shows.text();
        assert!(page.contains("upstream_endpoint_of_other_issuer") && page.contains(&honest.issuer), "{page}");
    }
    assert!(evil.seen("/register").is_empty());
    // One that nobody else has is fine, wherever it is.
    evil.says.borrow_mut().issuer["authorization_endpoint"] = format!("{}/elsewhere", honest.issuer).into();
    let client = sent_off(&world, "evil");
    assert!(client.browser.at.as_str().starts_with(&format!("{}/elsewhere?", honest.issuer)));
}

#[test]
fn who_was_under_way_when_there_was_one_callback_for_all_comes_through() {
    for (documents, kind) in [(false, ClientKind::Registered(1)), (true, ClientKind::Document)] {
        let (world, honest, _) = unnamed(documents);
        let client = sent_off(&world, "honest");
        // The trip as it was begun then.
        let callback = format!("{}/oauth/upstream-callback", world.origin());
        let keys = KeyRing::parse(&Secret::new(KEY_1)).unwrap();
        let cookies = client.browser.cookie_header();
        let browser =
            cookies.split("; ").find_map(|pair| pair.strip_prefix("__mcp_session=")).map(Digested::of).unwrap();
        let state = Secret::new(parameter(&client.browser.at, "state"));
        let mut state = State::open(&keys, &browser, &state, Timestamp(world.now())).unwrap();
        (state.redirect_uri, state.client) = (callback.clone(), kind);
        let state = state.seal(&keys, &browser, [7; 12]);
        let page = with(&client.browser.at, &[("state", state.expose()), ("redirect_uri", &callback)]);

        let client = client.follows(&answered(&honest, &page));
        assert!(!client.code.is_empty(), "{}", client.browser.shows.shown());
        let sent = &honest.seen("/token")[0];
        assert_eq!(sent["redirect_uri"], callback);
        let document = format!("{}/oauth/client-metadata.json", world.origin());
        assert_eq!(sent["client_id"], if documents { document } else { "client-1".to_owned() });
    }
}
