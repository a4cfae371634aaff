//! A bounded map whose entries expire: what an isolate remembers most things in.
//!
//! Not here: what is remembered (`memory`).

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::rc::Rc;

use crate::time::Timestamp;

/// A bounded map by text whose entries expire. When it is full the expired go first, then whatever expires first.
pub struct Cache<V> {
    entries: RefCell<Entries>,
    values: PhantomData<V>,
}

/// Of whatever values: with the map's code once for each kind of them the Worker was 47 KB larger, 15 KB compressed.
type Entries = BTreeMap<String, (Rc<dyn Any>, Timestamp)>;

/// Entries a [`Cache`] holds at most: with the largest values, access tokens of up to 8 KB and their claims, about 25
/// MB.
const CAPACITY: usize = 2048;

impl<V: Clone + 'static> Cache<V> {
    /// The value, unless it expired.
    pub fn get(&self, key: &str, now: Timestamp) -> Option<V> {
        let entries = self.entries.borrow();
        let (value, _) = entries.get(key).filter(|(_, until)| !until.reached(now))?;
        value.downcast_ref().cloned()
    }

    /// Until when the value is remembered, if it is.
    pub fn until(&self, key: &str, now: Timestamp) -> Option<Timestamp> {
        self.entries.borrow().get(key).map(|(_, until)| *until).filter(|until| !until.reached(now))
    }

    /// Remembers a value until a moment.
    pub fn put(&self, key: impl Into<String>, value: V, until: Timestamp, now: Timestamp) {
        put(&mut self.entries.borrow_mut(), key.into(), Rc::new(value), until, now);
    }

    /// Whether there is nothing at all, expired or not.
    pub fn is_empty(&self) -> bool {
        self.entries.borrow().is_empty()
    }

    /// Forgets a value.
    pub fn forget(&self, key: &str) {
        self.entries.borrow_mut().remove(key);
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.entries.borrow_mut().clear();
    }
}

impl<V> Default for Cache<V> {
    fn default() -> Self {
        Self { entries: RefCell::default(), values: PhantomData }
    }
}

fn put(entries: &mut Entries, key: String, value: Rc<dyn Any>, until: Timestamp, now: Timestamp) {
    if entries.len() >= CAPACITY {
        entries.retain(|_, (_, until)| !until.reached(now));
    }
    if entries.len() >= CAPACITY {
        let first = entries.iter().min_by_key(|(_, (_, until))| *until).map(|(key, _)| key.clone());
        first.and_then(|key| entries.remove(&key));
    }
    entries.insert(key, (value, until));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_expire() {
        let cache = Cache::default();
        cache.put("a", 1, Timestamp(10), Timestamp(0));
        assert_eq!(cache.get("a", Timestamp(9)), Some(1));
        assert_eq!(cache.get("a", Timestamp(10)), None);
    }

    #[test]
    fn what_expires_first_goes_first_wherever_it_sorts() {
        let cache = Cache::default();
        for key in 0..CAPACITY {
            cache.put(format!("b{key}"), (), Timestamp(10), Timestamp(0));
        }
        cache.put("a", (), Timestamp(11), Timestamp(0));
        cache.put("c", (), Timestamp(11), Timestamp(0));
        assert!(cache.get("a", Timestamp(9)).is_some() && cache.get("c", Timestamp(9)).is_some());
    }

    #[test]
    fn it_stays_bounded() {
        let cache = Cache::default();
        for key in 0..(CAPACITY * 2) {
            cache.put(key.to_string(), (), Timestamp(10), Timestamp(0));
        }
        assert_eq!(cache.entries.borrow().len(), CAPACITY);
    }
}
