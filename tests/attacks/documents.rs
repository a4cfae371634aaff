//! Attacks with client metadata documents: anybody names the URL the gateway is to fetch, and writes what it finds
//! there.
//!
//! Not here: each rule of a document by itself (unit tests of `oauth::client::document`).

use serde_json::{Value, json};

use crate::world::World;
use crate::world::answer::Answer;

const ID: &str = "https://client.example/client.json";
const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

fn document() -> Value {
    json!({"client_id": ID, "client_name": "Published", "redirect_uris": ["https://client.example/cb"]})
}

fn authorize(world: &World, id: &str) -> Answer {
    let mut client = world.client("published").with_id(id).comes_back_at("https://client.example/cb");
    client.authorization(|_| ())
}

#[test]
fn nothing_that_is_not_public_https_is_ever_fetched() {
    let world = World::public(|_| ());
    world.sent();
    for (id, reason) in [
        ("https://127.0.0.1/client.json", "client_document_not_public"),
        ("https://10.0.0.8/client.json", "client_document_not_public"),
        ("https://192.168.1.1/client.json", "client_document_not_public"),
        ("https://169.254.169.254/latest/meta-data", "client_document_not_public"),
        ("https://[::1]/client.json", "client_document_not_public"),
        ("https://[::ffff:a00:1]/client.json", "client_document_not_public"),
        ("https://[fd00::1]/client.json", "client_document_not_public"),
        ("https://localhost/client.json", "client_document_not_public"),
        ("https://printer.local/client.json", "client_document_not_public"),
        ("https://metadata.google.internal/client.json", "client_document_not_public"),
        ("https://0x7f000001/client.json", "client_document_not_canonical"),
        ("https://2130706433/client.json", "client_document_not_canonical"),
        ("https://017700000001/client.json", "client_document_not_canonical"),
        ("http://client.example/client.json", "client_document_not_https"),
        ("http://localhost:8080/client.json", "client_document_not_https"),
        ("https://user@client.example/client.json", "client_document_user_info"),
        ("https://client.example/a/../client.json", "client_document_not_canonical"),
        ("https://client.example/client.json#x", "client_document_fragment"),
        ("https://client.example/", "client_document_no_path"),
    ] {
        authorize(&world, id).refused(400, reason);
    }
    assert!(world.sent().is_empty());
}

#[test]
fn a_gateway_in_development_fetches_from_loopback_and_from_no_other_private_place() {
    let world = World::new();
    authorize(&world, "https://10.0.0.8/client.json").refused(400, "client_document_not_public");
    authorize(&world, "http://10.0.0.8/client.json").refused(400, "client_document_not_https");
    assert!(world.sent().is_empty());
    authorize(&world, "http://127.0.0.1:9000/client.json").refused(400, "client_document_unreachable");
    assert_eq!(world.sent().len(), 1);
}

#[test]
fn a_redirect_of_a_document_is_not_followed() {
    let world = World::public(|_| ());
    for status in [301, 302, 303, 307, 308] {
        world.outside_answers("https://client.example", status, &[("location", "https://10.0.0.8/")], "");
        world.sent();
        authorize(&world, ID).refused(400, "client_document_redirected");
        let sent = world.sent();
        assert_eq!(sent.len(), 1, "{status}");
        assert_eq!(sent[0].url.as_str(), ID);
    }
}

#[test]
fn a_document_that_does_not_fit_is_no_client() {
    let world = World::public(|_| ());
    let with = |field: &str, value: Value| {
        let mut document = document();
        document[field] = value;
        document.to_string()
    };
    let oversized = with("padding", "x".repeat(6000).into());
    let html = [("content-type", "text/html")];
    for (status, headers, body, reason) in [
        (200, &JSON, with("client_id", "https://other.example/client.json".into()), "client_document_other_client_id"),
        (200, &JSON, with("client_secret", "s".into()), "client_document_secret"),
        (200, &JSON, with("token_endpoint_auth_method", "client_secret_post".into()), "client_document_authentication"),
        (200, &JSON, with("redirect_uris", json!([])), "client_document_metadata"),
        (200, &JSON, with("redirect_uris", json!(["http://client.example/cb"])), "client_document_metadata"),
        (200, &JSON, "[]".to_owned(), "client_document_metadata"),
        (200, &JSON, oversized, "client_document_too_large"),
        (200, &html, document().to_string(), "client_document_not_json"),
        (404, &JSON, document().to_string(), "client_document_status"),
        (500, &JSON, document().to_string(), "client_document_status"),
    ] {
        world.outside_answers("https://client.example", status, headers, &body);
        authorize(&world, ID).refused(400, reason);
    }
    world.outside_answers("https://client.example", 200, &JSON, &document().to_string());
    assert_eq!(authorize(&world, ID).status, 303, "no refusal was kept");
}

#[test]
fn a_document_gives_no_redirect_uri_it_does_not_list() {
    let world = World::public(|_| ());
    world.outside_answers("https://client.example", 200, &JSON, &document().to_string());
    let mut client = world.client("x").with_id(ID).comes_back_at("https://evil.example/cb");
    client.authorization(|_| ()).refused(400, "redirect_uri_unregistered");
}

#[test]
fn nothing_named_inside_a_document_is_fetched() {
    let world = World::public(|_| ());
    let mut document = document();
    for field in ["logo_uri", "jwks_uri", "client_uri", "policy_uri", "tos_uri"] {
        document[field] = "https://10.0.0.8/".into();
    }
    world.outside_answers("https://client.example", 200, &JSON, &document.to_string());
    world.sent();
    world.client("x").with_id(ID).comes_back_at("https://client.example/cb").authorizes().signs_in("alice").consents();
    assert!(world.sent().iter().all(|sent| !sent.url.as_str().contains("10.0.0.8")));
}

#[test]
fn documents_can_be_switched_off() {
    let world = World::public(|config| config["clients"] = json!({"metadata_documents": false}));
    world.sent();
    authorize(&world, ID).refused(400, "client_documents_disabled");
    assert!(world.sent().is_empty());
}
