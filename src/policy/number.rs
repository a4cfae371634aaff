//! Numbers as they are written in JSON, compared exactly.
//!
//! Through a double, 9007199254740993 would pass for 9007199254740992. So a number is compared by its digits, however
//! it is written: `100`, `1e2` and `100.0` are the same. Not here: which numbers a server can hold.

use std::cmp::Ordering;

/// Written longer than this, no number is compared with any.
const LONGEST: usize = 512;

/// A decimal number: `0.digits` times ten to the power of `magnitude`, with a sign.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Decimal {
    sign: Sign,
    magnitude: i64,
    digits: String, // without zeros on either side
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Sign {
    Negative,
    Zero,
    Positive,
}

impl Decimal {
    /// Reads a number of JSON (RFC 8259 §6); `None` for what is none, or is absurdly long or large.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let written = [whole, fraction].concat();
        if whole.is_empty() || !written.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let significant = written.trim_start_matches('0');
        let zeros = written.len() - significant.len();
        let digits = significant.trim_end_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self { sign: Sign::Zero, magnitude: 0, digits });
        }
        let sign = if negative { Sign::Negative } else { Sign::Positive };
        let point = i64::try_from(whole.len()).ok()? - i64::try_from(zeros).ok()?;
        Some(Self { sign, magnitude: point + i64::from(exponent), digits })
    }

    /// How many digits it takes to write.
    pub fn precision(&self) -> usize {
        self.digits.len()
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let size = || self.magnitude.cmp(&other.magnitude).then_with(|| self.digits.cmp(&other.digits));
        self.sign.cmp(&other.sign).then_with(|| match self.sign {
            Sign::Negative => size().reverse(),
            Sign::Zero => Ordering::Equal,
            Sign::Positive => size(),
        })
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn one_number_has_many_spellings() {
        for (one, other) in
            [("100", "1e2"), ("100", "100.00"), ("0.1", "1E-1"), ("-0", "0.0e5"), ("12e+1", "0.120e3"), ("-5", "-5.0")]
        {
            assert_eq!(number(one), number(other));
        }
    }

    #[test]
    fn numbers_that_a_double_confuses_are_told_apart() {
        let ordered = [
            "-9007199254740993",
            "-9007199254740992",
            "-1e-400",
            "0",
            "1e-400",
            "0.1",
            "0.1000000000000000055",
            "9",
            "10",
            "9007199254740992",
            "9007199254740993",
            "18446744073709551616",
            "1e400",
        ];
        for pair in ordered.windows(2) {
            assert!(number(pair[0]) < number(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn what_is_no_number_or_absurd_is_none() {
        for text in ["", "-", "x", "1x", ".5", "1e", "0x1", "NaN", "1e99999999999", &"1".repeat(600)] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn integers_are_in_their_order(one: i64, other: i64) {
            prop_assert_eq!(number(&one.to_string()).cmp(&number(&other.to_string())), one.cmp(&other));
        }

        #[test]
        fn small_fractions_are_in_their_order(one: i16, other: i16, digits in 0..6_i32) {
            let scaled = |value: i16| number(&format!("{value}e-{digits}"));
            prop_assert_eq!(scaled(one).cmp(&scaled(other)), one.cmp(&other));
        }

        #[test]
        fn any_text_is_read_or_not(text in "[0-9eE.+-]{0,12}|\\PC{0,8}") {
            let read = Decimal::parse(&text).is_some();
            let is_number = serde_json::from_str::<f64>(&text).is_ok() && text.trim() == text;
            prop_assert!(read || !is_number || text.contains(['e', 'E']));
        }
    }
}
