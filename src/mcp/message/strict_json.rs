//! JSON every reader understands alike (I-JSON, RFC 7493), checked in one pass without building a tree.
//!
//! Two parsers that pick different ones of two equal keys, or take `Method` for `method` (Go does), see two different
//! messages in the same bytes. Such bytes are refused, so that what was checked is what the server behind the gateway
//! understands. Not here: what the members mean. A [`Reader`] says which ones it wants to see.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

/// Walks the whole text as one value. Only broken JSON and excessive depth end the walk; any other fault is returned
/// beside what was read, so that an id standing after the fault is still known.
pub fn walk<'de, R: Reader<'de>>(bytes: &'de [u8], depth: usize, reader: &mut R) -> (Shape<'de>, Option<SyntaxFault>) {
    let mut walk = Walk::new(depth);
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let walked = Value { walk: &mut walk, reader, keep: false }.deserialize(&mut json);
    match walked.and_then(|shape| json.end().map(|()| shape)) {
        Ok(shape) => (shape, walk.fault),
        Err(error) => {
            let broken = SyntaxFault::NotJson { line: error.line(), column: error.column() };
            (
                Shape::Null,
                Some(walk.fault.filter(|fault| matches!(fault, SyntaxFault::TooDeep { .. })).unwrap_or(broken)),
            )
        }
    }
}

/// Why bytes are refused whatever they mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyntaxFault {
    /// Not UTF-8, not JSON, or something after the end.
    NotJson {
        /// Line of the first offending byte, from 1.
        line: usize,
        /// Column of it.
        column: usize,
    },
    /// More objects and arrays inside each other than allowed.
    TooDeep {
        /// What is allowed.
        limit: usize,
    },
    /// RFC 7493 §2.3: the same key twice in one object, however it was spelled.
    DuplicateKey {
        /// The key, decoded.
        key: String,
    },
    /// A key that a reader ignoring case takes for another one.
    KeyCase {
        /// The key as sent.
        key: String,
        /// The key it resembles.
        known: &'static str,
    },
}

/// What a value was, as far as an envelope wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape<'de> {
    /// `null`.
    Null,
    /// A string; its text is there if it came through [`Walk::read`].
    Text(Cow<'de, str>),
    /// A number without fraction or exponent that fits 64 bits.
    Integer(Number),
    /// `true`, `false`, or any other number.
    Scalar,
    /// An array, walked.
    Array,
    /// An object, walked.
    Object,
}

/// Who looks at the members of an object, or the elements of an array, as the walk passes them.
pub trait Reader<'de> {
    /// Keys that no other key of the object may resemble.
    const KNOWN: &'static [&'static str];

    /// Takes the value of `key` off the map with one of [`Walk::read`], [`Walk::enter`] and [`Walk::skip`].
    fn member<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A, walk: &mut Walk<'de>) -> Result<(), A::Error>;

    /// Takes the next element off the sequence; `None` at its end.
    fn element<A: SeqAccess<'de>>(&mut self, seq: &mut A, walk: &mut Walk<'de>) -> Result<Option<()>, A::Error> {
        Ok(walk.enter_element(seq, &mut Anything)?.map(drop))
    }
}

/// Where the walk is: how deep, inside which keys, and the first fault it met.
#[derive(Debug)]
pub struct Walk<'de> {
    limit: usize,
    room: usize,
    keys: Vec<Cow<'de, str>>,
    fault: Option<SyntaxFault>,
}

impl<'de> Walk<'de> {
    /// Above 120 levels `serde_json`'s own limit would answer first, as if the text were broken.
    fn new(limit: usize) -> Self {
        let limit = limit.min(120);
        Self { limit, room: limit, keys: Vec::new(), fault: None }
    }

    /// The member's value, with its text if it is a string.
    pub fn read<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<Shape<'de>, A::Error> {
        map.next_value_seed(Value { walk: self, reader: &mut Anything, keep: true })
    }

    /// The member's value, its own members shown to `reader`.
    pub fn enter<A: MapAccess<'de>, R: Reader<'de>>(
        &mut self,
        map: &mut A,
        reader: &mut R,
    ) -> Result<Shape<'de>, A::Error> {
        map.next_value_seed(Value { walk: self, reader, keep: false })
    }

    /// The next element, its members shown to `reader`; `None` at the end.
    pub fn enter_element<A: SeqAccess<'de>, R: Reader<'de>>(
        &mut self,
        seq: &mut A,
        reader: &mut R,
    ) -> Result<Option<Shape<'de>>, A::Error> {
        seq.next_element_seed(Value { walk: self, reader, keep: false })
    }

    /// Checks the member's value and forgets it.
    pub fn skip<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<(), A::Error> {
        self.enter(map, &mut Anything).map(drop)
    }

    fn down<E: Error>(&mut self) -> Result<(), E> {
        self.room = self.room.checked_sub(1).ok_or_else(|| {
            self.fault = Some(SyntaxFault::TooDeep { limit: self.limit });
            E::custom("too deep")
        })?;
        Ok(())
    }

    fn up(&mut self) {
        self.room += 1;
    }

    fn refuse_resembling(&mut self, key: &str, known: &'static [&'static str]) {
        if let Some(known) = resembles(key, known) {
            self.fault.get_or_insert_with(|| SyntaxFault::KeyCase { key: key.to_owned(), known });
        }
    }

    /// Forgets the keys from `first` on, which are one object's, and refuses two equal ones.
    fn close_keys(&mut self, first: usize) {
        let keys = self.keys.get_mut(first..).unwrap_or_default();
        keys.sort_unstable();
        if let Some((key, _)) = keys.iter().zip(keys.iter().skip(1)).find(|(key, next)| key == next) {
            self.fault.get_or_insert_with(|| SyntaxFault::DuplicateKey { key: key.to_string() });
        }
        self.keys.truncate(first);
    }
}

/// The known key that a reader ignoring case would take this one for.
pub(in crate::mcp) fn resembles(key: &str, known: &'static [&'static str]) -> Option<&'static str> {
    if known.contains(&key) {
        return None;
    }
    known.iter().copied().find(|known| key.chars().map(folded).eq(known.chars().map(folded)))
}

/// Unicode simple folding as far as it reaches ASCII: the long s and the Kelvin sign are what Go's `encoding/json`
/// folds too.
fn folded(c: char) -> char {
    match c {
        'ſ' => 's',
        '\u{212a}' => 'k',
        _ => c.to_ascii_lowercase(),
    }
}

/// A key, decoded; borrowed where it has no escapes.
#[derive(Deserialize)]
pub(in crate::mcp) struct Key<'a>(#[serde(borrow)] pub(in crate::mcp) Cow<'a, str>);

/// Nobody looks.
struct Anything;

impl<'de> Reader<'de> for Anything {
    const KNOWN: &'static [&'static str] = &[];

    fn member<A: MapAccess<'de>>(&mut self, _: &str, map: &mut A, walk: &mut Walk<'de>) -> Result<(), A::Error> {
        walk.skip(map)
    }
}

struct Value<'w, 'de, R> {
    walk: &'w mut Walk<'de>,
    reader: &'w mut R,
    keep: bool,
}

impl<'de, R: Reader<'de>> DeserializeSeed<'de> for Value<'_, 'de, R> {
    type Value = Shape<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Shape<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, R: Reader<'de>> Visitor<'de> for Value<'_, 'de, R> {
    type Value = Shape<'de>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Shape<'de>, E> {
        Ok(Shape::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Shape<'de>, E> {
        Ok(Shape::Scalar)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Shape<'de>, E> {
        Ok(Shape::Scalar)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Shape<'de>, E> {
        Ok(Shape::Integer(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Shape<'de>, E> {
        Ok(Shape::Integer(number.into()))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Shape<'de>, E> {
        Ok(Shape::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Shape<'de>, E> {
        Ok(Shape::Text(if self.keep { Cow::Owned(text.to_owned()) } else { Cow::Borrowed("") }))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Shape<'de>, A::Error> {
        self.walk.down()?;
        while self.reader.element(&mut seq, self.walk)?.is_some() {}
        self.walk.up();
        Ok(Shape::Array)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape<'de>, A::Error> {
        self.walk.down()?;
        let first = self.walk.keys.len();
        while let Some(Key(key)) = map.next_key()? {
            self.walk.refuse_resembling(&key, R::KNOWN);
            self.reader.member(&key, &mut map, self.walk)?;
            self.walk.keys.push(key);
        }
        self.walk.close_keys(first);
        self.walk.up();
        Ok(Shape::Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fault(json: &str) -> Option<SyntaxFault> {
        walk(json.as_bytes(), 4, &mut Anything).1
    }

    #[test]
    fn equal_keys_are_refused_at_any_depth_and_in_any_spelling() {
        let duplicate = |key: &str| Some(SyntaxFault::DuplicateKey { key: key.to_owned() });
        assert_eq!(fault(r#"{"a":1,"b":2,"a":3}"#), duplicate("a"));
        assert_eq!(fault(r#"{"x":[{"a":1,"\u0061":2}]}"#), duplicate("a"));
        assert_eq!(fault(r#"{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}"#), None);
    }

    #[test]
    fn depth_is_counted_in_objects_and_arrays() {
        assert_eq!(fault("[[[[1]]]]"), None);
        assert_eq!(fault(r#"[{"a":[[[1]]]}]"#), Some(SyntaxFault::TooDeep { limit: 4 }));
        assert_eq!(fault(r#"[[[[]]],[[[]]],{"a":[[]]}]"#), None);
        assert_eq!(
            walk("[".repeat(200_000).as_bytes(), 10_000, &mut Anything).1,
            Some(SyntaxFault::TooDeep { limit: 120 })
        );
    }

    #[test]
    fn what_is_not_json_is_placed() {
        assert_eq!(fault("{\"a\":1,\n}"), Some(SyntaxFault::NotJson { line: 2, column: 1 }));
        for broken in
            ["", " ", "{", "{} {}", "{}x", "\u{feff}{}", "[1,]", "01", "1e999", "'a'", "\"\u{1}\"", "nul", "NaN"]
        {
            assert!(matches!(fault(broken), Some(SyntaxFault::NotJson { .. })), "{broken}");
        }
        assert!(matches!(walk(b"\"\xff\"", 4, &mut Anything).1, Some(SyntaxFault::NotJson { .. })));
        assert!(matches!(fault(r#"{"a":"\ud83d"}"#), Some(SyntaxFault::NotJson { .. })), "RFC 7493 §2.1");
    }

    #[test]
    fn keys_that_fold_to_a_known_one_resemble_it() {
        const KNOWN: &[&str] = &["params", "taskId"];
        for (key, known) in
            [("Params", "params"), ("paramſ", "params"), ("tas\u{212a}id", "taskId"), ("taskID", "taskId")]
        {
            assert_eq!(resembles(key, KNOWN), Some(known));
        }
        for key in ["params", "taskId", "param", "paramss", "", "páram"] {
            assert_eq!(resembles(key, KNOWN), None, "{key}");
        }
    }

    proptest! {
        /// A text is walked to its end exactly when `serde_json` makes a tree of it.
        #[test]
        fn agrees_with_a_parser_that_builds(json in r#"([\[\]{},:" ]|"[ab]":|"\\u00e9"|[0-9eE.+-]|true|null|\\){0,24}"#) {
            let built = serde_json::from_str::<serde_json::Value>(&json).is_ok();
            let (_, fault) = walk(json.as_bytes(), 120, &mut Anything);
            prop_assert_eq!(built, !matches!(fault, Some(SyntaxFault::NotJson { .. })));
        }

        #[test]
        fn never_panics(bytes: Vec<u8>, depth in 0..200_usize) {
            walk(&bytes, depth, &mut Anything);
        }
    }
}
