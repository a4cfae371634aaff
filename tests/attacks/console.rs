//! Attacks on the console: forged and borrowed forms, other people's sessions, framed pages, scripts in every name that
//! is shown, and the operator's token where it does not belong.
//!
//! Not here: what the console does for operators (`journeys/console`).

use serde_json::{Value, json};

use crate::world::browser::{ACCEPT, Browser, Form};
use crate::world::client::Client;
use crate::world::protected::Protected;
use crate::world::{ADMIN_TOKEN, World};

const PAGES: [&str; 6] = ["/admin", "/admin/servers", "/admin/people", "/admin/clients", "/admin/log", "/admin/config"];
const SCRIPT: &str = "<script>alert(1)</script>\"><img src=x onerror=alert(1)>";

/// Alice is the operator, and Bob has something to lose: an account, and a client that uses it.
fn world() -> (World, Protected, Client) {
    let world = World::configured(|config| config["operators"] = json!({"subjects": ["dev:alice"]}));
    let server = Protected::new(&world, "linear");
    world.reconfigure(|config| config["servers"]["linear"] = server.configured("Linear", &json!({})));
    let client = world.client("claude").at("linear").registers().authorizes().signs_in("bob").approves();
    let client = client.presses_connect();
    let client = client.clone().follows(&server.approves(&client.browser.at)).redeems();
    (world, server, client)
}

fn signs_in(world: &World, path: &str, person: &str) -> Browser {
    let mut browser = world.browser();
    browser.goes_to("/login?return_to=%2Fconnections");
    browser.presses("/login/callback", "account", person);
    browser.goes_to(path);
    browser
}

/// The form of the page with that button, as it is when the button is pressed.
fn form_of(browser: &Browser, action: &str, act: &str) -> Form {
    let page = browser.shows.text();
    let texts = page.split("<form ").skip(1).filter(|form| form.contains(&format!("action=\"{action}\"")));
    let button = format!("value=\"{act}\"");
    let found = browser.forms(action).into_iter().zip(texts).find(|(_, text)| text.contains(&button));
    let mut form = found.unwrap().0;
    form.fields.insert("act".to_owned(), act.to_owned());
    form
}

fn with(form: &Form, name: &str, value: &str) -> Form {
    let mut form = form.clone();
    form.fields.insert(name.to_owned(), value.to_owned());
    form
}

fn fields(form: &Form) -> Vec<(&str, &str)> {
    form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// Whether Bob has all that he had.
#[track_caller]
fn nothing_ended(world: &World, client: &Client) {
    world.new_isolate();
    assert_ne!(client.call("search").status, 401);
    let live = world.platform.connections.borrow().values().filter(|record| record.contains("\"sealed\"")).count();
    assert_eq!(live, 1);
    let journal = world.platform.journal.borrow();
    let act = |line: &&String| line.contains("operator_act") && !line.contains("admin_token");
    assert_eq!(journal.iter().find(act), None, "nothing was done");
}

#[test]
fn x38_a_form_from_elsewhere_does_nothing() {
    let (world, _, client) = world();
    let mut browser = signs_in(&world, "/admin/people?subject=dev%3Abob", "alice");
    let first = form_of(&browser, "/admin/people", "revoke_everything");
    browser.submits(&first);
    let second = with(&browser.form("/admin/people"), "decision", "yes");
    for form in [&first, &second] {
        for (name, value) in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            let posted = world.request("POST", "/admin/people").cookies(&browser.cookie_header()).header(name, value);
            posted.form(&fields(form)).send().refused(403, "form_from_elsewhere");
        }
    }
    nothing_ended(&world, &client);
}

#[test]
fn x38_a_form_needs_the_browser_session_that_it_was_shown_to() {
    let (world, _, client) = world();
    let mut browser = signs_in(&world, "/admin/people?subject=dev%3Abob", "alice");
    let first = form_of(&browser, "/admin/people", "revoke_everything");
    browser.submits(&first);
    let second = with(&browser.form("/admin/people"), "decision", "yes");
    let shown = (browser.shows.clone(), browser.at.clone());
    let post = |mut other: Browser, form: &Form| {
        (other.shows, other.at) = shown.clone();
        other.submits(form).clone()
    };
    let again = signs_in(&world, "/admin", "alice");
    for form in [&first, &second] {
        post(again.clone(), form).refused(400, "console_form_gone");
        post(world.browser(), form).refused(400, "console_form_gone");
        post(client.browser.clone(), form).refused(403, "operator_required");
        for sealed in ["", "AAAA"] {
            post(browser.clone(), &with(form, "form", sealed)).refused(400, "console_form_gone");
        }
    }
    // What other pages of the same browser seal is no token of the console's.
    let mut connections = browser.clone();
    connections.goes_to("/logout");
    connections.goes_to("/connections");
    nothing_ended(&world, &client);
}

#[test]
fn x38_what_was_not_asked_about_is_not_done() {
    let (world, _, client) = world();
    let mut browser = signs_in(&world, "/admin/people?subject=dev%3Abob", "alice");
    let forms = ["revoke_client", "disconnect", "revoke_everything"];
    let first = forms.map(|act| form_of(&browser, "/admin/people", act));
    // The answer without the question.
    for form in &first {
        let asked = browser.clone().submits(&with(form, "decision", "yes")).clone().with(200);
        assert!(asked.text().contains("value=\"yes\""), "{}", asked.shown());
    }
    // The question about one person, answered for another: what it is for is sealed.
    browser.submits(&with(&first[2], "subject", "dev:nobody"));
    let answer = with(&browser.form("/admin/people"), "decision", "yes");
    let answer = with(&with(&answer, "subject", "dev:bob"), "act", "revoke_everything");
    browser.submits(&answer);
    assert_ne!(client.call("search").status, 401, "nobody else was meant");
    // The question of one page, answered at another.
    let mut browser = signs_in(&world, "/admin/people?subject=dev%3Abob", "alice");
    let everything = form_of(&browser, "/admin/people", "revoke_everything");
    browser.submits(&everything);
    let answer = with(&browser.form("/admin/people"), "decision", "yes");
    for decision in ["", "no"] {
        browser.clone().submits(&with(&answer, "decision", decision)).refused(400, "console_form_gone");
    }
    for action in ["/admin/servers", "/admin/clients", "/admin/config/rollback"] {
        browser.clone().submits(&Form { action: action.to_owned(), ..answer.clone() });
    }
    assert_ne!(client.call("search").status, 401);
    // Too late: the question is good for ten minutes, the page for an hour.
    world.passes(10 * 60);
    browser.submits(&answer).refused(400, "console_form_gone");
    world.passes(50 * 60);
    browser.submits(&everything).refused(400, "console_form_gone");
}

#[test]
fn x38_a_session_that_ended_and_a_right_that_was_taken_away_end_every_form() {
    let (world, _, client) = world();
    let mut browser = signs_in(&world, "/admin/people?subject=dev%3Abob", "alice");
    let first = form_of(&browser, "/admin/people", "revoke_everything");
    browser.submits(&first);
    let second = with(&browser.form("/admin/people"), "decision", "yes");
    let taken_away = |browser: &Browser, status, reason| {
        for form in [&first, &second] {
            browser.clone().submits(form).refused(status, reason);
        }
    };
    world.reconfigure(|config| config["operators"] = json!({"subjects": ["dev:carol"]}));
    taken_away(&browser, 403, "operator_required");
    world.reconfigure(|config| {
        config.as_object_mut().unwrap().remove("operators");
    });
    taken_away(&browser, 404, "no_such_endpoint");
    world.reconfigure(|config| config["operators"] = json!({"subjects": ["dev:alice"]}));
    let stolen = browser.clone();
    browser.goes_to("/logout");
    browser.presses("/logout", "x", "y");
    taken_away(&stolen, 400, "console_form_gone");
    nothing_ended(&world, &client);
}

#[test]
fn x38_no_page_of_the_console_is_framed_kept_or_runs_anything() {
    let (world, _, _) = world();
    let mut browser = signs_in(&world, "/admin", "alice");
    let mut others = signs_in(&world, "/admin", "bob");
    for page in PAGES {
        for shown in [browser.goes_to(page).clone().with(200), others.goes_to(page).clone().with(403)] {
            let policy = shown.header("content-security-policy").unwrap();
            assert!(policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"), "{policy}");
            assert!(policy.contains("form-action 'self'") && !policy.contains("unsafe"), "{policy}");
            assert!(!policy.split("form-action ").nth(1).unwrap().contains(' '), "{policy}");
            assert_eq!(shown.header("x-frame-options"), Some("DENY"));
            assert_eq!(shown.header("cache-control"), Some("no-store"));
        }
    }
}

#[test]
fn x38_a_script_in_a_name_stays_text_wherever_it_is_shown() {
    let (world, _, _) = world();
    world.reconfigure(|config| {
        config["servers"]["demo"]["name"] = SCRIPT.chars().take(60).collect::<String>().into();
        config["servers"]["demo"]["description"] = SCRIPT.into();
        config["servers"]["demo"]["tools"] = json!({"allow": [SCRIPT]});
        config["clients"] = json!({"preregistered": [
            {"client_id": "evil", "name": "<script>alert(2)</script>", "redirect_uris": ["https://a.example/cb"]},
        ]});
        config["branding"] = json!({"name": "</title><script>x</script>"});
    });
    let client = world.client("x").registers();
    let named = json!({
        "client_name": SCRIPT, "redirect_uris": ["https://x.example/callback"], "token_endpoint_auth_method": "none",
    });
    let id = world.request("POST", "/oauth/register").json(&named).send().with(201).json();
    let client = client.with_id(id["client_id"].as_str().unwrap()).connects("bob");
    let mut browser = signs_in(&world, "/admin", "alice");
    let script = url::form_urlencoded::byte_serialize(SCRIPT.as_bytes()).collect::<String>();
    let mut pages: Vec<_> = PAGES.map(ToOwned::to_owned).into();
    for page in ["/admin/people?q=", "/admin/people?subject=", "/admin/clients?id=", "/admin/config?done="] {
        pages.push(format!("{page}{script}"));
    }
    pages.extend(["/admin/people?subject=dev%3Abob".to_owned(), format!("/admin/clients?id={}", client.id)]);
    let mut seen = 0;
    for page in pages {
        let shown = browser.goes_to(&page).clone().text();
        let inert = shown.replace("onerror=alert(1)&#62;", "");
        assert!(!inert.contains("<script>alert") && !inert.contains("<img") && !inert.contains("<script>x"), "{page}");
        seen += usize::from(shown.contains("&#60;script&#62;alert"));
    }
    assert!(seen >= 6, "it is shown on {seen} pages");
    // In what was sent and is wrong, and in the question before an act.
    browser.goes_to("/admin/config");
    let wrong = json!({"login": {"kind": SCRIPT}, "servers": {SCRIPT: {}}, "</textarea><script>alert(3)</script>": 1});
    let form = with(&with(&browser.form("/admin/config"), "act", "check"), "config", &wrong.to_string());
    let shown = browser.submits(&form).clone().with(422).text();
    assert!(!shown.contains("<script>alert") && shown.contains("&#60;/textarea&#62;"), "{shown}");
    browser.goes_to("/admin/people?subject=dev%3Abob");
    let form = form_of(&browser, "/admin/people", "revoke_client");
    let forms = browser.forms("/admin/people");
    let of_it = forms.iter().find(|form| form.fields.get("client") != form.fields.get("none")).unwrap_or(&form);
    let shown = browser.submits(&with(of_it, "act", "revoke_client")).clone().with(200).text();
    assert!(!shown.contains("<script>alert"), "{shown}");
}

#[test]
fn x38_the_operators_token_is_none_in_a_cookie_a_query_or_a_form() {
    let (world, _, client) = world();
    for path in PAGES.iter().copied().chain(["/admin/subjects?q=bob@example.test"]) {
        for attempt in [
            world
                .request("GET", path)
                .header("cookie", &format!("admin_token={ADMIN_TOKEN}; __mcp_session={ADMIN_TOKEN}")),
            world.request(
                "GET",
                &format!("{path}{}access_token={ADMIN_TOKEN}", if path.contains('?') { '&' } else { '?' }),
            ),
        ] {
            attempt.clone().header("accept", "application/json").send().refused(401, "operator_token_required");
            let page = attempt.header("accept", ACCEPT).send();
            assert!(matches!(page.status, 303 | 401), "{path}: {}", page.shown());
        }
    }
    let forged = [("form", ADMIN_TOKEN), ("act", "revoke_everything"), ("subject", "dev:bob"), ("decision", "yes")];
    world.request("POST", "/admin/people").form(&forged).send().refused(400, "console_form_gone");
    // And the token opens no page: programs are answered with JSON.
    let told = world.request("GET", "/admin/servers").header("accept", ACCEPT).bearer(ADMIN_TOKEN).send().with(200);
    assert!(told.json().get("servers").is_some());
    world.request("GET", "/admin/servers").header("accept", ACCEPT).bearer("guess").send().with(401);
    // An access token of a client is none of an operator's either, were it the operator's own.
    let own = world.client("own").connects("alice");
    for token in [&own.access, &client.access] {
        world.request("GET", "/admin/servers").bearer(token).send().refused(401, "operator_token_required");
    }
    nothing_ended(&world, &client);
}

#[test]
fn x38_a_session_changes_nothing_without_a_form_of_the_console() {
    let (world, _, client) = world();
    let browser = signs_in(&world, "/admin", "alice");
    let cookies = browser.cookie_header();
    let own = |method: &str, path: &str| {
        let asking = world.request(method, path).cookies(&cookies).header("origin", &world.origin());
        asking.header("sec-fetch-site", "same-origin")
    };
    let config: Value = world.configuration()["config"].clone();
    own("PUT", "/admin/config").json(&config).send().refused(401, "operator_token_required");
    own("POST", "/admin/config").json(&config).send().refused(401, "operator_token_required");
    own("POST", "/admin/config/rollback").send().refused(401, "operator_token_required");
    own("DELETE", "/admin/subjects/dev%3Abob").send().refused(401, "operator_token_required");
    own("DELETE", "/admin/servers/linear/connection").send().refused(401, "operator_token_required");
    own("POST", "/admin/explain").json(&json!({})).send().refused(401, "operator_token_required");
    own("POST", "/admin/people")
        .body("text/plain", "act=revoke_everything")
        .send()
        .refused(401, "operator_token_required");
    own("POST", "/admin/people").bearer(ADMIN_TOKEN).json(&json!({})).send().refused(415, "console_form_expected");
    nothing_ended(&world, &client);
}

#[test]
fn x38_a_registration_that_is_an_id_is_not_said_to_be_removed() {
    let (world, _, client) = world();
    let mut browser = signs_in(&world, "/admin/people?subject=dev%3Abob", "alice");
    let token = browser.form("/admin/people").fields["form"].clone();
    let fields = [("form", token.as_str()), ("act", "remove_client"), ("id", client.id.as_str())];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let shown = browser.submits(&Form { action: "/admin/clients".to_owned(), fields }).clone().with(200);
    assert!(shown.text().contains("cannot be removed"), "{}", shown.shown());
    nothing_ended(&world, &client);
}

#[test]
fn x38_what_an_operator_looked_at_is_what_is_put_in_effect() {
    let (world, _, _) = world();
    let mut browser = signs_in(&world, "/admin/config", "alice");
    let mut config = world.configuration()["config"].clone();
    config["consent"] = "always".into();
    let page = with(&with(&browser.form("/admin/config"), "act", "check"), "config", &config.to_string());
    browser.submits(&page).clone().with(200);
    let checked = with(&with(&browser.form("/admin/config"), "act", "configure"), "config", &config.to_string());
    browser.goes_to("/admin/config");
    let asks = form_of(&browser, "/admin/config/rollback", "roll_back");
    browser.submits(&asks).clone().with(200);
    let rolls_back = with(&browser.form("/admin/config/rollback"), "decision", "yes");
    // Somebody else sends another one meanwhile.
    world.reconfigure(|config| config["public_index"] = true.into());
    let before = world.configuration();
    let shown = browser.submits(&checked).clone().with(200);
    assert!(shown.text().contains("/public_index"), "it is looked at anew: {}", shown.shown());
    browser.submits(&rolls_back).refused(409, "configuration_changed_meanwhile");
    assert_eq!(world.configuration(), before);
}
