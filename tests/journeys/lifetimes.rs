//! How long everything lives: each thing is good in its last second and gone in the next.
//!
//! Not here: what else ends a thing (revocation, reuse).

use crate::world::client::Client;
use crate::world::{DAY, HOUR, MINUTE, World};

#[test]
fn a_code_lives_sixty_seconds() {
    let world = World::new();
    let client = world.client("claude").registers().authorizes().signs_in("alice").consents();
    let late = client.clone().authorizes().goes_on();
    world.passes(59);
    client.redeems().calls("echo");
    world.passes(1);
    late.redemption(|_| ()).refused(400, "code_expired");
}

#[test]
fn an_access_token_lives_an_hour_and_is_renewed_without_the_person() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    world.passes(HOUR - 1);
    let client = client.calls("echo");
    world.passes(1);
    let answer = client.call("echo").with(401);
    assert_eq!(answer.json()["error_description"], "Invalid or expired access token");
    assert_eq!(answer.reason(), "token_expired");
    world.new_isolate();
    client.call("echo").refused(401, "token_expired");
    client.refreshes().calls("echo");
}

#[test]
fn a_refresh_token_lives_thirty_days_from_its_last_use() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    world.passes(30 * DAY - 1);
    let client = client.refreshes();
    world.passes(30 * DAY - 1);
    let client = client.refreshes().calls("echo");
    world.passes(30 * DAY);
    client.refreshing(client.refresh.as_ref().unwrap()).refused(400, "refresh_expired");
    world.passes(DAY);
    client.refreshing(client.refresh.as_ref().unwrap()).refused(400, "grant_unknown");
}

#[test]
fn lifetimes_are_the_operators() {
    let world = World::configured(|config| {
        config["tokens"] = serde_json::json!({"access_ttl_seconds": 60, "refresh_ttl_seconds": 7 * DAY});
    });
    let client = world.client("claude").connects("alice").calls("echo");
    world.passes(60);
    client.call("echo").refused(401, "token_expired");
    world.passes(7 * DAY);
    client.refreshing(client.refresh.as_ref().unwrap()).refused(400, "refresh_expired");
}

#[test]
fn a_replaced_refresh_token_ends_its_family_after_ten_minutes() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    let first = client.refresh.clone().unwrap();
    let client = client.refreshes();
    world.passes(10 * MINUTE - 1);
    let again = client.refreshing(&first).with(200).json();
    assert_eq!(again["refresh_token"].as_str(), client.refresh.as_deref(), "by another process of the client, say");
    world.passes(1);
    client.refreshing(&first).refused(400, "refresh_reused");
    client.refreshing(client.refresh.as_ref().unwrap()).refused(400, "grant_revoked");
    client.call("echo").refused(401, "token_revoked");
}

#[test]
fn a_revocation_reaches_other_isolates_within_half_a_minute() {
    let world = World::new();
    let client = world.client("claude").connects("alice").calls("echo");
    let there = Client { world: world.elsewhere(), ..client.clone() }.calls("echo");
    client.revocation(&client.access).with(200);
    client.call("echo").refused(401, "token_revoked");
    let there = there.calls("echo");
    world.passes(30);
    there.call("echo").refused(401, "token_revoked");
}

#[test]
fn a_browser_session_lives_eight_hours_and_its_end_disturbs_no_client() {
    let world = World::new();
    let client = world.client("claude").connects("alice");
    world.passes(8 * HOUR - 1);
    let client = client.authorizes();
    assert!(!client.must_sign_in());
    let client = client.goes_on().redeems();
    world.passes(1);
    let client = client.calls("echo").authorizes();
    assert!(client.must_sign_in());
    client.signs_in("alice").goes_on().redeems();
}

#[test]
fn a_session_the_directory_forgets_late_is_over_all_the_same() {
    let world = World::new();
    let mut client = world.client("claude").connects("alice");
    for (_, ends) in client.browser.cookies.values_mut() {
        *ends = u64::MAX;
    }
    for (_, until) in world.platform.directory.borrow_mut().values_mut() {
        *until = None;
    }
    world.passes(8 * HOUR);
    assert!(client.authorizes().must_sign_in());
}

#[test]
fn a_consent_page_may_stay_open_ten_minutes() {
    let world = World::new();
    let open = world.client("claude").registers().authorizes().signs_in("alice");
    let mut late = open.clone().authorizes();
    world.passes(10 * MINUTE - 1);
    open.consents().redeems();
    world.passes(1);
    late.browser.presses("/oauth/consent", "decision", "approve").refused(400, "no_pending_authorization");
}

#[test]
fn a_sign_in_may_take_ten_minutes() {
    for world in [World::new(), World::public(|_| ())] {
        let mut waiting = world.client("claude").registers().authorizes();
        assert!(waiting.must_sign_in());
        for (_, ends) in waiting.browser.cookies.values_mut() {
            *ends = u64::MAX;
        }
        let mut late = waiting.clone();
        world.passes(10 * MINUTE - 1);
        waiting.signs_in("alice").consents();
        world.passes(1);
        late = late.signs_in("alice");
        late.browser.shows.refused(400, "login_lost");
    }
}

#[test]
fn a_registration_nobody_used_is_forgotten_after_a_day() {
    let world = World::new();
    let unused = world.client("unused").registers();
    let used = world.client("used").connects("alice");
    world.passes(DAY - 1);
    world.new_isolate();
    let late = unused.clone().authorizes();
    world.passes(10 * MINUTE - 1);
    let late = late.signs_in("alice");
    world.passes(10 * MINUTE - 1);
    late.consents().redeems().calls("echo");
    let slow = world.client("slow").registers();
    world.passes(DAY + HOUR);
    world.new_isolate();
    let mut unused = slow;
    let answer = unused.authorization(|_| ());
    answer.refused(400, "client_unknown");
    assert!(answer.text().contains("Clear the client&#39;s stored credentials"));
    used.authorizes().signs_in("alice").goes_on().redeems().calls("echo");
}

#[test]
fn the_directory_keeps_nothing_for_ever_but_the_configuration() {
    let world = World::new();
    let client = world.client("claude").connects("alice").calls("echo");
    client.revocation(&client.access).with(200);
    let directory = world.platform.directory.borrow();
    let kept: Vec<_> = directory.iter().filter(|(_, (_, until))| until.is_none()).map(|(key, _)| key).collect();
    assert_eq!(kept, ["config:current"]);
}
