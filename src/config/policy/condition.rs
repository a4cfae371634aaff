//! Conditions on arguments: each says something, and something that can be true.
//!
//! Not here: whether the server's tool has such an argument.

use std::collections::BTreeMap;

use serde_json::Number;

use super::entries;
use crate::config::document::{ConditionDocument, ScalarDocument};
use crate::config::report::{Complaint, Pointer, Report};
use crate::policy::{ArgumentPointer, Condition, Decimal, PointerError, Scalar, Test};

/// So many conditions of one rule, or values of one condition.
const MOST: usize = 100;

/// A double keeps so many decimal digits of whatever is written.
const EXACT: usize = 15;

pub(super) fn prove(when: BTreeMap<String, ConditionDocument>, at: &Pointer, report: &mut Report) -> Vec<Condition> {
    if when.len() > MOST {
        report.add(at, format!("has {} conditions", when.len()), format!("keep it to {MOST}"));
    }
    let mut conditions = Vec::new();
    for (text, document) in when.into_iter().take(MOST) {
        let at = at.child(&text);
        let pointer = report.check(&at, pointer(&text));
        let absent = document.absent;
        let tests = tests(document, &at, report);
        if !absent && tests.is_empty() && !report.has_within(&at) {
            report.add(&at, "says nothing", "write a condition, such as {\"one_of\": [\"…\"]}, or {\"absent\": true}");
        }
        conditions.extend(pointer.map(|pointer| Condition { pointer, absent, tests }));
    }
    conditions
}

fn pointer(text: &str) -> Result<ArgumentPointer, Complaint> {
    ArgumentPointer::parse(text).map_err(|error| {
        let fix = match error {
            PointerError::Relative if !text.is_empty() => format!("write {:?}", format!("/{text}")),
            _ => "write a JSON pointer into the arguments, such as \"/team\"".to_owned(),
        };
        Complaint::new(format!("{error}, as a JSON pointer does"), fix)
    })
}

fn tests(document: ConditionDocument, at: &Pointer, report: &mut Report) -> Vec<Test> {
    let mut tests = Vec::new();
    let place = at.child("equals");
    tests.extend(document.equals.and_then(|value| scalar(value, &place, report)).map(Test::Equals));
    let place = at.child("one_of");
    tests.extend(document.one_of.map(|values| one_of(values, &place, report)));
    if let Some(prefix) = document.prefix {
        if prefix.is_empty() {
            report.add(&at.child("prefix"), "is empty, and every text begins so", "write how the text must begin");
        }
        tests.push(Test::Prefix(prefix));
    }
    let (least, most) = (at.child("minimum"), at.child("maximum"));
    let minimum = document.minimum.and_then(|number| report.check(&least, decimal(&number)));
    let maximum = document.maximum.and_then(|number| report.check(&most, decimal(&number)));
    if minimum.as_ref().zip(maximum.as_ref()).is_some_and(|(minimum, maximum)| minimum > maximum) {
        report.add(&most, "is smaller than the minimum, so no number could pass", "write the larger number here");
    }
    tests.extend(minimum.map(Test::Minimum));
    tests.extend(maximum.map(Test::Maximum));
    tests.extend(document.max_length.map(Test::MaxLength));
    if tests.len() > 1 && tests.iter().any(|test| matches!(test, Test::Equals(_) | Test::OneOf(_))) {
        let problem = "says which values may be there, and more beside it";
        report.add(at, problem, "write \"equals\" or \"one_of\" alone, or with \"absent\"");
    }
    tests
}

fn one_of(values: Vec<Option<ScalarDocument>>, at: &Pointer, report: &mut Report) -> Test {
    if values.is_empty() {
        report.add(at, "is empty, so no value could pass", "write the values that may be there");
    }
    let mut proven = Vec::new();
    for (at, value) in entries::at_most(MOST, "values", values, at, report) {
        let Some(value) = scalar(value, &at, report) else { continue };
        if proven.contains(&value) {
            report.add(&at, "is there already", "remove it");
        }
        proven.push(value);
    }
    Test::OneOf(proven)
}

fn scalar(value: ScalarDocument, at: &Pointer, report: &mut Report) -> Option<Scalar> {
    Some(match value {
        ScalarDocument::Text(text) => Scalar::Text(text),
        ScalarDocument::Bool(value) => Scalar::Bool(value),
        ScalarDocument::Number(number) => Scalar::Number(report.check(at, decimal(&number))?),
    })
}

/// A number that is exactly what was written: the configuration is read with 64-bit integers, and doubles where those
/// end.
fn decimal(number: &Number) -> Result<Decimal, Complaint> {
    let inexact = || {
        let fix = format!("write an integer of 64 bits, or {EXACT} digits with a fraction");
        Complaint::new("is a number that cannot be kept exactly", fix)
    };
    let decimal = Decimal::parse(&number.to_string()).ok_or_else(inexact)?;
    let large = Decimal::parse("1e15").is_none_or(|large| decimal >= large);
    if number.is_f64() && (large || decimal.precision() > EXACT) { Err(inexact()) } else { Ok(decimal) }
}
