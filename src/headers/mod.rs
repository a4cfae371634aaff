//! Header fields as a flat list, in the order they came in or were set.
//!
//! A request has a dozen of them: to look through a dozen lengths costs less than to hash a name, and a value that was
//! checked once is not checked by each reader. Names are in lower case, and those that are known are not copied.
//!
//! Not here: which headers mean what, and which may pass (`mcp::transport`).

use std::fmt;
use std::ops::Index;
use std::slice::Iter;
use std::vec::IntoIter;

mod name;
#[cfg(test)]
mod tests;
mod value;

pub use name::*;
pub use value::{HeaderValue, Unfit};

/// The headers of one message.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HeaderMap(Vec<(HeaderName, HeaderValue)>);

impl HeaderMap {
    /// No headers.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// No headers, with room for some.
    pub fn with_capacity(room: usize) -> Self {
        Self(Vec::with_capacity(room))
    }

    /// The first value of a name.
    pub fn get(&self, name: impl AsRef<str>) -> Option<&HeaderValue> {
        let name = name.as_ref();
        self.0.iter().find(|(other, _)| other.is(name)).map(|(_, value)| value)
    }

    /// All values of a name.
    pub fn get_all<N: AsRef<str>>(&self, name: N) -> impl Iterator<Item = &HeaderValue> + use<'_, N> {
        self.0.iter().filter(move |(other, _)| other.is(name.as_ref())).map(|(_, value)| value)
    }

    /// Whether there is a header of a name.
    pub fn contains_key(&self, name: impl AsRef<str>) -> bool {
        self.get(name).is_some()
    }

    /// Sets the one header of a name.
    pub fn insert(&mut self, name: impl Into<HeaderName>, value: HeaderValue) {
        let name = name.into();
        let Some(place) = self.0.iter().position(|(other, _)| *other == name) else {
            return self.0.push((name, value));
        };
        let mut index = 0;
        self.0.retain(|(other, _)| {
            index += 1;
            index - 1 == place || *other != name
        });
        if let Some(header) = self.0.get_mut(place) {
            header.1 = value;
        }
    }

    /// Sets a header that is not there.
    pub fn insert_missing(&mut self, name: HeaderName, value: HeaderValue) {
        if !self.contains_key(&name) {
            self.0.push((name, value));
        }
    }

    /// Adds one more header of a name.
    pub fn append(&mut self, name: HeaderName, value: HeaderValue) {
        self.0.push((name, value));
    }

    /// Takes out every header of a name.
    pub fn remove(&mut self, name: impl AsRef<str>) {
        self.0.retain(|(other, _)| !other.is(name.as_ref()));
    }

    /// The headers.
    pub fn iter(&self) -> Iter<'_, (HeaderName, HeaderValue)> {
        self.0.iter()
    }

    /// Their names.
    pub fn keys(&self) -> impl Iterator<Item = &HeaderName> {
        self.0.iter().map(|(name, _)| name)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The first value of a name; an empty one where there is none.
impl<N: AsRef<str>> Index<N> for HeaderMap {
    type Output = HeaderValue;

    fn index(&self, name: N) -> &HeaderValue {
        const NONE: &HeaderValue = &HeaderValue::from_static("");
        self.get(name).unwrap_or(NONE)
    }
}

impl FromIterator<(HeaderName, HeaderValue)> for HeaderMap {
    fn from_iter<T: IntoIterator<Item = (HeaderName, HeaderValue)>>(headers: T) -> Self {
        Self(headers.into_iter().collect())
    }
}

impl IntoIterator for HeaderMap {
    type Item = (HeaderName, HeaderValue);
    type IntoIter = IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'h> IntoIterator for &'h HeaderMap {
    type Item = &'h (HeaderName, HeaderValue);
    type IntoIter = Iter<'h, (HeaderName, HeaderValue)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Sets each: of one name the last is left.
impl Extend<(HeaderName, HeaderValue)> for HeaderMap {
    fn extend<T: IntoIterator<Item = (HeaderName, HeaderValue)>>(&mut self, headers: T) {
        headers.into_iter().for_each(|(name, value)| self.insert(name, value));
    }
}

impl fmt::Debug for HeaderMap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self.iter().map(|(name, value)| (name, value))).finish()
    }
}
