//! Lists without the members that are not to be seen, in one pass over their bytes: what stays is copied as it was
//! written.
//!
//! Every list in every result of an answer is meant, whatever its id and whichever list was asked for: clients differ
//! in what they take for the answer to a request. Not here: who may see what, and how an answer is cut into messages
//! ([`super::answer`]).

use std::fmt;
use std::ops::Range;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::Unreadable;
use super::answer::Edit;
use crate::mcp::message::strict_json::{Key, resembles};

/// What a server can list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// `tools/list`.
    Tools,
    /// `prompts/list`.
    Prompts,
    /// `resources/list`.
    Resources,
    /// `resources/templates/list`.
    ResourceTemplates,
}

impl List {
    /// The list that a method asks for.
    pub fn of(method: &str) -> Option<Self> {
        match method {
            "tools/list" => Some(Self::Tools),
            "prompts/list" => Some(Self::Prompts),
            "resources/list" => Some(Self::Resources),
            "resources/templates/list" => Some(Self::ResourceTemplates),
            _ => None,
        }
    }

    /// The member of the result that holds it.
    pub const fn member(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
            Self::ResourceTemplates => "resourceTemplates",
        }
    }

    /// What the things in it go by.
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Tools | Self::Prompts => &["name"],
            Self::Resources => &["uri"],
            Self::ResourceTemplates => &["uriTemplate"],
        }
    }

    fn in_result(key: &str) -> Option<Self> {
        [Self::Tools, Self::Prompts, Self::Resources, Self::ResourceTemplates]
            .into_iter()
            .find(|list| list.member() == key)
    }
}

/// Leaves in lists what `K` says of a thing's name or URI.
pub struct Filter<K>(pub K);

impl<K: Fn(List, &str) -> bool> Edit for Filter<K> {
    fn edit(&self, json: &[u8]) -> Result<Option<Vec<u8>>, Unreadable> {
        let json = std::str::from_utf8(json).map_err(|_| Unreadable::NotJson)?;
        let mut reading = Reading { json, keep: &self.0, shorter: Vec::new(), fault: None };
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let read = deserializer.deserialize_any(Messages(&mut reading)).and_then(|()| deserializer.end());
        if let Err(error) = read {
            let unfit = if error.is_data() { Unreadable::Malformed } else { Unreadable::NotJson };
            return Err(reading.fault.unwrap_or(unfit));
        }
        Ok((!reading.shorter.is_empty()).then(|| reading.written()).flatten())
    }
}

/// What an answer is read with.
struct Reading<'de, K> {
    json: &'de str,
    keep: &'de K,
    /// The lists that lost something: from their first member to their last, and the members that stay.
    shorter: Vec<(Range<usize>, Vec<Range<usize>>)>,
    fault: Option<Unreadable>,
}

impl<K> Reading<'_, K> {
    fn refuse<T, E: Error>(&mut self, fault: Unreadable) -> Result<T, E> {
        self.fault.get_or_insert(fault);
        Err(E::custom("not let through"))
    }

    /// Where a part of the text stands in it.
    fn place(&self, part: &RawValue) -> Range<usize> {
        let start = part.get().as_ptr().addr().saturating_sub(self.json.as_ptr().addr());
        start..start + part.get().len()
    }

    /// The key, if it is one of `known`, which must not stand there twice or be taken for another one. One that is no
    /// Unicode text is none of them.
    fn known<E: Error>(
        &mut self,
        key: &RawValue,
        known: &'static [&'static str],
        seen: &mut Vec<&'static str>,
    ) -> Result<Option<&'static str>, E> {
        let Ok(Key(key)) = serde_json::from_str(key.get()) else { return Ok(None) };
        if resembles(&key, known).is_some() {
            return self.refuse(Unreadable::Ambiguous);
        }
        let Some(key) = known.iter().find(|known| **known == key) else { return Ok(None) };
        if seen.contains(key) {
            return self.refuse(Unreadable::Ambiguous);
        }
        seen.push(key);
        Ok(Some(key))
    }

    /// The text with its lists shortened.
    fn written(&self) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(self.json.len());
        let mut from = 0;
        for (list, members) in &self.shorter {
            out.extend_from_slice(self.json.get(from..list.start)?.as_bytes());
            for (at, member) in members.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(self.json.get(member.clone())?.as_bytes());
            }
            from = list.end;
        }
        out.extend_from_slice(self.json.get(from..)?.as_bytes());
        Some(out)
    }
}

/// A visitor where a seed is wanted: none of them is satisfied by what is not of its own kind.
struct Seed<V>(V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Seed<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_any(self.0)
    }
}

/// One message, or an array of them (2025-03-26).
struct Messages<'r, 'de, K>(&'r mut Reading<'de, K>);

impl<'de, K: Fn(List, &str) -> bool> Visitor<'de> for Messages<'_, 'de, K> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("JSON-RPC messages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Seed(Message(self.0)))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        Message(self.0).visit_map(map)
    }
}

/// JSON-RPC 2.0 §4, §5: a request, a notification, a result or an error.
struct Message<'r, 'de, K>(&'r mut Reading<'de, K>);

impl<'de, K: Fn(List, &str) -> bool> Visitor<'de> for Message<'_, 'de, K> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a JSON-RPC message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = Vec::new();
        while let Some(key) = map.next_key::<&RawValue>()? {
            match self.0.known(key, &["jsonrpc", "id", "method", "params", "result", "error"], &mut seen)? {
                Some("result") => map.next_value_seed(Seed(Listing(self.0)))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        match seen.iter().filter(|key| matches!(**key, "method" | "result" | "error")).count() {
            1 => Ok(()),
            _ => self.0.refuse(Unreadable::Malformed),
        }
    }
}

/// A result, which may hold lists.
struct Listing<'r, 'de, K>(&'r mut Reading<'de, K>);

impl<'de, K: Fn(List, &str) -> bool> Visitor<'de> for Listing<'_, 'de, K> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a result")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = Vec::new();
        while let Some(key) = map.next_key::<&RawValue>()? {
            let known = self.0.known(key, &["tools", "prompts", "resources", "resourceTemplates"], &mut seen)?;
            match known.and_then(List::in_result) {
                Some(list) => map.next_value_seed(Seed(Members { reading: self.0, list }))?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// A list.
struct Members<'r, 'de, K> {
    reading: &'r mut Reading<'de, K>,
    list: List,
}

impl<'de, K: Fn(List, &str) -> bool> Visitor<'de> for Members<'_, 'de, K> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut whole: Option<Range<usize>> = None;
        let mut kept = Vec::new();
        let mut lost = false;
        while let Some((place, keep)) =
            seq.next_element_seed(Seed(Member { reading: self.reading, list: self.list }))?
        {
            whole = Some(whole.map_or(place.start, |whole| whole.start)..place.end);
            if keep {
                kept.push(place);
            } else {
                lost = true;
            }
        }
        self.reading.shorter.extend(whole.filter(|_| lost).map(|whole| (whole, kept)));
        Ok(())
    }
}

/// A member of a list: where it stands, and whether it stays.
struct Member<'r, 'de, K> {
    reading: &'r mut Reading<'de, K>,
    list: List,
}

impl<'de, K: Fn(List, &str) -> bool> Visitor<'de> for Member<'_, 'de, K> {
    type Value = (Range<usize>, bool);

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a member of a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Self { reading, list } = self;
        let mut seen = Vec::new();
        let mut inside: Option<Range<usize>> = None;
        let mut keep = None;
        while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            inside = Some(inside.map_or(reading.place(key).start, |inside| inside.start)..reading.place(value).end);
            if reading.known(key, list.names(), &mut seen)?.is_some() {
                keep = serde_json::from_str(value.get()).ok().map(|Key(name)| (reading.keep)(list, &name));
            }
        }
        match (inside.and_then(|inside| with_braces(reading.json, inside)), keep) {
            (Some(place), Some(keep)) => Ok((place, keep)),
            _ => reading.refuse(Unreadable::Malformed),
        }
    }
}

/// From the members of an object to the whole of it: only white space stands between them and its braces.
fn with_braces(json: &str, inside: Range<usize>) -> Option<Range<usize>> {
    let start = json.get(..inside.start)?.rfind('{')?;
    let end = json.get(inside.end..)?.find('}')?;
    Some(start..inside.end + end + 1)
}

#[cfg(test)]
mod tests;
