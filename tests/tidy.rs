//! The form of the source: every file says what it is for, layers import only downwards, nothing grows too large, and
//! every reason code is one word for one thing.
//!
//! Not here: what the compiler and clippy see themselves.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on stops")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use imports::Imports;
use layers::{FLOWS, LAYERS};

#[path = "tidy/imports.rs"]
mod imports;
#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/names.rs"]
mod names;
#[path = "tidy/provoked.rs"]
mod provoked;
#[path = "tidy/width.rs"]
mod width;

const RUNTIME: &[&str] = &["worker", "web_sys", "js_sys", "wasm_bindgen", "wasm_bindgen_futures"];
const LONGEST: usize = 400;
const MEDIAN: usize = 170;

struct File {
    path: PathBuf,
    text: String,
}

impl File {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// A file that only unit tests have.
    fn is_of_tests(&self) -> bool {
        self.path.components().any(|part| {
            let part = Path::new(part.as_os_str()).file_stem().unwrap_or_default();
            ["tests", "golden", "gallery", "test_keys"].iter().any(|name| part == *name)
        })
    }

    /// `oauth` for `src/oauth/…` and `src/oauth.rs`, `web::form` for `src/web/form.rs`.
    fn layer(&self) -> String {
        let part = |n| self.path.components().nth(n).and_then(|part| Path::new(part.as_os_str()).file_stem()?.to_str());
        match (part(1).unwrap(), part(2)) {
            ("web", Some(file)) if file != "mod" => format!("web::{file}"),
            (folder, _) => folder.to_owned(),
        }
    }

    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(n, line)| (n + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn files(under: &str) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join(under)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push(File { path: path.strip_prefix(root).unwrap().to_owned(), text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn none(offences: impl IntoIterator<Item = String>, rule: &str) {
    let offences: Vec<_> = offences.into_iter().collect();
    assert!(offences.is_empty(), "{rule}:\n{}", offences.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for_and_what_is_not_there() {
    let headless = files("src").into_iter().chain(files("tests")).filter(|file| {
        let head: Vec<_> = file.text.lines().take_while(|line| line.starts_with("//!")).collect();
        head.len() < 2 || !head.join("\n").contains("Not here:")
    });
    none(headless.map(|file| file.name()), "a file opens with `//!`: what it is for, then `Not here:`");
}

#[test]
fn layers_import_only_downwards() {
    let mut offences = Vec::new();
    for file in files("src") {
        let layer = file.layer();
        let allowed = LAYERS.iter().find(|(name, _)| *name == layer);
        let Some((_, allowed)) = allowed else {
            offences.push(format!("{}: `{layer}` is no layer of the table", file.name()));
            continue;
        };
        let code = file.code().map(|(_, line)| line).collect::<Vec<_>>().join("\n");
        for name in named_of_crate(&code) {
            let folder = name.split("::").next().unwrap_or_default();
            if name != layer && !allowed.contains(&name.as_str()) && !allowed.contains(&folder) {
                offences.push(format!("{}: crate::{name}", file.name()));
            }
        }
        if code.contains("super::super") {
            offences.push(format!("{}: super::super hides which layer is meant", file.name()));
        }
    }
    none(offences, "layers import only downwards");
}

#[test]
fn no_two_files_need_each_other() {
    let sources = files("src");
    let sources = sources.iter().filter(|file| !file.is_of_tests());
    let imports = Imports::of(sources.map(|file| (file.path.as_path(), file.text.as_str())));
    assert!(imports.arrows().values().map(BTreeSet::len).sum::<usize>() > 300, "the imports are not found any more");
    none(imports.circles().iter().map(|circle| circle.join(", ")), "imports run in circles");
}

#[test]
fn the_folders_of_flow_import_only_downwards() {
    let sources = files("src");
    let imports = Imports::of(sources.iter().map(|file| (file.path.as_path(), file.text.as_str())));
    let folder = |file: &str| {
        let rest = file.strip_prefix("src/flow/")?;
        Some(rest.split(['/', '.']).next()?.to_owned()).filter(|name| name != "mod")
    };
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (from, targets) in imports.arrows() {
        let Some(from) = folder(from) else { continue };
        let below = targets.iter().filter_map(|target| folder(target)).filter(|target| *target != from);
        found.entry(from.clone()).or_default().extend(below);
    }
    let table: BTreeMap<String, BTreeSet<String>> = FLOWS
        .iter()
        .map(|(from, targets)| ((*from).to_owned(), targets.iter().map(|target| (*target).to_owned()).collect()))
        .collect();
    assert_eq!(found, table, "the table is what the code does, no more and no less");
    let mut seen: Vec<&str> = Vec::new();
    for (from, targets) in FLOWS {
        let above: Vec<_> = targets.iter().filter(|target| !seen.contains(target)).collect();
        assert!(above.is_empty(), "{from} stands above what it names: {above:?}");
        seen.push(from);
    }
}

#[test]
fn only_the_edge_names_the_runtime() {
    let core = files("src").into_iter().filter(|file| file.layer() != "edge");
    let offences = core.flat_map(|file| {
        let name = file.name();
        let named: Vec<_> = file
            .code()
            .filter(|(_, line)| RUNTIME.iter().any(|runtime| words(line).any(|word| word == *runtime)))
            .map(|(n, line)| format!("{name}:{n}: {line}"))
            .collect();
        named
    });
    none(offences, "only src/edge names the runtime");
}

#[test]
fn files_stay_small() {
    let sources = files("src");
    let lines = |file: &File| file.text.lines().count();
    let long = sources
        .iter()
        .chain(&files("tests"))
        .filter(|file| lines(file) > LONGEST)
        .map(|file| format!("{}: {} lines", file.name(), lines(file)))
        .collect::<Vec<_>>();
    none(long, "a file has 400 lines at most, its tests included");
    let mut sizes: Vec<_> = sources.iter().map(lines).collect();
    sizes.sort_unstable();
    assert!(sizes[sizes.len() / 2] <= MEDIAN, "the median of src is {} lines", sizes[sizes.len() / 2]);
}

#[test]
fn comments_are_sentences_and_not_decoration_or_promises() {
    let promises = ["TO", "FIX"].map(|half| format!("{half}{}", if half == "TO" { "DO" } else { "ME" }));
    let offences = files("src").into_iter().chain(files("tests")).flat_map(|file| {
        let name = file.name();
        let bad: Vec<_> = file
            .text
            .lines()
            .enumerate()
            .filter(|(_, line)| is_banner(line) || promises.iter().any(|word| line.contains(word.as_str())))
            .map(|(n, line)| format!("{name}:{}: {line}", n + 1))
            .collect();
        bad
    });
    none(offences, "no banners and no promises");
}

#[test]
fn a_reason_code_is_one_word_for_one_thing() {
    let mut offences = Vec::new();
    for (code, places) in reasons() {
        let snake = code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if !snake || !code.contains('_') || code.starts_with('_') || code.ends_with('_') {
            offences.push(format!("{code} is not snake_case of two words or more: {places:?}"));
        }
        if places.len() > 1 && !SHARED.contains(&code.as_str()) {
            offences.push(format!("{code} stands in several places: {places:?}"));
        }
    }
    none(offences, "reason codes");
    let reasons = reasons();
    let stale = SHARED.iter().filter(|code| reasons.get(**code).is_none_or(|places| places.len() < 2));
    none(stale.map(|code| (*code).to_owned()), "listed as shared, but used in one place only");
}

/// Reason codes that mean the same thing in two places.
const SHARED: &[&str] = &["authorization_request_too_long", "client_missing", "client_unknown", "no_such_endpoint"];

/// Reason codes whose names say all that there is to say, and where each is made: the documents explain them together, as
/// `login_…`. A code of another place is none of the family, whatever it begins with.
const FAMILIES: &[(&str, &str)] = &[
    ("client_document_", "src/oauth/client/document"),
    ("connection_attempt_", "src/flow/connect/callback"),
    ("id_token_", "src/login/oidc/id_token"),
    ("login_", "src/login/error"),
    ("logout_token_", "src/login/oidc/logout_token"),
    ("resource_", "src/oauth/resource"),
    ("upstream_", "src/flow/upstream"),
    ("upstream_", "src/oauth_client/"),
    ("upstream_", "src/upstream/"),
];

#[test]
fn every_reason_code_is_explained_where_people_look() {
    let troubleshooting = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/troubleshooting.md");
    let troubleshooting = fs::read_to_string(troubleshooting).unwrap();
    // A row's reasons stand in the middle of its three columns: one that is named in passing is not explained.
    let rows = troubleshooting.lines().map(|line| line.trim_matches('|').split('|').collect::<Vec<_>>());
    let columns: Vec<_> = rows.filter(|cells| cells.len() == 3).map(|cells| cells[1]).collect();
    let explained: BTreeSet<_> = columns.iter().flat_map(|column| column.split('`').skip(1).step_by(2)).collect();
    let in_family = |code: &str, places: &[String]| {
        FAMILIES.iter().any(|(prefix, place)| {
            let named = explained.contains(format!("{prefix}…").as_str());
            named && code.starts_with(prefix) && places.iter().all(|file| file.starts_with(place))
        })
    };
    let reasons = reasons();
    let unexplained =
        reasons.iter().filter(|(code, places)| !explained.contains(code.as_str()) && !in_family(code, places));
    none(
        unexplained.map(|(code, places)| format!("{code} of {places:?}")),
        "docs/troubleshooting.md explains every reason code",
    );
    // An authorization request is refused with OAuth's own code.
    let codes = files("src").into_iter().find(|file| file.name() == "src/oauth/error.rs").unwrap().text;
    let known = |written: &&&str| {
        FAMILIES.iter().any(|(prefix, _)| **written == format!("{prefix}…"))
            || reasons.contains_key(**written)
            || codes.contains(&format!("=> \"{written}\""))
    };
    let stale = explained.iter().filter(|written| !known(written));
    none(stale.map(|written| (*written).to_owned()), "docs/troubleshooting.md explains what is no reason code");
}

/// Every reason code of the source, and where it stands: in a table of `reasons!`, in the arms of a `fn reason` and in
/// the making of a `Failure`.
fn reasons() -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files("src") {
        let source = file.text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let made =
            MAKERS.iter().flat_map(|maker| source.split(maker).skip(1).filter_map(|call| first_code(call, source)));
        let arms = source.split("fn reason(").skip(1).flat_map(|body| {
            let body = body.split("\n    }\n").next().unwrap();
            body.lines().filter_map(|line| line.split_once("=> ").and_then(|(_, value)| literal(value)))
        });
        // A variant whose words have two forms has two rows of one code.
        let tables = source.split("\nreasons! {").skip(1).flat_map(|table| {
            let rows = table.split("\n}\n").next().unwrap().split("=> \"").skip(1);
            rows.filter_map(|row| row.split('"').next()).collect::<BTreeSet<_>>()
        });
        // What a connection needs is said with a constant, and becomes the reason of an answer that is no failure. So
        // are a revocation and a sign-in that lacks something.
        let needs = source.split("const ").skip(1).filter_map(|rest| literal(rest.split_once(": &str = ")?.1));
        let needs = needs.filter(|code| {
            let sign_in = ["src/flow/login/claims.rs", "src/flow/login/recheck.rs"];
            let said = ["src/flow/connection", "src/flow/revocation.rs"].into_iter().chain(sign_in);
            { said }.any(|place| file.name().starts_with(place)) && code.contains('_')
        });
        for code in made.chain(arms).chain(tables).chain(needs) {
            found.entry(code.to_owned()).or_default().push(file.name());
        }
    }
    // Where Rust is no more.
    let entry = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/edge/entry.js")).unwrap();
    for code in entry.split("reason: ").skip(1).filter_map(literal) {
        found.entry(code.to_owned()).or_default().push("src/edge/entry.js".to_owned());
    }
    assert!(found.len() > 50, "the reason codes are not found any more");
    found
}

/// Calls whose first text is a reason code.
const MAKERS: &[&str] = &[
    "alarms.raise(AlarmKind::KeyRing,",
    "Failure::client(",
    "Failure::new(",
    "Failure::oauth(",
    "Self::client(",
    "Self::new(",
    "upstream(",
    "operator(",
    "refuse(",
    "secret_missing(",
    "\"reason\": ",
    "{ reason: ",
];

fn first_code<'a>(call: &'a str, source: &'a str) -> Option<&'a str> {
    let (before, _) = call.split_once('"')?;
    if !before.chars().all(|c| c.is_alphanumeric() || ":,_ \n".contains(c)) {
        return None;
    }
    match words(before).find(|word| word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')) {
        Some(constant) => literal(source.split_once(&format!("const {constant}: &str = "))?.1),
        None => literal(call.strip_prefix(before)?),
    }
}

fn literal(text: &str) -> Option<&str> {
    text.strip_prefix('"')?.split('"').next()
}

/// The names right below `crate::`, and below `crate::web::`, in paths and in groups.
fn named_of_crate(code: &str) -> BTreeSet<String> {
    let mut names = named_below("crate::", code);
    if names.remove("web") {
        names.extend(named_below("crate::web::", code).into_iter().map(|name| format!("web::{name}")));
    }
    names
}

fn named_below(path: &str, code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for rest in code.split(path).skip(1) {
        match rest.strip_prefix('{') {
            None => names.extend(words(rest).next().map(ToOwned::to_owned)),
            Some(group) => {
                let mut depth = 0;
                let mut name = String::new();
                for c in group.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => {
                            names.extend(words(&std::mem::take(&mut name)).next().map(ToOwned::to_owned));
                        }
                        c => name.push(c),
                    }
                }
                names.extend(words(&name).next().map(ToOwned::to_owned));
            }
        }
    }
    names
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

fn is_banner(line: &str) -> bool {
    let line = line.trim();
    let Some(comment) = line.strip_prefix("//") else { return false };
    let comment = comment.trim_start_matches(['/', '!']).trim();
    ["---", "===", "***", "###", "///", "~~~"].iter().any(|rule| comment.starts_with(rule) || comment.ends_with(rule))
}
