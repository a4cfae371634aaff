//! What servers said of themselves moments ago: results that are fresh still, what is to be kept of them once the
//! answer they came in is through, and which pages their tools have.
//!
//! Not here: what an isolate remembers otherwise (`memory`), and keeping it (`flow::connection::catalogue`).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::cache::Cache;
use crate::mcp::apps::ToolPages;
use crate::mcp::catalogue::{Part, ReadyResult};
use crate::time::{Lifetime, Timestamp};
use crate::upstream::catalogue::CatalogueKey;

/// How many bytes of results an isolate holds at most, of its 128 MB.
const CAPACITY: usize = 16 << 20;
/// How many bytes wait at most to be kept. What finds no room is kept another time.
const WAITING: usize = 4 << 20;
/// For how long a part of the same length is taken for the same.
const SAME: Lifetime = Lifetime::minutes(1);
/// How many lines of answers that could not be shown wait at most: the same is said of each.
const UNREADABLE: usize = 100;
/// How long an isolate goes by the pages of tools that it knows.
const REMEMBERED: Lifetime = Lifetime::days(1);
/// For how long what is not among them is taken for not there, as in the directory.
const BELIEVED: Lifetime = Lifetime(30);

/// A result that is fresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreshResult {
    /// The result, unfiltered.
    pub result: ReadyResult,
    /// Until when.
    pub until: Timestamp,
    /// Whose account said so.
    pub account: String,
    /// With which generation of its connection, where it has one.
    pub generation: Option<u64>,
}

/// A part of a catalogue that is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotedPart {
    /// Whose.
    pub key: CatalogueKey,
    /// The generation of the connection it was asked with; none where everybody has one catalogue.
    pub generation: Option<u64>,
    /// Which part.
    pub part: Part,
    /// What is kept of it.
    pub kept: String,
}

/// Fresh results and what is to be kept.
#[derive(Default)]
pub struct Catalogues {
    fresh: RefCell<BTreeMap<String, Rc<FreshResult>>>,
    bytes: Cell<usize>,
    noted: RefCell<Vec<NotedPart>>,
    /// How long parts were when they were noted last, moments ago.
    measured: Cache<usize>,
    pages: Cache<KnownPages>,
    unreadable: RefCell<Vec<UnreadableAnswer>>,
}

/// An answer that could not be shown, found out while its body passed: what the log has of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableAnswer {
    /// The request it was for.
    pub request_id: String,
    /// The server that gave it.
    pub server: String,
    /// What is wrong with it.
    pub message: String,
}

/// The pages of a server's tools, and when they were last looked for.
#[derive(Clone)]
struct KnownPages {
    pages: Rc<ToolPages>,
    at: Timestamp,
}

impl Catalogues {
    /// A result that is fresh.
    pub fn get(&self, name: &str, now: Timestamp) -> Option<Rc<FreshResult>> {
        self.fresh.borrow().get(name).filter(|fresh| !fresh.until.reached(now)).cloned()
    }

    /// Remembers a result. Where there is no room the expired go, then whatever sorts first.
    pub fn put(&self, name: String, fresh: FreshResult, now: Timestamp) {
        let size = fresh.result.size();
        if size > CAPACITY / 4 {
            return;
        }
        let mut entries = self.fresh.borrow_mut();
        if let Some(before) = entries.insert(name, Rc::new(fresh)) {
            self.bytes.set(self.bytes.get() - before.result.size());
        }
        self.bytes.set(self.bytes.get() + size);
        if self.bytes.get() > CAPACITY {
            entries.retain(|_, fresh| !fresh.until.reached(now));
            self.count(&entries);
        }
        while self.bytes.get() > CAPACITY {
            let Some((_, first)) = entries.pop_first() else { break };
            self.bytes.set(self.bytes.get() - first.result.size());
        }
    }

    /// Forgets every result that an account was told.
    pub fn forget(&self, account: &str) {
        let mut entries = self.fresh.borrow_mut();
        entries.retain(|_, fresh| fresh.account != account);
        self.count(&entries);
    }

    /// Forgets every result.
    pub fn clear(&self) {
        self.fresh.borrow_mut().clear();
        self.bytes.set(0);
    }

    /// Whether a part, by its name, is of the length that it had when it was noted moments ago. To tell a list of 200
    /// tools from the one before by its digest costs a quarter of a call.
    pub fn is_noted(&self, name: &str, length: usize, now: Timestamp) -> bool {
        self.measured.get(name, now) == Some(length)
    }

    /// Forgets the length of a part.
    pub fn forget_length(&self, name: &str) {
        self.measured.forget(name);
    }

    /// Whether something is to be kept, or to be said.
    pub fn is_waiting(&self) -> bool {
        !self.noted.borrow().is_empty() || !self.unreadable.borrow().is_empty()
    }

    /// Notes what is to be kept under a name.
    pub fn note(&self, name: String, noted: NotedPart, now: Timestamp) {
        self.measured.put(name, noted.kept.len(), now + SAME, now);
        let mut waiting = self.noted.borrow_mut();
        let bytes: usize = waiting.iter().map(|noted| noted.kept.len()).sum();
        if bytes + noted.kept.len() <= WAITING {
            waiting.push(noted);
        }
    }

    /// Takes everything that is to be kept.
    pub fn take(&self) -> Vec<NotedPart> {
        self.noted.take()
    }

    /// Remembers the pages that a list of tools names, which goes by the name of its part of a catalogue. `whole` says
    /// that there are no others.
    pub fn put_pages(&self, list: &str, pages: ToolPages, whole: bool, now: Timestamp) {
        let before = self.pages.get(list, now).filter(|_| !whole);
        let pages = match before.map(|before| before.pages) {
            Some(before) => {
                let mut all = ToolPages::clone(&before);
                all.add(pages);
                all
            }
            None => pages,
        };
        self.pages.put(list, KnownPages { pages: Rc::new(pages), at: now }, now + REMEMBERED, now);
    }

    /// The tools that show a page, as far as it is known here.
    pub fn tools_showing(&self, list: &str, page: &str, now: Timestamp) -> Vec<String> {
        self.pages.get(list, now).map(|known| known.pages.tools_showing(page).to_vec()).unwrap_or_default()
    }

    /// Whether a page that is not known here is worth looking for.
    pub fn may_have_missed_pages(&self, list: &str, now: Timestamp) -> bool {
        self.pages.get(list, now).is_none_or(|known| (known.at + BELIEVED).reached(now))
    }

    /// Forgets the pages that a list named.
    pub fn forget_pages(&self, list: &str) {
        self.pages.forget(list);
    }

    /// Notes that an answer could not be shown.
    pub fn note_unreadable(&self, answer: UnreadableAnswer) {
        let mut waiting = self.unreadable.borrow_mut();
        if waiting.len() < UNREADABLE {
            waiting.push(answer);
        }
    }

    /// Takes what is to be said of answers that could not be shown.
    pub fn take_unreadable(&self) -> Vec<UnreadableAnswer> {
        self.unreadable.take()
    }

    fn count(&self, entries: &BTreeMap<String, Rc<FreshResult>>) {
        self.bytes.set(entries.values().map(|fresh| fresh.result.size()).sum());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::rewrite::news::ToldResult;
    use crate::secret::Digested;
    use crate::upstream::key::{ConnectionKey, FIRST_ACCOUNT, Owner};

    fn fresh(account: &str, size: usize, until: u64) -> FreshResult {
        let (text, account) = ("x".repeat(size), account.to_owned());
        let told = ToldResult {
            id: "1",
            text: &text,
            ttl: None,
            ttl_at: None,
            is_public: false,
            scope_at: None,
            has_more: false,
            lists: Vec::new(),
        };
        let result = ReadyResult::of(&told).unwrap();
        FreshResult { result, until: Timestamp(until), account, generation: None }
    }

    #[test]
    fn results_expire_and_are_forgotten_by_account() {
        let known = Catalogues::default();
        known.put("a".to_owned(), fresh("one", 1, 10), Timestamp(0));
        known.put("b".to_owned(), fresh("other", 1, 10), Timestamp(0));
        assert!(known.get("a", Timestamp(9)).is_some() && known.get("a", Timestamp(10)).is_none());
        known.forget("one");
        assert!(known.get("a", Timestamp(0)).is_none() && known.get("b", Timestamp(0)).is_some());
    }

    #[test]
    fn a_part_as_long_as_before_is_noted_once_a_minute() {
        let known = Catalogues::default();
        let note = |name: &str, kept: &str, now| {
            let account = ConnectionKey::new(Owner::Gateway, "demo", FIRST_ACCOUNT);
            let key = CatalogueKey::new(account, Digested::of("binding"));
            let noted = NotedPart { key, generation: None, part: Part::Initialize, kept: kept.to_owned() };
            known.note(name.to_owned(), noted, Timestamp(now));
        };
        assert!(!known.is_noted("a", 2, Timestamp(0)) && !known.is_waiting());
        note("a", "{}", 0);
        assert!(known.is_noted("a", 2, Timestamp(59)) && known.is_waiting());
        assert!(!known.is_noted("a", 3, Timestamp(59)) && !known.is_noted("b", 2, Timestamp(59)));
        assert!(!known.is_noted("a", 2, Timestamp(60)));
        known.forget_length("a");
        assert!(!known.is_noted("a", 2, Timestamp(0)));
    }

    #[test]
    fn it_stays_bounded_in_bytes() {
        let known = Catalogues::default();
        for number in 0..20 {
            known.put(number.to_string(), fresh("one", CAPACITY / 8, 10), Timestamp(0));
            known.put("again".to_owned(), fresh("one", CAPACITY / 8, 10), Timestamp(0));
            assert!(known.bytes.get() <= CAPACITY);
        }
        assert_eq!(known.fresh.borrow().len(), 8);
        known.put("large".to_owned(), fresh("one", CAPACITY / 4 + 1, 10), Timestamp(0));
        assert_eq!(known.get("large", Timestamp(0)), None);
        known.clear();
        assert_eq!(known.bytes.get(), 0);
    }
}
