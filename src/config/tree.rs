//! JSON text as a tree in which every key appears once: of two servers with one slug nobody could say which is meant.
//!
//! Not here: what the keys mean (`document`).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::mem;

use super::report::{Pointer, Report};
use crate::json::Node;

/// Far above any real configuration, far below what an isolate could not hold.
const LARGEST: usize = 1 << 20;

/// Reads the text. Syntax errors leave no tree; duplicate keys are noted and the first value kept.
pub(super) fn read<'a>(text: &'a str, report: &mut Report) -> Option<Node<'a>> {
    let root = Pointer::default();
    if text.len() > LARGEST {
        report.add(&root, format!("is {} bytes long", text.len()), format!("keep it below {LARGEST} bytes"));
        return None;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match Node::parse(text.as_bytes()) {
        Ok(mut tree) => {
            keep_first(&mut tree, &root, report);
            Some(tree)
        }
        Err(error) => {
            report.add(&root, format!("is not JSON: {error}"), "correct the syntax at that place");
            None
        }
    }
}

/// Leaves each key once, and the keys of an object in their order: so are the mistakes in it.
fn keep_first(node: &mut Node<'_>, at: &Pointer, report: &mut Report) {
    match node {
        Node::List(entries) => {
            for (index, entry) in entries.iter_mut().enumerate() {
                keep_first(entry, &at.child(index), report);
            }
        }
        Node::Object(members) => {
            let mut kept = BTreeMap::new();
            for (key, mut value) in mem::take(members) {
                let at = at.child(&key);
                keep_first(&mut value, &at, report);
                match kept.entry(key) {
                    Entry::Vacant(place) => _ = place.insert(value),
                    Entry::Occupied(_) => report.add(&at, "is there twice", "keep one of the two"),
                }
            }
            *members = kept.into_iter().collect();
        }
        _ => {}
    }
}

/// The member of an object, to be changed.
pub(super) fn member<'t, 'a>(node: &'t mut Node<'a>, key: &str) -> Option<&'t mut Node<'a>> {
    let Node::Object(members) = node else { return None };
    members.iter_mut().find(|(other, _)| other == key).map(|(_, value)| value)
}

/// Takes a member out of an object.
pub(super) fn take<'a>(members: &mut Vec<(Cow<'a, str>, Node<'a>)>, key: &str) -> Option<Node<'a>> {
    let place = members.iter().position(|(other, _)| other == key)?;
    Some(members.remove(place).1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn pointers(text: &str) -> Vec<String> {
        let mut report = Report::default();
        read(text, &mut report);
        report.into_errors().0.into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn a_key_that_appears_twice_is_an_error_at_any_depth() {
        assert_eq!(pointers(r#"{"servers":{"a":{},"\u0061":{}},"x":[{"k":1,"k":1}]}"#), ["/servers/a", "/x/0/k"]);
    }

    #[test]
    fn a_syntax_error_names_line_and_column() {
        let mut report = Report::default();
        assert_eq!(read("{\n  \"a\": 1,\n}", &mut report), None);
        let errors = report.into_errors();
        assert!(errors.0[0].problem.contains("line 3 column 1"), "{errors}");
    }

    #[test]
    fn size_and_depth_are_bounded() {
        assert_eq!(pointers(&" ".repeat(LARGEST + 1)), [""]);
        assert_eq!(pointers(&"[".repeat(100_000)), [""]);
    }

    #[test]
    fn a_byte_order_mark_does_no_harm() {
        assert_eq!(read("\u{feff}{}", &mut Report::default()), Some(Node::Object(Vec::new())));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn any_text_is_read_or_refused(text in "[\\[\\]{}:,\"a0\\\\u.e+ -]{0,64}") {
            let mut report = Report::default();
            let tree = read(&text, &mut report);
            let plain = serde_json::from_str::<Value>(&text).ok();
            prop_assert_eq!(tree.is_some(), plain.is_some());
            if report.is_empty() {
                prop_assert_eq!(tree.map(|tree| tree.read().unwrap()), plain);
            }
        }
    }
}
