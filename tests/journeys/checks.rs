//! Checking a server: of every fault on the gateway's way to it exactly that one is found, and nothing on a server in
//! order; what a check leaves behind, and whom it asks.
//!
//! Not here: real servers (`tests/e2e/checks.test.mjs`), and who may not check (`attacks/operators`).

use std::rc::Rc;

use mcp_edge_gateway::ports::FetchError;
use serde_json::{Value, json};

use crate::world::answer::Answer;
use crate::world::platform::Scripted;
use crate::world::protected::{Protected, Says};
use crate::world::{ADMIN_TOKEN, World};

const ORIGIN: &str = "https://linear.example";

fn world(auth: &Value) -> (World, Protected) {
    let world = World::configured(|config| config["operators"] = json!({"subjects": ["dev:alice"]}));
    let server = Protected::new(&world, "linear");
    world.reconfigure(|config| config["servers"]["linear"] = server.configured("Linear", auth));
    (world, server)
}

fn asks(world: &World, slug: &str) -> Answer {
    world.request("POST", &format!("/admin/servers/{slug}/check")).bearer(ADMIN_TOKEN).send()
}

fn check(world: &World, slug: &str) -> Value {
    asks(world, slug).with(200).json()
}

fn found(checked: &Value) -> Vec<&str> {
    checked["findings"].as_array().unwrap().iter().map(|finding| finding["id"].as_str().unwrap()).collect()
}

fn said<'a>(checked: &'a Value, step: &str) -> &'a str {
    let steps = checked["steps"].as_array().unwrap();
    steps.iter().find(|it| it["name"] == step).and_then(|it| it["said"].as_str()).unwrap_or_default()
}

/// Bends what is said, in a world of its own, and finds that and nothing else.
#[track_caller]
fn finds(auth: &Value, bend: impl FnOnce(&mut Says), expected: &str) {
    let (world, server) = world(auth);
    bend(&mut server.says.borrow_mut());
    let checked = check(&world, "linear");
    assert_eq!(found(&checked), [expected], "{checked}");
    let finding = &checked["findings"][0];
    for member in ["step", "weight", "says", "at", "expected", "seen", "rule", "source", "who", "fix"] {
        assert!(finding[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {finding}");
    }
    assert!(finding["fix"].as_str().is_some_and(|fix| !fix.contains("{slug}")), "{finding}");
}

/// Another answer at one path, whoever is asked there.
fn at(says: &mut Says, path: &'static str, answer: impl Fn() -> Scripted + 'static) {
    says.instead = Some(Rc::new(move |request| (request.url.path() == path).then(&answer)));
}

fn page(status: u16) -> Scripted {
    Scripted::new(status, &[("content-type", "text/html")], "<h1>No</h1>")
}

#[test]
fn x12_a_server_in_order_is_gone_to_the_end_and_nothing_is_found() {
    let (world, server) = world(&json!({}));
    let checked = check(&world, "linear");
    assert_eq!(found(&checked), [""; 0], "{checked}");
    assert_eq!((&checked["v"], &checked["server"], &checked["url"]), (&json!(1), &json!("linear"), &json!(server.url)));
    assert_eq!(said(&checked, "reach"), "wants credentials (401)");
    assert_eq!(said(&checked, "issuer"), server.issuer);
    let sent = server.seen("/register");
    assert!(sent.len() == 1 && sent[0]["redirect_uris"].contains("registers nobody"), "{sent:?}");
    assert!(server.seen("/token").is_empty());
    assert!(world.platform.connections.borrow().is_empty(), "nobody was connected by it");

    let checked = check(&world, "demo");
    assert_eq!((found(&checked), said(&checked, "call")), (vec![], "speaks 2025-11-25 and 2026-07-28"));
}

#[test]
fn x12_every_fault_of_the_server_itself_is_named() {
    let open = json!({});
    finds(&open, |says| at(says, "/mcp", || page(404)), "upstream_not_mcp");
    finds(&open, |says| at(says, "/mcp", || page(403)), "upstream_blocked");
    let challenge = || Scripted::new(503, &[("content-type", "text/html"), ("cf-mitigated", "challenge")], "<html>");
    finds(&open, |says| at(says, "/mcp", challenge), "upstream_blocked");
    finds(&open, |says| at(says, "/mcp", || page(502)), "upstream_error");
    let moved = || Scripted::new(307, &[("location", "https://linear.example/v2/mcp?key=secret-in-it")], "");
    finds(&open, |says| at(says, "/mcp", moved), "upstream_redirected");
    let garbled = || Scripted::new(200, &[("content-type", "application/json")], "%PDF-1.7");
    finds(&open, |says| at(says, "/mcp", garbled), "upstream_garbled");
    finds(&open, |says| says.challenge = "Basic realm=\"linear\"".to_owned(), "upstream_challenge_missing");

    for (error, expected) in
        [(FetchError::Unreachable, "upstream_unreachable"), (FetchError::TimedOut, "upstream_timeout")]
    {
        let (world, _) = world(&open);
        world.outside_fails(ORIGIN, error);
        assert_eq!(found(&check(&world, "linear")), [expected]);
    }
    let (world, server) = world(&open);
    world.outside_answers("https://demo.example", 400, &[("content-type", "text/plain")], "I do not like that");
    assert_eq!(found(&check(&world, "demo")), ["upstream_not_initialized"]);
    at(&mut server.says.borrow_mut(), "/mcp", moved);
    assert!(!check(&world, "linear").to_string().contains("secret-in-it"), "what follows a ? may be one");
}

#[test]
fn x12_every_fault_of_the_metadata_is_named() {
    let open = json!({});
    let unhinted = "Bearer scope=\"read\"";
    finds(&open, |says| says.resource = Value::Null, "upstream_resource_metadata_missing");
    finds(&open, |says| says.resource = json!({"resource": 7}), "upstream_resource_metadata_malformed");
    finds(&open, |says| says.resource["resource"] = json!("https://other.example/mcp"), "upstream_resource_mismatch");
    finds(&open, |says| says.resource["authorization_servers"] = json!([]), "upstream_names_no_issuer");
    finds(&open, |says| says.resource["authorization_servers"] = json!(["https://10.0.0.1"]), "upstream_url_refused");
    let busy = "/.well-known/oauth-protected-resource/mcp";
    finds(&open, |says| at(says, busy, || page(503)), "upstream_discovery_unavailable");
    let huge = || Scripted::new(200, &[("content-type", "application/json")], " ".repeat(70_000));
    finds(&open, |says| at(says, busy, huge), "upstream_metadata_too_large");
    finds(
        &open,
        |says| {
            says.challenge = unhinted.to_owned();
            let other =
                json!({"resource": "https://linear.example", "authorization_servers": ["https://as.linear.example"]});
            at(says, "/.well-known/oauth-protected-resource", move || Scripted::json(&other));
        },
        "upstream_resource_metadata_differs",
    );
    finds(&json!({"issuer": "https://elsewhere.example"}), |_| {}, "upstream_issuer_changed");
    finds(&open, |says| says.issuer = Value::Null, "upstream_issuer_metadata_missing");
    finds(&open, |says| says.issuer = json!([]), "upstream_issuer_metadata_malformed");
    finds(&open, |says| says.issuer["token_endpoint"] = Value::Null, "upstream_issuer_metadata_incomplete");
    finds(&open, |says| says.issuer["issuer"] = json!("https://as.other.example"), "upstream_issuer_mismatch");
    finds(&open, |says| says.issuer["code_challenge_methods_supported"] = json!(["plain"]), "upstream_without_pkce");
    finds(
        &open,
        |says| {
            let mut other = says.issuer.clone();
            other["token_endpoint"] = json!("https://as.linear.example/oauth2/token");
            at(says, "/.well-known/openid-configuration", move || Scripted::json(&other));
        },
        "upstream_issuer_metadata_differs",
    );
    finds(
        &open,
        |says| (says.challenge, says.resource) = (unhinted.to_owned(), Value::Null),
        "upstream_metadata_absent",
    );
}

#[test]
fn x12_every_fault_of_registration_and_sign_in_is_named() {
    let client = |secret: &str| json!({"issuer": "https://as.linear.example", "client": {"client_id": "gateway", "client_secret": {"secret": secret}}});
    finds(&json!({}), |says| says.issuer["registration_endpoint"] = Value::Null, "upstream_without_registration");
    for status in [401, 403, 404] {
        finds(&json!({}), |says| at(says, "/register", move || page(status)), "upstream_registration_closed");
    }
    finds(&client("MAIL_KEY"), |says| at(says, "/authorize", || page(400)), "upstream_authorization_refused");
    finds(
        &json!({"scope": "read admin"}),
        |says| says.issuer["scopes_supported"] = json!(["read", "write"]),
        "upstream_scope_unsupported",
    );
    let (world, server) = world(&client("MAIL_KEY"));
    let secret = world.platform.secrets.borrow_mut().remove("MAIL_KEY").unwrap();
    assert_eq!(found(&check(&world, "linear")), ["upstream_client_secret_missing"]);
    assert_eq!(found(&check(&world, "mail")), ["upstream_secret_missing"]);
    world.set_secret("MAIL_KEY", &secret);
    let sent_back = |error: &str| {
        let to = format!("http://localhost:8787/oauth/upstream-callback?error={error}");
        at(&mut server.says.borrow_mut(), "/authorize", move || Scripted::new(302, &[("location", &to)], ""));
        check(&world, "linear")
    };
    assert_eq!(found(&sent_back("invalid_scope")), ["upstream_scope_refused"]);
    assert_eq!(found(&sent_back("unauthorized_client")), ["upstream_authorization_refused"]);
    let signed_in = sent_back("login_required");
    assert_eq!((found(&signed_in), said(&signed_in, "authorization")), (vec![], "leads to a sign-in"));
}

#[test]
fn x12_an_operator_checks_with_their_own_account_and_the_gateways_keys() {
    let (world, server) = world(&json!({}));
    let client = world.client("claude").at("linear").registers().authorizes().signs_in("alice").approves();
    let client = client.presses_connect();
    let client = client.clone().follows(&server.approves(&client.browser.at)).redeems();
    assert!(said(&check(&world, "linear"), "credentials").contains("each person has their own"), "the token is nobody");

    let mut browser = client.browser.clone();
    let checks = |browser: &mut crate::world::browser::Browser| {
        browser.goes_to("/admin/servers");
        let mut form = browser.form("/admin/servers");
        form.fields.insert("act".to_owned(), "check".to_owned());
        form.fields.insert("slug".to_owned(), "linear".to_owned());
        browser.submits(&form);
        browser.shows.text()
    };
    let shown = checks(&mut browser);
    assert!(shown.contains("Check of Linear") && shown.contains("your own connection"), "{shown}");
    assert!(shown.contains("speaks 2025-11-25 and 2026-07-28") && shown.contains("Nothing is wrong"), "{shown}");
    assert!(shown.contains("scripts/doctor http://localhost:8787/v1/mcp/linear --profile vscode"), "{shown}");
    assert!(!shown.contains("at-https"), "no token is shown");

    // A token that the server forgot is renewed as for a call; only one that was renewed in vain is a finding.
    let before = server.seen("/token").len();
    server.says.borrow_mut().instead = Some(Rc::new(|request| {
        let bearer = request.headers.contains_key("authorization");
        (bearer && request.url.path() == "/mcp").then(|| Scripted::new(401, &[("www-authenticate", "Bearer")], ""))
    }));
    let shown = checks(&mut browser);
    assert!(shown.contains("upstream_refuses_renewed"), "{shown}");
    assert_eq!(server.seen("/token").len(), before + 1, "renewed once, as a call renews");
    let told = world.request("GET", "/admin/servers").bearer(ADMIN_TOKEN).send().with(200).json();
    let linear = told["servers"].as_array().unwrap().iter().find(|it| it["slug"] == "linear").unwrap().clone();
    assert_eq!(linear["last_check"]["findings"], json!(["upstream_refuses_renewed"]), "{linear}");
    assert!(!world.request("GET", "/status").send().json().to_string().contains("last_check"), "operators only");

    world.outside_answers("https://mail.example", 401, &[], "");
    assert_eq!(found(&check(&world, "mail")), ["upstream_unauthorized"]);
    world.outside_answers("https://demo.example", 401, &[], "");
    assert_eq!(found(&check(&world, "demo")), ["upstream_wants_credentials"]);
    world.reconfigure(|config| config["servers"]["linear"]["auth"] = json!({"kind": "oauth", "shared": true}));
    server.says.borrow_mut().instead = None;
    assert_eq!(found(&check(&world, "linear")), ["shared_connection_missing"]);
}

#[test]
fn x12_checks_are_counted_and_written_down() {
    let (world, _) = world(&json!({}));
    for _ in 0..10 {
        check(&world, "linear");
    }
    asks(&world, "linear").refused(429, "server_check_rate_limited");
    check(&world, "demo");
    world.passes(60);
    check(&world, "linear");
    asks(&world, "nobody").refused(404, "no_such_server");
    let journal = world.platform.journal.borrow();
    let acts = journal.iter().filter(|line| line.contains(r#""act":"check_server""#) && line.contains("operator_act"));
    assert_eq!(acts.count(), 12);
}
