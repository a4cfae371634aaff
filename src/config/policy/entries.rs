//! Lists of names and patterns: each entry can mean something, and is there once.
//!
//! Not here: whether the server has what is meant, which only its lists say (`crate::policy::Policy::dead_entries`).

use crate::config::report::{Complaint, Pointer, Report, shown};
use crate::policy::{CapabilityKind, LONGEST_NAME, Names, Pattern, is_ambiguous_uri};

/// So many entries of one list.
const MOST_ENTRIES: usize = 10_000;
/// So many patterns of one list; each is tried for every name.
const MOST_PATTERNS: usize = 1_000;

/// Whether entries are patterns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stars {
    /// None is.
    None,
    /// All are.
    Some,
    /// Those with a `*` are.
    Any,
}

/// Proves a list and adds it to the names.
pub(super) fn prove(
    kind: CapabilityKind,
    list: Vec<Option<String>>,
    stars: Stars,
    names: &mut Names,
    at: &Pointer,
    report: &mut Report,
) {
    let most = if stars == Stars::Some { MOST_PATTERNS } else { MOST_ENTRIES };
    for (at, text) in at_most(most, "entries", list, at, report) {
        let Some(entry) = report.check(&at, entry(kind, &text, stars)) else { continue };
        if !names.add(entry) {
            report.add(&at, format!("is {}, as an entry before", shown(&text)), "remove it");
        }
    }
}

/// The entries of a list that is not too long.
pub(super) fn at_most<T>(
    most: usize,
    what: &str,
    mut list: Vec<Option<T>>,
    at: &Pointer,
    report: &mut Report,
) -> Vec<(Pointer, T)> {
    if list.len() > most {
        report.add(at, format!("has {} {what}", list.len()), format!("keep it to {most}"));
        list.truncate(most);
    }
    report.entries(at, list)
}

enum Proven {
    Name(String),
    Pattern(Pattern),
}

impl Names {
    /// Whether the entry is a new one.
    fn add(&mut self, entry: Proven) -> bool {
        match entry {
            Proven::Name(name) => self.exact.insert(name),
            Proven::Pattern(pattern) => {
                let new = !self.patterns.contains(&pattern);
                self.patterns.extend(new.then_some(pattern));
                new
            }
        }
    }
}

fn entry(kind: CapabilityKind, text: &str, stars: Stars) -> Result<Proven, Complaint> {
    let complaint = |what: &str, fix: &str| Err(Complaint::new(format!("is {}, {what}", shown(text)), fix));
    let is_uri = matches!(kind, CapabilityKind::Resource | CapabilityKind::ResourceTemplate);
    if text.trim().is_empty() || text.trim() != text || text.chars().any(char::is_control) {
        return complaint("which names nothing", "write the name as the server does, without spaces around it");
    }
    if text.len() > LONGEST_NAME {
        return complaint("which is too long", &format!("write {LONGEST_NAME} bytes at most"));
    }
    if !text.contains('*') {
        return match stars {
            Stars::Some => complaint("which has no *", "write it in \"allow\""),
            _ if is_uri && !text.contains(':') => {
                complaint("which is no URI", "write it with its scheme, as the server does, such as \"file:///a\"")
            }
            _ => Ok(Proven::Name(text.to_owned())),
        };
    }
    if stars == Stars::None {
        return complaint("and * means itself here", "write it in \"allow_patterns\"");
    }
    if !is_uri && text.contains(['^', '$', '?', '+', '|', '\\', '(', ')', '[', ']', '{', '}']) {
        return complaint(
            "and * is all that a pattern knows",
            "write a literal with *, which is any run of characters",
        );
    }
    if kind == CapabilityKind::Resource && is_ambiguous_uri(text) {
        let fix = "write the URI that is meant: no . or .. segments, no backslash, nothing encoded that need not be";
        return complaint("which no URI fits that leads where it says", fix);
    }
    match Pattern::parse(text) {
        Ok(pattern) => Ok(Proven::Pattern(pattern)),
        Err(error) => complaint(&format!("which {error}"), "write one *"),
    }
}
