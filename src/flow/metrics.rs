//! What is counted of requests, told behind their replies, and asked for.
//!
//! Not here: what is counted (`metrics`), and the answer's form (`flow::admin::counts`).

use super::join;
use crate::memory::Memory;
use crate::metrics::command::{Command, Outcome, SHARDS, shard, shard_of};
use crate::metrics::summary::Summary;
use crate::ports::{Platform, Unavailable};
use crate::record::{End, RequestRecord};

/// What has not arrived yet, and what was counted since.
const PARTS: usize = 2;

/// Counts a request that is over. `subject` is how logs name whose it is.
pub fn count<P: Platform>(platform: &P, memory: &Memory, record: &RequestRecord, end: &End<'_>, subject: Option<&str>) {
    record.sampled(end, subject, |sample| {
        platform.observe(sample);
        if memory.counters.count(sample, end.at.second(), || platform.random()) {
            memory.unsettled.set(true);
        }
    });
}

/// Tells what was counted, if it is time. What does not arrive is told again, under the same number.
pub async fn tell<P: Platform>(platform: &P, memory: &Memory) {
    if !memory.counters.take_due() {
        return;
    }
    for _ in 0..PARTS {
        let Some(delta) = memory.counters.leaving() else { return };
        let told = platform.meter(&shard_of(&delta.isolate), Command::Add(Box::new((*delta).clone()))).await;
        if !matches!(told, Ok(Outcome::Added | Outcome::Repeated)) {
            return;
        }
        memory.counters.arrived(&delta);
    }
}

/// What all shards answer to the same question, together.
pub async fn sum<P: Platform>(platform: &P, question: &Command) -> Result<Summary, Unavailable> {
    const { assert!(SHARDS == 4, "as many as are asked here") };
    let ask = async |number: u8| match platform.meter(&shard(number), question.clone()).await? {
        Outcome::Summed(summary) => Ok(summary),
        Outcome::Added | Outcome::Repeated => Err(Unavailable),
    };
    let ((a, b), (c, d)) = join(join(ask(0), ask(1)), join(ask(2), ask(3))).await;
    let mut all = Summary::default();
    for summary in [a, b, c, d] {
        all.merge(&*summary?);
    }
    Ok(all)
}
