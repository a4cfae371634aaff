//! Attacks on the proof of who signed in: ID tokens of somebody else's making, and proof that cannot be checked.
//!
//! Not here: what an ID token may claim (unit tests of `login::oidc::id_token`), and the real `WebCrypto`
//! (`tests/e2e`).

use crate::world::World;
use crate::world::idp::Key;

/// Signs in and ends with a refusal, without a session. How often the keys were fetched for that.
#[track_caller]
fn is_refused(world: &World, status: u16, reason: &str) -> usize {
    world.sent();
    let client = world.client("claude").registers().authorizes().signs_in("alice");
    client.browser.shows.refused(status, reason);
    assert!(!client.browser.cookies.contains_key("__mcp_session"));
    world.sent().iter().filter(|sent| sent.url.path() == "/jwks").count()
}

#[test]
fn a_strangers_signature_under_the_providers_name_signs_nobody_in() {
    let world = World::public(|_| ());
    world.idp.signs_with.set(Key { secret: 8, ..Key::default() });
    assert_eq!(is_refused(&world, 502, "id_token_wrong_signature"), 1, "and makes nobody fetch the keys again");
}

#[test]
fn a_key_that_nobody_published_signs_nobody_in() {
    let world = World::public(|_| ());
    world.idp.signs_with.set(Key { id: "key-2", secret: 8 });
    assert_eq!(is_refused(&world, 502, "id_token_unknown_key"), 2, "it might have been published since");
}

#[test]
fn nobody_is_signed_in_while_signatures_cannot_be_verified() {
    let world = World::public(|_| ());
    world.platform.signatures_down.set(true);
    is_refused(&world, 503, "login_unavailable");
}
