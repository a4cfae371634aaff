//! Which file of `src` names which other, so that no two need each other.
//!
//! Read from the text: `use` declarations and paths in code, followed through re-exports to the file that defines the
//! name. Not here: unit tests, which may name whatever they like, and which layer may name which (`tidy`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The file of every module, and what each names.
pub(crate) struct Imports {
    modules: BTreeMap<Vec<String>, String>,
    exports: BTreeMap<Vec<String>, Vec<String>>,
    arrows: BTreeMap<String, BTreeSet<String>>,
}

impl Imports {
    /// Of files by their paths from the root of the repository, and their texts.
    pub(crate) fn of<'a>(files: impl Iterator<Item = (&'a Path, &'a str)> + Clone) -> Self {
        let modules = files.clone().map(|(path, _)| (module(path), path.display().to_string())).collect();
        let mut imports = Self { modules, exports: BTreeMap::new(), arrows: BTreeMap::new() };
        let read: Vec<_> = files.map(|(path, text)| (module(path), without_tests(text))).collect();
        for (base, text) in &read {
            for (path, _) in uses(text).into_iter().filter(|(_, public)| *public) {
                if let (Some(whole), Some(name)) = (imports.absolute(&path, base), path.last()) {
                    imports.exports.insert(base.iter().chain([name]).cloned().collect(), whole);
                }
            }
        }
        for (base, text) in &read {
            let named = uses(text).into_iter().map(|(path, _)| path).chain(paths(text));
            let targets: BTreeSet<_> =
                named.filter_map(|path| imports.absolute(&path, base)).filter_map(|path| imports.file(&path)).collect();
            let from = imports.modules[base].clone();
            let arrows = targets.into_iter().filter(|target| *target != from).collect();
            imports.arrows.insert(from, arrows);
        }
        imports
    }

    /// From each file to those it names.
    pub(crate) fn arrows(&self) -> &BTreeMap<String, BTreeSet<String>> {
        &self.arrows
    }

    /// The files that need each other, circle by circle.
    pub(crate) fn circles(&self) -> Vec<Vec<&str>> {
        let reached: BTreeMap<&str, BTreeSet<&str>> =
            self.arrows.keys().map(|file| (file.as_str(), self.reachable(file))).collect();
        let mut circles: Vec<Vec<&str>> = Vec::new();
        for (file, seen) in &reached {
            let circle: Vec<_> = seen.iter().copied().filter(|other| reached[other].contains(file)).collect();
            if !circle.is_empty() && !circles.contains(&circle) {
                circles.push(circle);
            }
        }
        circles
    }

    fn reachable(&self, file: &str) -> BTreeSet<&str> {
        let mut seen = BTreeSet::new();
        let mut next: Vec<_> = self.arrows[file].iter().collect();
        while let Some(file) = next.pop() {
            if seen.insert(file.as_str()) {
                next.extend(&self.arrows[file]);
            }
        }
        seen
    }

    fn absolute(&self, path: &[String], base: &[String]) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        let below = |base: &[String], rest: &[String]| Some([base, rest].concat());
        match first.as_str() {
            "crate" => below(&[], rest),
            "self" => below(base, rest),
            "super" => below(base.split_last()?.1, rest),
            _ if self.modules.contains_key(&[base, std::slice::from_ref(first)].concat()) => below(base, path),
            _ => None,
        }
    }

    /// The file that defines the last name of a path, or of what stands before it: a variant, a function of a type.
    fn file(&self, path: &[String]) -> Option<String> {
        let mut path = path.to_vec();
        let mut followed = BTreeSet::new();
        while !path.is_empty() {
            match self.exports.get(&path) {
                Some(origin) if followed.insert(path.clone()) => path.clone_from(origin),
                _ => match self.modules.get(&path) {
                    Some(file) => return Some(file.clone()),
                    None => _ = path.pop(),
                },
            }
        }
        None
    }
}

fn module(path: &Path) -> Vec<String> {
    let mut parts: Vec<_> = path
        .with_extension("")
        .components()
        .skip(1)
        .map(|part| part.as_os_str().to_str().unwrap().to_owned())
        .collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib") {
        parts.pop();
    }
    parts
}

/// The code of a file, without comments and its unit tests, which stand last.
fn without_tests(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    // Who may name an item is no import.
    code.map(|line| line.replace("pub(in crate::", "pub(in ")).collect::<Vec<_>>().join("\n")
}

/// Each path that is imported, and whether it is exported again.
fn uses(code: &str) -> Vec<(Vec<String>, bool)> {
    let mut found = Vec::new();
    for statement in code.split(';') {
        let mut lines = statement.lines().skip_while(|line| !line.contains("use "));
        let Some((visibility, first)) = lines.next().and_then(|line| line.split_once("use ")) else { continue };
        if !visibility.trim().is_empty() && !visibility.trim().starts_with("pub") {
            continue;
        }
        let mut paths = Vec::new();
        spread(&lines.fold(first.to_owned(), |tree, line| tree + line), &[], &mut paths);
        found.extend(paths.into_iter().map(|path| (path, visibility.trim() == "pub")));
    }
    found
}

fn spread(tree: &str, prefix: &[String], found: &mut Vec<Vec<String>>) {
    let tree = tree.trim();
    if let Some((head, group)) = tree.split_once('{') {
        let prefix: Vec<_> = prefix.iter().cloned().chain(segments(head)).collect();
        let group = group.strip_suffix('}').unwrap_or(group);
        let mut depth = 0;
        for part in group.split(|c| {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            c == ',' && depth == 0
        }) {
            spread(part, &prefix, found);
        }
    } else if !tree.is_empty() {
        let path = tree.split(" as ").next().unwrap_or(tree);
        let named = segments(path).filter(|segment| segment != "self" || prefix.is_empty());
        found.push(prefix.iter().cloned().chain(named).collect());
    }
}

/// Paths that code writes out.
fn paths(code: &str) -> Vec<Vec<String>> {
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    // What a group begins with is read with the group.
    let words = code.split(|c| !is_path(c)).filter(|word| word.contains("::") && !word.ends_with("::"));
    words.map(|word| segments(word).collect()).collect()
}

fn segments(path: &str) -> impl Iterator<Item = String> + '_ {
    path.split("::").map(|segment| segment.trim().to_owned()).filter(|segment| !segment.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circles(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let imports = Imports::of(files.iter().map(|(path, text)| (Path::new(*path), *text)));
        imports.circles().iter().map(|circle| circle.iter().map(ToString::to_string).collect()).collect()
    }

    #[test]
    fn a_circle_is_seen_through_groups_paths_and_re_exports() {
        let a = ("src/a.rs", "use crate::{\n    b::{self, Thing},\n    c,\n};\n");
        assert_eq!(circles(&[a, ("src/b.rs", "use super::a::X;\n")]), [["src/a.rs", "src/b.rs"]]);
        assert_eq!(circles(&[a, ("src/b.rs", "fn f() { crate::a::g() }\n")]), [["src/a.rs", "src/b.rs"]]);
        let exported = [
            ("src/a.rs", "use crate::b::Y;\n"),
            ("src/b/mod.rs", "pub use y::Y;\npub mod y;\n"),
            ("src/b/y.rs", "use crate::a::f;\n"),
        ];
        assert_eq!(circles(&exported), [["src/a.rs", "src/b/y.rs"]]);
    }

    #[test]
    fn a_downward_tree_and_the_imports_of_tests_are_no_circle() {
        let files = [
            ("src/a.rs", "use crate::b::Y;\n// crate::c\n"),
            ("src/b.rs", "#[cfg(test)]\nmod tests {\n    use crate::a::f;\n}\n"),
        ];
        assert!(circles(&files).is_empty());
    }
}
