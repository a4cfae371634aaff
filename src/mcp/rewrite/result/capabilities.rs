//! What a server promises of itself, without what nobody could use.
//!
//! Not here: the rest of a result ([`super::outcome`]).

use std::fmt;
use std::ops::Range;

use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::reading::{Audience, Reading};
use crate::mcp::rewrite::Unreadable;
use crate::mcp::rewrite::list::List;

/// Extensions by which a server says how to authorize at it. Clients authorize at the gateway (ext-auth).
const OF_AUTHORIZATION: &[&str] =
    &["io.modelcontextprotocol/oauth-client-credentials", "io.modelcontextprotocol/enterprise-managed-authorization"];

/// What a server promises of itself (`initialize`, `server/discover`): where it stands. `key` is where its key does.
pub(super) struct Capabilities<'m, 'r, 'de, A> {
    pub(super) reading: &'m mut Reading<'r, 'de, A>,
    pub(super) key: Range<usize>,
}

impl<'de, A: Audience> Visitor<'de> for Capabilities<'_, '_, 'de, A> {
    type Value = Range<usize>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("capabilities")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let Self { reading, key: own } = self;
        let mut seen = Vec::new();
        let mut members: Vec<(Range<usize>, bool)> = Vec::new();
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
        let last = members.last().map(|(place, _)| place.end);
        reading.edits.value(own.end, last, ['{', '}']).map_or_else(|| reading.refuse(Unreadable::Malformed), Ok)
    }
}

/// Extensions that a server promises, by their names.
struct Extensions<'m, 'r, 'de, A>(&'m mut Reading<'r, 'de, A>);

impl<'de, A: Audience> Visitor<'de> for Extensions<'_, '_, 'de, A> {
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
