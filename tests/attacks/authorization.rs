//! Attacks at the authorization endpoint: redirects that are not the client's, and requests made weaker on the way.
//!
//! Not here: the forms on the way there (`browser`).

use crate::world::World;
use crate::world::answer::parameter;

const EVIL: &str = "https://evil.example/callback";

type Parameters = Vec<(&'static str, String)>;

fn set(parameters: &mut Parameters, name: &'static str, value: &str) {
    parameters.retain(|(other, _)| *other != name);
    parameters.push((name, value.to_owned()));
}

#[test]
fn an_unregistered_redirect_uri_is_shown_and_never_followed() {
    let world = World::public(|_| ());
    let mut client = world.client("claude").connects("alice");
    for uri in [
        EVIL,
        "https://claude.example/callback/",
        "https://claude.example/callback?x=1",
        "https://claude.example/Callback",
        "https://claude.example:8443/callback",
        "https://claude.example.evil.example/callback",
        "https://claude.example@evil.example/callback",
        "http://claude.example/callback",
    ] {
        let answer = client.authorization(|parameters| set(parameters, "redirect_uri", uri));
        answer.refused(400, "redirect_uri_unregistered");
        assert!(answer.text().contains("https://claude.example/callback"), "the registered one is shown");
        assert_eq!(answer.header("set-cookie"), None);
    }
    let answer = client.authorization(|parameters| parameters.push(("redirect_uri", EVIL.to_owned())));
    answer.refused(400, "authorization_request_malformed");
}

#[test]
fn loopback_hosts_do_not_stand_for_each_other() {
    let world = World::new();
    let mut client = world.client("desktop").comes_back_at("http://127.0.0.1:1/callback").registers();
    for uri in ["http://localhost:1/callback", "http://[::1]:1/callback", "http://127.0.0.2:1/callback"] {
        client
            .authorization(|parameters| set(parameters, "redirect_uri", uri))
            .refused(400, "redirect_uri_unregistered");
    }
}

#[test]
fn no_error_of_a_request_redirects_before_client_and_redirect_uri_are_proven() {
    let world = World::public(|_| ());
    let mut client = world.client("claude").connects("alice");
    let broken: [(&'static str, &str); 6] = [
        ("response_type", "token"),
        ("code_challenge_method", "plain"),
        ("code_challenge", "short"),
        ("scope", "admin"),
        ("resource", "https://other.example/mcp"),
        ("request", "eyJ"),
    ];
    for (name, value) in broken {
        for (what, wrong) in [("redirect_uri", EVIL), ("client_id", "mcpg_client_AAAAAAAAAAAAAAAAAAAAAA")] {
            let answer = client.authorization(|parameters| {
                set(parameters, name, value);
                set(parameters, "redirect_uri", EVIL);
                set(parameters, what, wrong);
            });
            assert!(matches!(answer.status, 400 | 401), "{name}, {what}: {}", answer.text());
            assert_eq!(answer.header("location"), None, "{name}, {what}");
        }
    }
}

#[test]
fn a_registered_redirect_uri_is_no_open_redirect_for_strangers() {
    let world = World::public(|_| ());
    let mut evil = world.client("evil").registers();
    let answer = evil.authorization(|parameters| set(parameters, "response_type", "token"));
    assert_eq!((answer.status, answer.header("location")), (400, None), "nobody is signed in");

    let alice = world.client("claude").connects("alice");
    let mut evil = evil.in_browser(&alice.browser);
    let answer = evil.authorization(|parameters| set(parameters, "response_type", "token"));
    answer.refused(400, "unsupported_response_type");
    assert!(answer.text().contains("https://evil.example/callback"), "the page says where it would have gone");

    let local = world.client("local").comes_back_at("http://127.0.0.1:1/callback").registers();
    let mut local = local.in_browser(&alice.browser);
    local.authorization(|parameters| set(parameters, "response_type", "token"));
    assert_eq!(parameter(&local.browser.at, "error"), "unsupported_response_type");
    assert_eq!(parameter(&local.browser.at, "iss"), world.origin());
    assert!(!local.browser.at.as_str().contains("code="));
}

#[test]
fn pkce_cannot_be_left_out_or_made_plain() {
    let world = World::new();
    let client = world.client("claude").comes_back_at("http://127.0.0.1:1/callback");
    let mut client = client.connects("alice");
    let plain = client.verifier.clone();
    let without: fn(&mut Parameters) = |parameters| parameters.retain(|(name, _)| !name.starts_with("code_challenge"));
    let unsaid: fn(&mut Parameters) = |parameters| parameters.retain(|(name, _)| *name != "code_challenge_method");
    for change in [without, unsaid] {
        client.authorization(change);
        assert_eq!(parameter(&client.browser.at, "error"), "invalid_request");
    }
    client.authorization(|parameters| {
        set(parameters, "code_challenge_method", "plain");
        set(parameters, "code_challenge", &plain);
    });
    assert_eq!(parameter(&client.browser.at, "error"), "invalid_request");
    assert!(!client.browser.at.as_str().contains("code="));
}

#[test]
fn a_code_without_its_verifier_is_worth_nothing() {
    let world = World::new();
    let client = world.client("claude").registers().authorizes().signs_in("alice").consents();
    client.redemption(|form| form.retain(|(name, _)| *name != "code_verifier")).refused(400, "code_missing_verifier");
    let guess = "g".repeat(43);
    client.redemption(|form| set(form, "code_verifier", &guess)).refused(400, "code_wrong_verifier");
    let challenge = client.challenge();
    client.redemption(|form| set(form, "code_verifier", &challenge)).refused(400, "code_wrong_verifier");
    client.redeems().calls("echo");
}

#[test]
fn a_code_works_once_and_its_second_use_ends_what_the_first_one_gave() {
    let world = World::new();
    let client = world.client("claude").registers().authorizes().signs_in("alice").consents();
    let thief = client.clone();
    let client = client.redeems().calls("echo");
    thief.redemption(|_| ()).refused(400, "code_used");
    client.call("echo").refused(401, "token_revoked");
    client.refreshing(client.refresh.as_ref().unwrap()).refused(400, "grant_revoked");
}

#[test]
fn a_code_is_of_one_client_one_redirect_uri_and_one_resource() {
    let world = World::new();
    let client = world.client("claude").registers().authorizes().signs_in("alice").consents();
    let thief = world.client("thief").registers();
    let stolen = thief.redemption(|form| {
        set(form, "code", &client.code);
        set(form, "code_verifier", &client.verifier);
        set(form, "redirect_uri", &client.redirect_uri);
    });
    stolen.refused(400, "grant_wrong_client");
    client.redemption(|form| set(form, "redirect_uri", EVIL)).refused(400, "code_wrong_redirect_uri");
    let mail = client.clone().at("mail").resource();
    client.redemption(|form| set(form, "resource", &mail)).refused(400, "grant_wrong_resource");
    client.redeems().calls("echo");
}

#[test]
fn a_forged_or_disguised_code_asks_no_object() {
    let world = World::new();
    let client = world.client("claude").registers().authorizes().signs_in("alice").consents();
    let mut changed = client.code.clone();
    changed.replace_range(20..21, if client.code.as_bytes()[20] == b'A' { "B" } else { "A" });
    let disguised = client.clone().redeems().refresh.unwrap().replace("mcpg_rt_", "mcpg_code_");
    let uses = world.uses_of(|| {
        for code in [changed, disguised, "mcpg_code_".to_owned(), "x".repeat(5000)] {
            client.redemption(|form| set(form, "code", &code)).refused(400, "grant_unknown");
        }
    });
    assert_eq!(uses.ledger, 0);
}

#[test]
fn a_confidential_client_cannot_be_played_without_its_secret() {
    let world = World::new();
    let client = world.client("agent").registers_as("client_secret_post").authorizes().signs_in("alice").consents();
    for secret in [None, Some("guess"), Some("")] {
        let answer = client.redemption(|form| {
            form.retain(|(name, _)| *name != "client_secret");
            form.extend(secret.map(|secret| ("client_secret", secret.to_owned())));
        });
        assert_eq!((answer.status, &answer.json()["error"]), (401, &"invalid_client".into()), "{secret:?}");
    }
    client.redeems().calls("echo");
}

#[test]
fn the_issuer_in_the_answer_names_this_gateway() {
    let client = World::public(|_| ()).client("claude").registers().authorizes().signs_in("alice").consents();
    assert_eq!(parameter(&client.browser.at, "iss"), "https://mcp.example.com");
}
