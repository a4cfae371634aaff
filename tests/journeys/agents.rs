//! Agents with a sponsor: named by a person, on their own with a key or their platform's word, and never more than the
//! person they stand for.
//!
//! Not here: who tries to harm (`attacks`).

use mcp_edge_gateway::gateway::StreamStanding;
use mcp_edge_gateway::upstream::key::FIRST_ACCOUNT;
use serde_json::{Value, json};

use crate::world::issuing::{AS, Issuing, call};
use crate::world::sponsored::{Agent, PAGE, naming, with_agents};
use crate::world::tokens::Tokens;
use crate::world::{ADMIN_TOKEN, DAY, World};

fn last_line(world: &World) -> Value {
    serde_json::from_str(world.platform.journal.borrow().last().unwrap()).unwrap()
}

/// A world with the server "docs", where Alice has an account.
fn with_docs() -> (World, Tokens) {
    let (world, tokens) = Tokens::in_world();
    world.reconfigure(|config| config["accepts"] = json!(["own", "agents"]));
    tokens.store("dev:alice", FIRST_ACCOUNT, |_| ());
    (world, tokens)
}

const DOCS: (&str, &str) = ("resource", "http://localhost:8787/v1/mcp/docs");

#[test]
fn a_person_names_an_agent_and_it_calls_a_tool_for_itself() {
    let world = with_agents();
    let (mut alice, agent) = Agent::of(&world, "alice", &[]);
    let answer = agent.asks(&[]).with(200).json();
    assert_eq!((&answer["expires_in"], &answer["scope"]), (&json!(900), &json!("mcp:tools")));
    assert!(answer.get("refresh_token").is_none());
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(call(&world, "demo", token).with(200).json()["result"]["content"][0]["text"], "echo");
    let line = last_line(&world);
    for (name, said) in
        [("subject", agent.id.as_str()), ("client", &agent.id), ("by", "agent"), ("sponsor", "dev:alice")]
    {
        assert_eq!(line[name], said, "{line}");
    }
    let page = alice.browser.goes_to(PAGE).clone().with(200).text();
    for known in ["Triage", "<p>Demo</p>", "last used", &agent.id] {
        assert!(page.contains(known), "{known}: {page}");
    }
    world.passes(900);
    call(&world, "demo", token).refused(401, "token_expired");
    agent.token(&[]);
}

#[test]
fn the_log_names_the_sponsor_beside_the_agent_as_it_names_people() {
    let world = with_agents();
    let (_, agent) = Agent::of(&world, "alice", &[]);
    agent.token(&[]);
    let log = |query: &str| {
        let path = format!("/admin/log?{query}");
        world.request("GET", &path).bearer(ADMIN_TOKEN).send().with(200).json()["entries"].clone()
    };
    let entries = log(&format!("subject={}", agent.id.replace(':', "%3A")));
    assert_eq!((&entries[0]["kind"], &entries[0]["sponsor"]), (&json!("token"), &json!("dev:alice")), "{entries}");
    let consents = log("kind=consent&subject=dev%3Aalice");
    let named = consents.as_array().unwrap().iter().find(|entry| entry["client"] == agent.id.as_str()).unwrap();
    assert_eq!(named["steps"][0], json!({"step": "consent", "outcome": "agent_named"}));
    world.reconfigure(|config| config["log"] = json!({"subjects": "hashed"}));
    agent.token(&[]);
    let line = last_line(&world);
    assert!(line["sponsor"].as_str().unwrap().starts_with("hashed-") && line["sponsor"] != line["subject"], "{line}");
}

#[test]
fn a_program_proves_itself_likewise_with_client_credentials() {
    let world = with_agents();
    let (_, agent) = Agent::of(&world, "alice", &[]);
    let metadata = world.get("/.well-known/oauth-authorization-server").with(200).json();
    for (member, value) in [
        ("grant_types_supported", "client_credentials"),
        ("grant_types_supported", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("token_endpoint_auth_methods_supported", "private_key_jwt"),
    ] {
        assert!(metadata[member].as_array().unwrap().contains(&json!(value)), "{value}");
    }
    let assertion = agent.assertion(|_| ());
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion.as_str()),
    ];
    let answer = world.request("POST", "/oauth/token").form(&form).send().with(200).json();
    call(&world, "demo", answer["access_token"].as_str().unwrap()).with(200);
    // One assertion is one, whichever way it comes.
    agent.presents(&assertion, &[]).refused(400, "client_assertion_used");
}

#[test]
fn a_key_is_pasted_in_each_form() {
    let world = with_agents();
    let mut alice = world.client("claude").connects("alice");
    let pem = "-----BEGIN PUBLIC KEY-----\r\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\r\n-----END PUBLIC KEY-----\r\n";
    let mut set = crate::world::sponsored::KEY.published();
    set["ext"] = json!(true);
    let set = json!({"keys": [set]}).to_string();
    for key in [pem, &set] {
        naming(&mut alice, &[("key", key)]).with(200);
    }
    assert_eq!(alice.browser.shows.text().matches("<code>agent:").count(), 2);
}

#[test]
fn a_workload_is_an_agent_by_the_word_of_its_platform() {
    let (world, issuing) = Issuing::configured(|config| {
        config["issuers"]["ci"] = Issuing::ci();
        config["accepts"] = json!(["own", "agents"]);
    });
    let (_, agent) = Agent::of(&world, "alice", &[("key", ""), ("issuer", "ci"), ("workload", "repo:acme/app")]);
    let present = |change: fn(&mut Value)| {
        let mut job = Issuing::job(&world);
        job["jti"] = json!(world.platform.journal.borrow().len().to_string());
        change(&mut job);
        agent.presents(&issuing.typed("JWT", &job), &[("client_id", &agent.id)])
    };
    let token = present(|_| ()).with(200).json();
    call(&world, "demo", token["access_token"].as_str().unwrap()).with(200);
    assert_eq!(last_line(&world)["subject"], agent.id.as_str());
    present(|job| job["sub"] = json!("repo:acme/site")).refused(400, "agent_wrong_workload");
    present(|job| job["repository"] = json!("evil/app")).refused(400, "assertion_requirement_unmet");
    world.reconfigure(|config| config["issuers"]["ci"]["issuer"] = json!("https://other.example"));
    present(|_| ()).refused(400, "agent_issuer_changed");
    world.reconfigure(|config| config["issuers"]["ci"]["issuer"] = json!(AS));
    present(|_| ()).with(200);
}

#[test]
fn it_uses_its_sponsors_account_where_they_said_so() {
    let (world, tokens) = with_docs();
    let both = [("server:docs", "on")];
    let (mut alice, agent) = Agent::of(&world, "alice", &both);
    agent.token(&[]);
    let refused = agent.asks(&[DOCS]);
    refused.refused(400, "agent_account_not_lent");
    assert!(refused.text().contains("sponsor") && refused.text().contains("/connections"), "{}", refused.text());
    lend(&mut alice, &agent, &["docs"]);
    let token = agent.token(&[DOCS]);
    world.sent();
    call(&world, "docs", &token).with(200);
    let sent = world.sent();
    let authorization = sent.last().unwrap().headers["authorization"].to_str().unwrap().to_owned();
    assert_eq!(authorization, format!("Bearer {}", tokens.good.borrow().0));
    // Warm: one subrequest, and nothing is asked of storage or objects.
    let uses = world.uses_of(|| drop(call(&world, "docs", &token).with(200)));
    assert_eq!((uses.directory, uses.writes, uses.ledger, uses.fetches), (0, 0, 0, 1), "{uses:?}");
    lend(&mut alice, &agent, &[]);
    call(&world, "docs", &token).refused(401, "token_revoked");
    agent.asks(&[DOCS]).refused(400, "agent_account_not_lent");
}

/// Chooses at which servers an agent uses one's accounts.
fn lend(person: &mut crate::world::client::Client, agent: &Agent, servers: &[&str]) {
    person.browser.goes_to(PAGE);
    let id = agent.id.strip_prefix("agent:").unwrap();
    let mut forms = person.browser.forms(PAGE).into_iter();
    let mut form = forms.find(|form| form.fields.get("agent").is_some_and(|known| known == id)).unwrap();
    form.fields.retain(|name, _| !name.starts_with("account:"));
    for server in servers {
        form.fields.insert(format!("account:{server}"), "on".to_owned());
    }
    form.fields.insert("action".to_owned(), "lend".to_owned());
    person.browser.submits(&form).clone().with(200);
    person.world.passes(1);
}

#[test]
fn where_its_sponsor_is_not_connected_it_is_told_whom_to_ask() {
    let (world, _tokens) = with_docs();
    let (_, agent) = Agent::of(&world, "bob", &[("server:docs", "on"), ("account:docs", "on")]);
    let refused = call(&world, "docs", &agent.token(&[DOCS]));
    refused.refused(403, "agent_sponsor_not_connected");
    assert!(refused.text().contains("sponsor") && refused.text().contains("/connections"), "{}", refused.text());
}

#[test]
fn its_scopes_roles_and_explanations_are_its_sponsors_at_most() {
    let world = World::public(|config| {
        config["accepts"] = json!(["own", "agents"]);
        config["login"]["roles"] = json!({"claim": "groups"});
        config["scopes"] = json!({"tools:write": {"title": "Change things", "implies": ["mcp:tools"]}});
        config["servers"]["demo"]["require"] = json!([{"tools": ["echo"], "roles": ["support"]}]);
        config["servers"]["mail"]["require"] = json!([{"tools": ["echo"], "scopes": ["tools:write"]}]);
    });
    let demo = ("resource", "https://mcp.example.com/v1/mcp/demo");
    let mail = ("resource", "https://mcp.example.com/mail/mcp");
    world.idp.says(json!({"groups": ["support"]}));
    let (mut alice, agent) = Agent::of(&world, "alice", &[("server:mail", "on")]);
    call(&world, "demo", &agent.token(&[demo])).with(200);
    let ask = |question: Value| {
        let asked = world.request("POST", "/admin/explain").bearer(ADMIN_TOKEN).json(&question);
        asked.send()
    };
    let told = ask(json!({"server": "demo", "tool": "echo", "subject": agent.id})).with(200).json();
    assert_eq!((&told["decision"], &told["roles"]), (&json!("allow"), &json!(["support"])), "{told}");
    ask(json!({"server": "demo", "tool": "echo", "subject": "agent:AAAAAAAAAAAAAAAAAAAAAA"}))
        .refused(404, "agent_unknown");
    // The scope that its sponsor did not give it.
    assert_eq!(agent.asks(&[mail, ("scope", "mcp:tools tools:write")]).with(200).json()["scope"], "mcp:tools");
    agent.asks(&[mail, ("scope", "tools:write")]).refused(400, "agent_scope_exceeded");
    let writer = Agent::named_by(&mut alice, &[("server:mail", "on"), ("scope:tools:write", "on")]);
    assert_eq!(writer.asks(&[mail]).with(200).json()["scope"], "mcp:tools tools:write");
    // The next sign-in takes the role away, from the agent's next token too.
    world.passes(9 * 3600);
    world.idp.says(json!({"groups": []}));
    let mut again = world.client("zed").in_browser(&world.browser());
    again = again.connects("alice");
    assert!(!again.access.is_empty());
    call(&world, "demo", &agent.token(&[demo])).refused(200, "capability_role_missing");
}

#[test]
fn it_ends_when_its_sponsor_or_the_operator_says_so_or_its_time_is_over() {
    let world = with_agents();
    let (mut alice, first) = Agent::of(&world, "alice", &[]);
    let token = first.token(&[]);
    world.passes(1);
    end(&mut alice, &first);
    call(&world, "demo", &token).refused(401, "token_revoked");
    first.asks(&[]).refused(400, "agent_ended");

    let operators = Agent::named_by(&mut alice, &[]);
    let token = operators.token(&[]);
    let path = format!("/admin/subjects/{}", operators.id.replace(':', "%3A"));
    let deleted = world.request("DELETE", &path).bearer(ADMIN_TOKEN).send().with(200).json();
    assert_eq!(deleted["agents"], 1, "{deleted}");
    call(&world, "demo", &token).refused(401, "token_revoked");
    operators.asks(&[]).refused(400, "agent_ended");
    world.request("DELETE", "/admin/subjects/agent:AAAAAAAAAAAAAAAAAAAAAA").bearer(ADMIN_TOKEN).send().with(404);
    assert!(!alice.browser.goes_to(PAGE).text().contains(&operators.id));

    let short = Agent::named_by(&mut alice, &[("days", "7")]);
    short.token(&[]);
    world.passes(7 * DAY);
    short.asks(&[]).refused(400, "agent_expired");
}

/// Ends an agent on the page.
fn end(person: &mut crate::world::client::Client, agent: &Agent) {
    person.browser.goes_to(PAGE);
    let id = agent.id.strip_prefix("agent:").unwrap();
    let mut forms = person.browser.forms(PAGE).into_iter();
    let mut form = forms.find(|form| form.fields.get("agent").is_some_and(|known| known == id)).unwrap();
    form.fields.insert("action".to_owned(), "end_agent".to_owned());
    person.browser.submits(&form).clone().with(200);
}

#[test]
fn everything_of_a_sponsor_ends_with_their_agents_and_the_streams_of_those() {
    let world = with_agents();
    let (_, agent) = Agent::of(&world, "alice", &[]);
    let token = agent.token(&[]);
    world.outside_answers("https://demo.example", 200, &[("content-type", "text/event-stream")], "data: {}\n\n");
    let stream = call(&world, "demo", &token).with(200).terms.unwrap();
    world.passes(1);
    let told = world.request("GET", "/admin/people?subject=dev:alice").bearer(ADMIN_TOKEN).send().with(200).json();
    assert_eq!(told["agents"][0]["subject"], agent.id.as_str(), "{told}");
    let ended = world.request("DELETE", "/admin/subjects/dev:alice").bearer(ADMIN_TOKEN).send().with(200).json();
    assert_eq!(ended["agents"], 1, "{ended}");
    call(&world, "demo", &token).refused(401, "token_revoked");
    assert!(matches!(world.look_at([&stream])[0], StreamStanding::Ends(_)));
    agent.asks(&[]).refused(400, "agent_ended");
}

#[test]
fn who_signs_out_everywhere_takes_their_agents_with_them() {
    let world = World::public(|config| {
        config["accepts"] = json!(["own", "agents"]);
        config["login"]["backchannel_logout"] = json!("everything");
    });
    let (_, agent) = Agent::of(&world, "alice", &[]);
    let demo = ("resource", "https://mcp.example.com/v1/mcp/demo");
    let token = agent.token(&[demo]);
    world.passes(120);
    world.idp.says_goodbye(&world, &json!({"sub": "alice"})).with(200);
    call(&world, "demo", &token).refused(401, "token_revoked");
    agent.asks(&[demo]).refused(400, "agent_ended");
}

#[test]
fn an_agent_outlives_the_key_that_sealed_it() {
    let world = with_agents();
    let (_, agent) = Agent::of(&world, "alice", &[]);
    world.set_secret("KEY_RING", &format!("{},{}", crate::world::KEY_1, crate::world::KEY_2));
    world.new_isolate();
    agent.token(&[]);
    world.set_secret("KEY_RING", crate::world::KEY_2);
    world.new_isolate();
    agent.token(&[]);
}

#[test]
fn a_slip_in_the_form_names_nobody() {
    let world = with_agents();
    let mut alice = world.client("claude").connects("alice");
    for slip in [("server:demo", ""), ("key", ""), ("days", "5"), ("issuer", "ci"), ("days", "")] {
        naming(&mut alice, &[slip]).refused(400, "agent_choice_missing");
    }
    naming(&mut alice, &[("key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----")])
        .refused(400, "agent_key_unfit");
    assert!(!alice.browser.goes_to(PAGE).text().contains("<code>agent:"));
    for _ in 0..32 {
        naming(&mut alice, &[]).with(200);
    }
    naming(&mut alice, &[]).refused(409, "agent_list_full");
}

#[test]
fn what_an_agent_may_not_call_is_said() {
    let world = with_agents();
    let (_, agent) = Agent::of(&world, "alice", &[]);
    agent.asks(&[("resource", "http://localhost:8787/v1/mcp/mail")]).refused(400, "agent_wrong_server");
    agent.asks(&[("resource", "http://localhost:8787/v1/mcp/none")]).refused(400, "agent_wrong_server");
    let token = agent.token(&[("resource", "")]);
    world.reconfigure(|config| config["accepts"] = json!(["own"]));
    call(&world, "demo", &token).refused(403, "agent_not_accepted");
    agent.asks(&[]).refused(400, "agent_not_accepted");
    world.reconfigure(|config| {
        config["accepts"] = json!(["own", "agents"]);
        let headers = json!({"authorization": {"person": "Your key"}});
        config["servers"]["demo"]["auth"] = json!({"kind": "headers", "headers": headers});
    });
    call(&world, "demo", &token).refused(403, "agent_account_not_lent");
}
