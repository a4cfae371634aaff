//! The `"v":1` of everything the gateway stores or leaves with a browser or client.
//!
//! Not here: the records. A reader of another version refuses the whole record, so that no later format is half
//! understood.

use serde::{Deserialize, Serialize};

/// Version 1, and nothing else, as a JSON number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub struct V1;

impl From<V1> for u8 {
    fn from(V1: V1) -> Self {
        1
    }
}

impl TryFrom<u8> for V1 {
    type Error = &'static str;

    fn try_from(version: u8) -> Result<Self, Self::Error> {
        if version == 1 { Ok(Self) } else { Err("a record version this gateway does not know") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_read() {
        assert_eq!(serde_json::to_string(&V1).unwrap(), "1");
        assert!(serde_json::from_str::<V1>("1").is_ok());
        for other in ["0", "2", "\"1\"", "null"] {
            assert!(serde_json::from_str::<V1>(other).is_err(), "{other}");
        }
    }
}
