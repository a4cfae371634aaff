//! What an isolate tells of what it counted: a part that is told once, however often it is sent.
//!
//! Not here: when (`counters`), and what comes of it (`shard`).

use serde::{Deserialize, Serialize};

use super::tally::Tally;
use crate::time::{Lifetime, Timestamp};
use crate::version::V1;

/// What counts are attributed to.
pub const MINUTE: Lifetime = Lifetime::minutes(1);

/// A part of what an isolate counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    /// The version of this form.
    pub v: V1,
    /// Which isolate counted it: random, in base64url.
    pub isolate: String,
    /// The how-manieth of that isolate: what was told already is not counted again.
    pub sequence: u64,
    /// The minute in which the first of it was counted.
    pub minute: Timestamp,
    /// What was counted.
    pub tally: Tally,
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::metrics::tally::tests::{CALL, of};

    pub(in crate::metrics) const GOLDEN: &str = r#"{"v":1,"isolate":"AQEBAQEBAQEBAQEBAQEBAQ","sequence":2,"minute":1899999960,"tally":{"all":[1,0],"routes":{"rows":{"mcp 2xx":[1,0]},"other":[0,0]},"reasons":{"rows":{},"other":[0,0]},"origins":{"rows":{},"other":[0,0]},"servers":{"rows":{"demo":[1,0]},"other":[0,0]},"tools":{"rows":{"demo/echo":[1,0]},"other":[0,0]},"clients":{"rows":{"claude":[1,0]},"other":[0,0]},"subjects":{"rows":{"dev:alice":[1,0]},"other":[0,0]},"gateway":[20,[[10,1]]],"upstream":[50,[[14,1]]]}}"#;

    #[test]
    fn it_travels_like_this() {
        let isolate = "AQEBAQEBAQEBAQEBAQEBAQ".to_owned();
        let delta = Delta { v: V1, isolate, sequence: 2, minute: Timestamp(1_899_999_960), tally: of(&[CALL]) };
        assert_eq!(serde_json::to_string(&delta).unwrap(), GOLDEN);
        assert_eq!(crate::json::read::<Delta>(GOLDEN.as_bytes()).unwrap(), delta);
    }
}
