//! What a sign-in leaves to ask the identity provider with, where it brought nothing new itself.
//!
//! Not here: asking (`recheck`).

use crate::world::{HOUR, KEY_2, World};

fn world() -> World {
    World::public(|config| config["login"]["recheck_seconds"] = HOUR.into())
}

#[test]
fn a_sign_in_that_leaves_what_is_of_another_client_says_that_nobody_can_be_asked() {
    let world = world();
    let is_said = || world.platform.journal.borrow().iter().any(|line| line.contains("sign_in_not_rechecked"));
    let signs_in = |name| drop(world.client(name).connects("alice"));
    signs_in("first");
    world.idp.gives_none.set(true);
    signs_in("again");
    assert!(!is_said(), "what the first sign-in brought is good");
    world.reconfigure(|config| config["login"]["client_id"] = "another".into());
    world.idp.client_id.set(Some("another"));
    signs_in("other");
    assert!(is_said());
}

#[test]
fn who_signs_in_is_not_out_because_what_was_kept_cannot_be_opened() {
    let world = world();
    drop(world.client("claude").connects("alice"));
    world.idp.gives_none.set(true);
    world.set_secret("KEY_RING", KEY_2);
    world.new_isolate();
    let alice = world.client("again").connects("alice");
    assert!(world.platform.journal.borrow().iter().any(|line| line.contains("sign_in_not_rechecked")));
    world.passes(2 * HOUR);
    alice.refreshes();
}
