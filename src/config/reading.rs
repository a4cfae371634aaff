//! From text to a [`Document`] with every mistake of shape: unknown fields, wrong types, kinds that do not exist.
//!
//! A typed parse stops at its first mistake. So the mistake is taken out of the tree and reported, and the parse
//! repeated.
//!
//! Not here: what the values must satisfy.

use std::mem;

use super::document::Document;
use super::report::{Pointer, Report, shown};
use super::{near, tree};
use crate::json;
use crate::json::{Fault, Node, OneOf, PathStep};

const LOGIN_KINDS: &[&str] = &["dev", "oidc", "auth0", "github", "page"];
const AUTH_KINDS: &[&str] = &["none", "headers", "oauth", "client_credentials"];

/// Reads as much of the document as has the right shape; `None` if nothing could be read.
pub(super) fn read(text: &str, report: &mut Report) -> Option<Document> {
    let mut tree = tree::read(text, report)?;
    lift_kinds(&mut tree, report);
    parse(&mut tree, report)
}

fn parse(tree: &mut Node<'_>, report: &mut Report) -> Option<Document> {
    while !report.is_full() {
        match tree.read() {
            Ok(document) => return Some(document),
            Err(error) => {
                let (at, taken) = take_out(tree, &error);
                let (problem, fix) = explained(error.fault(), taken.as_ref().unwrap_or(tree));
                report.add(&at, problem, fix);
                taken?;
            }
        }
    }
    None
}

/// Turns `{"kind": "oidc", …}` into `{"oidc": {…}}`: serde buffers an object with an inner tag and loses the path of
/// its errors.
fn lift_kinds(tree: &mut Node<'_>, report: &mut Report) {
    let root = Pointer::default();
    lift(tree, "login", LOGIN_KINDS, &root, report);
    let at = root.child("servers");
    if let Some(Node::Object(servers)) = tree::member(tree, "servers") {
        for (slug, server) in servers {
            lift(server, "auth", AUTH_KINDS, &at.child(slug), report);
        }
    }
}

fn lift(parent: &mut Node<'_>, field: &str, kinds: &[&str], at: &Pointer, report: &mut Report) {
    let Node::Object(members) = parent else { return };
    let Some(place) = members.iter().position(|(key, _)| key == field) else { return };
    let (key, node) = members.remove(place);
    let at = at.child(field);
    let choice = kinds.iter().map(|kind| format!("{kind:?}")).collect::<Vec<_>>().join(", ");
    let Node::Object(mut object) = node else {
        return report.add(
            &at,
            format!("is {}", described(&node)),
            format!("write an object whose \"kind\" is one of {choice}"),
        );
    };
    let at = at.child("kind");
    match tree::take(&mut object, "kind") {
        Some(Node::Text(kind)) if kinds.contains(&&*kind) => {
            members.insert(place, (key, Node::Object(vec![(kind, Node::Object(object))])));
        }
        Some(Node::Text(kind)) => {
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
fn take_out<'a>(tree: &mut Node<'a>, error: &json::Error) -> (Pointer, Option<Node<'a>>) {
    let (mut at, mut above, mut last) = (Pointer::default(), Some(tree), None);
    for step in error.path() {
        at = match step {
            PathStep::Member(key) => at.child(key),
            PathStep::Entry(index) => at.child(index),
            PathStep::Variant(_) => at, // the operator's document has no variants, `lift_kinds` put them there
        };
        if let Some(before) = last.replace(step) {
            above = above.and_then(|node| below(node, before));
        }
    }
    let taken = match (above, last) {
        (Some(Node::Object(members)), Some(PathStep::Member(key) | PathStep::Variant(key))) => tree::take(members, key),
        (Some(above), Some(step)) => below(above, step).map(|entry| mem::replace(entry, Node::Null)),
        _ => None,
    };
    (at, taken)
}

fn below<'t, 'a>(node: &'t mut Node<'a>, step: &PathStep) -> Option<&'t mut Node<'a>> {
    match (node, step) {
        (Node::List(entries), PathStep::Entry(index)) => entries.get_mut(*index),
        (node, PathStep::Member(key) | PathStep::Variant(key)) => tree::member(node, key),
        _ => None,
    }
}

/// Says what serde found without repeating text, which might be a secret in the wrong place.
fn explained(fault: &Fault, node: &Node<'_>) -> (String, String) {
    let expected = match fault {
        Fault::UnknownField { name, known } => {
            let fix = match near::nearest(name, known.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`? Otherwise remove it"),
                None => format!("remove it or correct its name: {}", OneOf(known)),
            };
            return ("is not a field of this object".to_owned(), fix);
        }
        Fault::MissingField(name) => return (format!("has no `{name}`"), format!("add `{name}`")),
        Fault::UnknownVariant { known } => {
            let name = if let Node::Text(name) = node { shown(name) } else { described(node) };
            return (format!("is {name}"), format!("write {}", OneOf(known)));
        }
        Fault::Unfit { expected } | Fault::Other(expected) => expected.as_str(),
    };
    let expected = match expected {
        "u64" => "a whole number, zero or more",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        other => other,
    };
    (format!("is {}", described(node)), format!("write {expected}"))
}

fn described(node: &Node<'_>) -> String {
    match node {
        Node::Null => "null".to_owned(),
        Node::Bool(value) => value.to_string(),
        Node::Number(value) => value.to_string(),
        Node::Text(_) => "plain text".to_owned(),
        Node::List(_) => "a list".to_owned(),
        Node::Object(_) => "an object".to_owned(),
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
                "servers": {"a": {"auth": {"kind": "exchange"}, "toolz": {}}, "b": {"auth": {"kind": "none", "x": 1}}, "c": 7}}"#,
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
            "/servers/a/toolz",
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
        let text = r#"{"limits": {"depth": 1.5, "dept": 1, "heap": 1}, "logn": 1, "consent": "sometimes", "login": {"kind": "saml"}, "public_url": {}}"#;
        let text = errors(text).to_string();
        for line in [
            "/limits/depth: is 1.5; write a whole number, zero or more",
            "/limits/dept: is not a field of this object; did you mean `depth`? Otherwise remove it",
            "/limits/heap: is not a field of this object; remove it or correct its name: one of `body_bytes`, `depth`, ",
            "/logn: is not a field of this object; did you mean `login`? Otherwise remove it",
            "/consent: is \"sometimes\"; write one of `always`, `once`, `never`",
            "/login/kind: is \"saml\", a kind this gateway does not have; write one of \"dev\", \"oidc\", \"auth0\", \"github\"",
            "/public_url: is an object; write a string",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }
}
