//! Families of refusals, each provoked for its reason alone: the world compares it in the answer, in the log and in what
//! is counted (`world::one_reason`).
//!
//! Not here: what such a refusal protects, which unit tests beside each rule show, and other refusals (`reasons`).

use std::rc::Rc;

use base64ct::{Base64UrlUnpadded, Encoding};
use mcp_edge_gateway::ports::Outgoing;
use serde_json::{Value, json};
use url::Url;

use crate::world::answer::Answer;
use crate::world::client::Client;
use crate::world::idp::{CLIENT_ID, ISSUER};
use crate::world::platform::Scripted;
use crate::world::{ADMIN_TOKEN, World};

/// A world whose provider answers at a path in another way, made of how it would answer.
fn bent(path: &'static str, bend: impl Fn(Value) -> String + 'static) -> World {
    let world = World::public(|_| ());
    let host = world.idp.host();
    world.outside(
        ISSUER,
        Rc::new(move |request: &Outgoing| {
            let answer = host(request)?;
            if request.url.path() != path {
                return Ok(answer);
            }
            let told = serde_json::from_slice(&answer.body).unwrap();
            Ok(Scripted::new(200, &[("content-type", "application/json")], bend(told)))
        }),
    );
    world
}

/// Goes to sign in, which leads to the provider.
fn at_provider(world: &World) -> Client {
    world.client("claude").registers().authorizes()
}

#[track_caller]
fn says(answer: &Answer, reason: &str) {
    assert_eq!(answer.reason(), reason, "{}", answer.shown());
}

#[test]
fn an_id_token_that_claims_what_it_must_not_says_why() {
    let now = World::public(|_| ()).now();
    for (reason, claims) in [
        ("id_token_wrong_issuer", json!({"iss": "https://other.example"})),
        ("id_token_wrong_audience", json!({"aud": "somebody"})),
        ("id_token_wrong_authorized_party", json!({"aud": [CLIENT_ID, "somebody"], "azp": "somebody"})),
        ("id_token_expired", json!({"iat": now - 2000, "exp": now - 1000})),
        ("id_token_not_yet_valid", json!({"iat": now + 1000, "exp": now + 2000})),
        ("id_token_unfit_subject", json!({"sub": ""})),
    ] {
        let world = World::public(|_| ());
        world.idp.says(claims);
        says(&at_provider(&world).signs_in("alice").browser.shows, reason);
    }
}

#[test]
fn an_id_token_that_cannot_be_read_says_why() {
    fn with_header(mut answer: Value, header: &Value) -> String {
        let token = answer["id_token"].as_str().unwrap();
        let rest = token.split_once('.').unwrap().1;
        answer["id_token"] =
            format!("{}.{rest}", Base64UrlUnpadded::encode_string(header.to_string().as_bytes())).into();
        answer.to_string()
    }
    for (reason, header) in [
        ("id_token_wrong_type", json!({"alg": "ES256", "typ": "at+jwt"})),
        ("id_token_critical_extension", json!({"alg": "ES256", "crit": ["x"], "x": 1})),
        ("id_token_unsupported_algorithm", json!({"alg": "HS256"})),
        ("id_token_malformed", json!([])),
    ] {
        let world = bent("/token", move |answer| with_header(answer, &header));
        says(&at_provider(&world).signs_in("alice").browser.shows, reason);
    }
    let world = bent("/jwks", |mut told| {
        let mut other = told["keys"][0].clone();
        other["kid"] = "another".into();
        told["keys"].as_array_mut().unwrap().push(other);
        told.to_string()
    });
    let host = world.platform.hosts.borrow()[ISSUER].clone();
    world.outside(
        ISSUER,
        Rc::new(move |request: &Outgoing| {
            let answer = host(request)?;
            if request.url.path() != "/token" {
                return Ok(answer);
            }
            let nameless = with_header(serde_json::from_slice(&answer.body).unwrap(), &json!({"alg": "ES256"}));
            Ok(Scripted::new(200, &[("content-type", "application/json")], nameless))
        }),
    );
    says(&at_provider(&world).signs_in("alice").browser.shows, "id_token_ambiguous_key");
}

#[test]
fn a_provider_that_says_nothing_of_use_is_told_why() {
    const DISCOVERY: &str = "/.well-known/openid-configuration";
    type Bend = fn(Value) -> String;
    let cases: [(&str, Bend); 4] = [
        ("login_discovery_malformed", |_| "[]".to_owned()),
        ("login_discovery_incomplete", |_| json!({"issuer": ISSUER}).to_string()),
        ("login_discovered_issuer", |mut told| {
            told["issuer"] = "https://other.example".into();
            told.to_string()
        }),
        ("login_unfit_url", |mut told| {
            told["authorization_endpoint"] = "http://id.example/authorize".into();
            told.to_string()
        }),
    ];
    for (reason, bend) in cases {
        let world = bent(DISCOVERY, bend);
        says(&world.get("/login"), reason);
    }
    let cases: [(&str, &str, Bend); 3] = [
        ("login_keys_malformed", "/jwks", |_| "[]".to_owned()),
        ("login_token_malformed", "/token", |_| "no".to_owned()),
        ("login_id_token_missing", "/token", |_| json!({"access_token": "x", "token_type": "Bearer"}).to_string()),
    ];
    for (reason, path, bend) in cases {
        let world = bent(path, bend);
        says(&at_provider(&world).signs_in("alice").browser.shows, reason);
    }
    let world = World::public(|_| ());
    let client = at_provider(&world);
    world.platform.secrets.borrow_mut().remove("LOGIN_SECRET");
    says(&client.signs_in("alice").browser.shows, "login_secret_missing");
}

#[test]
fn a_way_back_from_the_provider_that_is_none_says_why() {
    let world = World::public(|_| ());
    let comes_back = |change: fn(&mut Vec<(String, String)>)| {
        let mut browser = at_provider(&world).browser;
        let mut back: Url = world.idp.signs_in(&world, &browser.at, "alice");
        let mut query: Vec<_> = back.query_pairs().into_owned().collect();
        change(&mut query);
        back.query_pairs_mut().clear().extend_pairs(query);
        browser.goes_to(back.as_str()).clone()
    };
    says(&comes_back(|query| query.retain(|(name, _)| name != "code")), "login_code_missing");
    let refused = comes_back(|query| {
        query.retain(|(name, _)| name != "code");
        query.push(("error".to_owned(), "server_error".to_owned()));
    });
    says(&refused, "login_refused");
    let world = World::new();
    let mut browser = at_provider(&world).browser;
    says(browser.presses("/login/callback", "account", "nobody"), "login_unknown_account");
}

#[test]
fn messages_and_headers_that_do_not_fit_say_why() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    let ask = |body: &str, headers: &[(&str, &str)]| {
        let asking = world.request("POST", &client.resource()).bearer(&client.access).body("application/json", body);
        headers.iter().fold(asking, |asking, (name, value)| asking.header(name, value)).send()
    };
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}).to_string();
    let deep = format!("{}{}", "[".repeat(600), "]".repeat(600));
    for (body, reason) in [
        ("{", "not_json"),
        (r#"{"jsonrpc": "1.0", "id": 1, "method": "ping"}"#, "jsonrpc_version"),
        (&*format!(r#"{{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {{"a": {deep}}}}}"#), "too_deep"),
    ] {
        says(&ask(body, &[]), reason);
    }
    says(&ask(&format!("[{call}]"), &[("mcp-protocol-version", "2025-06-18")]), "batch_forbidden");
}

#[test]
fn questions_to_the_log_that_are_none_say_why() {
    let world = World::new();
    for (query, reason) in [("cursor=x", "log_cursor_malformed"), ("from=yesterday", "log_query_malformed")] {
        says(&world.request("GET", &format!("/admin/log?{query}")).bearer(ADMIN_TOKEN).send(), reason);
    }
}
