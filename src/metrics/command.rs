//! What a shard of the sums is told and asked, and what it answers.
//!
//! Not here: what it does with that (`shard`).

use super::delta::Delta;
use super::summary::{Summary, Window};
use crate::json;

/// How many shards there are. Every isolate has one, so that what it tells is told in order.
pub const SHARDS: u8 = 4;

json::tagged! {
    "command",
    /// What is asked of a shard.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Command {
        /// Count this as well, unless it was told already.
        Add(Box<Delta>),
        /// What happened in this window.
        Sum(Window),
        /// What happened since the shard was born.
        Total,
    }
}

json::tagged! {
    "outcome",
    /// What came of it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Outcome {
        /// It is counted now.
        Added,
        /// It was counted already.
        Repeated,
        /// What happened.
        Summed(Box<Summary>),
    }
}

/// The shard of an isolate.
pub fn shard_of(isolate: &str) -> String {
    let sum = isolate.bytes().fold(0_u8, u8::wrapping_add);
    shard(sum % SHARDS)
}

/// A shard by its number.
pub fn shard(number: u8) -> String {
    format!("metrics-{number}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::delta::tests::GOLDEN;
    use crate::time::{Lifetime, Timestamp};

    #[test]
    fn commands_and_outcomes_travel_like_this() {
        let delta: Delta = json::read(GOLDEN.as_bytes()).unwrap();
        let window = Window { since: Timestamp(60), step: Lifetime(60) };
        for (command, golden) in [
            (Command::Add(Box::new(delta)), GOLDEN.replacen('{', r#"{"command":"add","#, 1)),
            (Command::Sum(window), r#"{"command":"sum","since":60,"step":60}"#.to_owned()),
            (Command::Total, r#"{"command":"total"}"#.to_owned()),
        ] {
            assert_eq!(serde_json::to_string(&command).unwrap(), golden);
            assert_eq!(json::read::<Command>(golden.as_bytes()).unwrap(), command);
        }
        for (outcome, golden) in
            [(Outcome::Added, r#"{"outcome":"added"}"#), (Outcome::Repeated, r#"{"outcome":"repeated"}"#)]
        {
            assert_eq!(serde_json::to_string(&outcome).unwrap(), golden);
            assert_eq!(json::read::<Outcome>(golden.as_bytes()).unwrap(), outcome);
        }
        let summed = r#"{"outcome":"summed","tally":{"all":[1,0]},"points":[{"at":60,"all":[1,0],"gateway":[0,[]],"upstream":[0,[]]}],"began":60}"#;
        assert!(
            matches!(json::read::<Outcome>(summed.as_bytes()).unwrap(), Outcome::Summed(summary) if summary.points[0].all.requests == 1)
        );
    }

    #[test]
    fn an_isolate_has_one_shard() {
        assert_eq!(shard_of("AQEBAQEBAQEBAQEBAQEBAQ"), shard_of("AQEBAQEBAQEBAQEBAQEBAQ"));
        let all: std::collections::BTreeSet<_> =
            (0..64_u8).map(|n| shard_of(&char::from(n + 64).to_string())).collect();
        assert_eq!(all, (0..SHARDS).map(shard).collect());
    }
}
