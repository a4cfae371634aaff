//! Clients that nobody vouches for and that sign (`private_key_jwt`): by a metadata document or a registration. Whoever
//! has their codes and tokens without their keys gets nothing, and nobody makes the gateway ask elsewhere.
//!
//! Not here: what an assertion must say, which is the same for every client (`client_assertions`).

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Value, json};

use crate::world::World;
use crate::world::answer::Answer;
use crate::world::client::Client;
use crate::world::idp::Key;
use crate::world::platform::Scripted;

const ID: &str = "https://client.example/client.json";
const ISSUER: &str = "http://localhost:8787";
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const KEY: Key = Key { id: "own", secret: 51 };
const OTHER: Key = Key { id: "own", secret: 52 };

fn document() -> Value {
    json!({"client_id": ID, "client_name": "Published", "redirect_uris": ["https://client.example/cb"],
        "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://client.example/jwks"})
}

/// A world with a host whose client it is, which publishes what is in the cell.
fn world() -> (World, Rc<RefCell<Value>>) {
    let (world, published) = (World::new(), Rc::new(RefCell::new(document())));
    let shown = Rc::clone(&published);
    world.outside(
        "https://client.example",
        Rc::new(move |request| {
            Ok(match request.url.path() {
                "/client.json" => Scripted::json(&shown.borrow()),
                "/jwks" => Scripted::json(&json!({"keys": [KEY.published()]})),
                _ => Scripted::new(404, &[], ""),
            })
        }),
    );
    (world, published)
}

fn allowed(world: &World) -> Client {
    let client = world.client("published").with_id(ID).comes_back_at("https://client.example/cb");
    client.authorizes().signs_in("alice").consents()
}

fn signed(world: &World, client: &Client, key: Key, id: &str) -> String {
    let now = world.now();
    key.signs(json!({"iss": client.id, "sub": client.id, "aud": ISSUER, "jti": id, "iat": now, "exp": now + 60}))
}

fn asks(client: &Client, form: &[(&str, &str)], assertion: Option<&str>) -> Answer {
    let mut form = [form, &[("client_id", client.id.as_str())]].concat();
    if let Some(assertion) = assertion {
        form.extend([("client_assertion_type", TYPE), ("client_assertion", assertion)]);
    }
    client.world.request("POST", "/oauth/token").form(&form).send()
}

fn redeems(client: &Client, assertion: Option<&str>) -> Answer {
    let form = [("grant_type", "authorization_code"), ("code", &client.code), ("code_verifier", &client.verifier)];
    asks(client, &form, assertion)
}

#[test]
fn who_has_code_and_verifier_of_a_published_client_needs_its_key() {
    let (world, _) = world();
    let client = allowed(&world);
    redeems(&client, None).refused(401, "client_assertion_missing");
    // An isolate that does not know its document fetches none for that, and the grant knows better.
    world.new_isolate();
    world.get("/healthz");
    world.sent();
    redeems(&client, None).refused(401, "grant_client_unproven");
    assert!(world.sent().is_empty());
    redeems(&client, Some(&signed(&world, &client, OTHER, "1"))).refused(401, "client_assertion_wrong_signature");
    let said = redeems(&client, Some(&signed(&world, &client, KEY, "2"))).with(200).json();
    let form = [("grant_type", "refresh_token"), ("refresh_token", said["refresh_token"].as_str().unwrap())];
    world.new_isolate();
    asks(&client, &form, None).refused(401, "grant_client_unproven");
    let once = signed(&world, &client, KEY, "3");
    asks(&client, &form, Some(&once)).with(200);
    asks(&client, &form, Some(&once)).refused(401, "client_assertion_used");
    let metadata = world.get("/.well-known/oauth-authorization-server").with(200).json();
    assert!(metadata["token_endpoint_auth_methods_supported"].as_array().unwrap().contains(&json!("private_key_jwt")));
}

#[test]
fn who_has_a_token_of_a_published_client_without_its_key_ends_nothing() {
    let (world, _) = world();
    let client = allowed(&world);
    let said = redeems(&client, Some(&signed(&world, &client, KEY, "1"))).with(200).json();
    let revokes = |token: &Value, assertion: Option<&str>| {
        let mut form = vec![("client_id", client.id.as_str()), ("token", token.as_str().unwrap())];
        if let Some(assertion) = assertion {
            form.extend([("client_assertion_type", TYPE), ("client_assertion", assertion)]);
        }
        world.request("POST", "/oauth/revoke").form(&form).send()
    };
    for token in [&said["refresh_token"], &said["access_token"]] {
        world.new_isolate();
        revokes(token, None).refused(401, "grant_client_unproven");
    }
    let form = [("grant_type", "refresh_token"), ("refresh_token", said["refresh_token"].as_str().unwrap())];
    let said = asks(&client, &form, Some(&signed(&world, &client, KEY, "2"))).with(200).json();
    revokes(&said["access_token"], Some(&signed(&world, &client, KEY, "3"))).with(200);
    let form = [("grant_type", "refresh_token"), ("refresh_token", said["refresh_token"].as_str().unwrap())];
    asks(&client, &form, Some(&signed(&world, &client, KEY, "4"))).refused(400, "grant_revoked");
}

#[test]
fn the_keys_of_a_document_are_in_it_or_on_its_own_origin() {
    for (member, value) in [
        ("jwks_uri", json!("https://victim.example/jwks")),
        ("jwks_uri", json!("https://client.example:8443/jwks")),
        ("jwks_uri", json!("http://client.example/jwks")),
        ("jwks_uri", json!("http://localhost:8787/jwks")),
        ("jwks_uri", json!(null)),
        ("jwks", json!({"keys": [KEY.published()]})), // beside jwks_uri
    ] {
        let (world, published) = world();
        published.borrow_mut()[member] = value.clone();
        let mut client = world.client("published").with_id(ID).comes_back_at("https://client.example/cb");
        client.authorization(|_| ()).refused(400, "client_document_metadata");
        assert_eq!(world.sent().iter().filter(|sent| sent.url.path() != "/client.json").count(), 0, "{member} {value}");
    }
    let (world, published) = world();
    published.borrow_mut().as_object_mut().unwrap().remove("jwks_uri");
    let mut private = KEY.published();
    private["d"] = json!("AAAA");
    published.borrow_mut()["jwks"] = json!({"keys": [private]});
    let mut client = world.client("published").with_id(ID).comes_back_at("https://client.example/cb");
    client.authorization(|_| ()).refused(400, "client_document_metadata");
    published.borrow_mut()["jwks"] = json!({"keys": [KEY.published()]});
    let client = allowed(&world);
    redeems(&client, Some(&signed(&world, &client, KEY, "1"))).with(200);
    published.borrow_mut()["token_endpoint_auth_method"] = json!("client_secret_jwt");
    world.new_isolate();
    let mut client = world.client("published").with_id(ID).comes_back_at("https://client.example/cb");
    client.authorization(|_| ()).refused(400, "client_document_authentication");
}

fn registration(world: &World, change: impl FnOnce(&mut Value)) -> Answer {
    let mut metadata = json!({"client_name": "Registered", "redirect_uris": ["https://client.example/cb"],
        "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://client.example/jwks"});
    change(&mut metadata);
    world.request("POST", "/oauth/register").json(&metadata).send()
}

#[test]
fn a_client_registers_its_keys_and_gets_no_secret() {
    let (world, _) = world();
    let said = registration(&world, |_| ()).with(201).json();
    assert_eq!((said.get("client_secret"), &said["token_endpoint_auth_method"]), (None, &json!("private_key_jwt")));
    let id = said["client_id"].as_str().unwrap();
    let client = world.client("registered").with_id(id).comes_back_at("https://client.example/cb");
    let client = client.authorizes().signs_in("alice").consents();
    redeems(&client, None).refused(401, "client_assertion_missing");
    redeems(&client, Some(&signed(&world, &client, OTHER, "1"))).refused(401, "client_assertion_wrong_signature");
    let said = redeems(&client, Some(&signed(&world, &client, KEY, "2"))).with(200).json();
    // As it was stored when it was first used.
    world.new_isolate();
    world.passes(30 * 3600);
    let form = [("grant_type", "refresh_token"), ("refresh_token", said["refresh_token"].as_str().unwrap())];
    asks(&client, &form, None).refused(401, "client_assertion_missing");
    asks(&client, &form, Some(&signed(&world, &client, KEY, "3"))).with(200);
    let inline = |metadata: &mut Value| {
        metadata.as_object_mut().unwrap().remove("jwks_uri");
        metadata["jwks"] = json!({"keys": [KEY.published()]});
    };
    registration(&world, inline).with(201);
}

#[test]
fn a_registration_leads_the_gateway_to_no_strangers_host() {
    let (world, _) = world();
    for address in [
        "https://victim.example/jwks",
        "http://client.example/jwks",
        "https://10.0.0.1/jwks",
        "https://127.0.0.1/jwks",
        "x",
    ] {
        registration(&world, |metadata| metadata["jwks_uri"] = json!(address)).refused(400, "registration_metadata");
    }
    registration(&world, |metadata| metadata["jwks_uri"] = json!(null)).refused(400, "registration_metadata");
    assert!(world.sent().is_empty());
    // Nor to its own machine, where a program comes back to as well.
    let local = |metadata: &mut Value| {
        metadata["redirect_uris"] = json!(["http://localhost:9000/cb"]);
        metadata["jwks_uri"] = json!("http://localhost:9000/jwks");
    };
    registration(&world, local).with(201);
    registration(&World::public(|_| ()), local).refused(400, "registration_metadata");
}

#[test]
fn keys_of_strangers_are_asked_for_as_often_as_anybody_may_register() {
    let (world, _) = world();
    let client = allowed(&world);
    world.platform.registrations_left.set(0);
    redeems(&client, Some(&signed(&world, &client, KEY, "1"))).refused(429, "registration_rate_limited");
    world.platform.registrations_left.set(9);
    redeems(&client, Some(&signed(&world, &client, KEY, "2"))).with(200);
}
