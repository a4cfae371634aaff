//! Services that quote in their errors what was sent to them: none of it reaches a page, a client or the log.
//!
//! Not here: each form in which a secret may come back (`foreign`).

use std::rc::Rc;

use serde_json::json;

use crate::world::World;
use crate::world::idp;
use crate::world::platform::Scripted;
use crate::world::protected::Protected;

/// The token endpoint answers with everything that it was sent.
fn quotes(server: &Protected) {
    server.says.borrow_mut().instead = Some(Rc::new(move |request| {
        let basic = request.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
        let sent = format!("{} {}", String::from_utf8_lossy(&request.body), basic.unwrap_or_default());
        // As it came, and each value as it was meant.
        let meant: Vec<_> = url::form_urlencoded::parse(&request.body).map(|(_, value)| value.into_owned()).collect();
        let body = json!({"error": "invalid_request", "error_description": format!("{} {sent}", meant.join(" "))});
        let answer = Scripted::new(400, &[("content-type", "application/json")], body.to_string());
        (request.url.path() == "/token").then_some(answer)
    }));
}

fn secrets_of(form: &std::collections::BTreeMap<String, String>) -> Vec<String> {
    let names = ["code", "code_verifier", "refresh_token", "client_secret"];
    names.iter().filter_map(|name| form.get(*name)).cloned().collect()
}

#[test]
fn an_authorization_server_that_quotes_the_request_for_a_token() {
    let world = World::public(|_| ());
    let server = Protected::new(&world, "linear");
    world.reconfigure(|config| config["servers"]["linear"] = server.configured("Linear", &json!({})));
    let trip = || world.client("claude").at("linear").registers().authorizes().signs_in("alice").approves();

    // The code, its verifier and the gateway's secret there.
    let mut client = trip().presses_connect();
    let back = server.approves(&client.browser.at);
    quotes(&server);
    world.sent();
    client.browser.goes_to(back.as_str()).refused(502, "upstream_token_refused");
    let sent = world.sent().into_iter().find(|sent| sent.url.path() == "/token").unwrap();
    let form = url::form_urlencoded::parse(&sent.body).into_owned().collect();
    let basic = sent.headers["authorization"].to_str().unwrap().trim_start_matches("Basic ").to_owned();
    let mut secrets = secrets_of(&form);
    assert_eq!(secrets.len(), 2);
    secrets.extend([basic, "registered secret".to_owned()]);
    let shown = client.browser.shows.text();
    assert!(shown.contains("[cut]"), "{shown}");
    let log = world.platform.journal.borrow().join("\n");
    for secret in &secrets {
        assert!(!shown.contains(secret.as_str()), "{secret} on the page");
        assert!(!log.contains(secret.as_str()), "{secret} in the log");
    }

    // The refresh token.
    server.says.borrow_mut().instead = None;
    let client = trip().presses_connect();
    let client = client.clone().follows(&server.approves(&client.browser.at)).redeems();
    world.passes(3601);
    let client = client.refreshes();
    quotes(&server);
    world.sent();
    let shown = client.call("echo").text();
    let sent = world.sent().into_iter().find(|sent| sent.url.path() == "/token").unwrap();
    let form = url::form_urlencoded::parse(&sent.body).into_owned().collect();
    let secrets = secrets_of(&form);
    assert_eq!(secrets.len(), 1);
    let log = world.platform.journal.borrow().join("\n");
    assert!(shown.contains("[cut]") && log.contains("[cut]"), "{shown}");
    assert!(!shown.contains(secrets[0].as_str()) && !log.contains(secrets[0].as_str()), "{shown}");
}

#[test]
fn an_identity_provider_that_quotes_the_request_for_a_token() {
    let world = World::public(|_| ());
    let mut client = world.client("claude").registers().authorizes();
    let host = world.idp.host();
    world.outside(
        idp::ISSUER,
        Rc::new(move |request| {
            if request.url.path() != "/token" {
                return host(request);
            }
            let basic = request.headers["authorization"].to_str().unwrap();
            let body = json!({"error": format!("bad {} {basic}", String::from_utf8_lossy(&request.body))});
            Ok(Scripted::new(400, &[("content-type", "application/json")], body.to_string()))
        }),
    );
    world.sent();
    let back = world.idp.signs_in(&world, &client.browser.at, "alice");
    client.browser.goes_to(back.as_str()).refused(502, "login_token_refused");
    let sent = world.sent().into_iter().find(|sent| sent.url.path() == "/token").unwrap();
    let form = url::form_urlencoded::parse(&sent.body).into_owned().collect();
    let shown = format!("{}{}", client.browser.shows.text(), world.platform.journal.borrow().join("\n"));
    assert!(shown.contains("[cut]"), "{shown}");
    for secret in secrets_of(&form) {
        assert!(!shown.contains(&secret), "{secret}");
    }
}

#[test]
fn a_server_that_quotes_the_token_as_the_scope_it_wants() {
    let world = World::public(|_| ());
    let server = Protected::new(&world, "linear");
    world.reconfigure(|config| config["servers"]["linear"] = server.configured("Linear", &json!({})));
    let client = world.client("claude").at("linear").registers().authorizes().signs_in("alice").approves();
    let client = client.presses_connect();
    let client = client.clone().follows(&server.approves(&client.browser.at)).redeems();
    server.says.borrow_mut().instead = Some(Rc::new(|request| {
        let token = request.headers.get("authorization")?.to_str().unwrap().strip_prefix("Bearer ")?.to_owned();
        let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{token}\"");
        Some(Scripted::new(403, &[("www-authenticate", &challenge)], ""))
    }));
    world.sent();
    let shown = client.call("echo").text();
    let token = world.sent()[0].headers["authorization"].to_str().unwrap().trim_start_matches("Bearer ").to_owned();
    assert!(token.starts_with("at-") && shown.contains("upstream_scope_unsatisfied"), "{shown}");
    assert!(!shown.contains(&token) && !world.platform.journal.borrow().join("\n").contains(&token), "{shown}");
}
