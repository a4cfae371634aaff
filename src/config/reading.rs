//! From text to a [`Document`] with every mistake of shape: unknown fields, wrong types, kinds that do not exist.
//!
//! A typed parse stops at its first mistake. So the mistake is noted, taken out of the tree, and the parse repeated.
//!
//! Not here: what the values must satisfy.

use serde_json::{Map, Value};
use serde_path_to_error::{Path, Segment};

use super::document::Document;
use super::report::{Pointer, Report, shown};
use super::tree;

const LOGIN_KINDS: &[&str] = &["dev", "oidc", "auth0"];
const AUTH_KINDS: &[&str] = &["none", "headers"];

/// Reads as much of the document as has the right shape; `None` if nothing could be read.
pub(super) fn read(text: &str, report: &mut Report) -> Option<Document> {
    let mut tree = tree::read(text, report)?;
    lift_kinds(&mut tree, report);
    while !report.is_full() {
        match serde_path_to_error::deserialize::<_, Document>(&tree) {
            Ok(document) => return Some(document),
            Err(error) => note(&mut tree, error.path(), &error.inner().to_string(), report)?,
        }
    }
    None
}

/// Turns `{"kind": "oidc", …}` into `{"oidc": {…}}`: serde buffers an object with an inner tag and loses the path of its errors.
fn lift_kinds(tree: &mut Value, report: &mut Report) {
    let root = Pointer::default();
    let Some(document) = tree.as_object_mut() else { return };
    lift(document, "login", LOGIN_KINDS, &root, report);
    let at = root.child("servers");
    for (slug, server) in document.get_mut("servers").and_then(Value::as_object_mut).into_iter().flatten() {
        if let Some(server) = server.as_object_mut() {
            lift(server, "auth", AUTH_KINDS, &at.child(slug), report);
        }
    }
}

fn lift(parent: &mut Map<String, Value>, field: &str, kinds: &[&str], at: &Pointer, report: &mut Report) {
    let Some(node) = parent.remove(field) else { return };
    let at = at.child(field);
    let choice = kinds.iter().map(|kind| format!("{kind:?}")).collect::<Vec<_>>().join(", ");
    let Value::Object(mut object) = node else {
        return report.add(
            &at,
            format!("is {}", described(&node)),
            format!("write an object whose \"kind\" is one of {choice}"),
        );
    };
    let at = at.child("kind");
    match object.remove("kind") {
        Some(Value::String(kind)) if kinds.contains(&kind.as_str()) => {
            parent.insert(field.to_owned(), Value::Object(Map::from_iter([(kind, Value::Object(object))])));
        }
        Some(Value::String(kind)) => {
            report.add(
                &at,
                format!("is {}, a kind this gateway does not have", shown(&kind)),
                format!("write one of {choice}"),
            );
        }
        Some(other) => report.add(&at, format!("is {}", described(&other)), format!("write one of {choice}")),
        None => report.add(&at, "is missing", format!("write one of {choice}")),
    }
}

/// Reports one mistake and takes it out of the tree. `None` if that was the whole document.
fn note(tree: &mut Value, path: &Path, message: &str, report: &mut Report) -> Option<()> {
    let mut at = Pointer::default();
    let mut keys = Vec::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => keys.push(index.to_string()),
            Segment::Map { key } => keys.push(key.clone()),
            Segment::Enum { variant } => {
                keys.push(variant.clone());
                continue; // put there by `lift_kinds`
            }
            Segment::Unknown => break,
        }
        at = at.child(keys.last()?);
    }
    let (last, parents) = keys.split_last()?;
    let parent = parents.iter().try_fold(tree, |node, key| match node {
        Value::Object(object) => object.get_mut(key),
        Value::Array(list) => list.get_mut(key.parse::<usize>().ok()?),
        _ => None,
    })?;
    let node = match parent {
        Value::Object(object) => object.remove(last),
        Value::Array(list) => list.get_mut(last.parse::<usize>().ok()?).map(Value::take), // keeps the indices of the others
        _ => None,
    }?;
    let (problem, fix) = explained(message, &node);
    report.add(&at, problem, fix);
    Some(())
}

/// Says what serde found without repeating text, which might be a secret in the wrong place.
fn explained(message: &str, node: &Value) -> (String, String) {
    let known = || message.rsplit_once(", expected ").map_or("none", |(_, known)| known);
    if message.starts_with("unknown field `tools`") {
        return ("is not built yet: every tool of a server is passed on".to_owned(), "remove the filter".to_owned());
    }
    if message.starts_with("unknown field") {
        return ("is not a field of this object".to_owned(), format!("remove it or correct its name: {}", known()));
    }
    if let Some(field) = message.strip_prefix("missing field ") {
        return (format!("has no {field}"), format!("add {field}"));
    }
    if message.starts_with("unknown variant") {
        return (format!("is {}", node.as_str().map_or_else(|| described(node), shown)), format!("write {}", known()));
    }
    let expected = if message.starts_with("invalid ") { known() } else { message };
    let expected = match expected {
        "u64" => "a whole number, zero or more",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        other => other,
    };
    (format!("is {}", described(node)), format!("write {expected}"))
}

fn described(node: &Value) -> String {
    match node {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::String(_) => "plain text".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::report::ConfigErrors;

    fn errors(text: &str) -> ConfigErrors {
        let mut report = Report::default();
        read(text, &mut report);
        report.into_errors()
    }

    #[test]
    fn one_mistake_does_not_hide_another() {
        let errors = errors(
            r#"{"login": {"kind": "oidc", "issuer": 5, "more": 1, "client_secret": "hunter2", "session_ttl_seconds": -1},
                "consent": "sometimes", "allowed_hosts": ["a", 1, {}], "nope": 1,
                "servers": {"a": {"auth": {"kind": "oauth"}, "tools": {}}, "b": {"auth": {"kind": "none", "x": 1}}, "c": 7}}"#,
        );
        let pointers: Vec<_> = errors.0.iter().map(|error| error.pointer.as_str()).collect();
        let expected = [
            "/servers/a/auth/kind",
            "/allowed_hosts/1",
            "/allowed_hosts/2",
            "/consent",
            "/login/client_secret",
            "/login/issuer",
            "/login/more",
            "/login/session_ttl_seconds",
            "/nope",
            "/servers/a/tools",
            "/servers/b/auth/x",
            "/servers/c",
        ];
        assert_eq!(pointers, expected, "{errors}");
        assert!(!errors.to_string().contains("hunter2"), "{errors}");
    }
}
