//! What programs with the operator's token read and do of what the console shows.
//!
//! Not here: the console itself (`console`), and what there was before it (`operation`, `people`).

use std::rc::Rc;

use serde_json::{Value, json};

use crate::world::platform::Scripted;
use crate::world::tokens::Tokens;
use crate::world::{ADMIN_TOKEN, World};

#[test]
fn x38_servers_say_that_refreshes_fail_and_how_old_their_catalogue_is() {
    let (world, tokens) = Tokens::in_world();
    let client = tokens.connected(Some(600));
    world.passes(700);
    tokens.bends(|_, _| Some(Ok(Scripted::new(503, &[], ""))));
    client.call("search").refused(503, "upstream_token_unavailable");
    let told = || {
        let told = world.request("GET", "/admin/servers").bearer(ADMIN_TOKEN).send().with(200).json();
        let of = |slug: &str| told["servers"].as_array().unwrap().iter().find(|it| it["slug"] == slug).unwrap().clone();
        (of("docs")["failing_refreshes"].clone(), of("demo")["catalogue_at"].clone())
    };
    let (failing, catalogue) = told();
    assert_eq!((&failing["reason"], &failing["since"]), (&json!("upstream_token_unavailable"), &json!(1_900_000_700)));
    assert!(failing["times"] == 1 && catalogue.is_null(), "{failing} {catalogue}");
    world.passes(61);
    client.call("search").refused(503, "upstream_token_unavailable");
    assert_eq!((&told().0["times"], &told().0["since"]), (&json!(2), &failing["since"]));
    world.passes(61);
    tokens.behaves();
    client.calls_without_session("search");
    assert!(told().0.is_null(), "one that does not fail ends the row");

    world.outside(
        "https://demo.example",
        Rc::new(|request| {
            let message: Value = serde_json::from_slice(&request.body).unwrap();
            let result = json!({"tools": [{"name": "echo", "inputSchema": {"type": "object"}}]});
            Ok(Scripted::json(&json!({"jsonrpc": "2.0", "id": message["id"], "result": result})))
        }),
    );
    let client = world.client("cursor").connects("bob");
    client.sends(&json!({"jsonrpc": "2.0", "id": 5, "method": "tools/list"})).with(200);
    assert_eq!(told().1, world.now());
}

#[test]
fn x38_a_program_rolls_back_with_the_token_also_what_cannot_be_read() {
    let world = World::new();
    let rolls_back = || world.request("POST", "/admin/config/rollback").bearer(ADMIN_TOKEN).send();
    rolls_back().refused(409, "configuration_has_no_previous");
    world.reconfigure(|config| config["consent"] = "always".into());
    assert_eq!(rolls_back().with(200).json(), json!({"version": 3, "rolled_back_to": 1}));
    assert_eq!(world.configuration()["config"].get("consent"), None);
    assert_eq!(rolls_back().with(200).json(), json!({"version": 4, "rolled_back_to": 2}), "and forth");
    let broken = r#"{"v":1,"version":9,"at":1900000000,"config":{"of": "another release"}}"#;
    world.platform.directory.borrow_mut().insert("config:current".to_owned(), (broken.to_owned(), None));
    world.new_isolate();
    rolls_back().with(200);
    world.new_isolate();
    world.client("claude").connects("alice");
    world.request("POST", "/admin/config/rollback").send().refused(401, "operator_token_required");
}
