//! The authorization log: what of each flow is kept, what is not, and what is in no line and no row at any level.
//!
//! Not here: the statements of its objects, which run end to end (`tests/e2e/log.test.mjs`).

use serde_json::{Value, json};

use crate::world::answer::Answer;
use crate::world::client::Client;
use crate::world::{ADMIN_TOKEN, KEY_1, World, idp};

fn log(world: &World, query: &str) -> Answer {
    world.request("GET", &format!("/admin/log?{query}")).bearer(ADMIN_TOKEN).send()
}

fn entries(world: &World, query: &str) -> Vec<Value> {
    log(world, query).with(200).json()["entries"].as_array().unwrap().clone()
}

fn kinds(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["kind"].as_str().unwrap()).collect()
}

fn connected(world: &World) -> Client {
    world.client("claude").connects("alice")
}

#[test]
fn the_requests_of_one_authorization_are_found_together() {
    let world = World::new();
    let client = connected(&world).refreshes();
    let token = &entries(&world, "kind=token")[0];
    assert_eq!(token["subject"], "dev:alice");
    assert!(client.id.starts_with(token["client"].as_str().unwrap()));
    assert_eq!(entries(&world, &format!("kind=token&client={}", client.id)).len(), 1);
    let operation = token["operation"].as_str().unwrap();
    let mut together = entries(&world, &format!("operation={operation}"));
    together.sort_by_key(|entry| entry["kind"].as_str().unwrap().to_owned());
    assert_eq!(kinds(&together), ["authorization", "consent", "refresh", "token"]);
    assert_eq!(kinds(&entries(&world, "kind=sign_in")), ["sign_in"]);
    let another = connected(&world);
    assert_eq!(entries(&world, &format!("operation={operation}")).len(), 4);
    another.revocation(&another.access).with(200);
    assert_eq!(kinds(&entries(&world, "kind=revocation")), ["revocation"]);
}

#[test]
fn a_refusal_says_at_which_step() {
    let world = World::new();
    let client = connected(&world);
    client.redemption(|_| ()).refused(400, "code_used");
    let refused = &entries(&world, "reason=code_used")[0];
    let last = refused["steps"].as_array().unwrap().last().unwrap();
    assert_eq!(last, &json!({"step": "code", "outcome": "code_used"}));
    client.call("echo").refused(401, "token_revoked");
    assert_eq!(entries(&world, "reason=token_revoked&subject=dev:alice")[0]["kind"], "call");
}

#[test]
fn an_operators_acts_say_who_did_them() {
    let world = World::new();
    connected(&world);
    world.request("DELETE", "/admin/subjects/dev:alice").bearer(ADMIN_TOKEN).send().with(200);
    let act = &entries(&world, "kind=operator&subject=dev:alice")[0];
    assert_eq!((&act["actor"], &act["act"]), (&json!("admin_token"), &json!("revoke_everything")));
    world.configure(&json!({"servers": 1})).with(422);
    assert_eq!(entries(&world, "kind=operator&reason=configuration_invalid").len(), 1);
    world.request("DELETE", "/admin/subjects/dev:bob").bearer("a token that is none").send().with(401);
    assert!(entries(&world, "subject=dev:bob").is_empty());
}

#[test]
fn hashed_subjects_are_named_nowhere_and_found_all_the_same() {
    let world = World::new();
    world.reconfigure(|config| config["log"] = json!({"subjects": "hashed"}));
    world.platform.journal.take();
    connected(&world);
    let rows = world.platform.archive.all();
    assert!(rows.iter().all(|row| !row.entry.contains("dev:alice")), "{rows:?}");
    assert!(!world.platform.journal.borrow().join("\n").contains("dev:alice"));
    let found = entries(&world, "subject=dev:alice&kind=token");
    assert!(found[0]["subject"].as_str().unwrap().starts_with("hashed-"));
    world.reconfigure(|config| config["log"] = json!({"subjects": "full"}));
    connected(&world);
    assert_eq!(entries(&world, "subject=dev:alice&kind=token").len(), 2, "whichever they were named by");
}

#[test]
fn no_line_and_no_row_holds_a_secret_at_any_level() {
    let world = World::new();
    world.reconfigure(|config| config["log"] = json!({"level": "debug"}));
    world.platform.journal.take();
    let mut client = world.client("claude").registers().authorizes().signs_in("alice").consents();
    let code = client.code.clone();
    let verifier = client.verifier.clone();
    client = client.redeems();
    let mut secrets = vec![code, verifier, client.access.clone(), client.refresh.clone().unwrap()];
    client = client.refreshes();
    secrets.extend([client.access.clone(), client.refresh.clone().unwrap()]);
    secrets.extend(
        [ADMIN_TOKEN, idp::CLIENT_SECRET, "key of the mail server", KEY_1.trim_start_matches("1:")].map(str::to_owned),
    );
    client.redemption(|_| ()).with(400);
    client.call("echo");
    client.revocation(&client.access).with(200);
    log(&world, "").with(200);
    let lines = world.platform.journal.borrow().join("\n");
    assert!(lines.contains(r#""event":"authorization_step""#) && lines.contains(r#""step":"code""#), "{lines}");
    let rows: Vec<_> = world.platform.archive.all().into_iter().map(|row| format!("{row:?}")).collect();
    let kept: Vec<_> = world.platform.directory.borrow().values().map(|(value, _)| value.clone()).collect();
    for secret in secrets {
        assert!(secret.len() > 8);
        for place in [&lines, &rows.join("\n"), &kept.join("\n")] {
            assert!(!place.contains(&secret), "{secret} is in {place}");
        }
    }
}

#[test]
fn a_log_that_cannot_be_written_refuses_nobody_and_is_told() {
    let world = World::new();
    world.platform.archive_down.set(true);
    connected(&world);
    world.platform.archive_down.set(false);
    assert!(world.platform.journal.borrow().iter().any(|line| line.contains("log_write_failed")));
    let status = world.request("GET", "/status").bearer(ADMIN_TOKEN).send().json();
    assert_eq!(status["warnings"][0]["reason"], "log_write_failed", "{status}");
    assert!(world.get("/status").json()["warnings"].as_array().unwrap().is_empty(), "operators only");
}

#[test]
fn strangers_write_nothing_and_a_flood_is_sampled() {
    let world = World::new();
    let client = connected(&world);
    let before = world.platform.archive.all().len();
    let stranger = world.client("stranger").registers();
    for _ in 0..20 {
        stranger.redemption(|form| form[1].1 = "mcpg_code_x".to_owned());
        world.get("/oauth/authorize?client_id=x");
        world.request("POST", "/v1/mcp/demo").bearer("x").send().with(401);
        world.request("POST", "/login/callback").form(&[("state", "x")]).send();
    }
    assert_eq!(world.platform.archive.all().len(), before);
    for _ in 0..123 {
        client.sends(&json!(null));
    }
    // With the authorization 124 are counted: 60, and 64 of which one in 16 is kept.
    let kept = entries(&world, "kind=call");
    let stands_for = |entry: &Value| entry["stands_for"].as_u64().unwrap_or(1);
    assert_eq!((kept.len(), kept.iter().map(stands_for).sum::<u64>()), (63, 123));
}
