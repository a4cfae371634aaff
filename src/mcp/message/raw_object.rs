//! A JSON object as its members in order, their values as the bytes they are: for the few places that read or change
//! one member and must leave the others as they were checked.
//!
//! Not here: the check itself ([`super::envelope`]).

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::strict_json::Key;

/// An object whose values are not looked into.
pub(in crate::mcp) struct RawObject<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> RawObject<'a> {
    /// Reads an object; `None` if it is none.
    pub(in crate::mcp) fn parse(json: &'a str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// The JSON of a member.
    pub(in crate::mcp) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, json)| &**json)
    }

    /// The JSON of a member, unless other JSON was put in its place.
    pub(in crate::mcp) fn into_json(self, key: &str) -> Option<&'a str> {
        let (_, json) = self.0.into_iter().find(|(name, _)| name == key)?;
        if let Cow::Borrowed(json) = json { Some(json) } else { None }
    }

    /// Puts other JSON in the place of a member's.
    pub(in crate::mcp) fn replace(&mut self, key: &str, json: String) {
        if let Some((_, old)) = self.0.iter_mut().find(|(name, _)| name == key) {
            *old = Cow::Owned(json);
        }
    }

    /// Takes a member out.
    pub(in crate::mcp) fn remove(&mut self, key: &str) {
        self.0.retain(|(name, _)| name != key);
    }

    /// Whether there is nothing in it.
    pub(in crate::mcp) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its members, in the order they came.
    pub(in crate::mcp) fn members(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, json)| (&**key, &**json))
    }

    /// As JSON again.
    pub(in crate::mcp) fn to_json(&self) -> String {
        let mut json = String::from("{");
        for (at, (key, value)) in self.members().enumerate() {
            if at > 0 {
                json.push(',');
            }
            // A string always has a JSON form.
            json.push_str(&serde_json::to_string(key).unwrap_or_default());
            json.push(':');
            json.push_str(value);
        }
        json.push('}');
        json
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for RawObject<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = RawObject<'de>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawObject<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some((Key(key), json)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
            members.push((key, Cow::Borrowed(json.get())));
        }
        Ok(RawObject(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_not_touched_stays_as_it_was_written() {
        let json = r#"{"b":1.10e5,"a\"":{ "x" : 123456789012345678901234567890 },"c":"\u00e9","d":null}"#;
        let mut object = RawObject::parse(json).unwrap();
        assert_eq!(object.to_json(), json);
        assert_eq!(object.get("c"), Some(r#""\u00e9""#));
        object.remove("b");
        object.replace("d", "[]".to_owned());
        object.replace("none", "1".to_owned());
        assert_eq!(object.to_json(), r#"{"a\"":{ "x" : 123456789012345678901234567890 },"c":"\u00e9","d":[]}"#);
        for other in ["", "[]", "1", "null", "{", "{}x"] {
            assert!(RawObject::parse(other).is_none(), "{other}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(json in "\\PC{0,40}") {
            let _ = RawObject::parse(&json).map(|object| object.to_json());
        }
    }
}
