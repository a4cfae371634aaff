//! Lists with and without their members, beside a filter that builds a tree.
//!
//! Not here: answers cut into events.

use std::cell::RefCell;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::mcp::rewrite::Rewriter;
use crate::mcp::rewrite::answer::RewrittenAnswer;
use crate::mcp::transport::response::MediaType;

/// Who sees what a function says.
struct Who<K>(K);

impl<K: Fn(List, &str) -> bool> Audience for Who<K> {
    fn sees(&self, list: List, name: &str) -> bool {
        (self.0)(list, name)
    }

    fn has(&self, list: List) -> bool {
        (self.0)(list, "*")
    }
}

/// What is left of it; `None` as it was.
fn seen(json: &str, sees: impl Fn(List, &str) -> bool) -> Result<Option<String>, Unreadable> {
    Ok(match Seen(Who(sees)).edit(json.as_bytes())? {
        Edited::Same => None,
        Edited::Changed(json) => Some(String::from_utf8(json).unwrap()),
        Edited::Gone => Some(String::new()),
    })
}

fn filtered(json: &str, hidden: &[&str]) -> Result<Option<String>, Unreadable> {
    seen(json, |_, name| !hidden.contains(&name))
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
        (["b"].as_slice(), format!("[ {a}\t, {c} ]")),
        (&["a"], format!("[ {b}\t, {c} ]")),
        (&["c"], format!("[ {a} ,\n{b} ]")),
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
        let left = seen(&json, |of, name| of == list && name == "a").unwrap().unwrap();
        assert_eq!(left, json.replace(&format!(r#"{{"{name}":"b","title":"a"}},"#), ""));
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
    let keep_all = Seen(Who(|_, _: &str| true));
    assert_eq!(keep_all.edit(b"{\"id\":1,\"result\":{\"a\":\"\xff\"}}"), Err(NotJson));
}

#[test]
fn nothing_behind_an_authorization_is_everybodys_to_keep() {
    let of = |caching: &str| format!(r#"{{"id":1,"result":{{"tools":[{{"name":"a"}}],{caching}}}}}"#);
    for (before, after) in [
        (r#""cacheScope":"public","ttlMs":60001"#, r#""cacheScope":"private","ttlMs":60000"#),
        (r#""ttlMs": 1000, "cacheScope" : "public""#, r#""ttlMs": 1000, "cacheScope" : "private""#),
        (r#""cacheScope":5"#, r#""cacheScope":"private""#),
    ] {
        assert_eq!(filtered(&of(before), &[]), Ok(Some(of(after))));
    }
    assert_eq!(filtered(&of(r#""cacheScope":"private","ttlMs":60000"#), &[]), Ok(None));
    assert_eq!(filtered(&of(r#""cacheScope":"public","CacheScope":"public""#), &[]), Err(Unreadable::Ambiguous));
}

#[test]
fn a_server_promises_nothing_that_its_audience_could_not_use() {
    let of = |capabilities: &str| format!(r#"{{"id":1,"result":{{"capabilities":{{{capabilities}}}}}}}"#);
    let all = of(r#""tools":{}, "prompts":{"listChanged":true},"logging":{},"resources":{"subscribe":true}"#);
    assert_eq!(seen(&all, |_, _| true), Ok(None));
    let only = |kind: List| seen(&all, move |list, _| list == kind).unwrap().unwrap();
    assert_eq!(only(List::Tools), of(r#""tools":{},"logging":{}"#));
    assert_eq!(only(List::ResourceTemplates), of(r#""logging":{},"resources":{"subscribe":true}"#));
    assert_eq!(seen(&of(r#""Tools":{}"#), |_, _| false), Err(Unreadable::Ambiguous));
}

#[test]
fn how_to_authorize_is_not_a_servers_to_say() {
    let of = |extensions: &str| format!(r#"{{"id":1,"result":{{"capabilities":{{"extensions":{{{extensions}}}}}}}}}"#);
    let ui = r#""io.modelcontextprotocol/ui":{"a":1}"#;
    let theirs = r#""io.modelcontextprotocol/oauth-client-credentials":{}"#;
    assert_eq!(filtered(&of(&format!("{ui},{theirs}")), &[]), Ok(Some(of(ui))));
    assert_eq!(filtered(&of(&format!("{theirs} , {ui}")), &[]), Ok(Some(of(ui))));
    assert_eq!(filtered(&of(ui), &[]), Ok(None));
}

#[test]
fn nobody_hears_of_updates_of_what_they_do_not_see() {
    let of = |uri: &str| {
        format!(
            r#"{{"params":{{"uri":"{uri}","_meta":{{}}}},"method":"notifications/resources/updated","jsonrpc":"2.0"}}"#
        )
    };
    assert_eq!(filtered(&of("a:1"), &["a:2"]), Ok(None));
    assert_eq!(filtered(&of("a:2"), &["a:2"]), Ok(Some(String::new())));
    assert_eq!(filtered(&of(r"\u0061:2"), &["a:2"]), Ok(Some(String::new())));
    assert_eq!(filtered(&format!("[{},{}]", of("a:2"), of("a:1")), &["a:2"]), Ok(Some(format!("[{}]", of("a:1")))));
    assert_eq!(filtered(&format!("[{}]", of("a:2")), &["a:2"]), Ok(Some(String::new())));
    for unclear in [r#"{"uri":5}"#, "{}", r#"{"uri":"a:1","uri":"a:2"}"#, "[]"] {
        let message = format!(r#"{{"method":"notifications/resources/updated","params":{unclear}}}"#);
        assert_eq!(filtered(&message, &[]), Err(Unreadable::Malformed), "{unclear}");
    }
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
    fn no_hidden_name_comes_through_however_it_is_written_and_cut(
        names in proptest::collection::vec(("[a-d]", any::<bool>(), any::<bool>()), 0..6),
        hidden in proptest::sample::subsequence(vec!["a", "b", "c", "d"], 0..4),
        (is_stream, carriage_returns, size) in (any::<bool>(), any::<bool>(), 1..40_usize),
    ) {
        let written = |name: &str, escaped| {
            if escaped { format!("\\u{:04x}", u32::from(name.chars().next().unwrap())) } else { name.to_owned() }
        };
        let tool = |(name, escaped, last): &(String, bool, bool)| {
            if *last {
                format!(r#"{{"description":"{{}}","name":"{}"}}"#, written(name, *escaped))
            } else {
                format!(r#"{{"n\u0061me" : "{}", "inputSchema":{{"name":"a"}}}}"#, written(name, *escaped))
            }
        };
        let json = tools(&format!("[{}]", names.iter().map(tool).collect::<Vec<_>>().join(" , ")));
        let end = if carriage_returns { "\r\n" } else { "\n" };
        let (media_type, body) = if is_stream {
            (MediaType::EventStream, format!("id: 1{end}data: {json}{end}{end}"))
        } else {
            (MediaType::Json, json)
        };
        let sees = Seen(Who(|_, name: &str| !hidden.contains(&name)));
        let mut answer = RewrittenAnswer::new(media_type, 1 << 20, sees, |_| b"{}".to_vec());
        let mut out: Vec<u8> = body.as_bytes().chunks(size).flat_map(|chunk| answer.push(chunk)).collect();
        out.extend(answer.end());
        let out = String::from_utf8(out).unwrap();
        let left = out.lines().find_map(|line| line.strip_prefix("data: ")).unwrap_or(&out);
        let left: Value = serde_json::from_str(left).unwrap();
        let left: Vec<_> = left["result"]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
        let expected: Vec<_> = names.iter().map(|(name, ..)| name.as_str()).filter(|name| !hidden.contains(name)).collect();
        prop_assert_eq!(left, expected);
    }

    #[test]
    fn never_panics(bytes: Vec<u8>, json in "([\\[\\]{},:]|\"(id|result|tools|name|a)\"|1| ){0,30}") {
        let filter = Seen(Who(|_, _: &str| false));
        let _ = filter.edit(&bytes);
        let _ = filter.edit(json.as_bytes());
    }
}

/// (id, text, ttl, public, more, tools) of a result; a change of a list has the id "changed".
type Heard = (String, String, Option<u64>, bool, bool, Option<String>);

/// What a message tells.
fn told(json: &str, hidden: &[&str]) -> Option<Heard> {
    let heard = RefCell::new(None);
    let notice = |news: CatalogueNews<'_>| {
        *heard.borrow_mut() = Some(match news {
            CatalogueNews::Result(told) => {
                let tools = told.list(List::Tools).map(str::to_owned);
                (told.id.to_owned(), told.text.to_owned(), told.ttl, told.is_public, told.has_more, tools)
            }
            CatalogueNews::ListChanged => ("changed".to_owned(), String::new(), None, false, false, None),
        });
    };
    let sees = |_, name: &str| !hidden.contains(&name);
    let _ = Observed { audience: Some(Who(sees)), notice }.edit(json.as_bytes());
    heard.into_inner()
}

#[test]
fn a_message_tells_what_the_server_sent_whoever_sees_it() {
    let result =
        r#"{ "tools" : [ {"name":"a"},{"name":"b"} ] , "ttlMs":90000,"cacheScope":"public","nextCursor":"2" }"#;
    let heard = told(&format!(r#"{{"result" : {result},"jsonrpc":"2.0","id": "x"}}"#), &["b"]).unwrap();
    let tools = r#"[ {"name":"a"},{"name":"b"} ]"#.to_owned();
    assert_eq!(heard, ("\"x\"".to_owned(), result.to_owned(), Some(90_000), true, true, Some(tools)));
    for (result, text) in [(r#"{"tools": [ ]}"#, Some("[ ]")), (r#"{"capabilities":{ }}"#, None), ("{ }", None)] {
        let heard = told(&format!(r#"{{"id":1,"result":{result}}}"#), &[]).unwrap();
        assert_eq!((heard.1.as_str(), heard.5.as_deref()), (result, text));
    }
    for ttl in ["-1", "\"5\"", "1.5"] {
        assert_eq!(told(&format!(r#"{{"id":1,"result":{{"ttlMs":{ttl}}}}}"#), &[]).unwrap().2, None, "{ttl}");
    }
    let changed = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
    assert_eq!(told(changed, &[]).unwrap().0, "changed");
}

#[test]
fn nothing_is_told_by_what_is_no_result() {
    let batch = r#"[{"id":1,"result":{"tools":[]}}]"#;
    for other in [r#"{"method":"notifications/progress"}"#, r#"{"id":1,"error":{}}"#, r#"{"result":{}}"#, "[]", batch] {
        assert_eq!(told(other, &[]), None, "{other}");
    }
}

#[test]
fn where_nobody_is_named_every_json_passes() {
    let observed = Observed::<Who<fn(List, &str) -> bool>, _> { audience: None, notice: |_: CatalogueNews<'_>| {} };
    for json in [r#"{"id":1,"result":null}"#, r#"{"id":1,"result":{"tools":[1],"tools":[]}}"#, "1", "[[]]"] {
        assert_eq!(observed.edit(json.as_bytes()), Ok(Edited::Same), "{json}");
    }
    for broken in ["", "{", r#"{"id":1,"result":{}"#, "\"\u{1}\""] {
        assert_eq!(observed.edit(broken.as_bytes()), Err(Unreadable::NotJson), "{broken}");
    }
}
