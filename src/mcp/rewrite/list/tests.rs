//! Lists with and without their members, beside a filter that builds a tree.
//!
//! Not here: answers cut into events.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// What is left of it; `None` as it was.
fn filtered(json: &str, hidden: &[&str]) -> Result<Option<String>, Unreadable> {
    let edited = Filter(|_, name: &str| !hidden.contains(&name)).edit(json.as_bytes())?;
    Ok(edited.map(|json| String::from_utf8(json).unwrap()))
}

fn tools(members: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"nextCursor":"a","tools":{members} }}}}"#)
}

#[test]
fn members_that_stay_are_copied_as_they_were_written() {
    let a = r#"{ "description" : "\ud83d", "name":"a", "x": 1.10e400 }"#;
    let b = r#"{"name":"\u0062"}"#;
    let c = r#"{"inputSchema":{"name":"b","name":"c"},"name":"c"}"#;
    let all = tools(&format!("[ {a} ,\n{b}\t, {c} ]"));
    assert_eq!(filtered(&all, &[]), Ok(None));
    assert_eq!(filtered(&all, &["d"]), Ok(None));
    for (hidden, left) in [
        (["b"].as_slice(), format!("[ {a},{c} ]")),
        (&["a"], format!("[ {b},{c} ]")),
        (&["c"], format!("[ {a},{b} ]")),
        (&["a", "c"], format!("[ {b} ]")),
        (&["a", "b", "c"], "[  ]".to_owned()),
    ] {
        assert_eq!(filtered(&all, hidden), Ok(Some(tools(&left))), "{hidden:?}");
    }
}

#[test]
fn each_list_has_its_own_names() {
    for (list, member, name) in [
        ("tools/list", "tools", "name"),
        ("prompts/list", "prompts", "name"),
        ("resources/list", "resources", "uri"),
        ("resources/templates/list", "resourceTemplates", "uriTemplate"),
    ] {
        let list = List::of(list).unwrap();
        assert_eq!(list.member(), member);
        let json = format!(r#"{{"id":1,"result":{{"{member}":[{{"{name}":"b","title":"a"}},{{"{name}":"a"}}]}}}}"#);
        let seen = Filter(|of, name: &str| of == list && name == "a").edit(json.as_bytes()).unwrap().unwrap();
        assert_eq!(String::from_utf8(seen).unwrap(), json.replace(&format!(r#"{{"{name}":"b","title":"a"}},"#), ""));
    }
    assert_eq!(List::of("tools/call"), None);
}

#[test]
fn every_list_of_every_result_is_meant() {
    let all = r#"[{"id":1,"result":{"tools":[{"name":"a"},{"name":"b"}],"prompts":[{"name":"b"}]}},{"method":"x","params":{"tools":[{"name":"b"}]}},{"result":{"tools":[{"name":"b"}]},"id":"1"}]"#;
    let left = r#"[{"id":1,"result":{"tools":[{"name":"a"}],"prompts":[]}},{"method":"x","params":{"tools":[{"name":"b"}]}},{"result":{"tools":[]},"id":"1"}]"#;
    assert_eq!(filtered(all, &["b"]), Ok(Some(left.to_owned())));
}

#[test]
fn what_holds_no_list_is_left_alone() {
    for json in [
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no","data":{"tools":5}}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"tools":[{"name":"a"}]}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"structuredContent":{"tools":[{"name":"a"}]}}}"#,
        r#" {"jsonrpc":"2.0","id":1,"result":{"tools":[]}} "#,
        r#"{"\ud83d":1,"id":1,"result":{"\ud83d":{}}}"#,
        "[]",
    ] {
        assert_eq!(filtered(json, &["a"]), Ok(None), "{json}");
    }
}

#[test]
fn what_cannot_be_read_is_not_let_through() {
    use Unreadable::{Ambiguous, Malformed, NotJson};
    for (json, fault) in [
        ("", NotJson),
        ("{", NotJson),
        ("<html>", NotJson),
        ("\u{feff}{\"id\":1,\"result\":{}}", NotJson),
        (r#"{"id":1,"result":{}} {}"#, NotJson),
        (r#"{"id":1,"result":{"tools":[{"name":"a"},]}}"#, NotJson),
        (r#"{"id":1,"result":{"tools":[{"name":"a",x:1}]}}"#, NotJson),
        ("5", Malformed),
        ("{}", Malformed),
        ("[[]]", Malformed),
        (r#"{"id":1,"result":[]}"#, Malformed),
        (r#"{"id":1,"result":null}"#, Malformed),
        (r#"{"id":1,"result":{},"error":{}}"#, Malformed),
        (r#"{"id":1,"method":"a","result":{}}"#, Malformed),
        (r#"{"id":1,"result":{"tools":{"0":{"name":"a"}}}}"#, Malformed),
        (r#"{"id":1,"result":{"tools":null}}"#, Malformed),
        (r#"{"id":1,"result":{"tools":["a"]}}"#, Malformed),
        (r#"{"id":1,"result":{"tools":[{}]}}"#, Malformed),
        (r#"{"id":1,"result":{"tools":[{"name":5}]}}"#, Malformed),
        (r#"{"id":1,"result":{"tools":[{"name":"\ud83d"}]}}"#, Malformed),
        (r#"{"id":1,"result":{"resources":[{"name":"a"}]}}"#, Malformed),
        (r#"{"id":1,"result":{},"result":{"tools":[]}}"#, Ambiguous),
        (r#"{"id":1,"result":{},"Result":{"tools":[]}}"#, Ambiguous),
        (r#"{"id":1,"result":{"tools":[],"\u0074ools":[]}}"#, Ambiguous),
        (r#"{"id":1,"result":{"tools":[],"toolſ":[]}}"#, Ambiguous),
        (r#"{"id":1,"result":{"tools":[{"name":"b","name":"a"}]}}"#, Ambiguous),
        (r#"{"id":1,"result":{"tools":[{"name":"b","Name":"a"}]}}"#, Ambiguous),
    ] {
        assert_eq!(filtered(json, &["a"]), Err(fault), "{json}");
    }
    let keep_all = Filter(|_, _: &str| true);
    assert_eq!(keep_all.edit(b"{\"id\":1,\"result\":{\"a\":\"\xff\"}}"), Err(NotJson));
}

/// The same with a tree.
fn by_tree(json: &str, hidden: &[&str]) -> Value {
    let mut tree: Value = serde_json::from_str(json).unwrap();
    for member in ["tools", "prompts"] {
        if let Some(list) = tree.pointer_mut(&format!("/result/{member}")).and_then(Value::as_array_mut) {
            list.retain(|thing| !hidden.contains(&thing["name"].as_str().unwrap()));
        }
    }
    tree
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[{}\\[\\],:\"\\\\ a-cé\n]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-d{}\"]{0,2}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A list of things named from `a` to `d`, with whatever else beside the name.
fn any_list() -> impl Strategy<Value = Value> {
    let thing = ("[a-d]", any_json()).prop_map(|(name, more)| json!({"about": more, "name": name, "z": {"name": 1}}));
    proptest::collection::vec(thing, 0..6).prop_map(Value::from)
}

proptest! {
    #[test]
    fn agrees_with_a_filter_that_builds_a_tree(
        lists in (any_list(), any_list(), any_json()),
        hidden in proptest::sample::subsequence(vec!["a", "b", "c", "d"], 0..4),
        pretty: bool,
    ) {
        let (tools, prompts, more) = lists;
        let message = json!({"jsonrpc": "2.0", "id": more, "result": {"tools": tools, "meta": more, "prompts": prompts}});
        let json = if pretty { serde_json::to_string_pretty(&message) } else { serde_json::to_string(&message) }.unwrap();
        let left = filtered(&json, &hidden).unwrap();
        let expected = by_tree(&json, &hidden);
        prop_assert_eq!(left.is_none(), expected == message);
        let left = left.unwrap_or(json);
        prop_assert_eq!(serde_json::from_str::<Value>(&left).unwrap(), expected);
    }

    #[test]
    fn never_panics(bytes: Vec<u8>, json in "([\\[\\]{},:]|\"(id|result|tools|name|a)\"|1| ){0,30}") {
        let filter = Filter(|_, _: &str| false);
        let _ = filter.edit(&bytes);
        let _ = filter.edit(json.as_bytes());
    }
}
