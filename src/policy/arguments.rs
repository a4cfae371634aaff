//! The arguments of a call, as far as conditions ask for them: read once from their bytes, without a tree.
//!
//! What two readers may understand differently is unclear, and no condition holds for it: a member that is there twice,
//! or beside one whose name differs in nothing but case (Go's `encoding/json` takes both for the same).
//!
//! Not here: that the message is JSON at all, and where the arguments are in it (`mcp::message`).

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::fold::folded;
use super::pointer::ArgumentPointer;

/// The arguments of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arguments<'a>(Option<&'a str>);

impl<'a> Arguments<'a> {
    /// A call without arguments.
    pub const NONE: Self = Self(None);

    /// The JSON of `params.arguments`; `null` is none.
    pub fn of(json: &'a str) -> Self {
        Self(Some(json).filter(|json| json.trim() != "null"))
    }
}

/// What is at a pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FoundArgument<'a> {
    /// Nothing.
    Absent,
    /// This JSON.
    Value(&'a str),
    /// One reader may find this, another that.
    Unclear,
}

/// Every place that a condition asks for, as a tree: one pass finds them all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct WantedArguments {
    places: usize,
    members: Members,
}

type Members = Vec<Member>; // by the folded step

#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    step: String,
    folded: String,
    place: Option<usize>,
    below: Members,
}

impl WantedArguments {
    /// The place of a pointer among what is found. Of two pointers that differ in case only neither could ever hold:
    /// the second is given back.
    pub(super) fn add(&mut self, pointer: &ArgumentPointer) -> Result<usize, ArgumentPointer> {
        let mut place = Some(&mut self.places);
        let mut members = &mut self.members;
        let mut steps = pointer.steps().iter().peekable();
        while let Some(step) = steps.next() {
            let folded = folded(step).into_owned();
            let at = members.binary_search_by(|member| member.folded.cmp(&folded)).unwrap_or_else(|at| {
                members.insert(at, Member { step: step.clone(), folded, place: None, below: Vec::new() });
                at
            });
            let Some(member) = members.get_mut(at).filter(|member| member.step == *step) else { break };
            if steps.peek().is_none() {
                return Ok(*member.place.get_or_insert_with(|| place.take().map_or(0, next)));
            }
            members = &mut member.below;
        }
        Err(pointer.clone())
    }

    /// What is at each place.
    pub(super) fn find<'a>(&self, arguments: Arguments<'a>) -> Vec<FoundArgument<'a>> {
        let mut found = vec![FoundArgument::Absent; self.places];
        let Arguments(Some(json)) = arguments else { return found };
        let is_object = json.trim_start().starts_with('{');
        if !is_object || read(&self.members, json, &mut found).is_err() {
            found.fill(FoundArgument::Unclear);
        }
        found
    }
}

fn next(count: &mut usize) -> usize {
    let place = *count;
    *count += 1;
    place
}

fn read<'a>(members: &Members, json: &'a str, found: &mut Vec<FoundArgument<'a>>) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    deserializer.deserialize_any(Container { members, seen: Vec::new(), found })?;
    deserializer.end()
}

/// An object or a list in which something is wanted.
struct Container<'w, 'f, 'de> {
    members: &'w Members,
    seen: Vec<&'w str>,
    found: &'f mut Vec<FoundArgument<'de>>,
}

impl<'w, 'de> Container<'w, '_, 'de> {
    fn wanted(&self, key: &str) -> Option<&'w Member> {
        let folded = folded(key);
        let at = self.members.binary_search_by(|member| member.folded.as_str().cmp(&folded)).ok()?;
        self.members.get(at)
    }

    fn take<E: Error>(&mut self, member: &'w Member, key: &str, json: &'de str) -> Result<(), E> {
        if member.step != key || self.seen.contains(&member.folded.as_str()) {
            self.seen.push(&member.folded);
            spoil(member, self.found);
            return Ok(());
        }
        self.seen.push(&member.folded);
        if let Some(place) = member.place {
            put(self.found, place, FoundArgument::Value(json));
        }
        if !member.below.is_empty() && json.starts_with(['{', '[']) {
            read(&member.below, json, self.found).map_err(E::custom)?;
        }
        Ok(())
    }
}

fn spoil(member: &Member, found: &mut Vec<FoundArgument<'_>>) {
    if let Some(place) = member.place {
        put(found, place, FoundArgument::Unclear);
    }
    member.below.iter().for_each(|member| spoil(member, found));
}

fn put<'a>(found: &mut [FoundArgument<'a>], place: usize, what: FoundArgument<'a>) {
    if let Some(at) = found.get_mut(place) {
        *at = what;
    }
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Visitor<'de> for Container<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = map.next_key()? {
            match self.wanted(&key) {
                Some(member) => {
                    let json: &'de RawValue = map.next_value()?;
                    self.take(member, &key, json.get())?;
                }
                None => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        let mut index = 0_usize;
        while let Some(json) = seq.next_element::<&'de RawValue>()? {
            let key = index.to_string();
            if let Some(member) = self.wanted(&key) {
                self.take(member, &key, json.get())?;
            }
            index += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn found<'a>(pointers: &[&str], json: &'a str) -> Vec<FoundArgument<'a>> {
        let mut wanted = WantedArguments::default();
        let places: Vec<_> =
            pointers.iter().map(|text| wanted.add(&ArgumentPointer::parse(text).unwrap()).unwrap()).collect();
        let found = wanted.find(Arguments::of(json));
        places.into_iter().map(|place| found[place]).collect()
    }

    #[test]
    fn one_pass_finds_what_is_wanted_as_it_is_written() {
        let json = r#"{"x":{"y":[1.50,{"z":"a\u0062"}]},"team":"OPS","n":12345678901234567890123,"\u006b":null}"#;
        assert_eq!(
            found(&["/team", "/x/y/1/z", "/x/y", "/n", "/x/y/0", "/k", "/none", "/team/a", "/x/y/2", "/x/y/01"], json),
            [
                FoundArgument::Value("\"OPS\""),
                FoundArgument::Value(r#""a\u0062""#),
                FoundArgument::Value(r#"[1.50,{"z":"a\u0062"}]"#),
                FoundArgument::Value("12345678901234567890123"),
                FoundArgument::Value("1.50"),
                FoundArgument::Value("null"),
                FoundArgument::Absent,
                FoundArgument::Absent,
                FoundArgument::Absent,
                FoundArgument::Absent,
            ]
        );
        assert_eq!(found(&["/a"], "null"), [FoundArgument::Absent]);
        assert_eq!(WantedArguments::default().find(Arguments::NONE), []);
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_unclear() {
        for json in [
            r#"{"team":"OPS","team":"DEV"}"#,
            r#"{"team":"OPS","t\u0065am":"DEV"}"#,
            r#"{"team":"OPS","Team":"DEV"}"#,
            r#"{"Team":"OPS"}"#,
            r#"{"TEAM":1,"team":"OPS"}"#,
            r#"["team"]"#,
            "\"team\"",
            "{",
            r#"{"team":"OPS"}x"#,
            r#"{"team":"OPS""#,
            r#"{"team":}"#,
            "",
        ] {
            assert_eq!(found(&["/team"], json), [FoundArgument::Unclear], "{json}");
        }
        let nested = r#"{"a":{"b":1},"A":{"b":2},"c":3}"#;
        assert_eq!(found(&["/a/b", "/c"], nested), [FoundArgument::Unclear, FoundArgument::Value("3")]);
        assert_eq!(found(&["/a/b"], r#"{"a":{"B":1}}"#), [FoundArgument::Unclear]);
        assert_eq!(found(&["/a"], r#"{"x":1,"X":2,"a":3}"#), [FoundArgument::Value("3")], "nobody asks for x");
    }

    #[test]
    fn two_pointers_that_differ_in_case_only_are_refused() {
        let mut wanted = WantedArguments::default();
        let mut add =
            |text: &str| wanted.add(&ArgumentPointer::parse(text).unwrap()).map_err(|it| it.as_str().to_owned());
        assert_eq!(add("/a/team"), Ok(0));
        assert_eq!(add("/a/team"), Ok(0));
        assert_eq!(add("/a"), Ok(1));
        assert_eq!(add("/a/Team"), Err("/a/Team".to_owned()));
        assert_eq!(add("/A/x"), Err("/A/x".to_owned()));
        assert_eq!(add("/team"), Ok(2));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof![any::<i32>().prop_map(Value::from), "[a-c]{0,2}".prop_map(Value::from), Just(Value::Null)];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[abc/~]{0,2}", inner, 0..4)
                    .prop_map(|object| Value::Object(object.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn finds_what_a_tree_has(
            arguments in prop::collection::btree_map("[abc]{1,2}", any_json(), 0..4),
            pointers in prop::collection::vec("(/([abc]{1,2}|[0-3]|~0|~1)){1,3}", 1..6),
        ) {
            let tree = Value::Object(arguments.into_iter().collect());
            let json = tree.to_string();
            let pointers: Vec<_> = pointers.iter().map(String::as_str).collect();
            for (pointer, found) in pointers.iter().zip(found(&pointers, &json)) {
                let expected = tree.pointer(pointer).map(ToString::to_string);
                let expected = expected.as_deref().map_or(FoundArgument::Absent, FoundArgument::Value);
                prop_assert_eq!(found, expected, "{} in {}", pointer, json);
            }
        }

        #[test]
        fn any_text_is_read_or_unclear(json in "\\PC{0,40}|[{}\\[\\]:,\"a0]{0,24}") {
            found(&["/a", "/a/0"], &json);
        }
    }
}
