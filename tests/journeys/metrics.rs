//! What is counted adds up: over isolates, over time, over answers that are lost, and only what may be counted is.
//!
//! Not here: the sums themselves (`metrics`), the built Worker (`tests/e2e`).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::world::client::Client;
use crate::world::{ADMIN_TOKEN, DAY, HOUR, MINUTE, World};

fn told(world: &World, window: &str) -> Value {
    let path = format!("/admin/metrics?window={window}");
    world.request("GET", &path).bearer(ADMIN_TOKEN).send().with(200).json()
}

fn scraped(world: &World) -> BTreeMap<String, String> {
    let answer = world.request("GET", "/admin/metrics.prom").bearer(ADMIN_TOKEN).send().with(200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = answer.text();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').unwrap()).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// How many requests a label has: `[("tool", "echo")]`.
fn requests(told: &Value, kind: &str, labels: &[(&str, &str)]) -> u64 {
    let rows = told[kind]["top"].as_array().unwrap().iter();
    rows.filter(|row| labels.iter().all(|(name, value)| row[*name] == *value))
        .map(|row| row["requests"].as_u64().unwrap())
        .sum()
}

fn sum(told: &Value, kind: &str) -> u64 {
    requests(told, kind, &[]) + told[kind]["other"]["requests"].as_u64().unwrap()
}

#[test]
fn a_call_is_counted_and_the_operator_sees_it() {
    let world = World::new();
    let client = world.client("claude").connects("alice").initializes();
    world.passes(10);
    client.calls("echo");
    let told = told(&world, "1h");
    assert_eq!(requests(&told, "tools", &[("server", "demo"), ("tool", "echo")]), 1, "{told:#}");
    assert_eq!(requests(&told, "routes", &[("route", "mcp"), ("status", "2xx")]), 2);
    assert_eq!(told["subjects"]["top"][0]["subject"], "dev:alice");
    assert_eq!(sum(&told, "routes"), told["requests"].as_u64().unwrap());
    assert!(told["may_lack"].as_str().unwrap().contains("10 seconds"));
    assert_eq!(scraped(&world)["mcpgateway_server_requests_total{server=\"demo\",outcome=\"ok\"}"], "2");
}

#[test]
fn hours_of_calls_in_two_isolates_add_up_exactly_in_every_window() {
    let here = World::configured(|config| config["tokens"] = json!({"access_ttl_seconds": DAY}));
    let client = here.client("claude").connects("alice").initializes().calls("echo");
    let mut elsewhere = client.clone();
    elsewhere.world = here.elsewhere();
    let call = |client: &Client, tool: &str| drop(client.call(tool).with(200));
    // 150 minutes, two isolates, one call in 7 seconds in each; at its end both tell what they have.
    let mut calls = 1;
    for n in 0..150 * MINUTE / 7 {
        here.passes(7);
        for (client, tool) in [(&client, "echo"), (&elsewhere, "other")] {
            call(client, if n % 5 == 0 { "third" } else { tool });
            calls += 1;
        }
    }
    here.passes(10);
    for client in [&client, &elsewhere] {
        call(client, "echo");
        calls += 1;
    }
    for window in ["3h", "24h", "7d", "30d"] {
        let told = told(&here, window);
        assert_eq!(requests(&told, "servers", &[("server", "demo")]) - 1, calls, "{window}: and a session");
        assert_eq!(sum(&told, "tools"), calls, "{window}");
        let series = told["series"].as_array().unwrap();
        let all: u64 = series.iter().map(|point| point["requests"].as_u64().unwrap()).sum();
        assert_eq!(told["requests"], all, "{window}");
        assert!(series.is_sorted_by_key(|point| point["at"].as_u64()));
        if window == "3h" {
            assert!((150..=152).contains(&series.len()), "{}", series.len());
        }
    }
    let last_minutes = told(&here, "10m")["requests"].as_u64().unwrap();
    assert!((160..=200).contains(&last_minutes), "{last_minutes}");
    // Rows become longer ones, and are forgotten; the totals stay.
    let rows = || here.platform.shards.rows.borrow().values().map(BTreeMap::len).sum::<usize>();
    assert!(rows() > 150);
    for _ in 0..10 {
        here.passes(6 * HOUR);
        here.platform.shards.ring(mcp_edge_gateway::time::Timestamp(here.now()));
    }
    assert!(rows() < 20, "{}", rows());
    assert_eq!(sum(&told(&here, "7d"), "tools"), calls);
    here.passes(12 * DAY);
    assert_eq!(sum(&told(&here, "30d"), "tools"), calls);
    assert_eq!(sum(&told(&here, "3h"), "tools"), 0);
    here.passes(30 * DAY);
    assert_eq!(sum(&told(&here, "30d"), "tools"), 0);
    let ok = &scraped(&here)["mcpgateway_server_requests_total{server=\"demo\",outcome=\"ok\"}"];
    assert_eq!(*ok, (calls + 1).to_string());
    assert!(rows() <= 8, "nothing but the totals, and what the questions are counted as: {}", rows());
}

#[test]
fn what_arrived_is_not_counted_again_and_what_did_not_is_not_lost() {
    let world = World::new();
    let mut client = world.client("claude").connects("alice").initializes();
    let mut calls = 0;
    for (down, mute) in [(true, false), (false, true), (true, false), (false, true), (false, true), (false, false)] {
        world.platform.shards.down.set(down);
        world.platform.shards.mute.set(mute);
        world.passes(11);
        client = client.calls("echo");
        calls += 1;
    }
    assert_eq!(sum(&told(&world, "1h"), "tools"), calls);
}

#[test]
fn sums_that_cannot_be_reached_delay_and_refuse_nothing_but_the_question() {
    let world = World::new();
    let client = world.client("claude").connects("alice").initializes();
    world.platform.shards.down.set(true);
    world.passes(60);
    let uses = world.uses_of(|| drop(client.call("echo").with(200)));
    assert_eq!((uses.fetches, uses.metered, uses.ledger), (1, 1, 0));
    world.request("GET", "/admin/metrics").bearer(ADMIN_TOKEN).send().refused(503, "storage_unavailable");
}

#[test]
fn an_isolate_that_is_ended_loses_what_it_counted_since_it_last_told() {
    let world = World::new();
    let mut client = world.client("claude").connects("alice").initializes();
    world.passes(10);
    client = client.calls("echo"); // told
    for _ in 0..9 {
        world.passes(1);
        client = client.calls("echo");
    }
    world.new_isolate();
    world.passes(60);
    client.calls("echo"); // told: the first of its isolate
    let told = told(&world, "1h");
    assert_eq!(sum(&told, "tools"), 2, "of 11 those of the last nine seconds are lost");
}

#[test]
fn a_call_tells_at_most_once_in_ten_seconds_and_strangers_once_a_minute() {
    let world = World::new();
    let client = world.client("claude").connects("alice").initializes();
    world.passes(60);
    let told = |act: &dyn Fn(), seconds: u64| {
        let uses = world.uses_of(|| {
            for _ in 0..seconds {
                world.passes(1);
                act();
            }
        });
        uses.metered
    };
    let told_of_calls = told(&|| drop(client.call("echo").with(200)), 60);
    assert!((6..=8).contains(&told_of_calls), "{told_of_calls}: and once more where a minute ends");
    world.new_isolate();
    let told_of_strangers = told(&|| drop(world.get("/v1/mcp/demo")), 600);
    assert!((8..=20).contains(&told_of_strangers), "{told_of_strangers}");
}

#[test]
fn ten_thousand_tools_clients_and_subjects_are_some_rows_and_exact_sums() {
    let world = World::new();
    let client = world.client("claude").connects("alice").initializes();
    let largest =
        || world.platform.shards.rows.borrow().values().flat_map(|rows| rows.values().map(String::len)).max().unwrap();
    for n in 0..10_000_u64 {
        if n % 100 == 0 {
            world.passes(1);
        }
        let name = format!("{n} {}", "\u{1}".repeat(200));
        let answer = client.call(if n % 4 == 0 { "echo" } else { &name });
        assert_eq!(answer.status, 200);
    }
    world.passes(10);
    client.call("echo").with(200);
    let told = told(&world, "1h");
    assert_eq!(sum(&told, "tools"), 10_001);
    let echo = requests(&told, "tools", &[("tool", "echo")]);
    assert!(echo <= 2_501 && echo + told["tools"]["other"]["requests"].as_u64().unwrap() >= 2_501, "{echo}");
    assert!(echo > 2_000, "{echo}: what is called often is not pushed out");
    assert!(largest() < 200_000, "{}", largest());
}

#[test]
fn what_strangers_name_is_counted_nowhere() {
    let world = World::new();
    let mark = "chosen-by-a-stranger";
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": mark}});
    let authorize = format!("/oauth/authorize?client_id={mark}&response_type=code");
    for path in [&format!("/connect/{mark}"), &format!("/v1/mcp/{mark}"), &authorize, &format!("/{mark}")] {
        world.get(path);
    }
    world.request("POST", "/v1/mcp/demo").bearer(mark).json(&call).send().with(401);
    world
        .request("POST", "/oauth/token")
        .form(&[("grant_type", "authorization_code"), ("client_id", mark), ("code", mark)])
        .send();
    world.passes(60);
    world.get("/healthz");
    let told = told(&world, "1h");
    assert_eq!(requests(&told, "reasons", &[("reason", "token_malformed")]), 1, "{told:#}");
    assert!(!told.to_string().contains(mark), "{told:#}");
    for rows in world.platform.shards.rows.borrow().values() {
        assert!(rows.values().all(|text| !text.contains(mark)));
    }
}

#[test]
fn a_window_that_is_none_says_which_there_are() {
    let world = World::new();
    let ask = |query: &str| world.request("GET", &format!("/admin/metrics{query}")).bearer(ADMIN_TOKEN).send();
    for query in [
        "?window=31d",
        "?window=",
        "?window=1h&window=2h",
        "?since=1",
        "?window=1h%20",
        "?window=99999999999999999999m",
    ] {
        ask(query).refused(400, "metrics_window_malformed");
    }
    for query in ["", "?window=1m", "?window=30d"] {
        ask(query).with(200);
    }
    world.get("/admin/metrics").refused(401, "operator_token_required");
    world.get("/admin/metrics.prom").refused(401, "operator_token_required");
}

#[test]
fn analytics_of_the_platform_see_each_request_with_the_names_that_count() {
    let world = World::new();
    let client = world.client("claude").connects("alice").initializes();
    world.platform.shards.observed.take();
    client.call("echo").with(200);
    world.get("/v1/mcp/nowhere").refused(404, "no_such_server");
    let observed = world.platform.shards.observed.take();
    let [(call, numbers), (refused, _)] = observed.as_slice() else { panic!("{observed:?}") };
    let id = client.id.get(..128).unwrap_or(&client.id);
    assert_eq!(call, &["mcp", "", "", "demo", "echo", id, "dev:alice"]);
    assert_eq!(numbers, &[200, 0, 0]);
    assert_eq!(refused, &["no-such-server", "no_such_server", "client", "", "", "", ""]);
}

#[test]
fn who_is_hashed_in_the_log_is_hashed_in_the_sums() {
    let world = World::configured(|config| config["log"] = json!({"subjects": "hashed"}));
    let client = world.client("claude").connects("alice").initializes();
    world.passes(10);
    client.calls("echo");
    let told = told(&world, "1h");
    let subject = told["subjects"]["top"][0]["subject"].as_str().unwrap();
    assert!(subject.starts_with("hashed-") && !told.to_string().contains("alice"), "{told:#}");
}
