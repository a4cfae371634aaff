//! Answers as one caller may see them: lists without the members that are not for them, capabilities without what
//! nobody could use, and caching that keeps what is one person's theirs.
//!
//! Every list in every result is meant, whatever its id and whichever list was asked for: clients differ in what they
//! take for the answer to a request. Not here: who may see what, and how an answer is cut into messages
//! ([`super::answer`]).

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::Unreadable;
use super::answer::{Edit, Edited};
use super::edits::Edits;
use super::list::List;
use crate::mcp::message::MAX_BATCH;
use crate::mcp::message::strict_json::{Key, resembles};

/// For how long a client may keep a result: as long as a configuration takes to arrive, in milliseconds.
const TTL: u64 = 60_000;
const LONGEST_TTL: &str = "60000";

/// Of one body: the answers to a batch, and what a server says beside them.
const MOST_MESSAGES: usize = 10 * MAX_BATCH;

/// Extensions by which a server says how to authorize at it. Clients authorize at the gateway (ext-auth).
const OF_AUTHORIZATION: &[&str] =
    &["io.modelcontextprotocol/oauth-client-credentials", "io.modelcontextprotocol/enterprise-managed-authorization"];

/// Who an answer is for.
pub trait Audience {
    /// Whether they see a thing of that name, or URI, in that list.
    fn sees(&self, list: List, name: &str) -> bool;

    /// Whether they could see anything in such a list.
    fn has(&self, list: List) -> bool;
}

/// What an audience sees of an answer.
pub struct Seen<A>(pub A);

impl<A: Audience> Edit for Seen<A> {
    fn edit(&self, json: &[u8]) -> Result<Edited, Unreadable> {
        let json = std::str::from_utf8(json).map_err(|_| Unreadable::NotJson)?;
        let mut reading = Reading { audience: &self.0, edits: Edits::of(json), fault: None };
        match reading.messages(json) {
            Ok(true) => Ok(reading.edits.written().map_or(Edited::Same, Edited::Changed)),
            Ok(false) => Ok(Edited::Gone),
            Err(error) => {
                let unfit = if error.is_data() { Unreadable::Malformed } else { Unreadable::NotJson };
                Err(reading.fault.unwrap_or(unfit))
            }
        }
    }
}

/// What an answer is read with.
struct Reading<'de, A> {
    audience: &'de A,
    edits: Edits<'de>,
    fault: Option<Unreadable>,
}

impl<'de, A: Audience> Reading<'de, A> {
    /// Reads one message, or an array of them (2025-03-26); whether anything stays.
    fn messages(&mut self, json: &'de str) -> serde_json::Result<bool> {
        if !json.trim_ascii_start().starts_with('[') {
            return self.message(json);
        }
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let stays = deserializer.deserialize_seq(Messages(self))?;
        deserializer.end()?;
        Ok(stays)
    }

    fn message(&mut self, json: &'de str) -> serde_json::Result<bool> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let stays = deserializer.deserialize_any(Message(self))?;
        deserializer.end()?;
        Ok(stays)
    }

    fn refuse<T, E: Error>(&mut self, fault: Unreadable) -> Result<T, E> {
        self.fault.get_or_insert(fault);
        Err(E::custom("not let through"))
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
}

/// A visitor where a seed is wanted: none of them is satisfied by what is not of its own kind.
struct Seed<V>(V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Seed<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_any(self.0)
    }
}

/// Messages of a batch, looked at one by one: more than may be asked for are not collected first.
struct Messages<'r, 'de, A>(&'r mut Reading<'de, A>);

impl<'de, A: Audience> Visitor<'de> for Messages<'_, 'de, A> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("JSON-RPC messages")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<bool, S::Error> {
        let Self(reading) = self;
        let mut members = Vec::new();
        while let Some(message) = seq.next_element::<&'de RawValue>()? {
            if members.len() == MOST_MESSAGES {
                return reading.refuse(Unreadable::Malformed);
            }
            let stays = reading.message(message.get()).map_err(S::Error::custom)?;
            members.push((reading.edits.place(message), stays));
        }
        reading.edits.keep(&members);
        Ok(members.is_empty() || members.iter().any(|(_, stays)| *stays))
    }
}

/// JSON-RPC 2.0 §4, §5: a request, a notification, a result or an error; whether it stays.
struct Message<'r, 'de, A>(&'r mut Reading<'de, A>);

impl<'de, A: Audience> Visitor<'de> for Message<'_, 'de, A> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a JSON-RPC message")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<bool, M::Error> {
        let Self(reading) = self;
        let mut seen = Vec::new();
        let (mut method, mut params) = (None, None);
        while let Some(key) = map.next_key::<&RawValue>()? {
            match reading.known(key, &["jsonrpc", "id", "method", "params", "result", "error"], &mut seen)? {
                Some("result") => map.next_value_seed(Seed(Outcome(reading)))?,
                Some("method") => method = Some(map.next_value::<&RawValue>()?),
                Some("params") => params = Some(map.next_value::<&RawValue>()?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if seen.iter().filter(|key| matches!(**key, "method" | "result" | "error")).count() != 1 {
            return reading.refuse(Unreadable::Malformed);
        }
        match method.map(|method| serde_json::from_str::<Cow<'_, str>>(method.get())) {
            Some(Ok(method)) if method == "notifications/resources/updated" => reading.is_told(params),
            _ => Ok(true),
        }
    }
}

impl<A: Audience> Reading<'_, A> {
    /// Whether the audience hears that a resource was updated.
    fn is_told<E: Error>(&mut self, params: Option<&RawValue>) -> Result<bool, E> {
        let updated = params.and_then(|params| serde_json::from_str::<Updated<'_>>(params.get()).ok());
        match updated {
            Some(updated) => Ok(self.audience.sees(List::Resources, &updated.uri)),
            None => self.refuse(Unreadable::Malformed),
        }
    }
}

/// The parameters of `notifications/resources/updated`. serde refuses a member that is there twice.
#[derive(Deserialize)]
struct Updated<'a> {
    #[serde(borrow)]
    uri: Cow<'a, str>,
}

/// A result, which may hold lists, capabilities, and how long it may be kept.
struct Outcome<'r, 'de, A>(&'r mut Reading<'de, A>);

impl<'de, A: Audience> Visitor<'de> for Outcome<'_, 'de, A> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a result")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        const KNOWN: &[&str] =
            &["tools", "prompts", "resources", "resourceTemplates", "capabilities", "cacheScope", "ttlMs"];
        let Self(reading) = self;
        let mut seen = Vec::new();
        while let Some(key) = map.next_key::<&RawValue>()? {
            match reading.known(key, KNOWN, &mut seen)? {
                Some("capabilities") => map.next_value_seed(Seed(Capabilities(reading)))?,
                // 2026-07-28, "Caching": behind an authorization nothing is everybody's.
                Some("cacheScope") => reading.put(map.next_value()?, "\"private\""),
                Some("ttlMs") => {
                    let value = map.next_value::<&RawValue>()?;
                    if value.get().parse::<u64>().is_ok_and(|ttl| ttl > TTL) {
                        reading.put(value, LONGEST_TTL);
                    }
                }
                Some(list) => match List::in_result(list) {
                    Some(list) => map.next_value_seed(Seed(Members { reading, list }))?,
                    None => drop(map.next_value::<IgnoredAny>()?),
                },
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

impl<A> Reading<'_, A> {
    fn put(&mut self, value: &RawValue, other: &'static str) {
        if value.get() != other {
            self.edits.replace(self.edits.place(value), other);
        }
    }
}

/// What a server promises of itself (`initialize`, `server/discover`).
struct Capabilities<'r, 'de, A>(&'r mut Reading<'de, A>);

impl<'de, A: Audience> Visitor<'de> for Capabilities<'_, 'de, A> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("capabilities")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let Self(reading) = self;
        let mut seen = Vec::new();
        let mut members = Vec::new();
        while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            let has = |list| reading.audience.has(list);
            let stays = match reading.known(key, &["tools", "prompts", "resources", "extensions"], &mut seen)? {
                Some("tools") => has(List::Tools),
                Some("prompts") => has(List::Prompts),
                Some("resources") => has(List::Resources) || has(List::ResourceTemplates),
                Some("extensions") => {
                    let mut deserializer = serde_json::Deserializer::from_str(value.get());
                    deserializer.deserialize_any(Extensions(reading)).map_err(M::Error::custom)?;
                    true
                }
                _ => true,
            };
            members.push((reading.edits.place(key).start..reading.edits.place(value).end, stays));
        }
        reading.edits.keep(&members);
        Ok(())
    }
}

/// Extensions that a server promises, by their names.
struct Extensions<'r, 'de, A>(&'r mut Reading<'de, A>);

impl<'de, A: Audience> Visitor<'de> for Extensions<'_, 'de, A> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("extensions")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let Self(reading) = self;
        let mut seen = Vec::new();
        let mut members = Vec::new();
        while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            let stays = reading.known(key, OF_AUTHORIZATION, &mut seen)?.is_none();
            members.push((reading.edits.place(key).start..reading.edits.place(value).end, stays));
        }
        reading.edits.keep(&members);
        Ok(())
    }
}

/// A list.
struct Members<'r, 'de, A> {
    reading: &'r mut Reading<'de, A>,
    list: List,
}

impl<'de, A: Audience> Visitor<'de> for Members<'_, 'de, A> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<(), S::Error> {
        let Self { reading, list } = self;
        let mut members = Vec::new();
        while let Some(member) = seq.next_element_seed(Seed(Member { reading: &mut *reading, list }))? {
            members.push(member);
        }
        reading.edits.keep(&members);
        Ok(())
    }
}

/// A member of a list: where it stands, and whether it stays.
struct Member<'r, 'de, A> {
    reading: &'r mut Reading<'de, A>,
    list: List,
}

impl<'de, A: Audience> Visitor<'de> for Member<'_, 'de, A> {
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

#[cfg(test)]
mod tests;
