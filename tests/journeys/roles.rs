//! Roles and claims, from what the identity provider says to what a person sees and may call.
//!
//! Not here: the decision over rules (unit tests of `policy`), who tries to have a role (`attacks`).

use serde_json::{Value, json};

use crate::world::client::Client;
use crate::world::{ADMIN_TOKEN, DAY, World, idp};

/// Where `delete` needs the role "support" and `deploy` a department.
fn guarded(login: &Value) -> World {
    World::public(|config| {
        config["login"].as_object_mut().unwrap().extend(login.as_object().unwrap().clone());
        config["servers"]["demo"]["require"] = json!([
            {"tools": ["delete"], "roles": ["support"]},
            {"tools": ["deploy"], "claims": {"department": ["ops"]}},
        ]);
    })
}

fn by_groups() -> World {
    guarded(&json!({"roles": {"claim": "groups"}}))
}

fn asks_userinfo(world: &World) -> usize {
    world.sent().iter().filter(|sent| sent.url.path() == "/userinfo").count()
}

fn connections(client: &mut Client) -> String {
    client.browser.goes_to("/connections").clone().with(200).text()
}

#[test]
fn a_role_of_the_id_token_gates_a_tool_and_the_person_sees_it() {
    let world = by_groups();
    world.idp.says(json!({"groups": ["everybody", "support"], "department": "ops"}));
    let mut alice = world.client("claude").connects("alice").calls("delete").calls("deploy").calls("other");
    let page = connections(&mut alice);
    assert!(page.contains("Roles from your last sign-in, 17 March 2030:") && page.contains("<bdi>support</bdi>"));
    assert!(!page.contains("everybody"), "no tool asks for it: {page}");

    world.idp.says(json!({"groups": ["everybody"], "department": "sales"}));
    let mut bob = world.client("cursor").connects("bob").calls("other");
    let refused = bob.call("delete");
    refused.refused(200, "capability_role_missing");
    assert!(refused.text().contains("needs the role support"), "{}", refused.text());
    bob.call("deploy").refused(200, "capability_claim_missing");
    let page = connections(&mut bob);
    assert!(page.contains("gave you none of the roles that tools here ask for"), "{page}");
}

#[test]
fn a_map_a_pointer_and_a_namespaced_claim_say_roles_too() {
    let mapped = json!({"claim": "groups", "map": {"0f3c": "support"}});
    for (roles, claims) in [
        (mapped, json!({"groups": ["0f3c", "admin"]})),
        (json!({"claim": "/realm_access/roles"}), json!({"realm_access": {"roles": ["support"]}})),
        (json!({"claim": "https://acme.example/roles"}), json!({"https://acme.example/roles": "support"})),
    ] {
        let world = guarded(&json!({ "roles": roles }));
        world.idp.says(claims);
        world.client("claude").connects("alice").calls("delete");
    }
}

#[test]
fn what_the_id_token_lacks_is_asked_for_once_and_what_it_says_is_not() {
    let world = by_groups();
    world.idp.tells(200, &json!({"sub": "alice", "groups": ["support"], "department": "ops"}));
    let client = world.client("claude").registers().authorizes().signs_in("alice");
    let sent = world.sent();
    let asked: Vec<_> = sent.iter().filter(|sent| sent.url.path() == "/userinfo").collect();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].method, "GET");
    client.consents().redeems().calls("delete").calls("deploy");
    let stored = format!("{:?}{:?}", world.platform.accounts.borrow(), world.platform.directory.borrow());
    assert!(!stored.contains(idp::ACCESS_TOKEN), "the provider's access token is not kept");

    world.idp.says(json!({"groups": [], "department": "ops"}));
    let other = world.client("cursor").connects("alice").calls("deploy");
    assert_eq!(asks_userinfo(&world), 0, "none is an answer");
    other.call("delete").refused(200, "capability_role_missing");
}

#[test]
fn nothing_is_asked_for_or_noted_that_no_rule_needs() {
    let world = World::public(|config| config["login"]["roles"] = json!({"claim": "groups"}));
    world.idp.tells(500, "");
    let mut client = world.client("claude").connects("alice").calls("delete");
    assert_eq!(asks_userinfo(&world), 0);
    assert!(!format!("{:?}", world.platform.accounts.borrow()).contains("profile"));
    assert!(!connections(&mut client).contains("Your roles"));
}

#[test]
fn a_role_that_is_taken_away_is_gone_with_the_next_sign_in_and_token() {
    let world = by_groups();
    world.idp.says(json!({"groups": ["support"], "department": "ops"}));
    let client = world.client("claude").connects("alice").calls("delete");
    world.idp.says(json!({"groups": [], "department": "ops"}));
    world.passes(DAY);
    let mut client = client.refreshes().calls("delete");
    client.browser.goes_to("/connections");
    let client = client.signs_in("alice").refreshes();
    client.call("delete").refused(200, "capability_role_missing");
}

#[test]
fn groups_that_the_provider_keeps_elsewhere_are_not_taken_for_none() {
    let world = by_groups();
    let sources = json!({"src1": {"endpoint": "https://graph.example/getMemberObjects"}});
    world.idp.says(json!({"_claim_names": {"groups": "src1"}, "_claim_sources": sources, "department": "ops"}));
    let client = world.client("claude").registers().authorizes().signs_in("alice");
    let logged = world.platform.journal.borrow().join("\n");
    assert!(logged.contains("sign_in_claims_incomplete"), "{logged}");
    let mut client = client.consents().redeems().calls("deploy");
    client.call("delete").refused(200, "capability_role_missing");
    let page = connections(&mut client);
    assert!(page.contains("did not say everything about you"), "{page}");
}

#[test]
fn who_signed_in_before_there_were_rules_reads_what_to_do() {
    let world = World::public(|_| ());
    world.idp.says(json!({"groups": ["support"]}));
    let client = world.client("claude").connects("alice");
    world.reconfigure(|config| {
        config["login"]["roles"] = json!({"claim": "groups"});
        config["servers"]["demo"]["require"] = json!([{"tools": ["delete"], "roles": ["support"]}]);
    });
    world.passes(120);
    let mut client = client;
    client.call("delete").refused(200, "capability_role_missing");
    let page = connections(&mut client);
    assert!(page.contains("Sign out and in again"), "{page}");
    client.browser.goes_to("/login?return_to=%2Fconnections");
    let client = client.signs_in("alice").refreshes();
    client.calls("delete");
}

#[test]
fn a_role_that_a_rule_asks_for_later_was_noted_and_only_those_asked_for_reach_a_token() {
    let world = by_groups();
    let many: Vec<_> = (0..500).map(|n| format!("group-{n:03}")).collect();
    let groups: Vec<_> = ["admin"].into_iter().chain(many.iter().map(String::as_str)).chain(["support"]).collect();
    world.idp.says(json!({"groups": groups, "department": ["it", "ops"]}));
    let client = world.client("claude").connects("alice").calls("delete").calls("deploy");
    let noted = format!("{:?}", world.platform.accounts.borrow());
    assert_eq!(noted.matches("group-").count(), 99, "with admin one hundred others");
    let claims = claims(&client.access);
    assert_eq!((&claims["roles"], &claims["claims"]), (&json!(["support"]), &json!({"department": ["ops"]})));
    world.reconfigure(|config| config["servers"]["demo"]["require"][0]["roles"] = json!(["admin"]));
    world.passes(120);
    client.refreshes().calls("delete");
}

#[test]
fn an_operator_sees_the_roles_of_whom_they_find() {
    let world = by_groups();
    world.idp.says(json!({"groups": ["support", "other"], "department": [], "email": "alice@example.com"}));
    let _ = world.client("claude").connects("alice");
    let find =
        || world.request("GET", "/admin/subjects?q=alice@example.com").bearer(ADMIN_TOKEN).send().with(200).json();
    let found = &find()["subjects"][0];
    assert_eq!((&found["roles"], &found["roles_at"]), (&json!(["other", "support"]), &json!(1_900_000_000)));
    assert_eq!(found.get("roles_incomplete"), None);
    world.reconfigure(|config| {
        config["servers"]["demo"].as_object_mut().unwrap().remove("require");
    });
    world.passes(120);
    assert_eq!(find()["subjects"][0].get("roles"), None, "no rule asks for any");
}

fn claims(access_token: &str) -> Value {
    use base64ct::{Base64UrlUnpadded, Encoding};
    let payload = access_token.split('.').nth(1).unwrap();
    serde_json::from_slice(&Base64UrlUnpadded::decode_vec(payload).unwrap()).unwrap()
}
