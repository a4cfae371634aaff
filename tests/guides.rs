//! `docs/clients.md` and `docs/upstreams.md` are written from `docs/data`, and what checks find in `docs/doctor.md` from
//! their rules: what a guide says is data, and what can be tried of it is tried. The gateway's pages and README.md show the same commands, and the configuration's reader takes every
//! server.
//!
//! Not here: running the commands (`tests/e2e/guides.test.mjs`).

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on stops")]

use std::fmt::Write;
use std::fs;
use std::path::Path;

use mcp_edge_gateway::config::Config;
use mcp_edge_gateway::page::{ServerCard, ServerPage, ServersPage};
use mcp_edge_gateway::upstream::check::{Weight, rules};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

const SLUG: &str = "docs";
const URL: &str = "https://mcp.example.com/v1/mcp/docs";
const CALLBACK: &str = "https://mcp.example.com/oauth/upstream-callback";
const NOTICE: &str = "<!-- Written from docs/data by `GUIDES=write cargo test --test guides`. -->";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Client {
    name: String,
    add: Vec<Step>,
    state: String,
    reset: String,
    quirks: Vec<Quirk>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    r#do: Option<String>,
    command: Option<String>,
    /// Whether the gateway's own page shows the command.
    #[serde(default)]
    page: bool,
    json: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Quirk {
    /// The version it was seen in, where the source names one.
    seen_in: Option<String>,
    what: String,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Upstream {
    name: String,
    slug: String,
    server: Box<RawValue>,
    register: String,
    scopes: String,
    pitfalls: Vec<String>,
    source: String,
}

#[test]
fn the_guide_to_clients_is_written_from_its_data() {
    let mut page = format!(
        "# Clients\n\n{NOTICE}\n\nHow each client is told of a server of the gateway, where it keeps what it knows of \
         it, and how it forgets that. `{SLUG}` stands for the\nserver's slug, `{URL}` for its address: both are on the \
         gateway's own page. No client id, secret or scope has to be filled in.\n\nWhoever has signed in somewhere \
         can also end it at the gateway: `/connections` lists the clients that act for you, and revokes them.\n"
    );
    for client in data::<Vec<Client>>("clients") {
        write!(page, "\n## {}\n\n", client.name).unwrap();
        for step in client.add {
            page.extend(step.r#do.map(|text| format!("{}\n\n", filled(&text))));
            page.extend(step.command.map(|command| format!("```sh\n{}\n```\n\n", filled(&command))));
            page.extend(step.json.map(|json| format!("```json\n{}\n```\n\n", filled(json.get()))));
        }
        write!(page, "Keeps: {}\n\nForgets: {}\n", filled(&client.state), filled(&client.reset)).unwrap();
        for (at, quirk) in client.quirks.iter().enumerate() {
            let seen = quirk.seen_in.as_ref().map(|version| format!(" Seen in {version}.")).unwrap_or_default();
            let gap = if at == 0 { "\n" } else { "" };
            writeln!(page, "{gap}- {}{seen} ([source]({}))", filled(&quirk.what), quirk.source).unwrap();
        }
    }
    is_written("docs/clients.md", &page);
}

#[test]
fn the_guide_to_upstreams_is_written_from_its_data() {
    let mut page = format!(
        "# Upstreams\n\n{NOTICE}\n\nServers that many people want, each with its entry under `servers` in \
         `gateway.json`, what has to be registered there before, and what to look out\nfor. The callback of a client \
         that is registered by hand is `{CALLBACK}`, with your own `public_url`. Every\nentry here is read by the \
         gateway's own reader in a test. [Every kind of `auth`](servers.md) is another page.\n"
    );
    for upstream in data::<Vec<Upstream>>("upstreams") {
        let Upstream { name, slug, server, register, scopes, pitfalls, source } = upstream;
        // As it is written there, without what it is indented by.
        let entry = server.get().replace("\n    ", "\n");
        write!(page, "\n## {name}\n\n```json\n\"{slug}\": {entry}\n```\n\n").unwrap();
        let register = register.replace("{callback}", CALLBACK);
        write!(page, "Register: {register}\n\nScopes: {scopes}. ([source]({source}))\n").unwrap();
        for (at, pitfall) in pitfalls.iter().enumerate() {
            writeln!(page, "{}- {pitfall}", if at == 0 { "\n" } else { "" }).unwrap();
        }
    }
    is_written("docs/upstreams.md", &page);
}

#[test]
fn every_upstream_is_taken_by_the_configuration_reader() {
    for Upstream { name, slug, server, .. } in data::<Vec<Upstream>>("upstreams") {
        let login = r#"{"kind": "oidc", "issuer": "https://id.example.com", "client_id": "mcp-gateway"}"#;
        let servers = format!(r#"{{"{slug}": {}}}"#, server.get());
        let configuration =
            format!(r#"{{"public_url": "https://mcp.example.com", "login": {login}, "servers": {servers}}}"#);
        if let Err(errors) = Config::parse(&configuration) {
            panic!("{name}: {errors}");
        }
    }
}

#[test]
fn the_page_shows_the_same_commands() {
    let server = ServerCard { slug: SLUG.into(), name: "Docs".into(), url: URL.into(), description: None };
    let page = ServerPage { server, index: "/".into() }.render();
    let front = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let mut shown = 0;
    for client in data::<Vec<Client>>("clients") {
        for command in client.add.iter().filter(|step| step.page).filter_map(|step| step.command.as_ref()) {
            assert!(page.contains(&filled(command)), "{}: {}", client.name, filled(command));
            shown += usize::from(front.contains(&filled(command)));
        }
    }
    assert!(shown >= 3, "README.md shows only {shown} of them");
}

#[test]
fn the_page_says_how_each_client_forgets() {
    let card = || ServerCard { slug: SLUG.into(), name: "Docs".into(), url: URL.into(), description: None };
    let page = ServersPage {
        signed_in: Some("Alice".into()),
        servers: Some(vec![card()]),
        connections: None,
        sign_in: "/login".into(),
        sign_out: "/logout".into(),
        version: String::new(),
    };
    let page = page.render().replace("<code>", "`").replace("</code>", "`");
    // Who writes a program has the guide.
    for Client { name, reset, .. } in data::<Vec<Client>>("clients") {
        let row = format!("<dt>{name}</dt><dd><p>{}</p>", reset.replace("{slug}", "NAME"));
        assert!(page.contains(&row) || name.contains("SDK") || name == "FastMCP", "{name}: {reset}");
    }
}

#[test]
fn what_checks_find_is_written_from_their_rules() {
    const MARKS: [&str; 2] = ["<!-- checks -->", "<!-- end of checks -->"];
    let mut table = "\n\n| finding | what is wrong | rule | to act | fix |\n|---|---|---|---|---|\n".to_owned();
    for rule in rules::all() {
        let warning = if rule.weight == Weight::Warning { " (warning)" } else { "" };
        let fix = rule.fix.replace("{slug}", "…");
        let who = rule.who.in_words();
        writeln!(table, "| `{}` | {}{warning} | {} ({}) | {who} | {fix} |", rule.id, rule.says, rule.rule, rule.source)
            .unwrap();
    }
    let file = "docs/doctor.md";
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let (before, rest) = page.split_once(MARKS[0]).unwrap();
    let (_, after) = rest.split_once(MARKS[1]).unwrap();
    is_written(file, &format!("{before}{}{table}\n{}{after}", MARKS[0], MARKS[1]));
}

#[test]
fn every_quirk_has_a_source() {
    for Client { name, quirks, .. } in data::<Vec<Client>>("clients") {
        for Quirk { what, source, seen_in } in quirks {
            assert!(source.starts_with("https://"), "{name}: {what}");
            assert!(seen_in.is_none_or(|version| version.starts_with(|c: char| c.is_ascii_digit())), "{name}: {what}");
        }
    }
}

fn data<T: DeserializeOwned>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/data/{name}.json"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn filled(text: &str) -> String {
    text.replace("{slug}", SLUG).replace("{url}", URL)
}

/// `GUIDES=write cargo test --test guides` brings the files up to date.
fn is_written(file: &str, page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("GUIDES").is_some_and(|value| value == "write") {
        fs::write(&path, page).unwrap();
    }
    let committed = fs::read_to_string(path).unwrap_or_default();
    assert!(committed == page, "{file} is stale: run GUIDES=write cargo test --test guides");
}
