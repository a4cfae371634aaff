//! Why JSON could not be read into a type, and where.
//!
//! Not here: what is read, which may be a secret in the wrong place and is never repeated.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

/// What is wrong, without the values.
#[derive(Debug)]
pub struct Error(Box<Mistake>);

/// What serde finds to be wrong.
#[derive(Debug)]
pub enum Fault {
    /// An object has a member that its type does not have.
    UnknownField {
        /// Its name.
        name: String,
        /// Those that there are.
        known: &'static [&'static str],
    },
    /// A name is that of no variant.
    UnknownVariant {
        /// Those that there are.
        known: &'static [&'static str],
    },
    /// An object lacks a member.
    MissingField(&'static str),
    /// Something of another type, or another value, than this.
    Unfit {
        /// What it has to be, in words.
        expected: String,
    },
    /// A rule of the type's own, in its words.
    Other(String),
}

#[derive(Debug)]
struct Mistake {
    fault: Fault,
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

    /// What is wrong there.
    pub fn fault(&self) -> &Fault {
        &self.0.fault
    }

    #[cold]
    fn of(fault: Fault) -> Self {
        Self(Box::new(Mistake { fault, path: Vec::new() }))
    }

    #[cold]
    pub(super) fn within(mut self, step: PathStep) -> Self {
        self.0.path.push(step);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.fault {
            Fault::UnknownField { name, known } => write!(f, "unknown field `{name}`, expected {}", OneOf(known)),
            Fault::UnknownVariant { known } => write!(f, "unknown variant, expected {}", OneOf(known)),
            Fault::MissingField(name) => write!(f, "missing field `{name}`"),
            Fault::Unfit { expected } => write!(f, "expected {expected}"),
            Fault::Other(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {}

/// Names to choose from.
pub struct OneOf<'a>(pub &'a [&'a str]);

impl fmt::Display for OneOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("none"),
            [one] => write!(f, "`{one}`"),
            [one, other] => write!(f, "`{one}` or `{other}`"),
            [first, rest @ ..] => {
                write!(f, "one of `{first}`")?;
                rest.iter().try_for_each(|name| write!(f, ", `{name}`"))
            }
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        de::Error::custom(error)
    }
}

impl de::Error for Error {
    #[cold]
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self::of(Fault::Other(what.to_string()))
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::of(Fault::Unfit { expected: expected.to_string() })
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::of(Fault::Unfit { expected: expected.to_string() })
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        Self::of(Fault::UnknownField { name: name.to_owned(), known })
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        Self::of(Fault::UnknownVariant { known })
    }

    fn missing_field(name: &'static str) -> Self {
        Self::of(Fault::MissingField(name))
    }
}
