//! JSON text as a tree in which every key appeared once. `serde_json::Value` alone keeps the last of two servers with one slug.
//!
//! Not here: what the keys mean (`document`).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::report::{Pointer, Report};

/// Far above any real configuration, far below what an isolate could not hold.
const LARGEST: usize = 1 << 20;

/// Reads the text. Syntax errors leave no tree; duplicate keys are noted and the first value kept.
pub(super) fn read(text: &str, report: &mut Report) -> Option<Value> {
    let root = Pointer::default();
    if text.len() > LARGEST {
        report.add(&root, format!("is {} bytes long", text.len()), format!("keep it below {LARGEST} bytes"));
        return None;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut json = serde_json::Deserializer::from_str(text);
    let tree = Node { at: root.clone(), report: &mut *report }.deserialize(&mut json);
    match tree.and_then(|tree| json.end().map(|()| tree)) {
        Ok(tree) => Some(tree),
        Err(error) => {
            report.add(&root, format!("is not JSON: {error}"), "correct the syntax at that place");
            None
        }
    }
}

struct Node<'a> {
    at: Pointer,
    report: &'a mut Report,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) =
            seq.next_element_seed(Node { at: self.at.child(list.len()), report: &mut *self.report })?
        {
            list.push(entry);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let at = self.at.child(&key);
            let value = map.next_value_seed(Node { at: at.clone(), report: &mut *self.report })?;
            if object.contains_key(&key) {
                self.report.add(&at, "is there twice", "keep one of the two");
            } else {
                object.insert(key, value);
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
        assert_eq!(read("\u{feff}{}", &mut Report::default()), Some(Value::Object(Map::new())));
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
                prop_assert_eq!(tree, plain);
            }
        }
    }
}
