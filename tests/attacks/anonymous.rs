//! What a stranger costs: whatever is sent without a session, token or secret of ours stores nothing and asks no
//! object.
//!
//! Not here: floods, which a limiter near the caller counts (`flow::client::register`), and the built Worker
//! (`tests/e2e`).

use serde_json::json;

use crate::world::platform::Uses;
use crate::world::{Asking, World};

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"];
const PATHS: [&str; 28] = [
    "/",
    "/healthz",
    "/status",
    "/oauth/authorize",
    "/oauth/consent",
    "/oauth/token",
    "/oauth/register",
    "/oauth/revoke",
    "/oauth/backchannel-logout",
    "/oauth/jwks",
    "/oauth/upstream-callback",
    "/oauth/client-metadata.json",
    "/connections",
    "/login",
    "/login/callback",
    "/logout",
    "/admin/config",
    "/admin/metrics",
    "/admin/subjects/dev%3Aalice",
    "/admin/servers/demo/connection",
    "/connect/demo",
    "/v1/mcp/demo",
    "/v1/mcp/nowhere",
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/v1/mcp/demo",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/nothing",
];

/// Everything of ours that a stranger can make up or has once seen, in each place that is looked at.
fn guises(world: &World, asking: &Asking) -> Vec<Asking> {
    let client = world.client("stranger").registers();
    let random = "A".repeat(43);
    let sealed = format!("AQAAAAE{}", "A".repeat(80));
    let cookies = format!(
        "__mcp_session={random}; __Host-mcp_session={random}; mcp_session={random}; mcp_login_{random}={sealed}"
    );
    let refresh = format!("mcpg_rt_{}", "A".repeat(86));
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &*refresh),
        ("token", &*refresh),
        ("client_id", &*client.id),
        ("ticket", &*sealed),
        ("form", &*sealed),
        ("state", &*random),
        ("action", "revoke"),
        ("decision", "approve"),
        ("account", "alice"),
    ];
    let code = [
        ("grant_type", "authorization_code"),
        ("code", &*random),
        ("client_id", &*client.id),
        ("code_verifier", &*random),
    ];
    vec![
        asking.clone(),
        asking.clone().cookies(&cookies),
        asking.clone().cookies(&cookies).form(&form),
        asking.clone().form(&code),
        asking.clone().bearer(&refresh).form(&form),
        asking
            .clone()
            .bearer("eyJhbGciOiJIUzI1NiJ9.e30.AAAA")
            .json(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call"})),
        asking.clone().json(&json!({"redirect_uris": ["https://stranger.example/cb"]})),
    ]
}

#[test]
fn a_stranger_stores_nothing_and_asks_no_object() {
    for world in [World::new(), World::public(|_| ())] {
        let client = world.client("stranger").registers();
        let sealed = format!("AQAAAAE{}", "A".repeat(80));
        let queries = [
            String::new(),
            format!("?state={}&code=x&iss=https://id.example", "A".repeat(43)),
            format!("?link={sealed}&grant={}", "A".repeat(22)),
            format!("?client_id=mcpg_client_{}", "A".repeat(22)),
            format!("?client_id=mcpg_client_{sealed}"),
        ];
        let mut urls: Vec<_> =
            PATHS.iter().flat_map(|path| queries.iter().map(move |query| format!("{path}{query}"))).collect();
        urls.push(client.authorization_url());
        world.platform.registrations_left.set(u32::MAX);
        for url in &urls {
            for method in METHODS {
                for (n, asking) in guises(&world, &world.request(method, url)).into_iter().enumerate() {
                    let uses = world.uses_of(|| drop(asking.send()));
                    let Uses { writes, ledger, metered, .. } = uses;
                    assert_eq!((writes, ledger, metered), (0, 0, 0), "{method} {url} in guise {n}");
                }
            }
        }
    }
}

#[test]
fn a_registration_is_stored_with_its_first_token() {
    let world = World::new();
    let mut client = None;
    let uses = world.uses_of(|| client = Some(world.client("claude").registers_as("client_secret_post")));
    assert_eq!((uses.writes, uses.ledger), (0, 0));
    let stored = || world.platform.directory.borrow().keys().filter(|key| key.starts_with("client:")).count();
    let client = client.unwrap().authorizes().signs_in("alice").consents();
    assert_eq!(stored(), 0, "consent is not use");
    let client = client.redeems().calls("echo");
    assert_eq!(stored(), 1);
    assert!(!world.platform.directory.borrow().keys().any(|key| key.contains(&client.id)), "the key is a digest");
    client.refreshes();
    assert_eq!(stored(), 1);
}

#[test]
fn a_registration_too_long_for_an_id_is_stored_ten_times_a_minute_for_everybody_together_and_no_larger_than_needed() {
    let world = World::new();
    let register = |uris: usize, address: &str| {
        let uris: Vec<_> = (0..uris).map(|n| format!("https://a.example/{}/{n}", "p".repeat(200))).collect();
        let asking = world.request("POST", "/oauth/register").header("cf-connecting-ip", address);
        asking.json(&json!({"redirect_uris": uris, "token_endpoint_auth_method": "none"})).send()
    };
    for n in 0..10 {
        let id = register(10, &format!("192.0.2.{n}")).with(201).json()["client_id"].as_str().unwrap().to_owned();
        assert_eq!(id.len(), "mcpg_client_".len() + 22);
        assert!(world.platform.directory.borrow().contains_key(&format!("client:{id}")));
    }
    for address in ["192.0.2.1", "2001:db8::1"] {
        register(10, address).refused(429, "registration_rate_limited");
        register(1, address).with(201);
    }
    world.passes(60);
    register(10, "192.0.2.1").with(201);
    register(20, "192.0.2.3").refused(400, "registration_too_large");
}

#[test]
fn a_made_up_id_is_refused_without_asking_storage() {
    let world = World::new();
    let client = world.client("claude").registers();
    let mut forged = client.id.clone();
    let last = forged.pop();
    forged.push(if last == Some('A') { 'B' } else { 'A' });
    let form = [("grant_type", "refresh_token"), ("refresh_token", "x"), ("client_id", &*forged)];
    let uses =
        world.uses_of(|| world.request("POST", "/oauth/token").form(&form).send().refused(401, "client_unknown"));
    assert_eq!(uses.directory, 0);
}

#[test]
fn a_client_that_has_not_been_used_for_too_long_is_unknown_although_its_id_opens() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    world.passes(399 * crate::world::DAY);
    world.new_isolate();
    assert!(client.clone().authorizes().must_sign_in(), "still known");
    world.passes(crate::world::DAY);
    world.new_isolate();
    client.clone().authorization(|_| ()).refused(400, "client_unknown");
}

#[test]
fn wrong_operator_tokens_are_slowed_and_the_right_one_works_from_elsewhere() {
    let world = World::new();
    let ask = |token: &str, address: &str| {
        world.request("GET", "/admin/config").header("cf-connecting-ip", address).bearer(token).send()
    };
    let (right, here, elsewhere) = (crate::world::ADMIN_TOKEN, "192.0.2.1", "192.0.2.2");
    for _ in 0..50 {
        ask(right, here).with(200);
    }
    for _ in 0..10 {
        ask("guess", here).refused(401, "operator_token_required");
    }
    let slowed = ask("guess", here);
    slowed.refused(429, "operator_token_rate_limited");
    assert_eq!(slowed.header("retry-after"), Some("60"));
    ask(right, here).refused(429, "operator_token_rate_limited");
    let status = world.request("GET", "/status").header("cf-connecting-ip", here).bearer(right).send();
    assert_eq!(status.status, 200, "what everybody may see");
    ask(right, elsewhere).with(200);
    world.passes(60);
    ask(right, here).with(200);
    // Nobody knows where these come from, so they shut nobody out.
    let nowhere = |token: &str| world.request("GET", "/admin/config").bearer(token).send();
    for _ in 0..20 {
        nowhere("guess");
    }
    nowhere("guess").refused(429, "operator_token_rate_limited");
    nowhere(right).with(200);
}

#[test]
fn the_list_of_servers_is_no_way_to_try_operator_tokens() {
    let world = World::public(|_| ());
    let ask = |token: &str| {
        world.request("GET", "/status").header("cf-connecting-ip", "192.0.2.1").bearer(token).send().json()
    };
    assert!(ask(crate::world::ADMIN_TOKEN)["servers"].is_array());
    for _ in 0..11 {
        assert!(ask("guess").get("servers").is_none());
    }
    assert!(ask(crate::world::ADMIN_TOKEN).get("servers").is_none());
}

#[test]
fn an_operator_token_that_can_be_guessed_is_not_accepted_and_said_at_status() {
    let world = World::new();
    for (token, short) in [("x", true), ("nineteen characters", true), ("twenty characters, ok", false)] {
        world.set_secret("ADMIN_TOKEN", token);
        let answer = world.request("GET", "/admin/config").bearer(token).send();
        let status = world.get("/status").with(200);
        if short {
            answer.refused(503, "operator_token_short");
            assert!(status.text().contains("operator_token_short") && !status.text().contains(token) || token == "x");
            world.request("DELETE", "/admin/subjects/x").bearer(token).send().refused(503, "operator_token_short");
        } else {
            answer.with(200);
            assert!(!status.text().contains("operator_token_short"));
        }
    }
}
