//! Why JSON could not be read into a type, and where.
//!
//! Not here: what is read, which may be a secret in the wrong place and is never repeated.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

/// What is wrong, in serde's words without the values.
#[derive(Debug)]
pub struct Error(Box<Mistake>);

#[derive(Debug)]
struct Mistake {
    what: String,
    /// Innermost first: a step is added on the way back up.
    path: Vec<PathStep>,
}

/// One step on the way from the whole to a mistake in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathStep {
    /// Into a member of an object.
    Member(String),
    /// Into an entry of a list.
    Entry(usize),
    /// Into what belongs to the name of a variant.
    Variant(String),
}

impl Error {
    /// The way to the mistake, from outside.
    pub fn path(&self) -> impl Iterator<Item = &PathStep> {
        self.0.path.iter().rev()
    }

    #[cold]
    pub(super) fn within(mut self, step: PathStep) -> Self {
        self.0.path.push(step);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.what)
    }
}

impl std::error::Error for Error {}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        de::Error::custom(error)
    }
}

impl de::Error for Error {
    #[cold]
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self(Box::new(Mistake { what: what.to_string(), path: Vec::new() }))
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        de::Error::custom(format_args!("invalid type, expected {expected}"))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        de::Error::custom(format_args!("invalid value, expected {expected}"))
    }
}
