//! A shard of the sums, step by step: which rows it has to see, which it writes, and when it has an answer.
//!
//! Every count lies in exactly one row of a minute, an hour or a day: once it is old, a row becomes part of a longer
//! one, and in the end it is forgotten. Beside them are what was ever counted, for whoever wants counters that never go
//! down, and the last number of each isolate. Not here: reading and writing (`edge`), the sums themselves (`summary`).

use serde::{Deserialize, Serialize};

use super::command::{Command, Outcome};
use super::delta::Delta;
use super::rows::{LEVELS, MINUTES, NEVER, PAGE, Step, Stored, Writes, heard_key};
use super::summary::{Summary, Window};
use super::tally::Tally;
use crate::json;
use crate::time::Timestamp;
use crate::version::V1;

/// What was counted in a span of time, or ever.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The version of this form.
    pub v: V1,
    /// Since when is counted, in the one of what was ever counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<Timestamp>,
    /// What was counted.
    pub tally: Tally,
}

/// What an isolate told last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// The version of this form.
    pub v: V1,
    /// Its number.
    pub sequence: u64,
    /// When that was.
    pub at: Timestamp,
}

const TOTAL: &str = "total";

/// A command under way.
pub enum Answering {
    /// The rows that it changes are looked at.
    Adding(Box<Delta>),
    /// They are being written.
    Added,
    /// Rows are looked at, from one level to the next.
    Summing {
        /// What is asked for.
        window: Window,
        /// The level that is looked at.
        level: usize,
        /// What was found until now.
        summary: Box<Summary>,
    },
    /// What was ever counted is looked at.
    Totalling,
}

/// What to do next: a step, or the outcome is there.
pub enum Next<S> {
    /// This, and then it goes on with what was found.
    Step(S, Step),
    /// It is done.
    Done(Outcome),
}

impl Answering {
    /// The first step of a command.
    pub fn begin(command: Command) -> (Self, Step) {
        match command {
            Command::Add(delta) => {
                let keys = vec![MINUTES.key(delta.minute), TOTAL.to_owned(), heard_key(&delta.isolate)];
                (Self::Adding(delta), Step::Get(keys))
            }
            Command::Sum(window) => {
                let step = MINUTES.list(window.since, NEVER, PAGE);
                (Self::Summing { window, level: 0, summary: Box::default() }, step)
            }
            Command::Total => (Self::Totalling, Step::Get(vec![TOTAL.to_owned()])),
        }
    }

    /// Goes on with what was found; after a write that is nothing.
    pub fn next(self, found: &[Stored], now: Timestamp) -> Result<Next<Self>, json::Error> {
        match self {
            Self::Adding(delta) => add(&delta, found, now),
            Self::Added => Ok(Next::Done(Outcome::Added)),
            Self::Totalling => {
                let row = read_row(found, TOTAL)?.unwrap_or_default();
                let summary = Summary { tally: row.tally, began: row.began, ..Summary::default() };
                Ok(Next::Done(Outcome::Summed(Box::new(summary))))
            }
            Self::Summing { window, level, mut summary } => {
                let Some(rows) = LEVELS.get(level) else { return Ok(Next::Done(Outcome::Summed(summary))) };
                let mut last = None;
                for (key, text) in found {
                    if let Some(at) = rows.at(key) {
                        summary.add(window, at, &json::read::<Row>(text.as_bytes())?.tally);
                        last = Some(at);
                    }
                }
                let more = last.filter(|_| found.len() >= PAGE as usize);
                let (level, from) = more.map_or((level + 1, window.since), |last| (level, last + rows.span));
                let Some(rows) = LEVELS.get(level) else { return Ok(Next::Done(Outcome::Summed(summary))) };
                Ok(Next::Step(Self::Summing { window, level, summary }, rows.list(from, NEVER, PAGE)))
            }
        }
    }
}

/// What was told is counted, unless it was already.
fn add(delta: &Delta, found: &[Stored], now: Timestamp) -> Result<Next<Answering>, json::Error> {
    let (minute, isolate) = (MINUTES.key(delta.minute), heard_key(&delta.isolate));
    let heard = text(found, &isolate).map(|text| json::read::<Heard>(text.as_bytes())).transpose()?;
    if heard.is_some_and(|heard| delta.sequence <= heard.sequence) {
        return Ok(Next::Done(Outcome::Repeated));
    }
    let before = read_row(found, &minute)?;
    let wake = before.is_none();
    let mut row = before.unwrap_or_default();
    row.tally.merge(&delta.tally);
    let mut total = read_row(found, TOTAL)?.unwrap_or_default();
    total.began.get_or_insert(now);
    total.tally.accumulate(&delta.tally);
    let heard = Heard { v: V1, sequence: delta.sequence, at: now };
    let put = vec![(minute, written(&row)), (TOTAL.to_owned(), written(&total)), (isolate, written(&heard))];
    Ok(Next::Step(Answering::Added, Step::Write(Writes { put, delete: Vec::new(), wake })))
}

fn text<'a>(found: &'a [Stored], key: &str) -> Option<&'a str> {
    found.iter().find(|(name, _)| name == key).map(|(_, text)| text.as_str())
}

pub(super) fn read_row(found: &[Stored], key: &str) -> Result<Option<Row>, json::Error> {
    text(found, key).map(|text| json::read(text.as_bytes())).transpose()
}

pub(super) fn written(value: &impl Serialize) -> String {
    // Texts and numbers, so there is no failure to report.
    serde_json::to_string(value).unwrap_or_default()
}
