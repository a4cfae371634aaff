//! Results: the lists in them, how long they may be kept, and where all of that stands.
//!
//! Not here: the message around a result ([`super`]), and what a server promises ([`super::capabilities`]).

use std::fmt;
use std::ops::Range;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::capabilities::Capabilities;
use super::reading::{Audience, Reading, Seed};
use crate::mcp::message::strict_json::Key;
use crate::mcp::rewrite::Unreadable;
use crate::mcp::rewrite::list::List;

/// For how long a client may keep a result: as long as a configuration takes to arrive, in milliseconds.
pub const TTL: u64 = 60_000;
const LONGEST_TTL: &str = "60000";
/// 2026-07-28, "Caching": behind an authorization nothing is everybody's.
pub const PRIVATE: &str = "\"private\"";

/// A result, which may hold lists, capabilities, and how long it may be kept: where it stands. `key` is where its key
/// does.
pub(super) struct Outcome<'m, 'r, 'de, A> {
    pub(super) reading: &'m mut Reading<'r, 'de, A>,
    pub(super) key: Range<usize>,
}

impl<'de, A: Audience> Visitor<'de> for Outcome<'_, '_, 'de, A> {
    type Value = Range<usize>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a result")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        const KNOWN: &[&str] =
            &["tools", "prompts", "resources", "resourceTemplates", "capabilities", "cacheScope", "ttlMs"];
        let Self { reading, key: own } = self;
        let mut seen = Vec::new();
        let mut end = None;
        while let Some(key) = map.next_key::<&RawValue>()? {
            let place = reading.edits.place(key);
            let known = reading.known(key, KNOWN, &mut seen)?;
            let until = match (known, known.and_then(List::in_result)) {
                (Some("capabilities"), _) => map.next_value_seed(Seed(Capabilities { reading, key: place }))?.end,
                (_, Some(list)) => {
                    let place = map.next_value_seed(Seed(Members { reading, list, key: place }))?;
                    reading.found.lists.push((list, place.clone()));
                    place.end
                }
                _ => {
                    let value = map.next_value::<&RawValue>()?;
                    reading.says(known.unwrap_or(key.get()), value);
                    reading.edits.place(value).end
                }
            };
            end = Some(until);
        }
        reading.edits.value(own.end, end, ['{', '}']).map_or_else(|| reading.refuse(Unreadable::Malformed), Ok)
    }
}

impl<A> Reading<'_, '_, A> {
    /// What a result says of itself beside its lists.
    fn says(&mut self, key: &str, value: &RawValue) {
        match key {
            "cacheScope" => {
                self.found.scope_at = Some(self.edits.place(value));
                self.found.is_public = value.get() == "\"public\"";
                self.put(value, PRIVATE);
            }
            "ttlMs" => {
                self.found.ttl_at = Some(self.edits.place(value));
                self.found.ttl = value.get().parse().ok();
                if self.found.ttl.is_some_and(|ttl| ttl > TTL) {
                    self.put(value, LONGEST_TTL);
                }
            }
            "\"nextCursor\"" => self.found.has_more |= value.get() != "null",
            _ => {}
        }
    }

    fn put(&mut self, value: &RawValue, other: &'static str) {
        if value.get() != other {
            self.edits.replace(self.edits.place(value), other);
        }
    }
}

/// A list: where it stands.
struct Members<'m, 'r, 'de, A> {
    reading: &'m mut Reading<'r, 'de, A>,
    list: List,
    key: Range<usize>,
}

impl<'de, A: Audience> Visitor<'de> for Members<'_, '_, 'de, A> {
    type Value = Range<usize>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Self::Value, S::Error> {
        let Self { reading, list, key } = self;
        let mut members: Vec<(Range<usize>, bool)> = Vec::new();
        while let Some(member) = seq.next_element_seed(Seed(Member { reading: &mut *reading, list }))? {
            members.push(member);
        }
        reading.edits.keep(&members);
        let last = members.last().map(|(place, _)| place.end);
        reading.edits.value(key.end, last, ['[', ']']).map_or_else(|| reading.refuse(Unreadable::Malformed), Ok)
    }
}

/// A member of a list: where it stands, and whether it stays.
struct Member<'m, 'r, 'de, A> {
    reading: &'m mut Reading<'r, 'de, A>,
    list: List,
}

impl<'de, A: Audience> Visitor<'de> for Member<'_, '_, 'de, A> {
    type Value = (Range<usize>, bool);

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a member of a list")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let Self { reading, list } = self;
        let mut seen = Vec::new();
        let mut inside: Option<Range<usize>> = None;
        let mut stays = None;
        while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            let start = inside.map_or(reading.edits.place(key).start, |inside| inside.start);
            inside = Some(start..reading.edits.place(value).end);
            if reading.known(key, list.names(), &mut seen)?.is_some() {
                stays = serde_json::from_str(value.get()).ok().map(|Key(name)| reading.audience.sees(list, &name));
            }
        }
        match (inside.and_then(|inside| reading.edits.with_braces(inside)), stays) {
            (Some(place), Some(stays)) => Ok((place, stays)),
            _ => reading.refuse(Unreadable::Malformed),
        }
    }
}
