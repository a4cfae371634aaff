//! One reading of an answer: who it is for, what is to be changed, and what was found on the way.
//!
//! Not here: what an answer is made of ([`super`], [`super::outcome`], [`super::capabilities`]).

use std::borrow::Cow;
use std::ops::Range;

use serde::de::{DeserializeSeed, Deserializer, Error, Visitor};
use serde_json::value::RawValue;

use crate::mcp::message::strict_json::{Key, resembles};
use crate::mcp::rewrite::Unreadable;
use crate::mcp::rewrite::edits::Edits;
use crate::mcp::rewrite::list::List;

/// Who an answer is for.
pub trait Audience {
    /// Whether they see a thing of that name, or URI, in that list.
    fn sees(&self, list: List, name: &str) -> bool;

    /// Whether they could see anything in such a list.
    fn has(&self, list: List) -> bool;
}

/// What an answer is read with.
pub(super) struct Reading<'r, 'de, A> {
    pub(super) audience: &'r A,
    pub(super) edits: Edits<'de>,
    pub(super) fault: Option<Unreadable>,
    pub(super) found: Findings<'de>,
}

/// What the message that was read last is and says.
#[derive(Default)]
pub(super) struct Findings<'de> {
    pub(super) id: Option<&'de str>,
    pub(super) method: Option<&'de str>,
    pub(super) result: Option<Range<usize>>,
    pub(super) lists: Vec<(List, Range<usize>)>,
    pub(super) ttl: Option<u64>,
    pub(super) ttl_at: Option<Range<usize>>,
    pub(super) is_public: bool,
    pub(super) scope_at: Option<Range<usize>>,
    pub(super) has_more: bool,
}

impl<'r, 'de, A> Reading<'r, 'de, A> {
    pub(super) fn of(json: &'de str, audience: &'r A) -> Self {
        Self { audience, edits: Edits::of(json), fault: None, found: Findings::default() }
    }

    pub(super) fn refuse<T, E: Error>(&mut self, fault: Unreadable) -> Result<T, E> {
        self.fault.get_or_insert(fault);
        Err(E::custom("not let through"))
    }

    /// The key, if it is one of `known`, which must not stand there twice or be taken for another one. One that is no
    /// Unicode text is none of them.
    pub(super) fn known<E: Error>(
        &mut self,
        key: &RawValue,
        known: &'static [&'static str],
        seen: &mut Vec<&'static str>,
    ) -> Result<Option<&'static str>, E> {
        let Some(key) = (match plain(key.get()) {
            Some(key) if known.iter().all(|known| known.len() != key.len()) => return Ok(None),
            Some(key) => Some(Cow::Borrowed(key)),
            None => serde_json::from_str(key.get()).ok().map(|Key(key)| key),
        }) else {
            return Ok(None);
        };
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
}

/// The key that is written as it is: ASCII without escapes, so that only one as long can be taken for it.
fn plain(key: &str) -> Option<&str> {
    let inside = key.strip_prefix('"')?.strip_suffix('"')?;
    inside.bytes().all(|byte| byte.is_ascii() && byte != b'\\').then_some(inside)
}

/// A visitor where a seed is wanted: none of them is satisfied by what is not of its own kind.
pub(super) struct Seed<V>(pub(super) V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Seed<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_any(self.0)
    }
}
