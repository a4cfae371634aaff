//! Tokens that are bound to a client's key (RFC 9449): asked for, used, refreshed, and told of.
//!
//! Not here: who has a token without its key (`attacks`), stock implementations (`tests/e2e`).

use serde_json::{Value, json};

use crate::world::answer::Answer;
use crate::world::client::Client;
use crate::world::dpop::{DEMO, Prover};
use crate::world::issuing::{AS, Issuing};
use crate::world::{ADMIN_TOKEN, MINUTE, World};

/// A token request of a client's with a proof, if any.
fn asks(client: &Client, form: &[(&str, &str)], proof: Option<&str>) -> Answer {
    let own = [("client_id", client.id.as_str())];
    let secret: Vec<_> = client.secret.iter().map(|secret| ("client_secret", secret.as_str())).collect();
    let mut asking = client.world.request("POST", "/oauth/token").form(&[form, &own, &secret].concat());
    if let Some(proof) = proof {
        asking = asking.header("dpop", proof);
    }
    asking.send()
}

fn redeems(client: &Client, proof: Option<&str>) -> Answer {
    let form = [("grant_type", "authorization_code"), ("code", &client.code), ("code_verifier", &client.verifier)];
    asks(client, &form, proof)
}

fn refreshes(client: &Client, token: &str, proof: Option<&str>) -> Answer {
    asks(client, &[("grant_type", "refresh_token"), ("refresh_token", token)], proof)
}

fn allowed(world: &World, method: &str) -> Client {
    world.client("claude").registers_as(method).authorizes().signs_in("alice").consents()
}

fn text(said: &Value, member: &str) -> String {
    said[member].as_str().unwrap().to_owned()
}

#[test]
fn a_public_client_binds_what_it_gets_to_its_key_and_refreshes_with_it() {
    let (world, prover) = (World::new(), Prover::new(31));
    let client = allowed(&world, "none");
    let said = redeems(&client, Some(&prover.for_token(&world))).with(200).json();
    assert_eq!(said["token_type"], "DPoP");
    prover.calls(&world, &text(&said, "access_token")).with(200);
    let refresh = text(&said, "refresh_token");
    refreshes(&client, &refresh, None).refused(400, "grant_proof_missing");
    let stranger = Prover::new(32);
    refreshes(&client, &refresh, Some(&stranger.for_token(&world))).refused(400, "grant_wrong_key");
    let said = refreshes(&client, &refresh, Some(&prover.for_token(&world))).with(200).json();
    prover.calls(&world, &text(&said, "access_token")).with(200);
}

#[test]
fn a_client_that_proves_itself_may_change_its_key() {
    let (world, prover) = (World::new(), Prover::new(31));
    let client = allowed(&world, "client_secret_post");
    let said = redeems(&client, Some(&prover.for_token(&world))).with(200).json();
    let next = Prover::new(32);
    let said = refreshes(&client, &text(&said, "refresh_token"), Some(&next.for_token(&world))).with(200).json();
    next.calls(&world, &text(&said, "access_token")).with(200);
    let said = refreshes(&client, &text(&said, "refresh_token"), None).with(200).json();
    assert_eq!(said["token_type"], "Bearer");
}

#[test]
fn a_code_is_for_the_key_that_was_named_when_it_was_asked_for() {
    let (world, prover) = (World::new(), Prover::new(31));
    let client = world.client("claude").registers();
    let url = client.authorization_url_with(|parameters| parameters.push(("dpop_jkt", prover.jkt())));
    let client = client.follows(&url.parse().unwrap()).signs_in("alice").consents();
    redeems(&client, None).refused(400, "grant_proof_missing");
    redeems(&client, Some(&Prover::new(32).for_token(&world))).refused(400, "grant_wrong_key");
    assert_eq!(redeems(&client, Some(&prover.for_token(&world))).with(200).json()["token_type"], "DPoP");
    let mut other = world.client("cursor").registers();
    let refused = other.authorization(|parameters| parameters.push(("dpop_jkt", "short".to_owned())));
    assert!(refused.text().contains("dpop_jkt has to be the SHA-256 thumbprint of a key"), "{}", refused.shown());
}

#[test]
fn a_client_that_registers_for_bound_tokens_gets_no_others() {
    let (world, prover) = (World::new(), Prover::new(31));
    let mut client = world.client("claude");
    let metadata = json!({"client_name": "Claude", "redirect_uris": [client.redirect_uri],
        "token_endpoint_auth_method": "none", "dpop_bound_access_tokens": true});
    let said = world.request("POST", "/oauth/register").json(&metadata).send().with(201).json();
    assert_eq!(said["dpop_bound_access_tokens"], true);
    client.id = text(&said, "client_id");
    let client = client.authorizes().signs_in("alice").consents();
    let refused = redeems(&client, None);
    refused.refused(400, "grant_proof_missing");
    assert_eq!(refused.json()["error"], "invalid_dpop_proof");
    redeems(&client, Some(&prover.for_token(&world))).with(200);
}

#[test]
fn a_server_may_take_bound_tokens_only() {
    let (world, prover) = (World::new(), Prover::new(31));
    let before = world.client("cursor").connects("bob");
    world.reconfigure(|config| config["servers"]["demo"]["dpop_bound_access_tokens_required"] = json!(true));
    let metadata = world.get("/.well-known/oauth-protected-resource/v1/mcp/demo").with(200).json();
    assert_eq!(metadata["dpop_bound_access_tokens_required"], true);
    let refused = before.call("echo");
    refused.refused(401, "token_unbound");
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(
        challenge.starts_with("DPoP error=\"invalid_token\"") && challenge.contains("algs=\"RS256 "),
        "{challenge}"
    );
    let anonymous = world.request("POST", "/v1/mcp/demo").json(&json!({})).send();
    anonymous.refused(401, "token_missing");
    assert!(anonymous.header("www-authenticate").unwrap().starts_with("DPoP resource_metadata=\""));
    let client = allowed(&world, "none");
    redeems(&client, None).refused(400, "grant_proof_missing");
    let said = redeems(&client, Some(&prover.for_token(&world))).with(200).json();
    prover.calls(&world, &text(&said, "access_token")).with(200);
}

#[test]
fn programs_and_workloads_get_bound_tokens_too() {
    let prover = Prover::new(31);
    let (world, issuing) = Issuing::trusted();
    world.reconfigure(|config| {
        config["clients"] = json!({"preregistered": [{"client_id": "ci", "client_secret": {"secret": "CORP_SECRET"},
            "dpop_bound_access_tokens": true, "machine": {"servers": ["demo"]}}]});
    });
    world.set_secret("CORP_SECRET", "s3cret");
    let form = [("grant_type", "client_credentials"), ("client_id", "ci"), ("client_secret", "s3cret")];
    let asking = || world.request("POST", "/oauth/token").form(&form);
    asking().send().refused(400, "dpop_proof_missing");
    let proof = prover.for_token(&world);
    let said = asking().header("dpop", &proof).send().with(200).json();
    prover.calls(&world, &text(&said, "access_token")).with(200);
    let assertion = issuing.typed("", &Issuing::job(&world));
    let form =
        [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", &assertion), ("resource", DEMO)];
    let asking = || world.request("POST", "/oauth/token").form(&form);
    world.reconfigure(|config| config["servers"]["demo"]["dpop_bound_access_tokens_required"] = json!(true));
    asking().send().refused(400, "dpop_proof_missing");
    asking().header("dpop", &proof).send().refused(400, "dpop_proof_used");
    let said = asking().header("dpop", &prover.for_token(&world)).send().with(200).json();
    prover.calls(&world, &text(&said, "access_token")).with(200);
}

#[test]
fn a_nonce_is_good_for_calls_in_every_isolate_and_for_five_minutes() {
    let (world, prover) = (World::new(), Prover::new(31));
    let client = allowed(&world, "none");
    let said = redeems(&client, Some(&prover.for_token(&world))).with(200).json();
    let token = text(&said, "access_token");
    let refused = prover.calling(&world, &token).send();
    refused.refused(401, "dpop_nonce_needed");
    assert_eq!(refused.json()["error"], "use_dpop_nonce");
    assert!(refused.header("www-authenticate").unwrap().starts_with("DPoP error=\"use_dpop_nonce\""));
    prover.learns(&refused);
    prover.calling(&world, &token).send().with(200);
    world.new_isolate();
    prover.calling(&world, &token).send().with(200);
    world.passes(5 * MINUTE);
    prover.calling(&world, &token).send().refused(401, "dpop_nonce_needed");
    // One that has ended is answered with another at the token endpoint as well, where none is needed.
    let refresh = text(&said, "refresh_token");
    let refused = refreshes(&client, &refresh, Some(&prover.for_token(&world)));
    refused.refused(400, "dpop_nonce_needed");
    assert_eq!(refused.json()["error"], "use_dpop_nonce");
    prover.learns(&refused);
    refreshes(&client, &refresh, Some(&prover.for_token(&world))).with(200);
}

#[test]
fn a_token_of_another_issuer_is_used_with_its_key() {
    let (world, issuing) = Issuing::accepted(json!({"issuer": AS}));
    let prover = Prover::new(31);
    let token = issuing.anns(&world, |claims| claims["cnf"] = json!({"jkt": prover.jkt()}));
    prover.calls(&world, &token).with(200);
    prover.calls(&world, &token).with(200);
    Prover::new(32).calls(&world, &token).refused(401, "dpop_proof_other_key");
}

#[test]
fn introspection_and_metadata_tell_of_keys() {
    let (world, prover) = (World::new(), Prover::new(31));
    let client = allowed(&world, "none");
    let said = redeems(&client, Some(&prover.for_token(&world))).with(200).json();
    let form = [("token", said["access_token"].as_str().unwrap())];
    let told = world.request("POST", "/oauth/introspect").bearer(ADMIN_TOKEN).form(&form).send().with(200).json();
    assert_eq!((&told["cnf"], &told["token_type"]), (&json!({"jkt": prover.jkt()}), &json!("DPoP")));
    let metadata = world.get("/.well-known/oauth-authorization-server").with(200).json();
    assert!(metadata["dpop_signing_alg_values_supported"].as_array().unwrap().contains(&json!("ES256")));
}

#[test]
fn a_browser_client_may_send_proofs_and_read_nonces() {
    let world = World::configured(|config| config["allowed_origins"] = json!(["https://app.example"]));
    let preflight = world.request("OPTIONS", "/v1/mcp/demo").header("origin", "https://app.example");
    let answer = preflight.header("access-control-request-headers", "authorization, dpop").send().with(204);
    assert!(answer.header("access-control-allow-headers").unwrap().contains("dpop"));
    assert!(answer.header("access-control-expose-headers").unwrap().contains("dpop-nonce"));
}
