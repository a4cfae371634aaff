//! What an operator sees on the console's first page: what went on, in charts, and what was most frequent.
//!
//! Not here: the sums themselves (`metrics`), and the console's other pages (`console`).

use serde_json::json;

use crate::world::World;
use crate::world::browser::Browser;

fn world() -> World {
    World::configured(|config| config["operators"] = json!({"subjects": ["dev:alice"]}))
}

/// Alice's browser, at the console.
fn operator(world: &World) -> Browser {
    let mut browser = world.browser();
    browser.goes_to("/admin");
    browser.presses("/login/callback", "account", "alice");
    browser
}

#[test]
fn x38_the_first_page_shows_what_went_on_and_why() {
    let world = world();
    let client = world.client("claude").connects("alice").initializes();
    world.passes(10);
    let client = client.calls("echo");
    world.request("POST", "/v1/mcp/demo").send().refused(401, "token_missing");
    world.passes(10);
    client.calls("echo");
    let mut browser = operator(&world);
    let page = browser.shows.text().clone();
    for part in ["<th scope=\"row\">demo/echo</th>", "<th scope=\"row\">token_missing client</th>", ">dev:alice</th>"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(page.contains("aria-current=\"true\">Day</a>"), "{page}");
    assert_eq!(page.matches("<figure class=\"chart\">").count(), 3);
    let week = browser.goes_to("/admin?window=7d").clone().with(200);
    assert!(week.text().contains("aria-current=\"true\">Week</a>") && week.text().contains("demo/echo"));
    // Another text than those that are offered is the usual window.
    for other in ["/admin?window=1y", "/admin?window=%22%3E%3Cscript%3E", "/admin?x"] {
        let shown = browser.goes_to(other).clone().with(200);
        assert!(shown.text().contains("aria-current=\"true\">Day</a>"), "{other}");
    }
}

#[test]
fn x38_without_the_counters_the_first_page_says_so_and_shows_the_rest() {
    let world = world();
    let mut browser = operator(&world);
    world.platform.shards.down.set(true);
    let shown = browser.goes_to("/admin").clone().with(200);
    assert!(shown.text().contains("The counters cannot be reached.") && shown.text().contains("The gateway is ready"));
    assert!(!shown.text().contains("<figure"), "no chart of numbers that nobody knows");
}
