//! What is wrong with a configuration: every error with its JSON pointer, what is the matter and what to do, collected.
//!
//! Not here: deciding what is wrong; that is said by the file that proves the field.

use std::fmt;

use serde::Serialize;

/// More errors than this are not collected: nobody reads them, and a hostile document must not grow the answer.
const MOST: usize = 100;

/// One mistake in `gateway.json`, written for the person who has to correct it. Never holds a value that may be a
/// secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigError {
    /// Where, as a JSON pointer (RFC 6901); empty for the document as a whole.
    pub pointer: String,
    /// What is there and why it cannot stay.
    pub problem: String,
    /// What to write instead.
    pub fix: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() { "gateway.json" } else { &self.pointer };
        write!(f, "{place}: {}; {}", self.problem, self.fix)
    }
}

/// Every mistake that was found, in one answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|error| writeln!(f, "{error}"))
    }
}

impl std::error::Error for ConfigErrors {}

/// A place in the document (RFC 6901).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pointer(String);

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Pointer {
    #[cfg(test)]
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn child(&self, name: impl fmt::Display) -> Self {
        // RFC 6901 §3: `~` first, or the `~` of `~1` would be escaped again.
        Self(format!("{}/{}", self.0, name.to_string().replace('~', "~0").replace('/', "~1")))
    }
}

/// Why one value does not pass, before it is known where the value stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    pub(super) problem: String,
    pub(super) fix: String,
}

impl Complaint {
    pub(super) fn new(problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { problem: problem.into(), fix: fix.into() }
    }
}

/// The errors so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    errors: Vec<ConfigError>,
    stored: bool,
}

impl Report {
    /// On a configuration that an earlier release took and stored.
    pub(super) fn of_stored() -> Self {
        Self { stored: true, ..Self::default() }
    }

    /// The value, unless it breaks a rule. The rule is younger than some stored configurations, which must stay in
    /// effect: only new ones are held to it, and whoever uses the value does without what breaks it.
    pub(super) fn check_new<T>(&mut self, at: &Pointer, value: T, rule: Result<(), Complaint>) -> Option<T> {
        let rule = if self.stored { Ok(()) } else { rule };
        self.check(at, rule.map(|()| value))
    }

    pub(super) fn add(&mut self, at: &Pointer, problem: impl Into<String>, fix: impl Into<String>) {
        if !self.is_full() {
            self.errors.push(ConfigError { pointer: at.0.clone(), problem: problem.into(), fix: fix.into() });
        }
    }

    /// The value of a result, its complaint noted.
    pub(super) fn check<T>(&mut self, at: &Pointer, result: Result<T, Complaint>) -> Option<T> {
        result.map_err(|Complaint { problem, fix }| self.add(at, problem, fix)).ok()
    }

    /// A field that may not be missing. One that was taken out because of a mistake in it has been reported already.
    pub(super) fn require<T>(&mut self, at: &Pointer, value: Option<T>, fix: &str) -> Option<T> {
        if value.is_none() && !self.has_within(at) {
            self.add(at, "is missing", fix);
        }
        value
    }

    /// The entries of a list that were read, each with its place; a `null` among them is an error.
    pub(super) fn entries<T>(&mut self, at: &Pointer, list: Vec<Option<T>>) -> Vec<(Pointer, T)> {
        let places = list.into_iter().enumerate().map(|(index, entry)| (at.child(index), entry));
        places.filter_map(|(at, entry)| Some((at.clone(), self.require(&at, entry, "remove the entry")?))).collect()
    }

    /// Whether anything at this place, or part of it, has been reported.
    pub(super) fn has_within(&self, at: &Pointer) -> bool {
        self.errors.iter().any(|error| is_within(&error.pointer, &at.0))
    }

    pub(super) fn is_full(&self) -> bool {
        self.errors.len() >= MOST
    }

    pub(super) fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    pub(super) fn into_errors(self) -> ConfigErrors {
        ConfigErrors(self.errors)
    }
}

fn is_within(pointer: &str, outer: &str) -> bool {
    pointer.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A value as an error may repeat it: what stands before an `@` or after a `?` or `#` may be a credential and is left
/// out.
pub(super) fn shown(value: &str) -> String {
    const LONGEST: usize = 120;
    let visible = value.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = visible.split_once("://").map_or(("", visible), |(scheme, rest)| (scheme, rest));
    let mut text = String::new();
    if !scheme.is_empty() {
        text.push_str(scheme);
        text.push_str("://");
    }
    match rest.rsplit_once('@') {
        Some((_, host)) => text.extend(["…@", host]),
        None => text.push_str(rest),
    }
    let mut text: String = text.chars().take(LONGEST).collect();
    if visible.len() < value.len() || visible.chars().count() > LONGEST {
        text.push('…');
    }
    format!("{text:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_escapes_what_rfc_6901_reserves() {
        assert_eq!(Pointer::default().child("servers").child("a/b~c").child(0).0, "/servers/a~1b~0c/0");
    }

    #[test]
    fn a_shown_value_carries_no_credential() {
        assert_eq!(shown("https://user:pw@h.example/p?key=1#x"), "\"https://…@h.example/p…\"");
        assert_eq!(shown("user:pw@h.example"), "\"…@h.example\"");
        assert_eq!(shown("https://h.example\n"), "\"https://h.example\\n\"");
        assert!(shown(&"x".repeat(5000)).len() < 200);
    }

    #[test]
    fn the_number_of_errors_is_bounded() {
        let mut report = Report::default();
        (0..1000).for_each(|_| report.add(&Pointer::default(), "is wrong", "correct it"));
        assert_eq!(report.into_errors().0.len(), MOST);
    }

    #[test]
    fn a_missing_field_is_reported_once() {
        let mut report = Report::default();
        let at = Pointer::default().child("url");
        report.add(&at, "is a number", "write a string");
        assert_eq!(report.require::<()>(&at, None, "write it"), None);
        assert_eq!(report.into_errors().0.len(), 1);
    }
}
