//! Attacks between two ways in: what one of them knows and the other has to heed.
//!
//! Not here: each way by itself (`attacks::issuers`, `attacks::assertions`, `attacks::machines`).

use mcp_edge_gateway::gateway::StreamStanding;
use serde_json::{Value, json};

use crate::world::World;
use crate::world::answer::Answer;
use crate::world::idp;
use crate::world::issuing::{AS, Issuing, Presents, asked, call, calling};

const JAG: &str = "oauth-id-jag+jwt";

fn asking_about() -> (World, Issuing) {
    Issuing::accepted(
        json!({"issuer": AS, "introspection": {"client_id": "gw", "client_secret": {"secret": "CORP_SECRET"}, "jwts": true}}),
    )
}

fn for_agent(world: &World, issuing: &Issuing, change: impl FnOnce(&mut Value)) -> Answer {
    let mut claims = Issuing::for_ann(world);
    change(&mut claims);
    Presents::of(&issuing.typed(JAG, &claims)).by("agent", "AGENT_SECRET").at(world)
}

#[test]
fn whom_the_login_keeps_out_does_not_come_in_by_the_same_issuers_word() {
    let (world, issuing) = Issuing::of_people();
    world.reconfigure(|config| {
        config["login"]["require"] = json!({"groups": ["staff"]});
        config["issuers"]["corp"] = json!({"issuer": idp::ISSUER, "jwks_uri": format!("{AS}/jwks")});
        config["accepts"] = json!(["own", "corp"]);
    });
    for_agent(&world, &issuing, |_| ()).refused(400, "assertion_not_admitted");
    for_agent(&world, &issuing, |claims| claims["groups"] = json!(["guests"])).refused(400, "assertion_not_admitted");
    for_agent(&world, &issuing, |claims| claims["groups"] = json!(["staff"])).with(200);
    let token = |groups: Value| {
        issuing.anns(&world, |claims| {
            claims["iss"] = idp::ISSUER.into();
            claims["aud"] = "https://mcp.example.com/v1/mcp/demo".into();
            claims["groups"] = groups;
        })
    };
    call(&world, "demo", &token(json!(["guests"]))).refused(401, "external_token_not_admitted");
    call(&world, "demo", &token(json!(["staff"]))).with(200);
}

#[test]
fn whoever_only_says_which_client_it_is_gets_nothing_for_anothers_assertion() {
    let (world, issuing) = Issuing::of_people();
    world.reconfigure(|config| {
        config["clients"]["preregistered"][0].as_object_mut().unwrap().remove("client_secret");
    });
    let assertion = issuing.typed(JAG, &Issuing::for_ann(&world));
    let presents = Presents::of(&assertion).to("").with("client_id", "agent");
    presents.at(&world).refused(400, "assertion_wrong_client");
}

#[test]
fn a_token_for_an_assertion_is_revoked_by_its_client() {
    let (world, issuing) = Issuing::of_people();
    let issued = for_agent(&world, &issuing, |_| ()).with(200).json();
    let token = issued["access_token"].as_str().unwrap();
    let call = || {
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo"}});
        world.request("POST", "/mail/mcp").bearer(token).json(&message).send()
    };
    call().with(200);
    let form = [("token", token), ("client_id", "agent"), ("client_secret", "AGENT_SECRET")];
    world.request("POST", "/oauth/revoke").form(&form).send().with(200);
    call().refused(401, "token_revoked");
}

#[test]
fn a_person_who_is_not_named_fitly_is_not_taken_for_the_client() {
    let (world, issuing) = asking_about();
    let cases = [("username", json!("ann")), ("sub", json!(123)), ("sub", json!("jürgen"))];
    for (number, (name, value)) in cases.into_iter().enumerate() {
        let mut told = Issuing::claims(&world);
        told.as_object_mut().unwrap().remove("sub");
        told["active"] = json!(true);
        told[name] = value;
        let token = format!("a-token-without-a-person-{number}");
        issuing.tokens.borrow_mut().insert(token.clone(), told);
        call(&world, "demo", &token).refused(401, "external_token_unfit_subject");
    }
}

#[test]
fn a_token_ends_when_it_was_signed_to_whatever_its_issuer_leaves_out() {
    let (world, issuing) = asking_about();
    let token = issuing.anns(&world, |claims| claims["exp"] = json!(world.now() + 5));
    let mut told = Issuing::claims(&world);
    told.as_object_mut().unwrap().remove("exp");
    told["active"] = json!(true);
    issuing.tokens.borrow_mut().insert(token.clone(), told);
    call(&world, "demo", &token).with(200);
    world.passes(5);
    call(&world, "demo", &token).refused(401, "external_token_expired");
}

#[test]
fn tokens_made_up_at_once_are_not_all_asked_about() {
    let (world, issuing) = asking_about();
    issuing.takes.set(500);
    world.sent();
    let made_up: Vec<_> = (0..60).map(|number| format!("made-up-token-number-{number:04}")).collect();
    let at_once = made_up.iter().map(|token| calling(&world, "demo", token).sending());
    world.platform.together(at_once);
    assert!(asked(&world, "/introspect") <= 20);
}

#[test]
fn a_stream_ends_with_the_way_in_that_it_was_opened_by() {
    let (world, issuing) = Issuing::accepted(json!({"issuer": AS}));
    world.outside_answers("https://demo.example", 200, &[("content-type", "text/event-stream")], "data: {}\n\n");
    let held = call(&world, "demo", &issuing.anns(&world, |_| ())).with(200).terms.unwrap();
    assert!(matches!(world.look_at([&held])[0], StreamStanding::GoesOn(_)));
    world.reconfigure(|config| config["accepts"] = json!(["own"]));
    assert!(matches!(world.look_at([&held])[0], StreamStanding::Ends(_)));
}

#[test]
fn a_client_that_became_a_program_acts_for_people_no_more() {
    let redirect_uri = "https://bot.example/cb";
    let world = World::public(|config| {
        config["clients"]["preregistered"] = json!([{"client_id": "bot", "client_secret": {"secret": "CORP_SECRET"},
            "redirect_uris": [redirect_uri]}]);
    });
    let client = world.client("bot").with_id("bot").comes_back_at(redirect_uri);
    let code = client.authorizes().signs_in("alice").consents();
    let redeem = [("client_secret", "the gateway's secret at another issuer")];
    let tokens = code.redemption(|parameters| parameters.extend(redeem.map(|(name, value)| (name, value.to_owned()))));
    let tokens = tokens.with(200).json();
    world.reconfigure(|config| {
        let bot = &mut config["clients"]["preregistered"][0];
        bot.as_object_mut().unwrap().remove("redirect_uris");
        bot["machine"] = json!({"servers": ["demo"]});
    });
    let token = tokens["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", "bot")];
    let form: Vec<_> = form.into_iter().chain(redeem).collect();
    world.request("POST", "/oauth/token").form(&form).send().refused(400, "machine_acts_for_nobody");
}
