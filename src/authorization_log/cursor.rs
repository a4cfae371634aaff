//! Where a page of the log ends and the next begins.
//!
//! Not here: pages (`page`).

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};

/// The place of an entry, which no two share: when its request ended, and which it was. As text it is for operators to
/// send back, and says nothing else to them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LogCursor {
    /// When, in milliseconds since the epoch.
    pub at: u64,
    /// Which request.
    pub request_id: String,
}

const LONGEST: usize = 128;

impl LogCursor {
    /// For operators.
    pub fn to_text(&self) -> String {
        Base64UrlUnpadded::encode_string(format!("{}.{}", self.at, self.request_id).as_bytes())
    }

    /// What an operator sent back. `None` for what no page ever gave out.
    pub fn parse(text: &str) -> Option<Self> {
        let text = Some(text).filter(|text| text.len() <= LONGEST)?;
        let decoded = String::from_utf8(Base64UrlUnpadded::decode_vec(text).ok()?).ok()?;
        let (at, request_id) = decoded.split_once('.')?;
        let is_id = request_id.len() == 32 && request_id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let cursor = Self { at: at.parse().ok().filter(|at| *at <= LATEST)?, request_id: request_id.to_owned() };
        (is_id && cursor.to_text() == text).then_some(cursor)
    }
}

/// The last moment that JavaScript and SQL count exactly.
pub(super) const LATEST: u64 = 1 << 53;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_that_was_thought_up_is_none(text in "[A-Za-z0-9_-]{0,90}") {
            if let Some(cursor) = LogCursor::parse(&text) {
                prop_assert_eq!(cursor.to_text(), text);
            }
        }
    }

    #[test]
    fn a_cursor_is_read_as_it_was_given_out() {
        let cursor = LogCursor { at: 1_900_000_000_123, request_id: "0a".repeat(16) };
        assert_eq!(LogCursor::parse(&cursor.to_text()), Some(cursor));
        let encoded = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
        for bad in ["", "1.a", "1.' OR 1=1 --                      ", "x.00000000000000000000000000000000"] {
            assert_eq!(LogCursor::parse(&encoded(bad)), None, "{bad}");
        }
        assert_eq!(LogCursor::parse(&encoded(&format!("{}.{}", u64::MAX, "0".repeat(32)))), None);
        assert_eq!(LogCursor::parse(&"A".repeat(200)), None);
    }
}
