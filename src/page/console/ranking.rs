//! What happened most, as a table: a name and how often.
//!
//! Not here: counting (`metrics`).

/// The most frequent of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankingTable {
    /// What they are, as a heading.
    pub title: &'static str,
    /// What one of them is, above its column.
    pub what: &'static str,
    /// The most frequent first.
    pub rows: Vec<RankingRow>,
    /// All others together, where there are any.
    pub other: Option<RankingRow>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankingRow {
    /// What it is called.
    pub name: String,
    /// How many requests.
    pub requests: u64,
    /// How many of these failed.
    pub failures: u64,
}
