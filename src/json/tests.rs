//! Reading from the tree against reading from the text, and what a mistake says.
//!
//! Not here: the types that are read.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Node, PathStep, read, tagged};

#[test]
fn a_byte_order_mark_is_stepped_over_once() {
    assert!(Node::parse(b"\xef\xbb\xbf{}").is_ok());
    assert!(Node::parse(b"\xef\xbb\xbf\xef\xbb\xbf{}").is_err());
    assert!(Node::parse(b"{}\xef\xbb\xbf").is_err());
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Plain {
    text: String,
    number: Option<u64>,
    #[serde(default)]
    list: Vec<Shape>,
    #[serde(default)]
    map: BTreeMap<String, i64>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Shape {
    Point,
    Line(u8),
    Square { side: f64 },
}

tagged! { "act",
    #[derive(Debug, PartialEq)]
    enum Act {
        Rest,
        Draw { shape: Shape, #[serde(default)] then: Option<Box<Act>> },
        Write(Plain),
    }
}

fn mistake(json: &str) -> (String, Vec<PathStep>) {
    let error = read::<Plain>(json.as_bytes()).unwrap_err();
    (error.to_string(), error.path().cloned().collect())
}

fn member(name: &str) -> PathStep {
    PathStep::Member(name.to_owned())
}

#[test]
fn a_type_is_read_from_the_tree_as_from_the_text() {
    for json in [
        r#"{"text":"a","number":1}"#,
        r#"{"text":"\u00e9\n","number":null,"other":[{}]}"#,
        r#"{"text":"","list":["point",{"line":3},{"square":{"side":1.5}},{"square":{"side":2}}],"map":{"a":-1,"b":9}}"#,
    ] {
        assert_eq!(read::<Plain>(json.as_bytes()).unwrap(), serde_json::from_str(json).unwrap(), "{json}");
    }
    for json in [
        r#"{"text":1}"#,
        r#"{"text":"a","text":"b"}"#,
        r#"{"number":1}"#,
        r#"{"text":"a","number":-1}"#,
        r#"{"text":"a","number":1.0}"#,
        r#"{"text":"a","list":["line"]}"#,
        r#"{"text":"a","list":["circle"]}"#,
        r#"{"text":"a","list":[{"line":256}]}"#,
        r#"{"text":"a","list":[{"line":1,"point":null}]}"#,
        r#"{"text":"a"}}"#,
        "",
    ] {
        assert!(read::<Plain>(json.as_bytes()).is_err(), "{json}");
        assert!(serde_json::from_str::<Plain>(json).is_err(), "{json}");
    }
}

#[test]
fn a_list_is_not_the_fields_of_an_object() {
    assert!(serde_json::from_str::<Plain>(r#"["a",1,[],{}]"#).is_ok());
    assert_eq!(mistake(r#"["a",1,[],{}]"#).1, []);
}

#[test]
fn a_mistake_names_its_place_and_no_value() {
    let (what, path) = mistake(r#"{"text":"a","list":["point",{"square":{"side":"hunter2"}}]}"#);
    assert_eq!(what, "expected f64");
    assert_eq!(path, [member("list"), PathStep::Entry(1), PathStep::Variant("square".to_owned()), member("side")]);
    assert_eq!(mistake(r#"{"text":"a","number":-77}"#), ("expected u64".to_owned(), vec![member("number")]));
    assert_eq!(mistake(r#"{"number":1}"#), ("missing field `text`".to_owned(), vec![]));
    assert_eq!(mistake(r#"{"text":"a","map":{"a":{}}}"#).1, [member("map"), member("a")]);
}

#[test]
fn what_is_there_twice_is_not_found() {
    let node = Node::parse(br#"{"a":1,"\u0061":2,"b":3}"#).unwrap();
    assert_eq!(node.get("b"), Some(&Node::Number(3.into())));
    assert_eq!((node.get("a"), node.get("c"), Node::Null.get("a")), (None, None, None));
}

#[test]
fn a_tag_in_the_object_names_the_variant() {
    for (json, act) in [
        (r#"{"act":"rest"}"#, Act::Rest),
        (r#"{"more":1,"act":"rest"}"#, Act::Rest),
        (r#"{"shape":"point","act":"draw"}"#, Act::Draw { shape: Shape::Point, then: None }),
        (
            r#"{"act":"draw","shape":{"line":1},"then":{"act":"rest"}}"#,
            Act::Draw { shape: Shape::Line(1), then: Some(Box::new(Act::Rest)) },
        ),
        (
            r#"{"act":"write","text":"a"}"#,
            Act::Write(Plain { text: "a".to_owned(), number: None, list: Vec::new(), map: BTreeMap::new() }),
        ),
    ] {
        assert_eq!(read::<Act>(json.as_bytes()).unwrap(), act, "{json}");
        assert_eq!(serde_json::from_str::<Act>(json).unwrap(), act, "{json}");
    }
    for json in [
        r#"{"act":"sing"}"#,
        r#"{"act":1}"#,
        r#"{"act":"rest","act":"rest"}"#,
        r#"{"shape":"point"}"#,
        r#"{"act":"draw"}"#,
        r#"{"act":"write"}"#,
        r#""rest""#,
        r#"["rest"]"#,
    ] {
        assert!(read::<Act>(json.as_bytes()).is_err(), "{json}");
    }
    assert_eq!(serde_json::to_string(&Act::Rest).unwrap(), r#"{"act":"rest"}"#);
}

#[test]
fn depth_is_bounded() {
    assert!(Node::parse("[".repeat(100_000).as_bytes()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_are_read_or_refused(json in "[\\[\\]{}:,\"a0\\\\u.e+ -]{0,64}|\\PC{0,32}") {
        let plain = serde_json::from_str::<Value>(&json).ok();
        prop_assert_eq!(read::<Value>(json.as_bytes()).ok(), plain);
        let _ = read::<Plain>(json.as_bytes());
    }
}
