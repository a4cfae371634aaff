//! An operator at the console: what they see of servers, people, clients and the configuration, and what they end
//! there.
//!
//! Not here: who tries to harm (`attacks/console`), and the same for programs (`console_programs`, `people`, `revoking`).

use serde_json::{Value, json};

use crate::world::answer::Answer;
use crate::world::browser::Browser;
use crate::world::client::Client;
use crate::world::protected::Protected;
use crate::world::{ADMIN_TOKEN, DAY, World, idp};

const PAGES: [&str; 6] = ["/admin", "/admin/servers", "/admin/people", "/admin/clients", "/admin/log", "/admin/config"];

/// Alice is the operator by her id, Carol by her role, Bob is none.
fn world() -> World {
    World::configured(|config| {
        config["login"]["accounts"] = json!([
            {"subject": "alice", "name": "Alice", "email": "alice@example.com"},
            {"subject": "bob", "name": "Bob", "email": "bob@example.com"},
            {"subject": "carol", "name": "Carol", "roles": ["gateway-admin"]},
        ]);
        config["operators"] = json!({"subjects": ["dev:alice"], "roles": ["gateway-admin"]});
    })
}

/// A browser that came to a page of the console, and signed in there.
fn at(world: &World, path: &str, person: &str) -> Browser {
    let mut browser = world.browser();
    browser.goes_to(path);
    assert_eq!(browser.at.path(), "/login", "nobody is signed in yet");
    browser.presses("/login/callback", "account", person);
    assert_eq!((browser.at.path(), browser.at.query()), {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        (path, query)
    });
    browser
}

fn presses(browser: &mut Browser, action: &str, act: &str) -> Answer {
    let forms = browser.forms(action);
    let page = browser.shows.text();
    let button = format!("name=\"act\" value=\"{act}\"");
    let at = page.split("<form ").skip(1).filter(|form| form.contains(&format!("action=\"{action}\"")));
    let (form, _) = forms.into_iter().zip(at).find(|(_, text)| text.contains(&button)).unwrap();
    let mut form = form;
    form.fields.insert("act".to_owned(), act.to_owned());
    browser.submits(&form).clone()
}

fn says_yes(browser: &mut Browser, action: &str) -> Answer {
    browser.presses(action, "decision", "yes").clone().with(200)
}

fn acts(world: &World) -> Vec<Value> {
    let journal = world.platform.journal.borrow();
    let lines = journal.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["event"] == "operator_act" && line["operator"] != "admin_token").collect()
}

#[test]
fn x38_an_operator_signs_in_and_comes_back_to_every_page() {
    let world = world();
    for person in ["alice", "carol"] {
        let mut browser = at(&world, "/admin/servers", person);
        assert!(browser.shows.text().contains("<h1>Servers</h1>"), "{}", browser.shows.shown());
        for page in PAGES {
            let shown = browser.goes_to(page).clone().with(200);
            assert!(shown.text().contains(&format!("<a href=\"{page}\" aria-current=\"page\">")), "{}", shown.shown());
        }
    }
    at(&world, "/admin/people?subject=dev%3Abob", "alice");
}

#[test]
fn x38_somebody_who_is_none_is_told_that_and_nothing_else() {
    let world = world();
    let mut browser = at(&world, "/admin/servers", "bob");
    for page in PAGES {
        let shown = browser.goes_to(page).clone();
        shown.refused(403, "operator_required");
        assert!(!shown.text().contains("Demo") && !shown.text().contains("\"/admin/"), "{}", shown.shown());
    }
}

#[test]
fn x38_without_operators_there_is_no_console() {
    let world = World::new();
    let mut client = world.client("claude").connects("alice");
    for page in PAGES {
        client.browser.goes_to(page).refused(404, "no_such_endpoint");
        world.browser().goes_to(page).refused(404, "no_such_endpoint");
    }
    for page in PAGES {
        world.request("GET", page).bearer(ADMIN_TOKEN).send();
    }
    world.request("GET", "/admin/servers").bearer(ADMIN_TOKEN).send().with(200).json();
}

#[test]
fn x38_a_role_that_is_taken_away_ends_the_console_at_the_next_sign_in() {
    let world = World::public(|config| {
        config["login"]["roles"] = json!({"claim": "groups"});
        config["operators"] = json!({"roles": ["gateway-admin"]});
    });
    world.idp.says(json!({"groups": ["gateway-admin"]}));
    let signs_in = |path: &str| {
        let mut browser = world.browser();
        browser.goes_to(path);
        let back = world.idp.signs_in(&world, &browser.at, "alice");
        browser.goes_to(back.as_str());
        browser
    };
    let mut browser = signs_in("/admin/servers");
    assert!(browser.shows.text().contains("<h1>Servers</h1>"), "{}", browser.shows.shown());
    world.idp.says(json!({"groups": []}));
    world.passes(1);
    signs_in("/admin").shows.refused(403, "operator_required");
    browser.goes_to("/admin").refused(403, "operator_required");
    assert!(browser.at.as_str().starts_with("https://mcp.example.com") && !idp::ISSUER.is_empty());
}

#[test]
fn x38_an_operator_who_is_taken_out_of_the_configuration_is_none_at_once() {
    let world = world();
    let mut browser = at(&world, "/admin", "alice");
    world.reconfigure(|config| config["operators"] = json!({"subjects": ["dev:bob"]}));
    browser.goes_to("/admin").refused(403, "operator_required");
    world.reconfigure(|config| {
        config.as_object_mut().unwrap().remove("operators");
    });
    browser.goes_to("/admin").refused(404, "no_such_endpoint");
}

#[test]
fn x38_servers_say_how_they_were_when_they_were_last_used() {
    let world = world();
    let mut browser = at(&world, "/admin/servers", "alice");
    assert!(browser.shows.text().contains("Not used yet"), "{}", browser.shows.shown());
    let client = world.client("claude").connects("bob").calls("echo");
    let shown = browser.goes_to("/admin/servers").clone();
    assert!(
        shown.text().contains("Answering") && shown.text().contains("17 March 2030, 17:46 UTC"),
        "{}",
        shown.shown()
    );
    world.passes(DAY / 2);
    world.outside_fails("https://demo.example", mcp_edge_gateway::ports::FetchError::Unreachable);
    let client = client.refreshes();
    client.call("echo");
    let shown = browser.goes_to("/admin/servers").clone();
    if browser.at.path() == "/login" {
        browser.presses("/login/callback", "account", "alice");
    }
    let shown = if shown.text().contains("<h1>Servers</h1>") { shown } else { browser.shows.clone() };
    for known in ["Failing", "upstream_unreachable", "18 March 2030, 05:46 UTC", "17 March 2030, 17:46 UTC"] {
        assert!(shown.text().contains(known), "{known}: {}", shown.shown());
    }
    let told = world.request("GET", "/admin/servers").bearer(ADMIN_TOKEN).send().with(200).json();
    assert_eq!(told["servers"][0]["last_used"]["reason"], "upstream_unreachable");
    assert_eq!(told["servers"][0]["last_success"], 1_900_000_000);
}

/// Bob with an account at a server and a client that uses it.
fn connected() -> (World, Protected, Client) {
    let world = world();
    let server = Protected::new(&world, "linear");
    world.reconfigure(|config| config["servers"]["linear"] = server.configured("Linear", &json!({})));
    let client = world.client("claude").at("linear").registers().authorizes().signs_in("bob").approves();
    let client = client.presses_connect();
    let client = client.clone().follows(&server.approves(&client.browser.at)).redeems();
    (world, server, client)
}

#[test]
fn x38_a_person_is_found_by_address_and_by_id() {
    let (world, _, _client) = connected();
    let mut browser = at(&world, "/admin/people", "alice");
    for asked in ["BOB%40example.com", "dev:bob"] {
        let found = browser.goes_to(&format!("/admin/people?q={asked}")).clone();
        assert!(found.text().contains("/admin/people?subject=dev%3Abob"), "{}", found.shown());
    }
    let nobody = browser.goes_to("/admin/people?q=nobody%40example.com").clone();
    assert!(nobody.text().contains("Nobody found"), "{}", nobody.shown());
    let shown = browser.goes_to("/admin/people?subject=dev%3Abob").clone().with(200);
    for known in ["claude", "Linear", ">Connected<", "mcp:tools", "mcpg_client_"] {
        assert!(shown.text().contains(known), "{known}: {}", shown.shown());
    }
    let unknown = browser.goes_to("/admin/people?subject=dev%3Azoe").clone();
    assert!(unknown.text().contains("Nothing is known here"), "{}", unknown.shown());
    let told = world.request("GET", "/admin/people?subject=dev%3Abob").bearer(ADMIN_TOKEN).send().with(200).json();
    assert_eq!(told["clients"][0]["client_name"], "claude");
    assert_eq!(told["accounts"][0]["standing"], "connected");
    world.request("GET", "/admin/people").bearer(ADMIN_TOKEN).send().refused(400, "subject_missing");
}

#[test]
fn x38_a_clients_access_is_revoked_once_it_was_asked_about() {
    let (world, _, client) = connected();
    let mut browser = at(&world, "/admin/people?subject=dev%3Abob", "alice");
    let asked = presses(&mut browser, "/admin/people", "revoke_client").with(200);
    assert!(asked.text().contains("Revoke claude?") && asked.text().contains("dev:bob"), "{}", asked.shown());
    assert_ne!(client.call("search").status, 401, "nothing is done by asking");
    let shown = says_yes(&mut browser, "/admin/people");
    assert!(shown.text().contains("may not act for this person any more"), "{}", shown.shown());
    client.call("search").refused(401, "token_revoked");
    let acts = acts(&world);
    assert_eq!(acts.len(), 1);
    let told = (&acts[0]["operator"], &acts[0]["act"], &acts[0]["subject"]);
    assert_eq!(told, (&json!("dev:alice"), &json!("revoke_client"), &json!("dev:bob")));
}

#[test]
fn x38_an_account_is_disconnected_and_everything_ended() {
    let (world, server, client) = connected();
    let mut browser = at(&world, "/admin/people?subject=dev%3Abob", "alice");
    presses(&mut browser, "/admin/people", "disconnect").with(200);
    assert!(server.seen("/revoke").is_empty());
    let shown = says_yes(&mut browser, "/admin/people");
    assert!(shown.text().contains("The account is disconnected."), "{}", shown.shown());
    assert_eq!(server.seen("/revoke").len(), 1);
    world.passes(1);
    presses(&mut browser, "/admin/people", "revoke_everything").with(200);
    let shown = says_yes(&mut browser, "/admin/people");
    assert!(shown.text().contains("Everything of this person has ended"), "{}", shown.shown());
    client.call("search").refused(401, "token_revoked");
    assert!(client.authorizes().must_sign_in());
    let told: Vec<_> = acts(&world).iter().map(|act| act["act"].clone()).collect();
    assert_eq!(told, ["disconnect", "revoke_everything"]);
}

#[test]
fn x38_a_client_is_shown_and_its_registration_removed_once_its_id_is_none() {
    let world = world();
    let client = world.client("claude").connects("bob");
    let mut browser = at(&world, "/admin/people?subject=dev%3Abob", "alice");
    let page = browser.shows.text();
    let link = page.split("href=\"/admin/clients?id=").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let path = format!("/admin/clients?id={link}");
    let shown = browser.goes_to(&path).clone().with(200);
    for known in
        ["claude", "https://claude.example/callback", "its own registration", "cannot be removed for another 25 h"]
    {
        assert!(shown.text().contains(known), "{known}: {}", shown.shown());
    }
    let whole = browser.goes_to(&format!("/admin/clients?id={}", client.id)).clone().with(200);
    assert!(whole.text().contains("https://claude.example/callback") && !whole.text().contains(&client.id));
    world.passes(2 * DAY);
    let client = client.refreshes();
    let remembers = Client { world: world.elsewhere(), ..client.clone() }.refreshes();
    let client = Client { refresh: remembers.refresh.clone(), ..client };
    let mut browser = at(&world, &path, "alice");
    presses(&mut browser, "/admin/clients", "remove_client").with(200);
    let shown = says_yes(&mut browser, "/admin/clients");
    assert!(shown.text().contains("The registration is removed."), "{}", shown.shown());
    let refresh = client.refresh.clone().unwrap();
    client.refreshing(&refresh).refused(401, "client_unknown");
    remembers.refreshes(); // in an isolate that remembers the client a while longer, which does not bring it back
    let gone = browser.goes_to(&path).clone();
    assert!(gone.text().contains("No client is known here"), "{}", gone.shown());
    let told = world.request("GET", &path).bearer(ADMIN_TOKEN).send();
    told.refused(404, "no_such_client");
}

fn edits(browser: &mut Browser, act: &str, text: &str) -> Answer {
    let mut form = browser.form("/admin/config");
    form.fields.insert("act".to_owned(), act.to_owned());
    form.fields.insert("config".to_owned(), text.to_owned());
    browser.submits(&form).clone()
}

#[test]
fn x38_a_configuration_is_tried_looked_at_put_in_effect_and_rolled_back() {
    let world = world();
    let mut browser = at(&world, "/admin/config", "alice");
    assert!(browser.shows.text().contains("Version 1 is in effect"), "{}", browser.shows.shown());
    let mut config = world.configuration()["config"].clone();
    config["consent"] = "sometimes".into();
    config["surprise"] = true.into();
    let wrong = edits(&mut browser, "check", &config.to_string()).with(422);
    assert!(wrong.text().contains("/consent") && wrong.text().contains("/surprise"), "{}", wrong.shown());
    assert!(!wrong.text().contains("value=\"configure\""));

    config.as_object_mut().unwrap().remove("surprise");
    config["consent"] = "always".into();
    let text = format!("{config:#}").replace('\n', "\r\n");
    let checked = edits(&mut browser, "check", &text).with(200);
    assert!(checked.text().contains("What you sent is valid.") && checked.text().contains("/consent"));
    assert_eq!(world.configuration()["version"], 1, "nothing is done by checking");
    let other = text.replace("always", "once");
    edits(&mut browser, "configure", &other).with(200);
    assert_eq!(world.configuration()["version"], 1, "what was not looked at is looked at first");
    edits(&mut browser, "check", &text).with(200);
    let done = edits(&mut browser, "configure", &text).with(200);
    assert!(done.text().contains("Version 2 is in effect") && done.text().contains("Version 1, the one before"));
    assert_eq!(world.configuration()["config"]["consent"], "always");

    let asked = presses(&mut browser, "/admin/config/rollback", "roll_back").with(200);
    assert!(asked.text().contains("Roll back to version 1?"), "{}", asked.shown());
    let done = says_yes(&mut browser, "/admin/config/rollback");
    assert!(done.text().contains("Version 3 is in effect"), "{}", done.shown());
    assert_eq!(world.configuration()["config"].get("consent"), None);
    let told: Vec<_> = acts(&world);
    assert_eq!((&told[0]["act"], &told[0]["version"]), (&json!("configure"), &json!(2)));
    let last = (&told[1]["act"], &told[1]["version"], &told[1]["rolled_back_to"]);
    assert_eq!(last, (&json!("roll_back"), &json!(3), &json!(1)));
}

#[test]
fn x38_a_configuration_that_would_lock_its_operator_out_says_so() {
    let world = world();
    let mut browser = at(&world, "/admin/config", "alice");
    let mut config = world.configuration()["config"].clone();
    config["operators"] = json!({"roles": ["gateway-admin"]});
    let checked = edits(&mut browser, "check", &config.to_string()).with(200);
    assert!(checked.text().contains("you would be no operator any more"), "{}", checked.shown());
    let mut browser = at(&world, "/admin/config", "carol");
    let checked = edits(&mut browser, "check", &config.to_string()).with(200);
    assert!(!checked.text().contains("you would be no operator any more"), "{}", checked.shown());
}

#[test]
fn x38_an_operator_connects_a_server_for_everybody_and_disconnects_it() {
    let world = world();
    let server = Protected::new(&world, "linear");
    let shared = json!({"kind": "oauth", "shared": true});
    world.reconfigure(|config| {
        config["servers"]["linear"] = server.configured("Linear", &json!({}));
        config["servers"]["linear"]["auth"] = shared;
    });
    let mut browser = at(&world, "/admin/servers", "alice");
    assert!(browser.shows.text().contains("Not connected"), "{}", browser.shows.shown());
    let page = presses(&mut browser, "/admin/servers", "connect_shared").with(200);
    assert_eq!(browser.at.path(), "/connect/linear", "{}", page.shown());
    browser.presses("/connect/linear", "decision", "connect");
    let back = server.approves(&browser.at);
    browser.goes_to(back.as_str());
    browser.goes_to("/admin/servers");
    presses(&mut browser, "/admin/servers", "disconnect_shared").with(200);
    let shown = says_yes(&mut browser, "/admin/servers");
    assert!(shown.text().contains("Linear is disconnected for everybody."), "{}", shown.shown());
}

#[test]
fn x38_a_page_of_ours_may_read_as_json_what_its_operator_may() {
    let world = world();
    let browser = at(&world, "/admin", "alice");
    let reads = |site: &str| {
        let asking = world.request("GET", "/admin/servers").header("accept", "application/json");
        asking.header("sec-fetch-site", site).cookies(&browser.cookie_header()).send()
    };
    assert_eq!(reads("same-origin").with(200).json()["servers"][0]["slug"], "demo");
    for elsewhere in ["cross-site", "same-site", "none"] {
        reads(elsewhere).refused(401, "operator_token_required");
    }
}
