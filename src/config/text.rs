//! Short texts and numbers an operator writes, each within bounds.
//!
//! Not here: addresses (`origin`).

use std::ops::RangeInclusive;

use crate::time::Lifetime;

use super::report::{Complaint, Pointer, Report, shown};

/// A text that people will read: some characters, none of them a control character.
pub(super) fn label(text: String, longest: usize) -> Result<String, Complaint> {
    if text.trim().is_empty() || text.chars().count() > longest || text.chars().any(char::is_control) {
        let problem = format!("is {}, which cannot be shown to people", shown(&text));
        return Err(Complaint::new(problem, format!("write 1 to {longest} characters on one line")));
    }
    Ok(text)
}

/// An OAuth client identifier (RFC 6749 appendix A.1: visible ASCII; spaces are refused as well, they are slips of
/// pasting).
pub(super) fn client_id(text: String) -> Result<String, Complaint> {
    const LONGEST: usize = 256;
    if text.is_empty() || text.len() > LONGEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        let problem = format!("is {}, which is not a client id", shown(&text));
        return Err(Complaint::new(problem, format!("write 1 to {LONGEST} visible ASCII characters without spaces")));
    }
    Ok(text)
}

/// A `scope` that is sent as it stands (RFC 6749 §3.3): tokens with one space between them.
pub(super) fn scope(text: String) -> Result<String, Complaint> {
    const LONGEST: usize = 2048;
    if text.len() > LONGEST || !text.split(' ').all(is_scope_token) {
        let problem = format!("is {}, which is not a scope", shown(&text));
        return Err(Complaint::new(problem, "write scope tokens with one space between them, or leave the field out"));
    }
    Ok(text)
}

/// RFC 6749 §3.3: %x21 / %x23-5B / %x5D-7E
pub(super) fn is_scope_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

/// A number within its range.
pub(super) fn number(at: &Pointer, value: u64, range: &RangeInclusive<u64>, report: &mut Report) -> Option<u64> {
    if range.contains(&value) {
        return Some(value);
    }
    report.add(at, format!("is {value}"), format!("write a number from {} to {}", range.start(), range.end()));
    None
}

/// A number of seconds within its range.
pub(super) fn seconds(at: &Pointer, value: u64, range: &RangeInclusive<u64>, report: &mut Report) -> Option<Lifetime> {
    number(at, value, range, report).map(Lifetime)
}
