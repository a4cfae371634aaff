//! Changes to a text of JSON in one pass over its bytes: what stays is copied as it was written.
//!
//! Not here: what is changed, and why ([`super::result`]).

use std::ops::Range;

use serde_json::value::RawValue;

/// A text and what becomes of it.
pub(super) struct Edits<'de> {
    json: &'de str,
    /// What is taken out, and what is put there. No two of them overlap.
    changes: Vec<(Range<usize>, &'static str)>,
}

impl<'de> Edits<'de> {
    /// None yet.
    pub(super) const fn of(json: &'de str) -> Self {
        Self { json, changes: Vec::new() }
    }

    /// Where a part of the text stands in it.
    pub(super) fn place(&self, part: &RawValue) -> Range<usize> {
        let start = part.get().as_ptr().addr().saturating_sub(self.json.as_ptr().addr());
        start..start + part.get().len()
    }

    /// A part of the text.
    pub(super) fn text(&self, place: Range<usize>) -> Option<&'de str> {
        self.json.get(place)
    }

    /// Where the array or object stands whose key ends at `key` and whose last member, if it has any, ends at `last`.
    /// Nothing but a colon, white space and its brackets stand between.
    pub(super) fn value(&self, key: usize, last: Option<usize>, [open, close]: [char; 2]) -> Option<Range<usize>> {
        let start = key + self.json.get(key..)?.find(open)?;
        let last = last.unwrap_or(start + 1);
        Some(start..last + self.json.get(last..)?.find(close)? + 1)
    }

    /// From the members of an object to the whole of it: only white space stands between them and its braces.
    pub(super) fn with_braces(&self, inside: Range<usize>) -> Option<Range<usize>> {
        let start = self.json.get(..inside.start)?.rfind('{')?;
        let end = self.json.get(inside.end..)?.find('}')?;
        Some(start..inside.end + end + 1)
    }

    /// Puts another value in a place.
    pub(super) fn replace(&mut self, place: Range<usize>, value: &'static str) {
        self.changes.push((place, value));
    }

    /// Takes members out of an array or an object, each with the comma that it no longer needs. `members` are all of
    /// them in their order, and whether they stay; in those that do not, nothing else is changed.
    pub(super) fn keep(&mut self, members: &[(Range<usize>, bool)]) {
        let mut kept_until: Option<usize> = None;
        for (at, (place, stays)) in members.iter().enumerate() {
            if *stays {
                kept_until = Some(place.end);
                continue;
            }
            let cut = match &mut kept_until {
                Some(end) => std::mem::replace(end, place.end)..place.end,
                None => place.start..members.get(at + 1).map_or(place.end, |(next, _)| next.start),
            };
            self.changes.push((cut, ""));
        }
    }

    /// The text with its changes; `None` where there are none.
    pub(super) fn written(mut self) -> Option<Vec<u8>> {
        if self.changes.is_empty() {
            return None;
        }
        self.changes.sort_unstable_by_key(|(place, _)| place.start);
        let mut out = Vec::with_capacity(self.json.len());
        let mut from = 0;
        for (place, value) in &self.changes {
            out.extend_from_slice(self.json.get(from..place.start)?.as_bytes());
            out.extend_from_slice(value.as_bytes());
            from = place.end;
        }
        out.extend_from_slice(self.json.get(from..)?.as_bytes());
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_left_is_what_a_list_without_them_is(stays: Vec<bool>, space in "[ \n]{0,2}") {
            let members: Vec<String> = (0..stays.len()).map(|number| number.to_string()).collect();
            let json = format!("[{space}{}{space}]", members.join(&format!("{space},{space}")));
            let mut at = 0;
            let places: Vec<_> = members.iter().zip(&stays).map(|(member, stays)| {
                let start = json.get(at..).unwrap().find(member.as_str()).unwrap() + at;
                at = start + member.len();
                (start..at, *stays)
            }).collect();
            let mut edits = Edits::of(&json);
            edits.keep(&places);
            let left = edits.written().map_or(json.clone(), |left| String::from_utf8(left).unwrap());
            let expected: Vec<usize> = (0..stays.len()).filter(|number| stays[*number]).collect();
            prop_assert_eq!(serde_json::from_str::<Vec<usize>>(&left).unwrap(), expected, "{}", left);
        }
    }
}
