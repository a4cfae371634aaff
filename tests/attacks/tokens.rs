//! Attacks with tokens: of another server, of another issuer, stolen, made up, sent twice.
//!
//! Not here: codes (`authorization`), and what a token's text may be (unit tests of `oauth::token::access_token`).

use jwt_compact::alg::{Hs256, Hs256Key};
use jwt_compact::{AlgorithmExt, Claims, Header};
use serde_json::{Value, json};

use crate::world::World;
use crate::world::client::Client;

#[test]
fn a_token_of_one_server_opens_no_other() {
    let world = World::new();
    let client = world.client("claude").connects("alice").calls("echo");
    world.sent();
    client.clone().at("mail").call("echo").refused(401, "token_wrong_audience");
    client.clone().at("mail").call("echo").refused(401, "token_wrong_audience");
    assert!(world.sent().is_empty());
    client.calls("echo");
}

#[test]
fn a_token_opens_no_other_server_that_is_put_at_its_address() {
    let world = World::public(|_| ());
    let at_mail = world.client("claude").at("mail").connects("alice").calls("echo");
    let at_demo = world.client("cursor").connects("alice").calls("echo");
    world.reconfigure(|config| {
        config["servers"]["demo"]["path"] = "/mail/mcp".into();
        config["servers"]["mail"]["path"] = "/v1/mcp/demo".into();
    });
    world.sent();
    for client in [&at_mail, &at_demo] {
        client.call("echo").refused(401, "token_wrong_audience");
        client.refreshing(client.refresh.as_ref().unwrap()).refused(400, "grant_server_moved");
    }
    assert!(world.sent().is_empty());
}

#[test]
fn a_token_of_an_old_public_url_is_told_what_to_do() {
    let world = World::public(|_| ());
    let client = world.client("claude").connects("alice").calls("echo");
    world.reconfigure(|config| {
        config["public_url"] = "https://new.example.com".into();
        config["allowed_hosts"] = json!(["mcp.example.com"]);
    });
    let answer = client.call("echo");
    answer.refused(401, "token_wrong_issuer");
    assert_eq!(answer.json()["error"], "invalid_token");
    assert!(answer.text().contains("add it again"));
}

#[test]
fn a_made_up_token_is_refused() {
    let world = World::new();
    let mut client = world.client("claude").connects("alice");
    let real = client.access.clone();
    let claims = |change: fn(&mut Value)| {
        let mut claims = json!({
            "iss": world.origin(), "aud": client.resource(), "sub": "dev:alice", "client_id": client.id,
            "scope": "mcp:tools", "iat": world.now(), "exp": world.now() + 3600, "jti": "AAAAAAAAAAAAAAAAAAAAAA",
            "grant": "AAAAAAAAAAAAAAAAAAAAAA",
        });
        change(&mut claims);
        claims
    };
    let header = Header::empty().with_token_type("at+jwt").with_key_id("1");
    let guessed = Hs256.token(&header, &Claims::new(claims(|_| ())), &Hs256Key::new([0; 32])).unwrap();
    let unsigned = {
        use base64ct::{Base64UrlUnpadded, Encoding};
        let part = |value: Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
        format!("{}.{}.", part(json!({"alg": "none", "typ": "at+jwt", "kid": "1"})), part(claims(|_| ())))
    };
    let (head, rest) = real.split_once('.').unwrap();
    let (_, signature) = rest.split_once('.').unwrap();
    let borrowed = format!("{head}.{}.{signature}", unsigned.split('.').nth(1).unwrap());
    for token in [guessed, unsigned, borrowed, client.refresh.clone().unwrap(), "x".repeat(10_000)] {
        client.access = token;
        let answer = client.call("echo").with(401);
        assert_eq!(answer.json()["error"], "invalid_token");
        assert!(answer.header("www-authenticate").unwrap().contains(r#"error="invalid_token""#));
    }
}

#[test]
fn a_token_that_only_ends_like_one_in_use_is_refused() {
    let world = World::new();
    let client = world.client("claude").connects("alice").calls("echo");
    world.sent();
    for at in 0..client.access.len() {
        let mut token = client.access.clone().into_bytes();
        token[at] = if token[at] == b'A' { b'B' } else { b'A' };
        let forged = Client { access: String::from_utf8(token).unwrap(), ..client.clone() };
        assert_eq!(forged.call("echo").status, 401, "changed at {at}");
    }
    let longer = Client { access: format!("A{}", client.access), ..client.clone() };
    assert_eq!(longer.call("echo").status, 401);
    assert!(world.sent().is_empty());
    client.calls("echo");
}

#[test]
fn a_token_is_taken_from_the_one_authorization_header_only() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    let post = |url: &str| world.request("POST", url).json(&json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}));
    let url = client.resource();
    let in_query = format!("{url}?access_token={}", client.access);
    post(&in_query).send().refused(400, "authorization_malformed");
    post(&in_query).bearer(&client.access).send().refused(400, "authorization_malformed");
    post(&url).bearer(&client.access).bearer("another").send().refused(400, "authorization_malformed");
    post(&url).bearer(&format!("{}, Bearer another", client.access)).send().refused(400, "authorization_malformed");
    post(&url).cookies(&client.browser.cookie_header()).send().refused(401, "token_missing");
    post(&url).header("authorization", "Basic eDp5").send().refused(401, "token_scheme_unsupported");
    post(&url).bearer(&client.access).send().with(200);
}

#[test]
fn a_stolen_refresh_token_is_of_no_use_to_another_client() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    let thief = world.client("thief").connects("bob");
    let stolen = client.refresh.clone().unwrap();
    thief.refreshing(&stolen).refused(400, "grant_wrong_client");
    client.refreshes().calls("echo");
}

#[test]
fn a_stolen_refresh_token_used_after_its_owner_ends_the_family() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    let stolen = client.refresh.clone().unwrap();
    let client = client.refreshes().refreshes();
    client.refreshing(&stolen).refused(400, "refresh_reused");
    client.call("echo").refused(401, "token_revoked");
    client.refreshing(client.refresh.as_ref().unwrap()).refused(400, "grant_revoked");
}

#[test]
fn nobody_revokes_what_is_not_theirs() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    let thief = world.client("thief").connects("bob");
    thief.revocation(&client.access).with(200);
    thief.revocation(client.refresh.as_ref().unwrap()).with(200);
    client.refreshes().calls("echo");
}

#[test]
fn a_refresh_cannot_widen_scope_or_change_server() {
    let world = World::new();
    let client = world.client("claude").asks_for("offline_access").connects("alice");
    let refresh = |more: (&str, &str)| {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", client.refresh.as_ref().unwrap()),
            ("client_id", &client.id),
            more,
        ];
        world.request("POST", "/oauth/token").form(&form).send()
    };
    refresh(("scope", "mcp:tools offline_access")).refused(400, "grant_scope_exceeded");
    let mail = client.clone().at("mail").resource();
    refresh(("resource", &mail)).refused(400, "grant_wrong_resource");
    client.refreshes();
}

#[test]
fn no_token_is_good_in_anothers_place() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    client.refreshing(&client.access).refused(400, "grant_unknown");
    client.refreshing(&client.code).refused(400, "grant_unknown");
    let refresh_as_code = client.redemption(|form| {
        form.retain(|(name, _)| *name != "code");
        form.push(("code", client.refresh.clone().unwrap()));
    });
    refresh_as_code.refused(400, "grant_unknown");
    world.request("GET", "/admin/config").bearer(&client.access).send().refused(401, "operator_token_required");
}
