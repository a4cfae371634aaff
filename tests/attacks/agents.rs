//! Agents in the wrong hands, of the wrong person, or after their sponsor has gone.
//!
//! Not here: what a good agent does (`journeys`).

use jwt_compact::alg::{Es256, Hs256, Hs256Key};
use jwt_compact::{AlgorithmExt, Claims, Header};
use mcp_edge_gateway::gateway::StreamStanding;
use mcp_edge_gateway::oauth::agent::AgentId;
use mcp_edge_gateway::secret::Digested;
use serde_json::{Value, json};

use crate::world::idp::Key;
use crate::world::issuing::call;
use crate::world::sponsored::{Agent, KEY, PAGE, form, naming, with_agents};
use crate::world::{ADMIN_TOKEN, World};

type Change = fn(&mut Value);

#[test]
fn an_assertion_is_good_once_and_for_this_gateway_alone() {
    let world = with_agents();
    let (_, agent) = Agent::of(&world, "alice", &[]);
    let assertion = agent.assertion(|_| ());
    agent.presents(&assertion, &[]).with(200);
    for _ in 0..2 {
        agent.presents(&assertion, &[]).refused(400, "client_assertion_used");
        world.new_isolate();
    }
    let changes: [(Change, &str); 8] = [
        (|claims| claims["aud"] = json!("https://other.example"), "client_assertion_wrong_audience"),
        (
            |claims| claims["aud"] = json!(["http://localhost:8787", "https://x.example"]),
            "client_assertion_wrong_audience",
        ),
        (|claims| claims["exp"] = json!(1), "client_assertion_expired"),
        (|claims| claims["exp"] = json!(claims["iat"].as_u64().unwrap() + 7200), "client_assertion_long_lived"),
        (|claims| claims["iat"] = json!(claims["iat"].as_u64().unwrap() + 90), "client_assertion_not_yet_valid"),
        (|claims| drop(claims.as_object_mut().unwrap().remove("jti")), "client_assertion_without_id"),
        (|claims| claims["sub"] = json!("dev:alice"), "client_assertion_wrong_client"),
        (|claims| claims["sub"] = json!("agent:AAAAAAAAAAAAAAAAAAAAAA"), "client_assertion_wrong_client"),
    ];
    for (change, reason) in changes {
        agent.presents(&agent.assertion(change), &[]).refused(400, reason);
    }
}

#[test]
fn another_algorithm_key_or_type_proves_nothing() {
    let world = with_agents();
    let (_, agent) = Agent::of(&world, "alice", &[]);
    // The public key as a shared secret, and no signature at all.
    let published = KEY.published().to_string();
    let shared = Hs256.token(&Header::empty(), &Claims::new(agent.claims()), &Hs256Key::new(published.as_bytes()));
    agent.presents(&shared.unwrap(), &[]).refused(400, "client_assertion_unsupported_algorithm");
    let good = agent.assertion(|_| ());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (_, claims) = message.split_once('.').unwrap();
    let none = format!("eyJhbGciOiJub25lIn0.{claims}.{signature}");
    agent.presents(&none, &[]).refused(400, "client_assertion_unsupported_algorithm");
    // A key of its own, that it brings or names.
    let forger = Agent { key: Key { secret: 77, ..KEY }, ..agent.clone() };
    forger.asks(&[]).refused(400, "client_assertion_wrong_signature");
    let stranger = Agent { key: Key { id: "https://evil.example/k", secret: 77 }, ..agent.clone() };
    stranger.asks(&[]).refused(400, "client_assertion_unknown_key");
    let typed = Header::empty().with_key_id(KEY.id).with_token_type("at+jwt");
    let typed = Es256.token(&typed, &Claims::new(agent.claims()), &KEY.pair()).unwrap();
    agent.presents(&typed, &[]).refused(400, "client_assertion_wrong_type");
    assert!(world.sent().is_empty(), "nobody is asked for keys");
    agent.token(&[]);
}

#[test]
fn one_agents_key_is_not_anothers() {
    let world = with_agents();
    let (_, alices) = Agent::of(&world, "alice", &[]);
    let mallory = Key { id: "k1", secret: 99 };
    let (_, mallorys) = Agent::of(&world, "bob", &[("key", &mallory.published().to_string())]);
    let mallorys = Agent { key: mallory, ..mallorys };
    mallorys.token(&[]);
    // It says that it is Alice's, in the assertion, beside it, or both.
    let pretends = Agent { id: alices.id.clone(), ..mallorys.clone() };
    pretends.asks(&[]).refused(400, "client_assertion_wrong_signature");
    mallorys.asks(&[("client_id", &alices.id)]).refused(400, "client_assertion_wrong_signature");
    pretends.asks(&[("client_id", &mallorys.id)]).refused(400, "client_assertion_wrong_client");
    // Claims of another sponsor are nobody's.
    let claims = |claims: &mut Value| {
        claims["sponsor"] = json!("dev:alice");
        claims["act"] = json!({"sub": "dev:alice"});
    };
    let token = mallorys.presents(&mallorys.assertion(claims), &[]).with(200).json();
    call(&world, "demo", token["access_token"].as_str().unwrap()).with(200);
    let line: Value = serde_json::from_str(world.platform.journal.borrow().last().unwrap()).unwrap();
    assert_eq!(line["sponsor"], "dev:bob");
}

#[test]
fn made_up_agents_cost_one_look_and_no_object() {
    let world = with_agents();
    world.get("/.well-known/oauth-authorization-server").with(200);
    let made_up = Agent { world: world.clone(), id: AgentId::new([9; 16]).subject(), key: KEY };
    let uses = world.uses_of(|| made_up.asks(&[]).refused(400, "agent_unknown"));
    assert_eq!((uses.directory, uses.writes, uses.ledger, uses.fetches), (1, 0, 0, 0), "{uses:?}");
    let uses = world.uses_of(|| made_up.asks(&[]).refused(400, "agent_unknown"));
    assert_eq!((uses.directory, uses.writes, uses.ledger, uses.fetches), (0, 0, 0, 0), "{uses:?}");
    // An id that is known, signed by nobody who is known.
    let (_, agent) = Agent::of(&world, "alice", &[]);
    let forger = Agent { key: Key { secret: 77, ..KEY }, ..agent };
    forger.asks(&[]).refused(400, "client_assertion_wrong_signature");
    let uses = world.uses_of(|| forger.asks(&[]).refused(400, "client_assertion_wrong_signature"));
    assert_eq!((uses.writes, uses.ledger), (0, 0), "{uses:?}");
}

#[test]
fn keys_that_are_private_oversize_or_none_are_not_kept() {
    let world = with_agents();
    let mut alice = world.client("claude").connects("alice");
    let mut private = KEY.published();
    private["d"] = json!("c2VjcmV0LW9mLXRoZS1hZ2VudA");
    let many = json!({"keys": vec![KEY.published(); 5]}).to_string();
    for key in [
        private.to_string(),
        "-----BEGIN PRIVATE KEY-----\nc2VjcmV0LW9mLXRoZS1hZ2VudA\n-----END PRIVATE KEY-----".to_owned(),
        many,
        "x".repeat(9 * 1024),
        json!({"kty": "oct", "k": "c2VjcmV0LW9mLXRoZS1hZ2VudA"}).to_string(),
    ] {
        naming(&mut alice, &[("key", &key)]).refused(400, "agent_key_unfit");
        let shown = alice.browser.shows.text();
        assert!(!shown.contains("c2VjcmV0LW9mLXRoZS1hZ2VudA"), "{shown}");
    }
    let oversize = "x".repeat(40 * 1024);
    assert!(naming(&mut alice, &[("key", &oversize)]).status >= 400);
    assert!(!alice.browser.goes_to(PAGE).text().contains("<code>agent:"));
    let kept = world.platform.directory.borrow().keys().any(|name| name.starts_with("agent:"));
    assert!(!kept);
}

#[test]
fn nobody_names_an_agent_for_somebody_else() {
    let world = with_agents();
    let mut alice = world.client("claude").connects("alice");
    let filled = form(&mut alice, &[]);
    let fields: Vec<_> = filled.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    // From another site, in Alice's browser.
    let cookies = alice.browser.cookie_header();
    let posted = |origin: &str, fields: &[(&str, &str)]| {
        let request = world.request("POST", PAGE).cookies(&cookies).header("origin", origin);
        request.header("sec-fetch-site", "cross-site").form(fields).send()
    };
    assert_eq!(posted("https://evil.example", &fields).status, 403);
    // With the token of another session's page.
    let mut mallory = world.client("zed").connects("bob");
    mallory.browser.goes_to(PAGE);
    let foreign = form(&mut mallory, &[]).fields["form"].clone();
    let mut stolen = filled.clone();
    stolen.fields.insert("form".to_owned(), foreign);
    alice.browser.submits(&stolen).refused(400, "connections_form_gone");
    assert!(!alice.browser.goes_to(PAGE).text().contains("<code>agent:"));
}

#[test]
fn another_persons_agent_cannot_be_changed_or_ended() {
    let world = with_agents();
    let (_, alices) = Agent::of(&world, "alice", &[]);
    let (mut mallory, own) = Agent::of(&world, "bob", &[("agent_name", "Own")]);
    let id = |agent: &Agent| agent.id.strip_prefix("agent:").unwrap().to_owned();
    for action in ["end_agent", "lend"] {
        mallory.browser.goes_to(PAGE);
        let mut forms = mallory.browser.forms(PAGE).into_iter();
        let mut form = forms.find(|form| form.fields.get("agent").is_some_and(|known| *known == id(&own))).unwrap();
        form.fields.insert("agent".to_owned(), id(&alices));
        form.fields.insert("action".to_owned(), action.to_owned());
        mallory.browser.submits(&form);
    }
    alices.token(&[]);
    let page = mallory.browser.goes_to(PAGE).text();
    assert!(page.contains(&own.id) && !page.contains(&alices.id));
}

#[test]
fn who_signed_in_before_everything_was_revoked_names_nobody() {
    let world = with_agents();
    let mut alice = world.client("claude").connects("alice");
    let filled = form(&mut alice, &[]);
    world.request("DELETE", "/admin/subjects/dev:alice").bearer(ADMIN_TOKEN).send().with(200);
    let elsewhere = world.elsewhere();
    // An isolate that has not heard of it: its memory says that nothing was revoked.
    world.platform.directory.borrow_mut().retain(|name, _| !name.starts_with("subject:"));
    let cookies = alice.browser.cookie_header();
    let fields: Vec<_> = filled.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let posting = elsewhere.request("POST", PAGE).cookies(&cookies).header("origin", "http://localhost:8787");
    posting.form(&fields).send().refused(403, "agent_revoked_meanwhile");
}

#[test]
fn a_sponsor_who_was_removed_leaves_no_agent_wherever_it_is_heard_late() {
    let world = with_agents();
    let (_, agent) = Agent::of(&world, "alice", &[]);
    agent.token(&[]);
    let elsewhere = World::elsewhere(&world);
    let there = Agent { world: elsewhere.clone(), ..agent.clone() };
    let token = there.token(&[]);
    call(&elsewhere, "demo", &token).with(200);
    world.passes(1);
    world.request("DELETE", "/admin/subjects/dev:alice").bearer(ADMIN_TOKEN).send().with(200);
    // No new token anywhere, at once; what there is goes on for a moment.
    there.asks(&[]).refused(400, "agent_ended");
    call(&elsewhere, "demo", &token).with(200);
    world.passes(31);
    call(&elsewhere, "demo", &token).refused(401, "token_revoked");
}

/// Ending everything was interrupted after its first step, or the agent is listed nowhere.
#[test]
fn the_sponsors_marker_alone_ends_their_agents_calls_and_streams() {
    let world = with_agents();
    let (_, agent) = Agent::of(&world, "alice", &[]);
    let token = agent.token(&[]);
    world.outside_answers("https://demo.example", 200, &[("content-type", "text/event-stream")], "data: {}\n\n");
    let stream = call(&world, "demo", &token).with(200).terms.unwrap();
    let marker = format!("subject:{}", Digested::of("dev:alice").as_str());
    world.platform.directory.borrow_mut().insert(marker, (world.now().to_string(), None));
    world.passes(31);
    call(&world, "demo", &token).refused(401, "token_revoked");
    assert!(matches!(world.look_at([&stream])[0], StreamStanding::Ends(_)));
}

#[test]
fn storage_that_is_down_lets_no_agent_in() {
    let world = with_agents();
    let (_, agent) = Agent::of(&world, "alice", &[]);
    let token = agent.token(&[]);
    call(&world, "demo", &token).with(200);
    world.platform.directory_down.set(true);
    world.passes(31);
    assert_eq!(call(&world, "demo", &token).status, 503);
    world.platform.directory_down.set(false);
    call(&world, "demo", &token).with(200);
}
