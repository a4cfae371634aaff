//! What is at rest, byte by byte: a deployed gateway left it there, and the next version must find it. The unit tests
//! beside each record pin its JSON; here are the keys it is found under, the seals around it, and proof that
//! yesterday's records still work.
//!
//! Not here: what the records mean.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on stops")]
#![allow(unreachable_pub, reason = "what the tests of one binary share")]

mod world;

use std::collections::BTreeSet;

use base64ct::{Base64UrlUnpadded, Encoding};
use mcp_edge_gateway::oauth::client::id;
use mcp_edge_gateway::oauth::grant::{GrantId, Outcome, Rejection};
use mcp_edge_gateway::oauth::token::access_token::Claims;
use mcp_edge_gateway::oauth::token::opaque::OpaqueKind;
use mcp_edge_gateway::oauth::token::{access_token, opaque};
use mcp_edge_gateway::oauth::{grant, subject};
use mcp_edge_gateway::secret::{Digested, Secret};
use mcp_edge_gateway::time::Timestamp;
use mcp_edge_gateway::vault::{KeyRing, Purpose};
use serde_json::{Value, json};
use world::tokens::Tokens;
use world::{KEY_1, KEY_2, World};

const CLIENT_ID: &str = "mcpg_client_BwcHBwcHBwcHBwcHBwcHBw";
const STORED_CLIENT: &str = r#"{"v":1,"id":"mcpg_client_BwcHBwcHBwcHBwcHBwcHBw","name":"Yesterday's","redirect_uris":["https://yesterday.example/callback"],"authentication":{"method":"none"},"grant_types":["authorization_code","refresh_token"],"created":1899999000,"used":1899999100}"#;
const COOKIE: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// Alice's session from 1899999000 to 1900009000, sealed outside the gateway by the description of the envelope.
const SESSION: &str = "AQAAAAEJCQkJCQkJCQkJCQnU6jCasciOIum6kN1N1bkj--3U8BuxU-9xxhsO2BlIZo4pAuwde-0CNmFGxJxHg91b6g8-0fc-A28NmLSVAAplwwuP5slMuc7wb3CnZqmlPZYhaoeKEUYbrJrA8x2Ww5UrTC9F1mkBHah_sw0lGx6TeSk4goJ8CEfmgBIsETEbggojI3v3nsq8lYtEPXs";

/// Alice's connection to "docs", whose access token ends at 1900002000, sealed outside the gateway by the description
/// of the envelope.
const CONNECTION: &str = "AQAAAAEJCQkJCQkJCQkJCQlTew6Vr49cP66KW4Cxx2W35-PXNQDOei8DaaVTlWb3o_KgmKvHuvBkNCuq9E3_YZmNmsKccTkcLMFpRcrqfCqlP0CSfq9lfHXT2jZMNuTanI2-bS4y31WkdmJOOaTogfX5vT1H9z1WdFnM01AX3fdL_BHn9uqqJfZlhx-kx61aLKjaD4Q8ZYOhXol_6CmD4SttrnmlehNVVBoANAbyfu7eo_tApXUcqUFY_TW6zRZ-RGXghR5ww1eYlQPK8RVwzc4v16BiUzDScMd-uEx1gkYDeSGAJqOvOwdR8fM84f5n5BlXcc4Mp_MzFHsqybVy-XtKj6bkdFhpaCG2cNLYbT_SxngsPeeWTk_YZTvQn7zW2hY_jbfkKJgN27PGnL2SQnCmLtDOlrWjo_O65Jdvv04-q2Iq-K5E0YhvYbIV32PwomOr9NGpbjVT3pI8N8Xb_JR7ufQGumLs_dwStksAkK72WD7fpDHMCrq3iyuqb9SgNciVkgnWp8VSp8qNd2w";

fn ring() -> KeyRing {
    KeyRing::parse(&Secret::new(KEY_1)).unwrap()
}

fn session_key() -> String {
    format!("session:{}", Digested::of(COOKIE).as_str())
}

fn put(world: &World, key: &str, value: &str) {
    world.platform.directory.borrow_mut().insert(key.to_owned(), (value.to_owned(), None));
}

fn stored(world: &World, key: &str) -> Value {
    serde_json::from_str(&world.platform.directory.borrow()[key].0).unwrap()
}

#[test]
fn every_key_of_the_directory_is_one_of_these() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    client.revocation(&client.access).with(200);
    world.reconfigure(|config| config["consent"] = "always".into());
    let directory = world.platform.directory.borrow();
    let kinds: BTreeSet<_> = directory.keys().map(|key| key.split_once(':').unwrap()).collect();
    let prefixes: BTreeSet<_> = kinds.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(prefixes, BTreeSet::from(["client", "config", "person", "revoked", "session"]));
    assert!(kinds.contains(&("config", "current")) && kinds.contains(&("config", "previous")));
    assert!(kinds.contains(&("client", Digested::of(&client.id).as_str())));
    let (_, grant) = kinds.iter().find(|(kind, _)| *kind == "revoked").unwrap();
    assert!(world.platform.grants.borrow().contains_key(*grant));
    assert_eq!(directory[&format!("revoked:{grant}")].0, "1");
}

#[test]
fn the_configuration_is_kept_as_it_was_sent_and_the_one_before_it() {
    let world = World::bare("http://localhost:8787");
    let text = "{ \"login\": {\"kind\": \"dev\"},\n  \"servers\": {\"demo\": {\"name\": \"D\\u00e9mo\", \"url\": \"https://demo.example/mcp\", \"auth\": {\"kind\": \"none\"}}} }";
    for version in [1, 2] {
        let put = world.request("PUT", "/admin/config").bearer(world::ADMIN_TOKEN).body("application/json", text);
        assert_eq!(put.send().with(200).json(), json!({"version": version}));
    }
    let golden = |version: u32| format!(r#"{{"v":1,"version":{version},"at":1900000000,"config":{text}}}"#);
    let directory = world.platform.directory.borrow();
    assert_eq!(directory["config:current"].0, golden(2));
    assert_eq!(directory["config:previous"].0, golden(1));
}

#[test]
fn a_configuration_stored_yesterday_is_in_effect_today() {
    let world = World::bare("http://localhost:8787");
    put(
        &world,
        "config:current",
        r#"{"v":1,"version":7,"at":1,"config":{"login":{"kind":"dev"},"servers":{"demo":{"name":"Demo","url":"https://demo.example/mcp","auth":{"kind":"none"}}}}}"#,
    );
    assert_eq!(world.get("/status").with(200).json()["configuration_version"], 7);
    world.client("claude").connects("alice").calls("echo");
}

#[test]
fn a_configuration_stored_before_a_rule_was_made_is_in_effect_without_what_breaks_it() {
    let world = World::bare("http://localhost:8787");
    let config = json!({
        "login": {"kind": "dev"}, "servers": {"demo": {"url": "https://demo.example/mcp"}},
        "clients": {"preregistered": [{"client_id": "ours", "redirect_uris": ["javascript:alert(1)", "https://ours.example/callback"]}]},
    });
    put(&world, "config:current", &json!({"v": 1, "version": 7, "at": 1, "config": config}).to_string());
    world.client("ours").with_id("ours").authorizes().signs_in("alice").consents().redeems().calls("echo");
    let mut script = world.client("ours").with_id("ours").comes_back_at("javascript:alert(1)");
    script.authorization(|_| ()).refused(400, "redirect_uri_unregistered");
    world.configure(&config).with(422);
}

#[test]
fn a_configuration_in_effect_outlasts_storage_that_shows_none_or_an_older_one() {
    let world = World::bare("http://localhost:8787");
    let config = |name: &str| json!({"login": {"kind": "dev"}, "servers": {"demo": {"name": name, "url": "https://demo.example/mcp"}}});
    let version = || world.get("/status").with(200).json()["configuration_version"].clone();
    world.configure(&config("One")).with(200);
    let (older, _) = world.platform.directory.borrow()["config:current"].clone();
    world.passes(1);
    world.configure(&config("Two")).with(200);
    put(&world, "config:current", &older);
    world.passes(60);
    assert_eq!(version(), 2);
    world.platform.directory.borrow_mut().remove("config:current");
    world.passes(60);
    assert_eq!(version(), 2);
}

#[test]
fn a_configuration_this_version_cannot_read_is_named_and_can_be_replaced() {
    let world = World::bare("http://localhost:8787");
    let unreadable = [
        "{",
        r#"{"v":1,"version":1,"at":1,"config":{"login":{"kind":"carrier pigeon"}}}"#,
        r#"{"v":2,"version":1,"at":1,"config":{"login":{"kind":"dev"},"servers":{}}}"#,
    ];
    for unreadable in unreadable {
        put(&world, "config:current", unreadable);
        world.request("POST", "/v1/mcp/demo").json(&json!({})).send().refused(503, "configuration_unreadable");
        assert!(world.get("/status").with(503).text().contains("configuration_unreadable"));
    }
    let config = json!({"login": {"kind": "dev"}, "servers": {}});
    world.configure(&config).with(200);
}

#[test]
fn a_client_registered_yesterday_connects_today() {
    let world = World::new();
    put(&world, &format!("client:{CLIENT_ID}"), STORED_CLIENT);
    let client = world.client("yesterday").with_id(CLIENT_ID).authorizes().signs_in("alice");
    assert!(client.browser.shows.text().contains("Yesterday&#39;s"));
    client.consents().redeems().calls("echo");
    assert_eq!(stored(&world, &format!("client:{CLIENT_ID}")).to_string(), sorted(STORED_CLIENT), "and stays as it is");
}

#[test]
fn a_browser_signed_in_yesterday_still_is() {
    let world = World::new();
    let key = session_key();
    put(&world, &key, SESSION);
    let mut client = world.client("claude").registers();
    client.browser.cookies.insert("__mcp_session".to_owned(), (COOKIE.to_owned(), u64::MAX));
    let client = client.authorizes();
    assert!(client.is_asked());
    assert!(client.browser.shows.text().contains("alice@example.com"));
}

#[test]
fn a_refresh_token_given_out_yesterday_works_today() {
    let world = World::new();
    put(&world, &format!("client:{CLIENT_ID}"), STORED_CLIENT);
    let id = GrantId::new([3; 16]);
    let token = opaque::mint(&ring(), OpaqueKind::Refresh, &id, [4; 32]);
    let record = format!(
        r#"{{"v":1,"state":"live","granted":{{"client_id":"{CLIENT_ID}","subject":"dev:alice","redirect_uri":"https://yesterday.example/callback","scope":"mcp:tools offline_access","resource":"http://localhost:8787/v1/mcp/demo","slug":"demo","challenge":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}},"code":"VpTQii5T_8rgwxA-Wtb2B2q9lg6x-KVldwQLwQKPcCs","refresh":{{"current":"{}","expires":1900100000}},"access_until":1900000100}}"#,
        token.digest().as_str()
    );
    world.platform.grants.borrow_mut().insert(id.to_string(), record);
    let mut client = world.client("yesterday").with_id(CLIENT_ID);
    client.refresh = Some(token.expose().to_owned());
    client.refreshes().calls("echo").refreshes().calls("echo");
}

#[test]
fn a_consent_given_yesterday_is_not_asked_for_today() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    let record = world.platform.accounts.borrow()["dev:alice"].clone();
    let record: Value = serde_json::from_str(&record).unwrap();
    let key = record["consents"][0]["key"].as_str().unwrap();
    let client_id = id::reference(&client.id);
    let golden = json!({
        "v": 1,
        "consents": [{"at": 1_900_000_000, "client_id": client_id, "key": key}],
        "grants": [{
            "grant": record["grants"][0]["grant"], "client_id": client_id, "client_name": "claude", "slug": "demo", "account": "1",
            "at": 1_900_000_000, "until": 1_902_592_000,
        }],
    });
    assert_eq!(record, golden);
    assert_eq!(Base64UrlUnpadded::decode_vec(key).unwrap().len(), 32);
    assert!(!client.authorizes().is_asked());
}

#[test]
fn a_connection_kept_yesterday_is_used_and_refreshed_today() {
    let (world, tokens) = Tokens::in_world();
    let client = world.client("claude").at("docs").connects("alice");
    let name = "connection:K_cEruNkb8bY0XfqNYz_y0z6LFHOt12g9dDd5ZcYhSY"; // alice's first account at "docs"
    let record =
        format!(r#"{{"v":1,"generation":3,"standing":{{"standing":"live","sealed":"{CONNECTION}"}},"at":1899999000}}"#);
    world.platform.connections.borrow_mut().insert(name.to_owned(), record);
    let client = client.calls_without_session("search");
    let golden = format!(r#"{{"v":1,"generation":3,"sealed":"{CONNECTION}"}}"#);
    assert_eq!(world.platform.directory.borrow()[name].0, golden);
    world.passes(3000);
    client.calls_without_session("search");
    assert_eq!((tokens.refreshes(), tokens.asked.borrow()[0]["refresh_token"].as_str()), (1, "rt-0"));
}

#[test]
fn a_revoked_subject_is_marked_like_this() {
    let world = World::new();
    world.request("DELETE", "/admin/subjects/dev%3Aalice").bearer(world::ADMIN_TOKEN).send().with(404);
    let key = format!("subject:{}", Digested::of("dev:alice").as_str());
    assert_eq!(world.platform.directory.borrow()[&key].0, "1900000000");
}

#[test]
fn the_envelope_is_version_key_nonce_and_ciphertext() {
    let sealed = ring().seal(Purpose::McpSession, &["dev:alice", "demo"], [9; 12], br#"{"v":1,"upstream":"abc"}"#);
    assert_eq!(sealed, "AQAAAAEJCQkJCQkJCQkJCQk0y7nExad0AHba4VUw8ZbLAWdYPpf8U6wHWEKOjtnLdf0nu-iEvc0M");
    let bytes = Base64UrlUnpadded::decode_vec(&sealed).unwrap();
    assert_eq!(bytes[..5], [1, 0, 0, 0, 1], "envelope version 1, key version 1");
    assert_eq!(bytes[5..17], [9; 12], "nonce");
    assert_eq!(bytes.len(), 5 + 12 + 24 + 16, "ciphertext and tag");
    let rotated = KeyRing::parse(&Secret::new(format!("{KEY_1},{KEY_2}"))).unwrap();
    assert!(rotated.open(Purpose::McpSession, &["dev:alice", "demo"], &sealed).is_ok());
    let newest = rotated.seal(Purpose::McpSession, &["dev:alice", "demo"], [9; 12], b"");
    assert_eq!(Base64UrlUnpadded::decode_vec(&newest).unwrap()[..5], [1, 0, 0, 0, 2]);
}

#[test]
fn the_consent_ticket_holds_this() {
    let world = World::new();
    let client = world.client("claude").registers().authorizes().signs_in("alice");
    let cookie = Digested::of(&client.browser.cookies["__mcp_session"].0);
    let ticket = client.browser.form("/oauth/consent").fields["ticket"].clone();
    let ticket = ring().open(Purpose::ConsentTicket, &[cookie.as_str()], &ticket).unwrap();
    let ticket: Value = serde_json::from_slice(&ticket).unwrap();
    let golden = json!({
        "grant": ticket["grant"],
        "request": {
            "client_id": client.id, "redirect": "https://claude.example/callback", "state": "state of claude",
            "challenge": client.challenge(), "scope": "mcp:tools offline_access",
            "resource": "http://localhost:8787/v1/mcp/demo", "slug": "demo", "prompt_consent": false,
        },
        "client_name": "claude",
        "consent": ticket["consent"],
        "expires": 1_900_000_600,
    });
    // What is a choice is said since there is one.
    let mut with_choice = golden.clone();
    with_choice["choice"] = json!({"optional": "offline_access", "fingerprint": ticket["choice"]["fingerprint"]});
    assert_eq!(ticket, with_choice);

    // A page of an older release had no fields to choose by, and its form is answered by this one.
    let mut form = client.browser.form("/oauth/consent");
    form.fields.retain(|name, _| !name.starts_with("scope:"));
    let sealed = ring().seal(Purpose::ConsentTicket, &[cookie.as_str()], [9; 12], golden.to_string().as_bytes());
    form.fields.insert("ticket".to_owned(), sealed);
    form.fields.insert("decision".to_owned(), "approve".to_owned());
    let mut client = client;
    client.browser.submits(&form);
    assert_eq!(client.arrived().redeems().granted, "mcp:tools offline_access");
}

#[test]
fn an_access_token_says_this() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    let part = |n: usize| -> Value {
        let part = client.access.split('.').nth(n).unwrap();
        serde_json::from_slice(&Base64UrlUnpadded::decode_vec(part).unwrap()).unwrap()
    };
    assert_eq!(part(0), json!({"alg": "HS256", "typ": "at+jwt", "kid": "1"}));
    let claims = part(1);
    let golden = json!({
        "iss": "http://localhost:8787", "aud": "http://localhost:8787/v1/mcp/demo", "sub": "dev:alice",
        "client_id": client.id, "scope": "mcp:tools offline_access", "iat": 1_900_000_000,
        "exp": 1_900_003_600, "jti": claims["jti"], "grant": claims["grant"], "auth_time": 1_900_000_000, "slug": "demo",
    });
    assert_eq!(claims, golden);
    assert!(world.platform.grants.borrow().contains_key(claims["grant"].as_str().unwrap()));
}

#[test]
fn an_access_token_of_yesterday_names_no_server_and_works_where_its_address_does() {
    let world = World::new();
    let mut client = world.client("claude").connects("alice");
    let claims =
        Claims { slug: None, ..access_token::verify(&ring(), &client.access, Timestamp(world.now())).unwrap() };
    access_token::sign(&ring(), &claims).expose().clone_into(&mut client.access);
    let client = client.calls("echo");
    world.reconfigure(|config| {
        config["servers"]["demo"]["path"] = "/elsewhere/mcp".into();
        config["servers"]["mail"]["path"] = "/v1/mcp/demo".into();
    });
    client.call("echo").refused(401, "token_wrong_audience");
}

#[test]
fn a_client_is_stored_like_this_once_it_got_a_token() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    let key = format!("client:{}", Digested::of(&client.id).as_str());
    let golden = json!({
        "v": 1, "id": client.id, "name": "claude", "redirect_uris": ["https://claude.example/callback"],
        "authentication": {"method": "none"}, "grant_types": ["authorization_code", "refresh_token"],
        "created": 1_900_000_000, "used": 1_900_000_000,
    });
    assert_eq!(stored(&world, &key), golden);
    let (_, until) = world.platform.directory.borrow()[&key];
    assert_eq!(until, Some(Timestamp(1_900_000_000 + 400 * world::DAY)));
}

#[test]
fn what_objects_answer_keeps_its_form_across_deploys() {
    let now = Timestamp(1000);
    let outcomes = [
        (Outcome::Opened, r#"{"outcome":"opened"}"#),
        (Outcome::Refused, r#"{"outcome":"refused"}"#),
        (Outcome::Revoked { until: now }, r#"{"outcome":"revoked","until":1000}"#),
    ];
    for (outcome, golden) in outcomes {
        assert_eq!(serde_json::to_string(&outcome).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Outcome>(golden).unwrap(), outcome);
    }
    let granted: grant::Granted = serde_json::from_value(json!({"client_id": "c", "subject": "s", "redirect_uri": "https://a/cb", "scope": "mcp:tools", "resource": "https://gw/mcp", "slug": "docs", "challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"})).unwrap();
    let rotated = Outcome::Rotated { scope: granted.scope.clone(), granted };
    assert_eq!(
        serde_json::to_string(&rotated).unwrap(),
        r#"{"outcome":"rotated","granted":{"client_id":"c","subject":"s","redirect_uri":"https://a/cb","scope":"mcp:tools","resource":"https://gw/mcp","slug":"docs","challenge":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"},"scope":"mcp:tools"}"#
    );
    for (why, golden) in [
        (Rejection::Unknown, "unknown"),
        (Rejection::CodeExpired, "code_expired"),
        (Rejection::CodeUsed, "code_used"),
        (Rejection::WrongClient, "wrong_client"),
        (Rejection::WrongRedirectUri, "wrong_redirect_uri"),
        (Rejection::WrongVerifier, "wrong_verifier"),
        (Rejection::MissingVerifier, "missing_verifier"),
        (Rejection::WrongResource, "wrong_resource"),
        (Rejection::ScopeExceeded, "scope_exceeded"),
        (Rejection::RefreshExpired, "refresh_expired"),
        (Rejection::RefreshReused, "refresh_reused"),
        (Rejection::Revoked, "revoked"),
    ] {
        assert_eq!(serde_json::to_value(why).unwrap(), golden);
    }
    assert_eq!(serde_json::to_value(subject::Outcome::Remembered).unwrap(), json!({"outcome": "remembered"}));
}

/// JSON with its members in the order a [`Value`] has them.
fn sorted(json: &str) -> String {
    serde_json::from_str::<Value>(json).unwrap().to_string()
}
