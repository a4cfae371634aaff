//! Paths of the gateway that stand outside its one table of endpoints, because they stand below it or in a script: each
//! leads to the endpoint it means, and no server can take a place of the gateway's.
//!
//! Not here: what the endpoints answer (`journeys`), and well-known paths, which are other people's words.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on stops")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use mcp_edge_gateway::config::Config;
use mcp_edge_gateway::web::route::Route;
use serde_json::json;

const TABLE: [&str; 2] = ["src/web/route.rs", "src/web/route/issuer.rs"];

/// Where the path stands, the path, and the name of the endpoint that is meant.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("scripts/lib/configuration.mjs", "/admin/config", "/admin/config"),
    ("scripts/lib/configuration.mjs", "/admin/deployment", "/admin/deployment"),
    ("scripts/lib/configuration.mjs", "/healthz", "/healthz"),
    ("scripts/lib/configuration.mjs", "/status", "/status"),
    ("scripts/lib/configuration.mjs", "/v1/mcp/demo", "mcp"),
    ("scripts/lib/dev.mjs", "/healthz", "/healthz"),
    ("scripts/lib/doctor/upstreams.mjs", "/admin/servers", "/admin/servers"),
    ("scripts/lib/doctor/upstreams.mjs", "/admin/servers/demo/check", "server-check"),
    ("scripts/lib/doctor/upstreams.mjs", "/status", "/status"),
    ("src/config/auth/client.rs", "/oauth/upstream-callback", "/oauth/upstream-callback"),
    ("src/config/server.rs", "/v1/mcp/demo", "mcp"),
    ("src/flow/admin/status.rs", "/admin/config", "/admin/config"),
    ("src/flow/admin/status.rs", "/status", "/status"),
    ("src/oauth/token/access_token.rs", "/v1/mcp/", "no-slug"),
    ("src/page/servers.rs", "/login", "/login"),
    ("src/page/templates/notice.html", "/connections", "/connections"),
    ("src/page/templates/notice.html", "/login", "/login"),
    ("src/upstream/link.rs", "/connect/demo", "connect"),
    ("src/web/failure/family.rs", "/connections", "/connections"),
    ("src/web/failure/family.rs", "/login", "/login"),
];

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The Worker's code without its tests, its pages, and the scripts that talk to it.
fn texts() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from("src"), PathBuf::from("scripts")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(&folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            let name = path.file_stem().unwrap().to_str().unwrap();
            let skipped = ["tests", "golden", "gallery", "bench", "bench-targets", "node_modules", "target"];
            if skipped.contains(&name) {
                continue;
            }
            let file = path.display().to_string();
            if Path::new(env!("CARGO_MANIFEST_DIR")).join(&path).is_dir() {
                folders.push(path);
            } else if path.extension().is_none_or(|it| ["rs", "html", "js", "mjs"].iter().any(|known| it == *known)) {
                let text = read(&file);
                let product = text.split("#[cfg(test)]\nmod tests").next().unwrap();
                let lines = product.lines().filter(|line| !line.trim_start().starts_with("//"));
                found.push((file, lines.flat_map(|line| [line, "\n"]).collect()));
            }
        }
    }
    found
}

/// The first segments of every path in the table.
fn segments() -> BTreeSet<String> {
    let table = TABLE.map(read).concat();
    // What a path ends with begins with a slash as well.
    let code: String =
        table.lines().filter(|line| !line.trim_start().starts_with("//") && !line.contains("_END: ")).collect();
    let paths = code.split('"').skip(1).step_by(2).filter_map(|text| text.strip_prefix('/'));
    paths.map(|path| path.split('/').next().unwrap().to_owned()).filter(|first| !first.is_empty()).collect()
}

fn configuration(path: &str) -> Result<Config, String> {
    let server = json!({"url": "https://up.example/mcp", "path": path});
    let document = json!({"public_url": "https://gw.example", "login": {"kind": "dev"}, "servers": {"docs": server}});
    Config::parse(&document.to_string()).map_err(|errors| errors.to_string())
}

#[test]
fn no_server_can_take_a_place_of_the_gateways() {
    let mut own = segments();
    // Where servers are that have no path of their own, and where people look for them.
    assert!(own.remove("v1") && own.remove("mcp"));
    assert!(own.len() > 5, "the table is not found any more");
    for segment in &own {
        let refused = configuration(&format!("/{segment}/x")).unwrap_err();
        assert!(refused.contains("route of the gateway"), "{segment}: {refused}");
        let (_, named) = refused.split_once("everything under ").unwrap();
        let named: BTreeSet<_> =
            named.split_once(" are taken").unwrap().0.split(", ").map(|it| it.replace('/', "")).collect();
        assert_eq!(named, own, "what is reserved is what there is");
    }
}

#[test]
fn every_path_that_is_written_elsewhere_leads_where_it_means_to() {
    let document = json!({
        "login": {"kind": "dev"},
        "servers": {"demo": {"url": "https://up.example/mcp"}},
    });
    let config = Config::parse(&document.to_string()).unwrap();
    let own: BTreeSet<_> =
        segments().into_iter().filter(|segment| segment != ".well-known" && segment != "mcp").collect();
    let mut found = Vec::new();
    for (file, text) in texts().into_iter().filter(|(file, _)| !TABLE.contains(&file.as_str())) {
        for segment in &own {
            for (at, _) in text.match_indices(&format!("/{segment}")) {
                let (before, path) = text.split_at(at);
                let begins = ["\"", "`", "}", "localhost"].iter().any(|quote| before.ends_with(quote));
                let path = path.split(|c: char| !c.is_ascii_alphanumeric() && !"-._~/{}$".contains(c)).next().unwrap();
                if begins && path.split('/').nth(1) == Some(segment) {
                    let path =
                        path.replace("${", "{").replace("{query}", "").replace("{slug}", "demo").replace("{}", "demo");
                    let name = Route::find(Some(&config), &path).name();
                    found.push((file.clone(), path, name));
                }
            }
        }
    }
    found.sort();
    found.dedup();
    let found: Vec<_> = found.iter().map(|(file, path, name)| (file.as_str(), path.as_str(), *name)).collect();
    assert_eq!(found, ELSEWHERE);
}
