//! What a message tells of its server's catalogue, found on the way of the one reading that decides who sees what.
//!
//! Not here: the reading ([`super::result`]), and what is kept of it (`mcp::catalogue`).

use std::ops::Range;

use super::list::List;

/// What a message tells.
#[derive(Debug, PartialEq, Eq)]
pub enum CatalogueNews<'a> {
    /// The result of a request.
    Result(ToldResult<'a>),
    /// That a list is another now.
    ListChanged,
}

/// A result, as it was written.
#[derive(Debug, PartialEq, Eq)]
pub struct ToldResult<'a> {
    /// The id of the request that it answers.
    pub id: &'a str,
    /// All of it.
    pub text: &'a str,
    /// For how many milliseconds it says to be fresh (2026-07-28, "Caching").
    pub ttl: Option<u64>,
    /// Where in the text it says so.
    pub ttl_at: Option<Range<usize>>,
    /// Whether it says to be everybody's.
    pub is_public: bool,
    /// Where in the text it says whose it is.
    pub scope_at: Option<Range<usize>>,
    /// Whether it says that there are more pages of its list.
    pub has_more: bool,
    /// The lists in it.
    pub lists: Vec<(List, &'a str)>,
}

impl ToldResult<'_> {
    /// A list in it.
    pub fn list(&self, wanted: List) -> Option<&str> {
        self.lists.iter().find(|(list, _)| *list == wanted).map(|(_, text)| *text)
    }
}
