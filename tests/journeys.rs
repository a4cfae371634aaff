//! The ways people and clients go, told as they happen, over a world in memory.
//!
//! Not here: who tries to harm (`attacks`), real clients and the real runtime (`tests/e2e`).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod world;

use world::World;

#[test]
fn a_stranger_connects_and_calls_a_tool() {
    World::new().client("claude").registers().authorizes().signs_in("alice").consents().redeems().calls("echo");
}

#[test]
fn a_person_signs_in_at_the_identity_provider() {
    World::public(|_| ())
        .client("claude")
        .registers()
        .authorizes()
        .signs_in("alice")
        .consents()
        .redeems()
        .calls("echo");
}
