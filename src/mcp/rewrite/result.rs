//! Answers as one caller may see them: lists without the members that are not for them, capabilities without what
//! nobody could use, and caching that keeps what is one person's theirs.
//!
//! Every list in every result is meant, whatever its id and whichever list was asked for: clients differ in what they
//! take for the answer to a request. What a message tells of its server's catalogue is found in the same reading.
//!
//! Not here: who may see what, and how an answer is cut into messages ([`super::answer`]).

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::Unreadable;
use super::answer::{Edit, Edited};
use super::edits::Edits;
use super::list::List;
use super::news::{CatalogueNews, ToldResult};
pub use outcome::{PRIVATE, TTL};
pub use reading::Audience;

use outcome::Outcome;
use reading::{Findings, Reading, Seed};

use crate::mcp::message::MAX_BATCH;

mod capabilities;
mod outcome;
mod reading;

/// Of one body: the answers to a batch, and what a server says beside them.
const MOST_MESSAGES: usize = 10 * MAX_BATCH;

/// What an audience sees of an answer.
pub struct Seen<A>(pub A);

impl<A: Audience> Edit for Seen<A> {
    fn edit(&self, json: &[u8]) -> Result<Edited, Unreadable> {
        Ok(read(json, &self.0, |_| {})?
            .map_or(Edited::Gone, |edits| edits.written().map_or(Edited::Same, Edited::Changed)))
    }
}

/// What an audience sees of an answer, and what each message of it tells, as the server sent it.
pub struct Observed<A, N> {
    /// Who it is for. Where nobody is named, everything that is JSON passes as it came.
    pub audience: Option<A>,
    /// Who is told.
    pub notice: N,
}

impl<A: Audience, N: Fn(CatalogueNews<'_>)> Edit for Observed<A, N> {
    fn edit(&self, json: &[u8]) -> Result<Edited, Unreadable> {
        let Some(audience) = &self.audience else {
            let is_json = || serde_json::from_slice::<IgnoredAny>(json).is_ok();
            let passes = read(json, &Everybody, &self.notice).is_ok() || is_json();
            return if passes { Ok(Edited::Same) } else { Err(Unreadable::NotJson) };
        };
        let edits = read(json, audience, &self.notice)?;
        Ok(edits.map_or(Edited::Gone, |edits| edits.written().map_or(Edited::Same, Edited::Changed)))
    }
}

/// Who sees everything.
struct Everybody;

impl Audience for Everybody {
    fn sees(&self, _: List, _: &str) -> bool {
        true
    }

    fn has(&self, _: List) -> bool {
        true
    }
}

/// Reads an answer once. What is to be changed in it, `None` if nothing of it stays.
fn read<'de, A: Audience>(
    json: &'de [u8],
    audience: &A,
    notice: impl Fn(CatalogueNews<'_>),
) -> Result<Option<Edits<'de>>, Unreadable> {
    let json = std::str::from_utf8(json).map_err(|_| Unreadable::NotJson)?;
    let mut reading = Reading::of(json, audience);
    match reading.messages(json) {
        Ok(stays) => {
            if let Some(news) = reading.news() {
                notice(news);
            }
            Ok(stays.then_some(reading.edits))
        }
        Err(error) => {
            let unfit = if error.is_data() { Unreadable::Malformed } else { Unreadable::NotJson };
            Err(reading.fault.unwrap_or(unfit))
        }
    }
}

impl<'de, A: Audience> Reading<'_, 'de, A> {
    /// What the message tells, where it is one by itself.
    fn news(&self) -> Option<CatalogueNews<'de>> {
        let Findings { id, method, result, lists, ttl, ttl_at, is_public, scope_at, has_more } = &self.found;
        if method.is_some_and(|method| method.starts_with("\"notifications/") && method.ends_with("/list_changed\"")) {
            return Some(CatalogueNews::ListChanged);
        }
        let text = |place: &Range<usize>| self.edits.text(place.clone());
        let lists = lists.iter().map(|(list, place)| Some((*list, text(place)?))).collect::<Option<_>>()?;
        let result = result.as_ref()?;
        let within = |place: &Range<usize>| place.start - result.start..place.end - result.start;
        Some(CatalogueNews::Result(ToldResult {
            id: (*id)?,
            text: text(result)?,
            ttl: *ttl,
            ttl_at: ttl_at.as_ref().map(within),
            is_public: *is_public,
            scope_at: scope_at.as_ref().map(within),
            has_more: *has_more,
            lists,
        }))
    }

    /// Reads one message, or an array of them (2025-03-26); whether anything stays.
    fn messages(&mut self, json: &'de str) -> serde_json::Result<bool> {
        if !json.trim_ascii_start().starts_with('[') {
            return self.message(json);
        }
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let stays = deserializer.deserialize_seq(Messages(self))?;
        deserializer.end()?;
        self.found = Findings::default();
        Ok(stays)
    }

    fn message(&mut self, json: &'de str) -> serde_json::Result<bool> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let stays = deserializer.deserialize_any(Message(self))?;
        deserializer.end()?;
        Ok(stays)
    }
}

/// Messages of a batch, looked at one by one: more than may be asked for are not collected first.
struct Messages<'m, 'r, 'de, A>(&'m mut Reading<'r, 'de, A>);

impl<'de, A: Audience> Visitor<'de> for Messages<'_, '_, 'de, A> {
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
struct Message<'m, 'r, 'de, A>(&'m mut Reading<'r, 'de, A>);

impl<'de, A: Audience> Visitor<'de> for Message<'_, '_, 'de, A> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a JSON-RPC message")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<bool, M::Error> {
        let Self(reading) = self;
        let mut seen = Vec::new();
        let (mut method, mut params) = (None, None);
        while let Some(key) = map.next_key::<&RawValue>()? {
            let place = reading.edits.place(key);
            match reading.known(key, &["jsonrpc", "id", "method", "params", "result", "error"], &mut seen)? {
                Some("result") => {
                    let result = map.next_value_seed(Seed(Outcome { reading, key: place }))?;
                    reading.found.result = Some(result);
                }
                Some("id") => reading.found.id = Some(map.next_value::<&RawValue>()?.get()),
                Some("method") => method = Some(map.next_value::<&RawValue>()?),
                Some("params") => params = Some(map.next_value::<&RawValue>()?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if seen.iter().filter(|key| matches!(**key, "method" | "result" | "error")).count() != 1 {
            return reading.refuse(Unreadable::Malformed);
        }
        reading.found.method = method.map(RawValue::get);
        match method.map(|method| serde_json::from_str::<Cow<'_, str>>(method.get())) {
            Some(Ok(method)) if method == "notifications/resources/updated" => reading.is_told(params),
            _ => Ok(true),
        }
    }
}

impl<A: Audience> Reading<'_, '_, A> {
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

#[cfg(test)]
mod tests;
