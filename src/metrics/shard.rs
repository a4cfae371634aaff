//! A shard of the sums, step by step: which rows it has to see, which it writes, and when it has an answer.
//!
//! Every count lies in exactly one row of a minute, an hour or a day: once it is old, a row becomes part of a longer
//! one, and in the end it is forgotten. Beside them are what was ever counted, for whoever wants counters that never go
//! down, and the last number of each isolate. Not here: reading and writing (`edge`), the sums themselves (`summary`).

use serde::{Deserialize, Serialize};

use super::command::{Command, Outcome};
use super::delta::Delta;
use super::rows::{LEVELS, MINUTES, NEVER, PAGE, StorageStep, StoredRow, Writes, heard_key};
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
    Step(S, StorageStep),
    /// It is done.
    Done(Outcome),
}

impl Answering {
    /// The first step of a command.
    pub fn begin(command: Command) -> (Self, StorageStep) {
        match command {
            Command::Add(delta) => {
                let keys = vec![MINUTES.key(delta.minute), TOTAL.to_owned(), heard_key(&delta.isolate)];
                (Self::Adding(delta), StorageStep::Get(keys))
            }
            Command::Sum(window) => {
                let step = MINUTES.list(window.since, NEVER, PAGE);
                (Self::Summing { window, level: 0, summary: Box::default() }, step)
            }
            Command::Total => (Self::Totalling, StorageStep::Get(vec![TOTAL.to_owned()])),
        }
    }

    /// Goes on with what was found; after a write that is nothing.
    pub fn next(self, found: &[StoredRow], now: Timestamp) -> Result<Next<Self>, json::Error> {
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
fn add(delta: &Delta, found: &[StoredRow], now: Timestamp) -> Result<Next<Answering>, json::Error> {
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
    Ok(Next::Step(Answering::Added, StorageStep::Write(Writes { put, delete: Vec::new(), wake })))
}

fn text<'a>(found: &'a [StoredRow], key: &str) -> Option<&'a str> {
    found.iter().find(|(name, _)| name == key).map(|(_, text)| text.as_str())
}

pub(super) fn read_row(found: &[StoredRow], key: &str) -> Result<Option<Row>, json::Error> {
    text(found, key).map(|text| json::read(text.as_bytes())).transpose()
}

pub(super) fn written(value: &impl Serialize) -> String {
    // Texts and numbers, so there is no failure to report.
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::delta::tests::GOLDEN;
    use crate::metrics::ranking::RequestCount;
    use crate::time::Lifetime;

    const NOW: Timestamp = Timestamp(1_900_000_000);
    const MINUTE_ROW: &str = "minute:001899999960";
    const ISOLATE_ROW: &str = "isolate:AQEBAQEBAQEBAQEBAQEBAQ";

    fn delta() -> Delta {
        json::read(GOLDEN.as_bytes()).unwrap()
    }

    /// What a command reads first, and what it does with what it finds there.
    fn run(command: Command, found: &[StoredRow]) -> (StorageStep, Next<Answering>) {
        let (answering, first) = Answering::begin(command);
        (first, answering.next(found, NOW).unwrap())
    }

    fn writes(next: Next<Answering>) -> Writes {
        match next {
            Next::Step(_, StorageStep::Write(writes)) => writes,
            _ => panic!("nothing is written"),
        }
    }

    #[test]
    fn rows_are_stored_like_this() {
        let (first, next) = run(Command::Add(Box::new(delta())), &[]);
        let keys = [MINUTE_ROW, "total", ISOLATE_ROW].map(str::to_owned);
        assert_eq!(first, StorageStep::Get(keys.clone().into()));
        let tally = GOLDEN.split_once(r#""tally":"#).unwrap().1.trim_end_matches('}').to_owned() + "}";
        let mut unnamed = tally.clone();
        for label in ["demo/echo", "claude", "dev:alice"] {
            unnamed = unnamed.replace(&format!(r#""{label}":[1,0]"#), "");
        }
        let [minute, total, isolate] = [
            format!(r#"{{"v":1,"tally":{tally}}}"#),
            format!(r#"{{"v":1,"began":1900000000,"tally":{unnamed}}}"#),
            r#"{"v":1,"sequence":2,"at":1900000000}"#.to_owned(),
        ];
        let put: Vec<_> = keys.into_iter().zip([minute, total, isolate]).collect();
        assert_eq!(writes(next), Writes { put: put.clone(), delete: Vec::new(), wake: true });

        let again = Delta { sequence: 3, ..delta() };
        let second = writes(run(Command::Add(Box::new(again)), &put).1);
        assert!(!second.wake, "its alarm is set");
        let row = json::read::<Row>(second.put[0].1.as_bytes()).unwrap();
        assert_eq!(row.tally.all, RequestCount { requests: 2, failures: 0 });
        assert_eq!(json::read::<Row>(second.put[1].1.as_bytes()).unwrap().began, Some(NOW), "it began when it did");
    }

    #[test]
    fn what_an_isolate_told_already_is_not_counted_again() {
        let heard = |sequence: u64| {
            vec![(ISOLATE_ROW.to_owned(), format!(r#"{{"v":1,"sequence":{sequence},"at":1900000000}}"#))]
        };
        for sequence in [2, 3, 100] {
            let (_, next) = run(Command::Add(Box::new(delta())), &heard(sequence));
            assert!(matches!(next, Next::Done(Outcome::Repeated)), "{sequence}");
        }
        assert_eq!(writes(run(Command::Add(Box::new(delta())), &heard(1)).1).put.len(), 3);
    }

    #[test]
    fn a_row_that_cannot_be_read_is_not_taken_for_none() {
        for found in [(MINUTE_ROW, "{"), ("total", r#"{"v":2,"tally":{}}"#), (ISOLATE_ROW, "3")] {
            let (answering, _) = Answering::begin(Command::Add(Box::new(delta())));
            assert!(answering.next(&[(found.0.to_owned(), found.1.to_owned())], NOW).is_err(), "{found:?}");
        }
    }

    #[test]
    fn a_full_page_is_followed_by_the_next_and_then_by_longer_rows() {
        let window = Window { since: Timestamp(1_899_936_000), step: Lifetime::hours(1) };
        let row = |at: u64| (MINUTES.key(Timestamp(at)), r#"{"v":1,"tally":{"all":[1,0]}}"#.to_owned());
        let page: Vec<_> = (0..60).map(|n| row(1_899_936_000 + n * 60)).collect();
        let (answering, first) = Answering::begin(Command::Sum(window));
        let list = |from: &str, to: &str| StorageStep::List { from: from.into(), to: to.into(), limit: 60 };
        assert_eq!(first, list("minute:001899936000", "minute:999999999960"));
        let Next::Step(answering, second) = answering.next(&page, NOW).unwrap() else { panic!("it is done") };
        assert_eq!(second, list("minute:001899939600", "minute:999999999960"));
        let Next::Step(answering, hours) = answering.next(&page[..1], NOW).unwrap() else { panic!("it is done") };
        assert_eq!(hours, list("hour:001899936000", "hour:999999997200"));
        let Next::Step(answering, _) = answering.next(&[], NOW).unwrap() else { panic!("it is done") };
        let Next::Done(Outcome::Summed(summary)) = answering.next(&[], NOW).unwrap() else { panic!("it goes on") };
        assert_eq!((summary.tally.all.requests, summary.points.len()), (61, 1));
    }
}
