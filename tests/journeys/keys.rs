//! API keys: made by people and operators, used by programs, and revoked.
//!
//! Not here: who tries to harm (`attacks`).

use mcp_edge_gateway::gateway::StreamStanding;
use mcp_edge_gateway::oauth::api_key::text::is_well_formed;
use serde_json::{Value, json};

use crate::world::answer::Answer;
use crate::world::browser::Form;
use crate::world::client::Client;
use crate::world::guarded::Guarded;
use crate::world::{ADMIN_TOKEN, Asking, DAY, HOUR, KEY_1, KEY_2, MINUTE, World, upstream};

const PAGE: &str = "/connections";

/// A world whose servers take keys.
fn with_keys() -> World {
    World::configured(|config| config["accepts"] = json!(["own", "keys"]))
}

/// A call of a tool with a key in a header.
fn calls(world: &World, header: (&str, &str), server: &str, tool: &str) -> Answer {
    let params = json!({"name": tool, "arguments": {}});
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    let path = format!("/v1/mcp/{server}");
    world.request("POST", &path).header(header.0, header.1).json(&message).send()
}

fn call(world: &World, key: &str) -> Answer {
    calls(world, ("x-api-key", key), "demo", "echo")
}

/// Fills in the form that makes a key, and gets it.
fn make(client: &mut Client, fields: &[(&str, &str)]) -> String {
    client.browser.goes_to(PAGE);
    let mut form = client.browser.forms(PAGE).into_iter().find(is_offer).unwrap();
    for (name, value) in fields {
        form.fields.insert((*name).to_owned(), (*value).to_owned());
    }
    form.fields.insert("action".to_owned(), "make_key".to_owned());
    let page = client.browser.submits(&form).clone().with(200).text();
    let key = page.split("<code>mcpg_key_").nth(1).map(|rest| rest.split('<').next().unwrap());
    format!("mcpg_key_{}", key.unwrap_or(&page))
}

fn is_offer(form: &Form) -> bool {
    form.fields.contains_key("name")
}

fn made_by(world: &World, person: &str, fields: &[(&str, &str)]) -> (Client, String) {
    let mut client = world.client("claude").connects(person);
    let defaults = [("name", "Nightly report"), ("days", "90"), ("server:demo", "on")];
    let key = make(&mut client, &[&defaults[..], fields].concat());
    (client, key)
}

fn operator(world: &World, method: &str, path: &str) -> Asking {
    world.request(method, path).bearer(ADMIN_TOKEN)
}

fn service(world: &World, change: impl FnOnce(&mut Value)) -> Value {
    let mut wanted = json!({"name": "CI", "servers": ["demo"], "expires_in_days": 30});
    change(&mut wanted);
    operator(world, "POST", "/admin/keys").json(&wanted).send().with(201).json()
}

fn text(made: &Value) -> &str {
    made["key"].as_str().unwrap()
}

#[test]
fn a_person_makes_a_key_and_a_program_calls_a_tool_with_it() {
    let world = with_keys();
    let (mut client, key) = made_by(&world, "alice", &[]);
    assert!(is_well_formed(&key));
    let bearer = format!("Bearer {key}");
    for header in [("x-api-key", key.as_str()), ("authorization", &bearer), ("Authorization", &format!("bearer {key}"))]
    {
        assert_eq!(calls(&world, header, "demo", "echo").with(200).json()["result"]["content"][0]["text"], "echo");
    }
    let twice = world.request("POST", "/v1/mcp/demo").header("x-api-key", &key).bearer(&key);
    twice.json(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})).send().with(200);
    let page = client.browser.goes_to(PAGE).clone().with(200).text();
    for known in ["Nightly report", "<p>Demo</p>", "<code>mcp.invoke</code>", "last used"] {
        assert!(page.contains(known), "{known}: {page}");
    }
    assert!(!page.contains(&key), "it is shown once");
    make(&mut client, &[("name", "  "), ("days", "7"), ("every_server", "on")]);
    let page = client.browser.goes_to(PAGE).clone().text();
    assert!(page.contains("<bdi>API key</bdi>") && page.contains("<p>Every server</p>"), "{page}");
    assert!(world.sent().iter().all(|sent| !sent.headers.contains_key("x-api-key")), "it goes nowhere");
}

#[test]
fn an_operator_makes_a_key_for_a_service_and_revokes_it() {
    let world = with_keys();
    let made = service(&world, |_| ());
    let id = made["id"].as_str().unwrap();
    assert_eq!((&made["name"], &made["permissions"]), (&json!("CI"), &json!(["mcp.invoke"])));
    assert_eq!(made["subject"], format!("key:{id}"));
    call(&world, text(&made)).with(200);
    let listed = operator(&world, "GET", "/admin/keys").send().with(200);
    assert!(!listed.text().contains("mcpg_key_"), "{}", listed.text());
    assert_eq!(
        (&listed.json()["keys"][0]["id"], &listed.json()["keys"][0]["last_used"]["at"]),
        (&json!(id), &json!(world.now()))
    );
    operator(&world, "DELETE", &format!("/admin/keys?id={id}")).send().with(200);
    call(&world, text(&made)).refused(401, "api_key_revoked");
    operator(&world, "DELETE", &format!("/admin/keys?id={id}")).send().refused(404, "no_such_key");
    assert_eq!(operator(&world, "GET", "/admin/keys").send().with(200).json()["keys"], json!([]));
}

#[test]
fn a_slip_in_what_an_operator_asks_for_makes_no_key() {
    type Slip = fn(&mut Value);
    let world = with_keys();
    let slips: [(Slip, &str); 10] = [
        (|wanted| wanted["servers"] = json!(["dmeo"]), "dmeo"),
        (|wanted| wanted["servers"] = json!([]), "servers"),
        (|wanted| wanted["scopes"] = json!(["tools:write"]), "tools:write"),
        (|wanted| wanted["permissions"] = json!(["mcp.invok"]), "mcp.invoke"),
        (|wanted| wanted["expires_in_days"] = json!(367), "366"),
        (|wanted| wanted["expires_in_days"] = json!(0), "366"),
        (|wanted| wanted["expires_in_days"] = json!(u64::MAX), "366"),
        (|wanted| wanted["name"] = json!(" "), "name"),
        (|wanted| wanted["roles"] = json!(["r".repeat(257)]), "roles"),
        (|wanted| wanted["subject"] = json!("dev:alice"), "subject"),
    ];
    for (slip, named) in slips {
        let mut wanted = json!({"name": "CI", "expires_in_days": 30});
        slip(&mut wanted);
        let answer = operator(&world, "POST", "/admin/keys").json(&wanted).send();
        answer.refused(400, "key_request_malformed");
        assert!(answer.text().contains(named), "{named}: {}", answer.text());
    }
    world.request("POST", "/admin/keys").json(&json!({})).send().refused(401, "operator_token_required");
    assert_eq!(operator(&world, "GET", "/admin/keys").send().with(200).json()["keys"], json!([]));
}

/// Every kind of key at every kind of server (P2).
#[test]
fn a_service_key_is_good_wherever_no_person_is_needed() {
    let (world, guarded) = World::guarded();
    world.reconfigure(|config| {
        config["accepts"] = json!(["own", "keys"]);
        let headers = json!({"kind": "headers", "headers": {"x-key": {"person": "Your key"}}});
        config["servers"]["entered"] = json!({"url": "https://entered.example/mcp", "auth": headers});
        let machine = json!({"kind": "client_credentials", "client_id": "gateway", "client_secret": {"secret": "MAIL_KEY"}, "token_endpoint": "https://as.example/token"});
        config["servers"]["machine"] = json!({"url": "https://machine.example/mcp", "auth": machine});
    });
    world.outside("https://machine.example", upstream::echo());
    world.connected("alice", "good");
    guarded.wants("good");
    guarded.gives_no_sessions();
    world.can_be_renewed("machine's");
    let service = service(&world, |wanted| drop(wanted.as_object_mut().unwrap().remove("servers")));
    let (_, user) = made_by(&world, "alice", &[("every_server", "on")]);
    for (server, person_needed) in
        [("demo", false), ("mail", false), ("machine", false), ("docs", true), ("entered", true)]
    {
        let with_service = calls(&world, ("x-api-key", text(&service)), server, "echo");
        let with_user = calls(&world, ("x-api-key", &user), server, "echo").with(200);
        if person_needed {
            with_service.refused(403, "service_key_needs_person");
            let said = with_service.json();
            assert!(said["error_description"].as_str().unwrap().contains("person"), "{said}");
            assert_eq!(with_service.header("www-authenticate"), None, "no authorization would mend it");
        } else {
            with_service.with(200);
        }
        assert_eq!(with_user.text().contains("/connect/entered"), server == "entered", "{}", with_user.text());
    }
}

#[test]
fn a_key_without_the_permission_calls_nothing() {
    let world = with_keys();
    let made = service(&world, |wanted| wanted["permissions"] = json!([]));
    let answer = call(&world, text(&made));
    answer.refused(403, "api_key_not_permitted");
    assert!(answer.text().contains("mcp.invoke"), "{}", answer.text());
}

#[test]
fn a_key_ends_when_it_says() {
    let world = with_keys();
    let (mut client, key) = made_by(&world, "alice", &[("days", "7")]);
    world.passes(7 * DAY - 1);
    call(&world, &key).with(200);
    world.passes(1);
    call(&world, &key).refused(401, "api_key_expired");
    world.new_isolate();
    call(&world, &key).refused(401, "api_key_expired");
    world.passes(30 * DAY);
    call(&world.elsewhere(), &key).refused(401, "api_key_unknown");
    client.browser.goes_to(PAGE);
    let mut client = client.signs_in("alice");
    let page = client.browser.goes_to(PAGE).clone().text();
    assert!(page.contains(">Expired<"), "{page}");
}

#[test]
fn a_key_has_the_scopes_that_were_chosen_and_the_roles_of_its_person() {
    let world = World::configured(|config| {
        config["accepts"] = json!(["own", "keys"]);
        let accounts = json!([{"subject": "alice", "roles": ["support", "lead"]}, {"subject": "bob"}]);
        config["login"] = json!({"kind": "dev", "accounts": accounts});
        config["scopes"] = json!({"tools:write": {"title": "Change things"}});
        config["servers"]["demo"]["require"] =
            json!([{"tools": ["write"], "scopes": ["tools:write"]}, {"tools": ["help"], "roles": ["support"]}]);
    });
    let (_, alice) = made_by(&world, "alice", &[("scope:tools:write", "on")]);
    let (_, bob) = made_by(&world, "bob", &[]);
    let with = |key: &str, tool: &str| calls(&world, ("x-api-key", key), "demo", tool);
    for tool in ["echo", "write", "help"] {
        assert!(with(&alice, tool).with(200).json()["result"].is_object(), "{tool}");
    }
    let refused = with(&bob, "write");
    assert_eq!((refused.status, refused.reason().as_str()), (403, "capability_scope_missing"));
    assert!(refused.text().contains("Make another API key"), "{}", refused.text());
    assert_eq!(with(&bob, "help").reason(), "capability_role_missing");
    world.reconfigure(|config| {
        config["servers"]["demo"]["require"]
            .as_array_mut()
            .unwrap()
            .push(json!({"tools": ["echo"], "roles": ["lead"]}));
    });
    assert!(with(&alice, "echo").with(200).json()["result"].is_object(), "a rule that is new finds her role");
    assert_eq!(with(&bob, "echo").reason(), "capability_role_missing");
    let powerless = with(text(&service(&world, |_| ())), "help");
    assert!(powerless.text().contains("Ask the operator for a key with the role support"), "{}", powerless.text());
    let deployer = service(&world, |wanted| wanted["roles"] = json!(["support"]));
    with(text(&deployer), "help").with(200);
    assert!(with(text(&deployer), "help").json()["result"].is_object());
}

#[test]
fn a_key_that_is_revoked_at_the_page_stops_everywhere_within_the_promised_minute() {
    let world = with_keys();
    let (mut client, key) = made_by(&world, "alice", &[]);
    let late = world.elsewhere();
    for isolate in [&world, &late] {
        call(isolate, &key).with(200);
    }
    client.browser.goes_to(PAGE);
    let mut form = client.browser.forms(PAGE).into_iter().find(|form| form.fields.contains_key("key")).unwrap();
    form.fields.insert("action".to_owned(), "revoke_key".to_owned());
    let page = client.browser.submits(&form).clone().with(200).text();
    assert!(page.contains("The API key is revoked.") && page.contains("You have none."), "{page}");
    call(&world, &key).refused(401, "api_key_revoked");
    call(&late, &key).with(200);
    world.passes(30);
    call(&late, &key).refused(401, "api_key_revoked");
    let cold = world.elsewhere();
    call(&cold, &key).refused(401, "api_key_unknown");
    world.passes(2 * HOUR);
    call(&late, &key).refused(401, "api_key_unknown");
}

#[test]
fn streams_end_with_the_key_they_were_opened_with() {
    let world = with_keys();
    let made = service(&world, |wanted| wanted["expires_in_days"] = json!(1));
    world.outside_answers("https://demo.example", 200, &[("content-type", "text/event-stream")], "data: {}\n\n");
    let opened = call(&world, text(&made)).with(200).terms.unwrap();
    let look = || world.look_at([&opened]).remove(0);
    world.passes(HOUR);
    assert!(matches!(look(), StreamStanding::GoesOn(_)));
    world.passes(DAY - HOUR + 10 * MINUTE);
    assert!(matches!(look(), StreamStanding::Ends(_)), "with its ten minutes more");

    let made = service(&world, |_| ());
    let opened = call(&world, text(&made)).with(200).terms.unwrap();
    operator(&world.elsewhere(), "DELETE", &format!("/admin/keys?id={}", made["id"].as_str().unwrap()))
        .send()
        .with(200);
    world.passes(30);
    let standing = format!("{:?}", world.look_at([&opened]).remove(0));
    let told = b"token_revoked".map(|byte| byte.to_string()).join(", ");
    assert!(standing.starts_with("Ends") && standing.contains(&told), "{standing}");
}

#[test]
fn a_session_begun_with_a_key_goes_on_with_it() {
    let (world, _) = World::guarded();
    world.reconfigure(|config| config["accepts"] = json!(["own", "keys"]));
    let guarded = Guarded::in_world(&world);
    world.connected("alice", "good");
    guarded.wants("good");
    let (_, key) = made_by(&world, "alice", &[("server:docs", "on")]);
    let says = |session: Option<&str>, message: &Value| {
        let asking = world.request("POST", "/v1/mcp/docs").header("x-api-key", &key);
        let asking = session.map_or(asking.clone(), |session| asking.header("mcp-session-id", session));
        asking.json(message).send()
    };
    let params =
        json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}});
    let begun = says(None, &json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})).with(200);
    let session = begun.header("mcp-session-id").unwrap();
    let tool =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "search", "arguments": {}}});
    assert!(says(Some(session), &tool).with(200).json()["result"].is_object());
    let service = service(&world, |_| ());
    let other = world.request("POST", "/v1/mcp/demo").header("x-api-key", text(&service));
    other.header("mcp-session-id", session).json(&tool).send().refused(404, "session_not_found");
}

#[test]
fn a_warm_call_with_a_key_costs_as_little_as_with_a_token() {
    let world = with_keys();
    let (_, key) = made_by(&world, "alice", &[]);
    call(&world, &key).with(200);
    let uses = world.uses_of(|| drop(call(&world, &key).with(200)));
    assert_eq!((uses.fetches, uses.directory, uses.ledger), (1, 0, 0));
    world.new_isolate();
    let uses = world.uses_of(|| drop(call(&world, &key).with(200)));
    assert_eq!((uses.writes, uses.ledger), (0, 1), "the use is told to the account, behind the reply");
    world.passes(DAY);
    let uses = world.uses_of(|| drop(call(&world, &key).with(200)));
    assert_eq!(uses.ledger, 1, "once a day");
}

#[test]
fn the_last_use_says_when_and_roughly_where_from() {
    let world = with_keys();
    let made = service(&world, |_| ());
    let from = |address: &str| {
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
        let asking = world.request("POST", "/v1/mcp/demo").header("x-api-key", text(&made));
        asking.header("cf-connecting-ip", address).json(&message).send().with(200);
        operator(&world, "GET", "/admin/keys").send().json()["keys"][0]["last_used"].clone()
    };
    let first = world.now();
    assert_eq!(from("192.0.2.77"), json!({"at": first, "from": "192.0.2.0/24"}));
    assert_eq!(from("198.51.100.7"), json!({"at": first, "from": "192.0.2.0/24"}), "by the day");
    world.passes(DAY);
    assert_eq!(from("198.51.100.7"), json!({"at": world.now(), "from": "198.51.100.0/24"}));
}

#[test]
fn where_keys_are_not_turned_on_there_are_none() {
    let world = World::new();
    let mut client = world.client("claude").connects("alice");
    assert!(!client.browser.goes_to(PAGE).clone().text().contains("API key"));
    let there = with_keys();
    let (mut client_there, key) = made_by(&there, "alice", &[("every_server", "on")]);
    there.reconfigure(|config| config["servers"]["demo"]["accepts"] = json!(["own"]));
    let answer = call(&there, &key);
    answer.refused(401, "api_key_not_accepted");
    assert!(answer.header("www-authenticate").unwrap().contains("resource_metadata="), "there is another way");
    calls(&there, ("x-api-key", &key), "mail", "echo").with(200);
    client_there.call("echo").with(200);
    there.reconfigure(|config| config["accepts"] = json!(["own"]));
    let page = client_there.browser.goes_to(PAGE).clone().text();
    assert!(page.contains("Nightly report") && !page.contains("Make an API key"), "{page}");
}

#[test]
fn a_key_is_for_a_server_and_ends_some_day() {
    let world = with_keys();
    let mut client = world.client("claude").connects("alice");
    for fields in [&[("days", "90")][..], &[("server:demo", "on")], &[("server:demo", "on"), ("days", "9000")]] {
        client.browser.goes_to(PAGE);
        let mut form = client.browser.forms(PAGE).into_iter().find(is_offer).unwrap();
        form.fields.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        form.fields.insert("action".to_owned(), "make_key".to_owned());
        client.browser.submits(&form).refused(400, "api_key_choice_missing");
    }
    let made = (0..128).map(|_| service(&world, |_| ())).collect::<Vec<_>>();
    let wanted = json!({"name": "one too many", "expires_in_days": 1});
    operator(&world, "POST", "/admin/keys").json(&wanted).send().refused(409, "api_key_list_full");
    world.passes(30 * DAY);
    service(&world, |_| ());
    call(&world, text(&made[0])).refused(401, "api_key_expired");
}

#[test]
fn a_key_that_is_used_outlives_a_rotation_of_the_ring() {
    let world = with_keys();
    let (kept, forgotten) = (service(&world, |_| ()), service(&world, |_| ()));
    world.set_secret("KEY_RING", &format!("{KEY_1},{KEY_2}"));
    world.new_isolate();
    call(&world, text(&kept)).with(200);
    let uses = world.uses_of(|| drop(call(&world, text(&kept)).with(200)));
    assert_eq!(uses.writes, 0, "once");
    world.set_secret("KEY_RING", KEY_2);
    world.new_isolate();
    call(&world, text(&kept)).with(200);
    call(&world, text(&forgotten)).refused(401, "api_key_unknown");
}
