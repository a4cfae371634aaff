//! What was counted, where it lies: shards in memory that take the core's steps as objects do, can be taken away, and
//! whose alarms ring.
//!
//! Not here: which steps (`metrics::shard`, `metrics::tidying`).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use mcp_edge_gateway::metrics::Sample;
use mcp_edge_gateway::metrics::command::{Command, Outcome};
use mcp_edge_gateway::metrics::rows::{StorageStep, StoredRow, WAKES, Writes};
use mcp_edge_gateway::metrics::shard::{Answering, Next};
use mcp_edge_gateway::metrics::tidying::{Tidied, Tidying};
use mcp_edge_gateway::ports::Unavailable;
use mcp_edge_gateway::time::Timestamp;

#[derive(Default)]
pub struct Shards {
    pub rows: RefCell<BTreeMap<String, BTreeMap<String, String>>>,
    /// When the alarm of each rings.
    alarms: RefCell<BTreeMap<String, Timestamp>>,
    pub down: Cell<bool>,
    /// Whether commands arrive, and their answers do not.
    pub mute: Cell<bool>,
    /// What analytics were handed, as columns.
    pub observed: RefCell<Vec<(Vec<String>, Vec<u32>)>>,
}

impl Shards {
    pub fn meter(&self, shard: &str, command: Command, now: Timestamp) -> Result<Outcome, Unavailable> {
        if self.down.get() {
            return Err(Unavailable);
        }
        self.ring(now);
        let (mut answering, mut step) = Answering::begin(command);
        let outcome = loop {
            let found = self.take(shard, step, now);
            match answering.next(&found, now).unwrap() {
                Next::Step(next, wanted) => (answering, step) = (next, wanted),
                Next::Done(outcome) => break outcome,
            }
        };
        if self.mute.get() { Err(Unavailable) } else { Ok(outcome) }
    }

    pub fn observe(&self, sample: &Sample<'_>) {
        let texts = sample.texts().map(str::to_owned).into();
        self.observed.borrow_mut().push((texts, sample.numbers().into()));
    }

    /// Rings what should have rung by now, each at its time.
    pub fn ring(&self, now: Timestamp) {
        loop {
            let alarms = self.alarms.borrow();
            let next = alarms.iter().filter(|(_, at)| at.reached(now)).min_by_key(|(_, at)| **at);
            let Some((shard, at)) = next.map(|(shard, at)| (shard.clone(), *at)) else { return };
            drop(alarms);
            self.alarms.borrow_mut().remove(&shard);
            self.alarm(&shard, at);
        }
    }

    fn alarm(&self, shard: &str, now: Timestamp) {
        let (mut tidying, mut step) = Tidying::begin();
        loop {
            let found = self.take(shard, step, now);
            match tidying.next(found, now).unwrap() {
                Tidied::Step(next, wanted) => (tidying, step) = (next, wanted),
                Tidied::Done(again) => {
                    if again {
                        self.alarms.borrow_mut().insert(shard.to_owned(), now + WAKES);
                    }
                    return;
                }
            }
        }
    }

    fn take(&self, shard: &str, step: StorageStep, now: Timestamp) -> Vec<StoredRow> {
        let mut shards = self.rows.borrow_mut();
        let rows = shards.entry(shard.to_owned()).or_default();
        match step {
            StorageStep::Get(keys) => {
                keys.into_iter().filter_map(|key| Some((key.clone(), rows.get(&key)?.clone()))).collect()
            }
            StorageStep::List { from, to, limit } => {
                let listed = rows.range(from..to).take(limit as usize);
                listed.map(|(key, text)| (key.clone(), text.clone())).collect()
            }
            StorageStep::Write(Writes { put, delete, wake }) => {
                assert!(put.len() <= 128 && delete.len() <= 128, "what storage takes at once");
                rows.extend(put);
                rows.retain(|key, _| !delete.contains(key));
                if wake {
                    self.alarms.borrow_mut().entry(shard.to_owned()).or_insert(now + WAKES);
                }
                Vec::new()
            }
        }
    }
}
