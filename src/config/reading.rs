//! From text to a [`Document`] with every mistake of shape: unknown fields, wrong types, kinds that do not exist.
//!
//! A typed parse stops at its first mistake. So the mistake is taken out of the tree and reported, and the parse repeated.
//!
//! Not here: what the values must satisfy.

use serde_json::{Map, Value};
use serde_path_to_error::{Path, Segment};

use super::document::Document;
use super::report::{Pointer, Report, shown};
use super::tree;

const LOGIN_KINDS: &[&str] = &["dev", "oidc", "auth0"];
const AUTH_KINDS: &[&str] = &["none", "headers", "oauth", "client_credentials"];
const LISTS: &[&str] =
    &["accounts", "allowed_hosts", "allowed_origins", "preregistered", "redirect_patterns", "redirect_uris", "scopes"];

/// Reads as much of the document as has the right shape; `None` if nothing could be read.
pub(super) fn read(text: &str, report: &mut Report) -> Option<Document> {
    let mut tree = tree::read(text, report)?;
    let mut lists = Vec::new();
    misplaced_lists(&tree, &Pointer::default(), &mut lists);
    lift_kinds(&mut tree, report);
    let document = parse(&mut tree, report);
    for at in lists.into_iter().filter(|at| !report.covers(at)).collect::<Vec<_>>() {
        report.add(&at, "is a list", "write an object");
    }
    document
}

fn parse(tree: &mut Value, report: &mut Report) -> Option<Document> {
    while !report.is_full() {
        match serde_path_to_error::deserialize::<_, Document>(&*tree) {
            Ok(document) => return Some(document),
            Err(error) => {
                let (at, taken) = take_out(tree, error.path());
                let (problem, fix) = explained(&error.inner().to_string(), taken.as_ref().unwrap_or(tree));
                report.add(&at, problem, fix);
                taken?;
            }
        }
    }
    None
}

/// Finds the lists where none belongs: serde reads one as the fields of an object in their order.
fn misplaced_lists(node: &Value, at: &Pointer, found: &mut Vec<Pointer>) {
    let mut visit = |at: Pointer, node: &Value, may_be_list: bool| {
        if node.is_array() && !may_be_list {
            found.push(at);
        } else {
            misplaced_lists(node, &at, found);
        }
    };
    match node {
        Value::Object(object) => {
            object.iter().for_each(|(key, node)| visit(at.child(key), node, LISTS.contains(&key.as_str())));
        }
        Value::Array(entries) => {
            entries.iter().enumerate().for_each(|(index, node)| visit(at.child(index), node, false));
        }
        _ => {}
    }
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

/// Takes the node at a path out of the tree: an entry of a list leaves `null`, so that the others keep their places.
/// Nothing is taken where the mistake is the document itself.
fn take_out(tree: &mut Value, path: &Path) -> (Pointer, Option<Value>) {
    let (mut at, mut parent, mut last) = (Pointer::default(), Pointer::default(), None);
    for segment in path {
        let key = match segment {
            Segment::Map { key } | Segment::Enum { variant: key } => key.clone(),
            Segment::Seq { index } => index.to_string(),
            Segment::Unknown => break,
        };
        if !matches!(segment, Segment::Enum { .. }) {
            at = at.child(&key); // the operator's document has no variants, `lift_kinds` put them there
        }
        if let Some(above) = last.replace(key) {
            parent = parent.child(above);
        }
    }
    let node = match (tree.pointer_mut(parent.as_str()), last) {
        (Some(Value::Object(object)), Some(key)) => object.remove(&key),
        (Some(Value::Array(entries)), Some(key)) => {
            key.parse().ok().and_then(|index: usize| entries.get_mut(index)).map(Value::take)
        }
        _ => None,
    };
    (at, node)
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
                "servers": {"a": {"auth": {"kind": "exchange"}, "tools": {}}, "b": {"auth": {"kind": "none", "x": 1}}, "c": 7}}"#,
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

    #[test]
    fn a_list_is_not_read_as_the_fields_of_an_object() {
        let errors = errors(
            r#"{"login": [1], "servers": {"a": ["n", "d", "https://a.example"]}, "tokens": [], "allowed_hosts": [[]]}"#,
        );
        let pointers: Vec<_> = errors.0.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/login", "/allowed_hosts/0", "/servers/a", "/tokens"], "{errors}");
    }

    #[test]
    fn a_document_that_is_no_object_is_one_error() {
        for text in ["5", "null", "[]", "\"x\"", ""] {
            assert_eq!(errors(text).0.len(), 1, "{text}");
        }
    }

    #[test]
    fn an_error_names_what_is_there_and_what_belongs_there() {
        let text = r#"{"limits": {"depth": 1.5, "dept": 1}, "consent": "sometimes", "login": {"kind": "saml"}, "public_url": {}}"#;
        let text = errors(text).to_string();
        for line in [
            "/limits/depth: is 1.5; write a whole number, zero or more",
            "/limits/dept: is not a field of this object; remove it or correct its name: `body_bytes` or `depth`",
            "/consent: is \"sometimes\"; write one of `always`, `once`, `never`",
            "/login/kind: is \"saml\", a kind this gateway does not have; write one of \"dev\", \"oidc\", \"auth0\"",
            "/public_url: is an object; write a string",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }
}
