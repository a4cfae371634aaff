//! One public type name, one meaning: whoever reads a name need not ask which.
//!
//! Not here: the words themselves (`src/lib.rs`).

use std::collections::{BTreeMap, BTreeSet};

use super::{files, none};

/// The roles of the machines of objects: each has its own, in a module that is named with them.
const ROLES: &[&str] = &["Command", "Outcome", "Record"];

#[test]
fn no_two_public_types_have_one_name() {
    let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files("src") {
        for name in file.code().filter_map(|(_, line)| declared(line)) {
            let is_new = places.entry(name.to_owned()).or_default().insert(file.name());
            assert!(is_new, "{name} is there twice in {}", file.name());
        }
    }
    assert!(places.len() > 200, "the types are not found any more");
    let several: BTreeMap<_, _> = places.into_iter().filter(|(_, places)| places.len() > 1).collect();
    let stale = ROLES.iter().filter(|role| !several.contains_key(**role));
    none(stale.map(|role| format!("{role} is no role of several machines")), "stale exceptions");
    let offences = several.iter().filter(|(name, _)| !ROLES.contains(&name.as_str()));
    none(offences.map(|(name, places)| format!("{name}: {places:?}")), "one public type name, one meaning");
}

/// The name of the public type that a line declares.
fn declared(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("pub")?;
    let rest = if rest.starts_with('(') { rest.split_once(')')?.1 } else { rest };
    let rest = rest.trim_start();
    let kinds = ["struct ", "enum ", "trait ", "type ", "union "];
    let name = kinds.iter().find_map(|kind| rest.strip_prefix(kind))?;
    name.split(|c: char| !c.is_alphanumeric() && c != '_').next().filter(|name| !name.is_empty())
}
