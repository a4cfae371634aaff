//! Conditions on an argument of a call: a closed set, each true of exactly what it says.
//!
//! Texts are compared by code points, numbers exactly ([`Decimal`]), and nothing is turned into another type: `"5"` is
//! no number. A member that is absent or unclear fails. Not here: finding it (`arguments`).

use std::borrow::Cow;

use serde::Deserialize;

use super::arguments::FoundArgument;
use super::number::Decimal;
use super::pointer::ArgumentPointer;

/// What one argument must be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Condition {
    /// Which argument.
    pub pointer: ArgumentPointer,
    /// Whether it may be absent. Without any test it must be.
    pub absent: bool,
    /// What must be true of it where it is there.
    pub tests: Vec<Test>,
}

/// What must be true of a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Test {
    /// It is this one.
    Equals(Scalar),
    /// It is one of these.
    OneOf(Vec<Scalar>),
    /// It is a text that begins so.
    Prefix(String),
    /// It is a number, and no smaller.
    Minimum(Decimal),
    /// It is a number, and no larger.
    Maximum(Decimal),
    /// It is a text of so many code points at most.
    MaxLength(u64),
}

/// A value that another one can be compared with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scalar {
    /// A text.
    Text(String),
    /// A number.
    Number(Decimal),
    /// `true` or `false`.
    Bool(bool),
}

impl Condition {
    /// The test that fails, if one does.
    pub(super) fn failed(&self, found: FoundArgument<'_>) -> Option<&'static str> {
        match found {
            FoundArgument::Unclear => Some("unclear"),
            FoundArgument::Absent if self.absent => None,
            FoundArgument::Absent => Some("present"),
            FoundArgument::Value(_) if self.tests.is_empty() => Some("absent"),
            FoundArgument::Value(json) => {
                let value = Value::of(json);
                self.tests.iter().find(|test| !test.holds(&value)).map(Test::name)
            }
        }
    }
}

impl Test {
    /// Its name in the configuration.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Equals(_) => "equals",
            Self::OneOf(_) => "one_of",
            Self::Prefix(_) => "prefix",
            Self::Minimum(_) => "minimum",
            Self::Maximum(_) => "maximum",
            Self::MaxLength(_) => "max_length",
        }
    }

    /// Whether a text can be what it asks for.
    pub fn admits_texts(&self) -> bool {
        let is_text = |scalar: &Scalar| matches!(scalar, Scalar::Text(_));
        match self {
            Self::Equals(scalar) => is_text(scalar),
            Self::OneOf(scalars) => scalars.iter().any(is_text),
            Self::Prefix(_) | Self::MaxLength(_) => true,
            Self::Minimum(_) | Self::Maximum(_) => false,
        }
    }

    fn holds(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Self::Equals(expected), value) => expected.is(value),
            (Self::OneOf(expected), value) => expected.iter().any(|expected| expected.is(value)),
            (Self::Prefix(prefix), Value::Text(text)) => text.starts_with(prefix.as_str()),
            (Self::Minimum(least), Value::Number(number)) => number >= least,
            (Self::Maximum(most), Value::Number(number)) => number <= most,
            (Self::MaxLength(most), Value::Text(text)) => {
                u64::try_from(text.chars().count()).is_ok_and(|length| length <= *most)
            }
            _ => false,
        }
    }
}

impl Scalar {
    fn is(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Self::Text(expected), Value::Text(text)) => expected == text,
            (Self::Number(expected), Value::Number(number)) => expected == number,
            (Self::Bool(expected), Value::Bool(value)) => expected == value,
            _ => false,
        }
    }
}

/// A value of the arguments.
enum Value<'a> {
    Text(Cow<'a, str>),
    Number(Decimal),
    Bool(bool),
    /// `null`, an object, a list, or what cannot be read: equal to nothing.
    Other,
}

impl<'a> Value<'a> {
    fn of(json: &'a str) -> Self {
        #[derive(Deserialize)]
        struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

        match json.as_bytes().first() {
            Some(b'"') => serde_json::from_str(json).map_or(Self::Other, |Text(text)| Self::Text(text)),
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            _ => Decimal::parse(json).map_or(Self::Other, Self::Number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(absent: bool, tests: Vec<Test>, found: FoundArgument<'_>) -> Option<&'static str> {
        Condition { pointer: ArgumentPointer::parse("/a").unwrap(), absent, tests }.failed(found)
    }

    fn holds(test: Test, json: &str) -> bool {
        failed(false, vec![test], FoundArgument::Value(json)).is_none()
    }

    fn text(text: &str) -> Scalar {
        Scalar::Text(text.to_owned())
    }

    fn number(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn texts_are_compared_by_code_points() {
        for (json, same) in [
            (r#""OPS""#, true),
            (r#""\u004fPS""#, true),
            (r#""ops""#, false),
            (r#""OPS ""#, false),
            (r#""ОPS""#, false), // a Cyrillic letter
            (r#"["OPS"]"#, false),
            ("null", false),
            (r#""\ud800""#, false),
        ] {
            assert_eq!(holds(Test::Equals(text("OPS")), json), same, "{json}");
            assert_eq!(holds(Test::OneOf(vec![text("DEV"), text("OPS")]), json), same, "{json}");
        }
        assert!(!holds(Test::Equals(text("é")), "\"e\u{301}\""), "what looks the same is not");
        assert!(holds(Test::Prefix("/srv/".to_owned()), r#""\/srv/x""#));
        assert!(!holds(Test::Prefix("/srv/".to_owned()), r#""/SRV/x""#));
        assert!(holds(Test::MaxLength(2), r#""\ud83d\ude00é""#));
        assert!(
            !holds(Test::MaxLength(2), r#""abc""#)
                && !holds(Test::MaxLength(2), "1")
                && !holds(Test::MaxLength(9), "[]")
        );
    }

    #[test]
    fn numbers_are_compared_exactly_and_texts_are_none() {
        let equals = |expected: &str, json: &str| holds(Test::Equals(Scalar::Number(number(expected))), json);
        assert!(equals("5", "5.0") && equals("0.1", "1e-1"));
        assert!(!equals("5", "\"5\"") && !equals("9007199254740992", "9007199254740993"));
        let within = |json: &str| {
            holds(Test::Minimum(number("1")), json) && holds(Test::Maximum(number("9007199254740992")), json)
        };
        for json in ["1", "1.0", "1e3", "9007199254740992"] {
            assert!(within(json), "{json}");
        }
        for json in ["0", "0.9999999999999999999999", "9007199254740993", "1e300", "-5", "\"5\"", "true", "null", "[5]"]
        {
            assert!(!within(json), "{json}");
        }
        assert!(holds(Test::Equals(Scalar::Bool(true)), "true") && !holds(Test::Equals(Scalar::Bool(true)), "false"));
        assert!(!holds(Test::Equals(Scalar::Bool(true)), "1") && !holds(Test::Equals(text("true")), "true"));
    }

    #[test]
    fn absence_is_said_or_fails() {
        let test = || vec![Test::Equals(text("OPS"))];
        for (absent, tests, found, expected) in [
            (false, test(), FoundArgument::Absent, Some("present")),
            (true, test(), FoundArgument::Absent, None),
            (true, test(), FoundArgument::Value("\"OPS\""), None),
            (true, test(), FoundArgument::Value("\"DEV\""), Some("equals")),
            (true, test(), FoundArgument::Value("null"), Some("equals")),
            (true, test(), FoundArgument::Unclear, Some("unclear")),
            (true, vec![], FoundArgument::Absent, None),
            (true, vec![], FoundArgument::Value("null"), Some("absent")),
            (true, vec![], FoundArgument::Unclear, Some("unclear")),
        ] {
            assert_eq!(failed(absent, tests, found), expected, "{absent} {found:?}");
        }
    }
}
