//! What two configurations differ in, value by value: how they are laid out does not matter.
//!
//! Not here: whether either is valid.

use std::collections::BTreeMap;

use super::report::Pointer;
use crate::json::Node;

/// The longest value that is told whole, in characters.
const LONGEST: usize = 200;

/// One value that is another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What was there; none where nothing was.
    pub before: Option<String>,
    /// What is there; none where nothing is.
    pub after: Option<String>,
}

/// The differences, in the order of their places. A text that is not JSON has nothing in it.
pub fn differences(before: &str, after: &str) -> Vec<Difference> {
    let (mut before, mut after) = (values(before), values(after));
    before.retain(|pointer, value| after.get(pointer) != Some(value) || after.remove(pointer).is_none());
    let mut all: BTreeMap<String, Difference> = BTreeMap::new();
    for (pointer, value) in before {
        let gone = Difference { pointer: pointer.clone(), before: Some(value), after: None };
        all.insert(pointer, gone);
    }
    for (pointer, value) in after {
        let new = Difference { pointer: pointer.clone(), before: None, after: None };
        all.entry(pointer).or_insert(new).after = Some(value);
    }
    all.into_values().map(Difference::clipped).collect()
}

impl Difference {
    fn clipped(mut self) -> Self {
        for value in [&mut self.before, &mut self.after].into_iter().flatten() {
            if let Some((end, _)) = value.char_indices().nth(LONGEST) {
                value.truncate(end);
                value.push('…');
            }
        }
        self
    }
}

/// Every value of a document that holds no others, by its place.
fn values(text: &str) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    if let Ok(root) = Node::parse(text.as_bytes()) {
        collect(&root, &Pointer::default(), &mut values);
    }
    values
}

fn collect(node: &Node<'_>, at: &Pointer, values: &mut BTreeMap<String, String>) {
    let written = match node {
        Node::Object(members) if !members.is_empty() => {
            return members.iter().for_each(|(name, node)| collect(node, &at.child(name), values));
        }
        Node::List(entries) if !entries.is_empty() => {
            return entries.iter().enumerate().for_each(|(index, node)| collect(node, &at.child(index), values));
        }
        Node::Object(_) => "{}".to_owned(),
        Node::List(_) => "[]".to_owned(),
        Node::Null => "null".to_owned(),
        Node::Bool(value) => value.to_string(),
        Node::Number(number) => number.to_string(),
        Node::Text(text) => format!("{text:?}"),
    };
    values.insert(at.to_string(), written);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(before: &str, after: &str) -> Vec<String> {
        let told = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        let all = differences(before, after).into_iter();
        all.map(|one| format!("{} {} {}", one.pointer, told(one.before), told(one.after))).collect()
    }

    #[test]
    fn values_differ_and_layout_does_not() {
        assert!(told(r#"{"a": 1, "b": [true, null]}"#, "{\n  \"b\": [true, null], \"a\": 1 }").is_empty());
        assert_eq!(
            told(r#"{"a": 1, "b": {"x/y": "one"}}"#, r#"{"b": {"x/y": "two"}, "c": {}}"#),
            ["/a 1 -", "/b/x~1y \"one\" \"two\"", "/c - {}"]
        );
        assert_eq!(told(r#"{"a": [1, 2]}"#, r#"{"a": [1]}"#), ["/a/1 2 -"]);
        assert_eq!(told("no JSON", r#"{"a": 1}"#), ["/a - 1"]);
    }

    #[test]
    fn a_long_value_is_cut_and_still_differs() {
        let text = |end: &str| format!(r#"{{"a": "{}{end}"}}"#, "ä".repeat(500));
        let all = differences(&text("1"), &text("2"));
        assert_eq!(all.len(), 1);
        assert!(all[0].before.as_ref().unwrap().chars().count() <= LONGEST + 1);
    }
}
