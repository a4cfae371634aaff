//! `docs/storage.md` names everything at rest and nothing else: its tables are held to the source in both directions,
//! its examples to the records. Every decision is in the index, and every link leads somewhere.
//!
//! Not here: the bytes of each record in all of its states, which golden tests pin beside it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on stops")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use mcp_edge_gateway::authorization_log::LogEntry;
use mcp_edge_gateway::json;
use mcp_edge_gateway::metrics::shard;
use mcp_edge_gateway::oauth::client::registered::RegisteredClient;
use mcp_edge_gateway::oauth::{grant, once, subject};
use mcp_edge_gateway::upstream::replica::Replica;
use mcp_edge_gateway::upstream::{connection, issuer};
use mcp_edge_gateway::vault::Purpose;
use serde::Serialize;
use serde::de::DeserializeOwned;

type Names = BTreeSet<String>;

/// What stands before a colon in a text that is made, and is no key of the directory.
const NO_KEYS: &[&str] = &[
    "--accent:", // a page's style
    "--mark:",
    "account:", // a field of the form that names an agent
    "dev:",     // subjects of the development login
    "header:",  // a field of the connect form
    "key:",     // subjects of service keys
    "scope:",   // a field of the consent form
    "server:",  // a field of the form that makes a key
];

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The code of the Worker, without comments and tests.
fn sources() -> String {
    let mut code = String::new();
    let mut folders = vec![PathBuf::from("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            let stem = path.file_stem().unwrap().to_str().unwrap();
            if entry.path().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") && !matches!(stem, "tests" | "golden" | "samples") {
                let text = read(path.to_str().unwrap());
                let product = text.split("#[cfg(test)]\nmod tests").next().unwrap();
                code.extend(
                    product.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| [line, "\n"]),
                );
            }
        }
    }
    code
}

/// The contents of string literals, and what stands between them: where one begins is not told from where one ends.
fn texts(code: &str) -> impl Iterator<Item = &str> {
    code.split('"')
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'_'))
}

/// The section of the page under a heading.
fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    page.split("\n## ").find_map(|section| section.strip_prefix(heading)?.strip_prefix('\n')).unwrap()
}

/// The names in one column of a section's table.
fn column(section: &str, column: usize) -> Names {
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.flat_map(|row| row.split('|').nth(column + 1).unwrap().split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_prefix_of_the_directory_is_documented() {
    let code = sources();
    let made = code.split("format!(\"").skip(1).filter_map(|rest| rest.split_once(":{")).map(|(prefix, _)| prefix);
    let constant = code.split(": &str = \"").skip(1).filter_map(|rest| rest.split('"').next()?.split_once(':'));
    let constant = constant.filter(|(_, rest)| is_word(rest)).map(|(prefix, _)| prefix);
    let prefixes: Names =
        made.chain(constant).filter(|prefix| is_word(prefix)).map(|prefix| format!("{prefix}:")).collect();
    let stale: Vec<_> = NO_KEYS.iter().filter(|prefix| !prefixes.contains(**prefix)).collect();
    assert!(stale.is_empty(), "{stale:?} are not made any more");
    let keys: Names = prefixes.into_iter().filter(|prefix| !NO_KEYS.contains(&prefix.as_str())).collect();
    assert_eq!(column(section(&read("docs/storage.md"), "Directory"), 0), keys);
}

#[test]
fn every_class_of_objects_is_documented() {
    let bindings = read("wrangler.toml");
    let classes = bindings.split("class_name = \"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
    assert_eq!(column(section(&read("docs/storage.md"), "Objects"), 0), classes.collect());
}

#[test]
fn every_cookie_and_every_kind_of_token_is_documented() {
    let (code, page) = (sources(), read("docs/storage.md"));
    let begins = |beginnings: &[&str]| -> Names {
        let names = texts(&code).filter(|text| {
            is_word(text) && beginnings.iter().any(|one| text.len() > one.len() && text.starts_with(one))
        });
        names.map(str::to_owned).collect()
    };
    assert_eq!(column(section(&page, "Cookies"), 0), begins(&["mcp_", "__mcp_"]));
    let mut tokens = column(section(&page, "Texts that others keep for the gateway"), 1);
    tokens.retain(|text| text.starts_with("mcpg_"));
    assert_eq!(tokens, begins(&["mcpg_"]));
}

#[test]
fn every_purpose_and_label_of_a_key_is_documented() {
    let page = read("docs/storage.md");
    let keys = section(&page, "Keys");
    assert_eq!(column(keys, 0), Purpose::ALL.map(|purpose| purpose.label().to_owned()).into());
    let code = sources();
    let labels = code.split("b\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let labels: Names = labels.filter(|label| label.starts_with("mcp-edge-gateway/")).map(str::to_owned).collect();
    let documented = keys.split('`').skip(1).step_by(2).filter(|text| text.starts_with("mcp-edge-gateway/"));
    assert_eq!(documented.map(str::to_owned).collect::<Names>(), labels);
}

#[test]
fn every_example_is_a_record() {
    fn is_read<T: Serialize + DeserializeOwned>(example: &str) {
        let record: T = json::read(example.as_bytes()).unwrap_or_else(|error| panic!("{error}: {example}"));
        assert_eq!(serde_json::to_string(&record).unwrap(), example);
    }
    let page = read("docs/storage.md");
    let mut shown = Vec::new();
    for block in page.split("```json ").skip(1) {
        let (name, rest) = block.split_once('\n').unwrap();
        let example = rest.split("\n```").next().unwrap();
        match name {
            "client:" => is_read::<RegisteredClient>(example),
            "connection:" => is_read::<Replica>(example),
            "Grant" => is_read::<grant::Record>(example),
            "Account" => is_read::<subject::Record>(example),
            "Connection" => is_read::<connection::Record>(example),
            "Metrics" => is_read::<shard::Row>(example),
            "Once" => is_read::<once::Record>(example),
            "Log" => is_read::<LogEntry>(example),
            "Issuer" => is_read::<issuer::Record>(example),
            other => panic!("{other} is no record that can be read here"),
        }
        shown.push(name);
    }
    let all = ["client:", "connection:", "Grant", "Account", "Connection", "Metrics", "Log", "Issuer", "Once"];
    assert_eq!(shown, all);
}

#[test]
fn every_decision_is_in_the_index_and_says_why_and_what_it_costs() {
    let map = read("ARCHITECTURE.md");
    let linked: Names =
        map.split("](docs/decisions/").skip(1).map(|rest| rest.split(')').next().unwrap().to_owned()).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/decisions");
    let records: Names =
        fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(linked, records);
    for record in records {
        let text = read(&format!("docs/decisions/{record}"));
        let title = text.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap();
        let headings: Vec<_> = text.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(headings, ["## Context", "## Decision", "## Consequences"], "{record}");
        assert!(
            map.contains(&format!("[{title}](docs/decisions/{record})")),
            "{record} has another title in the index"
        );
    }
}

/// Every Markdown file that people read, but not what others wrote.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["", "docs", "docs/decisions", "examples"] {
        let entries = fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        found.extend(entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    found
}

/// The text without what stands in code.
fn prose(text: &str) -> String {
    let blocks = text.split("```").step_by(2).collect::<String>();
    blocks.split('`').step_by(2).collect()
}

/// A heading as its anchor is written at GitHub.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase().replace(' ', "-");
    kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
}

/// Whether a line is what a fragment leads to: a heading, or a row with that id.
fn names(line: &str, fragment: &str) -> bool {
    (line.starts_with('#') && anchor(line.trim_start_matches('#')) == fragment)
        || line.contains(&format!("<a id=\"{fragment}\">"))
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    let mut followed = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        let targets = prose(&text);
        let targets = targets.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
        for target in targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:")) {
            followed += 1;
            let (path, fragment) = target.split_once('#').unwrap_or((target, ""));
            let file = if path.is_empty() { document.clone() } else { document.parent().unwrap().join(path) };
            let is_there = file.exists()
                && (fragment.is_empty()
                    || fs::read_to_string(&file).unwrap().lines().any(|line| names(line, fragment)));
            if !is_there {
                broken.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(followed > 80, "only {followed} links were found");
}

#[test]
fn every_rung_of_the_ladder_is_a_binding_of_each_environment_with_a_number_of_its_own() {
    let toml = include_str!("../wrangler.toml");
    for rung in mcp_edge_gateway::time::PerMinute::LADDER {
        let limit = format!("simple = {{ limit = {rung}, period = 60 }} }}");
        let name = format!("{{ name = \"LIMIT_{rung}\", ");
        let bound = toml.lines().filter(|line| line.contains(&name) && line.contains(&limit)).count();
        assert_eq!(bound, 3, "{rung}");
    }
    let numbers: Vec<_> = toml.split("namespace_id = \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let distinct: std::collections::BTreeSet<_> = numbers.iter().collect();
    assert_eq!((numbers.len(), distinct.len()), (30, 30), "namespaces are counted together by their numbers");
}
