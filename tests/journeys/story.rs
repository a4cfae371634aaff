//! A request's story: an operator finds it in the console's log by its id, sees the whole authorization, and gets what
//! support needs of it.
//!
//! Not here: what is an entry (`log`), and the console's other pages (`console`).

use serde_json::{Value, json};

use crate::world::World;
use crate::world::browser::Browser;

fn world() -> World {
    World::configured(|config| config["operators"] = json!({"subjects": ["dev:alice"]}))
}

/// Alice's browser, at a page of the console.
fn operator(world: &World, path: &str) -> Browser {
    let mut browser = world.browser();
    browser.goes_to(path);
    browser.presses("/login/callback", "account", "alice");
    browser
}

#[test]
fn x38_the_log_is_looked_through_in_the_browser() {
    let world = world();
    world.client("claude").connects("bob");
    let mut browser = operator(&world, "/admin/log");
    let all = browser.shows.text().clone();
    assert!(all.contains(">Token</a>") && all.contains("dev:bob"), "{all}");
    // A form sends its empty fields as well.
    let bobs = browser.goes_to("/admin/log?subject=dev%3Abob&client=&kind=token").clone().with(200);
    assert!(bobs.text().contains(">Token</a>") && !bobs.text().contains(">Sign-in</a>"), "{}", bobs.shown());
    let nobodys = browser.goes_to("/admin/log?subject=dev%3Anobody").clone().with(200);
    assert!(nobodys.text().contains("Nothing fits."));
    for wrong in ["?kind=%3Cscript%3E", "?cursor=x", "?unknown=1", "?from=yesterday"] {
        let shown = browser.goes_to(&format!("/admin/log{wrong}")).clone().with(200);
        assert!(shown.text().contains("Nothing was looked for."), "{wrong}: {}", shown.shown());
        assert!(!shown.text().contains("<script>"));
    }
}

#[test]
fn x18_what_support_needs_of_a_request_names_nobody_unless_asked() {
    let world = world();
    world.client("claude").connects("bob");
    let mut browser = operator(&world, "/admin/log?kind=token");
    let page = browser.shows.text().clone();
    let id = page.split("request_id=").nth(1).unwrap().split(['"', '&']).next().unwrap().to_owned();
    let story = browser.goes_to(&format!("/admin/log?request_id={id}")).clone().with(200);
    assert!(story.text().contains(&format!("/admin/bundle?request_id={id}")), "{}", story.shown());
    let asked = |query: &str| {
        let path = format!("/admin/bundle?request_id={id}{query}");
        world.request("GET", &path).bearer(crate::world::ADMIN_TOKEN).send()
    };
    let answer = asked("").with(200);
    assert_eq!(answer.header("content-disposition"), Some(&*format!("attachment; filename=\"request-{id}.json\"")));
    let bundle: Value = answer.json();
    assert_eq!(bundle["entries"][0]["subject"], "(cut)", "{bundle:#}");
    assert!(!answer.text().contains("bob"), "{bundle:#}");
    assert!(bundle["cut"].as_array().unwrap().iter().any(|cut| cut == "the ids of persons and operators"));
    assert_eq!(bundle["server"]["auth"], "none");
    assert_eq!(asked("&names=true").with(200).json()["entries"][0]["subject"], "dev:bob");
}

#[test]
fn a_request_that_nobody_knows_has_no_story() {
    let world = world();
    let asked = |query: &str| world.request("GET", &format!("/admin/bundle{query}")).bearer(crate::world::ADMIN_TOKEN);
    asked("").send().refused(400, "request_id_missing");
    asked("?request_id=%27%20OR%201%3D1").send().refused(400, "request_id_missing");
    asked(&format!("?request_id={}", "0".repeat(32))).send().refused(404, "no_such_request");
    let bundle = format!("/admin/bundle?request_id={}", "0".repeat(32));
    world.request("GET", &bundle).send().refused(401, "operator_token_required");
}
