//! Agents where another way in has a say: who asks about their tokens, a key that these are bound to, and the identity
//! provider that is asked about their sponsor.
//!
//! Not here: agents by themselves (`attacks::agents`).

use serde_json::{Value, json};

use crate::world::dpop::Prover;
use crate::world::issuing::{DEMO, call};
use crate::world::sponsored::{Agent, with_agents};
use crate::world::{ADMIN_TOKEN, HOUR, World};

fn told(world: &World, token: &str) -> Value {
    let form = [("token", token)];
    world.request("POST", "/oauth/introspect").bearer(ADMIN_TOKEN).form(&form).send().with(200).json()
}

#[test]
fn nobody_is_told_that_a_token_is_good_which_calls_refuse() {
    let world = with_agents();
    let (_, agent) = Agent::of(&world, "alice", &[]);
    let token = agent.token(&[]);
    let said = told(&world, &token);
    assert_eq!((&said["active"], &said["sub"]), (&json!(true), &json!(agent.id)));

    world.reconfigure(|config| config["accepts"] = json!(["own"]));
    call(&world, "demo", &token).refused(403, "agent_not_accepted");
    assert_eq!(told(&world, &token), json!({"active": false}));

    world.reconfigure(|config| config["accepts"] = json!(["own", "agents"]));
    world.passes(1);
    world.request("DELETE", "/admin/subjects/dev%3Aalice").bearer(ADMIN_TOKEN).send().with(200);
    world.new_isolate();
    call(&world, "demo", &token).refused(401, "token_revoked");
    assert_eq!(told(&world, &token), json!({"active": false}));
}

#[test]
fn a_server_that_wants_bound_tokens_wants_them_of_agents_too() {
    let world = with_agents();
    let (_, agent) = Agent::of(&world, "alice", &[]);
    world.reconfigure(|config| config["servers"]["demo"]["dpop_bound_access_tokens_required"] = json!(true));
    agent.asks(&[]).refused(400, "dpop_proof_missing");
    let (prover, assertion) = (Prover::new(31), agent.assertion(|_| ()));
    let grant = ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let form = [grant, ("assertion", assertion.as_str()), ("resource", DEMO)];
    let proof = prover.for_token(&world);
    let said = world.request("POST", "/oauth/token").form(&form).header("dpop", &proof).send().with(200).json();
    assert_eq!(said["token_type"], "DPoP");
    let token = said["access_token"].as_str().unwrap();
    prover.calls(&world, token).with(200);
    call(&world, "demo", token).refused(401, "token_bound");
    // A proof is good once, whatever assertion comes with it.
    let assertion = agent.assertion(|_| ());
    let form = [grant, ("assertion", assertion.as_str()), ("resource", DEMO)];
    let again = world.request("POST", "/oauth/token").form(&form).header("dpop", &proof).send();
    again.refused(400, "dpop_proof_used");
}

#[test]
fn an_agent_gets_nothing_once_its_sponsor_is_put_out_at_the_provider() {
    let world = World::public(|config| {
        config["login"]["recheck_seconds"] = json!(HOUR);
        config["accepts"] = json!(["own", "agents"]);
    });
    let (_, agent) = Agent::of(&world, "alice", &[]);
    let resource = ("resource", "https://mcp.example.com/v1/mcp/demo");
    agent.token(&[resource]);
    world.idp.puts_out("alice");
    world.passes(HOUR);
    for _ in 0..2 {
        let refused = agent.asks(&[resource]);
        refused.refused(400, "login_recheck_gone");
        assert!(refused.text().contains("has to sign in to the gateway again"), "an agent has nothing to authorize");
        world.new_isolate();
    }
}

#[test]
fn an_agent_that_cannot_be_seen_yet_ends_all_the_same() {
    let world = with_agents();
    let (_, agent) = Agent::of(&world, "alice", &[]);
    let token = agent.token(&[]);
    let path = format!("/admin/subjects/{}", agent.id.replace(':', "%3A"));
    let ends = || world.request("DELETE", &path).bearer(ADMIN_TOKEN).send();
    // As in a place that storage has not told of it.
    let name = agent.id.clone();
    let hidden = world.platform.directory.borrow_mut().remove(&name).unwrap();
    world.new_isolate();
    ends().refused(404, "no_such_subject");
    world.platform.directory.borrow_mut().insert(name, hidden);
    call(&world, "demo", &token).refused(401, "token_revoked");
    // Told in the meantime, the same isolate finds it at once.
    ends().with(200);
    agent.asks(&[]).refused(400, "agent_ended");
}

#[test]
fn an_agent_gives_its_token_back() {
    let world = with_agents();
    let (_, agent) = Agent::of(&world, "alice", &[]);
    let token = agent.token(&[]);
    let revokes = |assertion: &str| {
        let form = [
            ("token", token.as_str()),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion),
        ];
        world.request("POST", "/oauth/revoke").form(&form).send()
    };
    let used = agent.assertion(|_| ());
    agent.presents(&used, &[]).with(200);
    revokes(&used).refused(401, "client_assertion_used");
    call(&world, "demo", &token).with(200);
    revokes(&agent.assertion(|_| ())).with(200);
    call(&world, "demo", &token).refused(401, "token_revoked");
}

#[test]
fn where_its_assertion_is_what_proves_the_client_an_agent_is_told_so() {
    let world = with_agents();
    let (_, agent) = Agent::of(&world, "alice", &[]);
    let assertion = agent.assertion(|_| ());
    world.request("DELETE", "/admin/subjects/dev%3Aalice").bearer(ADMIN_TOKEN).send().with(200);
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion.as_str()),
    ];
    let answer = world.request("POST", "/oauth/token").form(&form).send();
    answer.refused(401, "agent_ended");
    assert_eq!(answer.json()["error"], "invalid_client");
}
