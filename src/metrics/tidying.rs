//! What an alarm does in a shard, step by step: rows that are old become parts of longer ones, and what is too old for
//! that is forgotten.
//!
//! Not here: when the alarm rings (`edge`).

use super::floor;
use super::rows::{LEVELS, Level, NEVER, StorageStep, StoredRow, Writes, heard_of, list_heard};
use super::shard::{Heard, Row, read_row, written};
use crate::json;
use crate::time::{Lifetime, Timestamp};

/// How long the last number of an isolate that says nothing is remembered.
const HEARD: Lifetime = Lifetime::days(2);

/// An alarm under way.
pub struct Tidying {
    at: Place,
    is_anything_left: bool,
}

/// Where it is.
enum Place {
    /// Whether the oldest row of a level is old enough is looked at.
    Oldest(usize),
    /// All rows are looked at that become part of the same one as that.
    Gathering(usize, Timestamp),
    /// That one is looked at.
    Joining(usize, Timestamp, Vec<StoredRow>),
    /// What was done with a level is being written.
    Level(usize),
    /// What isolates told last is looked at.
    Isolates,
    /// It is being written, and goes on from an isolate on, if at all.
    Forgetting(Option<String>),
}

/// What to do next.
pub enum Tidied {
    /// This, and then it goes on with what was found; after a write that is nothing.
    Step(Tidying, StorageStep),
    /// It is done. Whether an alarm has to ring again.
    Done(bool),
}

impl Tidying {
    /// The first step.
    pub fn begin() -> (Self, StorageStep) {
        let oldest = LEVELS.first().map_or_else(|| list_heard(""), |level| level.list(Timestamp(0), NEVER, 1));
        (Self { at: Place::Oldest(0), is_anything_left: false }, oldest)
    }

    /// Goes on with what was found.
    pub fn next(mut self, found: Vec<StoredRow>, now: Timestamp) -> Result<Tidied, json::Error> {
        Ok(match std::mem::replace(&mut self.at, Place::Isolates) {
            Place::Oldest(number) => {
                let Some(level) = LEVELS.get(number) else { return Ok(self.isolates("")) };
                let oldest = found.first().and_then(|(key, _)| level.at(key));
                let old = oldest.filter(|at| (*at + level.kept).reached(now));
                self.is_anything_left |= oldest.is_some();
                match (old, LEVELS.get(number + 1)) {
                    (None, _) => self.level(number + 1),
                    (Some(_), None) => self.step(Place::Level(number), StorageStep::Write(forgotten(found))),
                    (Some(at), Some(longer)) => {
                        let begins = floor(at, longer.span);
                        let limit = u32::try_from(longer.span.0 / level.span.0).unwrap_or(u32::MAX);
                        let rows = level.list(begins, begins + longer.span, limit);
                        self.step(Place::Gathering(number, begins), rows)
                    }
                }
            }
            Place::Gathering(number, begins) => {
                let Some(longer) = LEVELS.get(number + 1) else { return Ok(self.isolates("")) };
                let key = longer.key(begins);
                self.step(Place::Joining(number, begins, found), StorageStep::Get(vec![key]))
            }
            Place::Joining(number, begins, rows) => {
                let Some(longer) = LEVELS.get(number + 1) else { return Ok(self.isolates("")) };
                let writes = joined(*longer, begins, rows, &found)?;
                self.step(Place::Level(number), StorageStep::Write(writes))
            }
            Place::Level(number) => self.level(number),
            Place::Isolates => {
                let is_full = found.len() >= crate::metrics::rows::PAGE as usize;
                let last = found.last().and_then(|(key, _)| heard_of(key)).filter(|_| is_full);
                let further = last.map(|last| format!("{last}\0"));
                let all = found.len();
                let old: Vec<_> = found.into_iter().filter(|(_, text)| is_old(text, now)).collect();
                self.is_anything_left |= old.len() < all;
                self.step(Place::Forgetting(further), StorageStep::Write(forgotten(old)))
            }
            Place::Forgetting(Some(from)) => self.isolates(&from),
            Place::Forgetting(None) => Tidied::Done(self.is_anything_left),
        })
    }

    fn step(self, at: Place, step: StorageStep) -> Tidied {
        Tidied::Step(Self { at, ..self }, step)
    }

    fn level(self, number: usize) -> Tidied {
        match LEVELS.get(number) {
            Some(level) => self.step(Place::Oldest(number), level.list(Timestamp(0), NEVER, 1)),
            None => self.isolates(""),
        }
    }

    fn isolates(self, from: &str) -> Tidied {
        self.step(Place::Isolates, list_heard(from))
    }
}

/// Rows become part of a longer one, as it was found.
fn joined(longer: Level, begins: Timestamp, rows: Vec<StoredRow>, found: &[StoredRow]) -> Result<Writes, json::Error> {
    let key = longer.key(begins);
    let mut row = read_row(found, &key)?.unwrap_or_default();
    for (_, text) in &rows {
        row.tally.merge(&json::read::<Row>(text.as_bytes())?.tally);
    }
    Ok(Writes { put: vec![(key, written(&row))], ..forgotten(rows) })
}

fn forgotten(rows: Vec<StoredRow>) -> Writes {
    Writes { delete: rows.into_iter().map(|(key, _)| key).collect(), ..Writes::default() }
}

fn is_old(text: &str, now: Timestamp) -> bool {
    json::read::<Heard>(text.as_bytes()).is_ok_and(|heard| (heard.at + HEARD).reached(now))
}
